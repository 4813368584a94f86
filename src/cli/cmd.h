/*
 * Commands of the program: one file per command, each exporting one const entry that main.c lists.
 */
#ifndef TIRO_CLI_CMD_H
#define TIRO_CLI_CMD_H

struct cmd {
	const char *name;
	const char *summary; /* one line for `tiro help` */
	const char *usage; /* what follows the name, e.g. "FILE... [-m MODEL]" */
	/* Runs with argv[0] the command's name. Returns an exit status of sysexits(3). Errors were printed. */
	int (*run)(int argc, char **argv);
};

extern const struct cmd cmd_transcribe;
extern const struct cmd cmd_ocr;
extern const struct cmd cmd_models;
extern const struct cmd cmd_admin;
extern const struct cmd cmd_config;
extern const struct cmd cmd_serve;
extern const struct cmd cmd_worker;

#endif
