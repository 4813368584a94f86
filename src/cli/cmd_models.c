/*
 * tiro models: what models there are, getting them, checking them.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/opts.h"
#include "models/manifest.h"
#include "models/models.h"

enum {
	SELECTION_MAX = 64,
	/* A thousand files of half a KiB each. */
	JSON_MAX = 2 * 1024 * 1024,
	PROGRESS_US = 100 * 1000
};

struct options {
	const char *dir;
	const char *source;
	const char *name;
	bool json;
	const char *const *words; /* what is left of the command line */
	size_t word_count;
};

/* The one thing a signal handler may touch. */
static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
	(void)number;
	stop_asked = 1;
}

/* The first Ctrl-C ends the work in order; a second one ends the program. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}

static int report(const struct err *err)
{
	cli_error(NULL, err);
	return err_exit_status(err->code);
}

static double megabytes(uint64_t bytes)
{
	return (double)bytes / 1e6;
}

/* -- list ---------------------------------------------------------------------------------------- */

static const char *origin_of(const struct model_info *info)
{
	bool cited = false, measured = false;
	for (size_t i = 0; i < MODEL_SOURCES_MAX && info->sources[i]; i++) {
		if (info->sources[i]->origin == HASH_CITED)
			cited = true;
		else
			measured = true;
	}
	if (cited && measured)
		return "cited, measured";
	return cited ? "cited" : "measured";
}

static void print_table(const struct model_entry *entries, size_t count)
{
	(void)printf("%-14s %10s  %-10s  %-9s  %-15s  %s\n", "NAME", "SIZE", "LICENCE", "INSTALLED", "HASH", "WHAT");
	for (size_t i = 0; i < count; i++) {
		const struct model_entry *e = &entries[i];
		const struct model_info *info = e->info;
		(void)printf("%-14s %7.1f MB  %-10s  %-9s  %-15s  %s\n", info ? info->name : e->file,
			     megabytes(e->size_bytes), info ? info->licence : "-", e->installed ? "yes" : "no",
			     info ? origin_of(info) : "-", info ? info->about : "imported");
	}
}

static void add_source(struct json *j, const struct model_source *source)
{
	json_object(j);
	if (source->url)
		json_key_str(j, "url", source->url);
	else {
		json_key(j, "packages");
		json_array(j);
		for (size_t i = 0; i < SOURCE_WHEELS_MAX && source->wheels[i].requirement; i++)
			json_str(j, source->wheels[i].requirement);
		json_array_end(j);
	}
	json_key_str(j, "sha256", source->sha256);
	json_key_str(j, "hash_origin", source->origin == HASH_CITED ? "cited" : "measured");
	if (source->evidence)
		json_key_str(j, "hash_evidence", source->evidence);
	json_object_end(j);
}

static void add_entry(struct json *j, const struct model_entry *e)
{
	json_object(j);
	json_key_str(j, "name", e->info ? e->info->name : e->file);
	json_key_str(j, "file", e->file);
	json_key_bool(j, "installed", e->installed);
	json_key_int(j, "size_bytes", (int64_t)e->size_bytes);
	if (e->info) {
		json_key_str(j, "kind", models_kind_name(e->info->kind));
		json_key_str(j, "licence", e->info->licence);
		json_key_str(j, "about", e->info->about);
		json_key(j, "sources");
		json_array(j);
		for (size_t i = 0; i < MODEL_SOURCES_MAX && e->info->sources[i]; i++)
			add_source(j, e->info->sources[i]);
		json_array_end(j);
	}
	json_object_end(j);
}

static int print_json(const struct strbuf *out)
{
	struct err err;
	if (strbuf_check(out, "the list", &err))
		return report(&err);
	(void)printf("%s\n", strbuf_str(out));
	return EX_OK;
}

static int list_json(const struct models *m, const struct model_entry *entries, size_t count)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT(JSON_MAX);
	struct json j = JSON_INIT(&out);
	json_object(&j);
	json_key_str(&j, "folder", models_dir(m));
	json_key(&j, "models");
	json_array(&j);
	for (size_t i = 0; i < count; i++)
		add_entry(&j, &entries[i]);
	json_array_end(&j);
	json_object_end(&j);
	return print_json(&out);
}

static int run_list(const struct models *m, const struct options *o)
{
	cleanup_free struct model_entry *entries = NULL;
	size_t count;
	struct err err;
	if (models_list(m, &entries, &count, &err))
		return report(&err);
	if (o->json)
		return list_json(m, entries, count);
	print_table(entries, count);
	return EX_OK;
}

/* -- verify -------------------------------------------------------------------------------------- */

