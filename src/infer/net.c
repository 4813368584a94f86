#include "infer/net.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "infer/openvino.h"

/* Streams of a network at most; more requests wait for each other. */
enum { STREAMS_MAX = 256 };

struct infer_runtime {
	const struct openvino *ov;
	ov_core_t *core;
};

struct infer_weights {
	const struct openvino *ov;
	ov_tensor_t *tensor;
};

struct infer_net {
	const struct openvino *ov;
	const char *name;
	ov_compiled_model_t *compiled;
};

struct infer_request {
	const struct openvino *ov;
	const char *name;
	ov_infer_request_t *request;
	ov_tensor_t *inputs[INFER_INPUTS_MAX];
	ov_tensor_t *output;
};

/* OpenVINO's own last message is per thread, never NULL, and a copy for us to free. */
static enum err_code refuse(const struct openvino *ov, enum err_code code, const char *name, struct err *err)
{
	const char *why = ov->ov_get_last_err_msg();
	(void)err_set(err, code, "OpenVINO failed with the %s: %s", name, why);
	ov->ov_free(why);
	return code;
}

enum err_code infer_runtime_new(const char *dir, struct infer_runtime **ret, struct err *err)
{
	cleanup_free struct infer_runtime *runtime = calloc(1, sizeof *runtime);
	if (!runtime)
		return err_set(err, ERR_NO_MEMORY, "no memory for OpenVINO");
	enum err_code code = openvino_load(dir, &runtime->ov, err);
	if (code)
		return code;
	if (runtime->ov->ov_core_create(&runtime->core) != OK)
		return refuse(runtime->ov, ERR_UNAVAILABLE, "start", err);
	*ret = steal_ptr(&runtime);
	return ERR_OK;
}

void infer_runtime_free(struct infer_runtime *runtime)
{
	if (!runtime)
		return;
	runtime->ov->ov_core_free(runtime->core);
	free(runtime);
}

/* -- networks ---------------------------------------------------------------------------------------- */

static enum err_code new_tensor(const struct openvino *ov, ov_element_type_e type, const int64_t *dims, size_t rank,
				ov_tensor_t **ret, void **ret_data, struct err *err)
{
	ov_shape_t shape = { 0 };
	if (ov->ov_shape_create((int64_t)rank, dims, &shape) != OK)
		return err_set(err, ERR_NO_MEMORY, "no memory for a network's data");
	ov_status_e status = ov->ov_tensor_create(type, shape, ret);
	(void)ov->ov_shape_free(&shape);
	if (status != OK || ov->ov_tensor_data(*ret, ret_data) != OK || !*ret_data)
		return err_set(err, ERR_NO_MEMORY, "no memory for a network's data");
	return ERR_OK;
}

enum err_code infer_weights_new(struct infer_runtime *runtime, size_t size, struct infer_weights **ret,
				uint8_t **ret_bytes, struct err *err)
{
	struct infer_weights *weights = calloc(1, sizeof *weights);
	if (!weights)
		return err_set(err, ERR_NO_MEMORY, "no memory for a network's weights");
	weights->ov = runtime->ov;
	const int64_t dims[1] = { (int64_t)size };
	void *data = NULL;
	enum err_code code = new_tensor(runtime->ov, U8, dims, 1, &weights->tensor, &data, err);
	if (code) {
		infer_weights_free(weights);
		return code;
	}
	*ret = weights;
	*ret_bytes = data;
	return ERR_OK;
}

void infer_weights_free(struct infer_weights *weights)
{
	if (!weights)
		return;
	if (weights->tensor)
		weights->ov->ov_tensor_free(weights->tensor);
	free(weights);
}

static ov_status_e read_model(struct infer_runtime *runtime, const struct infer_source *source, ov_model_t **ret)
{
	const struct openvino *ov = runtime->ov;
	if (source->path)
		return ov->ov_core_read_model(runtime->core, source->path, NULL, ret);
	return ov->ov_core_read_model_from_memory_buffer(runtime->core, source->xml, source->xml_len,
							 source->weights->tensor, ret);
}

