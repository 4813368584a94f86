/*
 * What the files of `tiro models` share: its options, its answers.
 */
#ifndef TIRO_CLI_CMD_MODELS_H
#define TIRO_CLI_CMD_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/models.h"

struct models_options {
	const char *dir;
	const char *source;
	const char *name;
	bool json;
	const char *const *words; /* what is left of the command line */
	size_t word_count;
};

/* Prints an error and tells its exit status. */
int models_report(const struct err *err);

/* `tiro models list` and `verify`; they return exit statuses. */
int models_show_list(const struct models *m, const struct models_options *o);
int models_show_verify(const struct models *m, const struct models_options *o);

static inline double megabytes(uint64_t bytes)
{
	return (double)bytes / 1e6;
}

#endif
