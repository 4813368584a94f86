/*
 * tiro: finds the command and runs it.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "cli/cmd.h"

static const struct cmd *const commands[] = { &cmd_transcribe, &cmd_ocr, &cmd_models };

static void print_usage(FILE *to)
{
	(void)fputs("usage: tiro COMMAND ...\n\nTurns speech and page images into text, on this machine.\n\n", to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		(void)fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	(void)fputs("\n\"tiro COMMAND --help\" says more; \"tiro --version\" names this version.\n", to);
}

int main(int argc, char **argv)
{
	/* A reader that went away is an error of write(2), not the end of the process. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* Numbers keep the C form; only what a character is comes from the user. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
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
	(void)fprintf(stderr, "tiro: unknown command \"%s\"; \"tiro --help\" lists them\n", name);
	return EX_USAGE;
}
