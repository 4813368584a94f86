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
	/* Prints the help where it is not opts_help alone; `words` stand before --help. NULL: opts_help. */
	void (*help)(const struct opts *opts, char **words, int count);
};

/* Prints usage, summary and options on standard output. */
void opts_help(const struct opts *opts);

/*
 * Parses argv[1..]; the arguments that are no options are moved to the front of argv, from index 1 on, and their number
 * stored. "-h" and "--help" print the help on standard output and set *ret_help.
 * Errors: ERR_USAGE; the message names the option and the nearest valid name where there is one.
 */
enum err_code opts_parse(const struct opts *opts, int argc, char **argv, int *ret_files, bool *ret_help,
			 struct err *err) MUST_CHECK;

/* A command's own part: `files` are the arguments that are no options. It stores the exit status where it succeeds. */
typedef enum err_code opts_work(void *ctx, char **files, int count, int *ret_status, struct err *err);

/* Runs a command: parses, works unless help was asked for, reports the error. Returns the exit status. */
int opts_run(const struct opts *opts, int argc, char **argv, opts_work *work, void *ctx);

#endif
