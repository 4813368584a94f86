#include "models/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "http/fetch.h"

enum { LOCK_POLL_US = 100 * 1000, OPEN_FOLDERS_MAX = 16, DIR_MODE = 0777, FILE_MODE = 0666 };

/* -- shared with package.c and import.c ---------------------------------------------------------- */

bool pull_report(const struct pull *p, uint64_t done_bytes)
{
	struct models_progress progress = { .model = p->info ? p->info->name : "",
					    .what = p->what,
					    .done_bytes = done_bytes,
					    .total_bytes = p->total_bytes };
	return !p->watch->on_progress || p->watch->on_progress(p->watch->owner, &progress);
}

bool pull_sink_go_on(void *owner, uint64_t done_bytes)
{
	return pull_report(owner, done_bytes);
}

bool pull_go_on(void *owner)
{
	return pull_report(owner, 0);
}

enum err_code path_join(char ret[PATH_MAX], struct err *err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(ret, PATH_MAX, fmt, args);
	va_end(args);
	if (n < 0 || n >= PATH_MAX)
		return err_set(err, ERR_INVALID, "a path in the models' folder is too long");
	return ERR_OK;
}

enum err_code install_file(const char *temp_path, const char *dir, const char *file, struct err *err)
{
	char path[PATH_MAX];
	enum err_code code = path_join(path, err, "%s/%s", dir, file);
	if (code)
		return code;
	if (rename(temp_path, path) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not move a model to \"%s\"", path);
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not flush folder \"%s\"", dir);
	return ERR_OK;
}

/* -- one pull per folder ------------------------------------------------------------------------- */

static enum err_code take_lock(struct pull *p, const char *dir, int *ret_fd, struct err *err)
{
	char path[PATH_MAX];
	enum err_code code = path_join(path, err, "%s/.lock", dir);
	if (code)
		return code;
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not open \"%s\"", path);
	p->what = "waiting for another pull";
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set_errno(err, ERR_SYSTEM, errno, "could not lock \"%s\"", path);
		if (!pull_report(p, 0))
			return err_set(err, ERR_CANCELLED, "the pull was stopped");
		clock_sleep_us(LOCK_POLL_US);
	}
	*ret_fd = steal_fd(&fd);
	return ERR_OK;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	(void)remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}

/* Under the lock; what a killed pull left there is nobody's. */
static enum err_code make_work_dir(struct pull *p, const char *dir, struct err *err)
{
	char absolute[PATH_MAX]; /* programs that run there have it as their current folder */
	if (!realpath(dir, absolute))
		return err_set_errno(err, ERR_IO, errno, "could not find folder \"%s\"", dir);
	enum err_code code = path_join(p->work_dir, err, "%s/.pull", absolute);
	if (code)
		return code;
	remove_tree(p->work_dir);
	if (mkdir(p->work_dir, DIR_MODE) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not create folder \"%s\"", p->work_dir);
	return ERR_OK;
}

/* -- sources ------------------------------------------------------------------------------------- */

static bool is_known_hash(const struct model_info *info, const char *sha256)
{
	for (size_t i = 0; i < MODEL_SOURCES_MAX && info->sources[i]; i++) {
		if (strcmp(info->sources[i]->sha256, sha256) == 0)
			return true;
	}
	return false;
}

static bool is_installed(const char *dir, const struct model_info *info)
{
	char path[PATH_MAX], sha256[SHA256_HEX_SIZE];
	struct stat st;
	return !path_join(path, NULL, "%s/%s", dir, info->file) && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == info->size_bytes && !sha256_of_path(path, sha256, NULL) &&
	       is_known_hash(info, sha256);
}

static bool on_fetch_progress(void *owner, uint64_t done_bytes, uint64_t total_bytes)
{
	struct pull *p = owner;
	p->total_bytes = total_bytes ? total_bytes : p->info->size_bytes;
	return pull_report(p, done_bytes);
}

/* Downloads a finished file. `expected` is its hash; NULL: any that the manifest has for the model. */
static enum err_code from_url(struct pull *p, const char *dir, const char *url, const char *expected, struct err *err)
{
	char part[PATH_MAX], sha256[SHA256_HEX_SIZE];
	enum err_code code = path_join(part, err, "%s/.%s.part", dir, p->info->file);
	if (code)
		return code;
	struct fetch_request request = { .url = url,
					 .partial_path = part,
					 .max_bytes = p->info->size_bytes,
					 .on_progress = on_fetch_progress,
					 .owner = p };
	p->what = "downloading";
	code = fetch_file(&request, sha256, err);
	if (code == ERR_TOO_BIG)
		fetch_forget(part, true); /* it cannot become the model, however often it is continued */
	if (code)
		return code;
	if (expected ? strcmp(expected, sha256) != 0 : !is_known_hash(p->info, sha256)) {
		fetch_forget(part, true);
		return err_set(err, ERR_CORRUPT, "\"%s\" has the SHA-256 %.16s..., which is not this model's", url,
			       sha256);
	}
	fetch_forget(part, false);
	return install_file(part, dir, p->info->file, err);
}

