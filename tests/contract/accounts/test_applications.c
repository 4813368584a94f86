/* Applications and their tokens, over the back end that the first argument names. */
#include "accounts/access.h"
#include "accounts/api_tokens.h"
#include "accounts/applications.h"

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

/* -- calls as units ---------------------------------------------------------------------------------- */

struct call {
	struct application application;
	struct application_change change;
	struct application_list applications;
	struct api_token token;
	struct api_token_list tokens;
	struct uuid owner, id;
	size_t limit, offset;
	int64_t now_us;
	char value[API_TOKEN_VALUE_SIZE];
};

static enum err_code add_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *call = arg;
	return application_add(tx, &call->application, call->now_us, err);
}

static enum err_code find_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *call = arg;
	return application_find(tx, &call->owner, &call->id, &call->application, err);
}

static enum err_code list_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *call = arg;
	return application_list(tx, &call->owner, call->limit, call->offset, &call->applications, err);
}

static enum err_code set_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *call = arg;
	return application_change(tx, &call->owner, &call->id, &call->change, NOON + 7, &call->application, err);
}

static enum err_code drop_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *call = arg;
	return application_delete(tx, &call->owner, &call->id, err);
}

static enum err_code issue_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *call = arg;
	return api_token_add(tx, &call->token, NOON, call->value, err);
}

static enum err_code tokens_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *call = arg;
	struct api_token_owner owner = { call->owner, call->id };
	return api_token_list(tx, &owner, call->limit, call->offset, &call->tokens, err);
}

static enum err_code revoke_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *call = arg;
	struct api_token_owner owner = { call->owner, call->application.id };
	return api_token_revoke(tx, &owner, &call->id, NOON + 9, &call->token, err);
}

static struct application add_application(struct fixture *f, const struct uuid *owner, const char *name)
{
	static int64_t later;
	struct call call = { .application = { .owner = *owner }, .now_us = NOON + later++ };
	(void)snprintf(call.application.name, sizeof call.application.name, "%s", name);
	assert_ok(run_unit(f->db, add_unit, &call, &why));
	return call.application;
}

static struct call issue(struct fixture *f, const struct uuid *user, const struct uuid *application)
{
	struct call call = {
		.token = { .user = *user, .application = *application, .name = "ci", .permissions = PERMISSIONS_USUAL }
	};
	assert_ok(run_unit(f->db, issue_unit, &call, &why));
	return call;
}

/* -- applications -------------------------------------------------------------------------------------- */

static void an_application_is_its_owners_alone(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = register_person(f, "ada@example.org").user.id,
		    bob = register_person(f, "bob@example.org").user.id;
	struct application a = add_application(f, &ada, "calls");
	struct call call = { .owner = ada, .id = a.id };
	const char *name = "more calls";
	struct err err;
	assert_ok(run_unit(f->db, find_unit, &call, &why));
	assert_string_equal(call.application.name, "calls");
	assert_true(call.application.is_active);
	call.change.name = name;
	assert_ok(run_unit(f->db, set_unit, &call, &why));
	assert_string_equal(call.application.name, name);
	assert_string_equal(call.application.description, "");
	assert_int_equal(call.application.updated_us, NOON + 7);
	assert_int_equal(call.application.created_us, a.created_us);
	call.owner = bob;
	assert_int_equal(run_unit(f->db, find_unit, &call, &err), ERR_NOT_FOUND);
	assert_int_equal(run_unit(f->db, set_unit, &call, &err), ERR_NOT_FOUND);
	assert_int_equal(run_unit(f->db, drop_unit, &call, &err), ERR_NOT_FOUND);
	call.owner = ada;
	assert_ok(run_unit(f->db, drop_unit, &call, &why));
	assert_int_equal(run_unit(f->db, find_unit, &call, &err), ERR_NOT_FOUND);
}

static void applications_are_listed_newest_first_in_pages(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = register_person(f, "ada@example.org").user.id,
		    bob = register_person(f, "bob@example.org").user.id;
	(void)add_application(f, &bob, "his");
	(void)add_application(f, &ada, "first");
	(void)add_application(f, &ada, "second");
	struct application third = add_application(f, &ada, "third");
	struct call call = { .owner = ada, .limit = 2 };
	assert_ok(run_unit(f->db, list_unit, &call, &why));
	assert_int_equal(call.applications.total, 3);
	assert_int_equal(call.applications.count, 2);
	assert_memory_equal(&call.applications.rows[0].id, &third.id, sizeof third.id);
	call.offset = 2;
	assert_ok(run_unit(f->db, list_unit, &call, &why));
	assert_int_equal(call.applications.count, 1);
	assert_string_equal(call.applications.rows[0].name, "first");
	application_list_done(&call.applications);
}

static void an_application_needs_a_name_and_an_owner(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = register_person(f, "ada@example.org").user.id;
	struct call call = { .application = { .owner = ada } };
	struct err err;
	assert_int_equal(run_unit(f->db, add_unit, &call, &err), ERR_INVALID);
	call.application = (struct application){ .owner = { { 1 } }, .name = "nobody's" };
	assert_int_equal(run_unit(f->db, add_unit, &call, &err), ERR_REFERENCE);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM applications"), 0);
}

/* -- tokens -------------------------------------------------------------------------------------------- */

