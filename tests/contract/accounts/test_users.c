/* Users and sessions, over the back end that the first argument names. */
#include <pthread.h>

#include "cases.h"

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

/* -- sign-up ----------------------------------------------------------------------------------------- */

static void a_new_user_has_one_role_a_plan_and_a_key_pair(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, " Ada@Example.ORG ");
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_stmt stmt = {
		.sql = "SELECT email, username, phone, roles, plan, is_active, public_key, wrapped_private_key, "
		       "password_hash FROM users",
		.params = "",
		.is_once = true
	};
	struct user_key_row row = { .user_id = { 0 } };
	struct user_key key;
	size_t size;
	assert_ok(db_run_stmt(f->db, DB_READ, &stmt, NULL, &rows, &why));
	assert_int_equal(rows.count, 1);
	assert_string_equal(db_get_text(&rows, 0, 0), "ada@example.org");
	assert_string_equal(db_get_text(&rows, 0, 1), "ada@example.org");
	assert_true(db_is_null(&rows, 0, 2));
	assert_string_equal(db_get_text(&rows, 0, 3), "user");
	assert_string_equal(db_get_text(&rows, 0, 4), "standard");
	assert_string_equal(s.user.plan, "standard");
	assert_int_equal(db_get_int(&rows, 0, 5), 1);
	memcpy(row.user_id, s.user.id.bytes, sizeof row.user_id);
	memcpy(row.public_half.bytes, db_get_bytes(&rows, 0, 6, &size), KEY_BYTES);
	memcpy(row.wrapped, db_get_bytes(&rows, 0, 7, &size), USER_KEY_WRAPPED_BYTES);
	assert_ok(keyring_unwrap(f->keyring, &row, &key, &why));
	assert_memory_equal(key.public_half.bytes, s.user.public_key.bytes, KEY_BYTES);
	assert_null(strstr(db_get_text(&rows, 0, 8), "correct"));
	assert_int_equal(strncmp(db_get_text(&rows, 0, 8), "$argon2id$", 10), 0);
}

static void every_fault_of_a_sign_up_is_named_at_once(void **state)
{
	struct fixture *f = *state;
	struct sign_up who = { .email = "nobody", .phone = "12", .password = "short", .password_len = 5 };
	struct field_faults faults;
	struct session s;
	struct err err;
	assert_int_equal(accounts_register(f->accounts, &who, NOON, &faults, &s, &err), ERR_INVALID);
	assert_int_equal(faults.of[FIELD_EMAIL], FIELD_INVALID);
	assert_int_equal(faults.of[FIELD_PHONE], FIELD_INVALID);
	assert_int_equal(faults.of[FIELD_PASSWORD], FIELD_TOO_SHORT);
	assert_int_equal(faults.of[FIELD_USERNAME], FIELD_OK);
	assert_string_equal(err.message,
			    "email is not valid, password is too short (at least 8 characters), phone is not valid");
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM users"), 0);
}

static void a_name_is_taken_once_in_any_spelling(void **state)
{
	struct fixture *f = *state;
	struct sign_up who = person("ada@example.org");
	struct field_faults faults;
	struct session s;
	struct err err;
	who.username = "Ada";
	who.phone = "+49 (30) 123-456";
	assert_ok(accounts_register(f->accounts, &who, NOON, &faults, &s, &why));
	who.email = "ADA@example.org";
	who.username = "\xef\xbc\xa1"
		       "da"; /* a full-width A */
	who.phone = "0049 30 123456";
	assert_int_equal(accounts_register(f->accounts, &who, NOON, &faults, &s, &err), ERR_CONFLICT);
	assert_int_equal(faults.of[FIELD_EMAIL], FIELD_TAKEN);
	assert_int_equal(faults.of[FIELD_USERNAME], FIELD_TAKEN);
	assert_int_equal(faults.of[FIELD_PHONE], FIELD_TAKEN);
	who = person("ada@example.org");
	assert_int_equal(accounts_register(f->accounts, &who, NOON, &faults, &s, &err), ERR_CONFLICT);
	assert_string_equal(err.message, "email is taken already");
}

struct racer {
	struct fixture *f;
	enum err_code code;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct sign_up who = person("race@example.org");
	struct field_faults faults;
	struct session s;
	struct err err;
	r->code = accounts_register(r->f->accounts, &who, NOON, &faults, &s, &err);
	if (r->code == ERR_CONFLICT && faults.of[FIELD_EMAIL] != FIELD_TAKEN)
		r->code = ERR_INTERNAL;
	return NULL;
}

