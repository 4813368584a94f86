/* tiro admin role: which roles there are, and who has them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cmd_admin.h"

static const char *const meanings[] = {
#define X(symbol, name, meaning) [symbol] = (meaning),
	ROLE_TABLE(X)
#undef X
};

static enum err_code run_list(struct admin *admin, struct err *err)
{
	(void)admin;
	(void)err;
	for (int i = 0; i < ROLES; i++)
		(void)printf("%-12s %s\n", role_name((enum role)i), meanings[i]);
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

/* A user without any role could do nothing but log in, and would be told so nowhere. */
static enum err_code change_roles(struct admin *admin, bool is_grant, struct err *err)
{
	const char *word = admin->options->words[1];
	struct user user;
	enum role role;
	if (!role_find(word, strlen(word), &role))
		return err_set(err, ERR_USAGE, "there is no role \"%s\"; \"tiro admin role list\" lists them", word);
	if (admin_find_user(admin, &user, err) != ERR_OK)
		return err->code;
	unsigned bits = roles_of(role).bits;
	struct roles roles = { is_grant ? user.roles.bits | bits : user.roles.bits & ~bits };
	if (!roles.bits)
		return err_set(err, ERR_USAGE,
			       "\"%s\" is the only role of %s: use \"tiro admin user set %s --inactive\"", word,
			       user.email, user.email);
	struct change_call call = { .id = user.id, .change = { .roles = &roles } };
	enum err_code code = admin_run_unit(admin, DB_WRITE, change_unit, &call, err);
	if (!code)
		(void)printf("%s: %s %s\n", user.email, word, is_grant ? "granted" : "revoked");
	return code;
}

static enum err_code run_grant(struct admin *admin, struct err *err)
{
	return change_roles(admin, true, err);
}

static enum err_code run_revoke(struct admin *admin, struct err *err)
{
	return change_roles(admin, false, err);
}

static const struct admin_verb verbs[] = {
	{ "role", "list", "no more words", 0, 0, run_list },
	{ "role", "grant", "a name and a role", 2, 0, run_grant },
	{ "role", "revoke", "a name and a role", 2, 0, run_revoke },
};
const struct admin_verbs admin_role = { verbs, ARRAY_LEN(verbs) };
