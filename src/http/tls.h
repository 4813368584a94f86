/*
 * The server's TLS: certificate and key for its listeners, TLS 1.2 and newer, by OpenSSL. Set-up is for one thread; the
 * object may then be used by several servers of one process.
 */
#ifndef TIRO_HTTP_TLS_H
#define TIRO_HTTP_TLS_H

#include "base/err.h"

struct http_tls;

/* Reads a certificate chain and its private key, both PEM. Errors: ERR_INVALID names the file. */
enum err_code http_tls_new(const char *certificate_path, const char *key_path, struct http_tls **ret, struct err *err)
	MUST_CHECK;

/* For connections that come from now on, so that a renewed certificate needs no restart. On an error the old ones stay.
 */
enum err_code http_tls_reload(struct http_tls *tls, struct err *err) MUST_CHECK;

/* After the servers that use it. */
void http_tls_free(struct http_tls *tls);

#endif
