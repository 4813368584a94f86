/*
 * A file that the user named, as the node's source of bytes. "-" is standard input; what cannot be read at an
 * offset (pipes) is spooled to an unnamed temporary file first, up to LIMIT_STDIN_BYTES.
 */
#ifndef TIRO_CLI_INPUT_H
#define TIRO_CLI_INPUT_H

#include "base/err.h"
#include "jail/jail.h"

struct input {
	int fd; /* -1 when closed */
	uint64_t size;
};

/* Errors: ERR_NOT_FOUND, ERR_DENIED, ERR_INVALID (a folder, a device), ERR_BAD_MEDIA (empty), ERR_TOO_BIG, ERR_IO. */
enum err_code input_open(const char *name, struct input *ret, struct err *err) MUST_CHECK;
void input_close(struct input *input);

/* The input must stay where it is while the source is in use. */
struct jail_source input_source(struct input *input);

#endif
