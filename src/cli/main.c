/*
 * tiro: finds the command and runs it.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "cli/cmd.h"
#include "cli/say.h"
#include "cli/startup.h"

static const struct cmd *const commands[] = { &cmd_serve,  &cmd_worker, &cmd_transcribe, &cmd_ocr,
					      &cmd_models, &cmd_admin,	&cmd_config };

static void print_usage(FILE *to)
{
	(void)fputs("usage: tiro COMMAND ...\n\nTurns speech and page images into text, on this machine.\n\n", to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		(void)fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	(void)fputs("\n\"tiro COMMAND --help\" says more; \"tiro --version\" names this version.\n", to);
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return EX_USAGE;
	}
	const char *name = argv[1];
	if (strcmp(name, "--version") == 0) {
		(void)printf("tiro %s\n", TIRO_VERSION);
		return EX_OK;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_usage(stdout);
		return EX_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i]->run(argc - 1, argv + 1);
	}
	struct err err;
	(void)err_set(&err, ERR_USAGE, "unknown command \"%s\"; \"tiro --help\" lists them", name);
	cli_error(NULL, &err);
	return err_exit_status(err.code);
}

int main(int argc, char **argv)
{
	startup_prepare();
	/* Numbers keep the C form; only what a character is comes from the user. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return startup_finish(run(argc, argv));
}