static void of_many_who_take_a_name_at_once_one_gets_it(void **state)
{
	struct racer racers[8];
	pthread_t threads[8];
	int winners = 0;
	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){ .f = *state };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(racers[i].code == ERR_OK || racers[i].code == ERR_CONFLICT);
		winners += racers[i].code == ERR_OK;
	}
	assert_int_equal(winners, 1);
}

static void a_closed_registration_lets_nobody_in(void **state)
{
	struct fixture *f = *state;
	struct accounts_config config = {
		.db = f->db, .keyring = f->keyring, .cost = CHEAP, .is_registration_closed = true
	};
	struct accounts *closed;
	struct sign_up who = person("ada@example.org");
	struct field_faults faults;
	struct session s;
	struct user user;
	struct err err;
	assert_ok(accounts_open(&config, &closed, &why));
	assert_int_equal(accounts_register(closed, &who, NOON, &faults, &s, &err), ERR_UNAVAILABLE);
	/* An administrator still adds whom they like. */
	assert_ok(accounts_add_user(closed, &who, roles_of(ROLE_DEMO_USER), NOON, &faults, &user, &why));
	accounts_close(closed);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM users WHERE roles = 'demo_user'"), 1);
}

static void the_first_administrator_is_made_once(void **state)
{
	struct fixture *f = *state;
	struct sign_up who = person("root@example.org"), other = person("root2@example.org");
	bool made;
	assert_ok(accounts_ensure_admin(f->accounts, &who, NOON, &made, &why));
	assert_true(made);
	assert_ok(accounts_ensure_admin(f->accounts, &other, NOON, &made, &why));
	assert_false(made);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM users WHERE roles = 'admin user'"), 1);
}

/* -- log-in ------------------------------------------------------------------------------------------ */

static void any_of_the_names_logs_in(void **state)
{
	struct fixture *f = *state;
	struct sign_up who = person("ada@example.org");
	struct field_faults faults;
	struct session s;
	static const char *const names[] = { "ada@example.org", "ADA@EXAMPLE.ORG", "Countess",
					     "countess",	"+49 30 123456",   "004930123456" };
	who.username = "countess";
	who.phone = "+4930123456";
	assert_ok(accounts_register(f->accounts, &who, NOON, &faults, &s, &why));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct session in;
		assert_ok(try_log_in(f, names[i], "correct horse", NOON, &in, &why));
		assert_memory_equal(&in.user.id, &s.user.id, sizeof in.user.id);
		assert_int_equal(in.expires_in_s, 3600);
	}
}

static void a_refusal_does_not_say_why(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org");
	struct err unknown, wrong, off, odd;
	assert_int_equal(try_log_in(f, "eve@example.org", "correct horse", NOON, &s, &unknown), ERR_DENIED);
	assert_int_equal(try_log_in(f, "ada@example.org", "correct house", NOON, &s, &wrong), ERR_DENIED);
	assert_int_equal(try_log_in(f, "ada@example.org", "x", NOON, &s, &odd), ERR_DENIED);
	switch_user(f, &s.user.id, false);
	assert_int_equal(try_log_in(f, "ada@example.org", "correct horse", NOON, &s, &off), ERR_DENIED);
	assert_string_equal(unknown.message, wrong.message);
	assert_string_equal(unknown.message, off.message);
	assert_string_equal(unknown.message, odd.message);
	assert_int_equal(try_log_in(f, "' OR 1=1 --", "correct horse", NOON, &s, &odd), ERR_DENIED);
	assert_int_equal(try_log_in(f, "", "correct horse", NOON, &s, &odd), ERR_DENIED);
}

static void a_weak_hash_is_made_anew_at_log_in(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org");
	struct accounts *cheap = f->accounts;
	open_accounts(f, (struct password_cost){ .passes = 2, .memory_bytes = 16384 }, &f->accounts);
	assert_ok(try_log_in(f, "ada@example.org", "correct horse", NOON, &s, &why));
	accounts_close(cheap);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM users WHERE password_hash LIKE '%m=16,t=2,%'"), 1);
	assert_ok(try_log_in(f, "ada@example.org", "correct horse", NOON, &s, &why));
	/* And its tokens go on. */
	assert_ok(try_refresh(f, s.refresh, NOON + SECOND, &s, &why));
}

/* -- sessions ---------------------------------------------------------------------------------------- */

