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
#include "cli/cmd_models.h"
#include "cli/opts.h"
#include "models/models.h"

enum { SELECTION_MAX = 64, PROGRESS_US = 100 * 1000 };

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

static int run_pull(const struct models *m, const struct models_options *o)
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
		return models_report(&err);
	catch_signals();
	enum err_code code = models_pull(m, &request, &err);
	clear_line(&display);
	return code ? models_report(&err) : EX_OK;
}

static int run_import(const struct models *m, const struct models_options *o)
{
	char name[NAME_MAX + 1];
	struct display display = { .is_terminal = isatty(STDERR_FILENO) == 1 };
	struct err err;
	if (o->word_count != 1) {
		(void)err_set(&err, ERR_USAGE, "\"tiro models import\" takes one file");
		return models_report(&err);
	}
	struct models_import_request request = { .path = o->words[0],
						 .name = o->name,
						 .watch = { .on_progress = on_progress, .owner = &display } };
	catch_signals();
	enum err_code code = models_import(m, &request, name, &err);
	clear_line(&display);
	if (code)
		return models_report(&err);
	(void)printf("%s: imported; use it with -m %s\n", name, name);
	return EX_OK;
}

/* -- the command --------------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	int (*run)(const struct models *m, const struct models_options *o);
	bool takes_words, takes_json, takes_name;
} verbs[] = {
	{ .name = "list", .run = models_show_list, .takes_json = true },
	{ .name = "pull", .run = run_pull, .takes_words = true },
	{ .name = "verify", .run = models_show_verify, .takes_words = true, .takes_json = true },
	{ .name = "import", .run = run_import, .takes_words = true, .takes_name = true },
};

/* The first word's verb; NULL where there is none or where it does not take the rest of the command line. */
static const struct verb *choose_verb(const struct models_options *o, struct err *err)
{
	const struct verb *verb = NULL;
	enum err_code code = ERR_OK;
	for (size_t i = 0; o->word_count > 0 && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, o->words[0]) == 0)
			verb = &verbs[i];
	}
	if (o->word_count == 0)
		code = err_set(err, ERR_USAGE, "\"tiro models\" needs one of list, pull, verify and import");
	else if (!verb)
		code = err_set(err, ERR_USAGE,
			       "there is no \"tiro models %s\"; list, pull, verify and import are known", o->words[0]);
	else if (o->word_count > 1 && !verb->takes_words)
		code = err_set(err, ERR_USAGE, "\"tiro models %s\" takes no \"%s\"", verb->name, o->words[1]);
	else if ((o->json && !verb->takes_json) || (o->name && !verb->takes_name))
		code = err_set(err, ERR_USAGE, "\"tiro models %s\" takes no --%s", verb->name,
			       o->json ? "json" : "name");
	return code ? NULL : verb;
}

static enum err_code dispatch(void *ctx, char **words, int count, int *ret_status, struct err *err)
{
	struct models_options *o = ctx;
	struct models *m = NULL;
	o->words = (const char *const *)words;
	o->word_count = (size_t)count;
	const struct verb *verb = choose_verb(o, err);
	if (!verb)
		return ERR_USAGE;
	enum err_code code = models_open(o->dir, &m, err);
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
	struct models_options o = { 0 };
	const struct opt table[] = {
		{ 0, "models", "DIR", "folder of the models", "TIRO_MODELS", OPT_STRING, &o.dir, 0, 0 },
		{ 0, "source", "URL", "pull: a mirror to take the files from instead", "TIRO_MODEL_SOURCE", OPT_STRING,
		  &o.source, 0, 0 },
		{ 0, "name", "NAME", "import: what -m shall take (from the file's name)", NULL, OPT_STRING, &o.name, 0,
		  0 },
		{ 0, "json", NULL, "list, verify: answer in JSON", NULL, OPT_FLAG, &o.json, 0, 0 },
	};
	const struct opts opts = { .cmd = &cmd_models, .table = table, .count = ARRAY_LEN(table) };
	return opts_run(&opts, argc, argv, dispatch, &o);
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
