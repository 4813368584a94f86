/*
 * What is wrong with what somebody sent about a user: one code per field, which a dialect maps to its own words. Plain
 * data, no allocation.
 */
#ifndef TIRO_ACCOUNTS_FIELD_H
#define TIRO_ACCOUNTS_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Symbol, name as in every dialect's requests. */
#define FIELD_TABLE(X)                                                                                                 \
	X(FIELD_EMAIL, "email")                                                                                        \
	X(FIELD_PASSWORD, "password")                                                                                  \
	X(FIELD_USERNAME, "username")                                                                                  \
	X(FIELD_PHONE, "phone")                                                                                        \
	X(FIELD_FIRST_NAME, "first_name")                                                                              \
	X(FIELD_LAST_NAME, "last_name")

enum field {
#define X(symbol, name) symbol,
	FIELD_TABLE(X)
#undef X
		FIELDS
};

/* Symbol, stable name, what a person is told. */
#define FAULT_TABLE(X)                                                                                                 \
	X(FIELD_OK, "ok", "is fine")                                                                                   \
	X(FIELD_REQUIRED, "required", "is required")                                                                   \
	X(FIELD_INVALID, "invalid", "is not valid")                                                                    \
	X(FIELD_TOO_SHORT, "too_short", "is too short (at least 8 characters)")                                        \
	X(FIELD_TOO_LONG, "too_long", "is too long")                                                                   \
	X(FIELD_TAKEN, "taken", "is taken already")

enum field_fault {
#define X(symbol, name, text) symbol,
	FAULT_TABLE(X)
#undef X
		FIELD_FAULTS
};

/* One verdict per field; all zero: nothing is wrong. */
struct field_faults {
	enum field_fault of[FIELDS];
};

const char *field_name(enum field field);
const char *field_fault_name(enum field_fault fault);
const char *field_fault_text(enum field_fault fault);

/* True where at least one field is not fine. */
bool field_faults_any(const struct field_faults *faults);

/* ERR_OK where nothing is wrong; ERR_CONFLICT where fields are taken only; else ERR_INVALID. The message names all. */
enum err_code field_faults_check(const struct field_faults *faults, struct err *err) MUST_CHECK;

#endif
