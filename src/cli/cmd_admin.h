/* Between the files of `tiro admin`. */
#ifndef TIRO_CLI_CMD_ADMIN_H
#define TIRO_CLI_CMD_ADMIN_H

#include "cli/backends.h"
#include "cli/settings.h"

/* What the command line said. */
struct admin_options {
	struct settings_input input;
	const char *username, *phone, *first_name, *last_name;
	const char *role; /* one or more, commas between */
	const char *plan;
	bool active, inactive, json;
	char **words; /* after "user add" */
	int word_count;
};

/* What is open while a command runs. */
struct admin {
	const struct admin_options *options;
	const struct settings *settings;
	struct db *db;
	struct keyring *keyring;
	struct accounts *accounts;
	struct blob_store *blobs;
};

/* What a command needs beside the database. */
enum admin_need {
	ADMIN_NEEDS_KEYS = 1 << 0, /* `keyring` and `accounts` */
	ADMIN_NEEDS_BLOBS = 1 << 1
};

/* One command: "user add". */
struct admin_verb {
	const char *noun, *name;
	const char *words; /* what it takes, for errors */
	int word_count;
	unsigned needs; /* enum admin_need */
	enum err_code (*run)(struct admin *admin, struct err *err);
};

extern const struct admin_verb admin_user_verbs[];
extern const size_t admin_user_verb_count;
extern const struct admin_verb admin_key_verbs[];
extern const size_t admin_key_verb_count;

#endif
