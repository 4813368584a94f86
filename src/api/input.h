/*
 * What a request says, with all checks: ids in paths, numbers in queries, members of a JSON object. The first thing
 * that is wrong is answered with a 400 that names the field, after which `failed` is set and every later call gives
 * nothing: handlers read all they want and look once.
 *
 *     struct api_input in;
 *     api_input_json(&in, request);
 *     const char *name = api_text(&in, "name", API_REQUIRED);
 *     if (in.failed) ...
 *
 * Loop's thread. Texts are borrowed from the input (JSON) or the request.
 */
#ifndef TIRO_API_INPUT_H
#define TIRO_API_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/uuid.h"
#include "http/request.h"

/* Bytes of a JSON body (specs: more is 413). */
#define API_JSON_MAX ((uint64_t)1024 * 1024)

struct json_t;

struct api_input {
	struct http_request *request;
	struct json_t *root; /* owned; NULL: none */
	bool failed; /* and answered */
};

enum api_need { API_OPTIONAL, API_REQUIRED };

/* Begins with what is outside of the body. */
void api_input_init(struct api_input *in, struct http_request *request);
/* Begins with the collected body, which must be one JSON object: valid UTF-8, no name twice, no 0 in a text. */
void api_input_json(struct api_input *in, struct http_request *request);
/* Wipes the texts of the body, which may be passwords and tokens, and frees. */
void api_input_done(struct api_input *in);

/* A member that is a text; NULL where it is not there or null. */
const char *api_text(struct api_input *in, const char *name, enum api_need need);

/* The same for what fits into `size` bytes with its 0; longer is a fault. Copies; false where it is not there. */
bool api_text_copy(struct api_input *in, const char *name, enum api_need need, char *buffer, size_t size);

/* A member that is true or false. False where it is not there or null: *ret is left as it was. */
bool api_bool(struct api_input *in, const char *name, bool *ret);

/* A whole number of the query, within min..max; `fallback` where there is none. */
int64_t api_query_int(struct api_input *in, const char *name, int64_t min, int64_t max, int64_t fallback);

/* A fault that the caller has found; the first only is answered. */
void api_input_fail(struct api_input *in, const char *field, const char *reason);

/* Reads a whole number from all of `text`. False where it is none, or not within min..max. */
bool api_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret);

/* A parameter of the path that is an id. What is none is answered like an id that nobody has (404): `what` is the
 * object's name in the message. */
void api_path_id(struct api_input *in, const char *name, const char *what, struct uuid *ret);

#endif
