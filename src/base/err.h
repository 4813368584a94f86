/*
 * Errors: one code, one message, one place where both are known.
 *
 * Every fallible function returns an `enum err_code` and takes a `struct err *` as its last argument. On
 * failure the code is returned and the error object holds a message a user can act on; on success the
 * object is untouched. Only base accepts NULL for it; everywhere else it must be an object. Messages follow
 * PostgreSQL's rules: lower case, no full stop, name the object and the reason. Library code never logs; whoever owns
 * the request or the command reports the error once.
 *
 * Thread safety: an error object belongs to one thread at a time.
 */
#ifndef TIRO_BASE_ERR_H
#define TIRO_BASE_ERR_H

#include <sysexits.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Symbol, stable name (used in JSON and between processes), exit code by sysexits(3), meaning. */
#define ERR_TABLE(X)                                                                                                   \
	X(ERR_OK, "ok", EX_OK, "no error")                                                                             \
	X(ERR_USAGE, "usage", EX_USAGE, "the command line is wrong")                                                   \
	X(ERR_CONFIG, "config", EX_CONFIG, "a setting is wrong")                                                       \
	X(ERR_INVALID, "invalid", EX_DATAERR, "a value is out of its range or of the wrong type")                      \
	X(ERR_BAD_MEDIA, "bad_media", EX_DATAERR, "a file is damaged, empty or not of a kind that can be read")        \
	X(ERR_TOO_BIG, "too_big", EX_DATAERR, "a file or a request is over a limit")                                   \
	X(ERR_NOT_FOUND, "not_found", EX_NOINPUT, "a file, model or language does not exist")                          \
	X(ERR_DENIED, "denied", EX_NOPERM, "the system refused access")                                                \
	X(ERR_IO, "io", EX_IOERR, "reading or writing failed")                                                         \
	X(ERR_CANT_CREATE, "cannot_create", EX_CANTCREAT, "a file for a result could not be created")                  \
	X(ERR_NO_SPACE, "no_space", EX_IOERR, "the disk or a quota is full")                                           \
	X(ERR_QUOTA, "quota_exceeded", EX_NOPERM, "a plan's allowance is used up")                                     \
	X(ERR_NETWORK, "network", EX_UNAVAILABLE, "another machine could not be reached or answered wrongly")          \
	X(ERR_UNAVAILABLE, "unavailable", EX_UNAVAILABLE, "something that is needed is not installed or not running")  \
	X(ERR_CORRUPT, "corrupt", EX_DATAERR, "stored or downloaded data does not match its hash or format")           \
	X(ERR_TIMEOUT, "timeout", EX_TEMPFAIL, "a deadline passed")                                                    \
	X(ERR_CONFLICT, "conflict", EX_DATAERR, "something of that name or key exists already")                        \
	X(ERR_REFERENCE, "reference", EX_DATAERR, "something that is referred to is not there, or is still needed")    \
	X(ERR_BUSY, "busy", EX_TEMPFAIL, "too much waits, or another program holds a lock")                            \
	X(ERR_READ_ONLY, "read_only", EX_NOPERM, "a database can only be read")                                        \
	X(ERR_OUTCOME_UNKNOWN, "outcome_unknown", EX_TEMPFAIL, "a write was cut off: it may or may not have happened") \
	X(ERR_CANCELLED, "cancelled", EX_TEMPFAIL, "the caller asked to stop")                                         \
	X(ERR_INTERRUPTED, "interrupted", EX_TEMPFAIL, "work was stopped on account of other work")                    \
	X(ERR_CRASHED, "crashed", EX_SOFTWARE, "a child process died")                                                 \
	X(ERR_PROTOCOL, "protocol", EX_PROTOCOL, "a message between processes was malformed")                          \
	X(ERR_NO_MEMORY, "no_memory", EX_OSERR, "memory could not be had")                                             \
	X(ERR_SYSTEM, "system", EX_OSERR, "the operating system refused something")                                    \
	X(ERR_INTERNAL, "internal", EX_SOFTWARE, "a defect in this program")

enum err_code {
#define X(symbol, name, exit_code, meaning) symbol,
	ERR_TABLE(X)
#undef X
		ERR_CODE_COUNT
};

enum {
	/* Long enough for a path and a reason; longer messages are cut, never overrun. */
	ERR_MESSAGE_MAX = 512
};

struct err {
	enum err_code code;
	int sys_errno; /* 0 where no system call was involved */
	char message[ERR_MESSAGE_MAX];
};

/*
 * Fills *err (which may be NULL) and returns `code`, so that callers can write
 * `return err_set(err, ERR_INVALID, ...)`.
 */
enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * Like err_set, for a failed system call: the code follows from `sys_errno` (ENOENT: not found, EACCES:
 * denied, ENOSPC: no space, ...; else `fallback`), and the system's text for it is appended after ": ".
 */
enum err_code err_set_errno(struct err *err, enum err_code fallback, int sys_errno, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: it is told here that an error is never ERR_OK. */
#define err_set(err, code, ...) ((void)(err_set)(err, code, __VA_ARGS__), (code))
#define err_set_errno(err, fallback, ...) ((void)(err_set_errno)(err, fallback, __VA_ARGS__), (fallback))
#endif

/* Puts "prefix: " before the message of an error that is already set; returns its code. */
enum err_code err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The stable name, e.g. "bad_media"; never NULL. An unknown code is named "internal". */
const char *err_name(enum err_code code);

/* The code with that stable name; ERR_INTERNAL where there is none. */
enum err_code err_from_name(const char *name);

/* The exit status for a code, one of sysexits(3). */
int err_exit_status(enum err_code code);

#endif
