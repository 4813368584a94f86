/*
 * The API: what the handlers of all dialects share, and the server's callbacks (who is it, what does an error look
 * like, what is logged). One struct api per server; it is filled once at start, and everything in it is borrowed from
 * the program.
 *
 * All functions: the loop's thread, unless they say otherwise.
 */
#ifndef TIRO_API_API_H
#define TIRO_API_API_H

#include "accounts/access.h"
#include "accounts/accounts.h"
#include "api/access_log.h"
#include "api/dialect.h"
#include "api/rights.h"
#include "files/files.h"
#include "http/server.h"
#include "http/work.h"
#include "jobs/events.h"
#include "jobs/probe.h"
#include "jobs/worker.h"

struct uv_loop_s;
struct api_upload;

struct api {
	struct uv_loop_s *loop;
	const struct files *files; /* whose database refuses at once while it is away (store/impatient.h) */
	struct part_queue *queue;
	struct event_hub *hub;
	struct accounts *accounts;
	struct access_cache *access;
	struct rights_watch *rights;
	struct api_upload *uploads; /* that are open (api/upload/upload.h) */
	struct access_log *access_log;
	struct http_pool *pool; /* what waits for the database, or reads something small */
	struct http_pool *transfers; /* files on their way in and out: a slow store shall not keep questions waiting */
	struct prober *prober; /* how long an upload is */
	struct http_pool *passwords; /* hashes: a few threads, a short queue, so that a flood of log-ins is a 503 */
	const struct worker *worker; /* of this node; NULL: none */
	const struct err *storage; /* what the last look at the object store said; code ERR_OK: all is well */
	const char
		*model; /* that the worker's engine has loaded: a name as models/models.h knows it, or the user's own */
	uint64_t upload_max_bytes; /* of one file */
	int64_t hang_up_grace_us; /* after which a job is cancelled that nobody waits for any more */
	bool is_stopping; /* the server drains: no event stream begins any more */
};

/* Who may use a route; the zero value is none, so that no route is open by oversight (http/route.h). */
enum api_scope {
	API_ANYBODY = 1,
	API_USER, /* a Bearer access token of a session */
	API_TOKEN /* a Bearer API token with the permission that the method needs: to read for GET, else to write */
};

/* The object that the server of this request belongs to. */
struct api *api_of(const struct http_request *request);

/* Who sends the request, and which application of theirs is charged; on all routes but API_ANYBODY's. */
const struct access *api_access(const struct http_request *request);
/* The user's id alone. */
const struct uuid *api_user(const struct http_request *request);

/* -- starting ---------------------------------------------------------------------------------------- */

/* The routes of all dialects, or those of a worker, and the router over them. Errors: those of http_router_new. */
struct api_routes {
	struct http_route *rows; /* owned */
	size_t count;
	struct http_router *router; /* owned */
};
enum api_extent { API_ALL, API_HEALTH_ONLY };
enum err_code api_routes_make(enum api_extent extent, struct api_routes *ret, struct err *err) MUST_CHECK;
void api_routes_done(struct api_routes *routes);

/* For struct http_server_spec, whose owner is the struct api: its callbacks but on_drained, and the headers that every
 * answer has (constant). */
struct http_server_ops api_server_ops(void);
const struct http_header *api_security_headers(size_t *ret_count);

/* -- errors ------------------------------------------------------------------------------------------ */

/* Answers with an error in the shape of the dialect that owns the path. */
void api_fail(struct http_request *request, const struct api_problem *problem);

/* The same for an error of the rooms below: its code tells the status. What is the server's own business (5xx but a
 * full quota) is logged with the request's id, and the user is told only that it failed. */
void api_fail_err(struct http_request *request, const struct err *err);

/* 400 for one field of the request. */
void api_fail_field(struct http_request *request, const char *field, const char *reason);

#endif
