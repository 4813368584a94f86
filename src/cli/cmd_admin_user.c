/* tiro admin user: adds, shows and changes users. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/ask.h"
#include "cli/cmd_admin.h"
#include "cli/say.h"
#include "jobs/user_removal.h"

enum { PAGE = 200, JSON_USER_MAX = 64 * 1024 };

static enum err_code parse_roles(const char *names, struct roles *ret, struct err *err)
{
	*ret = (struct roles){ 0 };
	for (const char *at = names; *at;) {
		size_t len = strcspn(at, ",");
		enum role role;
		if (!role_find(at, len, &role))
			return err_set(err, ERR_USAGE, "there is no role \"%.*s\"; admin, user and demo_user are known",
				       (int)len, at);
		ret->bits |= roles_of(role).bits;
		at += len + (at[len] == ',');
	}
	return ret->bits ? ERR_OK : err_set(err, ERR_USAGE, "--role takes a role");
}

struct find_call {
	const char *name;
	struct user user;
};

static enum err_code find_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct find_call *call = arg;
	return user_find_login(tx, call->name, &call->user, NULL, err);
}

enum err_code admin_find_user(struct admin *admin, struct user *ret, struct err *err)
{
	struct find_call call = { .name = admin->options->words[0] };
	enum err_code code = admin_run_unit(admin, DB_READ, find_unit, &call, err);
	if (code) {
		(void)err_prefix(err, "\"%s\"", call.name);
		return code;
	}
	*ret = call.user;
	return ERR_OK;
}

/* -- showing --------------------------------------------------------------------------------------- */

void admin_write_time(int64_t us, char ret[ADMIN_TIME_SIZE])
{
	time_t seconds = (time_t)(us / US_PER_S);
	struct tm tm;
	(void)gmtime_r(&seconds, &tm);
	(void)strftime(ret, ADMIN_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void print_json(const struct user *user)
{
	cleanup_strbuf struct strbuf line = STRBUF_INIT(JSON_USER_MAX);
	struct json j = JSON_INIT(&line);
	char id[UUID_TEXT_SIZE], time[ADMIN_TIME_SIZE];
	json_object(&j);
	uuid_text(&user->id, id);
	json_key_str(&j, "id", id);
	json_key_str(&j, "email", user->email);
	json_key_str(&j, "username", user->username);
	json_key_str(&j, "phone", user->phone);
	json_key_str(&j, "first_name", user->first_name);
	json_key_str(&j, "last_name", user->last_name);
	json_key(&j, "roles");
	json_array(&j);
	for (int i = 0; i < ROLES; i++) {
		if (roles_have(user->roles, (enum role)i))
			json_str(&j, role_name((enum role)i));
	}
	json_array_end(&j);
	json_key_str(&j, "plan", user->plan);
	json_key_bool(&j, "is_active", user->is_active);
	admin_write_time(user->created_us, time);
	json_key_str(&j, "created_at", time);
	json_object_end(&j);
	(void)printf("%s\n", strbuf_str(&line));
}

static void print_row(const struct user *user)
{
	char roles[ROLES_TEXT_SIZE], time[ADMIN_TIME_SIZE];
	cleanup_strbuf struct strbuf name = STRBUF_INIT(JSON_USER_MAX);
	roles_text(user->roles, roles);
	admin_write_time(user->created_us, time);
	say_plain(&name, user->email);
	if (strcmp(user->username, user->email) != 0) {
		strbuf_add_str(&name, " (");
		say_plain(&name, user->username);
		strbuf_add_char(&name, ')');
	}
	(void)printf("%-40s  %-20s  %-12s  %-8s  %s\n", strbuf_str(&name), roles, user->plan,
		     user->is_active ? "active" : "inactive", time);
}

static void print_line(const char *what, const char *text)
{
	cleanup_strbuf struct strbuf line = STRBUF_INIT(JSON_USER_MAX);
	say_plain(&line, text);
	(void)printf("%-12s %s\n", what, strbuf_str(&line));
}

static void print_all(const struct user *user)
{
	char id[UUID_TEXT_SIZE], roles[ROLES_TEXT_SIZE], time[ADMIN_TIME_SIZE];
	uuid_text(&user->id, id);
	roles_text(user->roles, roles);
	admin_write_time(user->created_us, time);
	print_line("id", id);
	print_line("email", user->email);
	print_line("username", user->username);
	print_line("phone", user->phone);
	print_line("first name", user->first_name);
	print_line("last name", user->last_name);
	print_line("roles", roles);
	print_line("plan", user->plan);
	print_line("active", user->is_active ? "yes" : "no");
	print_line("created", time);
}

struct list_call {
	struct user_page page;
	struct user_list list;
};

static enum err_code list_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct list_call *call = arg;
	return user_list(tx, &call->page, &call->list, err);
}

static enum err_code run_list(struct admin *admin, struct err *err)
{
	struct list_call call = { .page = { .limit = PAGE } };
	enum err_code code = ERR_OK;
	if (!admin->options->json)
		(void)printf("%-40s  %-20s  %-12s  %-8s  %s\n", "USER", "ROLES", "PLAN", "STATE", "SINCE");
	do {
		code = admin_run_unit(admin, DB_READ, list_unit, &call, err);
		if (code)
			break;
		for (size_t i = 0; i < call.list.count; i++) {
			call.page.after = call.list.rows[i].id;
			if (admin->options->json)
				print_json(&call.list.rows[i]);
			else
				print_row(&call.list.rows[i]);
		}
	} while (call.list.count == PAGE);
	user_list_done(&call.list);
	return code;
}

static enum err_code run_show(struct admin *admin, struct err *err)
{
	struct user user;
	enum err_code code = admin_find_user(admin, &user, err);
	if (code)
		return code;
	if (admin->options->json)
		print_json(&user);
	else
		print_all(&user);
	return ERR_OK;
}

/* -- changing -------------------------------------------------------------------------------------- */

static enum err_code run_add(struct admin *admin, struct err *err)
{
	const struct admin_options *o = admin->options;
	cleanup_secret struct secret password = { .bytes = NULL };
	struct roles roles = roles_of(ROLE_USER);
	struct field_faults faults;
	struct user user;
	enum err_code code = o->role ? parse_roles(o->role, &roles, err) : ERR_OK;
	if (!code)
		code = ask_password(&password, err);
	if (code)
		return code;
	struct sign_up who = { .email = o->words[0],
			       .username = o->username,
			       .phone = o->phone,
			       .first_name = o->first_name,
			       .last_name = o->last_name,
			       .password = secret_reveal(&password),
			       .password_len = password.len };
	code = accounts_add_user(admin->accounts, &who, roles, clock_wall_us(), &faults, &user, err);
	if (code)
		return code;
	if (o->json)
		print_json(&user);
	else
		(void)printf("%s: added\n", user.email);
	return ERR_OK;
}

struct change_call {
	struct uuid id;
	struct user_change change;
};

static enum err_code change_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct change_call *call = arg;
	return user_change(tx, &call->id, &call->change, clock_wall_us(), err);
}

