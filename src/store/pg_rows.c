/* Results in PostgreSQL's binary format become rows. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "store/pg_priv.h"

/* Object ids of types, from PostgreSQL's catalog (pg_type.dat); they never change. */
enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_NAME = 19,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_VARCHAR = 1043,
	OID_VOID = 2278,
};

static bool get_int(const char *bytes, int size, int64_t *ret)
{
	uint64_t i8;
	uint32_t i4;
	uint16_t i2;
	switch (size) {
	case 1:
		*ret = bytes[0] != 0;
		return true;
	case sizeof i2:
		memcpy(&i2, bytes, sizeof i2);
		*ret = (int16_t)be16toh(i2);
		return true;
	case sizeof i4:
		memcpy(&i4, bytes, sizeof i4);
		*ret = (int32_t)be32toh(i4);
		return true;
	case sizeof i8:
		memcpy(&i8, bytes, sizeof i8);
		*ret = (int64_t)be64toh(i8);
		return true;
	default:
		return false;
	}
}

static enum err_code fetch_int(const char *bytes, int size, struct db_rows *ret, size_t column, struct err *err)
{
	int64_t value;
	if (!get_int(bytes, size, &value))
		return err_set(err, ERR_PROTOCOL, "the database sent an integer of %d bytes", size);
	rows_set_int(ret, column, value);
	return ERR_OK;
}

static enum err_code fetch_cell(const PGresult *result, int row, int column, struct db_rows *ret, struct err *err)
{
	if (PQgetisnull(result, row, column))
		return ERR_OK;
	const char *bytes = PQgetvalue(result, row, column);
	int size = PQgetlength(result, row, column);
	switch (PQftype(result, column)) {
	case OID_BOOL:
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
		return fetch_int(bytes, size, ret, (size_t)column, err);
	case OID_BYTEA:
		rows_set_bytes(ret, (size_t)column, DB_BYTES, bytes, (size_t)size);
		return ERR_OK;
	case OID_TEXT:
	case OID_VARCHAR:
	case OID_NAME:
		rows_set_bytes(ret, (size_t)column, DB_TEXT, bytes, (size_t)size);
		return ERR_OK;
	case OID_VOID:
		return ERR_OK;
	default:
		return err_set(err, ERR_INTERNAL, "a column of type %u must be cast in its statement",
			       PQftype(result, column));
	}
}

static int64_t changed_rows(const PGresult *result)
{
	const char *count = PQcmdTuples((PGresult *)(uintptr_t)result);
	return strncmp(PQcmdStatus((PGresult *)(uintptr_t)result), "SELECT", 6) == 0 ? 0 : strtoll(count, NULL, 10);
}

enum err_code pg_fetch(const PGresult *result, struct db_rows *ret, struct err *err)
{
	int columns = PQnfields(result);
	if (columns > DB_COLUMNS_MAX)
		return err_set(err, ERR_INTERNAL, "a statement returns more than %d columns", DB_COLUMNS_MAX);
	rows_clear(ret, (size_t)columns);
	for (int row = 0; row < PQntuples(result); row++) {
		enum err_code code = rows_begin(ret, err);
		for (int column = 0; code == ERR_OK && column < columns; column++)
			code = fetch_cell(result, row, column, ret, err);
		if (code != ERR_OK)
			return code;
	}
	ret->changed = changed_rows(result);
	return rows_check(ret, err);
}
