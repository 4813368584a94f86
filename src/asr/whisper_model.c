#include <whisper.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asr/whisper_priv.h"
#include "base/cleanup.h"

enum { BUFFER_SIZE = 256 * 1024 };

/* A buffered reader over the caller's descriptor: whisper.cpp reads the vocabulary in pieces of a few bytes. */
struct reader {
	int fd;
	off_t offset; /* of the first byte behind the buffer */
	size_t next; /* in the buffer */
	size_t filled;
	bool at_end;
	bool failed; /* reading failed, or more was wanted than there is */
	char buffer[BUFFER_SIZE];
};

static bool fill(struct reader *r)
{
	ssize_t n;
	do
		n = pread(r->fd, r->buffer, sizeof r->buffer, r->offset);
	while (n < 0 && errno == EINTR);
	r->next = 0;
	r->filled = n > 0 ? (size_t)n : 0;
	r->offset += (off_t)r->filled;
	r->at_end = n == 0;
	r->failed = r->failed || n < 0;
	return n > 0;
}

static size_t read_model(void *ctx, void *out, size_t size)
{
	struct reader *r = ctx;
	size_t done = 0;
	while (done < size && (r->next < r->filled || fill(r))) {
		size_t have = r->filled - r->next;
		size_t n = size - done < have ? size - done : have;
		memcpy((char *)out + done, r->buffer + r->next, n);
		r->next += n;
		done += n;
	}
	/* whisper.cpp looks for the end by reading once more, so only a read that begins before it is cut short. */
	if (done > 0 && done < size)
		r->failed = true;
	memset((char *)out + done, 0, size - done);
	return done;
}

static bool at_end(void *ctx)
{
	const struct reader *r = ctx;
	return r->at_end || r->failed;
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

/* The first words of the file: a magic number and eleven sizes. What is far from any Whisper model is refused here,
 * because whisper.cpp allocates by them. */
static enum err_code check_head(int fd, struct err *err)
{
	static const int32_t bounds[12][2] = {
		{ 0x67676d6c, 0x67676d6c },
		{ 50000, 60000 },
		{ 1500, 1500 },
		{ 64, 4096 },
		{ 1, 64 },
		{ 1, 64 },
		{ 448, 448 },
		{ 64, 4096 },
		{ 1, 64 },
		{ 1, 64 },
		{ 80, 128 },
		{ 0, 2100 },
	};
	int32_t head[12];
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_IO, errno, "the speech model could not be read");
	if (pread(fd, head, sizeof head, 0) != sizeof head)
		return err_set(err, ERR_BAD_MEDIA, "the speech model is no whisper model in ggml form");
	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		if (head[i] < bounds[i][0] || head[i] > bounds[i][1])
			return err_set(err, ERR_BAD_MEDIA, "the speech model is no whisper model in ggml form");
	return ERR_OK;
}

enum err_code asr_whisper_model_open(int fd, struct asr_model **ret, struct err *err)
{
	enum err_code code = check_head(fd, err);
	if (code)
		return code;
	cleanup_free struct asr_model *model = calloc(1, sizeof *model);
	cleanup_free struct reader *reader = calloc(1, sizeof *reader);
	if (!model || !reader)
		return err_set(err, ERR_NO_MEMORY, "no memory for the speech model");
	reader->fd = fd;
	whisper_log_set(drop_line, NULL);
	struct whisper_context_params params = whisper_context_default_params();
	params.use_gpu = false;
	params.flash_attn = true;
	struct whisper_model_loader loader = {
		.context = reader, .read = read_model, .eof = at_end, .close = close_nothing
	};
	model->context = whisper_init_with_params_no_state(&loader, params);
	if (!model->context || reader->failed) {
		asr_whisper_model_close(steal_ptr(&model));
		return err_set(err, ERR_CORRUPT, "the speech model is damaged or incomplete; fetch it again");
	}
	*ret = steal_ptr(&model);
	return ERR_OK;
}

void asr_whisper_model_close(struct asr_model *model)
{
	if (model && model->context)
		whisper_free(model->context);
	free(model);
}
