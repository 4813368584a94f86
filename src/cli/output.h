/*
 * Where a command's results go: standard output as they come, or with -o a file, or a folder that gets one file per
 * input. Files appear whole or not at all.
 */
#ifndef TIRO_CLI_OUTPUT_H
#define TIRO_CLI_OUTPUT_H

#include "base/err.h"
#include "base/strbuf.h"

/* Results of one file that wait for their turn, or for the end where they go to a file. */
#define LIMIT_CLI_OUTPUT ((size_t)1024 * 1024 * 1024)

struct output {
	const char *path; /* of -o; NULL: standard output */
	bool is_folder;
	const char *extension; /* of files in a folder: "txt", "json", ... */
};

/* Checks -o against the number of inputs: several need a folder (made if missing). Errors: ERR_USAGE, ERR_IO... */
enum err_code output_init(const char *path, int inputs, const char *extension, struct output *ret, struct err *err)
	MUST_CHECK;

/* Writes to standard output at once. Errors: ERR_IO, ERR_NO_SPACE. */
enum err_code output_write(const void *bytes, size_t len, struct err *err) MUST_CHECK;

/* Stores the result for the input `name` as its file. */
enum err_code output_store(const struct output *o, const char *name, const void *bytes, size_t len, struct err *err)
	MUST_CHECK;

#endif
