/* The master key and its rotation, over the back end that the first argument names. */
#include "accounts/rotation.h"

#include <pthread.h>
#include <sys/stat.h>

#include "cases.h"
#include "store/fault.h"

static struct store_place place;

static int open_all(void **state)
{
	*state = fixture_open(&place);
	return 0;
}

static int close_all(void **state)
{
	fixture_close(*state);
	return 0;
}

/* Every private key can be unwrapped with the keys of `keyring`, and how many have that version. */
static int count_version(struct fixture *f, struct keyring *keyring, uint32_t version)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_stmt stmt = { .sql = "SELECT id, public_key, wrapped_private_key FROM users",
				.params = "",
				.is_once = true };
	int count = 0;
	assert_ok(db_run_stmt(f->db, DB_READ, &stmt, NULL, &rows, &why));
	for (size_t i = 0; i < rows.count; i++) {
		struct user_key_row row;
		cleanup_user_key struct user_key key = { .private_half = { 0 } };
		size_t size;
		uint32_t found;
		memcpy(row.user_id, db_get_bytes(&rows, i, 0, &size), sizeof row.user_id);
		memcpy(row.public_half.bytes, db_get_bytes(&rows, i, 1, &size), KEY_BYTES);
		memcpy(row.wrapped, db_get_bytes(&rows, i, 2, &size), sizeof row.wrapped);
		assert_ok(keyring_unwrap(keyring, &row, &key, &why));
		assert_ok(user_key_wrapped_version(row.wrapped, sizeof row.wrapped, &found, &why));
		count += found == version;
	}
	return count;
}

static void add_people(struct fixture *f, const char *name, int count)
{
	char email[64];
	for (int i = 0; i < count; i++) {
		(void)snprintf(email, sizeof email, "%s%d@example.org", name, i);
		(void)register_person(f, email);
	}
}

