#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/db_priv.h"

struct db_value db_null(void)
{
	return (struct db_value){ .type = DB_NULL };
}

struct db_value db_int(int64_t value)
{
	return (struct db_value){ .type = DB_INT, .integer = value };
}

struct db_value db_text(const char *text)
{
	if (!text)
		return db_null();
	return (struct db_value){ .type = DB_TEXT, .data = text, .size = strlen(text) };
}

struct db_value db_bytes(const void *bytes, size_t size)
{
	if (!bytes)
		return db_null();
	return (struct db_value){ .type = DB_BYTES, .data = bytes, .size = size };
}

struct db_value db_id(const struct uuid *id)
{
	return db_bytes(id->bytes, sizeof id->bytes);
}

void db_rows_done(struct db_rows *rows)
{
	free(rows->cells);
	strbuf_done(&rows->bytes);
	*rows = (struct db_rows)DB_ROWS_INIT;
}

void rows_clear(struct db_rows *rows, size_t columns)
{
	strbuf_clear(&rows->bytes);
	rows->count = 0;
	rows->columns = columns;
	rows->changed = 0;
}

/* Cells are numbered over all rows; a row is begun with all its cells null. */
enum err_code rows_begin(struct db_rows *rows, struct err *err)
{
	size_t need = (rows->count + 1) * rows->columns;
	if (need > DB_RESULT_MAX / sizeof *rows->cells)
		return err_set(err, ERR_TOO_BIG, "the answer of the database has too many rows");
	if (need > rows->capacity) {
		size_t capacity = need < 32 ? 32 : need * 2;
		struct db_cell *cells = realloc(rows->cells, capacity * sizeof *cells);
		if (!cells)
			return err_set(err, ERR_NO_MEMORY, "no memory for the answer of the database");
		rows->cells = cells;
		rows->capacity = capacity;
	}
	if (rows->columns > 0)
		memset(rows->cells + rows->count * rows->columns, 0, rows->columns * sizeof *rows->cells);
	rows->count++;
	return ERR_OK;
}

static struct db_cell *last_row_cell(struct db_rows *rows, size_t column)
{
	return &rows->cells[(rows->count - 1) * rows->columns + column];
}

void rows_set_int(struct db_rows *rows, size_t column, int64_t value)
{
	*last_row_cell(rows, column) = (struct db_cell){ .type = DB_INT, .integer = value };
}

void rows_set_bytes(struct db_rows *rows, size_t column, enum db_type type, const void *bytes, size_t size)
{
	*last_row_cell(rows, column) = (struct db_cell){ .type = type, .offset = rows->bytes.len, .size = size };
	strbuf_add(&rows->bytes, bytes, size);
	strbuf_add_char(&rows->bytes, '\0');
}

enum err_code rows_check(const struct db_rows *rows, struct err *err)
{
	return strbuf_check(&rows->bytes, "the answer of the database", err);
}

static const struct db_cell *cell(const struct db_rows *rows, size_t row, size_t column)
{
	assert(row < rows->count && column < rows->columns);
	return &rows->cells[row * rows->columns + column];
}

bool db_is_null(const struct db_rows *rows, size_t row, size_t column)
{
	return cell(rows, row, column)->type == DB_NULL;
}

int64_t db_get_int(const struct db_rows *rows, size_t row, size_t column)
{
	const struct db_cell *c = cell(rows, row, column);
	assert(c->type == DB_INT || c->type == DB_NULL);
	return c->integer;
}

const char *db_get_text(const struct db_rows *rows, size_t row, size_t column)
{
	const struct db_cell *c = cell(rows, row, column);
	assert(c->type == DB_TEXT || c->type == DB_NULL);
	return c->type == DB_NULL ? "" : rows->bytes.data + c->offset;
}

const void *db_get_bytes(const struct db_rows *rows, size_t row, size_t column, size_t *ret_size)
{
	const struct db_cell *c = cell(rows, row, column);
	assert(c->type == DB_BYTES || c->type == DB_NULL);
	*ret_size = c->size;
	return c->type == DB_NULL ? "" : rows->bytes.data + c->offset;
}

struct uuid db_get_id(const struct db_rows *rows, size_t row, size_t column)
{
	struct uuid id = { { 0 } };
	size_t size;
	const void *bytes = db_get_bytes(rows, row, column, &size);
	if (size == sizeof id.bytes)
		memcpy(id.bytes, bytes, size);
	return id;
}