static void a_refresh_token_is_good_for_once(void **state)
{
	struct fixture *f = *state;
	struct session first = register_person(f, "ada@example.org"), second, third, other;
	enum session_outcome outcome;
	struct err err;
	assert_ok(try_log_in(f, "ada@example.org", "correct horse", NOON, &other, &why));
	assert_ok(try_refresh(f, first.refresh, NOON + SECOND, &second, &why));
	assert_string_not_equal(first.refresh, second.refresh);
	assert_string_equal(second.user.email, "ada@example.org");
	/* Whoever uses it again, thief or owner: the whole family ends. */
	assert_int_equal(accounts_refresh(f->accounts, first.refresh, strlen(first.refresh), NOON + 2 * SECOND,
					  &outcome, &third, &err),
			 ERR_DENIED);
	assert_int_equal(outcome, SESSION_STOLEN);
	assert_int_equal(try_refresh(f, second.refresh, NOON + 2 * SECOND, &third, &err), ERR_DENIED);
	/* Another log-in is another family. */
	assert_ok(try_refresh(f, other.refresh, NOON + 2 * SECOND, &third, &why));
}

static void an_access_token_refreshes_nothing(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org");
	struct err err;
	assert_int_equal(try_refresh(f, s.access, NOON, &s, &err), ERR_DENIED);
	assert_int_equal(try_refresh(f, "", NOON, &s, &err), ERR_DENIED);
	assert_int_equal(try_refresh(f, s.refresh, NOON + ACCOUNTS_REFRESH_TTL_S * SECOND, &s, &err), ERR_TIMEOUT);
}

static void tokens_are_kept_as_hashes_only(void **state)
{
	struct fixture *f = *state;
	(void)register_person(f, "ada@example.org");
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM refresh_tokens WHERE length(hash) = 32"), 1);
}

static void a_log_out_ends_its_family(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org"), other;
	struct session_refresh end;
	struct err err;
	assert_ok(try_log_in(f, "ada@example.org", "correct horse", NOON, &other, &why));
	assert_ok(session_refresh_begin(accounts_policy(f->accounts), s.refresh, strlen(s.refresh), NOON, &end, &why));
	assert_ok(run_unit(f->db, session_end_run, &end, &why));
	assert_int_equal(try_refresh(f, s.refresh, NOON, &s, &err), ERR_DENIED);
	assert_ok(try_refresh(f, other.refresh, NOON, &s, &why));
}

static void what_ends_a_user_ends_the_tokens(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org");
	struct err err;
	assert_ok(accounts_set_password(f->accounts, &s.user.id, "battery staple", 14, NOON, &why));
	assert_int_equal(try_refresh(f, s.refresh, NOON, &s, &err), ERR_DENIED);
	assert_int_equal(try_log_in(f, "ada@example.org", "correct horse", NOON, &s, &err), ERR_DENIED);
	assert_ok(try_log_in(f, "ada@example.org", "battery staple", NOON, &s, &why));
	switch_user(f, &s.user.id, false);
	assert_int_equal(try_refresh(f, s.refresh, NOON, &s, &err), ERR_DENIED);
	switch_user(f, &s.user.id, true);
	assert_int_equal(try_refresh(f, s.refresh, NOON, &s, &err), ERR_DENIED);
	assert_ok(try_log_in(f, "ada@example.org", "battery staple", NOON, &s, &why));
	struct uuid id = s.user.id;
	assert_ok(run_unit(f->db, delete_unit, &id, &why));
	assert_int_equal(try_refresh(f, s.refresh, NOON, &s, &err), ERR_DENIED);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM refresh_tokens"), 0);
	assert_int_equal(run_unit(f->db, delete_unit, &id, &err), ERR_NOT_FOUND);
	assert_int_equal(accounts_set_password(f->accounts, &id, "battery staple", 14, NOON, &err), ERR_NOT_FOUND);
	assert_int_equal(accounts_set_password(f->accounts, &id, "short", 5, NOON, &err), ERR_INVALID);
}

struct sweep_call {
	int64_t now_us, count;
};

static enum err_code sweep_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct sweep_call *call = arg;
	return session_sweep(tx, call->now_us, 2, &call->count, err);
}

