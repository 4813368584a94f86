/*
 * Sign-up, log-in and refresh: the calls, which all dialects share. A dialect gives the kinds, whose `reply` shows
 * `session` in its own way.
 *
 * Loop's thread but for the `run` functions.
 */
#ifndef TIRO_API_SIGN_IN_H
#define TIRO_API_SIGN_IN_H

#include "api/call.h"

struct sign_in {
	struct api_call call; /* first */
	struct api_input in; /* what the texts below point into */
	struct sign_up sign_up;
	struct log_in log_in;
	const char *token; /* a refresh token */
	struct field_faults faults;
	struct session session; /* what came of it */
};

/* For struct api_call_kind. */
enum err_code sign_in_run_register(struct api_call *call, struct err *err);
enum err_code sign_in_run_log_in(struct api_call *call, struct err *err);
enum err_code sign_in_run_refresh(struct api_call *call, struct err *err);
void sign_in_fail_register(struct api_call *call);
void sign_in_fail_token(struct api_call *call);
void sign_in_done(struct api_call *call);

/* Reads the request and starts the call. */
void sign_in_register(struct http_request *request, const struct api_call_kind *kind);
void sign_in_log_in(struct http_request *request, const struct api_call_kind *kind);
/* For what takes a refresh token, which is the member `field`. */
void sign_in_with_token(struct http_request *request, const struct api_call_kind *kind, const char *field);

#endif
