/*
 * What a file surely is, by its first bytes: enough to refuse at once what no decoder will read. Many recordings have
 * no mark, so "unknown" is no verdict: then the jail's decoder decides. Only compares bytes; pure and thread-safe.
 */
#ifndef TIRO_FILES_KIND_H
#define TIRO_FILES_KIND_H

#include <stddef.h>

/* Bytes that decide; fewer are enough where the file has no more. */
enum { FILE_KIND_BYTES = 512 };

enum file_kind {
	FILE_KIND_UNKNOWN,
	FILE_KIND_SOUND, /* audio or video */
	FILE_KIND_PAGE, /* an image or a PDF */
	FILE_KIND_TEXT, /* text of any sort; subtitles and play lists too */
	FILE_KIND_OTHER /* a program, an archive, an office document, ... */
};

/* *ret_name is what a user is told ("a PDF document"), "" for unknown. Constant. */
enum file_kind file_kind_of(const void *bytes, size_t len, const char **ret_name);

#endif
