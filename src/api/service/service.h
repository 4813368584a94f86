/*
 * The dialect of service.md (/api/v1/{files,jobs,transcriptions,keys,auth}): what its files share.
 *
 * Its words for states: queued is "pending", running "processing", succeeded "completed"; "failed" and "cancelled".
 */
#ifndef TIRO_API_SERVICE_SERVICE_H
#define TIRO_API_SERVICE_SERVICE_H

#include "api/answer.h"
#include "api/call.h"
#include "api/input.h"
#include "base/json.h"
#include "jobs/job_file.h"
#include "jobs/job_row.h"

enum { SERVICE_LIMIT_DEFAULT = 50, SERVICE_LIMIT_MAX = 1000 };

/* Bytes of an answer with lists; 1000 rows with names of a kilobyte. */
#define SERVICE_ANSWER_MAX ((size_t)16 * 1024 * 1024)

/* -- handlers, by file ------------------------------------------------------------------------------- */

/* auth.c */
extern const struct http_handler service_register, service_log_in, service_refresh;
/* upload.c */
extern const struct http_handler service_upload;
/* files.c */
extern const struct http_handler service_files, service_file, service_delete_file;
/* content.c */
extern const struct http_handler service_content;
/* events.c */
extern const struct http_handler service_events;
/* jobs.c */
extern const struct http_handler service_jobs, service_job, service_cancel, service_retry;
/* transcription.c */
extern const struct http_handler service_transcription;
/* keys.c */
extern const struct http_handler service_file_key, service_share, service_unshare, service_own_key;

/* -- words and shapes (shape.c) ---------------------------------------------------------------------- */

const char *service_state_name(enum job_state state);
/* -1 where there is no such state. */
int service_state_find(const char *name);

/* The struct api_dialect's shape of errors. */
void service_shape(const struct api_problem *problem, struct strbuf *body);

/* Objects of the document, as one JSON value each. */
void service_file_json(struct json *j, const struct job_file *file);
void service_job_json(struct json *j, const struct job_row *job);

/* A page of a list, `{NAME: [...], "total": n}`. */
struct service_list {
	const char *name;
	const void *rows;
	size_t count;
	uint64_t total; /* of all pages */
	void (*add)(struct json *j, const void *rows, size_t i);
};
void service_reply_list(struct http_request *request, const struct service_list *list);

/* -- what several handlers read and do --------------------------------------------------------------- */

/* `limit` and `offset` of the query. */
void service_page(struct api_input *in, size_t *ret_limit, size_t *ret_offset);

/*
 * For what only the owner may do: an error that says "not found" about a file that the user may read after all (it is
 * shared with them) becomes ERR_DENIED, which service_fail_owner answers with 403. In the pool.
 */
enum err_code service_owner_error(const struct api_call *call, const struct uuid *file, struct err *err);
void service_fail_owner(struct api_call *call);

#endif
