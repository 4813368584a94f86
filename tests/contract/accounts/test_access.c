/* Access tokens on the loop, over the back end that the first argument names. */
#include "accounts/access.h"
#include "accounts/api_tokens.h"
#include "accounts/applications.h"

#include "cases.h"

static struct store_place place;
static int64_t now_us;

static int64_t test_clock(void)
{
	return now_us;
}

struct access_fixture {
	struct fixture *f;
	struct access_cache *cache;
	uv_timer_t alive; /* stands for the sockets of a server: without any, a loop hears nothing */
};

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
}

static int open_all(void **state)
{
	struct access_fixture *a = test_calloc(1, sizeof *a);
	now_us = NOON;
	a->f = fixture_open(&place);
	struct access_config config = {
		.db = a->f->db, .signer = &accounts_policy(a->f->accounts)->signer, .entries = 8, .wall_us = test_clock
	};
	assert_ok(access_cache_new(&config, &a->cache, &why));
	assert_int_equal(uv_timer_init(&a->f->loop, &a->alive), 0);
	assert_int_equal(uv_timer_start(&a->alive, on_timer, 1, 1), 0);
	*state = a;
	return 0;
}

static int close_all(void **state)
{
	struct access_fixture *a = *state;
	access_cache_stop(a->cache);
	uv_close((uv_handle_t *)&a->alive, NULL);
	fixture_close(a->f);
	access_cache_free(a->cache);
	test_free(a);
	return 0;
}

static int answers;

static void on_answer(struct access_question *question)
{
	(void)question;
	answers++;
}

/* Asks and waits; *ret_at_once: the cache knew. */
static enum err_code ask(struct access_fixture *a, const char *token, struct access_question *q, bool *ret_at_once)
{
	*q = (struct access_question){ .done = on_answer };
	answers = 0;
	*ret_at_once = access_check(a->cache, token, strlen(token), q);
	while (!*ret_at_once && answers == 0)
		(void)uv_run(&a->f->loop, UV_RUN_ONCE);
	return q->code;
}

/* Turns the loop until the cache has forgotten, or for 5 s. */
static enum err_code ask_until_refused(struct access_fixture *a, const char *token)
{
	int64_t end_us = clock_monotonic_us() + 5 * US_PER_S;
	struct access_question q;
	bool at_once;
	while (ask(a, token, &q, &at_once) == ERR_OK && clock_monotonic_us() < end_us) {
		(void)uv_run(&a->f->loop, UV_RUN_NOWAIT);
		clock_sleep_us(US_PER_MS);
	}
	return q.code;
}

static void a_token_is_looked_up_once(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct access_question q;
	bool at_once;
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
	assert_false(at_once);
	/* The notices of the sign-up itself, if any, are through. */
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
	assert_true(at_once);
	assert_memory_equal(&q.access.user, &s.user.id, sizeof s.user.id);
	assert_true(roles_have(q.access.roles, ROLE_USER));
	assert_false(roles_have(q.access.roles, ROLE_ADMIN));
	assert_int_equal(q.access.expires_s, NOON / SECOND + 3600);
	/* It ends on time all the same. */
	now_us = NOON + 3600 * SECOND;
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_TIMEOUT);
	assert_true(at_once);
}

static void what_is_no_access_token_never_reaches_the_database(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct access_question q;
	bool at_once;
	char changed[JWT_MAX + 1], huge[4096];
	memset(huge, 'a', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	memcpy(changed, s.access, sizeof changed);
	changed[60] = changed[60] == 'A' ? 'B' : 'A';
	const char *const bad[] = { "", "x", s.refresh, changed, huge, "eyJhbGciOiJub25lIn0.e30." };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(ask(a, bad[i], &q, &at_once), ERR_DENIED);
		assert_true(at_once);
	}
	assert_int_equal(access_counts(a->cache).lookups, 0);
	assert_int_equal(access_counts(a->cache).refused, ARRAY_LEN(bad));
}

static void a_user_who_is_switched_off_is_out_at_once(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org"), t = register_person(a->f, "bob@example.org");
	struct access_question q;
	bool at_once;
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
	assert_int_equal(ask(a, t.access, &q, &at_once), ERR_OK);
	switch_user(a->f, &s.user.id, false);
	assert_int_equal(ask_until_refused(a, s.access), ERR_DENIED);
	assert_int_equal(ask(a, t.access, &q, &at_once), ERR_OK);
	/* Switched on again, old tokens stay dead. */
	switch_user(a->f, &s.user.id, true);
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_DENIED);
	assert_ok(run_unit(a->f->db, delete_unit, &t.user.id, &why));
	assert_int_equal(ask_until_refused(a, t.access), ERR_DENIED);
}

