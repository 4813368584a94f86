/*
 * What `tiro serve` and `tiro worker` have in common: everything behind the API, opened from the settings in order and
 * closed in the opposite one, and the life of the process between (signals, drain).
 */
#ifndef TIRO_CLI_SERVER_H
#define TIRO_CLI_SERVER_H

#include <uv.h>

#include "api/api.h"
#include "cli/backends.h"
#include "files/store_marker.h"

struct listener {
	struct http_server *server;
	struct http_server_ops ops;
	struct api_routes routes;
};

/* Work of the pool that comes again and again, never twice at once. */
struct chore {
	struct http_work work; /* first */
	uv_timer_t timer;
	struct server *server;
	bool is_running;
};

struct server {
	const struct settings *settings;
	uv_loop_t loop;
	bool has_loop;
	struct db *db;
	struct db *api_db; /* the same for requests, which do not wait for it to come back */
	struct blob_store *blobs;
	struct keyring *keyring;
	struct accounts *accounts;
	struct part_queue *queue;
	struct http_pool *pool; /* of the worker; the API has its own */
	struct worker *worker;
	struct files files, api_files;
	struct store_marker marker;
	struct err storage; /* what the last look at the store said; code ERR_OK: all is well */
	int model_fd, vad_fd;
	struct api api; /* of a worker: only what its health needs */
	struct http_tls *tls;
	struct proxies *proxies; /* NULL: none is trusted */
	struct listener http, health; /* their servers are NULL where nothing is listened to */
	/* -- life */
	uv_signal_t term, interrupt;
	struct chore sweep, check, history, storage_check;
	struct err storage_seen; /* by the check that runs */
	int64_t sweep_before_us; /* 0: the first is still to come */
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
