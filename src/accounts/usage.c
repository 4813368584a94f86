#include "accounts/usage.h"

#include <stdlib.h>
#include <time.h>

#include "accounts/plans.h"
#include "accounts/users_priv.h"
#include "base/clock.h"

/*
 * The user's row, made by the first use, is locked by being changed: another unit of the same user waits here. Where
 * the month is another than the row's its days are summed: it has just begun, or the clocks of two nodes differ at its
 * turn. $4 is the month, $5 and $6 its first day and the day after its last.
 */
#define MONTH_SUM(column, of_days)                                                                                     \
	column " = CASE WHEN month = $4 THEN " column " ELSE (SELECT CAST(coalesce(sum(" of_days "), 0) AS bigint) "   \
	       "FROM usage_days WHERE user_id = $1 AND day >= $5 AND day < $6) END"
static const struct db_stmt make_totals = {
	.sql = "INSERT INTO user_totals (user_id) VALUES ($1) ON CONFLICT (user_id) DO NOTHING", .params = "b"
};
static const struct db_stmt add_reserved = {
	.sql = "UPDATE user_totals SET reserved_us = reserved_us + $2, reserved_pages = reserved_pages + "
	       "$3, " MONTH_SUM("month_us", "used_us") ", " MONTH_SUM(
		       "month_pages",
		       "used_pages") ", month = $4 "
				     "WHERE user_id = $1 RETURNING month_us, month_pages, reserved_us, reserved_pages",
	.params = "biiiii"
};
static const struct db_stmt settle_totals = {
	.sql = "UPDATE user_totals SET reserved_us = reserved_us - $2, reserved_pages = reserved_pages - "
	       "$3, " MONTH_SUM("month_us", "used_us") " + $7, " MONTH_SUM("month_pages",
									   "used_pages") " + $8, month = $4 "
											 "WHERE user_id = $1",
	.params = "biiiiiii"
};
static const struct db_stmt add_day = {
	.sql = "INSERT INTO usage_days (user_id, day, application_id, model, used_us, used_pages, jobs_succeeded, "
	       "jobs_failed, jobs_cancelled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
	       "ON CONFLICT (user_id, day, application_id, model) DO UPDATE SET "
	       "used_us = usage_days.used_us + excluded.used_us, "
	       "used_pages = usage_days.used_pages + excluded.used_pages, "
	       "jobs_succeeded = usage_days.jobs_succeeded + excluded.jobs_succeeded, "
	       "jobs_failed = usage_days.jobs_failed + excluded.jobs_failed, "
	       "jobs_cancelled = usage_days.jobs_cancelled + excluded.jobs_cancelled",
	.params = "bibtiiiii"
};
static const struct db_stmt make_application = { .sql = "INSERT INTO applications (id, owner_id, name, created_at, "
							"updated_at) VALUES ($1, $1, 'default', $2, $2) "
							"ON CONFLICT (id) DO NOTHING",
						 .params = "bi" };
static const struct db_stmt read_days = {
	.sql = "SELECT day, CAST(sum(used_us) AS bigint), CAST(sum(used_pages) AS bigint), "
	       "CAST(sum(jobs_succeeded) AS bigint), CAST(sum(jobs_failed) AS bigint), "
	       "CAST(sum(jobs_cancelled) AS bigint) FROM usage_days WHERE user_id = $1 AND day BETWEEN $2 AND $3 "
	       "AND application_id = coalesce($4, application_id) GROUP BY day ORDER BY day",
	.params = "biib"
};
static const struct db_stmt read_totals = {
	.sql = "SELECT month, month_us, month_pages, reserved_us, reserved_pages FROM user_totals WHERE user_id = $1",
	.params = "b"
};

/* -- the calendar ------------------------------------------------------------------------------------ */

int64_t usage_day(int64_t us)
{
	return us / US_PER_DAY - (us % US_PER_DAY < 0);
}

static struct tm calendar(int64_t us)
{
	time_t seconds = (time_t)(us / US_PER_S);
	struct tm tm;
	(void)gmtime_r(&seconds, &tm);
	return tm;
}

/* Counted from January 1970. */
static int64_t month_of(int64_t us)
{
	enum { MONTHS = 12, EPOCH_YEAR = 70 };
	struct tm tm = calendar(us);
	return (int64_t)(tm.tm_year - EPOCH_YEAR) * MONTHS + tm.tm_mon;
}

static int64_t first_day(struct tm tm, int months_later)
{
	struct tm first = { .tm_year = tm.tm_year, .tm_mon = tm.tm_mon + months_later, .tm_mday = 1 };
	return usage_day((int64_t)timegm(&first) * US_PER_S);
}

void usage_month(int64_t us, int64_t *ret_first, int64_t *ret_next)
{
	struct tm tm = calendar(us);
	*ret_first = first_day(tm, 0);
	*ret_next = first_day(tm, 1);
}

/* -- reserving ----------------------------------------------------------------------------------------- */

/* True where it fits; `with` is what is used and reserved with the request in it. */
static bool fits(int64_t limit, int64_t with, int64_t requested, bool is_pages, struct usage_shortage *ret)
{
	if (limit == PLAN_UNLIMITED || requested == 0 || with <= limit)
		return true;
	int64_t remaining = limit - (with - requested);
	*ret = (struct usage_shortage){ .is_pages = is_pages,
					.requested = requested,
					.remaining = remaining > 0 ? remaining : 0 };
	return false;
}

