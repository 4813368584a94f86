/*
 * Scope-bound ownership: cleanup attributes and hand-over.
 *
 * A local that owns something is declared with one of the `cleanup_*` attributes and is released when
 * it goes out of scope; `steal_ptr` and `steal_fd` hand it over and leave the local empty.
 */
#ifndef TIRO_BASE_CLEANUP_H
#define TIRO_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(fn) __attribute__((cleanup(fn)))

static inline void cleanup_free_impl(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_impl(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose_impl(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

/* Frees a malloc'd pointer; NULL is fine. */
#define cleanup_free cleanup(cleanup_free_impl)
/* Closes a descriptor; a negative one is "none". */
#define cleanup_close cleanup(cleanup_close_impl)
/* Closes a stream whose write errors do not matter (read side); NULL is fine. */
#define cleanup_fclose cleanup(cleanup_fclose_impl)

/* Returns the pointer stored in *p and leaves NULL behind: ownership moves to the caller. */
#define steal_ptr(p)                                                                                                   \
	__extension__({                                                                                                \
		__typeof__(*(p)) stolen_ = *(p);                                                                       \
		*(p) = NULL;                                                                                           \
		stolen_;                                                                                               \
	})

/* Returns the descriptor stored in *fd and leaves -1 behind. */
static inline int steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
