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

#include <limits.h>
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

#define MODEL_SOURCES_MAX 3

struct model_source; /* models/manifest.h */

struct model_info {
	const char *name; /* "base", "small", "silero-vad", "ppocr-v6-det", ...; what -m takes */
	enum model_kind kind;
	const char *file; /* name in the folder: "ggml-base-q8_0.bin" */
	uint64_t size_bytes; /* the same from every source */
	const char *licence; /* SPDX */
	const char *about; /* one line for `models list` */
	const struct model_source *sources[MODEL_SOURCES_MAX]; /* in the order they are tried, up to the first NULL */
};

/* The manifest's rows; *ret_count of them. Static. */
const struct model_info *models_known(size_t *ret_count);

/* The row of that name or alias ("default", "large-v3-turbo", ...); NULL where there is none. */
const struct model_info *models_find(const char *name);

/* "speech", "speech detection", "page detection", "page recognition". */
const char *models_kind_name(enum model_kind kind);

/*
 * What a user's words for `pull` mean, without repetitions: a name, an alias, "ppocr" or "pages" (both PP-OCR files);
 * a speech model brings silero-vad along, no word at all means base and everything small that Tiro needs.
 * `ret` has room for `room` rows. Errors: ERR_NOT_FOUND for an unknown word.
 */
enum err_code models_select(const char *const *words, size_t count, const struct model_info **ret, size_t room,
			    size_t *ret_count, struct err *err) MUST_CHECK;

/* Settings for this process; strings are copied. `dir` may be NULL for the default. */
struct models;
enum err_code models_open(const char *dir, struct models **ret, struct err *err) MUST_CHECK;
void models_close(struct models *m);
const char *models_dir(const struct models *m);

/*
 * Opens an installed model for reading: a name of the manifest, a file name in the folder ("ggml-NAME.bin" also as
 * NAME), or a path to a file. Errors: ERR_NOT_FOUND; the message says which command installs it.
 */
enum err_code models_open_file(const struct models *m, const char *name, int *ret_fd, struct err *err) MUST_CHECK;

/* The path of an installed model (`ret` has PATH_MAX bytes); errors as above. */
enum err_code models_path(const struct models *m, const char *name, char *ret, struct err *err) MUST_CHECK;

/* Likewise, and a known model's file has its size: ERR_CORRUPT where it was cut or is another one. */
enum err_code models_usable_path(const struct models *m, const char *name, char *ret, struct err *err) MUST_CHECK;

/* -- what is there ------------------------------------------------------------------------------- */

/* A file in the folder, or a row of the manifest that is not installed. */
struct model_entry {
	const struct model_info *info; /* NULL: imported by the user */
	char file[NAME_MAX + 1];
	bool installed;
	uint64_t size_bytes; /* of the file; of the manifest where it is not installed */
};

/* All rows of the manifest in its order, then other files by name. *ret is freed by the caller with free(). */
enum err_code models_list(const struct models *m, struct model_entry **ret, size_t *ret_count, struct err *err)
	MUST_CHECK;

enum model_state {
	MODEL_OK, /* its hash is in the manifest */
	MODEL_BAD, /* it is not what the manifest says, or no well-formed model */
	MODEL_UNKNOWN /* well-formed, but there is no hash to compare with */
};

struct model_check {
	enum model_state state;
	const struct model_source *source; /* whose hash it has; NULL unless MODEL_OK */
	char sha256[65];
	char reason[ERR_MESSAGE_MAX]; /* for MODEL_BAD: why; for MODEL_UNKNOWN: what it is */
};

/* Reads an installed file whole and judges it. Errors: those of reading it. */
enum err_code models_verify(const struct models *m, const struct model_entry *entry, struct model_check *ret,
			    struct err *err) MUST_CHECK;

/* -- getting them there -------------------------------------------------------------------------- */

struct models_progress {
	const char *model; /* its name */
	const char *what; /* "downloading", "unpacking", "converting", "waiting for another pull" */
	uint64_t done_bytes;
	uint64_t total_bytes; /* 0: unknown */
};

struct models_watch {
	/* Called several times a second; false stops with ERR_CANCELLED. May be NULL. */
	bool (*on_progress)(void *owner, const struct models_progress *progress);
	/* Each model's end, `fresh` if it was not there before. May be NULL. */
	void (*on_installed)(void *owner, const struct model_info *info, bool fresh);
	void *owner;
};

struct models_pull_request {
	const struct model_info *const *infos; /* what to install */
	size_t count;
	/* Base address to take files from instead of the manifest's sources; NULL: those. */
	const char *source;
	struct models_watch watch;
};

/*
 * Installs the models that are not there yet. Two pulls into one folder take turns. Interrupted downloads are
 * continued by the next pull. Errors: ERR_NETWORK, ERR_CORRUPT (a hash is wrong), ERR_CANCELLED, ERR_NO_SPACE, ...
 */
enum err_code models_pull(const struct models *m, const struct models_pull_request *request, struct err *err)
	MUST_CHECK;

struct models_import_request {
	const char *path;
	const char *name; /* what -m shall take; NULL: from the file's own name */
	struct models_watch watch;
};

/*
 * Copies a model of the user's into the folder. A file whose hash is in the manifest gets its name there; any other
 * must be a well-formed ggml Whisper file and becomes ggml-NAME.bin. *ret_name (NAME_MAX + 1 bytes) is what -m takes.
 * Errors: ERR_CORRUPT (what is wrong with it), ERR_INVALID (the name), ERR_CANCELLED, those of reading and writing.
 */
enum err_code models_import(const struct models *m, const struct models_import_request *request, char *ret_name,
			    struct err *err) MUST_CHECK;

#endif
