/*
 * The settings of the server and of the commands that work on its data: one table (settings_table.c), from which
 * values, option tables, help, manual page and `tiro config print` are made.
 *
 * A value comes from the command line, else the environment (TIRO_NAME, then the name that specs/service.md gives),
 * else the configuration file, else its default. A secret is never an argument: it comes from the environment, from a
 * file that NAME_FILE names there or --NAME-file here, or from the configuration file, which only its owner may read
 * then.
 *
 * The configuration file has lines `name = value`, and comments from a # at a line's start. It is --config,
 * TIRO_CONFIG, or /etc/tiro/tiro.conf if that is there.
 *
 *     struct settings_input input = { 0 };
 *     struct opt table[SETTINGS_OPTS_MAX];
 *     size_t count = settings_opts(&input, SETTINGS_OF_SERVER, table);
 *     ... opts_run(...), then in the command:
 *     code = settings_load(&input, &settings, err);
 *
 * Not thread-safe while it loads; constant after.
 */
#ifndef TIRO_CLI_SETTINGS_H
#define TIRO_CLI_SETTINGS_H

#include <stdint.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "cli/opts.h"

enum setting_type {
	SETTING_TEXT, /* char *, NULL where it is not set */
	SETTING_CHOICE, /* char *, one of `choices` */
	SETTING_SECRET, /* struct secret */
	SETTING_INT, /* int64_t */
	SETTING_SIZE, /* int64_t, bytes: 2G, 512M, 64K */
	SETTING_TIME, /* int64_t, seconds: 30d, 24h, 15m, 90s */
	SETTING_BOOL, /* bool: yes or no */
};

enum setting_group {
	SETTINGS_SERVER = 1 << 0,
	SETTINGS_DATABASE = 1 << 1,
	SETTINGS_STORAGE = 1 << 2,
	SETTINGS_KEYS = 1 << 3,
	SETTINGS_ACCOUNTS = 1 << 4,
	SETTINGS_LIMITS = 1 << 5,
	SETTINGS_MODELS = 1 << 6,
	SETTINGS_DATA = 1 << 7
};

/* The commands that read a setting, to be joined with "|". Each is read by one at least. */
enum setting_user {
	SETTINGS_OF_SERVER = 1 << 0,
	SETTINGS_OF_WORKER = 1 << 1,
	SETTINGS_OF_ADMIN = 1 << 2,
	SETTINGS_OF_ALL = (1 << 3) - 1
};

/* To add a setting: a member here, and its row in settings_table.c. */
struct settings {
	/* server */
	char *data;
	char *listen, *tls_certificate, *tls_key, *trusted_proxies;
	char *metrics_listen;
	struct secret metrics_token;
	char *log_level;
	int64_t connections, drain_s;
	/* database */
	char *database;
	char *postgres_host, *postgres_user, *postgres_db;
	struct secret postgres_password;
	int64_t postgres_port, pool_min, pool_max, database_timeout_s;
	/* storage */
	char *storage;
	char *s3_host, *s3_region, *s3_bucket, *s3_access_key, *s3_ca_file;
	struct secret s3_secret_key;
	int64_t s3_port;
	bool s3_tls;
	/* keys */
	struct secret master_key, master_key_next;
	char *master_key_file, *master_key_command, *master_key_next_file, *master_key_next_command;
	/* accounts */
	bool registration;
	int64_t access_ttl_s, refresh_ttl_s;
	char *token_issuer;
	int64_t password_memory_bytes, password_passes, password_hashes;
	char *admin_email;
	struct secret admin_password;
	/* limits */
	int64_t max_upload_bytes, job_timeout_s, hang_up_grace_s, job_retries, cleanup_interval_s;
	/* models */
	char *models, *model;
	int64_t threads;
};

struct setting {
	const char *name; /* of the option, and in the file */
	const char *env;
	const char *alias; /* a second name in the environment; NULL: none */
	enum setting_group group;
	unsigned users; /* enum setting_user */
	enum setting_type type;
	size_t offset; /* in struct settings */
	const char *initial; /* the default; NULL: none */
	int64_t min, max; /* of numbers, sizes and times */
	const char *choices; /* "a|b|c" */
	bool is_whole; /* a secret that has no NAME_FILE: it has a setting of its own for that */
	const char *value; /* what the value is called in the help; NULL: by its type */
	const char *help; /* a sentence's beginning: lower case, no full stop */
	const char *help_env; /* and the name in the environment */
};

extern const struct setting settings_table[];
extern const size_t settings_count;

enum {
	SETTINGS_MAX = 80,
	/* And --config. */
	SETTINGS_OPTS_MAX = SETTINGS_MAX + 1,
	SETTING_NAME_MAX = 40
};

/* What the command line said. */
struct settings_input {
	const char *config;
	const char *flags[SETTINGS_MAX];
	char file_names[SETTINGS_MAX][SETTING_NAME_MAX]; /* "NAME-file" of the secrets */
};

/* Fills `ret` (SETTINGS_OPTS_MAX) with the options that one of `users` (enum setting_user) reads and --config, and
 * returns how many. `input` is zeroed, and outlives the table. */
size_t settings_opts(struct settings_input *input, unsigned users, struct opt *ret);

/* Where a value came from. */
enum setting_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

struct settings_loaded;

/*
 * Reads all settings, those of other commands too, and checks them against each other. *ret is the caller's. Errors:
 * ERR_CONFIG, whose message names the setting and where its value came from; of reading files.
 */
enum err_code settings_load(const struct settings_input *input, struct settings_loaded **ret, struct err *err)
	MUST_CHECK;
void settings_free(struct settings_loaded *loaded);
static inline void cleanup_settings_impl(struct settings_loaded **loaded)
{
	settings_free(*loaded);
}
#define cleanup_settings cleanup(cleanup_settings_impl)

/* Borrowed from `loaded`. */
const struct settings *settings_of(const struct settings_loaded *loaded);
enum setting_origin settings_origin(const struct settings_loaded *loaded, size_t index);
/* The configuration file that was read; NULL: none. */
const char *settings_file(const struct settings_loaded *loaded);

/* The value as the configuration file has it; false where there is none. A secret's is never written: false. */
bool settings_value_text(const struct settings_loaded *loaded, size_t index, struct strbuf *out);

/* -- what is made of the table --------------------------------------------------------------------- */

/* A configuration file of all values, those that are defaults as comments. */
void settings_print(const struct settings_loaded *loaded, struct strbuf *out);

/* The manual page tiro.conf(5), as troff. */
void settings_manual(struct strbuf *out);

/* Variables of the environment that begin with TIRO_ and that nothing reads, one line each. */
void settings_strangers(struct strbuf *out);

/* Texts are far smaller. */
enum { SETTINGS_TEXT_MAX = 1 << 20 };

#endif
