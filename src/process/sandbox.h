/*
 * Gives up, for good, everything that a helper process does not need: no new privileges, resource limits, files
 * (Landlock, where the kernel has it), system calls (seccomp, an allow list per profile). Called once, by the main
 * thread, after libraries are linked and before the first foreign byte is read. Fails closed: an error here
 * must end the process.
 *
 * What happens to a call that is not allowed: opening and examining files fails with EACCES, since libraries
 * try that for tables and locales that they can do without; everything else kills the process with SIGSYS.
 *
 * Sources: seccomp(2), landlock(7), prctl(2).
 */
#ifndef TIRO_PROCESS_SANDBOX_H
#define TIRO_PROCESS_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum sandbox_profile {
	SANDBOX_JAIL, /* one foreign file: no sockets, no processes, no new code; files only below `read_paths`, and
		       * none where the kernel has no Landlock to hold it to them */
	SANDBOX_ENGINE /* recognition: files below `read_paths` (anywhere, reading only, without Landlock); may make
			* code (OpenVINO compiles kernels); no sockets, no processes */
};

struct sandbox_policy {
	enum sandbox_profile profile;
	/* NULL-terminated, may be NULL: folders and files that stay readable. One that does not exist is left out. */
	const char *const *read_paths;
	uint64_t memory_bytes; /* RLIMIT_AS; 0: unlimited. Not under AddressSanitizer, which reserves terabytes */
	uint64_t cpu_seconds; /* RLIMIT_CPU; 0: unlimited */
	uint64_t memfd_bytes; /* RLIMIT_FSIZE, which also bounds a memfd (files cannot be written at all); 0: none */
	bool threads; /* whether threads may be started; processes never */
};

/* Errors: ERR_SYSTEM, ERR_DENIED, ERR_NO_MEMORY; the process is then half confined and must end. */
enum err_code sandbox_enter(const struct sandbox_policy *policy, struct err *err) MUST_CHECK;

#endif
