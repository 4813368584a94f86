/* Plans and usage, over the back end that the first argument names. */
#include <pthread.h>
#include <stdlib.h>

#include "accounts/plans.h"
#include "accounts/usage.h"

#include "cases.h"

static struct store_place place;

static int open_all(void **state)
{
	struct fixture *f = fixture_open(&place);
	run_sql(f->db, "DELETE FROM plans WHERE name <> 'standard'");
	*state = f;
	return 0;
}

static int close_all(void **state)
{
	fixture_close(*state);
	return 0;
}

/* -- plans --------------------------------------------------------------------------------------------- */

struct plan_call {
	const char *name;
	struct plan plan;
	struct plan_list list;
	struct uuid user;
};

static enum err_code put_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct plan_call *call = arg;
	return plan_put(tx, &call->plan, NOON, err);
}

static enum err_code find_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct plan_call *call = arg;
	return plan_find(tx, call->name, &call->plan, err);
}

static enum err_code list_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct plan_call *call = arg;
	return plan_list(tx, &call->list, err);
}

static enum err_code drop_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct plan_call *call = arg;
	return plan_delete(tx, call->name, err);
}

static enum err_code of_user_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct plan_call *call = arg;
	return plan_of_user(tx, &call->user, &call->plan, err);
}

static struct plan small_plan(int64_t monthly_us)
{
	return (struct plan){ .name = "small",
			      .monthly_us = monthly_us,
			      .monthly_pages = 10,
			      .file_bytes = PLAN_UNLIMITED,
			      .storage_bytes = PLAN_UNLIMITED,
			      .history_days = 7,
			      .concurrency = 2,
			      .weight = 0.25,
			      .priority_max = 3 };
}

/* A user whose month has that much. */
static struct uuid user_with(struct fixture *f, int64_t monthly_us)
{
	struct plan_call put = { .plan = small_plan(monthly_us) };
	struct change_call change = { .id = register_person(f, "ada@example.org").user.id,
				      .change = { .plan = "small" } };
	assert_ok(run_unit(f->db, put_unit, &put, &why));
	assert_ok(run_unit(f->db, change_unit, &change, &why));
	return change.id;
}

static void the_standard_plan_is_what_the_document_says(void **state)
{
	struct fixture *f = *state;
	struct plan_call call = { .name = "standard" };
	assert_ok(run_unit(f->db, find_unit, &call, &why));
	assert_int_equal(call.plan.monthly_us, 100 * 3600 * SECOND);
	assert_int_equal(call.plan.file_bytes, (int64_t)2 << 30);
	assert_int_equal(call.plan.history_days, 90);
	assert_true(call.plan.monthly_pages == PLAN_UNLIMITED && call.plan.concurrency == PLAN_UNLIMITED);
	assert_true(call.plan.weight > 0.999 && call.plan.weight < 1.001);
}

static void a_plan_is_made_changed_listed_and_deleted(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = user_with(f, 60 * SECOND);
	struct plan_call call = { .user = ada, .name = "small" };
	struct err err;
	assert_ok(run_unit(f->db, of_user_unit, &call, &why));
	assert_string_equal(call.plan.name, "small");
	assert_int_equal(call.plan.monthly_us, 60 * SECOND);
	assert_int_equal(call.plan.monthly_pages, 10);
	assert_true(call.plan.file_bytes == PLAN_UNLIMITED);
	assert_int_equal(call.plan.concurrency, 2);
	assert_int_equal(call.plan.priority_max, 3);
	assert_true(call.plan.weight > 0.2499 && call.plan.weight < 0.2501);
	assert_ok(run_unit(f->db, list_unit, &call, &why));
	assert_int_equal(call.list.count, 2);
	assert_string_equal(call.list.rows[0].name, "small");
	plan_list_done(&call.list);
	assert_int_equal(run_unit(f->db, drop_unit, &call, &err), ERR_REFERENCE);
	assert_ok(run_unit(f->db, delete_unit, &ada, &why));
	assert_ok(run_unit(f->db, drop_unit, &call, &why));
	assert_int_equal(run_unit(f->db, drop_unit, &call, &err), ERR_NOT_FOUND);
	assert_int_equal(run_unit(f->db, find_unit, &call, &err), ERR_NOT_FOUND);
}

