/* What the contract tests of the accounts share: an installation on the database under test, and a cheap hasher. */
#ifndef TIRO_TESTS_CONTRACT_ACCOUNTS_CASES_H
#define TIRO_TESTS_CONTRACT_ACCOUNTS_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "accounts/accounts.h"
#include "base/clock.h"
#include "store/migrate.h"
#include "support/store.h"

struct fixture {
	struct store_place *place;
	struct db *db;
	uv_loop_t loop;
	char key_path[128];
	struct keyring *keyring;
	struct accounts *accounts;
};

/* For a call that takes `&why` as its error: prints the reason before it fails. */
#define assert_ok(call)                                                                                                \
	do {                                                                                                           \
		struct err why = { .message = "" };                                                                    \
		if ((call) != ERR_OK)                                                                                  \
			fail_msg("%s: %s", err_name(why.code), why.message);                                           \
	} while (0)

/* Microseconds since 1970 at which these tests play. */
#define NOON ((int64_t)1764072000 * 1000000)
#define SECOND ((int64_t)1000000)

/* Argon2's smallest: the cost is tested elsewhere. */
#define CHEAP ((struct password_cost){ .passes = 1, .memory_bytes = 8192 })

static inline void run_sql(struct db *db, const char *sql)
{
	struct db_stmt stmt = { .sql = sql, .params = "", .is_once = true };
	assert_ok(db_run_stmt(db, DB_WRITE, &stmt, NULL, NULL, &why));
}

static inline int64_t get_number(struct db *db, const char *sql)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_stmt stmt = { .sql = sql, .params = "", .is_once = true };
	assert_ok(db_run_stmt(db, DB_READ, &stmt, NULL, &rows, &why));
	assert_int_equal(rows.count, 1);
	return db_get_int(&rows, 0, 0);
}

static inline enum err_code run_unit(struct db *db, enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err),
				     void *arg, struct err *err)
{
	struct db_work work = { .mode = DB_WRITE, .run = run, .arg = arg };
	return db_run(db, &work, err);
}

static inline void open_keyring(struct fixture *f, struct keyring **ret)
{
	struct keyring_config config = { .now = { .setting = "TEST", .path = f->key_path }, .may_create = true };
	assert_ok(keyring_open(&config, ret, &why));
}

static inline void open_accounts(struct fixture *f, struct password_cost cost, struct accounts **ret)
{
	struct accounts_config config = { .db = f->db, .keyring = f->keyring, .cost = cost };
	assert_ok(accounts_open(&config, ret, &why));
}

static inline struct fixture *fixture_open(struct store_place *place)
{
	static int number;
	struct fixture *f = test_calloc(1, sizeof *f);
	struct db_config config = store_config(place);
	f->place = place;
	(void)snprintf(f->key_path, sizeof f->key_path, "/tmp/tiro-key-%d-%d", (int)getpid(), number++);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_ok(db_open(&config, &f->loop, &f->db, &why));
	assert_ok(migrate_up(f->db, &why));
	run_sql(f->db, "DELETE FROM users");
	run_sql(f->db, "DELETE FROM meta");
	open_keyring(f, &f->keyring);
	open_accounts(f, CHEAP, &f->accounts);
	return f;
}

static inline void fixture_close(struct fixture *f)
{
	char path[160];
	static const char *const ends[] = { "", ".next", ".1", ".2" };
	accounts_close(f->accounts);
	keyring_free(f->keyring);
	db_close(f->db);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(path, sizeof path, "%s%s", f->key_path, ends[i]);
		(void)unlink(path);
	}
	test_free(f);
}

static inline struct sign_up person(const char *email)
{
	return (struct sign_up){ .email = email, .password = "correct horse", .password_len = 13 };
}

static inline struct session register_person(struct fixture *f, const char *email)
{
	struct sign_up who = person(email);
	struct field_faults faults;
	struct session session;
	assert_ok(accounts_register(f->accounts, &who, NOON, &faults, &session, &why));
	return session;
}

static inline enum err_code try_log_in(struct fixture *f, const char *name, const char *password, int64_t now_us,
				       struct session *ret, struct err *err)
{
	struct log_in log_in = { .name = name, .password = password, .password_len = strlen(password) };
	return accounts_log_in(f->accounts, &log_in, now_us, ret, err);
}

static inline enum err_code try_refresh(struct fixture *f, const char *token, int64_t now_us, struct session *ret,
					struct err *err)
{
	return accounts_refresh(f->accounts, token, strlen(token), now_us, NULL, ret, err);
}

/* Runs user_change, user_set_password or user_delete as a unit. */
struct change_call {
	struct uuid id;
	struct user_change change;
};

static inline enum err_code change_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct change_call *call = arg;
	return user_change(tx, &call->id, &call->change, NOON + 5, err);
}

static inline enum err_code delete_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return user_delete(tx, arg, err);
}

static inline void switch_user(struct fixture *f, const struct uuid *id, bool is_active)
{
	struct change_call call = { .id = *id, .change = { .is_active = &is_active } };
	assert_ok(run_unit(f->db, change_unit, &call, &why));
}

/* A test program's main: over the back end that the first argument names. */
#define CONTRACT_MAIN(...)                                                                                             \
	int main(int argc, char **argv)                                                                                \
	{                                                                                                              \
		int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;                           \
		if (status != 0)                                                                                       \
			return status;                                                                                 \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };                                                     \
		status = cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);                                      \
		store_place_done(&place);                                                                              \
		return status;                                                                                         \
	}

#endif
