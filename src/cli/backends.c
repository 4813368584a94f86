#include "cli/backends.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "blob/local.h"
#include "blob/s3.h"
#include "store/migrate.h"

/* A path below the data folder. */
static enum err_code data_path(const struct settings *s, const char *name, char ret[PATH_MAX], struct err *err)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", s->data, name) >= PATH_MAX)
		return err_set(err, ERR_CONFIG, "the path of the data folder is too long");
	return ERR_OK;
}

enum err_code backends_make_data(const struct settings *s, struct err *err)
{
	if (access(s->data, F_OK) == 0)
		return ERR_OK;
	/* Its parents are as the umask has it; the folder itself is nobody else's. */
	enum err_code code = io_make_dirs(s->data, err);
	if (!code && chmod(s->data, 0700) != 0)
		code = err_set_errno(err, ERR_IO, errno, "could not set the mode of \"%s\"", s->data);
	return code;
}

/* -- database --------------------------------------------------------------------------------------- */

bool backends_use_postgres(const struct settings *s)
{
	return strcmp(s->database, "postgres") == 0 ||
	       (strcmp(s->database, "auto") == 0 && s->postgres_password.len > 0);
}

static enum err_code open_db(const struct settings *s, enum db_role role, uv_loop_t *loop, struct db **ret,
			     struct err *err)
{
	char path[PATH_MAX];
	struct db_config config = {
		.kind = DB_SQLITE, .role = role, .path = path, .timeout_ms = (int)(s->database_timeout_s * 1000)
	};
	enum err_code code = data_path(s, "tiro.db", path, err);
	if (backends_use_postgres(s)) {
		config.kind = DB_POSTGRES;
		config.host = s->postgres_host;
		config.port = (int)s->postgres_port;
		config.user = s->postgres_user;
		config.dbname = s->postgres_db;
		config.password = s->postgres_password.len > 0 ? secret_reveal(&s->postgres_password) : NULL;
		/* A command has one thing to do. */
		config.pool_min = role == DB_ADMIN ? 1 : (int)s->pool_min;
		config.pool_max = role == DB_ADMIN ? 1 : (int)s->pool_max;
	}
	return code ? code : db_open(&config, loop, ret, err);
}

/* A command changes no schema that a server may be using. */
static enum err_code check_schema(struct db *db, struct err *err)
{
	int version;
	enum err_code code = migrate_version(db, &version, err);
	if (code)
		return code;
	if (version == 0)
		return migrate_up(db, err);
	if (version != migration_count)
		return err_set(err, ERR_UNAVAILABLE,
			       "the database's schema has version %d, this program's is %d: start the server of this "
			       "version first",
			       version, migration_count);
	return ERR_OK;
}

enum err_code backends_open_db(const struct settings *s, enum db_role role, uv_loop_t *loop, struct db **ret,
			       struct err *err)
{
	struct db *db = NULL;
	enum err_code code = open_db(s, role, loop, &db, err);
	if (code == ERR_NOT_FOUND && role == DB_ADMIN)
		return err_set(err, code,
			       "there is no database in \"%s\": start the server, or say where its data is with --data",
			       s->data);
	if (!code)
		code = role == DB_SERVER ? migrate_up(db, err) : check_schema(db, err);
	if (code) {
		db_close(db);
		return code;
	}
	*ret = db;
	return ERR_OK;
}

enum err_code backends_make_db(const struct settings *s, struct db **ret, struct err *err)
{
	enum err_code code = backends_make_data(s, err);
	return code ? code : backends_open_db(s, DB_SERVER, NULL, ret, err);
}

/* -- keys and accounts -------------------------------------------------------------------------------- */

/* The names of the three settings that a master key can come from. */
struct master_names {
	const char *text, *path, *command;
};

static struct master_source source(const struct master_names *names, const char *path, const struct secret *text,
				   const char *command)
{
	struct master_source ret = { .setting = names->text, .path = path, .command = command };
	if (path)
		ret.setting = names->path;
	else if (command)
		ret.setting = names->command;
	else if (text->len > 0)
		ret.text = secret_reveal(text);
	return ret;
}

enum err_code backends_open_keyring(const struct settings *s, struct db *db, struct keyring **ret, struct err *err)
{
	char path[PATH_MAX];
	bool is_new = false;
	static const struct master_names now = { "TIRO_MASTER_KEY", "TIRO_MASTER_KEY_FILE", "TIRO_MASTER_KEY_COMMAND" };
	static const struct master_names next = { "TIRO_MASTER_KEY_NEXT", "TIRO_MASTER_KEY_NEXT_FILE",
						  "TIRO_MASTER_KEY_NEXT_COMMAND" };
	struct keyring_config config = { .now = source(&now, s->master_key_file, &s->master_key, s->master_key_command),
					 .next = source(&next, s->master_key_next_file, &s->master_key_next,
							s->master_key_next_command) };
	enum err_code code = data_path(s, "master.key", path, err);
	if (!config.now.path && !config.now.text && !config.now.command) {
		config.now.setting = now.path;
		config.now.path = path;
		if (!code)
			code = installation_is_new(db, &is_new, err);
		if (!code)
			code = backends_make_data(s, err);
		config.may_create = is_new;
	}
	return code ? code : keyring_open(&config, ret, err);
}

enum err_code backends_open_accounts(const struct settings *s, struct db *db, struct keyring *keyring,
				     struct accounts **ret, struct err *err)
{
	struct accounts_config config = { .db = db,
					  .keyring = keyring,
					  .cost = { .passes = (unsigned)s->password_passes,
						    .memory_bytes = (size_t)s->password_memory_bytes },
					  .hashes_at_once = (int)s->password_hashes,
					  .access_ttl_s = s->access_ttl_s,
					  .refresh_ttl_s = s->refresh_ttl_s,
					  .issuer = s->token_issuer,
					  .is_registration_closed = !s->registration };
	return accounts_open(&config, ret, err);
}

enum err_code backends_ensure_admin(const struct settings *s, struct accounts *accounts, bool *ret_made,
				    struct err *err)
{
	struct sign_up admin = { .email = s->admin_email,
				 .password = secret_reveal(&s->admin_password),
				 .password_len = s->admin_password.len };
	*ret_made = false;
	return s->admin_email ? accounts_ensure_admin(accounts, &admin, clock_wall_us(), ret_made, err) : ERR_OK;
}

/* -- storage ----------------------------------------------------------------------------------------- */

bool backends_use_s3(const struct settings *s)
{
	return strcmp(s->storage, "s3") == 0 || (strcmp(s->storage, "auto") == 0 && s->s3_access_key);
}

static enum err_code open_s3(const struct settings *s, struct blob_store **ret, struct err *err)
{
	char endpoint[PATH_MAX];
	(void)snprintf(endpoint, sizeof endpoint, "%s://%s:%d", s->s3_tls ? "https" : "http", s->s3_host,
		       (int)s->s3_port);
	struct blob_s3_settings config = { .endpoint = endpoint,
					   .region = s->s3_region,
					   .bucket = s->s3_bucket,
					   .access_key = s->s3_access_key,
					   .secret_key = &s->s3_secret_key,
					   .ca_file = s->s3_ca_file };
	return blob_s3_open(&config, ret, err);
}

enum err_code backends_open_blobs(const struct settings *s, struct blob_store **ret, struct err *err)
{
	char path[PATH_MAX];
	if (backends_use_s3(s))
		return open_s3(s, ret, err);
	enum err_code code = data_path(s, "blobs", path, err);
	return code ? code : blob_local_open(path, ret, err);
}