static void a_plan_that_makes_no_sense_is_refused(void **state)
{
	struct fixture *f = *state;
	struct plan bad[] = { small_plan(1), small_plan(-1), small_plan(1), small_plan(1), small_plan(1) };
	bad[0].name[0] = '\0';
	bad[2].concurrency = 0;
	bad[3].weight = 0;
	bad[4].priority_max = 11;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct plan_call call = { .plan = bad[i] };
		struct err err;
		assert_int_equal(run_unit(f->db, put_unit, &call, &err), ERR_INVALID);
	}
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM plans"), 1);
}

/* -- usage ----------------------------------------------------------------------------------------------- */

struct usage_call {
	struct uuid user;
	struct usage more;
	int64_t now_us;
	struct usage_shortage shortage;
	struct usage_settlement settlement;
	struct usage_query query;
	struct usage_report report;
};

static enum err_code reserve_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct usage_call *call = arg;
	return usage_reserve(tx, &call->user, &call->more, call->now_us, &call->shortage, err);
}

static enum err_code settle_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct usage_call *call = arg;
	return usage_settle(tx, &call->settlement, call->now_us, err);
}

static enum err_code read_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct usage_call *call = arg;
	return usage_read(tx, &call->query, call->now_us, &call->report, err);
}

static enum err_code try_reserve(struct fixture *f, const struct uuid *user, int64_t us, int64_t now_us,
				 struct usage_shortage *ret)
{
	struct usage_call call = { .user = *user, .more = { .us = us }, .now_us = now_us };
	struct err err;
	enum err_code code = run_unit(f->db, reserve_unit, &call, &err);
	*ret = call.shortage;
	return code;
}

static void settle(struct fixture *f, const struct uuid *user, int64_t reserved_us, int64_t used_us,
		   enum usage_outcome outcome, int64_t now_us)
{
	struct usage_call call = { .now_us = now_us,
				   .settlement = { .user = *user,
						   .application = *user,
						   .model = "base",
						   .reserved = { .us = reserved_us },
						   .used = { .us = used_us },
						   .outcome = outcome } };
	assert_ok(run_unit(f->db, settle_unit, &call, &why));
}

static void what_is_reserved_and_used_is_never_more_than_the_plan(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = user_with(f, 100 * SECOND);
	struct usage_shortage shortage;
	assert_int_equal(try_reserve(f, &ada, 60 * SECOND, NOON, &shortage), ERR_OK);
	assert_int_equal(try_reserve(f, &ada, 41 * SECOND, NOON, &shortage), ERR_QUOTA);
	assert_false(shortage.is_pages);
	assert_int_equal(shortage.requested, 41 * SECOND);
	assert_int_equal(shortage.remaining, 40 * SECOND);
	assert_int_equal(shortage.resets_us, 1764547200 * SECOND); /* 2025-12-01 */
	assert_int_equal(try_reserve(f, &ada, 40 * SECOND, NOON, &shortage), ERR_OK);
	settle(f, &ada, 60 * SECOND, 50 * SECOND, USAGE_SUCCEEDED, NOON);
	assert_int_equal(try_reserve(f, &ada, 11 * SECOND, NOON, &shortage), ERR_QUOTA);
	assert_int_equal(shortage.remaining, 10 * SECOND);
	settle(f, &ada, 40 * SECOND, 40 * SECOND, USAGE_FAILED, NOON);
	assert_int_equal(try_reserve(f, &ada, 50 * SECOND, NOON, &shortage), ERR_OK);
	/* A new month begins at nothing but what is reserved. */
	assert_int_equal(try_reserve(f, &ada, 50 * SECOND, NOON + 31 * 86400 * SECOND, &shortage), ERR_OK);
	assert_int_equal(try_reserve(f, &ada, 1, NOON + 31 * 86400 * SECOND, &shortage), ERR_QUOTA);
}

static void pages_are_limited_apart_and_a_refusal_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = user_with(f, 100 * SECOND);
	struct usage_call call = { .user = ada, .more = { .pages = 11 }, .now_us = NOON };
	struct err err;
	assert_int_equal(run_unit(f->db, reserve_unit, &call, &err), ERR_QUOTA);
	assert_true(call.shortage.is_pages);
	assert_int_equal(call.shortage.remaining, 10);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM user_totals"), 0);
}

