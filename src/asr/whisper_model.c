#include <whisper.h>

#include <stdlib.h>
#include <string.h>

#include "asr/whisper_encoder.h"
#include "asr/whisper_priv.h"
#include "base/cleanup.h"
#include "base/log.h"

/* Words of the vocabulary: English models have 51864, others a few more, by their number of languages. */
enum { VOCABULARY_MIN = 51864, VOCABULARY_MAX = 52000 };

/* A piece of the file that whisper.cpp gets to read. */
struct range {
	const uint8_t *next;
	const uint8_t *end;
};

/*
 * The model's file, without the encoder's layers where another encoder has them: then whisper.cpp is told of none, and
 * keeps no second copy of a fourth of the weights.
 */
struct reader {
	struct io_map file;
	bool without_encoder;
	struct weights_head head; /* as whisper.cpp is to see it */
	struct range *ranges;
	size_t count;
	size_t capacity;
	size_t current;
	bool at_end;
};

/* -- reading ------------------------------------------------------------------------------------------- */

static size_t read_model(void *ctx, void *out, size_t size)
{
	struct reader *r = ctx;
	size_t done = 0;
	while (done < size && r->current < r->count) {
		struct range *range = &r->ranges[r->current];
		size_t have = (size_t)(range->end - range->next);
		size_t n = size - done < have ? size - done : have;
		memcpy((char *)out + done, range->next, n);
		range->next += n;
		done += n;
		if (range->next == range->end)
			r->current++;
	}
	/* whisper.cpp looks for the end by reading once more. */
	r->at_end = done < size;
	memset((char *)out + done, 0, size - done);
	return done;
}

static bool at_end(void *ctx)
{
	const struct reader *r = ctx;
	return r->at_end;
}

static void close_nothing(void *ctx)
{
	(void)ctx;
}

static void drop_line(enum ggml_log_level level, const char *text, void *data)
{
	(void)level;
	(void)text;
	(void)data;
}

/* Appends a piece, or makes the last one longer. */
static enum err_code add_range(struct reader *r, const uint8_t *start, const uint8_t *end, struct err *err)
{
	if (r->count > 0 && r->ranges[r->count - 1].end == start) {
		r->ranges[r->count - 1].end = end;
		return ERR_OK;
	}
	if (r->count == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : 16;
		struct range *grown = realloc(r->ranges, capacity * sizeof *grown);
		if (!grown)
			return err_set(err, ERR_NO_MEMORY, "no memory for the speech model");
		r->ranges = grown;
		r->capacity = capacity;
	}
	r->ranges[r->count++] = (struct range){ start, end };
	return ERR_OK;
}

static enum err_code add_tensor(void *ctx, const struct weights_tensor *tensor, struct err *err)
{
	struct reader *r = ctx;
	const uint8_t *start = tensor->start;
	if (r->count == 0) {
		/* The file up to its first tensor: magic number and head, then what stays as it is. */
		const uint8_t *file = r->file.data;
		const uint8_t *head = (const uint8_t *)&r->head;
		enum err_code code = add_range(r, file, file + sizeof(uint32_t), err);
		if (!code)
			code = add_range(r, head, head + sizeof r->head, err);
		if (!code)
			code = add_range(r, file + sizeof(uint32_t) + sizeof r->head, start, err);
		if (code)
			return code;
	}
	if (r->without_encoder && asr_encoder_owns(tensor))
		return ERR_OK;
	return add_range(r, start, tensor->end, err);
}

/* Checks the whole file, whose sizes whisper.cpp allocates by, and lays out what it reads. */
static enum err_code lay_out(struct reader *r, struct err *err)
{
	struct weights_summary summary;
	if (r->without_encoder)
		r->head.n_audio_layer = 0;
	if (weights_read(r->file.data, r->file.size, add_tensor, r, &summary, err) == ERR_OK)
		return ERR_OK;
	return err->code == ERR_CORRUPT ? err_prefix(err, "the speech model is damaged or incomplete; fetch it again")
					: err->code;
}

static void reader_done(struct reader *r)
{
	io_unmap(&r->file);
	free(r->ranges);
}

/* -- the model ----------------------------------------------------------------------------------------- */

/*
 * whisper.cpp counts on the sizes that all Whisper models share: it has special words by fixed numbers, and rows of
 * the text context for its prompts. A file with fewer makes it write outside of its memory.
 */
static bool is_whisper(const struct weights_head *head)
{
	return head->n_vocab >= VOCABULARY_MIN && head->n_vocab <= VOCABULARY_MAX &&
	       head->n_audio_ctx == ASR_WHISPER_CONTEXT && head->n_text_ctx == ASR_WHISPER_TEXT_CONTEXT &&
	       head->n_audio_state == head->n_text_state && (head->n_mels == 80 || head->n_mels == 128);
}

/* What is no Whisper model is refused before anything is allocated by it. */
static enum err_code open_file(const struct asr_model_spec *spec, struct reader *ret, struct err *err)
{
	if (io_map_fd(spec->fd, "the speech model", &ret->file, err) != ERR_OK)
		return err->code;
	if (weights_head_read(ret->file.data, ret->file.size, &ret->head, err) != ERR_OK || !is_whisper(&ret->head))
		return err_set(err, ERR_BAD_MEDIA, "the speech model is no whisper model in ggml form");
	return ERR_OK;
}

/* Whatever is in the way of the faster encoder, recognition goes on without it. */
static void open_encoder(struct asr_model *model, const struct asr_model_spec *spec, const struct io_map *file)
{
	struct err err;
	if (spec->openvino && strcmp(spec->openvino, ASR_NO_OPENVINO) == 0)
		return;
	if (asr_encoder_new(file, spec->openvino, spec->sessions, &model->encoder, &err) != ERR_OK)
		log_line(LOG_DEBUG, "speech is recognised with whisper.cpp's own encoder: %s", err.message);
}

static enum err_code open_context(struct asr_model *model, struct reader *reader, struct err *err)
{
	reader->without_encoder = model->encoder != NULL;
	enum err_code code = lay_out(reader, err);
	if (code)
		return code;
	whisper_log_set(drop_line, NULL);
	struct whisper_context_params params = whisper_context_default_params();
	params.use_gpu = false;
	params.flash_attn = true;
	struct whisper_model_loader loader = {
		.context = reader, .read = read_model, .eof = at_end, .close = close_nothing
	};
	model->context = whisper_init_with_params_no_state(&loader, params);
	if (!model->context)
		return err_set(err, ERR_CORRUPT, "whisper.cpp refuses the speech model; fetch it again");
	return ERR_OK;
}

enum err_code asr_whisper_model_open(const struct asr_model_spec *spec, struct asr_model **ret, struct err *err)
{
	cleanup(reader_done) struct reader reader = { 0 };
	enum err_code code = open_file(spec, &reader, err);
	if (code)
		return code;
	struct asr_model *model = calloc(1, sizeof *model);
	if (!model)
		return err_set(err, ERR_NO_MEMORY, "no memory for the speech model");
	open_encoder(model, spec, &reader.file);
	code = open_context(model, &reader, err);
	if (code) {
		asr_whisper_model_close(model);
		return code;
	}
	*ret = model;
	return ERR_OK;
}

void asr_whisper_model_close(struct asr_model *model)
{
	if (!model)
		return;
	if (model->context)
		whisper_free(model->context);
	asr_encoder_free(model->encoder);
	free(model);
}