enum err_code infer_net_new(struct infer_runtime *runtime, const struct infer_source *source, int streams,
			    struct infer_net **ret, struct err *err)
{
	const struct openvino *ov = runtime->ov;
	cleanup_free struct infer_net *net = calloc(1, sizeof *net);
	ov_model_t *model = NULL;
	char count[16];
	if (!net)
		return err_set(err, ERR_NO_MEMORY, "no memory for the %s", source->name);
	net->ov = ov;
	net->name = source->name;
	if (read_model(runtime, source, &model) != OK)
		return refuse(ov, ERR_CORRUPT, source->name, err);
	(void)snprintf(count, sizeof count, "%d", streams < STREAMS_MAX ? streams : STREAMS_MAX);
	/* As many threads as streams: each request then runs on one. Pinning would tie requests to processors. */
	ov_status_e status =
		ov->ov_core_compile_model(runtime->core, model, "CPU", 6, &net->compiled, "NUM_STREAMS", count,
					  "INFERENCE_NUM_THREADS", count, "ENABLE_CPU_PINNING", "NO");
	ov->ov_model_free(model);
	if (status != OK)
		return refuse(ov, ERR_UNAVAILABLE, source->name, err);
	*ret = steal_ptr(&net);
	return ERR_OK;
}

void infer_net_free(struct infer_net *net)
{
	if (!net)
		return;
	net->ov->ov_compiled_model_free(net->compiled);
	free(net);
}

/* -- requests ---------------------------------------------------------------------------------------- */

enum err_code infer_request_new(struct infer_net *net, struct infer_request **ret, struct err *err)
{
	cleanup_free struct infer_request *request = calloc(1, sizeof *request);
	if (!request)
		return err_set(err, ERR_NO_MEMORY, "no memory for the %s", net->name);
	request->ov = net->ov;
	request->name = net->name;
	if (net->ov->ov_compiled_model_create_infer_request(net->compiled, &request->request) != OK)
		return refuse(net->ov, ERR_UNAVAILABLE, net->name, err);
	*ret = steal_ptr(&request);
	return ERR_OK;
}

static void free_tensor(const struct openvino *ov, ov_tensor_t **tensor)
{
	if (*tensor)
		ov->ov_tensor_free(*tensor);
	*tensor = NULL;
}

void infer_request_free(struct infer_request *request)
{
	if (!request)
		return;
	for (size_t i = 0; i < INFER_INPUTS_MAX; i++)
		free_tensor(request->ov, &request->inputs[i]);
	free_tensor(request->ov, &request->output);
	request->ov->ov_infer_request_free(request->request);
	free(request);
}

enum err_code infer_input(struct infer_request *request, size_t index, const int64_t *dims, size_t rank, float **ret,
			  struct err *err)
{
	const struct openvino *ov = request->ov;
	void *data = NULL;
	assert(index < INFER_INPUTS_MAX);
	free_tensor(ov, &request->inputs[index]);
	enum err_code code = new_tensor(ov, F32, dims, rank, &request->inputs[index], &data, err);
	if (code)
		return code;
	if (ov->ov_infer_request_set_input_tensor_by_index(request->request, index, request->inputs[index]) != OK)
		return refuse(ov, ERR_UNAVAILABLE, request->name, err);
	*ret = data;
	return ERR_OK;
}

static bool take_shape(const struct openvino *ov, const ov_tensor_t *tensor, struct infer_output *ret)
{
	ov_element_type_e type;
	ov_shape_t shape = { 0 };
	if (ov->ov_tensor_get_element_type(tensor, &type) != OK || type != F32 ||
	    ov->ov_tensor_get_shape(tensor, &shape) != OK)
		return false;
	bool fits = shape.rank >= 1 && shape.rank <= INFER_DIMS_MAX;
	for (int64_t i = 0; fits && i < shape.rank; i++) {
		fits = shape.dims[i] > 0;
		ret->dims[i] = (size_t)shape.dims[i];
	}
	ret->rank = (size_t)shape.rank;
	(void)ov->ov_shape_free(&shape);
	return fits;
}

enum err_code infer_run(struct infer_request *request, struct infer_output *ret, struct err *err)
{
	const struct openvino *ov = request->ov;
	struct infer_output output = { 0 };
	void *data = NULL;
	free_tensor(ov, &request->output);
	if (ov->ov_infer_request_infer(request->request) != OK ||
	    ov->ov_infer_request_get_output_tensor(request->request, &request->output) != OK)
		return refuse(ov, ERR_UNAVAILABLE, request->name, err);
	if (!take_shape(ov, request->output, &output) || ov->ov_tensor_data(request->output, &data) != OK || !data)
		return err_set(err, ERR_CORRUPT, "the %s returned no numbers", request->name);
	output.data = data;
	*ret = output;
	return ERR_OK;
}
