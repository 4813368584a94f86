/*
 * Where the master key comes from: a file, a text (an environment variable's value), or a command that prints it (a key
 * service's client). It is one line, and never in the database:
 *
 *     ID:VERSION:BASE64      main:1:3q2+7w...=      id of a-z 0-9 . _ -, version from 1, 32 bytes
 *
 * A backup of the database without the key cannot be read, nor can the files: keep a copy of it elsewhere.
 *
 * Safe to call from any thread.
 */
#ifndef TIRO_BLOB_MASTER_H
#define TIRO_BLOB_MASTER_H

#include "base/secret.h"
#include "blob/keys.h"

/* A command that has not printed the key by then is killed, milliseconds. A key service's round trip takes one second.
 */
#define MASTER_COMMAND_TIMEOUT_MS 30000
/* The longest line: an id, a version and 44 characters; what is longer is no key. */
#define MASTER_TEXT_MAX ((size_t)256)

/* Exactly one of the three is set; strings are the caller's. */
struct master_source {
	const char *setting; /* the setting's name, for messages */
	const char *path; /* a regular file that only its owner (we or root) may access */
	const char *text;
	const char *command; /* for /bin/sh; its last words on standard error are the user's to see */
	int command_timeout_ms; /* 0: MASTER_COMMAND_TIMEOUT_MS */
};

/*
 * Reads the key. Errors, each of which names the setting: ERR_NOT_FOUND (none is set, no such file), ERR_DENIED (a file
 * that others may read), ERR_INVALID (not of the form above), ERR_UNAVAILABLE (the command failed), ERR_TIMEOUT.
 */
enum err_code master_key_load(const struct master_source *source, struct master_key *ret, struct err *err) MUST_CHECK;

/* A new random key. Errors: ERR_INVALID (id or version), ERR_SYSTEM. */
enum err_code master_key_new(const char *id, uint32_t version, struct master_key *ret, struct err *err) MUST_CHECK;

/* The line, without an end of line. *ret must be empty. Errors: ERR_NO_MEMORY. */
enum err_code master_key_text(const struct master_key *key, struct secret *ret, struct err *err) MUST_CHECK;

/* Writes the key to a new file of mode 0600, flushed. Errors: ERR_DENIED where the file is there already; of open(2).
 */
enum err_code master_key_save(const struct master_key *key, const char *path, struct err *err) MUST_CHECK;

#endif