static const char *state_name(enum model_state state)
{
	switch (state) {
	case MODEL_OK:
		return "ok";
	case MODEL_BAD:
		return "bad";
	case MODEL_UNKNOWN:
	default:
		return "unknown";
	}
}

static void print_check(const struct model_entry *e, const struct model_check *check)
{
	const char *detail = check->reason;
	if (check->source)
		detail = check->source->origin == HASH_CITED ? "the hash that its publisher gives"
							     : "the hash that we measured";
	(void)printf("%-8s %-30s %s\n", state_name(check->state), e->file, detail);
}

static void add_check(struct json *j, const struct model_entry *e, const struct model_check *check)
{
	json_object(j);
	json_key_str(j, "file", e->file);
	json_key_str(j, "state", state_name(check->state));
	json_key_str(j, "sha256", check->sha256);
	if (check->reason[0])
		json_key_str(j, "reason", check->reason);
	json_object_end(j);
}

/* Checks the installed entries; the status is the worst of them. */
static int verify_entries(const struct models *m, const struct model_entry *entries, size_t count, struct json *j)
{
	int status = EX_OK;
	for (size_t i = 0; i < count; i++) {
		struct model_check check;
		struct err err;
		if (!entries[i].installed)
			continue;
		if (models_verify(m, &entries[i], &check, &err)) {
			status = report(&err);
			continue;
		}
		if (check.state == MODEL_BAD)
			status = EX_DATAERR;
		if (j)
			add_check(j, &entries[i], &check);
		else
			print_check(&entries[i], &check);
	}
	return status;
}

/* Moves the entries that the words name to the front; a word that names nothing installed is an error. */
static enum err_code narrow(const struct models *m, const struct options *o, struct model_entry *entries, size_t *count,
			    struct err *err)
{
	size_t kept = 0;
	for (size_t w = 0; w < o->word_count; w++) {
		char path[PATH_MAX];
		enum err_code code = models_path(m, o->words[w], path, err);
		if (code)
			return code;
		size_t i = kept;
		while (i < *count && strcmp(entries[i].file, strrchr(path, '/') ? strrchr(path, '/') + 1 : path) != 0)
			i++;
		if (i == *count)
			continue; /* named twice */
		struct model_entry swapped = entries[i];
		entries[i] = entries[kept];
		entries[kept++] = swapped;
	}
	*count = kept;
	return ERR_OK;
}

static int run_verify(const struct models *m, const struct options *o)
{
	cleanup_free struct model_entry *entries = NULL;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(JSON_MAX);
	struct json j = JSON_INIT(&out);
	size_t count;
	struct err err;
	if (models_list(m, &entries, &count, &err) || (o->word_count > 0 && narrow(m, o, entries, &count, &err)))
		return report(&err);
	if (!o->json)
		return verify_entries(m, entries, count, NULL);
	json_array(&j);
	int status = verify_entries(m, entries, count, &j);
	json_array_end(&j);
	int printed = print_json(&out);
	return printed == EX_OK ? status : printed;
}

/* -- pull and import ----------------------------------------------------------------------------- */

struct display {
	bool is_terminal;
	int64_t shown_us;
};

static void clear_line(const struct display *d)
{
	if (d->is_terminal && d->shown_us > 0)
		(void)fprintf(stderr, "\r\033[K");
}

static bool on_progress(void *owner, const struct models_progress *p)
{
	struct display *d = owner;
	int64_t now_us = clock_monotonic_us();
	if (!d->is_terminal || now_us - d->shown_us < PROGRESS_US)
		return !stop_asked;
	clear_line(d);
	d->shown_us = now_us;
	(void)fprintf(stderr, "%s%s%s", p->model, *p->model ? ": " : "", p->what);
	if (p->total_bytes > 0)
		(void)fprintf(stderr, " %.1f of %.1f MB (%.0f %%)", megabytes(p->done_bytes), megabytes(p->total_bytes),
			      100.0 * (double)p->done_bytes / (double)p->total_bytes);
	else if (p->done_bytes > 0)
		(void)fprintf(stderr, " %.1f MB", megabytes(p->done_bytes));
	(void)fflush(stderr);
	return !stop_asked;
}

static void on_installed(void *owner, const struct model_info *info, bool fresh)
{
	clear_line(owner);
	(void)printf("%s: %s (%s, %.1f MB)\n", info->name, fresh ? "installed" : "already there", info->file,
		     megabytes(info->size_bytes));
	(void)fflush(stdout);
}

static int run_pull(const struct models *m, const struct options *o)
{
	const struct model_info *infos[SELECTION_MAX];
	struct display display = { .is_terminal = isatty(STDERR_FILENO) == 1 };
	struct models_pull_request request = {
		.infos = infos,
		.source = o->source,
		.watch = { .on_progress = on_progress, .on_installed = on_installed, .owner = &display }
	};
	struct err err;
	if (models_select(o->words, o->word_count, infos, SELECTION_MAX, &request.count, &err))
		return report(&err);
	catch_signals();
	enum err_code code = models_pull(m, &request, &err);
	clear_line(&display);
	return code ? report(&err) : EX_OK;
}

