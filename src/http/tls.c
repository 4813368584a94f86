#include "http/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "http/server_priv.h"

struct http_tls {
	SSL_CTX *context;
	char *certificate_path;
	char *key_path;
};

static enum err_code openssl_error(const char *what, const char *path, struct err *err)
{
	char reason[160];
	ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
	ERR_clear_error();
	return err_set(err, ERR_INVALID, "could not use the %s \"%s\": %s", what, path, reason);
}

/* HTTP/1.1 is all that is spoken; a client that offers only others is left without a choice of ours. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len, const unsigned char *offered,
			   unsigned offered_len, void *owner)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;
	(void)ssl, (void)owner;
	if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof ours - 1, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static enum err_code make_context(const struct http_tls *tls, SSL_CTX **ret, struct err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (!context)
		return err_set(err, ERR_NO_MEMORY, "no memory for TLS");
	enum err_code code = ERR_OK;
	(void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
						   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* Idle connections give their buffers back: 14 KB each instead of 48. */
	(void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						SSL_MODE_RELEASE_BUFFERS);
	/* Tickets resume sessions without memory of ours. */
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	if (SSL_CTX_use_certificate_chain_file(context, tls->certificate_path) != 1)
		code = openssl_error("certificate", tls->certificate_path, err);
	else if (SSL_CTX_use_PrivateKey_file(context, tls->key_path, SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(context) != 1)
		code = openssl_error("private key", tls->key_path, err);
	if (code)
		SSL_CTX_free(context);
	else
		*ret = context;
	return code;
}

enum err_code http_tls_new(const char *certificate_path, const char *key_path, struct http_tls **ret, struct err *err)
{
	struct http_tls *tls = calloc(1, sizeof *tls);
	if (tls) {
		tls->certificate_path = strdup(certificate_path);
		tls->key_path = strdup(key_path);
	}
	enum err_code code = ERR_OK;
	if (!tls || !tls->certificate_path || !tls->key_path)
		code = err_set(err, ERR_NO_MEMORY, "no memory for TLS");
	else
		code = make_context(tls, &tls->context, err);
	if (code)
		http_tls_free(tls);
	else
		*ret = tls;
	return code;
}

enum err_code http_tls_reload(struct http_tls *tls, struct err *err)
{
	SSL_CTX *context;
	enum err_code code = make_context(tls, &context, err);
	if (code)
		return code;
	/* Connections hold a reference to the old one. */
	SSL_CTX_free(tls->context);
	tls->context = context;
	return ERR_OK;
}

void http_tls_free(struct http_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	free(tls->certificate_path);
	free(tls->key_path);
	free(tls);
}

/* -- connections --------------------------------------------------------------------------------- */

struct ssl_st *tls_accept(struct http_tls *tls, int fd)
{
	SSL *ssl = SSL_new(tls->context);
	if (ssl && SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}

void tls_close(struct ssl_st *ssl)
{
	SSL_free(ssl);
}

/* Turns the result of a call that did not succeed into that of recv or send. */
static ssize_t failure(struct ssl_st *ssl, int result, bool *ret_wants_write)
{
	int reason = SSL_get_error(ssl, result);
	/* The queue of errors is per thread: what stays would spoil the next connection's answer. */
	ERR_clear_error();
	if (reason == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (ret_wants_write)
		*ret_wants_write = reason == SSL_ERROR_WANT_WRITE;
	errno = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
	return -1;
}

ssize_t tls_recv(struct ssl_st *ssl, char *buffer, size_t len, bool *ret_wants_write)
{
	*ret_wants_write = false;
	int n = SSL_read(ssl, buffer, len < INT_MAX ? (int)len : INT_MAX);
	return n > 0 ? n : failure(ssl, n, ret_wants_write);
}

ssize_t tls_send(struct ssl_st *ssl, const char *bytes, size_t len)
{
	int n = SSL_write(ssl, bytes, len < INT_MAX ? (int)len : INT_MAX);
	if (n > 0)
		return n;
	ssize_t result = failure(ssl, n, NULL);
	if (result == 0)
		errno = EPIPE;
	return -1;
}

bool tls_has_pending(const struct ssl_st *ssl)
{
	return SSL_has_pending(ssl) == 1;
}

void tls_shutdown(struct ssl_st *ssl)
{
	if (SSL_is_init_finished(ssl))
		(void)SSL_shutdown(ssl);
	ERR_clear_error();
}
