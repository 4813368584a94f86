/*
 * A user goes, and with them all that is theirs: files with their jobs, results and shares, tokens, keys, and what was
 * shared with them. The user's row, which is marked first, goes last; so whatever cuts this short, it is gone on with
 * by the next call, or by the sweep. Blocks; thread-safe; several at once do no harm.
 */
#ifndef TIRO_JOBS_USER_REMOVAL_H
#define TIRO_JOBS_USER_REMOVAL_H

#include "files/files.h"

/* When it returns ERR_OK nothing of the user is left in the database, nor a file of theirs in the store. From the first
 * moment on nobody can be that user any more, also where it fails later. Errors: ERR_NOT_FOUND (no such user), those of
 * a unit of work and of the store. */
enum err_code jobs_remove_user(const struct files *files, const struct uuid *id, struct err *err) MUST_CHECK;

/* Goes on with users whose removal was cut short. *ret is how many are gone now; one that cannot be removed is logged,
 * and keeps no other from it. */
enum err_code jobs_sweep_users(const struct files *files, uint64_t *ret, struct err *err) MUST_CHECK;

#endif
