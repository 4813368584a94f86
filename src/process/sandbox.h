/*
 * Gives up, for good, everything that a helper process does not need: no new privileges, resource limits, files
 * (Landlock, where the kernel has it), system calls (seccomp, an allow list per profile). Called once, by the main
 * thread, after libraries are linked and before the first foreign byte is read. Fails closed: an error here
 * must end the process.
 *
 * Sources: seccomp(2), landlock(7), prctl(2).
 */
#ifndef TIRO_PROCESS_SANDBOX_H
#define TIRO_PROCESS_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum sandbox_profile {
	SANDBOX_JAIL, /* one foreign file: no files, no sockets, no processes; threads only where the decoder must */
	SANDBOX_ENGINE /* recognition: threads; reads below `read_paths`; no sockets, no processes */
};

struct sandbox_policy {
	enum sandbox_profile profile;
	const char *const *read_paths; /* NULL-terminated, may be NULL: folders and files that stay readable */
	uint64_t memory_bytes; /* RLIMIT_AS; 0: unlimited */
	uint64_t cpu_seconds; /* RLIMIT_CPU; 0: unlimited */
	uint64_t memfd_bytes; /* RLIMIT_FSIZE, which also bounds a memfd (files cannot be written at all); 0: none */
	uint32_t max_threads; /* RLIMIT_NPROC is per user and no help: checked by the profile; 0: none may be started */
};

enum err_code sandbox_enter(const struct sandbox_policy *policy, struct err *err) MUST_CHECK;

#endif
