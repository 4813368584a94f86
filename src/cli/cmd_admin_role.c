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
	enum role role;
	bool is_grant;
};

static enum err_code change_unit(struct db_tx *tx, void *arg, struct err *err)
{
	const struct change_call *call = arg;
	return user_change_role(tx, &call->id, call->role, call->is_grant, clock_wall_us(), err);
}

static enum err_code change_role(struct admin *admin, bool is_grant, struct err *err)
{
	const char *word = admin->options->words[1];
	struct change_call call = { .is_grant = is_grant };
	struct user user;
	if (!role_find(word, strlen(word), &call.role))
		return err_set(err, ERR_USAGE, "there is no role \"%s\"; \"tiro admin role list\" lists them", word);
	if (admin_find_user(admin, &user, err) != ERR_OK)
		return err->code;
	call.id = user.id;
	enum err_code code = admin_run_unit(admin, DB_WRITE, change_unit, &call, err);
	if (code == ERR_INVALID)
		return err_set(err, code, "\"%s\" is the only role of %s: use \"tiro admin user set %s --inactive\"",
			       word, user.email, user.email);
	if (!code)
		(void)printf("%s: %s %s\n", user.email, word, is_grant ? "granted" : "revoked");
	return code;
}

static enum err_code run_grant(struct admin *admin, struct err *err)
{
	return change_role(admin, true, err);
}

static enum err_code run_revoke(struct admin *admin, struct err *err)
{
	return change_role(admin, false, err);
}

static const struct admin_verb verbs[] = {
	{ "role", "list", "", 0, "", "Lists the roles, and what they mean", 0, run_list },
	{ "role", "grant", "NAME ROLE", 2, "", "Gives a user one more role", 0, run_grant },
	{ "role", "revoke", "NAME ROLE", 2, "", "Takes one role from a user", 0, run_revoke },
};
const struct admin_verbs admin_role = { verbs, ARRAY_LEN(verbs) };
