/*
 * What every back end of blob/blob.h must do; each back end's test program runs this suite over a store of its own.
 */
#ifndef TIRO_TESTS_UNIT_BLOB_CONTRACT_H
#define TIRO_TESTS_UNIT_BLOB_CONTRACT_H

#include "blob/blob.h"

/* *state of each test; made by the back end's setup with an empty store, released by its teardown. */
struct contract {
	struct blob_store *store;
	/* What the back end's test needs besides. */
	void *owner;
};

/* cmocka's setup and teardown of one test. */
typedef int contract_fixture(void **state);

/* Runs the suite; returns the number of tests that failed. */
int contract_run(contract_fixture *setup, contract_fixture *teardown);

/* Writes a whole object in pieces of `piece` bytes (0: in one). */
void contract_put(struct blob_store *store, const char *key, const void *bytes, size_t len, size_t piece);
/* The object must be exactly these bytes. */
void contract_expect(struct blob_store *store, const char *key, const void *bytes, size_t len);
/* The number of objects whose key begins with `prefix`. */
unsigned contract_count(struct blob_store *store, const char *prefix);
/* `len` bytes that depend on `seed`; freed by the caller. */
unsigned char *contract_bytes(size_t len, uint32_t seed);

#endif
