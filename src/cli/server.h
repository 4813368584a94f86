/*
 * What `tiro serve` and `tiro worker` have in common: everything behind the API, opened from the settings in order and
 * closed in the opposite one, and the life of the process between (signals, drain).
 */
#ifndef TIRO_CLI_SERVER_H
#define TIRO_CLI_SERVER_H

#include <uv.h>

#include "api/api.h"
#include "cli/backends.h"

struct server {
	const struct settings *settings;
	uv_loop_t loop;
	bool has_loop;
	struct db *db;
	struct blob_store *blobs;
	struct keyring *keyring;
	struct accounts *accounts;
	struct part_queue *queue;
	struct http_pool *pool; /* of the worker; the API has its own */
	struct worker *worker;
	struct files files;
	int model_fd, vad_fd;
	/* -- the API; NULL in a worker */
	struct access_cache *access;
	struct event_hub *hub;
	struct api api;
	/* -- HTTP; NULL where nothing is listened to */
	struct api_routes routes;
	struct http_server_ops ops;
	struct http_tls *tls;
	struct http_server *http;
	/* -- life */
	uv_signal_t term, interrupt;
	uv_timer_t sweep;
	struct http_work sweeping;
	bool is_sweeping;
	bool has_handles;
	bool is_draining, http_drained, worker_drained;
};

/* What a command adds to the settings. */
struct server_options {
	bool with_api;
	bool fake_engine; /* for tests */
	const char *openvino;
};

/* Opens all, serves until a signal says otherwise, and closes all. Blocks. Errors: those of what could not be opened;
 * what happens later is logged. */
enum err_code server_run(const struct settings *settings, const struct server_options *options, struct err *err)
	MUST_CHECK;

/* -- between server.c and server_life.c --------------------------------------------------------------- */

/* Starts signals and the sweep, turns the loop until the process shall end, and stops them. */
void server_live(struct server *server);

#endif
