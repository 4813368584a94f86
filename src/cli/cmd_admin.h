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
	/* plan set: numbers, or "unlimited" */
	const char *monthly_seconds, *monthly_pages, *max_file_bytes, *storage_bytes, *history_days, *concurrency;
	const char *weight, *max_priority;
	const char *application, *name, *permissions, *days; /* token add */
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
	ADMIN_NEEDS_BLOBS = 1 << 1,
	ADMIN_MAY_BEGIN = 1 << 2 /* makes the database where there is none yet */
};

/* One command: "user add". */
struct admin_verb {
	const char *noun, *name;
	const char *words; /* what it takes, as the help has it */
	int word_count;
	const char *options; /* names of those of admin's own options that it has, with a blank behind each */
	const char *summary; /* a sentence without its full stop */
	unsigned needs; /* enum admin_need */
	enum err_code (*run)(struct admin *admin, struct err *err);
};

struct admin_verbs {
	const struct admin_verb *verbs;
	size_t count;
};
extern const struct admin_verbs admin_user, admin_role, admin_plan, admin_token, admin_key;

/* A unit of work with `arg`. */
enum err_code admin_run_unit(struct admin *admin, enum db_mode mode,
			     enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err), void *arg,
			     struct err *err) MUST_CHECK;

/* The user whom the command's first word names. Errors: ERR_NOT_FOUND, which says the name. */
enum err_code admin_find_user(struct admin *admin, struct user *ret, struct err *err) MUST_CHECK;

/* A time as people and programs read it: RFC 3339, UTC. */
enum { ADMIN_TIME_SIZE = 32 };
void admin_write_time(int64_t us, char ret[ADMIN_TIME_SIZE]);

#endif
