/*
 * Confines this thread and its children to reading some paths (landlock(7)); for sandbox.c only.
 */
#ifndef TIRO_PROCESS_LANDLOCK_H
#define TIRO_PROCESS_LANDLOCK_H

#include <stdbool.h>

#include "base/err.h"

/* *ret_active is false, and nothing changed, where the kernel has no Landlock. `paths` as in sandbox_policy.
 * no_new_privs must be set. Errors: ERR_SYSTEM, ERR_DENIED. */
enum err_code landlock_confine(const char *const *paths, bool *ret_active, struct err *err) MUST_CHECK;

#endif
