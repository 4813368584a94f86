#include "process/child.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool runnable(const char *folder, const char *program, char *ret)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", folder, program);
	return n > 0 && n < PATH_MAX && access(ret, X_OK) == 0;
}

enum err_code child_find_program(const char *program, char *ret, struct err *err)
{
	const char *folder = getenv("TIRO_LIBEXEC_DIR");
	if (folder && runnable(folder, program, ret))
		return ERR_OK;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n > 0) {
		self[n] = '\0';
		char *slash = strrchr(self, '/');
		if (slash) {
			*slash = '\0';
			if (runnable(self, program, ret))
				return ERR_OK;
		}
	}
	if (runnable(TIRO_LIBEXEC_DIR, program, ret))
		return ERR_OK;
	return err_set(err, ERR_UNAVAILABLE, "the program \"%s\" is not installed beside tiro or in %s", program,
		       TIRO_LIBEXEC_DIR);
}
