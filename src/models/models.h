/*
 * Models on this machine: a manifest of what is known (name, file, size, SHA-256, licence, sources), a folder of
 * what is there, and the ways to get them there.
 *
 * The folder is `--models`, TIRO_MODELS, or tiro/models below the XDG data folder. A model is a file with its
 * manifest name; it appears by rename, whole and verified, or not at all. No network is used except by
 * models_pull. One thread at a time.
 */
#ifndef TIRO_MODELS_MODELS_H
#define TIRO_MODELS_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum model_kind {
	MODEL_SPEECH, /* Whisper in ggml's format */
	MODEL_VAD, /* Silero in ggml's format */
	MODEL_PAGE_DETECTOR, /* PP-OCR, ONNX */
	MODEL_PAGE_RECOGNISER
};

/* How sure we are of a hash: measured by us, or cited from the publisher because it could not be fetched here. */
enum model_hash_origin { HASH_MEASURED, HASH_CITED };

struct model_info {
	const char *name; /* "base", "small", "silero-vad", "ppocr-v6-det", ...; what -m takes */
	enum model_kind kind;
	const char *file; /* name in the folder: "ggml-base-q8_0.bin" */
	const char *licence; /* SPDX */
	const char *about; /* one line for `models list` */
};

/* The manifest's rows; *ret_count of them. Static. */
const struct model_info *models_known(size_t *ret_count);

/* Settings for this process; strings are copied. `dir` may be NULL for the default. */
struct models;
enum err_code models_open(const char *dir, struct models **ret, struct err *err) MUST_CHECK;
void models_close(struct models *m);
const char *models_dir(const struct models *m);

/*
 * Opens an installed model for reading: a name of the manifest, a file name in the folder, or a path to a file.
 * Errors: ERR_NOT_FOUND; the message says which command installs it.
 */
enum err_code models_open_file(const struct models *m, const char *name, int *ret_fd, struct err *err) MUST_CHECK;

/* The path of an installed model (`ret` has PATH_MAX bytes); errors as above. */
enum err_code models_path(const struct models *m, const char *name, char *ret, struct err *err) MUST_CHECK;

#endif
