/*
 * A file's events as server-sent events: "upload_progress", "job_progress", then "completed", "failed" or "cancelled",
 * after which the stream ends. Begins with the first event, so that an answer of another kind is possible before.
 *
 * Loop's thread.
 */
#ifndef TIRO_API_SERVICE_STREAM_H
#define TIRO_API_SERVICE_STREAM_H

#include "api/service/service.h"

struct service_stream;

struct service_stream_spec {
	struct uuid file;
	int64_t after_id; /* the last event that the client has seen; 0: none */
	bool has_ended; /* the job: where nothing follows after_id the answer is 204, at which browsers stop asking */
};

/* Answers the request with the stream; the caller closes it in its on_close. Errors: ERR_NO_MEMORY; not answered then.
 */
enum err_code service_stream_open(struct http_request *request, const struct service_stream_spec *spec,
				  struct service_stream **ret, struct err *err) MUST_CHECK;

/* Begins the answer now, for who has something to say by service_stream_fail only. */
void service_stream_begin(struct service_stream *stream);

/* Sends a "failed" event that is no event of the file's, and ends the stream. */
void service_stream_fail(struct service_stream *stream, const struct err *why);

/* The server stops: the stream ends now, or `after_upload` with the event that says that the upload is complete. A
 * client comes back to another server with the last id that it has seen. NULL is fine. */
void service_stream_stop(struct service_stream *stream, bool after_upload);

/* In on_close; NULL is fine. */
void service_stream_close(struct service_stream *stream);

#endif
