/*
 * tiro-engine: recognises the parts that its node hands it over descriptor CHILD_CHANNEL_FD. It opens the models
 * that the first message names, gives up everything else (process/sandbox.h), and works until the channel closes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "engine/pool.h"
#include "engine/proto.h"
#include "process/channel.h"
#include "process/child.h"
#include "process/sandbox.h"

/* A result larger than this travels in a memfd; the rest of a frame is room for the outcome's other fields. */
#define INLINE_RESULT_MAX (LIMIT_FRAME_PAYLOAD - 4096)

static enum err_code send_bulk(enum engine_message type, uint32_t number, const struct engine_outcome *outcome,
			       struct err *err)
{
	cleanup_close int fd = -1;
	if (io_memfd("result", &fd, err) != ERR_OK ||
	    io_write_all(fd, outcome->result, outcome->result_len, err) != ERR_OK || io_memfd_seal(fd, err) != ERR_OK)
		return err->code;
	struct engine_outcome head = *outcome;
	head.result = NULL;
	cleanup_strbuf struct strbuf payload = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	engine_outcome_pack(&head, &payload);
	struct frame frame = {
		.type = type, .tag = number, .payload = payload.data, .len = payload.len, .fds = { fd }, .fd_count = 1
	};
	return channel_send(CHILD_CHANNEL_FD, &frame, NULL, err);
}

static enum err_code send_outcome(enum engine_message type, uint32_t number, const struct engine_outcome *outcome,
				  struct err *err)
{
	if (outcome->result && outcome->result_len > INLINE_RESULT_MAX)
		return send_bulk(type, number, outcome, err);
	cleanup_strbuf struct strbuf payload = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	engine_outcome_pack(outcome, &payload);
	struct frame frame = { .type = type, .tag = number, .payload = payload.data, .len = payload.len };
	return channel_send(CHILD_CHANNEL_FD, &frame, NULL, err);
}

static void on_done(void *ctx, enum pool_kind kind, uint32_t number, const struct engine_outcome *outcome)
{
	(void)ctx;
	enum engine_message type = ENGINE_SPEECH;
	if (kind == POOL_SPEECH)
		type = outcome->why.code == ERR_OK ? ENGINE_SPEECH : ENGINE_SPEECH_FAILED;
	else
		type = outcome->why.code == ERR_OK ? ENGINE_PAGE : ENGINE_PAGE_FAILED;
	struct err err;
	/* A node that does not listen any more will not miss it; the main loop sees the closed channel. */
	if (send_outcome(type, number, outcome, &err) != ERR_OK)
		log_line(LOG_DEBUG, "a result could not be sent: %s", err.message);
}

static const char *or_null(const char *path)
{
	return path[0] ? path : NULL;
}

/* OpenVINO's libraries are loaded by pages of high_accuracy, and by speech unless it is told to do without. */
static bool may_load_openvino(const struct engine_open *open)
{
	return strcmp(open->openvino, ASR_NO_OPENVINO) != 0;
}

/*
 * What an engine may read once it is closed in: the data that tesseract opens per language, the libraries that
 * OpenVINO loads when it is first used and what they ask about the processor.
 */
static enum err_code enter_sandbox(const struct engine_open *open, struct err *err)
{
	const char *paths[11] = { "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/sys/devices/system" };
	size_t count = 6; /* and room for the four named ones and the end */
	const char *const named[] = { open->tessdata, open->detector, open->recogniser,
				      may_load_openvino(open) ? open->openvino : "" };
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (named[i][0])
			paths[count++] = named[i];
	}
	bool reads = open->has_pages || may_load_openvino(open);
	struct sandbox_policy policy = { .profile = SANDBOX_ENGINE,
					 .read_paths = reads ? paths : NULL,
					 .memfd_bytes = LIMIT_BULK_BYTES,
					 .threads = true };
	return sandbox_enter(&policy, err);
}

