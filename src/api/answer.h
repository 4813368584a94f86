/*
 * What answers of several dialects have in common: values in JSON, and the answer itself. Loop's thread.
 */
#ifndef TIRO_API_ANSWER_H
#define TIRO_API_ANSWER_H

#include <stdint.h>

#include "base/json.h"
#include "base/uuid.h"
#include "http/request.h"

/* A member that is an id, or a time (microseconds UTC; RFC 3339, whole seconds). */
void api_key_id(struct json *j, const char *key, const struct uuid *id);
void api_key_time(struct json *j, const char *key, int64_t us);

/* Answers with what was written to the buffer; 503 where memory was short. */
void api_answer(struct http_request *request, int status, const struct strbuf *body);
/* 204. */
void api_answer_nothing(struct http_request *request);

#endif
