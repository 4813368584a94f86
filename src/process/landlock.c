#include "process/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The kernel's structure up to ABI 6; the header of Debian 12 knows only the first field. Older kernels are given
 * less of it. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

enum {
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
	ABI_NET = 4,
	ABI_IOCTL = 5,
	ABI_SCOPED = 6,
};

/* Bits by the kernel's documentation: file system rights 0..12 of ABI 1, then one per ABI. */
#define FS_ABI_1 ((UINT64_C(1) << 13) - 1)
#define FS_REFER (UINT64_C(1) << 13)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND_CONNECT UINT64_C(3)
#define SCOPE_SOCKETS_SIGNALS UINT64_C(3)

/* Everything that this kernel can deny. */
static struct ruleset everything(long abi, size_t *ret_size)
{
	struct ruleset set = { .fs = FS_ABI_1 };
	if (abi >= ABI_REFER)
		set.fs |= FS_REFER;
	if (abi >= ABI_TRUNCATE)
		set.fs |= FS_TRUNCATE;
	if (abi >= ABI_IOCTL)
		set.fs |= FS_IOCTL_DEV;
	set.net = abi >= ABI_NET ? NET_BIND_CONNECT : 0;
	set.scoped = abi >= ABI_SCOPED ? SCOPE_SOCKETS_SIGNALS : 0;
	*ret_size = abi >= ABI_SCOPED ? sizeof set : abi >= ABI_NET ? 2 * sizeof set.fs : sizeof set.fs;
	return set;
}

static enum err_code allow_reading(int ruleset_fd, const char *path, struct err *err)
{
	cleanup_close int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return ERR_OK;
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not keep \"%s\" readable", path);
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = fd };
	if (S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not keep \"%s\" readable", path);
	return ERR_OK;
}

enum err_code landlock_confine(const char *const *paths, bool *ret_active, struct err *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1) {
		*ret_active = false;
		return ERR_OK;
	}
	size_t size;
	struct ruleset set = everything(abi, &size);
	cleanup_close int fd = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (fd < 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not make a Landlock rule set");
	for (size_t i = 0; paths && paths[i]; i++) {
		if (allow_reading(fd, paths[i], err) != ERR_OK)
			return err->code;
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not enter a Landlock rule set");
	*ret_active = true;
	return ERR_OK;
}
