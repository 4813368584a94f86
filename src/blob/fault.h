/*
 * A store that passes everything on to another and fails where it is told to: for tests of what uses a store.
 */
#ifndef TIRO_BLOB_FAULT_H
#define TIRO_BLOB_FAULT_H

#include "blob/blob.h"

/* What shall go wrong; all zero: nothing. Calls are counted from 1 over the life of the store; 0 is never. */
struct blob_fault_plan {
	unsigned fail_write; /* this write fails, with `write_code` */
	enum err_code write_code; /* ERR_IO where it is ERR_OK */
	bool short_write; /* the failing write passes half of its bytes on before */
	unsigned fail_commit; /* this commit fails with ERR_IO; nothing is left */
	unsigned kill_commit; /* the process is killed (SIGKILL) before this commit */
	unsigned fail_get; /* this get fails with ERR_IO */
	unsigned short_get; /* this get returns half of what is there */
	unsigned flip_get; /* this get returns its middle byte changed */
	int64_t slow_us; /* every write and get waits that long before */
};

/* Wraps `inner`, which is closed with the wrapper. Errors: ERR_NO_MEMORY; then `inner` stays the caller's. */
enum err_code blob_fault_open(struct blob_store *inner, const struct blob_fault_plan *plan, struct blob_store **ret,
			      struct err *err) MUST_CHECK;

#endif
