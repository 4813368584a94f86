#include "models/unzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <string.h>

enum { CHUNK = 256 * 1024 };

static enum err_code copy_data(struct archive *a, uint64_t max_bytes, struct sink *sink, struct err *err)
{
	cleanup_free char *chunk = malloc(CHUNK);
	if (!chunk)
		return err_set(err, ERR_NO_MEMORY, "no memory to unpack");
	uint64_t total = 0;
	while (!sink_state(sink)) {
		la_ssize_t n = archive_read_data(a, chunk, CHUNK);
		if (n < 0)
			return err_set(err, ERR_CORRUPT, "%s", archive_error_string(a));
		if (n == 0)
			break;
		total += (uint64_t)n;
		if (total > max_bytes)
			return err_set(err, ERR_TOO_BIG, "it has more than %" PRIu64 " bytes", max_bytes);
		sink_write(sink, chunk, (size_t)n);
	}
	return ERR_OK;
}

static enum err_code find_and_copy(struct archive *a, const char *member, uint64_t max_bytes, struct sink *sink,
				   struct err *err)
{
	struct archive_entry *entry;
	int result;
	while ((result = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);
		if (name && strcmp(name, member) == 0)
			return copy_data(a, max_bytes, sink, err);
	}
	if (result == ARCHIVE_EOF)
		return err_set(err, ERR_CORRUPT, "there is no such member");
	return err_set(err, ERR_CORRUPT, "%s", archive_error_string(a));
}

enum err_code unzip_member(const char *path, const char *member, uint64_t max_bytes, struct sink *sink, struct err *err)
{
	struct archive *a = archive_read_new();
	if (!a)
		return err_set(err, ERR_NO_MEMORY, "no memory to unpack \"%s\"", path);
	enum err_code code = ERR_OK;
	if (archive_read_support_format_zip(a) != ARCHIVE_OK ||
	    archive_read_open_filename(a, path, CHUNK) != ARCHIVE_OK)
		code = err_set(err, ERR_CORRUPT, "%s", archive_error_string(a));
	if (!code)
		code = find_and_copy(a, member, max_bytes, sink, err);
	if (code)
		(void)err_prefix(err, "could not unpack \"%s\" from \"%s\"", member, path);
	(void)archive_read_free(a);
	return code;
}
