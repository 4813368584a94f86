/*
 * The commands of `tiro`: one file cmd_NAME.c each, exporting one constant that main's table lists.
 */
#ifndef TIRO_CLI_CMD_H
#define TIRO_CLI_CMD_H

struct cmd {
	const char *name;
	const char *summary; /* one line for `tiro --help` */
	const char *usage; /* all of `tiro NAME --help` */
	/* argv[0] is the command's name. Returns a status of sysexits(3); errors are already printed. */
	int (*run)(int argc, char **argv);
};

extern const struct cmd cmd_models;

#endif
