#include "infer/openvino.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define LIBRARY "libopenvino_c.so"

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* The wheel has only the file with the version in its name, a package's development files also the plain one. */
static void *open_in(const char *dir)
{
	cleanup(close_dir) DIR *d = opendir(dir);
	if (!d)
		return NULL;
	const struct dirent *entry;
	while ((entry = readdir(d))) {
		char path[PATH_MAX];
		if (strncmp(entry->d_name, LIBRARY, strlen(LIBRARY)) != 0)
			continue;
		int n = snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
		if (library)
			return library;
	}
	return NULL;
}

static void *open_library(const char *dir)
{
	if (dir)
		return open_in(dir);
	void *library = open_in(TIRO_OPENVINO_DIR);
	return library ? library : dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

static enum err_code fill(void *library, struct openvino *ret, struct err *err)
{
	static const char *const names[] = {
#define X(name) #name,
		OPENVINO_TABLE(X)
#undef X
	};
	void *functions[ARRAY_LEN(names)];
	_Static_assert(sizeof(functions) == sizeof(*ret), "the table holds pointers to functions only");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		functions[i] = dlsym(library, names[i]);
		if (!functions[i])
			return err_set(err, ERR_UNAVAILABLE, "the OpenVINO library is too old: it has no %s", names[i]);
	}
	memcpy(ret, functions, sizeof(functions));
	return ERR_OK;
}

enum err_code openvino_load(const char *dir, const struct openvino **ret, struct err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct openvino table;
	static bool loaded;
	enum err_code code = ERR_OK;

	(void)pthread_mutex_lock(&lock);
	if (!loaded) {
		void *library = open_library(dir);
		if (library)
			code = fill(library, &table, err);
		else
			code = err_set(err, ERR_UNAVAILABLE,
				       "OpenVINO could not be loaded%s%s: install it, or "
				       "name its folder with --openvino",
				       dir ? " from " : "", dir ? dir : "");
		loaded = code == ERR_OK;
	}
	(void)pthread_mutex_unlock(&lock);
	if (code == ERR_OK)
		*ret = &table;
	return code;
}
