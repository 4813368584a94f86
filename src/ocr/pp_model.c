#include "ocr/pp_model.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "ocr/openvino.h"
#include "ocr/pp_onnx.h"

/* PP-OCRv6's large recogniser has 80 MB. */
#define MODEL_BYTES_MAX ((uint64_t)256 * 1024 * 1024)

/* Streams of a network at most; more sessions wait for each other. */
enum { STREAMS_MAX = 64 };

struct pp_model {
	char *path[PP_NET_COUNT]; /* owned; NULL: not installed */
	char *openvino_dir; /* owned; may be NULL */

	pthread_mutex_t lock; /* guards what follows until `ready`; it does not change after that */
	bool ready;
	const struct openvino *ov;
	ov_core_t *core;
	ov_compiled_model_t *compiled[PP_NET_COUNT];
	struct pp_dictionary dictionary;
};

struct pp_session {
	struct pp_model *model;
	const struct openvino *ov;
	ov_infer_request_t *request[PP_NET_COUNT];
	ov_tensor_t *input[PP_NET_COUNT];
	ov_tensor_t *output[PP_NET_COUNT];
};

static const char *const net_names[PP_NET_COUNT] = { "page detector", "page recogniser" };

/* OpenVINO's own last message is per thread and never NULL. */
static enum err_code refuse(const struct openvino *ov, enum err_code code, enum pp_net net, struct err *err)
{
	return err_set(err, code, "OpenVINO failed with the %s: %s", net_names[net], ov->ov_get_last_err_msg());
}

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
	for (int net = 0; net < PP_NET_COUNT; net++) {
		if (model->compiled[net])
			model->ov->ov_compiled_model_free(model->compiled[net]);
		model->compiled[net] = NULL;
	}
	if (model->core)
		model->ov->ov_core_free(model->core);
	model->core = NULL;
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
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	if (net == PP_DETECTOR)
		n = (n + 7) / 8;
	return n < 1 ? 1 : n > STREAMS_MAX ? STREAMS_MAX : n;
}

static enum err_code compile(struct pp_model *model, enum pp_net net, struct err *err)
{
	const struct openvino *ov = model->ov;
	char streams[16];
	ov_model_t *source = NULL;

	(void)snprintf(streams, sizeof(streams), "%d", stream_count(net));
	if (ov->ov_core_read_model(model->core, model->path[net], NULL, &source) != OK)
		return refuse(ov, ERR_CORRUPT, net, err);
	/* As many threads as streams: each request then runs on one. Pinning would tie sessions to processors. */
	ov_status_e status =
		ov->ov_core_compile_model(model->core, source, "CPU", 6, &model->compiled[net], "NUM_STREAMS", streams,
					  "INFERENCE_NUM_THREADS", streams, "ENABLE_CPU_PINNING", "NO");
	ov->ov_model_free(source);
	return status == OK ? ERR_OK : refuse(ov, ERR_UNAVAILABLE, net, err);
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
	enum err_code code = openvino_load(model->openvino_dir, &model->ov, err);
	if (code == ERR_OK)
		code = read_dictionary(model, err);
	if (code == ERR_OK && model->ov->ov_core_create(&model->core) != OK)
		code = err_set(err, ERR_UNAVAILABLE, "OpenVINO could not be started: %s",
			       model->ov->ov_get_last_err_msg());
	for (int net = 0; net < PP_NET_COUNT && code == ERR_OK; net++)
		code = compile(model, (enum pp_net)net, err);
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
	session->ov = model->ov;
	for (int net = 0; net < PP_NET_COUNT; net++) {
		if (model->ov->ov_compiled_model_create_infer_request(model->compiled[net], &session->request[net]) ==
		    OK)
			continue;
		code = refuse(model->ov, ERR_UNAVAILABLE, (enum pp_net)net, err);
		pp_session_close(session);
		return code;
	}
	*ret = session;
	return ERR_OK;
}

static void free_tensor(const struct openvino *ov, ov_tensor_t **tensor)
{
	if (*tensor)
		ov->ov_tensor_free(*tensor);
	*tensor = NULL;
}

void pp_session_close(struct pp_session *session)
{
	if (!session)
		return;
	for (int net = 0; net < PP_NET_COUNT; net++) {
		free_tensor(session->ov, &session->input[net]);
		free_tensor(session->ov, &session->output[net]);
		if (session->request[net])
			session->ov->ov_infer_request_free(session->request[net]);
	}
	free(session);
}

const struct pp_dictionary *pp_session_dictionary(const struct pp_session *session)
{
	return &session->model->dictionary;
}

enum err_code pp_input(struct pp_session *session, enum pp_net net, uint32_t height, uint32_t width, float **ret,
		       struct err *err)
{
	const struct openvino *ov = session->ov;
	const int64_t dims[4] = { 1, 3, height, width };
	ov_shape_t shape = { 0 };
	void *data = NULL;

	free_tensor(ov, &session->input[net]);
	if (ov->ov_shape_create(4, dims, &shape) != OK)
		return refuse(ov, ERR_NO_MEMORY, net, err);
	ov_status_e status = ov->ov_tensor_create(F32, shape, &session->input[net]);
	(void)ov->ov_shape_free(&shape);
	if (status != OK || ov->ov_tensor_data(session->input[net], &data) != OK || !data)
		return refuse(ov, ERR_NO_MEMORY, net, err);
	*ret = data;
	return ERR_OK;
}

/* The detector returns 1 x 1 x height x width, the recogniser 1 x time steps x characters. */
static bool take_shape(const struct openvino *ov, const ov_tensor_t *tensor, struct pp_output *ret)
{
	ov_element_type_e type;
	ov_shape_t shape = { 0 };
	if (ov->ov_tensor_get_element_type(tensor, &type) != OK || type != F32 ||
	    ov->ov_tensor_get_shape(tensor, &shape) != OK)
		return false;
	bool fits = shape.rank >= 3;
	for (int64_t i = 0; i < shape.rank; i++)
		fits = fits && shape.dims[i] > 0 && (i >= shape.rank - 2 || shape.dims[i] == 1);
	if (fits) {
		ret->rows = (size_t)shape.dims[shape.rank - 2];
		ret->columns = (size_t)shape.dims[shape.rank - 1];
	}
	(void)ov->ov_shape_free(&shape);
	return fits;
}

enum err_code pp_run(struct pp_session *session, enum pp_net net, struct pp_output *ret, struct err *err)
{
	const struct openvino *ov = session->ov;
	ov_infer_request_t *request = session->request[net];
	struct pp_output output;
	void *data = NULL;

	free_tensor(ov, &session->output[net]);
	if (ov->ov_infer_request_set_input_tensor(request, session->input[net]) != OK ||
	    ov->ov_infer_request_infer(request) != OK ||
	    ov->ov_infer_request_get_output_tensor(request, &session->output[net]) != OK)
		return refuse(ov, ERR_UNAVAILABLE, net, err);
	if (!take_shape(ov, session->output[net], &output) || ov->ov_tensor_data(session->output[net], &data) != OK ||
	    !data || (net == PP_RECOGNISER && output.columns != session->model->dictionary.count))
		return err_set(err, ERR_CORRUPT, "the %s returned data of an unexpected shape: it is not PP-OCR's",
			       net_names[net]);
	output.data = data;
	*ret = output;
	return ERR_OK;
}
