/*
 * tiro admin: what an administrator does on the server's machine, beside a running server or without one.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cmd_admin.h"

enum { OWN_OPTIONS = 21, HELP_MAX = 512 };

/* A run: what was said, and the table that took it. */
struct run {
	struct admin_options options;
	struct opt table[OWN_OPTIONS + SETTINGS_OPTS_MAX];
};

static const struct admin_verbs *const nouns[] = { &admin_user, &admin_role, &admin_plan, &admin_token, &admin_key };

/* -- the verbs ----------------------------------------------------------------------------------------- */

static const struct admin_verbs *find_noun(const char *noun)
{
	for (size_t i = 0; i < ARRAY_LEN(nouns); i++) {
		if (strcmp(nouns[i]->verbs[0].noun, noun) == 0)
			return nouns[i];
	}
	return NULL;
}

static const struct admin_verb *find_verb(const char *noun, const char *name)
{
	const struct admin_verbs *of = find_noun(noun);
	for (size_t i = 0; of && i < of->count; i++) {
		if (strcmp(of->verbs[i].name, name) == 0)
			return &of->verbs[i];
	}
	return NULL;
}

/* "list, set and delete": what there is of a noun; NULL: the nouns. */
static void write_choices(const struct admin_verbs *of, struct strbuf *out)
{
	size_t count = of ? of->count : ARRAY_LEN(nouns);
	for (size_t i = 0; i < count; i++) {
		const char *before = i + 1 < count ? ", " : " and ";
		strbuf_addf(out, "%s%s", i == 0 ? "" : before, of ? of->verbs[i].name : nouns[i]->verbs[0].noun);
	}
}

/* What is wrong with words that name no verb. */
static enum err_code no_verb(char **words, int count, struct err *err)
{
	cleanup_strbuf struct strbuf choices = STRBUF_INIT(ERR_MESSAGE_MAX);
	const struct admin_verbs *of = count > 0 ? find_noun(words[0]) : NULL;
	write_choices(of, &choices);
	const char *known = strbuf_str(&choices);
	if (count == 0)
		return err_set(err, ERR_USAGE, "\"tiro admin\" needs one of %s", known);
	if (!of)
		return err_set(err, ERR_USAGE, "there is no \"tiro admin %s\"; known: %s", words[0], known);
	if (count == 1)
		return err_set(err, ERR_USAGE, "\"tiro admin %s\" needs what to do: %s", words[0], known);
	return err_set(err, ERR_USAGE, "there is no \"tiro admin %s %s\"; known: %s", words[0], words[1], known);
}

/* Whether it is one of the names, each of which has a blank behind it. */
static bool has_name(const char *names, const char *name)
{
	size_t len = strlen(name);
	for (; *names; names += strcspn(names, " ") + 1) {
		if (strncmp(names, name, len) == 0 && names[len] == ' ')
			return true;
	}
	return false;
}

static bool is_given(const struct opt *opt)
{
	return opt->type == OPT_FLAG ? *(bool *)opt->target : *(const char **)opt->target != NULL;
}

/* The verb of the first two words; the words that follow must be as many as it takes, and the options its own. */
static enum err_code choose_verb(struct admin_options *o, const struct opt *own, const struct admin_verb **ret,
				 struct err *err)
{
	const struct admin_verb *verb = o->word_count < 2 ? NULL : find_verb(o->words[0], o->words[1]);
	if (!verb)
		return no_verb(o->words, o->word_count, err);
	o->words += 2;
	o->word_count -= 2;
	if (o->word_count != verb->word_count)
		return err_set(err, ERR_USAGE, "\"tiro admin %s %s\" takes %s", verb->noun, verb->name,
			       verb->word_count > 0 ? verb->words : "no more words");
	for (size_t i = 0; i < OWN_OPTIONS; i++) {
		if (is_given(&own[i]) && !has_name(verb->options, own[i].name))
			return err_set(err, ERR_USAGE, "\"tiro admin %s %s\" takes no --%s", verb->noun, verb->name,
				       own[i].name);
	}
	*ret = verb;
	return ERR_OK;
}

/* -- help ------------------------------------------------------------------------------------------------ */

/* One verb, with its options. */
static void help_verb(const struct opts *all, const struct admin_verb *verb)
{
	char name[64];
	cleanup_strbuf struct strbuf usage = STRBUF_INIT(HELP_MAX);
	struct opt table[OWN_OPTIONS + SETTINGS_OPTS_MAX];
	size_t count = 0;
	(void)snprintf(name, sizeof name, "admin %s %s", verb->noun, verb->name);
	strbuf_addf(&usage, "%s%s[OPTION...]", verb->words, *verb->words ? " " : "");
	for (size_t i = 0; i < all->count; i++) {
		if (i >= OWN_OPTIONS || has_name(verb->options, all->table[i].name))
			table[count++] = all->table[i];
	}
	const struct cmd cmd = { .name = name, .summary = verb->summary, .usage = strbuf_str(&usage) };
	opts_help(&(struct opts){ .cmd = &cmd, .table = table, .count = count });
}

