/*
 * tiro admin: what an administrator does on the server's machine, beside a running server or without one.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cmd_admin.h"

enum { OWN_OPTIONS = 9 };

static const struct admin_verb *find_in(const struct admin_verb *verbs, size_t count, const char *noun,
					const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(verbs[i].noun, noun) == 0 && strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* The verb of the first two words; the words that follow must be as many as it takes. */
static enum err_code find_verb(struct admin_options *o, const struct admin_verb **ret, struct err *err)
{
	if (o->word_count < 2)
		return err_set(err, ERR_USAGE, "\"tiro admin\" needs what and how, like \"tiro admin user list\"");
	const struct admin_verb *verb = find_in(admin_user_verbs, admin_user_verb_count, o->words[0], o->words[1]);
	if (!verb)
		verb = find_in(admin_key_verbs, admin_key_verb_count, o->words[0], o->words[1]);
	if (!verb)
		return err_set(err, ERR_USAGE,
			       "there is no \"tiro admin %s %s\"; \"tiro admin --help\" lists what there is",
			       o->words[0], o->words[1]);
	o->words += 2;
	o->word_count -= 2;
	if (o->word_count != verb->word_count)
		return err_set(err, ERR_USAGE, "\"tiro admin %s %s\" takes %s", verb->noun, verb->name, verb->words);
	*ret = verb;
	return ERR_OK;
}

static enum err_code open_all(struct admin *admin, const struct admin_verb *verb, struct err *err)
{
	enum err_code code = backends_open_db(admin->settings, DB_ADMIN, NULL, &admin->db, err);
	if (!code && verb->needs & ADMIN_NEEDS_KEYS)
		code = backends_open_keyring(admin->settings, admin->db, &admin->keyring, err);
	if (!code && verb->needs & ADMIN_NEEDS_KEYS)
		code = backends_open_accounts(admin->settings, admin->db, admin->keyring, &admin->accounts, err);
	if (!code && verb->needs & ADMIN_NEEDS_BLOBS)
		code = backends_open_blobs(admin->settings, &admin->blobs, err);
	return code;
}

static enum err_code dispatch(void *ctx, char **words, int count, int *ret_status, struct err *err)
{
	struct admin_options *o = ctx;
	const struct admin_verb *verb = NULL;
	cleanup_settings struct settings_loaded *loaded = NULL;
	(void)ret_status;
	o->words = words;
	o->word_count = count;
	enum err_code code = find_verb(o, &verb, err);
	if (!code)
		code = settings_load(&o->input, &loaded, err);
	if (code)
		return code;
	struct admin admin = { .options = o, .settings = settings_of(loaded) };
	code = open_all(&admin, verb, err);
	if (!code)
		code = verb->run(&admin, err);
	blob_close(admin.blobs);
	accounts_close(admin.accounts);
	keyring_free(admin.keyring);
	db_close(admin.db);
	return code;
}

static int run(int argc, char **argv)
{
	struct admin_options o = { .json = false };
	struct opt table[OWN_OPTIONS + SETTINGS_OPTS_MAX] = {
		{ 0, "username", "NAME", "add: a name to log in with (the e-mail address)", NULL, OPT_STRING,
		  &o.username, 0, 0 },
		{ 0, "phone", "NUMBER", "add: another name to log in with", NULL, OPT_STRING, &o.phone, 0, 0 },
		{ 0, "first-name", "NAME", "add: first name", NULL, OPT_STRING, &o.first_name, 0, 0 },
		{ 0, "last-name", "NAME", "add: last name", NULL, OPT_STRING, &o.last_name, 0, 0 },
		{ 0, "role", "ROLE,...", "add, set: admin, user, demo_user", NULL, OPT_STRING, &o.role, 0, 0 },
		{ 0, "plan", "NAME", "set: the user's plan", NULL, OPT_STRING, &o.plan, 0, 0 },
		{ 0, "active", NULL, "set: may log in again", NULL, OPT_FLAG, &o.active, 0, 0 },
		{ 0, "inactive", NULL, "set: may not log in any more; all tokens end", NULL, OPT_FLAG, &o.inactive, 0,
		  0 },
		{ 0, "json", NULL, "list, show: answer in JSON", NULL, OPT_FLAG, &o.json, 0, 0 },
	};
	size_t count = settings_opts(&o.input, SETTINGS_DATA | SETTINGS_DATABASE | SETTINGS_STORAGE | SETTINGS_KEYS,
				     table + OWN_OPTIONS);
	const struct opts opts = { .cmd = &cmd_admin, .table = table, .count = OWN_OPTIONS + count };
	return opts_run(&opts, argc, argv, dispatch, &o);
}

const struct cmd cmd_admin = {
	.name = "admin",
	.summary = "Manages users and keys, beside a running server or without one",
	.usage =
		"user add EMAIL [--role ROLE,...]     the password is asked for, or read from standard input\n"
		"       tiro admin user list [--json]\n"
		"       tiro admin user show NAME [--json]         NAME is an e-mail address, a username or a phone\n"
		"       tiro admin user set NAME [--role ROLE,...] [--plan PLAN] [--active|--inactive]\n"
		"       tiro admin user password NAME              asks for a new one; all tokens end\n"
		"       tiro admin user delete NAME                with all that is theirs: files, jobs, keys, shares\n"
		"       tiro admin key rotate                      puts a new master key in the place of the old",
	.run = run,
};
