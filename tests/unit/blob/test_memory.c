#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "blob/memory.h"
#include "contract.h"

static int open_store(void **state)
{
	struct contract *contract = calloc(1, sizeof *contract);
	*state = contract;
	return contract ? (int)blob_memory_open((uint64_t)64 << 20, &contract->store, NULL) : -1;
}

static int close_store(void **state)
{
	struct contract *contract = *state;
	blob_close(contract->store);
	free(contract);
	return 0;
}

static void a_full_store_says_so_and_recovers(void **state)
{
	(void)state;
	struct blob_store *store;
	struct blob_put *put;
	struct err err = { 0 };
	char bytes[600] = { 0 };
	assert_int_equal(blob_memory_open(1000, &store, &err), ERR_OK);
	contract_put(store, "a", bytes, 600, 0);
	assert_int_equal(blob_put_begin(store, "b", &put, &err), ERR_OK);
	assert_int_equal(blob_put_write(put, bytes, 600, &err), ERR_NO_SPACE);
	blob_put_abort(put);
	assert_int_equal(blob_delete(store, "a", &err), ERR_OK);
	contract_put(store, "b", bytes, 600, 100);
	blob_close(store);
	blob_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_full_store_says_so_and_recovers) };
	int failed = contract_run(open_store, close_store);
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
