/*
 * That a database and an object store belong together. The database holds a random id (in `meta`), the store an object
 * with the same one, which no sweep takes for a file. Both are made once, by the first node that looks.
 *
 * Without it a worker over another folder, or a server over another installation's bucket, would look well while its
 * jobs fail and its sweep removes files that are not its own.
 */
#ifndef TIRO_FILES_STORE_MARKER_H
#define TIRO_FILES_STORE_MARKER_H

#include <stdbool.h>

#include "base/uuid.h"
#include "blob/blob.h"
#include "store/db.h"

/* The object's key. */
#define STORE_MARKER_KEY "installation"

/* What a node knows of it; zeros at first. */
struct store_marker {
	struct uuid id;
	bool is_in_store; /* the database says so: from then on it is not asked any more */
};

/*
 * Reads the marker, and makes it where the installation has none yet. Blocks; for one thread at a time.
 * Errors: ERR_CONFIG (the store is another installation's, or not the one that was used before), ERR_CORRUPT, those of
 * a unit of work and of the store.
 */
enum err_code store_marker_check(struct store_marker *marker, struct db *db, struct blob_store *blobs, struct err *err)
	MUST_CHECK;

#endif
