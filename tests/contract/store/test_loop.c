/* The contract of store/db.h on a loop: outcomes, notices; and faults that are made. Over the back end that the first
 * argument names. */
#include <pthread.h>

#include "items.h"
#include "store/fault.h"

enum { SUBMITTED = 500 };

struct submission {
	struct fixture *f;
	pthread_t loop_thread;
	int64_t id;
	int *left;
	int *conflicts;
};

/* Every tenth takes a key that is there already. */
static enum err_code submitted_unit(struct db_tx *tx, void *arg, struct err *err)
{
	const struct submission *s = arg;
	assert_false(pthread_equal(pthread_self(), s->loop_thread));
	return insert_item(tx, s->id % 10 == 9 ? -1 : s->id, NULL, err);
}

static void on_done(void *arg, enum err_code code, const struct err *err)
{
	const struct submission *s = arg;
	assert_true(pthread_equal(pthread_self(), s->loop_thread));
	assert_int_equal(code, s->id % 10 == 9 ? ERR_CONFLICT : ERR_OK);
	assert_int_equal(err->code, code);
	*s->conflicts += code == ERR_CONFLICT;
	(*s->left)--;
}

static void units_run_beside_the_loop_and_one_that_fails_harms_no_neighbour(void **state)
{
	struct fixture *f = *state;
	run_sql(f->db, "INSERT INTO item (id) VALUES (-1)");
	int left = SUBMITTED;
	int conflicts = 0;
	static struct submission submissions[SUBMITTED];
	for (int i = 0; i < SUBMITTED; i++) {
		submissions[i] = (struct submission){ f, pthread_self(), i, &left, &conflicts };
		struct db_work work = { .mode = i % 2 ? DB_WRITE : DB_WRITE_RELAXED,
					.run = submitted_unit,
					.done = on_done,
					.arg = &submissions[i] };
		assert_ok(db_submit(f->db, &work, &why));
	}
	/* The loop ends by itself when nothing is under way. */
	assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(left, 0);
	assert_int_equal(conflicts, SUBMITTED / 10);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 1 + SUBMITTED - SUBMITTED / 10);
}

struct hearing {
	int missed;
	int count;
	char text[64];
};

static void on_notice(void *arg, const char *text)
{
	struct hearing *h = arg;
	if (!text) {
		h->missed++;
		return;
	}
	h->count++;
	(void)snprintf(h->text, sizeof h->text, "%s", text);
}

static enum err_code notifying_unit(struct db_tx *tx, void *arg, struct err *err)
{
	enum err_code code = db_notify(tx, "news", arg, err);
	if (code == ERR_OK && strcmp(arg, "false news") == 0)
		return err_set(err, ERR_CANCELLED, "not so");
	return code;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* A database that has nothing under way does not keep a loop alive: a timer does. */
static void run_loop_until(struct fixture *f, const int *count, int wanted)
{
	uv_timer_t timer;
	assert_int_equal(uv_timer_init(&f->loop, &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_tick, 1, 1), 0);
	int64_t end = clock_monotonic_us() + 10 * US_PER_S;
	while (*count < wanted && clock_monotonic_us() < end)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_true(*count >= wanted);
}

static void a_notice_arrives_after_the_commit_and_only_then(void **state)
{
	struct fixture *f = *state;
	struct hearing heard = { 0 };
	struct hearing other = { 0 };
	struct db_listener *listener;
	struct db_listener *other_listener;
	assert_ok(db_listen(f->db, "news", on_notice, &heard, &listener, &why));
	assert_ok(db_listen(f->db, "other", on_notice, &other, &other_listener, &why));
	/* On PostgreSQL the first word is that listening has begun. */
	if (f->place->kind == DB_POSTGRES)
		run_loop_until(f, &heard.missed, 1);
	struct err err;
	char false_news[] = "false news";
	char news[] = "it's 5 o'clock";
	assert_int_equal(run_unit(f->db, notifying_unit, false_news, &err), ERR_CANCELLED);
	assert_int_equal(run_unit(f->db, notifying_unit, news, &err), ERR_OK);
	run_loop_until(f, &heard.count, 1);
	assert_int_equal(heard.count, 1);
	assert_int_equal(other.count, 0);
	assert_string_equal(heard.text, news);
	db_unlisten(listener);
	db_unlisten(other_listener);
}

/* -- injected faults ---------------------------------------------------------------------------------- */

static void injected_faults_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_ok(fault_open(f->db, &f->db, &why));
	fault_arm(f->db, FAULT_STATEMENT, 2, ERR_NO_SPACE);
	assert_int_equal(run_unit(f->db, unit_with_conflict, NULL, &err), ERR_NO_SPACE);
	fault_arm(f->db, FAULT_BEFORE_COMMIT, 1, ERR_OK);
	assert_int_equal(run_unit(f->db, writing_unit, NULL, &err), ERR_NETWORK);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 0);
	fault_arm(f->db, FAULT_AFTER_COMMIT, 1, ERR_OK);
	assert_int_equal(run_unit(f->db, writing_unit, NULL, &err), ERR_OUTCOME_UNKNOWN);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 1);
	assert_int_equal(run_unit(f->db, writing_unit, NULL, &err), ERR_CONFLICT);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_DB(units_run_beside_the_loop_and_one_that_fails_harms_no_neighbour),
		WITH_DB(a_notice_arrives_after_the_commit_and_only_then),
		WITH_DB(injected_faults_are_told_apart),
	};
	return RUN_OVER_BACKEND(tests);
}
