/*
 * Reads CTranslate2's model file, binary version 6: u32 version, the name of the model's specification, u32 revision,
 * u32 count and so many variables (name, u8 rank, u32 dimensions, u8 type, u32 bytes, data), then u32 count and so
 * many aliases (name, name). A name is u16 length with its terminating 0, and bytes.
 * Source: CTranslate2's serialisation code as described by its documentation, checked against two real files.
 */
#ifndef TIRO_MODELS_CT2_H
#define TIRO_MODELS_CT2_H

#include "base/err.h"
#include "models/tensor.h"

/* Variables in one file: Whisper large has 1,300. */
#define CT2_VARIABLES_MAX 20000

struct ct2_variable {
	const char *name; /* borrowed from the file's bytes, terminated there */
	struct tensor tensor;
};

struct ct2 {
	const char *spec; /* "WhisperSpec" */
	struct ct2_variable *variables; /* owned; the names and data are borrowed */
	size_t count;
};

/* `bytes` must outlive the result. Errors: ERR_CORRUPT, ERR_NO_MEMORY. Thread-safe. */
enum err_code ct2_read(const void *bytes, size_t size, struct ct2 *ret, struct err *err) MUST_CHECK;
void ct2_done(struct ct2 *model);

/* NULL where there is no variable of that name. */
const struct tensor *ct2_find(const struct ct2 *model, const char *name);

#endif
