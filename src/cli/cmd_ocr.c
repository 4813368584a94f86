/*
 * tiro ocr: page images and PDFs to text, page descriptions or searchable PDFs.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cli/batch.h"
#include "cli/openvino.h"
#include "cli/opts.h"
#include "models/models.h"
#include "ocr/format.h"

struct settings {
	const char *mode_name;
	const char *language;
	const char *format_name;
	const char *output_path;
	const char *models_dir;
	const char *tessdata;
	const char *openvino;
	bool force;
	bool keep_orientation;
	bool fake;
	long dpi;
	long threads;
	long part_limit_ms;
	enum ocr_format format;
	struct ocr_options options;
};

static void on_page(void *owner, uint32_t number, const struct ocr_page *page, const struct err *why)
{
	(void)number;
	(void)why; /* batch_end tells it */
	struct batch_item *item = owner;
	struct ocr_writer *writer = item->state;
	if (!page || writer->format == OCR_FORMAT_PDF)
		return;
	ocr_writer_page(writer, page);
	batch_flush(item);
}

static void on_pdf(void *owner, int fd, uint64_t size)
{
	struct batch_item *item = owner;
	struct err err;
	void *room = strbuf_reserve(&item->out, size);
	if (room && io_pread_all(fd, room, size, 0, &err) == ERR_OK)
		strbuf_commit(&item->out, size);
	else
		item->out.failed = true;
}

static void on_end(void *owner, const struct err *why)
{
	struct batch_item *item = owner;
	struct ocr_writer *writer = item->state;
	if (writer->format != OCR_FORMAT_PDF && (why->code == ERR_OK || writer->pages > 0))
		ocr_writer_end(writer);
	batch_end(item, why);
}

static const struct job_events job_callbacks = {
	.on_progress = batch_progress, .on_page = on_page, .on_pdf = on_pdf, .on_end = on_end
};

static enum err_code start(struct batch_item *item, struct node *node, void *ctx, struct err *err)
{
	const struct settings *s = ctx;
	struct ocr_writer *writer = calloc(1, sizeof *writer);
	if (!writer)
		return err_set(err, ERR_NO_MEMORY, "no memory for a file");
	item->state = writer;
	if (s->format == OCR_FORMAT_PDF)
		writer->format = OCR_FORMAT_PDF;
	else
		ocr_writer_begin(writer, s->format, item->name, &item->out);
	struct pages_request request = { .source = input_source(&item->input),
					 .options = s->options,
					 .jail = { .pdf_dpi = (uint32_t)s->dpi, .ignore_text_layer = s->force },
					 .want_pdf = s->format == OCR_FORMAT_PDF };
	struct job *job;
	return node_add_pages(node, &request, &job_callbacks, item, &job, err);
}

static void release(struct batch_item *item)
{
	free(steal_ptr((struct ocr_writer **)&item->state));
}

static const struct batch_ops batch_callbacks = { .start = start, .release = release };

static enum err_code read_settings(struct settings *s, struct err *err)
{
	if (!ocr_format_by_name(s->format_name, &s->format))
		return err_set(err, ERR_USAGE,
			       "unknown format \"%s\"; raw, paragraph, json, hocr, alto, tsv and pdf are known",
			       s->format_name);
	if (strcmp(s->mode_name, "fast") == 0)
		s->options.mode = OCR_FAST;
	else if (strcmp(s->mode_name, "high_accuracy") == 0)
		s->options.mode = OCR_HIGH_ACCURACY;
	else
		return err_set(err, ERR_USAGE, "unknown mode \"%s\"; fast and high_accuracy are known", s->mode_name);
	const char *language = strcmp(s->language, "auto") == 0 ? "" : s->language;
	if (strlen(language) >= sizeof s->options.language)
		return err_set(err, ERR_USAGE, "the language \"%s\" is too long", language);
	(void)snprintf(s->options.language, sizeof s->options.language, "%s", language);
	s->options.keep_orientation = s->keep_orientation;
	return ERR_OK;
}

static const char *extension_of(enum ocr_format format)
{
	switch (format) {
	case OCR_FORMAT_RAW:
	case OCR_FORMAT_PARAGRAPH:
		return "txt";
	case OCR_FORMAT_JSON:
		return "json";
	case OCR_FORMAT_HOCR:
		return "hocr";
	case OCR_FORMAT_ALTO:
		return "xml";
	case OCR_FORMAT_TSV:
		return "tsv";
	case OCR_FORMAT_PDF:
		return "pdf";
	}
	return "txt";
}