static enum err_code from_source(struct pull *p, const char *dir, const struct model_source *source, struct err *err)
{
	if (source->url)
		return from_url(p, dir, source->url, source->sha256, err);
	char path[PATH_MAX], sha256[SHA256_HEX_SIZE];
	enum err_code code = package_make(p, source, path, sha256, err);
	if (code)
		return code;
	if (strcmp(sha256, source->sha256) != 0)
		return err_set(err, ERR_CORRUPT, "the packages gave a file with the SHA-256 %.16s..., not %.16s...",
			       sha256, source->sha256);
	return install_file(path, dir, p->info->file, err);
}

/* Failures that another source does not cure. */
static bool is_final(enum err_code code)
{
	return code == ERR_CANCELLED || code == ERR_NO_SPACE || code == ERR_DENIED || code == ERR_NO_MEMORY;
}

/* Tries the sources in turn; the error tells of each. */
static enum err_code from_manifest(struct pull *p, const char *dir, struct err *err)
{
	cleanup_strbuf struct strbuf reasons = STRBUF_INIT(ERR_MESSAGE_MAX * MODEL_SOURCES_MAX + 16);
	enum err_code worst = ERR_OK; /* a wrong hash says most, else the first source's failure */
	for (size_t i = 0; i < MODEL_SOURCES_MAX && p->info->sources[i]; i++) {
		struct err why;
		enum err_code code = from_source(p, dir, p->info->sources[i], &why);
		if (code && is_final(code) && err)
			*err = why;
		if (!code || is_final(code))
			return code;
		if (code == ERR_CORRUPT || !worst)
			worst = code;
		strbuf_addf(&reasons, "%s%s", reasons.len ? "; " : "", why.message);
	}
	return err_set(err, worst, "%s", strbuf_str(&reasons));
}

/* What an interrupted download left, once the model is there from elsewhere. */
static void forget_part(const struct pull *p, const char *dir)
{
	char part[PATH_MAX];
	if (!path_join(part, NULL, "%s/.%s.part", dir, p->info->file))
		fetch_forget(part, true);
}

static enum err_code pull_one(struct pull *p, const char *dir, const char *source, struct err *err)
{
	enum err_code code;
	if (source) {
		cleanup_strbuf struct strbuf url = STRBUF_INIT(PATH_MAX);
		size_t len = strlen(source);
		strbuf_addf(&url, "%s%s%s", source, len > 0 && source[len - 1] == '/' ? "" : "/", p->info->file);
		code = strbuf_check(&url, "the source's address", err);
		if (!code)
			code = from_url(p, dir, strbuf_str(&url), NULL, err);
	} else {
		code = from_manifest(p, dir, err);
	}
	if (code == ERR_CANCELLED)
		return err_set(err, code, "the pull of model \"%s\" was stopped", p->info->name);
	if (code)
		return err_prefix(err, "could not get model \"%s\"", p->info->name);
	forget_part(p, dir);
	return ERR_OK;
}

static enum err_code pull_all(struct pull *p, const char *dir, const struct models_pull_request *request,
			      struct err *err)
{
	for (size_t i = 0; i < request->count; i++) {
		p->info = request->infos[i];
		bool there = is_installed(dir, p->info);
		enum err_code code = there ? ERR_OK : pull_one(p, dir, request->source, err);
		if (code)
			return code;
		if (p->watch->on_installed)
			p->watch->on_installed(p->watch->owner, p->info, !there);
	}
	return ERR_OK;
}

enum err_code models_pull(const struct models *m, const struct models_pull_request *request, struct err *err)
{
	const char *dir = models_dir(m);
	struct pull p = { .watch = &request->watch };
	enum err_code code = io_make_dirs(dir, err);
	if (code)
		return code;
	cleanup_close int lock = -1;
	code = take_lock(&p, dir, &lock, err);
	if (!code)
		code = make_work_dir(&p, dir, err);
	if (code)
		return code;
	code = pull_all(&p, dir, request, err);
	remove_tree(p.work_dir);
	return code;
}