static enum err_code open_models(const struct engine_open *open, int model_fd, struct pool_models *ret, struct err *err)
{
	if (model_fd >= 0) {
		ret->speech_ops = open->fake ? &asr_fake_engine : &asr_whisper_engine;
		struct asr_model_spec spec = { .fd = model_fd,
					       .sessions = (int)open->threads,
					       .openvino = or_null(open->openvino) };
		if (ret->speech_ops->model_open(&spec, &ret->speech, err) != ERR_OK)
			return err->code;
	}
	if (open->has_pages) {
		ret->page_ops = open->fake ? &ocr_fake_engine : &ocr_reader_engine;
		struct ocr_model_spec spec = { .tessdata = or_null(open->tessdata),
					       .detector = or_null(open->detector),
					       .recogniser = or_null(open->recogniser),
					       .openvino = or_null(open->openvino) };
		if (ret->page_ops->model_open(&spec, &ret->pages, err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}

static void close_models(struct pool_models *models)
{
	if (models->speech)
		models->speech_ops->model_close(models->speech);
	if (models->pages)
		models->page_ops->model_close(models->pages);
}

static enum err_code submit(struct pool *pool, struct frame *frame, struct err *err)
{
	struct pool_task task = { .number = frame->tag };
	enum err_code code;
	if (frame->type == ENGINE_RECOGNISE) {
		task.kind = POOL_SPEECH;
		code = engine_options_unpack(frame->payload, frame->len, &task.speech, err);
	} else {
		task.kind = POOL_PAGE;
		code = engine_page_task_unpack(frame->payload, frame->len, &task.page, err);
	}
	if (code != ERR_OK)
		return code;
	if (frame->fd_count != 1)
		return err_set(err, ERR_PROTOCOL, "a task brought %d descriptors", frame->fd_count);
	task.fd = steal_fd(&frame->fds[0]);
	return pool_submit(pool, &task, err);
}

static enum err_code serve(struct pool *pool, char *buffer, struct err *err)
{
	for (;;) {
		struct frame frame;
		enum channel_event event;
		if (channel_recv(CHILD_CHANNEL_FD, buffer, &frame, &event, err) != ERR_OK)
			return err->code;
		if (event == CHANNEL_CLOSED)
			return ERR_OK;
		enum err_code code = ERR_OK;
		if (frame.type == ENGINE_RECOGNISE || frame.type == ENGINE_READ_PAGE)
			code = submit(pool, &frame, err);
		else if (frame.type == ENGINE_ABORT)
			pool_abort(pool, frame.tag);
		else
			code = err_set(err, ERR_PROTOCOL, "the node sent a message of unknown type %u", frame.type);
		frame_close_fds(&frame);
		if (code != ERR_OK)
			return code;
	}
}

static enum err_code receive_open(char *buffer, struct engine_open *ret, int *ret_model_fd, struct err *err)
{
	struct frame frame;
	enum channel_event event;
	if (channel_recv(CHILD_CHANNEL_FD, buffer, &frame, &event, err) != ERR_OK)
		return err->code;
	if (event != CHANNEL_FRAME || frame.type != ENGINE_OPEN) {
		frame_close_fds(&frame);
		return err_set(err, ERR_PROTOCOL, "the node did not say what to open");
	}
	if (frame.fd_count > 0)
		*ret_model_fd = steal_fd(&frame.fds[0]);
	frame_close_fds(&frame);
	return engine_open_unpack(frame.payload, frame.len, ret, err);
}

static enum err_code run(char *buffer, struct engine_open *open, struct err *err)
{
	cleanup_close int model_fd = -1;
	struct pool_models models = { 0 };
	struct pool *pool = NULL;
	enum err_code code = receive_open(buffer, open, &model_fd, err);
	if (code == ERR_OK)
		code = enter_sandbox(open, err);
	if (code == ERR_OK)
		code = open_models(open, model_fd, &models, err);
	if (code == ERR_OK)
		code = pool_new((int)open->threads, &models, on_done, NULL, &pool, err);
	if (code == ERR_OK) {
		struct frame ready = { .type = ENGINE_READY };
		code = channel_send(CHILD_CHANNEL_FD, &ready, NULL, err);
	}
	if (code == ERR_OK)
		code = serve(pool, buffer, err);
	if (pool)
		pool_free(pool);
	close_models(&models);
	return code;
}

int main(void)
{
	child_die_with_parent();
	cleanup_free char *buffer = malloc(LIMIT_FRAME_PAYLOAD);
	cleanup_free struct engine_open *open = calloc(1, sizeof *open);
	if (!buffer || !open)
		return EX_OSERR;
	struct engine_outcome outcome = { 0 };
	outcome.why.code = run(buffer, open, &outcome.why);
	if (outcome.why.code == ERR_OK)
		return EX_OK;
	struct err err;
	if (send_outcome(ENGINE_BROKEN, 0, &outcome, &err) != ERR_OK)
		log_line(LOG_ERROR, "%s", outcome.why.message);
	return err_exit_status(outcome.why.code);
}
