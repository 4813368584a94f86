/*
 * What users own: files, sealed in the vault under a data key of their own, and who may read them.
 *
 * A file's row comes first (`uploading`, which reserves room in the owner's quota), then its bytes, then it is `stored`
 * in one unit of work with whatever else belongs to that moment (its job). A file that is being deleted loses its keys
 * first: from then on its bytes are noise wherever they lie, and what is left is swept (files/sweep.h).
 *
 * All functions block, on the database or on the object store: they are for the threads of a pool, never for the
 * loop's (files/intake.h and files/reader.h are for the loop). Thread-safe.
 *
 * A file that the viewer may not read is ERR_NOT_FOUND, like one that is not there.
 */
#ifndef TIRO_FILES_FILES_H
#define TIRO_FILES_FILES_H

#include "accounts/keyring.h"
#include "base/digest.h"
#include "base/uuid.h"
#include "blob/blob.h"
#include "blob/vault.h"
#include "store/db.h"
#include "store/queue.h"

enum {
	/* A file system's 255 characters in UTF-8. */
	FILE_NAME_MAX_BYTES = 1020,
	FILE_TYPE_MAX_BYTES = 127
};

/* Where files are; filled once at start, all borrowed from the program. */
struct files {
	struct db *db;
	struct db *lasting_db; /* the same, for what would be lost if it did not wait (store/impatient.h); NULL: `db` */
	struct blob_store *blobs;
	struct keyring *keyring; /* opens the owners' keys */
	/* Knows as which node uploads are received, and takes in the job after one that ends; NULL: neither is done. */
	struct part_queue *queue;
};

enum file_state { FILE_UPLOADING, FILE_STORED, FILE_DELETING };

struct file_row {
	struct uuid id;
	struct uuid owner;
	enum file_state state;
	char name[FILE_NAME_MAX_BYTES + 1]; /* as the user sent it: never a path */
	char content_type[FILE_TYPE_MAX_BYTES + 1];
	uint64_t size_bytes; /* of an unfinished upload: what is reserved */
	char sha256[SHA256_HEX_SIZE]; /* "" until stored */
	int64_t created_us;
	int64_t stored_us; /* 0 until stored */
};

/* Errors: ERR_NOT_FOUND, and those of a unit of work (store/db.h), as in all functions here. */
enum err_code files_find(const struct files *files, const struct uuid *viewer, const struct uuid *id,
			 struct file_row *ret, struct err *err) MUST_CHECK;

/* The key that the file is sealed with, opened by the owner's box and the master key. For the server's own work only;
 * who may see the file is the caller's to check. Errors: ERR_NOT_FOUND, ERR_CORRUPT, ERR_DENIED. */
enum err_code files_data_key(const struct files *files, const struct uuid *id, struct data_key *ret, struct err *err)
	MUST_CHECK;

/* Opens the stored bytes for ranges (blob/vault.h); *ret is the caller's. Errors: those of files_data_key and
 * vault_open. */
enum err_code files_open(const struct files *files, const struct uuid *id, struct vault_reader **ret, struct err *err)
	MUST_CHECK;

/* The name of an object in the store: "WORD/ID"; the file's own is "files/ID". */
void files_object_key(const char *word, const struct uuid *id, char ret[BLOB_KEY_MAX + 1]);

/* -- deletion -------------------------------------------------------------------------------------- */

/*
 * First half, inside a unit of the caller's: the owner's file is marked, and its keys are gone. Errors: ERR_NOT_FOUND
 * (not this owner's).
 */
enum err_code files_mark_deleted(struct db_tx *tx, const struct uuid *owner, const struct uuid *id, struct err *err)
	MUST_CHECK;

/* Second half: the bytes, and then the row with all that hangs on it in the database. What cannot be done now is done
 * by the sweep. */
enum err_code files_remove(const struct files *files, const struct uuid *id, struct err *err) MUST_CHECK;

#endif
