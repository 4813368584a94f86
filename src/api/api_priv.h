/* Between the files of this room. */
#ifndef TIRO_API_API_PRIV_H
#define TIRO_API_API_PRIV_H

#include "api/api.h"

/* The server's callback (http/server.h). */
void api_shape_error(void *owner, struct http_error *error);

/* The status of HTTP for an error of the rooms below. */
int api_status_of(enum err_code code);

/* The server's callback, in auth.c. */
enum http_auth api_authenticate(void *owner, struct http_request *request, int scope);

#endif
