/* One page of a list, and how long the list is, as one reading of the database. Blocks; thread-safe. */
#ifndef TIRO_JOBS_LIST_H
#define TIRO_JOBS_LIST_H

#include "store/db.h"

struct list_query {
	const struct db_stmt *total; /* one number; no row is 0 */
	const struct db_value *total_params;
	const struct db_stmt *page;
	const struct db_value *page_params;
	size_t limit, limit_max; /* rows that are asked for; that may be */
};

/* `ret_rows` is initialised by the caller, who releases it. Errors: ERR_INVALID (the limit). */
enum err_code list_read(struct db *db, const struct list_query *query, struct db_rows *ret_rows, uint64_t *ret_total,
			struct err *err) MUST_CHECK;

#endif
