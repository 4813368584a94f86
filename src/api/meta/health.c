/* /livez: the loop turns. /readyz: requests can be served and recordings recognised; the store's part of it is what the
 * program saw last (cli/server_life.c), for a store that is away is slow to say so. */
#include "api/meta/meta.h"
#include "base/json.h"
#include "http/response.h"

enum {
	OK = 200,
	UNAVAILABLE = 503,
	BODY_MAX = 4096,
	/* Who asks (a load balancer) waits for a few seconds. */
	READY_TIMEOUT_MS = 2000
};

static void on_livez(struct http_request *request)
{
	static const char body[] = "{\"status\":\"ok\"}";
	http_reply(request, &(struct http_reply){ .status = OK,
						  .content_type = "application/json",
						  .body = body,
						  .body_len = sizeof body - 1 });
}

const struct http_handler meta_livez = { .on_end = on_livez };

/* -- ready --------------------------------------------------------------------------------------------- */

struct ready_call {
	struct api_call call; /* first */
	struct err database;
};

static enum err_code run_look(struct db_tx *tx, void *arg, struct err *err)
{
	static const struct db_stmt look = { .sql = "SELECT 1", .params = "" };
	(void)arg;
	return db_query(tx, &look, NULL, NULL, err);
}

/* What is wrong with the database is an answer, not a failure. */
static enum err_code run(struct api_call *call, struct err *err)
{
	struct ready_call *c = (struct ready_call *)call;
	const struct db_work work = {
		.mode = DB_READ, .is_single = true, .run = run_look, .timeout_ms = READY_TIMEOUT_MS
	};
	struct err why = { .code = ERR_OK };
	(void)err;
	if (db_run(call->api->files->db, &work, &why) != ERR_OK)
		c->database = why;
	return ERR_OK;
}

/* The words for people are in the log: whoever asks here is not known. */
static void key_check(struct json *j, const char *key, bool is_fine, const struct err *why)
{
	json_key_str(j, key, is_fine ? "ok" : why->code == ERR_OK ? "starting" : err_name(why->code));
}

static void reply(struct api_call *call)
{
	const struct ready_call *c = (const struct ready_call *)call;
	struct err worker = { .code = ERR_OK };
	bool has_worker = !call->api->worker || worker_is_ready(call->api->worker, &worker);
	bool has_database = c->database.code == ERR_OK;
	bool has_storage = call->api->storage->code == ERR_OK;
	bool is_ready = has_worker && has_database && has_storage && !call->api->is_stopping;
	cleanup_strbuf struct strbuf body = STRBUF_INIT(BODY_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	json_key_str(&j, "status", is_ready ? "ready" : call->api->is_stopping ? "stopping" : "not ready");
	json_key(&j, "checks");
	json_object(&j);
	key_check(&j, "database", has_database, &c->database);
	key_check(&j, "storage", has_storage, call->api->storage);
	key_check(&j, "worker", has_worker, &worker);
	json_object_end(&j);
	json_object_end(&j);
	http_reply_json(call->request, is_ready ? OK : UNAVAILABLE, &body);
}

static const struct api_call_kind kind = { .size = sizeof(struct ready_call), .run = run, .reply = reply };

static void on_readyz(struct http_request *request)
{
	struct api_call *call = api_call_new(request, &kind);
	if (call)
		api_call_start(call);
}

const struct http_handler meta_readyz = { .on_end = on_readyz };
