/* The table of all settings. Defaults are texts of the form that users write. */
#include "cli/settings.h"

#define NAMES(name_, env_) .name = (name_), .env = "TIRO_" env_
#define AT(member_) .offset = offsetof(struct settings, member_)
/* The help of an option also names the variable. */
#define HELP(env_, help_) .help = (help_), .help_env = help_ " [TIRO_" env_ "]"

#define TEXT(group_, users_, member_, name_, env_, value_, initial_, help_)                                            \
	{                                                                                                              \
		NAMES(name_, env_), .group = (group_), .users = (users_), .type = SETTING_TEXT, AT(member_),           \
				    .value = (value_), .initial = (initial_), HELP(env_, help_)                        \
	}
#define TEXT_ALIAS(group_, users_, member_, name_, env_, alias_, value_, initial_, help_)                              \
	{                                                                                                              \
		NAMES(name_, env_), .alias = (alias_), .group = (group_), .users = (users_), .type = SETTING_TEXT,     \
				    AT(member_), .value = (value_), .initial = (initial_), HELP(env_, help_)           \
	}
#define CHOICE(group_, users_, member_, name_, env_, choices_, initial_, help_)                                        \
	{                                                                                                              \
		NAMES(name_, env_), .group = (group_), .users = (users_), .type = SETTING_CHOICE, AT(member_),         \
				    .choices = (choices_), .value = "WORD", .initial = (initial_), HELP(env_, help_)   \
	}
#define SECRET(group_, users_, member_, name_, env_, alias_, help_)                                                    \
	{                                                                                                              \
		NAMES(name_, env_), .alias = (alias_), .group = (group_), .users = (users_), .type = SETTING_SECRET,   \
				    AT(member_), .value = "FILE", HELP(env_, help_)                                    \
	}
#define WHOLE_SECRET(group_, users_, member_, name_, env_, help_)                                                      \
	{                                                                                                              \
		NAMES(name_, env_), .group = (group_), .users = (users_), .type = SETTING_SECRET, AT(member_),         \
				    .is_whole = true, HELP(env_, help_)                                                \
	}
#define NUMBER(group_, users_, type_, member_, name_, env_, alias_, initial_, min_, max_, help_)                       \
	{                                                                                                              \
		NAMES(name_, env_), .alias = (alias_), .group = (group_), .users = (users_), .type = (type_),          \
				    AT(member_), .initial = (initial_), .min = (min_), .max = (max_),                  \
				    HELP(env_, help_)                                                                  \
	}
#define YES_NO(group_, users_, member_, name_, env_, initial_, help_)                                                  \
	{                                                                                                              \
		NAMES(name_, env_), .group = (group_), .users = (users_), .type = SETTING_BOOL, AT(member_),           \
				    .initial = (initial_), HELP(env_, help_)                                           \
	}

/* Who reads a setting. */
#define API SETTINGS_OF_SERVER
#define NODES (SETTINGS_OF_SERVER | SETTINGS_OF_WORKER)
#define API_AND_ADMIN (SETTINGS_OF_SERVER | SETTINGS_OF_ADMIN)
#define ALL (NODES | SETTINGS_OF_ADMIN)

#define KIB ((int64_t)1024)
#define GIB ((int64_t)1024 * 1024 * 1024)
#define TIB (1024 * GIB)
#define DAY_S ((int64_t)24 * 3600)