/* The models of high_accuracy: an error here says how to get them, before any page is read. */
static enum err_code find_models(const struct settings *s, char *detector, char *recogniser, struct err *err)
{
	struct models *models = NULL;
	enum err_code code = models_open(s->models_dir, &models, err);
	if (code == ERR_OK)
		code = models_usable_path(models, "ppocr-v6-det", detector, err);
	if (code == ERR_OK)
		code = models_usable_path(models, "ppocr-v6-rec", recogniser, err);
	models_close(models);
	return code;
}

static enum err_code check_output(const struct settings *s, const char *const *names, int count, struct output *ret,
				  struct err *err)
{
	if (count == 0)
		return err_set(err, ERR_USAGE, "name the pages to read, or - for standard input");
	if (s->format == OCR_FORMAT_PDF && !s->output_path && (count > 1 || isatty(STDOUT_FILENO)))
		return err_set(err, ERR_USAGE, "a PDF needs a place: give -o FILE, or -o FOLDER for several");
	return output_init(s->output_path, names, count, extension_of(s->format), ret, err);
}

static enum err_code read_pages(void *ctx, char **names, int count, int *ret_status, struct err *err)
{
	struct settings *s = ctx;
	struct output output;
	if (read_settings(s, err) != ERR_OK ||
	    check_output(s, (const char *const *)names, count, &output, err) != ERR_OK)
		return err->code;
	char detector[PATH_MAX];
	char recogniser[PATH_MAX];
	struct ocr_model_spec pages = { .tessdata = s->tessdata };
	if (s->options.mode == OCR_HIGH_ACCURACY) {
		if (find_models(s, detector, recogniser, err) != ERR_OK)
			return err->code;
		pages.detector = detector;
		pages.recogniser = recogniser;
	}
	struct node_spec spec = { .threads = (int)s->threads,
				  .fake = s->fake,
				  .speech_model_fd = -1,
				  .vad_fd = -1,
				  .openvino = openvino_folder(s->openvino),
				  .part_limit_ms = s->part_limit_ms,
				  .pages = &pages };
	*ret_status = batch_run(&spec, &batch_callbacks, s, &output, names, count);
	return ERR_OK;
}

static int run(int argc, char **argv)
{
	struct settings s = { .mode_name = "fast", .language = "auto", .format_name = "raw" };
	const struct opt table[] = {
		{ 'm', "mode", "MODE", "fast or high_accuracy (fast)", "TIRO_OCR_MODE", OPT_STRING, &s.mode_name, 0,
		  0 },
		{ 'l', "language", "LANG", "language codes joined by +, or auto (auto)", "TIRO_OCR_LANGUAGE",
		  OPT_STRING, &s.language, 0, 0 },
		{ 'f', "format", "FORMAT", "raw, paragraph, json, hocr, alto, tsv or pdf (raw)", NULL, OPT_STRING,
		  &s.format_name, 0, 0 },
		{ 'o', "output", "PATH", "write to this file, or into this folder", NULL, OPT_STRING, &s.output_path, 0,
		  0 },
		{ 0, "force", NULL, "read pages of a PDF that have a text layer too", NULL, OPT_FLAG, &s.force, 0, 0 },
		{ 0, "keep-orientation", NULL, "do not look for turned pages", NULL, OPT_FLAG, &s.keep_orientation, 0,
		  0 },
		{ 0, "dpi", "N", "resolution at which PDF pages are rendered; 0: by size (0)", NULL, OPT_INT, &s.dpi, 0,
		  1200 },
		{ 't', "threads", "N", "pages read at once; 0: one per core (0)", "TIRO_THREADS", OPT_INT, &s.threads,
		  0, 256 },
		{ 0, "models", "DIR", "folder of the models", "TIRO_MODELS", OPT_STRING, &s.models_dir, 0, 0 },
		{ 0, "tessdata", "DIR", "folder of tesseract's data", "TIRO_TESSDATA", OPT_STRING, &s.tessdata, 0, 0 },
		{ 0, "openvino", "DIR", "folder of OpenVINO's library", "TIRO_OPENVINO", OPT_STRING, &s.openvino, 0,
		  0 },
		{ 0, "fake-engine", NULL, NULL, NULL, OPT_FLAG, &s.fake, 0, 0 },
		{ 0, "part-limit", "MS", NULL, NULL, OPT_INT, &s.part_limit_ms, 0, INT_MAX },
	};
	const struct opts opts = { .cmd = &cmd_ocr, .table = table, .count = ARRAY_LEN(table) };
	return opts_run(&opts, argc, argv, read_pages, &s);
}

const struct cmd cmd_ocr = { .name = "ocr",
			     .summary = "Reads page images and PDFs",
			     .usage = "FILE... [-m fast|high_accuracy] [-l LANG] "
				      "[-f raw|paragraph|json|hocr|alto|tsv|pdf] [-o PATH]",
			     .run = run };
