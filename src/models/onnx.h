/*
 * Finds the weights in an ONNX file: the initialisers of its graph. The file is a protocol buffer (proto3 wire
 * format); only ModelProto.graph, GraphProto.initializer and a TensorProto's name, dims, data_type and raw_data are
 * looked at. Source: onnx.proto of the ONNX project, protobuf.dev's description of the encoding.
 */
#ifndef TIRO_MODELS_ONNX_H
#define TIRO_MODELS_ONNX_H

#include "base/err.h"
#include "models/tensor.h"

/* Initialisers in one file: PP-OCR's recogniser has about 300. */
#define ONNX_TENSORS_MAX 20000

struct onnx_tensor {
	const char *name; /* borrowed, not terminated */
	size_t name_len;
	struct tensor tensor;
};

struct onnx {
	struct onnx_tensor *tensors; /* owned */
	size_t count;
};

/*
 * `bytes` must outlive the result. A tensor whose data is not in raw_data, or of a type other than float32 and
 * float16, is listed as TENSOR_OTHER. Errors: ERR_CORRUPT, ERR_NO_MEMORY. Thread-safe.
 */
enum err_code onnx_read(const void *bytes, size_t size, struct onnx *ret, struct err *err) MUST_CHECK;
void onnx_done(struct onnx *model);

/* NULL where there is no tensor of that name. */
const struct tensor *onnx_find(const struct onnx *model, const char *name);

#endif