static void a_new_password_ends_access_tokens(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct access_question q;
	bool at_once;
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
	assert_ok(accounts_set_password(a->f->accounts, &s.user.id, "battery staple", 14, NOON, &why));
	assert_int_equal(ask_until_refused(a, s.access), ERR_DENIED);
}

static void a_new_role_counts_at_once(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct access_question q;
	bool at_once;
	struct roles roles = roles_of(ROLE_ADMIN);
	struct change_call call = { .id = s.user.id, .change = { .roles = &roles } };
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
	assert_ok(run_unit(a->f->db, change_unit, &call, &why));
	for (int i = 0; i < 5000 && !roles_have(q.access.roles, ROLE_ADMIN); i++) {
		assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
		(void)uv_run(&a->f->loop, UV_RUN_NOWAIT);
		clock_sleep_us(US_PER_MS);
	}
	assert_true(roles_have(q.access.roles, ROLE_ADMIN));
}

/* Another program writes: a second door to the same database. */
static void a_command_beside_the_server_is_heard(void **state)
{
	struct access_fixture *a = *state;
	struct db_config config = store_config(&place);
	struct session s = register_person(a->f, "ada@example.org");
	struct access_question q;
	struct db *door;
	bool at_once, off = false;
	struct change_call call = { .id = s.user.id, .change = { .is_active = &off } };
	if (place.kind == DB_SQLITE_MEMORY)
		skip();
	config.role = DB_ADMIN;
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
	assert_ok(db_open(&config, NULL, &door, &why));
	assert_ok(run_unit(door, change_unit, &call, &why));
	db_close(door);
	assert_int_equal(ask_until_refused(a, s.access), ERR_DENIED);
}

static void the_table_is_bounded_and_keeps_what_is_used(void **state)
{
	struct access_fixture *a = *state;
	struct session s[20];
	struct access_question q;
	bool at_once;
	int kept = 0;
	s[0] = register_person(a->f, "ada@example.org");
	for (int i = 1; i < 20; i++)
		assert_ok(try_log_in(a->f, "ada@example.org", "correct horse", NOON + i, &s[i], &why));
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(a, s[i].access, &q, &at_once), ERR_OK);
	/* Newest first, so that the looks themselves push out as little as can be. */
	for (int i = 19; i >= 0; i--) {
		assert_int_equal(ask(a, s[i].access, &q, &at_once), ERR_OK);
		kept += at_once;
	}
	assert_true(kept >= 1 && kept <= 8);
}

/* -- API tokens --------------------------------------------------------------------------------------- */

/* An application of a user, and a token of it. */
struct program {
	struct application application;
	struct api_token token;
	char value[API_TOKEN_VALUE_SIZE];
};

static enum err_code program_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct program *p = arg;
	enum err_code code = application_add(tx, &p->application, NOON, err);
	p->token.application = p->application.id;
	return code ? code : api_token_add(tx, &p->token, NOON, p->value, err);
}

static struct program make_program(struct fixture *f, const struct uuid *user, int64_t expires_us)
{
	struct program p = {
		.application = { .owner = *user, .name = "calls" },
		.token = { .user = *user, .name = "ci", .permissions = PERMISSION_READ, .expires_us = expires_us }
	};
	assert_ok(run_unit(f->db, program_unit, &p, &why));
	return p;
}

static enum err_code revoke_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct program *p = arg;
	struct api_token_owner owner = { p->token.user, p->application.id };
	return api_token_revoke(tx, &owner, &p->token.id, NOON, &p->token, err);
}

static enum err_code switch_off_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct program *p = arg;
	bool is_active = false;
	struct application_change change = { .is_active = &is_active };
	return application_change(tx, &p->application.owner, &p->application.id, &change, NOON, &p->application, err);
}

static void an_api_token_says_who_is_charged_and_what_it_may_do(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct program p = make_program(a->f, &s.user.id, 0);
	struct access_question q;
	bool at_once;
	assert_int_equal(ask(a, p.value, &q, &at_once), ERR_OK);
	assert_int_equal(q.access.kind, ACCESS_API_TOKEN);
	assert_memory_equal(&q.access.user, &s.user.id, sizeof s.user.id);
	assert_memory_equal(&q.access.application, &p.application.id, sizeof p.application.id);
	assert_memory_equal(&q.access.token, &p.token.id, sizeof p.token.id);
	assert_int_equal(q.access.permissions, PERMISSION_READ);
	assert_int_equal(ask(a, p.value, &q, &at_once), ERR_OK);
	assert_int_equal(ask(a, p.value, &q, &at_once), ERR_OK);
	assert_true(at_once);
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
	assert_int_equal(q.access.kind, ACCESS_SESSION);
	assert_memory_equal(&q.access.application, &s.user.id, sizeof s.user.id);
}

