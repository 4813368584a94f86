/* Between the files of this room: how a row is read. */
#ifndef TIRO_FILES_FILES_PRIV_H
#define TIRO_FILES_FILES_PRIV_H

#include "files/files.h"

/* The columns of a struct file_row in the order that file_row_read takes them, of a table named f. */
#define FILE_COLUMNS                                                                                                   \
	"f.id, f.owner_id, f.state, f.name, f.content_type, f.size_bytes, f.sha256, f.created_at, f.stored_at"
enum { FILE_COLUMN_COUNT = 9 };

void file_row_read(const struct db_rows *rows, size_t row, struct file_row *ret);

#endif
