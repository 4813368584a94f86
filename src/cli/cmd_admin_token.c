/* tiro admin token: API tokens of a user, or of one of their applications. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/api_tokens.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "cli/cmd_admin.h"
#include "cli/say.h"

enum { PAGE = 200, JSON_TOKEN_MAX = 8192, DAYS_MAX = 36500 };

struct token_call {
	struct api_token_owner owner;
	struct api_token token;
	struct api_token_list list;
	size_t offset;
	struct uuid id;
	char value[API_TOKEN_VALUE_SIZE];
};

/* The user of the first word, and the application of the option. */
static enum err_code find_owner(struct admin *admin, struct api_token_owner *ret, struct err *err)
{
	const char *id = admin->options->application;
	struct user user;
	if (admin_find_user(admin, &user, err) != ERR_OK)
		return err->code;
	*ret = (struct api_token_owner){ user.id, user.id };
	if (id && !uuid_parse(id, strlen(id), &ret->application))
		return err_set(err, ERR_USAGE, "--application takes an application's id");
	return ERR_OK;
}

/* -- adding -------------------------------------------------------------------------------------------- */

static enum err_code parse_permissions(const char *names, int *ret, struct err *err)
{
	*ret = 0;
	for (const char *at = names; *at;) {
		size_t len = strcspn(at, ",");
		int bit = permission_find(at, len);
		if (!bit)
			return err_set(err, ERR_USAGE,
				       "there is no permission \"%.*s\"; read, write and admin are known", (int)len,
				       at);
		*ret |= bit;
		at += len + (at[len] == ',');
	}
	return *ret ? ERR_OK : err_set(err, ERR_USAGE, "--permissions takes a permission");
}

static enum err_code parse_days(const char *text, int64_t *ret_expires_us, struct err *err)
{
	char *end;
	long days = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || days < 1 || days > DAYS_MAX)
		return err_set(err, ERR_USAGE, "--days takes a whole number from 1 to %d", DAYS_MAX);
	*ret_expires_us = clock_wall_us() + days * US_PER_DAY;
	return ERR_OK;
}

static enum err_code add_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct token_call *call = arg;
	return api_token_add(tx, &call->token, clock_wall_us(), call->value, err);
}

static enum err_code run_add(struct admin *admin, struct err *err)
{
	const struct admin_options *o = admin->options;
	struct token_call call = { .token = { .permissions = PERMISSIONS_USUAL } };
	const char *name = o->name ? o->name : "command line";
	if (strlen(name) > API_TOKEN_NAME_MAX)
		return err_set(err, ERR_USAGE, "--name takes at most %d bytes", API_TOKEN_NAME_MAX);
	(void)snprintf(call.token.name, sizeof call.token.name, "%s", name);
	if ((o->permissions && parse_permissions(o->permissions, &call.token.permissions, err) != ERR_OK) ||
	    (o->days && parse_days(o->days, &call.token.expires_us, err) != ERR_OK) ||
	    find_owner(admin, &call.owner, err) != ERR_OK)
		return err->code;
	call.token.user = call.owner.user;
	call.token.application = call.owner.application;
	enum err_code code = admin_run_unit(admin, DB_WRITE, add_unit, &call, err);
	/* The value alone on standard output, so that it can be piped to where it is kept. */
	if (!code) {
		(void)printf("%s\n", call.value);
		(void)fprintf(stderr, "%s: added; this is the only time that its value is shown\n", call.token.prefix);
	}
	secret_wipe(call.value, sizeof call.value);
	return code;
}

/* -- listing and revoking -------------------------------------------------------------------------------- */

static void key_time(struct json *j, const char *key, int64_t us)
{
	char time[ADMIN_TIME_SIZE];
	admin_write_time(us, time);
	json_key(j, key);
	if (us)
		json_str(j, time);
	else
		json_null(j);
}

