#include "cli/openvino.h"

#include <stddef.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *openvino_folder(const char *named)
{
	static const char *const folders[] = { TIRO_OPENVINO_INSTALLED, TIRO_OPENVINO_BUILT };
	if (named)
		return named;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		if (access(folders[i], R_OK | X_OK) == 0)
			return folders[i];
	}
	return NULL;
}