static void the_use_of_an_api_token_is_noted(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct program p = make_program(a->f, &s.user.id, 0);
	struct access_question q;
	bool at_once;
	int64_t end_us = clock_monotonic_us() + 5 * US_PER_S;
	assert_int_equal(ask(a, p.value, &q, &at_once), ERR_OK);
	while (get_number(a->f->db, "SELECT coalesce(max(last_used_at), 0) FROM api_tokens") == 0 &&
	       clock_monotonic_us() < end_us)
		(void)uv_run(&a->f->loop, UV_RUN_ONCE);
	assert_int_equal(get_number(a->f->db, "SELECT last_used_at FROM api_tokens"), NOON);
}

static void an_api_token_that_is_wrong_expired_or_revoked_is_refused(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct program expiring = make_program(a->f, &s.user.id, NOON + 10 * SECOND),
		       p = make_program(a->f, &s.user.id, 0);
	struct access_question q;
	bool at_once;
	char other[API_TOKEN_VALUE_SIZE];
	memcpy(other, p.value, sizeof other);
	other[20] = other[20] == '0' ? '1' : '0';
	assert_int_equal(ask(a, other, &q, &at_once), ERR_DENIED);
	assert_int_equal(ask(a, p.token.prefix, &q, &at_once), ERR_DENIED);
	assert_int_equal(ask(a, expiring.value, &q, &at_once), ERR_OK);
	now_us = NOON + 10 * SECOND;
	assert_int_equal(ask(a, expiring.value, &q, &at_once), ERR_TIMEOUT);
	assert_int_equal(ask(a, p.value, &q, &at_once), ERR_OK);
	assert_ok(run_unit(a->f->db, revoke_unit, &p, &why));
	assert_int_equal(ask_until_refused(a, p.value), ERR_DENIED);
}

static void an_application_that_is_switched_off_or_an_owner_who_is_ends_its_tokens(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct program p = make_program(a->f, &s.user.id, 0), other = make_program(a->f, &s.user.id, 0);
	struct access_question q;
	bool at_once;
	assert_int_equal(ask(a, p.value, &q, &at_once), ERR_OK);
	assert_ok(run_unit(a->f->db, switch_off_unit, &p, &why));
	assert_int_equal(ask_until_refused(a, p.value), ERR_DENIED);
	assert_int_equal(ask(a, other.value, &q, &at_once), ERR_OK);
	switch_user(a->f, &s.user.id, false);
	assert_int_equal(ask_until_refused(a, other.value), ERR_DENIED);
}

static void without_a_database_there_is_no_answer_but_an_error(void **state)
{
	struct access_fixture *a = *state;
	struct session s = register_person(a->f, "ada@example.org");
	struct access_question q;
	bool at_once;
	run_sql(a->f->db, "ALTER TABLE users RENAME TO away");
	enum err_code code = ask(a, s.access, &q, &at_once);
	run_sql(a->f->db, "ALTER TABLE away RENAME TO users");
	assert_true(code != ERR_OK && code != ERR_DENIED && code != ERR_TIMEOUT);
	assert_int_equal(ask(a, s.access, &q, &at_once), ERR_OK);
}

#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

CONTRACT_MAIN(WITH_ALL(a_token_is_looked_up_once), WITH_ALL(what_is_no_access_token_never_reaches_the_database),
	      WITH_ALL(a_user_who_is_switched_off_is_out_at_once), WITH_ALL(a_new_password_ends_access_tokens),
	      WITH_ALL(a_new_role_counts_at_once), WITH_ALL(a_command_beside_the_server_is_heard),
	      WITH_ALL(the_table_is_bounded_and_keeps_what_is_used),
	      WITH_ALL(without_a_database_there_is_no_answer_but_an_error),
	      WITH_ALL(an_api_token_says_who_is_charged_and_what_it_may_do), WITH_ALL(the_use_of_an_api_token_is_noted),
	      WITH_ALL(an_api_token_that_is_wrong_expired_or_revoked_is_refused),
	      WITH_ALL(an_application_that_is_switched_off_or_an_owner_who_is_ends_its_tokens))