enum err_code usage_reserve(struct db_tx *tx, const struct uuid *user, const struct usage *more, int64_t now_us,
			    struct usage_shortage *ret_shortage, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct plan plan;
	int64_t first, next;
	usage_month(now_us, &first, &next);
	struct db_value params[] = { db_id(user),   db_int(more->us), db_int(more->pages), db_int(month_of(now_us)),
				     db_int(first), db_int(next) };
	if (plan_of_user(tx, user, &plan, err) != ERR_OK || db_post(tx, &make_totals, params, err) != ERR_OK ||
	    db_query(tx, &add_reserved, params, &rows, err) != ERR_OK)
		return err->code;
	int64_t with_us = db_get_int(&rows, 0, 0) + db_get_int(&rows, 0, 2);
	int64_t with_pages = db_get_int(&rows, 0, 1) + db_get_int(&rows, 0, 3);
	if (fits(plan.monthly_us, with_us, more->us, false, ret_shortage) &&
	    fits(plan.monthly_pages, with_pages, more->pages, true, ret_shortage))
		return ERR_OK;
	ret_shortage->resets_us = next * US_PER_DAY;
	return err_set(err, ERR_QUOTA, "the plan's %s of this month are used up or reserved",
		       ret_shortage->is_pages ? "pages" : "hours");
}

/* -- settling ------------------------------------------------------------------------------------------ */

enum err_code usage_settle(struct db_tx *tx, const struct usage_settlement *s, int64_t now_us, struct err *err)
{
	struct usage used = s->outcome == USAGE_SUCCEEDED ? s->used : (struct usage){ 0 };
	struct db_value user = db_id(&s->user);
	struct db_value application[] = { user, db_int(now_us) };
	int64_t first, next;
	usage_month(now_us, &first, &next);
	struct db_value totals[] = {
		user,	       db_int(s->reserved.us), db_int(s->reserved.pages), db_int(month_of(now_us)),
		db_int(first), db_int(next),	       db_int(used.us),		  db_int(used.pages)
	};
	struct db_value day[] = { user,
				  db_int(usage_day(now_us)),
				  db_id(&s->application),
				  db_text(s->model),
				  db_int(used.us),
				  db_int(used.pages),
				  db_int(s->outcome == USAGE_SUCCEEDED),
				  db_int(s->outcome == USAGE_FAILED),
				  db_int(s->outcome == USAGE_CANCELLED) };
	/* The totals first: their lock is the one that all units of a user take first. */
	if (db_post(tx, &make_totals, totals, err) != ERR_OK || db_post(tx, &settle_totals, totals, err) != ERR_OK)
		return err->code;
	if (memcmp(&s->application, &s->user, sizeof s->user) == 0 &&
	    db_post(tx, &make_application, application, err) != ERR_OK)
		return err->code;
	return db_post(tx, &add_day, day, err);
}

/* -- looking ------------------------------------------------------------------------------------------- */

static struct usage_day read_day(const struct db_rows *rows, size_t row)
{
	return (struct usage_day){
		.day = db_get_int(rows, row, 0),
		.used = { .us = db_get_int(rows, row, 1), .pages = db_get_int(rows, row, 2) },
		.jobs = { .succeeded = db_get_int(rows, row, 3),
			  .failed = db_get_int(rows, row, 4),
			  .cancelled = db_get_int(rows, row, 5) },
	};
}

static void add_to_sums(struct usage_report *report, const struct usage_day *day)
{
	report->used.us += day->used.us;
	report->used.pages += day->used.pages;
	report->jobs.succeeded += day->jobs.succeeded;
	report->jobs.failed += day->jobs.failed;
	report->jobs.cancelled += day->jobs.cancelled;
}

static enum err_code read_now(struct db_tx *tx, const struct uuid *user, int64_t now_us, struct usage_report *ret,
			      struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(user) };
	enum err_code code = db_query(tx, &read_totals, params, &rows, err);
	if (code || rows.count == 0)
		return code;
	if (db_get_int(&rows, 0, 0) == month_of(now_us))
		ret->month = (struct usage){ db_get_int(&rows, 0, 1), db_get_int(&rows, 0, 2) };
	ret->reserved = (struct usage){ db_get_int(&rows, 0, 3), db_get_int(&rows, 0, 4) };
	return ERR_OK;
}

enum err_code usage_read(struct db_tx *tx, const struct usage_query *query, int64_t now_us, struct usage_report *ret,
			 struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct usage_report report = { .days = NULL };
	struct db_value params[] = { db_id(&query->user), db_int(query->first), db_int(query->last),
				     query->application ? db_id(query->application) : db_null() };
	if (query->first > query->last || query->last - query->first >= USAGE_DAYS_MAX)
		return err_set(err, ERR_INVALID, "usage is read for 1 to %d days", USAGE_DAYS_MAX);
	if (db_query(tx, &read_days, params, &rows, err) != ERR_OK ||
	    read_now(tx, &query->user, now_us, &report, err) != ERR_OK)
		return err->code;
	report.days = calloc(rows.count + 1, sizeof *report.days);
	if (!report.days)
		return err_set(err, ERR_NO_MEMORY, "no memory for a report of usage");
	report.count = rows.count;
	for (size_t i = 0; i < rows.count; i++) {
		report.days[i] = read_day(&rows, i);
		add_to_sums(&report, &report.days[i]);
	}
	usage_report_done(ret); /* of an earlier run of the unit */
	*ret = report;
	return ERR_OK;
}

void usage_report_done(struct usage_report *report)
{
	free(report->days);
	*report = (struct usage_report){ .days = NULL };
}