static int run_import(const struct models *m, const struct options *o)
{
	char name[NAME_MAX + 1];
	struct display display = { .is_terminal = isatty(STDERR_FILENO) == 1 };
	struct err err;
	if (o->word_count != 1) {
		(void)err_set(&err, ERR_USAGE, "\"tiro models import\" takes one file");
		return report(&err);
	}
	struct models_import_request request = { .path = o->words[0],
						 .name = o->name,
						 .watch = { .on_progress = on_progress, .owner = &display } };
	catch_signals();
	enum err_code code = models_import(m, &request, name, &err);
	clear_line(&display);
	if (code)
		return report(&err);
	(void)printf("%s: imported; use it with -m %s\n", name, name);
	return EX_OK;
}

/* -- the command --------------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	int (*run)(const struct models *m, const struct options *o);
	bool takes_words, takes_json, takes_name;
} verbs[] = {
	{ .name = "list", .run = run_list, .takes_json = true },
	{ .name = "pull", .run = run_pull, .takes_words = true },
	{ .name = "verify", .run = run_verify, .takes_words = true, .takes_json = true },
	{ .name = "import", .run = run_import, .takes_words = true, .takes_name = true },
};

/* Finds the first word's verb; what it does not take is an error rather than ignored. */
static enum err_code choose_verb(const struct options *o, const struct verb **ret, struct err *err)
{
	const struct verb *verb = NULL;
	if (o->word_count == 0)
		return err_set(err, ERR_USAGE, "\"tiro models\" needs one of list, pull, verify and import");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, o->words[0]) == 0)
			verb = &verbs[i];
	}
	if (!verb)
		return err_set(err, ERR_USAGE,
			       "there is no \"tiro models %s\"; list, pull, verify and import are known", o->words[0]);
	if (o->word_count > 1 && !verb->takes_words)
		return err_set(err, ERR_USAGE, "\"tiro models %s\" takes no \"%s\"", verb->name, o->words[1]);
	if ((o->json && !verb->takes_json) || (o->name && !verb->takes_name))
		return err_set(err, ERR_USAGE, "\"tiro models %s\" takes no --%s", verb->name,
			       o->json ? "json" : "name");
	*ret = verb;
	return ERR_OK;
}

static enum err_code dispatch(struct options *o, int *ret_status, struct err *err)
{
	const struct verb *verb = NULL;
	struct models *m = NULL;
	enum err_code code = choose_verb(o, &verb, err);
	if (!code)
		code = models_open(o->dir, &m, err);
	if (code)
		return code;
	o->words++;
	o->word_count--;
	*ret_status = verb->run(m, o);
	models_close(m);
	return ERR_OK;
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	const struct opt table[] = {
		{ 0, "models", "DIR", "folder of the models", "TIRO_MODELS", OPT_STRING, &o.dir, 0, 0 },
		{ 0, "source", "URL", "pull: a mirror to take the files from instead", "TIRO_MODEL_SOURCE", OPT_STRING,
		  &o.source, 0, 0 },
		{ 0, "name", "NAME", "import: what -m shall take (from the file's name)", NULL, OPT_STRING, &o.name, 0,
		  0 },
		{ 0, "json", NULL, "list, verify: answer in JSON", NULL, OPT_FLAG, &o.json, 0, 0 },
	};
	const struct opts opts = { .cmd = &cmd_models, .table = table, .count = ARRAY_LEN(table) };
	struct err err;
	int count = 0;
	int status = EX_OK;
	bool help = false;
	enum err_code code = opts_parse(&opts, argc, argv, &count, &help, &err);
	o.words = (const char *const *)argv + 1;
	o.word_count = (size_t)count;
	if (!code && !help)
		code = dispatch(&o, &status, &err);
	return code ? report(&err) : status;
}

const struct cmd cmd_models = {
	.name = "models",
	.summary = "Lists, gets and checks the models that recognition needs",
	.usage = "list [--json]                  what is known and what is installed\n"
		 "       tiro models pull [NAME...]                 gets models: base and what pages need, if none is "
		 "named;\n"
		 "                                                  \"ppocr\" means both for pages\n"
		 "       tiro models verify [--json] [NAME...]      hashes what is installed: ok, bad, unknown "
		 "(imported)\n"
		 "       tiro models import [--name NAME] FILE      copies a ggml Whisper file, or a known model that "
		 "was\n"
		 "                                                  downloaded elsewhere",
	.run = run,
};
