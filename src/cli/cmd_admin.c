/*
 * tiro admin: what an administrator does on the server's machine, beside a running server or without one.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cmd_admin.h"

enum { OWN_OPTIONS = 21 };

static const struct admin_verbs *const nouns[] = { &admin_user, &admin_role, &admin_plan, &admin_token, &admin_key };

static const struct admin_verb *find_named(const char *noun, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(nouns); i++) {
		for (size_t j = 0; j < nouns[i]->count; j++) {
			const struct admin_verb *verb = &nouns[i]->verbs[j];
			if (strcmp(verb->noun, noun) == 0 && strcmp(verb->name, name) == 0)
				return verb;
		}
	}
	return NULL;
}

enum err_code admin_run_unit(struct admin *admin, enum db_mode mode,
			     enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err), void *arg,
			     struct err *err)
{
	struct db_work work = { .mode = mode, .run = run, .arg = arg };
	return db_run(admin->db, &work, err);
}

/* The verb of the first two words; the words that follow must be as many as it takes. */
static enum err_code find_verb(struct admin_options *o, const struct admin_verb **ret, struct err *err)
{
	if (o->word_count < 2)
		return err_set(err, ERR_USAGE, "\"tiro admin\" needs what and how, like \"tiro admin user list\"");
	const struct admin_verb *verb = find_named(o->words[0], o->words[1]);
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
	if (code == ERR_NOT_FOUND && verb->needs & ADMIN_MAY_BEGIN)
		code = backends_make_db(admin->settings, &admin->db, err);
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
		{ 0, "monthly-seconds", "N", "plan set: of recordings in a month; \"unlimited\" too, as below", NULL,
		  OPT_STRING, &o.monthly_seconds, 0, 0 },
		{ 0, "monthly-pages", "N", "plan set: pages in a month", NULL, OPT_STRING, &o.monthly_pages, 0, 0 },
		{ 0, "max-file-bytes", "N", "plan set: size of one file", NULL, OPT_STRING, &o.max_file_bytes, 0, 0 },
		{ 0, "storage-bytes", "N", "plan set: size of all files", NULL, OPT_STRING, &o.storage_bytes, 0, 0 },
		{ 0, "history-days", "N", "plan set: until ended jobs and their files are deleted", NULL, OPT_STRING,
		  &o.history_days, 0, 0 },
		{ 0, "concurrency", "N", "plan set: jobs at once; more of a user wait for them", NULL, OPT_STRING,
		  &o.concurrency, 0, 0 },
		{ 0, "weight", "N", "plan set: share of the engines (1)", NULL, OPT_STRING, &o.weight, 0, 0 },
		{ 0, "max-priority", "N", "plan set: highest priority, -10 to 10", NULL, OPT_STRING, &o.max_priority, 0,
		  0 },
		{ 0, "application", "ID", "token add, list: an application of the user (their default one)", NULL,
		  OPT_STRING, &o.application, 0, 0 },
		{ 0, "name", "TEXT", "token add: what it is for", NULL, OPT_STRING, &o.name, 0, 0 },
		{ 0, "permissions", "P,...", "token add: read, write, admin (read,write)", NULL, OPT_STRING,
		  &o.permissions, 0, 0 },
		{ 0, "days", "N", "token add: until it expires (never)", NULL, OPT_STRING, &o.days, 0, 0 },
		{ 0, "json", NULL, "list, show: answer in JSON", NULL, OPT_FLAG, &o.json, 0, 0 },
	};
	size_t count = settings_opts(&o.input, SETTINGS_DATA | SETTINGS_DATABASE | SETTINGS_STORAGE | SETTINGS_KEYS,
				     table + OWN_OPTIONS);
	const struct opts opts = { .cmd = &cmd_admin, .table = table, .count = OWN_OPTIONS + count };
	return opts_run(&opts, argc, argv, dispatch, &o);
}

const struct cmd cmd_admin = {
	.name = "admin",
	.summary = "Manages users, roles, plans, tokens and keys, beside a running server or without one",
	.usage =
		"user add EMAIL [--role ROLE,...]     the password is asked for, or read from standard input\n"
		"       tiro admin user list [--json]\n"
		"       tiro admin user show NAME [--json]         NAME is an e-mail address, a username or a phone\n"
		"       tiro admin user set NAME [--role ROLE,...] [--plan PLAN] [--active|--inactive]\n"
		"       tiro admin user password NAME              asks for a new one; all tokens end\n"
		"       tiro admin user delete NAME                with all that is theirs: files, jobs, keys, shares\n"
		"       tiro admin role list\n"
		"       tiro admin role grant NAME ROLE            and \"role revoke NAME ROLE\"\n"
		"       tiro admin plan list [--json]\n"
		"       tiro admin plan set PLAN [--monthly-seconds N] [--max-file-bytes N] [--history-days N]\n"
		"                           [--concurrency N] [--weight N] ...\n"
		"       tiro admin plan delete PLAN\n"
		"       tiro admin token add NAME [--application ID] [--name TEXT] [--permissions P,...] [--days N]\n"
		"       tiro admin token list NAME [--application ID] [--json]\n"
		"       tiro admin token revoke NAME ID\n"
		"       tiro admin key rotate                      puts a new master key in the place of the old",
	.run = run,
};
