/*
 * Objects in a bucket of an S3-compatible server, by libcurl with its SigV4. Addresses are in path style
 * (ENDPOINT/BUCKET/KEY). An object of up to one part is one PUT; a longer one is a multipart upload. The store needs
 * the rights to get, put, delete and list objects, and to list and abort multipart uploads. A bucket that is not there
 * is made by the first object that is put, where the key may do so and the region asks for no more than its name.
 *
 * What the server answers is checked: the range, the length, the final size. Each body's SHA-256 is signed, so that a
 * body changed on the way is refused. What another try may cure is tried again, with pauses that grow and vary.
 *
 * Secrets go into no message, address or argument list. libcurl copies them into memory of its own, which is not wiped.
 */
#ifndef TIRO_BLOB_S3_H
#define TIRO_BLOB_S3_H

#include "base/secret.h"
#include "blob/blob.h"

/* One part of a multipart upload, and what a put holds in memory. S3's least is 5 MiB. */
#define S3_PART_BYTES ((size_t)8 * 1024 * 1024)
/* A server that does not accept a connection by then is tried again, milliseconds. */
#define S3_CONNECT_TIMEOUT_MS 5000L
/* A transfer below this many bytes per second for that many seconds is broken off and tried again. */
#define S3_SLOW_BYTES_PER_S 1024L
#define S3_SLOW_S 30L
/* Tries of one request in all, and the bounds of the pause before the second and before the last one, microseconds:
 * random between 0 and a bound that doubles ("full jitter", M. Brooker, AWS Architecture Blog, 2015). */
#define S3_TRIES 6
#define S3_PAUSE_US ((int64_t)200 * 1000)
#define S3_PAUSE_MAX_US ((int64_t)5 * 1000 * 1000)

/* All borrowed for the call. */
struct blob_s3_settings {
	const char *endpoint; /* "https://HOST[:PORT]", or "http://..." within a trusted network */
	const char *region; /* "us-east-1" where the server has none */
	const char *bucket;
	const char *access_key;
	const struct secret *secret_key;
	const struct secret *session_token; /* NULL: none */
	const char *ca_file; /* certificates to trust instead of the system's; NULL: the system's */
	int tries; /* 0: S3_TRIES */
	int64_t pause_us; /* 0: S3_PAUSE_US */
};

/*
 * Makes a store; nothing is asked of the server yet. Closed with blob_close. Errors: ERR_INVALID (a setting, which is
 * named), ERR_NO_MEMORY.
 *
 * Calls on the store add ERR_DENIED (the server refused the key, the signature or the right), ERR_NO_SPACE (507, or a
 * quota), ERR_NETWORK (all else).
 */
enum err_code blob_s3_open(const struct blob_s3_settings *settings, struct blob_store **ret, struct err *err)
	MUST_CHECK;

#endif