static void a_rotation_rewraps_everything_and_tokens_live_on(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org");
	char kept[256] = "";
	uint64_t count = 0;
	struct stat st;
	add_people(f, "u", 450);
	assert_ok(keyring_make_next(f->keyring, &why));
	assert_ok(rotation_run(f->db, f->keyring, &count, &why));
	assert_int_equal(count, 452); /* and the server's own */
	assert_ok(keyring_promote(f->keyring, kept, sizeof kept, &why));
	assert_string_equal(kept + strlen(f->key_path), ".1");
	assert_int_equal(stat(f->key_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* A server that starts now has the new key only, and the same signing keys. */
	accounts_close(f->accounts);
	keyring_free(f->keyring);
	open_keyring(f, &f->keyring);
	open_accounts(f, CHEAP, &f->accounts);
	assert_int_equal(count_version(f, f->keyring, 2), 451);
	assert_ok(try_refresh(f, s.refresh, NOON, &s, &why));
}

static void a_rotation_that_was_cut_off_goes_on(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint64_t count = 0;
	add_people(f, "u", 250);
	assert_ok(keyring_make_next(f->keyring, &why));
	assert_ok(fault_open(f->db, &f->db, &why));
	fault_arm(f->db, FAULT_BEFORE_COMMIT, 3, ERR_NETWORK); /* begin, the first group, then this */
	assert_int_equal(rotation_run(f->db, f->keyring, &count, &err), ERR_NETWORK);
	assert_int_equal(count_version(f, f->keyring, 2), 200);
	/* Whoever signs up meanwhile is under the next key, and a server can start. */
	accounts_close(f->accounts);
	open_accounts(f, CHEAP, &f->accounts);
	(void)register_person(f, "new@example.org");
	assert_int_equal(count_version(f, f->keyring, 2), 201);
	assert_ok(rotation_run(f->db, f->keyring, &count, &why));
	assert_int_equal(count, 51);
	assert_int_equal(count_version(f, f->keyring, 2), 251);
	assert_ok(rotation_run(f->db, f->keyring, &count, &why));
	assert_int_equal(count, 0);
}

struct signer_up {
	struct fixture *f;
	bool stop;
	int count;
};

static void *sign_up_all_the_time(void *arg)
{
	struct signer_up *s = arg;
	char email[64];
	while (!__atomic_load_n(&s->stop, __ATOMIC_SEQ_CST) && s->count < 2000) {
		(void)snprintf(email, sizeof email, "busy%d@example.org", s->count++);
		(void)register_person(s->f, email);
	}
	return NULL;
}

static void nobody_who_signs_up_meanwhile_is_missed(void **state)
{
	struct fixture *f = *state;
	struct signer_up busy = { .f = f };
	pthread_t thread;
	uint64_t count = 0;
	add_people(f, "u", 100);
	assert_ok(keyring_make_next(f->keyring, &why));
	assert_int_equal(pthread_create(&thread, NULL, sign_up_all_the_time, &busy), 0);
	clock_sleep_us(50 * US_PER_MS);
	assert_ok(rotation_run(f->db, f->keyring, &count, &why));
	__atomic_store_n(&busy.stop, true, __ATOMIC_SEQ_CST);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(count_version(f, f->keyring, 2), 100 + busy.count);
}

/* A second node that has not heard of it: it reads its key's source again. */
static void a_running_server_takes_up_the_new_key(void **state)
{
	struct fixture *f = *state;
	struct keyring *node;
	char kept[256];
	uint64_t count = 0;
	add_people(f, "u", 2);
	open_keyring(f, &node);
	assert_ok(keyring_make_next(f->keyring, &why));
	assert_ok(rotation_run(f->db, f->keyring, &count, &why));
	assert_ok(keyring_promote(f->keyring, kept, sizeof kept, &why));
	clock_sleep_us(1100 * US_PER_MS); /* sources are read once a second at most */
	assert_int_equal(count_version(f, node, 2), 2);
	keyring_free(node);
}

static void another_master_key_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct accounts *accounts;
	struct keyring *other;
	struct err err;
	struct keyring_config config = { .now = { .setting = "TEST",
						  .text = "other:7:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" } };
	assert_ok(keyring_open(&config, &other, &why));
	struct accounts_config refused = { .db = f->db, .keyring = other, .cost = CHEAP };
	assert_int_equal(accounts_open(&refused, &accounts, &err), ERR_DENIED);
	assert_non_null(strstr(err.message, "\"other\" version 7"));
	assert_non_null(strstr(err.message, "\"main\" version 1"));
	keyring_free(other);
}

static void a_key_is_made_up_only_where_that_is_allowed(void **state)
{
	struct fixture *f = *state;
	struct keyring *keyring;
	struct err err;
	bool is_new = true;
	struct keyring_config config = { .now = { .setting = "TEST", .path = "/tmp/tiro-no-such-key" } };
	assert_int_equal(keyring_open(&config, &keyring, &err), ERR_NOT_FOUND);
	assert_ok(installation_is_new(f->db, &is_new, &why));
	assert_false(is_new);
	run_sql(f->db, "DELETE FROM meta");
	assert_ok(installation_is_new(f->db, &is_new, &why));
	assert_true(is_new);
}

static void a_next_key_must_be_there_and_newer(void **state)
{
	struct fixture *f = *state;
	struct keyring *keyring;
	struct err err;
	uint64_t count = 0;
	assert_int_equal(rotation_run(f->db, f->keyring, &count, &err), ERR_NOT_FOUND);
	struct keyring_config config = { .now = { .setting = "TEST", .path = f->key_path },
					 .next = { .setting = "NEXT",
						   .text = "main:1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" } };
	assert_ok(keyring_open(&config, &keyring, &why));
	assert_int_equal(rotation_run(f->db, keyring, &count, &err), ERR_INVALID);
	keyring_free(keyring);
}

#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

CONTRACT_MAIN(WITH_ALL(a_rotation_rewraps_everything_and_tokens_live_on), WITH_ALL(a_rotation_that_was_cut_off_goes_on),
	      WITH_ALL(nobody_who_signs_up_meanwhile_is_missed), WITH_ALL(a_running_server_takes_up_the_new_key),
	      WITH_ALL(another_master_key_is_refused_by_name), WITH_ALL(a_key_is_made_up_only_where_that_is_allowed),
	      WITH_ALL(a_next_key_must_be_there_and_newer))
