#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "blob/fault.h"
#include "blob/local.h"
#include "contract.h"
#include "support/scratch.h"

/* Each test has a folder of its own, which is the current one; the store is in "s". */
static int open_store(void **state)
{
	struct contract *contract = calloc(1, sizeof *contract);
	*state = contract;
	if (!contract || scratch_enter(&contract->owner) != 0)
		return -1;
	return (int)blob_local_open("s", &contract->store, NULL);
}

static int close_store(void **state)
{
	struct contract *contract = *state;
	blob_close(contract->store);
	int result = scratch_leave(&contract->owner);
	free(contract);
	return result;
}

static struct blob_store *store_of(void **state)
{
	return ((struct contract *)*state)->store;
}

static int check_mode(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	bool top = strcmp(path, "s") == 0;
	return top || (st->st_mode & 0777) == (type == FTW_D ? 0700 : 0600) ? 0 : 1;
}

static void files_are_for_their_owner_only(void **state)
{
	mode_t old = umask(0);
	contract_put(store_of(state), "a/b", "x", 1, 0);
	(void)umask(old);
	assert_int_equal(nftw("s", check_mode, 16, FTW_PHYS), 0);
}

/* Tries to leave the folder: whatever the key, files appear only below objects/. */
static void a_key_with_dots_stays_in_the_folder(void **state)
{
	contract_put(store_of(state), "../../../evil", "x", 1, 0);
	contract_put(store_of(state), "..", "y", 1, 0);
	contract_put(store_of(state), ".", "z", 1, 0);
	assert_int_equal(scratch_count("."), 1);
	assert_int_equal(scratch_count("s"), 2);
	assert_int_equal(scratch_count("s/tmp"), 0);
	assert_int_equal(contract_count(store_of(state), ""), 3);
	contract_expect(store_of(state), "../../../evil", "x", 1);
}

static void a_store_is_there_after_it_was_closed(void **state)
{
	struct blob_store *again;
	contract_put(store_of(state), "a/b", "x", 1, 0);
	assert_int_equal(blob_local_open("s", &again, NULL), ERR_OK);
	contract_expect(again, "a/b", "x", 1);
	blob_close(again);
}

static void a_foreign_file_is_no_object(void **state)
{
	contract_put(store_of(state), "a", "x", 1, 0);
	assert_int_equal(mkdir("s/objects/00", 0700) != 0 && errno != EEXIST, 0);
	scratch_write("s/objects/00/README", "x", 1);
	scratch_write("s/objects/00/b,UPPER", "x", 1);
	assert_int_equal(contract_count(store_of(state), ""), 1);
}

static void a_folder_that_cannot_be_had_is_an_error(void **state)
{
	(void)state;
	struct blob_store *store;
	struct err err = { 0 };
	scratch_write("file", "x", 1);
	assert_int_not_equal(blob_local_open("file", &store, &err), ERR_OK);
	assert_non_null(strstr(err.message, "file"));
}

/* A writer that is killed in the middle: nothing is visible, and the clean-up finds what it left. */
static void a_killed_writer_leaves_nothing_visible(void **state)
{
	uint64_t aborted = 0;
	struct err err = { 0 };
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct blob_store *faulty;
		const struct blob_fault_plan plan = { .kill_commit = 1 };
		unsigned char *bytes = contract_bytes(100000, 1);
		if (blob_fault_open(store_of(state), &plan, &faulty, &err) == ERR_OK)
			contract_put(faulty, "a", bytes, 100000, 1000);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(contract_count(store_of(state), ""), 0);
	assert_int_equal(scratch_count("s/tmp"), 1);
	assert_int_equal(blob_abort_unfinished(store_of(state), clock_wall_us() + US_PER_S, &aborted, &err), ERR_OK);
	assert_int_equal(aborted, 1);
	assert_int_equal(scratch_count("s/tmp"), 0);
}

/* Fills the store of `dir` until there is no space: told as such, nothing left, and usable again after a deletion.
 * Runs in a child; its exit status tells what went wrong. */
static int fill_and_recover(const char *dir, size_t small, size_t large)
{
	struct blob_store *store;
	struct blob_put *put;
	struct err err = { 0 };
	unsigned char *bytes = contract_bytes(large, 1);
	char tmp[64];
	(void)snprintf(tmp, sizeof tmp, "%s/tmp", dir);
	if (blob_local_open(dir, &store, &err))
		return 1;
	contract_put(store, "small", bytes, small, 0);
	if (blob_put_begin(store, "large", &put, &err))
		return 2;
	enum err_code code = blob_put_write(put, bytes, large, &err);
	if (code != ERR_NO_SPACE)
		return 3;
	blob_put_abort(put);
	if (scratch_count(tmp) != 0 || contract_count(store, "") != 1)
		return 4;
	contract_expect(store, "small", bytes, small);
	if (blob_delete(store, "small", &err))
		return 5;
	contract_put(store, "again", bytes, small, 0);
	contract_expect(store, "again", bytes, small);
	return 0;
}

static void a_file_over_the_limit_is_no_space(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit limit = { .rlim_cur = 100000, .rlim_max = 100000 };
		(void)signal(SIGXFSZ, SIG_IGN);
		_exit(setrlimit(RLIMIT_FSIZE, &limit) != 0 ? 10 : fill_and_recover("s", 50000, 200000));
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

enum { CANNOT_MOUNT = 77 };

static int fill_a_small_disk(void)
{
	if (unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0 || mkdir("disk", 0700) != 0)
		return CANNOT_MOUNT;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "disk", "tmpfs", 0, "size=1m") != 0)
		return CANNOT_MOUNT;
	return fill_and_recover("disk/s", 300000, 4000000);
}

static void a_full_disk_says_so_and_recovers(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(fill_a_small_disk());
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT_MOUNT) {
		print_message("a small disk cannot be mounted here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
#define LOCAL(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)
	const struct CMUnitTest tests[] = {
		LOCAL(files_are_for_their_owner_only),		LOCAL(a_key_with_dots_stays_in_the_folder),
		LOCAL(a_store_is_there_after_it_was_closed),	LOCAL(a_foreign_file_is_no_object),
		LOCAL(a_folder_that_cannot_be_had_is_an_error), LOCAL(a_killed_writer_leaves_nothing_visible),
		LOCAL(a_file_over_the_limit_is_no_space),	LOCAL(a_full_disk_says_so_and_recovers),
	};
#undef LOCAL
	int failed = contract_run(open_store, close_store);
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
