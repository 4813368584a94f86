#include "models/models.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "models/manifest.h"
#include "models/weights.h"

/* Files in the folder: more than anyone keeps, few enough to sort in memory. */
enum { ENTRIES_MAX = 1000 };

struct models {
	char *dir;
};

/* -- the folder ---------------------------------------------------------------------------------- */

/* The default folder by the XDG base directory specification: an unset, empty or relative XDG_DATA_HOME is ignored. */
static void default_dir(struct strbuf *ret)
{
	const char *chosen = getenv("TIRO_MODELS");
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	if (chosen && *chosen)
		strbuf_add_str(ret, chosen);
	else if (data && *data == '/')
		strbuf_addf(ret, "%s/tiro/models", data);
	else if (home && *home)
		strbuf_addf(ret, "%s/.local/share/tiro/models", home);
}

enum err_code models_open(const char *dir, struct models **ret, struct err *err)
{
	cleanup_strbuf struct strbuf path = STRBUF_INIT(PATH_MAX - NAME_MAX - 1);
	if (dir)
		strbuf_add_str(&path, dir);
	else
		default_dir(&path);
	enum err_code code = strbuf_check(&path, "the path of the models' folder", err);
	if (code)
		return code;
	while (path.len > 1 && path.data[path.len - 1] == '/')
		path.data[--path.len] = '\0';
	if (path.len == 0)
		return err_set(err, ERR_USAGE, "there is no folder for models: set HOME, TIRO_MODELS or --models");
	struct models *m = calloc(1, sizeof *m);
	if (m)
		m->dir = strbuf_steal(&path);
	if (!m || !m->dir) {
		models_close(m);
		return err_set(err, ERR_NO_MEMORY, "no memory for the models' folder");
	}
	*ret = m;
	return ERR_OK;
}

void models_close(struct models *m)
{
	if (!m)
		return;
	free(m->dir);
	free(m);
}

const char *models_dir(const struct models *m)
{
	return m->dir;
}

static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* True if `name` in the form `prefix`name`suffix` is a file in the folder; `ret` has its path then. */
static bool in_folder(const struct models *m, const char *prefix, const char *name, const char *suffix, char *ret)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s%s%s", m->dir, prefix, name, suffix);
	return n > 0 && n < PATH_MAX && is_file(ret);
}

/* True if `name` itself is the path of a file, which `ret` has then. */
static bool as_path(const char *name, char *ret)
{
	int n = snprintf(ret, PATH_MAX, "%s", name);
	return n > 0 && n < PATH_MAX && is_file(ret);
}

enum err_code models_path(const struct models *m, const char *name, char *ret, struct err *err)
{
	const struct model_info *info = models_find(name);
	char found[PATH_MAX];
	bool there;
	if (info)
		there = in_folder(m, "", info->file, "", found);
	else if (strchr(name, '/'))
		there = as_path(name, found);
	else
		there = in_folder(m, "ggml-", name, ".bin", found) ||
			(name[0] != '.' && in_folder(m, "", name, "", found)) || as_path(name, found);
	if (there) {
		memcpy(ret, found, strlen(found) + 1);
		return ERR_OK;
	}
	if (info)
		return err_set(err, ERR_NOT_FOUND, "model \"%s\" is not installed; get it with: tiro models pull %s",
			       name, info->name);
	if (strchr(name, '/'))
		return err_set(err, ERR_NOT_FOUND, "there is no model file \"%s\"", name);
	return err_set(err, ERR_NOT_FOUND, "there is no model \"%s\" in \"%s\"; get one with: tiro models pull base",
		       name, m->dir);
}

enum err_code models_usable_path(const struct models *m, const char *name, char *ret, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	enum err_code code = models_path(m, name, path, err);
	if (code)
		return code;
	const struct model_info *info = models_find(name);
	if (info && stat(path, &st) == 0 && (uint64_t)st.st_size != info->size_bytes)
		return err_set(
			err, ERR_CORRUPT,
			"model \"%s\" is damaged: its file has %llu bytes instead of %llu; get it again with: tiro "
			"models pull %s",
			name, (unsigned long long)st.st_size, (unsigned long long)info->size_bytes, info->name);
	memcpy(ret, path, strlen(path) + 1);
	return ERR_OK;
}

enum err_code models_open_file(const struct models *m, const char *name, int *ret_fd, struct err *err)
{
	char path[PATH_MAX];
	enum err_code code = models_usable_path(m, name, path, err);
	if (code)
		return code;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not open model \"%s\"", path);
	*ret_fd = fd;
	return ERR_OK;
}

