#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "models/pull.h"
#include "models/sink.h"
#include "models/weights.h"

enum { CHUNK = 256 * 1024, MODEL_NAME_MAX = 64 };

/* Names become file names and words of a command line. */
static bool is_good_name(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len > MODEL_NAME_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	}
	return true;
}

/* The name in "some/where/ggml-NAME.bin"; without prefix or suffix where the file has none. */
static void name_of_path(const char *path, char ret[NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	if (strncmp(base, "ggml-", 5) == 0)
		base += 5;
	size_t len = strlen(base);
	if (len > 4 && strcmp(base + len - 4, ".bin") == 0)
		len -= 4;
	(void)snprintf(ret, NAME_MAX + 1, "%.*s", (int)(len > NAME_MAX ? NAME_MAX : len), base);
}

static const struct model_info *info_of_hash(const char *sha256)
{
	size_t count;
	const struct model_info *rows = models_known(&count);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < MODEL_SOURCES_MAX && rows[i].sources[k]; k++) {
			if (strcmp(rows[i].sources[k]->sha256, sha256) == 0)
				return &rows[i];
		}
	}
	return NULL;
}

/* Whether it is worth to copy and hash a file, which may have any size. */
static bool may_be_model(int fd, uint64_t size)
{
	unsigned char magic[4];
	struct err err;
	size_t count;
	const struct model_info *rows = models_known(&count);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].size_bytes == size)
			return true;
	}
	return io_pread_all(fd, magic, sizeof magic, 0, &err) == ERR_OK &&
	       ((uint32_t)magic[0] | (uint32_t)magic[1] << 8 | (uint32_t)magic[2] << 16 | (uint32_t)magic[3] << 24) ==
		       WEIGHTS_MAGIC;
}

/* Copies the user's file to `temp`: what is checked is then what is installed, whatever happens to the original. */
static enum err_code copy(struct pull *p, const char *path, const char *temp, char ret_sha256[SHA256_HEX_SIZE],
			  struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not open \"%s\"", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "could not import \"%s\": it is not a regular file", path);
	if (!may_be_model(fd, (uint64_t)st.st_size))
		return err_set(err, ERR_CORRUPT,
			       "could not import \"%s\": it is not a ggml Whisper model, nor one that is known", path);
	cleanup_free char *chunk = malloc(CHUNK);
	cleanup_sink struct sink *sink = NULL;
	struct sink_watch watch = { .go_on = pull_sink_go_on, .owner = p };
	p->what = "copying";
	p->total_bytes = (uint64_t)st.st_size;
	enum err_code code = chunk ? sink_open(temp, &watch, &sink, err)
				   : err_set(err, ERR_NO_MEMORY, "no memory to copy \"%s\"", path);
	while (!code && !sink_state(sink)) {
		ssize_t n = read(fd, chunk, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "could not read \"%s\"", path);
		if (n == 0)
			break;
		sink_write(sink, chunk, (size_t)n);
	}
	return code ? code : sink_finish(sink, ret_sha256, err);
}

static enum err_code check_structure(const char *temp, const char *path, struct err *err)
{
	cleanup_map struct io_map map = { 0 };
	struct weights_summary summary;
	enum err_code code = io_map_file(temp, &map, err);
	if (!code)
		code = weights_check(map.data, map.size, &summary, err);
	return code ? err_prefix(err, "could not import \"%s\"", path) : ERR_OK;
}

/* Decides the name and the file name of a model that is not in the manifest. */
static enum err_code choose_name(const struct models_import_request *request, char ret_name[NAME_MAX + 1],
				 char ret_file[NAME_MAX + 1], struct err *err)
{
	char name[NAME_MAX + 1];
	if (request->name)
		(void)snprintf(name, sizeof name, "%s", request->name);
	else
		name_of_path(request->path, name);
	if (!is_good_name(name))
		return err_set(err, ERR_INVALID,
			       "\"%s\" cannot be a model's name: use letters, digits, \"-\", \"_\" and \".\", "
			       "at most %d (--name)",
			       name, MODEL_NAME_MAX);
	char file[NAME_MAX + 1];
	(void)snprintf(file, sizeof file, "ggml-%.*s.bin", MODEL_NAME_MAX, name);
	size_t count;
	const struct model_info *rows = models_known(&count);
	bool taken = models_find(name) != NULL;
	for (size_t i = 0; i < count; i++)
		taken = taken || strcmp(rows[i].file, file) == 0;
	if (taken)
		return err_set(err, ERR_INVALID,
			       "could not import \"%s\" as \"%s\": that name belongs to another model; choose one with "
			       "--name",
			       request->path, name);
	memcpy(ret_name, name, strlen(name) + 1);
	memcpy(ret_file, file, strlen(file) + 1);
	return ERR_OK;
}

static enum err_code import_copy(struct pull *p, const char *dir, const char *temp,
				 const struct models_import_request *request, char *ret_name, struct err *err)
{
	char sha256[SHA256_HEX_SIZE], name[NAME_MAX + 1], file[NAME_MAX + 1];
	enum err_code code = copy(p, request->path, temp, sha256, err);
	if (code)
		return code;
	const struct model_info *info = info_of_hash(sha256);
	if (info) {
		(void)snprintf(name, sizeof name, "%s", info->name);
		(void)snprintf(file, sizeof file, "%s", info->file);
	} else {
		code = check_structure(temp, request->path, err);
		if (!code)
			code = choose_name(request, name, file, err);
	}
	if (!code)
		code = install_file(temp, dir, file, err);
	if (!code)
		memcpy(ret_name, name, strlen(name) + 1);
	return code;
}

enum err_code models_import(const struct models *m, const struct models_import_request *request, char *ret_name,
			    struct err *err)
{
	const char *dir = models_dir(m);
	char temp[PATH_MAX];
	struct pull p = { .watch = &request->watch };
	enum err_code code = io_make_dirs(dir, err);
	if (!code)
		code = path_join(temp, err, "%s/.import-%ld", dir, (long)getpid());
	if (code)
		return code;
	code = import_copy(&p, dir, temp, request, ret_name, err);
	if (code)
		(void)unlink(temp);
	return code;
}
