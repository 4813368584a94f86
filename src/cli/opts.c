#include "cli/opts.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/say.h"

void opts_help(const struct opts *opts)
{
	printf("usage: tiro %s %s\n\n%s.\n\n", opts->cmd->name, opts->cmd->usage, opts->cmd->summary);
	for (size_t i = 0; i < opts->count; i++) {
		const struct opt *o = &opts->table[i];
		if (!o->help)
			continue; /* for tests */
		char left[64];
		int n = o->letter ? snprintf(left, sizeof left, "-%c, ", o->letter)
				  : snprintf(left, sizeof left, "    ");
		(void)snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", o->name, o->value ? " " : "",
			       o->value ? o->value : "");
		printf("  %-28s %s%s%s%s\n", left, o->help, o->env ? " [" : "", o->env ? o->env : "",
		       o->env ? "]" : "");
	}
	printf("  -h, --help                   this text\n");
}

static enum err_code set_value(const struct opt *o, const char *value, const char *from, struct err *err)
{
	if (o->type == OPT_FLAG) {
		*(bool *)o->target = true;
		return ERR_OK;
	}
	if (o->type == OPT_STRING) {
		*(const char **)o->target = value;
		return ERR_OK;
	}
	char *end;
	errno = 0;
	long number = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < o->min || number > o->max)
		return err_set(err, ERR_USAGE, "%s takes a number from %ld to %ld, not \"%s\"", from, o->min, o->max,
			       value);
	*(long *)o->target = number;
	return ERR_OK;
}

static enum err_code read_environment(const struct opts *opts, struct err *err)
{
	for (size_t i = 0; i < opts->count; i++) {
		const struct opt *o = &opts->table[i];
		const char *value = o->env ? getenv(o->env) : NULL;
		if (value && *value && set_value(o, value, o->env, err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}

/* Edits between two names (Levenshtein 1966), to name the option that was meant. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t n = strlen(b);
	if (n >= sizeof row / sizeof row[0])
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

static enum err_code unknown(const struct opts *opts, const char *arg, struct err *err)
{
	const char *nearest = NULL;
	size_t best = 3; /* further away is no typing error */
	for (size_t i = 0; i < opts->count; i++) {
		bool is_long = strncmp(arg, "--", 2) == 0 && opts->table[i].help;
		size_t d = is_long ? distance(arg + 2, opts->table[i].name) : SIZE_MAX;
		if (d < best) {
			best = d;
			nearest = opts->table[i].name;
		}
	}
	if (nearest)
		return err_set(err, ERR_USAGE, "unknown option \"%s\"; did you mean --%s?", arg, nearest);
	return err_set(err, ERR_USAGE, "unknown option \"%s\"; \"tiro %s --help\" lists them", arg, opts->cmd->name);
}

struct cursor {
	int argc;
	char **argv;
	int next;
};

/* The value of an option: what stands in the same argument, else the next argument. */
static enum err_code apply(const struct opt *o, const char *joined, const char *arg, struct cursor *c, struct err *err)
{
	const char *value = joined;
	if (o->type == OPT_FLAG && joined)
		return err_set(err, ERR_USAGE, "--%s takes no value", o->name);
	if (o->type != OPT_FLAG && !joined) {
		if (c->next >= c->argc)
			return err_set(err, ERR_USAGE, "%s needs a value (%s)", arg, o->value);
		value = c->argv[c->next++];
	}
	char from[80];
	(void)snprintf(from, sizeof from, "--%s", o->name);
	return set_value(o, value, from, err);
}

static enum err_code parse_long(const struct opts *opts, const char *arg, struct cursor *c, struct err *err)
{
	const char *equals = strchr(arg, '=');
	size_t len = equals ? (size_t)(equals - arg - 2) : strlen(arg + 2);
	for (size_t i = 0; i < opts->count; i++) {
		const struct opt *o = &opts->table[i];
		if (strlen(o->name) == len && strncmp(o->name, arg + 2, len) == 0)
			return apply(o, equals ? equals + 1 : NULL, arg, c, err);
	}
	return unknown(opts, arg, err);
}

static const struct opt *find_letter(const struct opts *opts, char letter)
{
	for (size_t i = 0; i < opts->count; i++) {
		if (letter && opts->table[i].letter == letter)
			return &opts->table[i];
	}
	return NULL;
}

/* "-v", "-vx" (flags together), "-mbase", "-m base". */
static enum err_code parse_short(const struct opts *opts, const char *arg, struct cursor *c, struct err *err)
{
	for (const char *p = arg + 1; *p; p++) {
		const struct opt *o = find_letter(opts, *p);
		if (!o)
			return unknown(opts, arg, err);
		if (o->type != OPT_FLAG)
			return apply(o, p[1] ? p + 1 : NULL, arg, c, err);
		if (apply(o, NULL, arg, c, err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}

enum err_code opts_parse(const struct opts *opts, int argc, char **argv, int *ret_files, bool *ret_help,
			 struct err *err)
{
	struct cursor c = { .argc = argc, .argv = argv, .next = 1 };
	int files = 0;
	bool only_files = false;
	enum err_code code = read_environment(opts, err);
	while (code == ERR_OK && c.next < argc) {
		char *arg = argv[c.next++];
		if (only_files || arg[0] != '-' || arg[1] == '\0') {
			argv[1 + files++] = arg;
		} else if (strcmp(arg, "--") == 0) {
			only_files = true;
		} else if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
			if (opts->help)
				opts->help(opts, argv + 1, files);
			else
				opts_help(opts);
			*ret_help = true;
			return ERR_OK;
		} else if (arg[1] == '-') {
			code = parse_long(opts, arg, &c, err);
		} else {
			code = parse_short(opts, arg, &c, err);
		}
	}
	*ret_files = files;
	return code;
}

int opts_run(const struct opts *opts, int argc, char **argv, opts_work *work, void *ctx)
{
	struct err err;
	int count = 0;
	int status = EX_OK;
	bool help = false;
	enum err_code code = opts_parse(opts, argc, argv, &count, &help, &err);
	if (code == ERR_OK && !help)
		code = work(ctx, argv + 1, count, &status, &err);
	if (code == ERR_OK)
		return status;
	cli_error(NULL, &err);
	return err_exit_status(code);
}
