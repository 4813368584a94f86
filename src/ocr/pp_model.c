#include "ocr/pp_model.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/processor.h"
#include "infer/net.h"
#include "ocr/pp_onnx.h"

/* PP-OCRv6's large recogniser has 80 MB. */
#define MODEL_BYTES_MAX ((uint64_t)256 * 1024 * 1024)

struct pp_model {
	char *path[PP_NET_COUNT]; /* owned; NULL: not installed */
	char *openvino_dir; /* owned; may be NULL */

	pthread_mutex_t lock; /* guards what follows until `ready`; it does not change after that */
	bool ready;
	struct infer_runtime *runtime;
	struct infer_net *nets[PP_NET_COUNT];
	struct pp_dictionary dictionary;
};

struct pp_session {
	struct pp_model *model;
	struct infer_request *requests[PP_NET_COUNT];
};

static const char *const net_names[PP_NET_COUNT] = { "page detector", "page recogniser" };

static enum err_code copy_path(const char *path, char **ret, struct err *err)
{
	if (!path)
		return ERR_OK;
	*ret = strdup(path);
	return *ret ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for a model's path");
}

enum err_code pp_model_new(const struct ocr_model_spec *spec, struct pp_model **ret, struct err *err)
{
	struct pp_model *model = calloc(1, sizeof(*model));
	if (!model)
		return err_set(err, ERR_NO_MEMORY, "no memory for a model");
	(void)pthread_mutex_init(&model->lock, NULL);

	enum err_code code = copy_path(spec->detector, &model->path[PP_DETECTOR], err);
	if (code == ERR_OK)
		code = copy_path(spec->recogniser, &model->path[PP_RECOGNISER], err);
	if (code == ERR_OK)
		code = copy_path(spec->openvino, &model->openvino_dir, err);
	if (code == ERR_OK)
		*ret = model;
	else
		pp_model_free(model);
	return code;
}

/* Leaves the model as pp_model_new made it, so that a later call may try again. */
static void unload(struct pp_model *model)
{
	for (int net = 0; net < PP_NET_COUNT; net++)
		infer_net_free(steal_ptr(&model->nets[net]));
	infer_runtime_free(steal_ptr(&model->runtime));
	pp_dictionary_done(&model->dictionary);
}

void pp_model_free(struct pp_model *model)
{
	if (!model)
		return;
	unload(model);
	for (int net = 0; net < PP_NET_COUNT; net++)
		free(model->path[net]);
	free(model->openvino_dir);
	(void)pthread_mutex_destroy(&model->lock);
	free(model);
}

static enum err_code read_dictionary(struct pp_model *model, struct err *err)
{
	const char *path = model->path[PP_RECOGNISER], *characters;
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t len;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_UNAVAILABLE, errno, "could not read '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > MODEL_BYTES_MAX)
		return err_set(err, ERR_CORRUPT, "'%s' is not a PP-OCR recogniser: it is empty or too big", path);
	/* Mapped, for the dictionary is 70 KB at the end of 21 MB. */
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_set_errno(err, ERR_NO_MEMORY, errno, "could not map '%s'", path);
	enum err_code code;
	if (pp_onnx_metadata(bytes, (size_t)st.st_size, "character", &characters, &len))
		code = pp_dictionary_read(characters, len, &model->dictionary, err);
	else
		code = err_set(err, ERR_CORRUPT, "no dictionary: not a PP-OCR recogniser in ONNX's format");
	(void)munmap(bytes, (size_t)st.st_size);
	return code == ERR_OK ? ERR_OK : err_prefix(err, "'%s'", path);
}

/*
 * How many sessions may be in a network at once: each stream has working memory of its own, which stays. The
 * recogniser has one for each processor that this process may use. The detector takes a tenth of a page's time but
 * most of the memory: eight sessions share a stream.
 */
static int stream_count(enum pp_net net)
{
	int n = processor_count();
	return net == PP_DETECTOR ? (n + 7) / 8 : n;
}

