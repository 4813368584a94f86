/* Between the files of the upload: upload.c (its life), upload_parts.c (the form), upload_options.c. */
#ifndef TIRO_API_SERVICE_UPLOAD_H
#define TIRO_API_SERVICE_UPLOAD_H

#include "api/service/service.h"
#include "api/service/stream.h"
#include "files/intake.h"
#include "files/kind.h"
#include "http/multipart.h"

enum {
	/* Of one option's value. */
	OPTION_VALUE_MAX = 128,
	/* What belongs to no part that is known is passed over. */
	PART_IGNORED = 0,
	PART_FILE,
	PART_OPTION
};

/* Bytes of the form beside the file: a few fields, and the heads of the parts. */
#define UPLOAD_FORM_BYTES ((uint64_t)64 * 1024)

/* Lives until the request is closed and the intake has told its end. */
struct upload_form {
	struct http_request *request; /* NULL: closed */
	struct api *api;
	struct multipart *parser; /* owned */
	struct intake *intake; /* NULL: no file yet, or it has ended */
	struct service_stream *stream; /* NULL: the answer is one JSON object */
	struct job_new job; /* id, owner, options; read by the pool's thread while the file is stored */
	bool wants_events;
	bool is_answered;
	bool is_finishing; /* all bytes are fed */
	int part; /* that is being read */
	bool has_file;
	char name[FILE_NAME_MAX_BYTES + 1];
	char content_type[FILE_TYPE_MAX_BYTES + 1];
	char head[FILE_KIND_BYTES]; /* first bytes, held back until it is known what they are */
	size_t head_len;
	uint64_t announced_bytes; /* 0: not announced */
	uint64_t fed_bytes; /* of the file */
	char option[32]; /* name of the one that is being read */
	char value[OPTION_VALUE_MAX + 1];
	size_t value_len;
	struct api_problem problem; /* what a callback of the parser found; its texts point into: */
	struct api_fault fault;
	char message[ERR_MESSAGE_MAX];
};

extern const struct multipart_ops upload_parts;

/* Starts to store the file, whose first bytes are in the head. Errors: ERR_BAD_MEDIA, those of intake_new. */
enum err_code upload_form_begin_file(struct upload_form *form, struct err *err) MUST_CHECK;

/* Takes an option. Errors: ERR_INVALID with form->problem filled. */
enum err_code upload_form_option(struct upload_form *form, const char *name, const char *value, struct err *err)
	MUST_CHECK;
/* True for the name of one. */
bool upload_form_has_option(const char *name);
/* All options of the query. */
enum err_code upload_form_query(struct upload_form *form, struct err *err) MUST_CHECK;

/* Fills form->problem for a field of the form, and returns ERR_INVALID. */
enum err_code upload_form_wrong(struct upload_form *form, const char *field, const char *reason, struct err *err);

#endif
