/*
 * OpenVINO's C API, loaded when the first network asks for it. Only infer/net.c uses it.
 *
 * The table has the API's own names and types (its headers are needed to build, its libraries only to run). It is
 * loaded once in a process and stays: OpenVINO starts threads that nothing can stop. Thread-safe.
 */
#ifndef TIRO_INFER_OPENVINO_H
#define TIRO_INFER_OPENVINO_H

#include <openvino/c/openvino.h>

#include "base/err.h"

#define OPENVINO_TABLE(X)                                                                                              \
	X(ov_get_last_err_msg)                                                                                         \
	X(ov_free)                                                                                                     \
	X(ov_core_create)                                                                                              \
	X(ov_core_free)                                                                                                \
	X(ov_core_read_model)                                                                                          \
	X(ov_core_read_model_from_memory_buffer)                                                                       \
	X(ov_core_compile_model)                                                                                       \
	X(ov_model_free)                                                                                               \
	X(ov_compiled_model_free)                                                                                      \
	X(ov_compiled_model_create_infer_request)                                                                      \
	X(ov_infer_request_free)                                                                                       \
	X(ov_infer_request_infer)                                                                                      \
	X(ov_infer_request_set_input_tensor_by_index)                                                                  \
	X(ov_infer_request_get_output_tensor)                                                                          \
	X(ov_tensor_create)                                                                                            \
	X(ov_tensor_free)                                                                                              \
	X(ov_tensor_data)                                                                                              \
	X(ov_tensor_get_shape)                                                                                         \
	X(ov_tensor_get_element_type)                                                                                  \
	X(ov_shape_create)                                                                                             \
	X(ov_shape_free)

struct openvino {
#define X(name) __typeof__(name) *name; /* NOLINT(bugprone-macro-parentheses): a member's name */
	OPENVINO_TABLE(X)
#undef X
};

/*
 * Stores the table in *ret; it is static. `dir` is the folder of libopenvino_c.so*; NULL: the folder of the build,
 * then the loader's path. Only the first successful call looks; later ones return its table.
 * Errors: ERR_UNAVAILABLE (the message says what to install).
 */
enum err_code openvino_load(const char *dir, const struct openvino **ret, struct err *err) MUST_CHECK;

#endif
