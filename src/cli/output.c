#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What keeps a result from its place is the place's fault, whatever the system calls it. */
static enum err_code cannot_create(struct err *err)
{
	if (err->code != ERR_NO_SPACE && err->code != ERR_NO_MEMORY)
		err->code = ERR_CANT_CREATE;
	return err->code;
}

/* -- names ------------------------------------------------------------------------------------------------- */

/* FOLDER/NAME.EXT, where NAME is the input's without its folder and its own extension. */
static void path_in_folder(const struct output *o, const char *name, struct strbuf *out)
{
	const char *base = strrchr(name, '/');
	base = base ? base + 1 : name;
	if (strcmp(base, "-") == 0)
		base = "stdin";
	const char *dot = strrchr(base, '.');
	size_t len = dot && dot > base ? (size_t)(dot - base) : strlen(base);
	strbuf_addf(out, "%s/%.*s.%s", o->path, (int)len, base, o->extension);
}

static enum err_code path_of(const struct output *o, const char *name, struct strbuf *out, struct err *err)
{
	if (o->is_folder)
		path_in_folder(o, name, out);
	else
		strbuf_add_str(out, o->path);
	return strbuf_check(out, "the output's path", err);
}

/* -- checks ------------------------------------------------------------------------------------------------ */

/* The result of one input, for sorting. */
struct target {
	char *path; /* owned */
	const char *name;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct target *)a)->path, ((const struct target *)b)->path);
}

static enum err_code check_against_input(const struct target *target, struct err *err)
{
	struct stat in, out;
	if (strcmp(target->name, "-") == 0 || stat(target->name, &in) != 0 || stat(target->path, &out) != 0 ||
	    !S_ISREG(out.st_mode) || in.st_dev != out.st_dev || in.st_ino != out.st_ino)
		return ERR_OK;
	return err_set(err, ERR_USAGE, "\"%s\" would be overwritten by its own result; give another place with -o",
		       target->name);
}

static enum err_code check_targets(struct target *targets, int count, struct err *err)
{
	qsort(targets, (size_t)count, sizeof *targets, by_path);
	for (int i = 0; i < count; i++) {
		if (i > 0 && strcmp(targets[i - 1].path, targets[i].path) == 0)
			return err_set(err, ERR_USAGE,
				       "\"%s\" and \"%s\" would both become \"%s\"; give each a folder of its own",
				       targets[i - 1].name, targets[i].name, targets[i].path);
		if (check_against_input(&targets[i], err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}

static enum err_code check_names(const struct output *o, const char *const *names, int count, struct err *err)
{
	struct target *targets = calloc((size_t)count, sizeof *targets);
	if (!targets)
		return err_set(err, ERR_NO_MEMORY, "no memory for %d files", count);
	enum err_code code = ERR_OK;
	for (int i = 0; code == ERR_OK && i < count; i++) {
		cleanup_strbuf struct strbuf path = STRBUF_INIT(PATH_MAX);
		code = path_of(o, names[i], &path, err);
		targets[i] = (struct target){ .path = strbuf_steal(&path), .name = names[i] };
	}
	if (code == ERR_OK)
		code = check_targets(targets, count, err);
	for (int i = 0; i < count; i++)
		free(targets[i].path);
	free(targets);
	return code;
}

/* Hours of work should not end at a folder that cannot be written to. */
static enum err_code check_folder(const char *folder, struct err *err)
{
	if (access(folder, W_OK | X_OK) == 0)
		return ERR_OK;
	(void)err_set_errno(err, ERR_IO, errno, "could not write into folder \"%s\"", folder);
	return cannot_create(err);
}

static enum err_code check_file(const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return ERR_OK;
	const char *slash = strrchr(path, '/');
	if (!slash)
		return check_folder(".", err);
	cleanup_free char *folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!folder)
		return err_set(err, ERR_NO_MEMORY, "no memory for a path");
	return check_folder(folder, err);
}

enum err_code output_init(const char *path, const char *const *names, int count, const char *extension,
			  struct output *ret, struct err *err)
{
	*ret = (struct output){ .path = path, .extension = extension };
	if (!path)
		return ERR_OK;
	size_t len = strlen(path);
	if (len == 0)
		return err_set(err, ERR_USAGE, "-o needs the name of a file or a folder");
	bool wants_folder = count > 1 || path[len - 1] == '/';
	ret->is_folder = is_folder(path) || wants_folder;
	enum err_code code = check_names(ret, names, count, err);
	if (code == ERR_OK && wants_folder && !is_folder(path) && io_make_dirs(path, err) != ERR_OK)
		return cannot_create(err);
	if (code != ERR_OK)
		return code;
	return ret->is_folder ? check_folder(path, err) : check_file(path, err);
}

/* -- writing ----------------------------------------------------------------------------------------------- */

enum err_code output_write(const void *bytes, size_t len, struct err *err)
{
	enum err_code code = io_write_all(STDOUT_FILENO, bytes, len, err);
	return code == ERR_OK ? code : err_prefix(err, "standard output");
}

/* To a device or a pipe, which must not be replaced by a file. */
static enum err_code write_into(const char *path, const void *bytes, size_t len, struct err *err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		(void)err_set_errno(err, ERR_IO, errno, "could not open \"%s\"", path);
		return cannot_create(err);
	}
	return io_write_all(fd, bytes, len, err) == ERR_OK ? ERR_OK : err_prefix(err, "\"%s\"", path);
}

static enum err_code write_whole(const char *path, const struct stat *old, const void *bytes, size_t len,
				 struct err *err)
{
	struct io_atomic_file file;
	if (io_atomic_open(path, &file, err) != ERR_OK)
		return cannot_create(err);
	if (old && fchmod(file.fd, old->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)) != 0)
		(void)err_set_errno(err, ERR_IO, errno, "could not give \"%s\" its mode", path);
	else if (io_write_all(file.fd, bytes, len, err) == ERR_OK)
		return io_atomic_commit(&file, err);
	io_atomic_discard(&file);
	return err->code;
}

static enum err_code replace(const char *path, const void *bytes, size_t len, struct err *err)
{
	struct stat st;
	bool exists = stat(path, &st) == 0;
	if (exists && !S_ISREG(st.st_mode))
		return write_into(path, bytes, len, err);
	/* A link is followed, so that it is the file that changes. One that leads nowhere is replaced. */
	cleanup_free char *real = exists ? realpath(path, NULL) : NULL;
	/* An interrupt waits until the temporary file has its name or is gone. */
	sigset_t interrupts, before;
	(void)sigemptyset(&interrupts);
	(void)sigaddset(&interrupts, SIGINT);
	(void)sigaddset(&interrupts, SIGTERM);
	(void)sigaddset(&interrupts, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &interrupts, &before);
	enum err_code code = write_whole(real ? real : path, exists ? &st : NULL, bytes, len, err);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

enum err_code output_store(const struct output *o, const char *name, const void *bytes, size_t len, struct err *err)
{
	cleanup_strbuf struct strbuf path = STRBUF_INIT(PATH_MAX);
	if (path_of(o, name, &path, err) != ERR_OK)
		return err->code;
	return replace(strbuf_str(&path), bytes, len, err);
}
