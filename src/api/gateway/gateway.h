/*
 * The dialect of gateway.md: what its files share. So far the dashboard: applications, their tokens and usage.
 */
#ifndef TIRO_API_GATEWAY_GATEWAY_H
#define TIRO_API_GATEWAY_GATEWAY_H

#include "api/answer.h"
#include "api/call.h"
#include "api/input.h"
#include "store/db.h"

enum { GATEWAY_PAGE_SIZE = 50, GATEWAY_PAGE_SIZE_MAX = 200, GATEWAY_PAGE_MAX = 1000000 };

/* Bytes of an answer: a page of applications with their descriptions, every character of them escaped. */
#define GATEWAY_ANSWER_MAX ((size_t)4 * 1024 * 1024)

/* -- handlers, by file ------------------------------------------------------------------------------- */

/* auth.c */
extern const struct http_handler gateway_register, gateway_log_in, gateway_refresh, gateway_log_out, gateway_me;
/* apps.c */
extern const struct http_handler gateway_add_app, gateway_apps, gateway_app, gateway_change_app, gateway_delete_app,
	gateway_activate, gateway_deactivate;
/* tokens.c */
extern const struct http_handler gateway_add_token, gateway_tokens, gateway_revoke;
/* usage.c */
extern const struct http_handler gateway_app_usage;

/* -- calls that are one unit of work (call.c) -------------------------------------------------------- */

/* `call` is a struct that begins with a struct gateway_call. */
typedef enum err_code gateway_unit(struct db_tx *tx, void *call, struct err *err);

struct gateway_call {
	struct api_call call; /* first */
	enum db_mode mode;
	gateway_unit *unit;
	int64_t now_us; /* set before the unit runs */
};

/* api_call_new for a kind with gateway_run. */
void *gateway_call_new(struct http_request *request, const struct api_call_kind *kind, enum db_mode mode,
		       gateway_unit *unit);

/* For struct api_call_kind. What is too many is 403 "limit_reached". */
enum err_code gateway_run(struct api_call *call, struct err *err);
void gateway_fail(struct api_call *call);

/* -- shapes (shape.c) -------------------------------------------------------------------------------- */

/* The struct api_dialect's shape of errors. */
void gateway_shape(const struct api_problem *problem, struct strbuf *body);

/* A time, or null where it is 0. */
void gateway_key_time(struct json *j, const char *key, int64_t us);

/* A page of a list: `page` (from 1) and `page_size` of the query. */
struct gateway_page {
	size_t page, size;
};
void gateway_read_page(struct api_input *in, struct gateway_page *ret);
size_t gateway_offset(const struct gateway_page *page);

/* Answers with `{count, next, previous, results}`; 404 for a page behind the last. */
struct gateway_list {
	struct gateway_page page;
	const void *rows;
	size_t count;
	int64_t total; /* of all pages */
	void (*add)(struct json *j, const void *rows, size_t i);
};
void gateway_answer_list(struct http_request *request, const struct gateway_list *list);

#endif