static void print_json(const struct api_token *token)
{
	cleanup_strbuf struct strbuf line = STRBUF_INIT(JSON_TOKEN_MAX);
	struct json j = JSON_INIT(&line);
	char id[UUID_TEXT_SIZE];
	json_object(&j);
	uuid_text(&token->id, id);
	json_key_str(&j, "id", id);
	json_key_str(&j, "name", token->name);
	json_key_str(&j, "prefix", token->prefix);
	json_key(&j, "permissions");
	json_array(&j);
	for (int bit = PERMISSION_READ; bit <= PERMISSION_ADMIN; bit *= 2) {
		if (token->permissions & bit)
			json_str(&j, permission_name((enum permission)bit));
	}
	json_array_end(&j);
	key_time(&j, "created_at", token->created_us);
	key_time(&j, "expires_at", token->expires_us);
	key_time(&j, "last_used_at", token->last_used_us);
	key_time(&j, "revoked_at", token->revoked_us);
	json_object_end(&j);
	(void)printf("%s\n", strbuf_str(&line));
}

static const char *state_of(const struct api_token *token)
{
	if (token->revoked_us)
		return "revoked";
	return token->expires_us && token->expires_us <= clock_wall_us() ? "expired" : "active";
}

static void print_row(const struct api_token *token)
{
	cleanup_strbuf struct strbuf name = STRBUF_INIT(JSON_TOKEN_MAX);
	char id[UUID_TEXT_SIZE], time[ADMIN_TIME_SIZE];
	uuid_text(&token->id, id);
	admin_write_time(token->created_us, time);
	say_plain(&name, token->name);
	(void)printf("%-36s  %-13s  %-8s  %-20s  %s\n", id, token->prefix, state_of(token), time, strbuf_str(&name));
}

static enum err_code list_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct token_call *call = arg;
	return api_token_list(tx, &call->owner, PAGE, call->offset, &call->list, err);
}

static enum err_code run_list(struct admin *admin, struct err *err)
{
	struct token_call call = { .offset = 0 };
	enum err_code code = find_owner(admin, &call.owner, err);
	if (!code && !admin->options->json)
		(void)printf("%-36s  %-13s  %-8s  %-20s  %s\n", "ID", "TOKEN", "STATE", "SINCE", "NAME");
	while (!code) {
		code = admin_run_unit(admin, DB_READ, list_unit, &call, err);
		for (size_t i = 0; !code && i < call.list.count; i++) {
			if (admin->options->json)
				print_json(&call.list.rows[i]);
			else
				print_row(&call.list.rows[i]);
		}
		call.offset += call.list.count;
		if (call.list.count < PAGE)
			break;
	}
	api_token_list_done(&call.list);
	return code;
}

static enum err_code revoke_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct token_call *call = arg;
	return api_token_revoke(tx, &call->owner, &call->id, clock_wall_us(), &call->token, err);
}

static enum err_code run_revoke(struct admin *admin, struct err *err)
{
	const char *id = admin->options->words[1];
	struct token_call call = { .offset = 0 };
	if (!uuid_parse(id, strlen(id), &call.id))
		return err_set(err, ERR_USAGE, "\"%s\" is not a token's id; \"tiro admin token list\" shows them", id);
	enum err_code code = find_owner(admin, &call.owner, err);
	if (!code)
		code = admin_run_unit(admin, DB_WRITE, revoke_unit, &call, err);
	if (!code)
		(void)printf("%s: revoked\n", call.token.prefix);
	return code;
}

static const struct admin_verb verbs[] = {
	{ "token", "add", "NAME", 1, "application name permissions days ",
	  "Adds an API token of a user, whose value is printed this once", 0, run_add },
	{ "token", "list", "NAME", 1, "application json ", "Lists the API tokens of a user", 0, run_list },
	{ "token", "revoke", "NAME ID", 2, "application ", "Ends an API token", 0, run_revoke },
};
const struct admin_verbs admin_token = { verbs, ARRAY_LEN(verbs) };