static enum err_code run_set(struct admin *admin, struct err *err)
{
	const struct admin_options *o = admin->options;
	struct user user;
	struct roles roles;
	struct change_call call = { .change = { .plan = o->plan } };
	if (o->active && o->inactive)
		return err_set(err, ERR_USAGE, "--active and --inactive exclude each other");
	if (!o->role && !o->plan && !o->active && !o->inactive)
		return err_set(err, ERR_USAGE, "\"tiro admin user set\" needs --role, --plan, --active or --inactive");
	enum err_code code = o->role ? parse_roles(o->role, &roles, err) : ERR_OK;
	if (!code)
		code = admin_find_user(admin, &user, err);
	if (code)
		return code;
	call.id = user.id;
	if (o->role)
		call.change.roles = &roles;
	if (o->active || o->inactive)
		call.change.is_active = &o->active;
	code = admin_run_unit(admin, DB_WRITE, change_unit, &call, err);
	if (code == ERR_REFERENCE)
		return err_set(err, ERR_NOT_FOUND, "there is no plan \"%s\"", o->plan);
	if (!code)
		(void)printf("%s: changed\n", user.email);
	return code;
}

static enum err_code run_password(struct admin *admin, struct err *err)
{
	cleanup_secret struct secret password = { .bytes = NULL };
	struct user user;
	enum err_code code = admin_find_user(admin, &user, err);
	if (!code)
		code = ask_password(&password, err);
	if (!code)
		code = accounts_set_password(admin->accounts, &user.id, secret_reveal(&password), password.len,
					     clock_wall_us(), err);
	if (!code)
		(void)printf("%s: the password is changed, all tokens ended\n", user.email);
	return code;
}

static enum err_code run_delete(struct admin *admin, struct err *err)
{
	const struct files files = { .db = admin->db, .blobs = admin->blobs };
	struct user user;
	enum err_code code = admin_find_user(admin, &user, err);
	if (!code)
		code = jobs_remove_user(&files, &user.id, err);
	if (!code)
		(void)printf("%s: deleted\n", user.email);
	return code;
}

static const struct admin_verb verbs[] = {
	{ "user", "add", "EMAIL", 1, "username phone first-name last-name role ",
	  "Adds a user; the password is asked for, or read from standard input", ADMIN_NEEDS_KEYS | ADMIN_MAY_BEGIN,
	  run_add },
	{ "user", "list", "", 0, "json ", "Lists all users", 0, run_list },
	{ "user", "show", "NAME", 1, "json ", "Shows a user; NAME is an e-mail address, a username or a phone", 0,
	  run_show },
	{ "user", "set", "NAME", 1, "role plan active inactive ", "Changes a user's roles, plan or state", 0, run_set },
	{ "user", "password", "NAME", 1, "", "Asks for a new password, or reads it from standard input; all tokens end",
	  ADMIN_NEEDS_KEYS, run_password },
	{ "user", "delete", "NAME", 1, "", "Deletes a user with all that is theirs: files, jobs, keys, shares",
	  ADMIN_NEEDS_BLOBS, run_delete },
};
const struct admin_verbs admin_user = { verbs, ARRAY_LEN(verbs) };