/* Two nodes whose clocks differ at the turn of a month. */
static void the_months_sum_survives_clocks_that_differ(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = user_with(f, 100 * SECOND);
	const int64_t december = 1764547200 * SECOND, november = december - SECOND;
	struct usage_shortage shortage;
	settle(f, &ada, 0, 30 * SECOND, USAGE_SUCCEEDED, november);
	settle(f, &ada, 0, 40 * SECOND, USAGE_SUCCEEDED, december);
	settle(f, &ada, 0, 5 * SECOND, USAGE_SUCCEEDED, november);
	settle(f, &ada, 0, 7 * SECOND, USAGE_SUCCEEDED, december);
	assert_int_equal(get_number(f->db, "SELECT month_us FROM user_totals"), 47 * SECOND);
	assert_int_equal(try_reserve(f, &ada, 66 * SECOND, november, &shortage), ERR_QUOTA);
	assert_int_equal(shortage.remaining, 65 * SECOND);
	assert_int_equal(try_reserve(f, &ada, 53 * SECOND, december, &shortage), ERR_OK);
}

static void usage_is_reported_by_day_and_application(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = user_with(f, 1000 * SECOND);
	const int64_t day_us = 86400 * SECOND;
	settle(f, &ada, 0, 5 * SECOND, USAGE_SUCCEEDED, NOON);
	settle(f, &ada, 0, 7 * SECOND, USAGE_SUCCEEDED, NOON);
	settle(f, &ada, 0, 9 * SECOND, USAGE_CANCELLED, NOON + day_us);
	struct usage_call call = { .now_us = NOON + day_us, .query = { .user = ada } };
	call.query.first = usage_day(NOON);
	call.query.last = usage_day(NOON + day_us);
	assert_ok(run_unit(f->db, read_unit, &call, &why));
	assert_int_equal(call.report.count, 2);
	assert_int_equal(call.report.days[0].used.us, 12 * SECOND);
	assert_int_equal(call.report.days[1].used.us, 0);
	assert_int_equal(call.report.days[1].jobs.cancelled, 1);
	assert_int_equal(call.report.used.us, 12 * SECOND);
	assert_int_equal(call.report.jobs.succeeded, 2);
	assert_int_equal(call.report.month.us, 12 * SECOND);
	struct uuid other = { { 1 } };
	call.query.application = &other;
	assert_ok(run_unit(f->db, read_unit, &call, &why));
	assert_int_equal(call.report.count, 0);
	call.query.application = &ada;
	assert_ok(run_unit(f->db, read_unit, &call, &why));
	assert_int_equal(call.report.count, 2);
	usage_report_done(&call.report);
	/* The default application came with its first charge. */
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM applications WHERE id = owner_id"), 1);
}

static void months_and_days_are_the_calendars(void **state)
{
	int64_t first, next;
	(void)state;
	usage_month(NOON, &first, &next);
	assert_int_equal(first * 86400, 1761955200); /* 2025-11-01 */
	assert_int_equal(next * 86400, 1764547200); /* 2025-12-01 */
	usage_month(1767225600 * SECOND - 1, &first, &next); /* the last of 2025 */
	assert_int_equal(next * 86400, 1767225600);
	assert_int_equal(usage_day(-1), -1);
	assert_int_equal(usage_day(0), 0);
}

/* -- property: the sum of the parts is the whole ------------------------------------------------------------ */

enum { THREADS = 4, STEPS = 60, OPEN_MAX = 8 };
#define LIMIT (50 * SECOND)

struct client {
	struct fixture *f;
	struct uuid user;
	unsigned seed;
	int64_t open[OPEN_MAX]; /* reserved by jobs under way */
	int open_count;
	int64_t used_us;
	int64_t jobs;
	pthread_t thread;
};

/* A unit that dies after its work, as in a crash before the commit. */
static enum err_code doomed_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct usage_call *call = arg;
	if (call->settlement.model ? usage_settle(tx, &call->settlement, NOON, err) != ERR_OK
				   : usage_reserve(tx, &call->user, &call->more, NOON, &call->shortage, err) != ERR_OK)
		return err->code;
	return err_set(err, ERR_CANCELLED, "killed");
}