static void expired_tokens_are_swept_in_groups(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org");
	struct sweep_call call = { .now_us = NOON + ACCOUNTS_REFRESH_TTL_S * SECOND + 1 };
	for (int i = 0; i < 2; i++)
		assert_ok(try_log_in(f, "ada@example.org", "correct horse", NOON, &s, &why));
	assert_ok(try_log_in(f, "ada@example.org", "correct horse", NOON + 10, &s, &why));
	assert_ok(run_unit(f->db, sweep_unit, &call, &why));
	assert_int_equal(call.count, 2);
	assert_ok(run_unit(f->db, sweep_unit, &call, &why));
	assert_int_equal(call.count, 1);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM refresh_tokens"), 1);
}

/* -- listing and changing ------------------------------------------------------------------------------ */

struct list_call {
	struct user_page page;
	struct user_list list;
};

static enum err_code list_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct list_call *call = arg;
	return user_list(tx, &call->page, &call->list, err);
}

static void users_are_listed_in_pages(void **state)
{
	struct fixture *f = *state;
	struct list_call call = { .page = { .limit = 2 } };
	char email[32];
	for (int i = 0; i < 5; i++) {
		struct sign_up who = person(email);
		struct field_faults faults;
		struct session s;
		(void)snprintf(email, sizeof email, "u%d@example.org", i);
		assert_ok(accounts_register(f->accounts, &who, NOON + i * US_PER_MS, &faults, &s, &why));
	}
	for (size_t seen = 0; seen < 5; seen += call.list.count) {
		assert_ok(run_unit(f->db, list_unit, &call, &why));
		assert_int_equal(call.list.count, seen < 4 ? 2 : 1);
		(void)snprintf(email, sizeof email, "u%zu@example.org", seen);
		assert_string_equal(call.list.rows[0].email, email);
		call.page.after = call.list.rows[call.list.count - 1].id;
	}
	user_list_done(&call.list);
}

static void roles_and_plan_can_be_changed(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org");
	struct roles roles = { roles_of(ROLE_ADMIN).bits | roles_of(ROLE_USER).bits };
	struct change_call call = { .id = s.user.id, .change = { .roles = &roles, .plan = "standard" } };
	struct err err;
	assert_ok(run_unit(f->db, change_unit, &call, &why));
	assert_ok(try_refresh(f, s.refresh, NOON, &s, &why));
	assert_true(roles_have(s.user.roles, ROLE_ADMIN));
	call.change = (struct user_change){ .plan = "golden" };
	assert_int_equal(run_unit(f->db, change_unit, &call, &err), ERR_REFERENCE);
	call.id.bytes[0] ^= 1;
	call.change = (struct user_change){ .roles = &roles };
	assert_int_equal(run_unit(f->db, change_unit, &call, &err), ERR_NOT_FOUND);
}

static void a_user_with_files_is_not_deleted(void **state)
{
	struct fixture *f = *state;
	struct session s = register_person(f, "ada@example.org");
	struct err err;
	run_sql(f->db, "INSERT INTO files (id, owner_id, name, content_type, created_at) "
		       "SELECT id, id, 'a', 'audio/wav', 1 FROM users");
	assert_int_equal(run_unit(f->db, delete_unit, &s.user.id, &err), ERR_REFERENCE);
	run_sql(f->db, "DELETE FROM files");
	assert_ok(run_unit(f->db, delete_unit, &s.user.id, &why));
}

#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

CONTRACT_MAIN(WITH_ALL(a_new_user_has_one_role_a_plan_and_a_key_pair),
	      WITH_ALL(every_fault_of_a_sign_up_is_named_at_once), WITH_ALL(a_name_is_taken_once_in_any_spelling),
	      WITH_ALL(of_many_who_take_a_name_at_once_one_gets_it), WITH_ALL(a_closed_registration_lets_nobody_in),
	      WITH_ALL(the_first_administrator_is_made_once), WITH_ALL(any_of_the_names_logs_in),
	      WITH_ALL(a_refusal_does_not_say_why), WITH_ALL(a_weak_hash_is_made_anew_at_log_in),
	      WITH_ALL(a_refresh_token_is_good_for_once), WITH_ALL(an_access_token_refreshes_nothing),
	      WITH_ALL(tokens_are_kept_as_hashes_only), WITH_ALL(a_log_out_ends_its_family),
	      WITH_ALL(what_ends_a_user_ends_the_tokens), WITH_ALL(expired_tokens_are_swept_in_groups),
	      WITH_ALL(users_are_listed_in_pages), WITH_ALL(roles_and_plan_can_be_changed),
	      WITH_ALL(a_user_with_files_is_not_deleted))
