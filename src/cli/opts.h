/*
 * Command-line options from one table, which also prints the help. Options and files may be mixed; "--" ends the
 * options; "-" is a file. A value is taken from the command line, else from the option's environment variable.
 */
#ifndef TIRO_CLI_OPTS_H
#define TIRO_CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "cli/cmd.h"

enum opt_type { OPT_FLAG, OPT_STRING, OPT_INT };

struct opt {
	char letter; /* 0: none */
	const char *name; /* without "--" */
	const char *value; /* name of its value in the help; NULL for flags */
	const char *help; /* NULL: not shown */
	const char *env; /* NULL: none */
	enum opt_type type;
	void *target; /* bool *, const char ** or long * by type; holds the default before */
	long min, max; /* OPT_INT */
};

struct opts {
	const struct cmd *cmd;
	const struct opt *table;
	size_t count;
};

/*
 * Parses argv[1..]; the arguments that are no options are moved to the front of argv, from index 1 on, and their number
 * stored. "-h" and "--help" print the help on standard output and set *ret_help.
 * Errors: ERR_USAGE; the message names the option and the nearest valid name where there is one.
 */
enum err_code opts_parse(const struct opts *opts, int argc, char **argv, int *ret_files, bool *ret_help,
			 struct err *err) MUST_CHECK;

/* Prints "tiro: FILE: message" (or without the file where it is NULL) as one line on standard error. */
void cli_error(const char *file, const struct err *err);

#endif
