/*
 * Downloads one file over HTTP or HTTPS, and goes on where an earlier try stopped.
 *
 * The bytes go to a partial file of the caller's choice. Beside it a note (same name and ".from") keeps the address
 * and the validator (strong ETag, else Last-Modified) of what they came from; only with a matching note are old
 * bytes kept, and the server is asked with If-Range (RFC 9110, section 13.1.5), so that pieces of two different
 * files never meet. The caller checks the hash, renames the file, and removes the note.
 *
 * Blocking; safe to use from several threads with different partial files.
 */
#ifndef TIRO_HTTP_FETCH_H
#define TIRO_HTTP_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

/* A host that does not answer by then counts as unreachable: a pull must fail fast where there is no network. */
#define FETCH_CONNECT_TIMEOUT_MS 5000L
/* A transfer below this many bytes per second for that many seconds is broken off and resumed. */
#define FETCH_SLOW_BYTES_PER_S 512L
#define FETCH_SLOW_S 30L
/* Tries in a row that brought no byte before the download is given up. */
#define FETCH_IDLE_TRIES 3
/* Tries in all: a connection that breaks more often is no connection. */
#define FETCH_TRIES 20
/* Redirects followed: model hosts need two. */
#define FETCH_REDIRECTS 5L

struct fetch_request {
	const char *url;
	const char *partial_path;
	uint64_t max_bytes; /* a longer body is refused */
	/* Called about once a second and at the end; false stops the download (ERR_CANCELLED, the partial file stays).
	 * `total_bytes` is 0 while unknown. May be NULL. */
	bool (*on_progress)(void *owner, uint64_t done_bytes, uint64_t total_bytes);
	void *owner;
};

/*
 * Downloads all of it; *ret_sha256 is the hash of the whole partial file.
 * Errors: ERR_NETWORK (unreachable, or an answer that is not the file), ERR_TOO_BIG, ERR_CANCELLED, ERR_NO_SPACE,
 * ERR_IO. After an error the partial file stays for the next try unless it is empty.
 */
enum err_code fetch_file(const struct fetch_request *request, char ret_sha256[SHA256_HEX_SIZE], struct err *err)
	MUST_CHECK;

/* Removes the note beside a partial file, and the file itself where `and_file`. Absent files are fine. */
void fetch_forget(const char *partial_path, bool and_file);

#endif
