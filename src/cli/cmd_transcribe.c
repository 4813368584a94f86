/*
 * tiro transcribe: recordings to text, JSON or subtitles.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asr/format.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/batch.h"
#include "cli/openvino.h"
#include "cli/opts.h"
#include "models/models.h"

struct settings {
	const char *model;
	const char *models_dir;
	const char *language;
	const char *format_name;
	const char *output_path;
	const char *prompt;
	const char *openvino;
	bool translate;
	bool fake;
	long track;
	long threads;
	long part_limit_ms;
	enum asr_format format;
	struct asr_options options;
};

/* What one file needs while it runs. */
struct state {
	const struct settings *settings;
	struct asr_writer *writer; /* NULL before the first words */
};

static void on_transcript(void *owner, const struct asr_transcript *transcript)
{
	struct batch_item *item = owner;
	struct state *state = item->state;
	struct err err;
	if (!state->writer &&
	    asr_writer_new(state->settings->format, transcript, &item->out, &state->writer, &err) != ERR_OK) {
		item->out.failed = true;
		return;
	}
	asr_writer_update(state->writer);
	batch_flush(item);
}

static void on_end(void *owner, const struct err *why)
{
	struct batch_item *item = owner;
	struct state *state = item->state;
	if (state->writer)
		asr_writer_end(state->writer);
	asr_writer_free(steal_ptr(&state->writer));
	batch_end(item, why);
}

static const struct job_events job_callbacks = { .on_progress = batch_progress,
						 .on_transcript = on_transcript,
						 .on_end = on_end };

static enum err_code start(struct batch_item *item, struct node *node, void *ctx, struct err *err)
{
	const struct settings *settings = ctx;
	struct state *state = calloc(1, sizeof *state);
	if (!state)
		return err_set(err, ERR_NO_MEMORY, "no memory for a file");
	item->state = state;
	state->settings = settings;
	struct speech_request request = { .source = input_source(&item->input),
					  .options = settings->options,
					  .audio_track = (int)settings->track };
	struct job *job;
	return node_add_speech(node, &request, &job_callbacks, item, &job, err);
}

static void release(struct batch_item *item)
{
	struct state *state = steal_ptr((struct state **)&item->state);
	if (!state)
		return;
	asr_writer_free(state->writer);
	free(state);
}

static const struct batch_ops batch_callbacks = { .start = start, .release = release };

static enum err_code read_settings(struct settings *s, struct err *err)
{
	if (!asr_format_by_name(s->format_name, &s->format))
		return err_set(err, ERR_USAGE, "unknown format \"%s\"; text, json, srt, vtt and tsv are known",
			       s->format_name);
	if (strcmp(s->language, "auto") != 0 && !asr_language_code(s->language, s->options.language))
		return err_set(err, ERR_USAGE, "unknown language \"%s\"; give a code (\"de\"), a name or \"auto\"",
			       s->language);
	if (strlen(s->prompt) >= sizeof s->options.prompt)
		return err_set(err, ERR_USAGE, "the prompt is longer than %zu bytes", sizeof s->options.prompt - 1);
	(void)snprintf(s->options.prompt, sizeof s->options.prompt, "%s", s->prompt);
	s->options.translate = s->translate;
	return ERR_OK;
}

static enum err_code transcribe(void *ctx, char **names, int count, int *ret_status, struct err *err)
{
	struct settings *s = ctx;
	struct output output;
	if (read_settings(s, err) != ERR_OK)
		return err->code;
	if (count == 0)
		return err_set(err, ERR_USAGE, "name the files to transcribe, or - for standard input");
	const char *extension = s->format == ASR_FORMAT_TEXT ? "txt" : s->format_name;
	if (output_init(s->output_path, (const char *const *)names, count, extension, &output, err) != ERR_OK)
		return err->code;
	struct models *models = NULL;
	cleanup_close int model_fd = -1;
	cleanup_close int vad_fd = -1;
	enum err_code code = models_open(s->models_dir, &models, err);
	if (code == ERR_OK && !s->fake)
		code = models_open_file(models, s->model, &model_fd, err);
	if (code == ERR_OK)
		code = models_open_file(models, "silero-vad", &vad_fd, err);
	models_close(models);
	if (code == ERR_OK && s->fake)
		model_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (code != ERR_OK)
		return code;
	struct node_spec spec = { .threads = (int)s->threads,
				  .fake = s->fake,
				  .speech_model_fd = model_fd,
				  .vad_fd = vad_fd,
				  .openvino = openvino_folder(s->openvino),
				  .part_limit_ms = s->part_limit_ms };
	*ret_status = batch_run(&spec, &batch_callbacks, s, &output, names, count);
	return ERR_OK;
}

static int run(int argc, char **argv)
{
	struct settings s = { .model = "base", .language = "auto", .format_name = "text", .prompt = "" };
	const struct opt table[] = {
		{ 'm', "model", "MODEL", "speech model: a name of \"tiro models list\" or a file (base)", "TIRO_MODEL",
		  OPT_STRING, &s.model, 0, 0 },
		{ 'l', "language", "LANG", "language code or name, or auto (auto)", "TIRO_LANGUAGE", OPT_STRING,
		  &s.language, 0, 0 },
		{ 'f', "format", "FORMAT", "text, json, srt, vtt or tsv (text)", NULL, OPT_STRING, &s.format_name, 0,
		  0 },
		{ 'o', "output", "PATH", "write to this file, or into this folder", NULL, OPT_STRING, &s.output_path, 0,
		  0 },
		{ 0, "translate", NULL, "translate into English", NULL, OPT_FLAG, &s.translate, 0, 0 },
		{ 0, "prompt", "TEXT", "names and words to expect", NULL, OPT_STRING, &s.prompt, 0, 0 },
		{ 0, "track", "N", "audio track of a video; 0: the default one (0)", NULL, OPT_INT, &s.track, 0, 63 },
		{ 't', "threads", "N", "parts recognised at once; 0: one per core (0)", "TIRO_THREADS", OPT_INT,
		  &s.threads, 0, 256 },
		{ 0, "models", "DIR", "folder of the models", "TIRO_MODELS", OPT_STRING, &s.models_dir, 0, 0 },
		{ 0, "openvino", "DIR", "folder of OpenVINO's library, or none to do without it", "TIRO_OPENVINO",
		  OPT_STRING, &s.openvino, 0, 0 },
		{ 0, "fake-engine", NULL, NULL, NULL, OPT_FLAG, &s.fake, 0, 0 },
		{ 0, "part-limit", "MS", NULL, NULL, OPT_INT, &s.part_limit_ms, 0, INT_MAX },
	};
	const struct opts opts = { .cmd = &cmd_transcribe, .table = table, .count = ARRAY_LEN(table) };
	return opts_run(&opts, argc, argv, transcribe, &s);
}

const struct cmd cmd_transcribe = { .name = "transcribe",
				    .summary = "Turns the speech of recordings and videos into text",
				    .usage = "FILE... [-m MODEL] [-l LANG] [-f text|json|srt|vtt|tsv] [-o PATH]",
				    .run = run };
