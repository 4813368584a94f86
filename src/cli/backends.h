/*
 * From settings to what stands behind a server: database, master key, accounts, storage. For `tiro serve`, `tiro
 * worker` and `tiro admin` alike. All functions block. What is returned is the caller's, to be closed in the opposite
 * order.
 */
#ifndef TIRO_CLI_BACKENDS_H
#define TIRO_CLI_BACKENDS_H

#include <uv.h>

#include "accounts/accounts.h"
#include "blob/blob.h"
#include "cli/settings.h"
#include "store/db.h"

/* The data folder, made with mode 0700 where it is not there. */
enum err_code backends_make_data(const struct settings *settings, struct err *err) MUST_CHECK;

bool backends_use_postgres(const struct settings *settings);
bool backends_use_s3(const struct settings *settings);

/*
 * Opens the database and brings its schema up to date (DB_SERVER). For DB_ADMIN the schema must be that of this program
 * already. `loop` NULL: db_run only. Errors: ERR_NOT_FOUND (DB_ADMIN: there is no database in the data folder).
 */
enum err_code backends_open_db(const struct settings *settings, enum db_role role, uv_loop_t *loop, struct db **ret,
			       struct err *err) MUST_CHECK;

/* For a command that may be the first: makes the data folder and SQLite's database where there is none. */
enum err_code backends_make_db(const struct settings *settings, struct db **ret, struct err *err) MUST_CHECK;

/* The master keys. Where none is set it is master.key in the data folder, which is made for a database that is new. */
enum err_code backends_open_keyring(const struct settings *settings, struct db *db, struct keyring **ret,
				    struct err *err) MUST_CHECK;

enum err_code backends_open_accounts(const struct settings *settings, struct db *db, struct keyring *keyring,
				     struct accounts **ret, struct err *err) MUST_CHECK;

/* The first administrator of the settings, where they name one and there is none. */
enum err_code backends_ensure_admin(const struct settings *settings, struct accounts *accounts, bool *ret_made,
				    struct err *err) MUST_CHECK;

enum err_code backends_open_blobs(const struct settings *settings, struct blob_store **ret, struct err *err) MUST_CHECK;

#endif
