/* Between the files of this room: ids and texts in rows. */
#ifndef TIRO_ACCOUNTS_USERS_PRIV_H
#define TIRO_ACCOUNTS_USERS_PRIV_H

#include <stdio.h>
#include <string.h>

#include "accounts/users.h"

_Static_assert((int)UUID_BYTES == (int)KEY_ID_BYTES, "users' ids are UUIDs");

static inline void text_cell(const struct db_rows *rows, size_t row, size_t column, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", db_get_text(rows, row, column));
}

/* Holds the user's row until the unit ends: what is counted for the user is counted one after the other. */
enum err_code user_lock(struct db_tx *tx, const struct uuid *id, struct err *err) MUST_CHECK;

/* Raises the generation, which ends the user's tokens, and tells all nodes. Refresh tokens go. */
enum err_code user_end_tokens(struct db_tx *tx, const struct uuid *id, struct err *err) MUST_CHECK;

#endif
