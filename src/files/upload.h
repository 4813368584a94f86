/*
 * A file on its way in: begun, written, sealed, and then stored in one unit of work with whatever belongs to that
 * moment.
 *
 * Room in the owner's quota is reserved before bytes are written, first as many as were announced and then in steps, so
 * that parallel uploads cannot overshoot it. Whatever ends an upload early gives the room back; a process that died
 * leaves a row and an invisible object, which the sweep removes.
 *
 * All functions block: for a thread of a pool (files/intake.h feeds one from the loop). One thread at a time.
 */
#ifndef TIRO_FILES_UPLOAD_H
#define TIRO_FILES_UPLOAD_H

#include "files/files.h"

struct upload;

struct upload_spec {
	struct uuid id;
	struct uuid owner;
	const char *name;
	const char *content_type; /* "" where none was given */
	uint64_t announced_bytes; /* 0: not announced */
	uint64_t slack_bytes; /* that the announcement may count beside the file */
	uint64_t max_bytes; /* of this file, whatever the owner's plan allows */
};

/*
 * Makes the row and opens the object. Texts are copied, *ret ends with upload_store or upload_abort. Errors:
 * ERR_CONFLICT (the id is taken), ERR_TOO_BIG (announced more than is allowed), ERR_NO_SPACE (the quota, or the disk),
 * ERR_REFERENCE (no such user).
 */
enum err_code upload_begin(const struct files *files, const struct upload_spec *spec, struct upload **ret,
			   struct err *err) MUST_CHECK;

/* Appends. Errors: ERR_TOO_BIG (max_bytes), ERR_NO_SPACE; then only an abort may follow. */
enum err_code upload_write(struct upload *upload, const void *bytes, size_t len, struct err *err) MUST_CHECK;

/* Bytes written so far. */
uint64_t upload_bytes(const struct upload *upload);

/* What joins the unit that stores the file; may run more than once. */
struct upload_also {
	enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err);
	void *arg;
};

/*
 * All bytes are written: makes the object durable and readable by the server (files_open), for whoever must look into
 * the file before it is stored. After an error only an abort may follow. Errors: ERR_CANCELLED (it was deleted
 * meanwhile), those of vault_commit.
 */
enum err_code upload_seal(struct upload *upload, struct err *err) MUST_CHECK;

/*
 * Stores the sealed file, and frees the upload either way; `also` may be NULL. After an error nothing is left. Errors:
 * ERR_CANCELLED (it was deleted meanwhile), those of `also` and of a unit of work.
 */
enum err_code upload_store(struct upload *upload, const struct upload_also *also, struct vault_info *ret,
			   struct err *err) MUST_CHECK;

/* Drops everything; NULL is fine. */
void upload_abort(struct upload *upload);

#endif
