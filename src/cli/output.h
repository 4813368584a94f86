/*
 * Where a command's results go: standard output as they come, or with -o a file, or a folder that gets one file per
 * input. Files appear whole or not at all; a device, a pipe or what else is no file is written to as it is.
 */
#ifndef TIRO_CLI_OUTPUT_H
#define TIRO_CLI_OUTPUT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Results of one file that wait for their turn, or for the end where they go to a file. */
#define LIMIT_CLI_OUTPUT ((size_t)1024 * 1024 * 1024)

struct output {
	const char *path; /* of -o; NULL: standard output */
	bool is_folder;
	const char *extension; /* of files in a folder: "txt", "json", ... */
};

/*
 * Checks -o against the inputs before any work is done. Several inputs need a folder, which is made if missing.
 * Errors: ERR_USAGE where two results would get the same name, or one the place of an input; ERR_CANT_CREATE where
 * nothing can be created there.
 */
enum err_code output_init(const char *path, const char *const *names, int count, const char *extension,
			  struct output *ret, struct err *err) MUST_CHECK;

/* Writes to standard output at once. Errors: ERR_IO, ERR_NO_SPACE. */
enum err_code output_write(const void *bytes, size_t len, struct err *err) MUST_CHECK;

/* Stores the result for the input `name` as its file; a file that is there keeps its mode, and a link stays one.
 * Errors: ERR_CANT_CREATE, ERR_NO_SPACE, ERR_IO. */
enum err_code output_store(const struct output *o, const char *name, const void *bytes, size_t len, struct err *err)
	MUST_CHECK;

#endif
