#include "cli/output.h"

#include <limits.h>
#include <signal.h>
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

enum err_code output_init(const char *path, int inputs, const char *extension, struct output *ret, struct err *err)
{
	*ret = (struct output){ .path = path, .extension = extension };
	if (!path)
		return ERR_OK;
	size_t len = strlen(path);
	bool wants_folder = inputs > 1 || (len > 0 && path[len - 1] == '/');
	ret->is_folder = is_folder(path) || wants_folder;
	if (wants_folder && !is_folder(path))
		return io_make_dirs(path, err);
	return ERR_OK;
}

enum err_code output_write(const void *bytes, size_t len, struct err *err)
{
	enum err_code code = io_write_all(STDOUT_FILENO, bytes, len, err);
	return code == ERR_OK ? code : err_prefix(err, "standard output");
}

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

enum err_code output_store(const struct output *o, const char *name, const void *bytes, size_t len, struct err *err)
{
	cleanup_strbuf struct strbuf path = STRBUF_INIT(PATH_MAX);
	if (o->is_folder)
		path_in_folder(o, name, &path);
	else
		strbuf_add_str(&path, o->path);
	if (strbuf_check(&path, "the output's path", err) != ERR_OK)
		return err->code;
	/* An interrupt waits until the temporary file has its name or is gone. */
	sigset_t interrupts, before;
	(void)sigemptyset(&interrupts);
	(void)sigaddset(&interrupts, SIGINT);
	(void)sigaddset(&interrupts, SIGTERM);
	(void)sigaddset(&interrupts, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &interrupts, &before);
	struct io_atomic_file file;
	enum err_code code = io_atomic_open(strbuf_str(&path), &file, err);
	if (code == ERR_OK) {
		code = io_write_all(file.fd, bytes, len, err);
		if (code == ERR_OK)
			code = io_atomic_commit(&file, err);
		else
			io_atomic_discard(&file);
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}