static void a_tokens_value_is_shown_once_and_not_kept(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = register_person(f, "ada@example.org").user.id;
	struct application a = add_application(f, &ada, "calls");
	struct call one = issue(f, &ada, &a.id), two = issue(f, &ada, &a.id);
	char sql[256];
	assert_int_equal(strlen(one.value), API_TOKEN_VALUE_SIZE - 1);
	assert_int_equal(strncmp(one.value, "tiro_", 5), 0);
	assert_string_not_equal(one.value, two.value);
	assert_int_equal(strncmp(one.value, one.token.prefix, strlen(one.token.prefix)), 0);
	assert_int_equal(strlen(one.token.prefix), 13);
	(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM api_tokens WHERE name || prefix LIKE '%%%s%%'",
		       one.value + 20);
	assert_int_equal(get_number(f->db, sql), 0);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM api_tokens WHERE length(hash) = 32"), 2);
}

static void tokens_are_listed_by_application_and_revoked_by_their_owner(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = register_person(f, "ada@example.org").user.id,
		    bob = register_person(f, "bob@example.org").user.id;
	struct application a = add_application(f, &ada, "calls");
	struct call mine = issue(f, &ada, &a.id), own = issue(f, &ada, &ada);
	struct call list = { .owner = ada, .id = a.id, .limit = 10 };
	struct err err;
	assert_ok(run_unit(f->db, tokens_unit, &list, &why));
	assert_int_equal(list.tokens.total, 1);
	assert_memory_equal(&list.tokens.rows[0].id, &mine.token.id, sizeof mine.token.id);
	assert_int_equal(list.tokens.rows[0].revoked_us, 0);
	assert_int_equal(list.tokens.rows[0].permissions, PERMISSIONS_USUAL);
	list.id = ada;
	assert_ok(run_unit(f->db, tokens_unit, &list, &why));
	assert_int_equal(list.tokens.total, 1);
	assert_memory_equal(&list.tokens.rows[0].id, &own.token.id, sizeof own.token.id);
	api_token_list_done(&list.tokens);
	struct call revoke = { .owner = bob, .application = a, .id = mine.token.id };
	assert_int_equal(run_unit(f->db, revoke_unit, &revoke, &err), ERR_NOT_FOUND);
	revoke.owner = ada;
	assert_ok(run_unit(f->db, revoke_unit, &revoke, &why));
	assert_int_equal(revoke.token.revoked_us, NOON + 9);
	run_sql(f->db, "UPDATE api_tokens SET revoked_at = 5 WHERE revoked_at IS NOT NULL");
	assert_ok(run_unit(f->db, revoke_unit, &revoke, &why));
	assert_int_equal(revoke.token.revoked_us, 5);
}

static void a_token_is_for_an_application_of_the_same_user(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = register_person(f, "ada@example.org").user.id,
		    bob = register_person(f, "bob@example.org").user.id;
	struct application a = add_application(f, &ada, "calls");
	struct call call = { .token = { .user = bob, .application = a.id, .name = "x" } };
	struct err err;
	assert_int_equal(run_unit(f->db, issue_unit, &call, &err), ERR_NOT_FOUND);
	call.token = (struct api_token){ .user = ada, .application = a.id, .name = "" };
	assert_int_equal(run_unit(f->db, issue_unit, &call, &err), ERR_INVALID);
	call.token = (struct api_token){ .user = ada, .application = a.id, .name = "x", .expires_us = NOON };
	assert_int_equal(run_unit(f->db, issue_unit, &call, &err), ERR_INVALID);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM api_tokens"), 0);
}

static void tokens_go_with_their_application_and_the_default_one_stays(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = register_person(f, "ada@example.org").user.id;
	struct application a = add_application(f, &ada, "calls");
	(void)issue(f, &ada, &a.id);
	(void)issue(f, &ada, &ada);
	struct call call = { .owner = ada, .id = a.id };
	struct err err;
	assert_ok(run_unit(f->db, drop_unit, &call, &why));
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM api_tokens"), 1);
	call.id = ada;
	assert_int_equal(run_unit(f->db, drop_unit, &call, &err), ERR_CONFLICT);
	assert_ok(run_unit(f->db, delete_unit, &ada, &why));
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM api_tokens"), 0);
}

static void permissions_have_names(void **state)
{
	(void)state;
	assert_string_equal(permission_name(PERMISSION_WRITE), "write");
	assert_null(permission_name((enum permission)3));
	assert_int_equal(permission_find("admin", 5), PERMISSION_ADMIN);
	assert_int_equal(permission_find("administer", 10), 0);
	assert_int_equal(permission_find("", 0), 0);
}

#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

CONTRACT_MAIN(WITH_ALL(an_application_is_its_owners_alone), WITH_ALL(applications_are_listed_newest_first_in_pages),
	      WITH_ALL(an_application_needs_a_name_and_an_owner), WITH_ALL(a_tokens_value_is_shown_once_and_not_kept),
	      WITH_ALL(tokens_are_listed_by_application_and_revoked_by_their_owner),
	      WITH_ALL(a_token_is_for_an_application_of_the_same_user),
	      WITH_ALL(tokens_go_with_their_application_and_the_default_one_stays),
	      cmocka_unit_test(permissions_have_names))