const struct setting settings_table[] = {
	TEXT(SETTINGS_DATA, ALL, data, "data", "DATA", "DIR", NULL,
	     "folder of the database, the files and the master key (tiro/data in the XDG data folder)"),
	TEXT(SETTINGS_SERVER, API, listen, "listen", "LISTEN", "ADDRESS", "127.0.0.1:8080",
	     "address and port of the API"),
	TEXT(SETTINGS_SERVER, API, tls_certificate, "tls-certificate", "TLS_CERTIFICATE", "FILE", NULL,
	     "certificate chain (PEM): with it the API speaks HTTPS"),
	TEXT(SETTINGS_SERVER, API, tls_key, "tls-key", "TLS_KEY", "FILE", NULL, "private key of the certificate (PEM)"),
	TEXT(SETTINGS_SERVER, NODES, trusted_proxies, "trusted-proxies", "TRUSTED_PROXIES", "NETWORKS", NULL,
	     "networks, with commas between, of proxies whose word on a client's address counts"),
	TEXT(SETTINGS_SERVER, NODES, metrics_listen, "metrics-listen", "METRICS_LISTEN", "ADDRESS", NULL,
	     "a second address, for /metrics, /livez and /readyz without a token"),
	SECRET(SETTINGS_SERVER, API, metrics_token, "metrics-token", "METRICS_TOKEN", NULL,
	       "a token that opens /metrics on the API's address"),
	CHOICE(SETTINGS_SERVER, NODES, log_level, "log-level", "LOG_LEVEL", "error|warning|info|debug", "info",
	       "what is logged"),
	NUMBER(SETTINGS_SERVER, NODES, SETTING_INT, connections, "connections", "CONNECTIONS", NULL, "10000", 1,
	       1000000, "connections at once"),
	NUMBER(SETTINGS_SERVER, NODES, SETTING_TIME, drain_s, "drain", "DRAIN", NULL, "30s", 0, 3600,
	       "how long a server that was told to stop finishes what is under way"),

	CHOICE(SETTINGS_DATABASE, ALL, database, "database", "DATABASE", "auto|sqlite|postgres", "auto",
	       "which database; auto: PostgreSQL where its password is set"),
	TEXT_ALIAS(SETTINGS_DATABASE, ALL, postgres_host, "postgres-host", "POSTGRES_HOST", "POSTGRES_HOST", "HOST",
		   "localhost", "PostgreSQL: name, address, or folder of the socket"),
	NUMBER(SETTINGS_DATABASE, ALL, SETTING_INT, postgres_port, "postgres-port", "POSTGRES_PORT", "POSTGRES_PORT",
	       "5432", 1, 65535, "PostgreSQL: port"),
	TEXT_ALIAS(SETTINGS_DATABASE, ALL, postgres_user, "postgres-user", "POSTGRES_USER", "POSTGRES_USER", "NAME",
		   "tiro", "PostgreSQL: user"),
	TEXT_ALIAS(SETTINGS_DATABASE, ALL, postgres_db, "postgres-db", "POSTGRES_DB", "POSTGRES_DB", "NAME", "tiro",
		   "PostgreSQL: database"),
	SECRET(SETTINGS_DATABASE, ALL, postgres_password, "postgres-password", "POSTGRES_PASSWORD", "POSTGRES_PASSWORD",
	       "PostgreSQL: password"),
	NUMBER(SETTINGS_DATABASE, NODES, SETTING_INT, pool_min, "database-pool-min", "DATABASE_POOL_MIN", NULL, "5", 1,
	       1000, "PostgreSQL: connections that are kept open"),
	NUMBER(SETTINGS_DATABASE, NODES, SETTING_INT, pool_max, "database-pool-max", "DATABASE_POOL_MAX", NULL, "20", 1,
	       1000, "PostgreSQL: connections at most"),
	NUMBER(SETTINGS_DATABASE, ALL, SETTING_TIME, database_timeout_s, "database-timeout", "DATABASE_TIMEOUT", NULL,
	       "30s", 1, 3600, "longest time for one transaction"),

	CHOICE(SETTINGS_STORAGE, ALL, storage, "storage", "STORAGE", "auto|folder|s3", "auto",
	       "where files are; auto: in S3 where its access key is set, else below the data folder"),
	TEXT_ALIAS(SETTINGS_STORAGE, ALL, s3_host, "s3-host", "S3_HOST", "MINIO_HOST", "HOST", "localhost",
		   "S3: name or address"),
	NUMBER(SETTINGS_STORAGE, ALL, SETTING_INT, s3_port, "s3-port", "S3_PORT", "MINIO_PORT", "9000", 1, 65535,
	       "S3: port"),
	YES_NO(SETTINGS_STORAGE, ALL, s3_tls, "s3-tls", "S3_TLS", "no", "S3: speak HTTPS"),
	TEXT(SETTINGS_STORAGE, ALL, s3_ca_file, "s3-ca-file", "S3_CA_FILE", "FILE", NULL,
	     "S3: certificates to trust instead of the system's (PEM)"),
	TEXT(SETTINGS_STORAGE, ALL, s3_region, "s3-region", "S3_REGION", "NAME", "us-east-1", "S3: region"),
	TEXT_ALIAS(SETTINGS_STORAGE, ALL, s3_bucket, "s3-bucket", "S3_BUCKET", "MINIO_BUCKET", "NAME", "tiro",
		   "S3: bucket"),
	TEXT_ALIAS(SETTINGS_STORAGE, ALL, s3_access_key, "s3-access-key", "S3_ACCESS_KEY", "MINIO_ACCESS_KEY", "NAME",
		   NULL, "S3: access key"),
	SECRET(SETTINGS_STORAGE, ALL, s3_secret_key, "s3-secret-key", "S3_SECRET_KEY", "MINIO_SECRET_KEY",
	       "S3: secret key"),

	TEXT(SETTINGS_KEYS, ALL, master_key_file, "master-key-file", "MASTER_KEY_FILE", "FILE", NULL,
	     "file of the master key (master.key in the data folder, made at the first start)"),
	WHOLE_SECRET(SETTINGS_KEYS, ALL, master_key, "master-key", "MASTER_KEY",
		     "the master key itself, ID:VERSION:BASE64"),
	TEXT(SETTINGS_KEYS, ALL, master_key_command, "master-key-command", "MASTER_KEY_COMMAND", "COMMAND", NULL,
	     "command that prints the master key, like a key service's client"),
	TEXT(SETTINGS_KEYS, ALL, master_key_next_file, "master-key-next-file", "MASTER_KEY_NEXT_FILE", "FILE", NULL,
	     "the next master key, while keys are rotated (FILE.next beside a master key's FILE)"),
	WHOLE_SECRET(SETTINGS_KEYS, ALL, master_key_next, "master-key-next", "MASTER_KEY_NEXT",
		     "the next master key itself"),
	TEXT(SETTINGS_KEYS, ALL, master_key_next_command, "master-key-next-command", "MASTER_KEY_NEXT_COMMAND",
	     "COMMAND", NULL, "command that prints the next master key"),

	YES_NO(SETTINGS_ACCOUNTS, API, registration, "registration", "REGISTRATION", "yes",
	       "whether anybody may sign up"),
	NUMBER(SETTINGS_ACCOUNTS, API, SETTING_TIME, access_ttl_s, "access-ttl", "ACCESS_TTL", NULL, "1h", 60,
	       30 * DAY_S, "life of an access token"),
	NUMBER(SETTINGS_ACCOUNTS, API, SETTING_TIME, refresh_ttl_s, "refresh-ttl", "REFRESH_TTL", NULL, "30d", 60,
	       3650 * DAY_S, "life of a refresh token"),
	TEXT(SETTINGS_ACCOUNTS, API, token_issuer, "token-issuer", "TOKEN_ISSUER", "TEXT", "tiro",
	     "the issuer in tokens"),
	NUMBER(SETTINGS_ACCOUNTS, API_AND_ADMIN, SETTING_SIZE, password_memory_bytes, "password-memory",
	       "PASSWORD_MEMORY", NULL, "64M", 8 * KIB, 4 * GIB, "memory that hashing a password takes (Argon2id)"),
	NUMBER(SETTINGS_ACCOUNTS, API_AND_ADMIN, SETTING_INT, password_passes, "password-passes", "PASSWORD_PASSES",
	       NULL, "3", 1, 100, "passes over it"),
	NUMBER(SETTINGS_ACCOUNTS, API, SETTING_INT, password_hashes, "password-hashes", "PASSWORD_HASHES", NULL, "2", 1,
	       64, "passwords that are hashed at once"),
	TEXT(SETTINGS_ACCOUNTS, API, admin_email, "admin-email", "ADMIN_EMAIL", "EMAIL", NULL,
	     "the first administrator, made at start where there is none"),
	SECRET(SETTINGS_ACCOUNTS, API, admin_password, "admin-password", "ADMIN_PASSWORD", NULL,
	       "password of the first administrator"),

	NUMBER(SETTINGS_LIMITS, API, SETTING_SIZE, max_upload_bytes, "max-upload", "MAX_UPLOAD", NULL, "4G", 1,
	       16 * TIB, "largest file, whatever a plan allows"),
	NUMBER(SETTINGS_LIMITS, NODES, SETTING_TIME, job_timeout_s, "job-timeout", "JOB_TIMEOUT", NULL, "2h", 60,
	       30 * DAY_S, "longest time that a job is worked on"),
	NUMBER(SETTINGS_LIMITS, NODES, SETTING_TIME, hang_up_grace_s, "hang-up-grace", "HANG_UP_GRACE", NULL, "60s", 1,
	       DAY_S, "how long a job goes on whose client waited for it and hung up (/v1)"),
	NUMBER(SETTINGS_LIMITS, NODES, SETTING_INT, job_retries, "job-retries", "JOB_RETRIES", NULL, "3", 0, 100,
	       "how often a part of a job is tried again"),
	NUMBER(SETTINGS_LIMITS, NODES, SETTING_TIME, cleanup_interval_s, "cleanup-interval", "CLEANUP_INTERVAL", NULL,
	       "24h", 60, 30 * DAY_S, "how often what is past its time is deleted"),

	TEXT(SETTINGS_MODELS, NODES, models, "models", "MODELS", "DIR", NULL,
	     "folder of the models (tiro/models in the XDG data folder)"),
	TEXT(SETTINGS_MODELS, NODES, model, "model", "MODEL", "NAME", "base",
	     "speech model where a request names none"),
	NUMBER(SETTINGS_MODELS, NODES, SETTING_INT, threads, "threads", "THREADS", NULL, "0", 0, 256,
	       "threads that recognise; 0: one per core"),
};

const size_t settings_count = sizeof settings_table / sizeof settings_table[0];

_Static_assert(sizeof settings_table / sizeof settings_table[0] <= SETTINGS_MAX, "raise SETTINGS_MAX");
