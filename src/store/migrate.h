/*
 * The schema and its versions. Migrations are the files of migrations/, numbered from 1, one text for both databases.
 * They only go forward, each in one transaction together with its row in `schema_versions`; a lock makes two nodes that
 * start at once do it once. A released migration is never changed: what it made is changed by the next.
 */
#ifndef TIRO_STORE_MIGRATE_H
#define TIRO_STORE_MIGRATE_H

#include "store/db.h"

struct migration {
	int version;
	const char *name;
	const char *const *statements; /* then NULL; in the common dialect, without parameters */
};

/* The program's own, in order. */
extern const struct migration migrations[];
extern const int migration_count;

/* Brings the database to the newest version. Errors: ERR_UNAVAILABLE (it is newer than this program), else those of a
 * unit of work; what was done before the error stays. Any thread but the loop's. */
enum err_code migrate_up(struct db *db, struct err *err) MUST_CHECK;

/* The same for other migrations than the program's, and calls `on_step` before each (may be NULL). With `is_dry`
 * nothing is changed: on_step tells what would be done. */
struct migrate_plan {
	const struct migration *list;
	int count;
	bool is_dry;
	void (*on_step)(void *arg, const struct migration *migration);
	void *arg;
};
enum err_code migrate_run(struct db *db, const struct migrate_plan *plan, struct err *err) MUST_CHECK;

/* The version that the database has; 0 where it is empty. */
enum err_code migrate_version(struct db *db, int *ret, struct err *err) MUST_CHECK;

#endif
