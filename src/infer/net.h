/*
 * Networks that OpenVINO runs on this machine's processors.
 *
 * A runtime is OpenVINO itself, a net is a compiled network with one copy of its weights, a request is one thread's use
 * of it with working memory of its own. Runtimes and nets are shared by threads; a request belongs to one at a time.
 * Nothing of OpenVINO shows here. What a network answers is untrusted like any other data: callers check its shape.
 */
#ifndef TIRO_INFER_NET_H
#define TIRO_INFER_NET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { INFER_DIMS_MAX = 5, INFER_INPUTS_MAX = 2 };

struct infer_runtime;
struct infer_net;
struct infer_request;

/* A file of ONNX or of OpenVINO, or OpenVINO's XML with weights in memory. */
struct infer_source {
	const char *name; /* what users call it ("page detector"); kept by the net, so static */
	const char *path; /* NULL: the two below */
	const char *xml;
	size_t xml_len;
	struct infer_weights *weights;
};

/*
 * Loads OpenVINO from the folder `dir` of libopenvino_c.so*; NULL: the folder of the build, then the loader's path.
 * It stays in the process. Errors: ERR_UNAVAILABLE (the message says what to do), ERR_NO_MEMORY.
 */
enum err_code infer_runtime_new(const char *dir, struct infer_runtime **ret, struct err *err) MUST_CHECK;
/* After its nets; NULL is fine. */
void infer_runtime_free(struct infer_runtime *runtime);

/*
 * Memory for weights, which a network may go on using; *ret_bytes is for the caller to fill before the compilation.
 * Errors: ERR_NO_MEMORY.
 */
enum err_code infer_weights_new(struct infer_runtime *runtime, size_t size, struct infer_weights **ret,
				uint8_t **ret_bytes, struct err *err) MUST_CHECK;
/* After the compilation: a net keeps what it needs. NULL is fine. */
void infer_weights_free(struct infer_weights *weights);

/*
 * Compiles a network for `streams` (>= 1) requests at a time, each on one thread; more requests wait for each other.
 * Errors: ERR_CORRUPT (OpenVINO refuses the network), ERR_UNAVAILABLE, ERR_NO_MEMORY.
 */
enum err_code infer_net_new(struct infer_runtime *runtime, const struct infer_source *source, int streams,
			    struct infer_net **ret, struct err *err) MUST_CHECK;
/* After its requests; NULL is fine. */
void infer_net_free(struct infer_net *net);

/* One thread's use of a net, which must outlive it. Errors: ERR_UNAVAILABLE, ERR_NO_MEMORY. */
enum err_code infer_request_new(struct infer_net *net, struct infer_request **ret, struct err *err) MUST_CHECK;
/* NULL is fine. */
void infer_request_free(struct infer_request *request);

/*
 * Makes the input `index` (below INFER_INPUTS_MAX) with `rank` dimensions (outermost first) of floats; the caller fills
 * *ret, which is the request's and stays until the next call for this input. Errors: ERR_NO_MEMORY, ERR_UNAVAILABLE
 * (the network has no such input).
 */
enum err_code infer_input(struct infer_request *request, size_t index, const int64_t *dims, size_t rank, float **ret,
			  struct err *err) MUST_CHECK;

/* Floats that a network returned, borrowed until the request's next run. */
struct infer_output {
	const float *data;
	size_t rank;
	size_t dims[INFER_DIMS_MAX];
};

/* Runs the network over its inputs, all of which were made; it has one output. Errors: ERR_UNAVAILABLE, ERR_CORRUPT (no
 * floats). */
enum err_code infer_run(struct infer_request *request, struct infer_output *ret, struct err *err) MUST_CHECK;

#endif
