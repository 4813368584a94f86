/* That a database and a store belong together, over the back end that the first argument names. */
#include "files/store_marker.h"

#include "blob/memory.h"
#include "cases.h"
#include "store/migrate.h"

enum { STORE_BYTES = 1 << 20 };

static struct store_place place;

struct pair {
	struct db *db;
	struct blob_store *store, *other;
};

static int open_pair(void **state)
{
	struct db_config config = store_config(&place);
	struct pair *p = test_calloc(1, sizeof *p);
	assert_ok(store_open(&place, &config, NULL, &p->db, &why));
	assert_ok(migrate_up(p->db, &why));
	run_sql(p->db, "DELETE FROM meta");
	assert_ok(blob_memory_open(STORE_BYTES, &p->store, &why));
	assert_ok(blob_memory_open(STORE_BYTES, &p->other, &why));
	*state = p;
	return 0;
}

static int close_pair(void **state)
{
	struct pair *p = *state;
	db_close(p->db);
	blob_close(p->store);
	blob_close(p->other);
	test_free(p);
	return 0;
}

/* As a node that starts. */
static enum err_code check(const struct pair *p, struct blob_store *store, struct err *err)
{
	struct store_marker marker = { .is_in_store = false };
	return store_marker_check(&marker, p->db, store, err);
}

static void the_store_that_was_marked_is_known_again(void **state)
{
	const struct pair *p = *state;
	assert_ok(check(p, p->store, &why));
	assert_ok(check(p, p->store, &why));
	uint64_t size;
	assert_ok(blob_size(p->store, STORE_MARKER_KEY, &size, &why));
	assert_int_equal(size, UUID_TEXT_SIZE - 1);
}

static void another_store_is_refused_and_left_as_it_is(void **state)
{
	const struct pair *p = *state;
	struct err err;
	uint64_t size;
	assert_ok(check(p, p->store, &why));
	assert_int_equal(check(p, p->other, &err), ERR_CONFIG);
	assert_int_equal(blob_size(p->other, STORE_MARKER_KEY, &size, &err), ERR_NOT_FOUND);
}

static void the_store_of_another_installation_is_refused(void **state)
{
	const struct pair *p = *state;
	struct err err;
	assert_ok(check(p, p->store, &why));
	run_sql(p->db, "DELETE FROM meta");
	assert_int_equal(check(p, p->store, &err), ERR_CONFIG);
	/* The database is still free to choose. */
	assert_ok(check(p, p->other, &why));
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int main(int argc, char **argv)
{
	int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;
	if (status != 0)
		return status;
	const struct CMUnitTest tests[] = {
		WITH_PAIR(the_store_that_was_marked_is_known_again),
		WITH_PAIR(another_store_is_refused_and_left_as_it_is),
		WITH_PAIR(the_store_of_another_installation_is_refused),
	};
	status = cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
	store_place_done(&place);
	return status;
}
