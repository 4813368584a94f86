/*
 * An upload of one recording by a form (multipart/form-data), in any dialect: what is common to all of them. The
 * request's bytes go through the form's parser into an intake; when both are through, the file and its job are there in
 * one moment, and the dialect answers. Memory is the same for any size, because the client is held back while the
 * intake has no room.
 *
 *     struct my_upload { struct api_upload upload; ... };                      first
 *     static const struct api_upload_kind kind = { .size = sizeof(struct my_upload), .file_field = "file", ... };
 *     static void on_start(struct http_request *request) { (void)api_upload_start(request, &kind); }
 *     const struct http_handler my_handler = { .on_start = on_start, .on_body = api_upload_on_body, ... };
 *
 * The loop's thread, but for what says otherwise.
 */
#ifndef TIRO_API_UPLOAD_UPLOAD_H
#define TIRO_API_UPLOAD_UPLOAD_H

#include "api/api.h"
#include "files/intake.h"
#include "files/kind.h"
#include "http/multipart.h"
#include "jobs/job_request.h"
#include "jobs/probe.h"

/* Bytes of one option's value. */
enum { API_OPTION_VALUE_MAX = 4096 };

/* Bytes of the form beside the file: a few fields, and the heads of the parts. */
#define API_UPLOAD_FORM_BYTES ((uint64_t)64 * 1024)

struct api_upload;

/* What a client may say beside the file, as a field of the form or of the query. */
struct api_upload_option {
	const char *name;
	/* Errors: those of api_upload_wrong. */
	enum err_code (*take)(struct api_upload *upload, const char *value, struct err *err);
};

/* A dialect's kind of upload; constant. */
struct api_upload_kind {
	size_t size; /* of the struct that begins with a struct api_upload */
	const char *file_field; /* the name of the file's part; a part with a file name is taken for it too */
	const struct api_upload_option *options;
	size_t option_count;
	/* The recording's length is reserved before the job is made (jobs/probe.h), so that parallel uploads cannot
	 * overshoot the plan; what is no recording is refused. Else the plan reserves what it finds. */
	bool is_probed;
	/* Reads the head of the request and sets upload->job.id. Errors: any. */
	enum err_code (*begin)(struct api_upload *upload, struct err *err);
	/* All fields are there. Errors: any. NULL: nothing to judge. */
	enum err_code (*check)(struct api_upload *upload, struct err *err);
	/* The file has a row, and the request is there and not answered. NULL: nothing to do. */
	void (*on_begun)(struct api_upload *upload);
	/* File and job are stored, and the request is there and not answered. */
	void (*reply)(struct api_upload *upload);
	/* For a kind that waits for its jobs (jobs/job_request.h): the same request has a job already, that of
	 * upload->job_request, and this one's file is dropped. NULL: nothing is looked for. */
	void (*attach)(struct api_upload *upload);
	/* It failed, and the request is there. NULL: api_upload_reply_error. */
	void (*fail)(struct api_upload *upload, const struct err *why);
};

/* Uploads that a user may have open on a node: each holds blocks of memory, however slowly its client sends. */
enum { API_UPLOADS_OPEN_MAX = 64 };

/* What the form's parser is in. What belongs to no part that is known is passed over. */
enum api_upload_part { API_PART_IGNORED, API_PART_FILE, API_PART_OPTION };

/* Lives until the request is closed and the intake has told its end. */
struct api_upload {
	const struct api_upload_kind *kind;
	struct http_request *request; /* NULL: closed */
	struct api *api;
	struct job_new job; /* read by the pool's thread while the file is stored */
	bool is_answered; /* by the dialect, or it is about to */
	struct job_request
		job_request; /* of a kind that attaches; read and written by the pool's thread like the job */
	/* Why the plan had no room, where an error is ERR_QUOTA. */
	struct usage_shortage shortage;
	struct api_problem problem; /* status 0: the error says it all */
	/* The rest is this module's own. */
	struct api_upload *next, **link; /* api->uploads; link NULL: not among them */
	struct multipart *parser; /* owned */
	struct intake *intake; /* NULL: no file yet, or it has ended */
	struct probe probe;
	struct err probe_why; /* what it found against the file */
	bool is_finishing; /* all bytes are fed */
	enum api_upload_part part; /* that is being read */
	bool has_file;
	char name[FILE_NAME_MAX_BYTES + 1];
	char content_type[FILE_TYPE_MAX_BYTES + 1];
	char head[FILE_KIND_BYTES]; /* first bytes, held back until it is known what they are */
	size_t head_len;
	uint64_t announced_bytes; /* 0: not announced */
	uint64_t fed_bytes; /* of the file */
	const struct api_upload_option *option; /* that is being read */
	char value[API_OPTION_VALUE_MAX + 1];
	size_t value_len;
	struct api_fault fault; /* of the problem; its texts are in: */
	char message[ERR_MESSAGE_MAX];
};

/* Begins with the head of the request. NULL: there was no memory, and the request is answered. */
struct api_upload *api_upload_start(struct http_request *request, const struct api_upload_kind *kind);

/* For the dialect's handler. */
void api_upload_on_body(struct http_request *request, const char *bytes, size_t len);
void api_upload_on_end(struct http_request *request);
void api_upload_on_close(struct http_request *request, enum http_outcome outcome);

/* Fills upload->problem for a field of the request (400), and returns ERR_INVALID. */
enum err_code api_upload_wrong(struct api_upload *upload, const char *field, const char *reason, struct err *err);

/* Ends the upload with an error, which the kind answers; nothing is left of the file. While the request is there and
 * not answered. */
void api_upload_fail(struct api_upload *upload, const struct err *why);

/* Answers with the problem, or else the error, in the shape of the path's dialect. */
void api_upload_reply_error(struct api_upload *upload, const struct err *why);

/* -- options that dialects share ------------------------------------------------------------------------ */

/* "" and "auto": as it is found. */
enum err_code api_upload_language(struct api_upload *upload, const char *value, struct err *err);
/* "" and "default": the server's. */
enum err_code api_upload_model(struct api_upload *upload, const char *value, struct err *err);
/* -10 to 10; the plan's limit comes later. */
enum err_code api_upload_priority(struct api_upload *upload, const char *value, struct err *err);
enum err_code api_upload_diarize(struct api_upload *upload, const char *value, struct err *err);

#endif