/* -- what is there ------------------------------------------------------------------------------- */

static const struct model_info *info_of_file(const char *file)
{
	size_t count;
	const struct model_info *rows = models_known(&count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].file, file) == 0)
			return &rows[i];
	}
	return NULL;
}

static int by_file(const void *a, const void *b)
{
	return strcmp(((const struct model_entry *)a)->file, ((const struct model_entry *)b)->file);
}

/* Adds the folder's visible files that no row of the manifest names; returns the new count. */
static size_t add_imported(DIR *folder, struct model_entry *entries, size_t count)
{
	const struct dirent *d;
	while (count < ENTRIES_MAX && (d = readdir(folder))) {
		struct stat st;
		if (d->d_name[0] == '.' || info_of_file(d->d_name) || fstatat(dirfd(folder), d->d_name, &st, 0) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		struct model_entry *e = &entries[count++];
		e->installed = true;
		e->size_bytes = (uint64_t)st.st_size;
		memcpy(e->file, d->d_name, strlen(d->d_name) + 1);
	}
	return count;
}

enum err_code models_list(const struct models *m, struct model_entry **ret, size_t *ret_count, struct err *err)
{
	size_t count;
	const struct model_info *rows = models_known(&count);
	struct model_entry *entries = calloc(ENTRIES_MAX, sizeof *entries);
	if (!entries)
		return err_set(err, ERR_NO_MEMORY, "no memory for the list of models");
	for (size_t i = 0; i < count; i++) {
		char path[PATH_MAX];
		struct stat st;
		entries[i].info = &rows[i];
		(void)snprintf(entries[i].file, sizeof entries[i].file, "%s", rows[i].file);
		entries[i].installed = in_folder(m, "", rows[i].file, "", path) && stat(path, &st) == 0;
		entries[i].size_bytes = entries[i].installed ? (uint64_t)st.st_size : rows[i].size_bytes;
	}
	size_t manifest_count = count;
	DIR *folder = opendir(m->dir);
	if (folder) {
		count = add_imported(folder, entries, count);
		(void)closedir(folder);
	} else if (errno != ENOENT) {
		enum err_code code = err_set_errno(err, ERR_IO, errno, "could not read folder \"%s\"", m->dir);
		free(entries);
		return code;
	}
	qsort(entries + manifest_count, count - manifest_count, sizeof *entries, by_file);
	*ret = entries;
	*ret_count = count;
	return ERR_OK;
}

/* Judges a file that no hash is known for by its structure. */
static enum err_code check_imported(const char *path, struct model_check *check, struct err *err)
{
	cleanup_map struct io_map map = { 0 };
	struct weights_summary summary;
	struct err why;
	enum err_code code = io_map_file(path, &map, err);
	if (code)
		return code;
	if (weights_check(map.data, map.size, &summary, &why)) {
		check->state = MODEL_BAD;
		(void)snprintf(check->reason, sizeof check->reason, "%s", why.message);
		return ERR_OK;
	}
	check->state = MODEL_UNKNOWN;
	(void)snprintf(check->reason, sizeof check->reason, "a well-formed Whisper model (%s, %u+%u layers)",
		       weights_file_type_name(summary.head.file_type), summary.head.n_audio_layer,
		       summary.head.n_text_layer);
	return ERR_OK;
}

enum err_code models_verify(const struct models *m, const struct model_entry *entry, struct model_check *ret,
			    struct err *err)
{
	char path[PATH_MAX];
	struct model_check check = { .state = MODEL_BAD };
	if (!in_folder(m, "", entry->file, "", path))
		return err_set(err, ERR_NOT_FOUND, "there is no file \"%s\" in \"%s\"", entry->file, m->dir);
	enum err_code code = sha256_of_path(path, check.sha256, err);
	if (!code && !entry->info)
		code = check_imported(path, &check, err);
	if (code)
		return code;
	for (size_t i = 0; entry->info && i < MODEL_SOURCES_MAX && entry->info->sources[i]; i++) {
		if (strcmp(entry->info->sources[i]->sha256, check.sha256) != 0)
			continue;
		check.state = MODEL_OK;
		check.source = entry->info->sources[i];
		break;
	}
	if (entry->info && check.state == MODEL_BAD)
		(void)snprintf(check.reason, sizeof check.reason,
			       "its SHA-256 is not that of \"%s\"; get it again with: tiro models pull %s",
			       entry->info->name, entry->info->name);
	*ret = check;
	return ERR_OK;
}