static void list_verbs(const struct admin_verbs *of)
{
	for (size_t i = 0; i < of->count; i++) {
		char left[64];
		const struct admin_verb *verb = &of->verbs[i];
		(void)snprintf(left, sizeof left, "%s %s %s", verb->noun, verb->name, verb->words);
		(void)printf("  %-24s %s\n", left, verb->summary);
	}
}

static void help(const struct opts *all, char **words, int count)
{
	const struct admin_verbs *of = count > 0 ? find_noun(words[0]) : NULL;
	const struct admin_verb *verb = count > 1 ? find_verb(words[0], words[1]) : NULL;
	if (verb) {
		help_verb(all, verb);
		return;
	}
	(void)printf("usage: tiro admin %s\n\n%s.\n\n", cmd_admin.usage, cmd_admin.summary);
	for (size_t i = 0; i < ARRAY_LEN(nouns); i++) {
		if (!of || of == nouns[i])
			list_verbs(nouns[i]);
	}
	(void)printf("\n\"tiro admin WHAT HOW --help\" says more, and lists the options.\n");
}

/* -- running --------------------------------------------------------------------------------------------- */

enum err_code admin_run_unit(struct admin *admin, enum db_mode mode,
			     enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err), void *arg,
			     struct err *err)
{
	struct db_work work = { .mode = mode, .run = run, .arg = arg };
	return db_run(admin->db, &work, err);
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
	struct run *run = ctx;
	struct admin_options *o = &run->options;
	const struct admin_verb *verb = NULL;
	cleanup_settings struct settings_loaded *loaded = NULL;
	(void)ret_status;
	o->words = words;
	o->word_count = count;
	enum err_code code = choose_verb(o, run->table, &verb, err);
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

static void own_options(struct admin_options *o, struct opt ret[OWN_OPTIONS])
{
	const struct opt own[OWN_OPTIONS] = {
		{ 0, "username", "NAME", "a name to log in with (the e-mail address)", NULL, OPT_STRING, &o->username,
		  0, 0 },
		{ 0, "phone", "NUMBER", "another name to log in with", NULL, OPT_STRING, &o->phone, 0, 0 },
		{ 0, "first-name", "NAME", "first name", NULL, OPT_STRING, &o->first_name, 0, 0 },
		{ 0, "last-name", "NAME", "last name", NULL, OPT_STRING, &o->last_name, 0, 0 },
		{ 0, "role", "ROLE,...", "admin, user, demo_user", NULL, OPT_STRING, &o->role, 0, 0 },
		{ 0, "plan", "NAME", "the user's plan", NULL, OPT_STRING, &o->plan, 0, 0 },
		{ 0, "active", NULL, "may log in again", NULL, OPT_FLAG, &o->active, 0, 0 },
		{ 0, "inactive", NULL, "may not log in any more; all tokens end", NULL, OPT_FLAG, &o->inactive, 0, 0 },
		{ 0, "monthly-seconds", "N", "seconds of recordings in a month, or \"unlimited\"", NULL, OPT_STRING,
		  &o->monthly_seconds, 0, 0 },
		{ 0, "monthly-pages", "N", "pages in a month", NULL, OPT_STRING, &o->monthly_pages, 0, 0 },
		{ 0, "max-file-bytes", "N", "size of one file", NULL, OPT_STRING, &o->max_file_bytes, 0, 0 },
		{ 0, "storage-bytes", "N", "size of all files", NULL, OPT_STRING, &o->storage_bytes, 0, 0 },
		{ 0, "history-days", "N", "until ended jobs and their files are deleted", NULL, OPT_STRING,
		  &o->history_days, 0, 0 },
		{ 0, "concurrency", "N", "jobs at once; more of a user wait for them", NULL, OPT_STRING,
		  &o->concurrency, 0, 0 },
		{ 0, "weight", "N", "share of the engines (1)", NULL, OPT_STRING, &o->weight, 0, 0 },
		{ 0, "max-priority", "N", "highest priority, -10 to 10", NULL, OPT_STRING, &o->max_priority, 0, 0 },
		{ 0, "application", "ID", "an application of the user (their default one)", NULL, OPT_STRING,
		  &o->application, 0, 0 },
		{ 0, "name", "TEXT", "what it is for", NULL, OPT_STRING, &o->name, 0, 0 },
		{ 0, "permissions", "P,...", "read, write, admin (read,write)", NULL, OPT_STRING, &o->permissions, 0,
		  0 },
		{ 0, "days", "N", "until it expires (never)", NULL, OPT_STRING, &o->days, 0, 0 },
		{ 0, "json", NULL, "answer in JSON", NULL, OPT_FLAG, &o->json, 0, 0 },
	};
	memcpy(ret, own, sizeof own);
}

static int run(int argc, char **argv)
{
	struct run run = { .options = { .json = false } };
	own_options(&run.options, run.table);
	size_t count = settings_opts(&run.options.input, SETTINGS_OF_ADMIN, run.table + OWN_OPTIONS);
	const struct opts opts = { .cmd = &cmd_admin, .table = run.table, .count = OWN_OPTIONS + count, .help = help };
	return opts_run(&opts, argc, argv, dispatch, &run);
}

const struct cmd cmd_admin = {
	.name = "admin",
	.summary = "Manages users, roles, plans, tokens and keys, beside a running server or without one",
	.usage = "WHAT HOW ...",
	.run = run,
};