/*
 * The networks take and return blocks of 5 to 15 MB, each line other sizes. On the heap, where ocr_tess_setup wants
 * blocks of up to 64 MB, they leave holes of 100 MB; mapped they leave none.
 */
enum { MAPPED_BYTES_MIN = 4 * 1024 * 1024 };

static enum err_code load(struct pp_model *model, struct err *err)
{
	for (int net = 0; net < PP_NET_COUNT; net++)
		if (!model->path[net])
			return err_set(
				err, ERR_UNAVAILABLE,
				"high_accuracy needs the %s, which is not installed: run 'tiro models pull pages'",
				net_names[net]);
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
	enum err_code code = infer_runtime_new(model->openvino_dir, &model->runtime, err);
	if (code == ERR_OK)
		code = read_dictionary(model, err);
	for (int net = 0; net < PP_NET_COUNT && code == ERR_OK; net++) {
		struct infer_source source = { .name = net_names[net], .path = model->path[net] };
		code = infer_net_new(model->runtime, &source, stream_count((enum pp_net)net), &model->nets[net], err);
	}
	/* Compiling leaves 20 MB of holes. */
	(void)malloc_trim(0);
	return code;
}

static enum err_code ensure_loaded(struct pp_model *model, struct err *err)
{
	enum err_code code = ERR_OK;
	(void)pthread_mutex_lock(&model->lock);
	if (!model->ready) {
		code = load(model, err);
		model->ready = code == ERR_OK;
		if (code != ERR_OK)
			unload(model);
	}
	(void)pthread_mutex_unlock(&model->lock);
	return code;
}

enum err_code pp_session_open(struct pp_model *model, struct pp_session **ret, struct err *err)
{
	enum err_code code = ensure_loaded(model, err);
	if (code != ERR_OK)
		return code;
	struct pp_session *session = calloc(1, sizeof(*session));
	if (!session)
		return err_set(err, ERR_NO_MEMORY, "no memory for a session");
	session->model = model;
	for (int net = 0; net < PP_NET_COUNT && code == ERR_OK; net++)
		code = infer_request_new(model->nets[net], &session->requests[net], err);
	if (code != ERR_OK) {
		pp_session_close(session);
		return code;
	}
	*ret = session;
	return ERR_OK;
}

void pp_session_close(struct pp_session *session)
{
	if (!session)
		return;
	for (int net = 0; net < PP_NET_COUNT; net++)
		infer_request_free(session->requests[net]);
	free(session);
}

const struct pp_dictionary *pp_session_dictionary(const struct pp_session *session)
{
	return &session->model->dictionary;
}

enum err_code pp_input(struct pp_session *session, enum pp_net net, uint32_t height, uint32_t width, float **ret,
		       struct err *err)
{
	const int64_t dims[4] = { 1, 3, height, width };
	return infer_input(session->requests[net], 0, dims, ARRAY_LEN(dims), ret, err);
}

/* The detector returns 1 x 1 x height x width, the recogniser 1 x time steps x characters. */
static bool is_one_plane(const struct infer_output *output)
{
	bool fits = output->rank >= 3;
	for (size_t i = 0; i + 2 < output->rank; i++)
		fits = fits && output->dims[i] == 1;
	return fits;
}

enum err_code pp_run(struct pp_session *session, enum pp_net net, struct pp_output *ret, struct err *err)
{
	struct infer_output output;
	enum err_code code = infer_run(session->requests[net], &output, err);
	if (code != ERR_OK)
		return code;
	if (!is_one_plane(&output) ||
	    (net == PP_RECOGNISER && output.dims[output.rank - 1] != session->model->dictionary.count))
		return err_set(err, ERR_CORRUPT, "the %s returned data of an unexpected shape: it is not PP-OCR's",
			       net_names[net]);
	*ret = (struct pp_output){ .data = output.data,
				   .rows = output.dims[output.rank - 2],
				   .columns = output.dims[output.rank - 1] };
	return ERR_OK;
}