static void step(struct client *c)
{
	struct usage_call call = { .user = c->user, .now_us = NOON };
	struct err err;
	bool is_doomed = rand_r(&c->seed) % 4 == 0;
	if (c->open_count < OPEN_MAX && rand_r(&c->seed) % 2 == 0) {
		call.more.us = 1 + rand_r(&c->seed) % (int)(10 * SECOND);
		if (run_unit(c->f->db, is_doomed ? doomed_unit : reserve_unit, &call, &err) == ERR_OK)
			c->open[c->open_count++] = call.more.us;
	} else if (c->open_count > 0) {
		int64_t reserved = c->open[c->open_count - 1];
		int64_t used = (int64_t)(rand_r(&c->seed) % 1000) * reserved / 1000;
		enum usage_outcome outcome = (enum usage_outcome)(rand_r(&c->seed) % 3);
		call.settlement = (struct usage_settlement){ .user = c->user,
							     .application = c->user,
							     .model = outcome == USAGE_FAILED ? "base" : "small",
							     .reserved = { .us = reserved },
							     .used = { .us = used },
							     .outcome = outcome };
		if (run_unit(c->f->db, is_doomed ? doomed_unit : settle_unit, &call, &err) != ERR_OK)
			return;
		c->open_count--;
		c->jobs++;
		if (outcome == USAGE_SUCCEEDED)
			c->used_us += used;
	}
}

static void *run_client(void *arg)
{
	struct client *c = arg;
	for (int i = 0; i < STEPS; i++)
		step(c);
	return NULL;
}

static void the_sum_of_the_parts_is_the_whole_under_parallel_load_and_crashes(void **state)
{
	struct fixture *f = *state;
	struct uuid ada = user_with(f, LIMIT);
	struct client clients[THREADS];
	int64_t used = 0, reserved = 0, jobs = 0;
	for (int i = 0; i < THREADS; i++) {
		clients[i] = (struct client){ .f = f, .user = ada, .seed = (unsigned)i + 1 };
		assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
		used += clients[i].used_us;
		jobs += clients[i].jobs;
		for (int j = 0; j < clients[i].open_count; j++)
			reserved += clients[i].open[j];
	}
	assert_true(jobs > THREADS);
	assert_int_equal(get_number(f->db, "SELECT month_us FROM user_totals"), used);
	assert_int_equal(get_number(f->db, "SELECT reserved_us FROM user_totals"), reserved);
	assert_int_equal(get_number(f->db, "SELECT CAST(sum(used_us) AS bigint) FROM usage_days"), used);
	assert_int_equal(get_number(f->db, "SELECT CAST(sum(jobs_succeeded + jobs_failed + jobs_cancelled) AS bigint) "
					   "FROM usage_days"),
			 jobs);
	assert_true(used + reserved <= LIMIT);
}

/* A thousand requests at once against a plan that has room for ten. */
struct crowd {
	struct fixture *f;
	struct uuid user;
	int requests, granted;
	pthread_t thread;
};

static void *run_crowd(void *arg)
{
	struct crowd *c = arg;
	struct usage_shortage shortage;
	for (int i = 0; i < c->requests; i++)
		c->granted += try_reserve(c->f, &c->user, 5 * SECOND, NOON, &shortage) == ERR_OK;
	return NULL;
}

static void a_thousand_at_once_never_overshoot(void **state)
{
	enum { CROWDS = 20, EACH = 50 };
	struct fixture *f = *state;
	struct uuid ada = user_with(f, LIMIT);
	struct crowd crowds[CROWDS];
	int granted = 0;
	for (int i = 0; i < CROWDS; i++) {
		crowds[i] = (struct crowd){ .f = f, .user = ada, .requests = EACH };
		assert_int_equal(pthread_create(&crowds[i].thread, NULL, run_crowd, &crowds[i]), 0);
	}
	for (int i = 0; i < CROWDS; i++) {
		assert_int_equal(pthread_join(crowds[i].thread, NULL), 0);
		granted += crowds[i].granted;
	}
	assert_int_equal(granted, 10);
	assert_int_equal(get_number(f->db, "SELECT reserved_us FROM user_totals"), LIMIT);
}

#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

CONTRACT_MAIN(WITH_ALL(the_standard_plan_is_what_the_document_says),
	      WITH_ALL(a_plan_is_made_changed_listed_and_deleted), WITH_ALL(a_plan_that_makes_no_sense_is_refused),
	      WITH_ALL(what_is_reserved_and_used_is_never_more_than_the_plan),
	      WITH_ALL(pages_are_limited_apart_and_a_refusal_changes_nothing),
	      WITH_ALL(the_months_sum_survives_clocks_that_differ), WITH_ALL(usage_is_reported_by_day_and_application),
	      cmocka_unit_test(months_and_days_are_the_calendars),
	      WITH_ALL(the_sum_of_the_parts_is_the_whole_under_parallel_load_and_crashes),
	      WITH_ALL(a_thousand_at_once_never_overshoot))
