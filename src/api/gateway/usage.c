/* /api/apps/{app_id}/usage: what an application has used in some days, and what is left of its owner's plan. */
#include "accounts/usage.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "accounts/applications.h"
#include "accounts/plans.h"
#include "api/gateway/gateway.h"
#include "base/clock.h"

enum { OK = 200, DATE_SIZE = sizeof "YYYY-MM-DD", S_PER_DAY = 24 * 60 * 60 };

struct usage_call {
	struct gateway_call base; /* first */
	struct uuid app;
	int64_t first, last; /* days, as in accounts/usage.h */
	struct plan plan;
	struct usage_report report;
};

static struct usage_call *usage_of(struct api_call *call)
{
	return (struct usage_call *)call;
}

/* -- days -------------------------------------------------------------------------------------------- */

static void date_text(int64_t day, char ret[DATE_SIZE])
{
	struct tm tm;
	time_t s = (time_t)(day * S_PER_DAY);
	if (!gmtime_r(&s, &tm) || strftime(ret, DATE_SIZE, "%Y-%m-%d", &tm) == 0)
		ret[0] = '\0';
}

/* A date of the query; without one *ret stays as it is. */
static void read_date(struct api_input *in, const char *name, int64_t *ret)
{
	char again[DATE_SIZE];
	struct tm tm = { .tm_mday = 1 };
	const char *text = http_request_query(in->request, name);
	if (!text)
		return;
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	int64_t day = end ? (int64_t)timegm(&tm) / S_PER_DAY : 0;
	/* What reads otherwise than it was written is a 31st of February, or has blanks in it. */
	date_text(day, again);
	if (end && strcmp(again, text) == 0)
		*ret = day;
	else
		api_input_fail(in, name, "must be a date: YYYY-MM-DD");
}

/* `start` and `end`, both included; this month where they are not given. */
static void read_days(struct api_input *in, struct usage_call *c)
{
	char reason[64];
	usage_month(clock_wall_us(), &c->first, &c->last);
	c->last--;
	read_date(in, "start", &c->first);
	read_date(in, "end", &c->last);
	if (c->last < c->first)
		api_input_fail(in, "end", "is before the start");
	(void)snprintf(reason, sizeof reason, "is more than %d days from the start", USAGE_DAYS_MAX);
	if (c->last - c->first >= USAGE_DAYS_MAX)
		api_input_fail(in, "end", reason);
}

/* -- the answer -------------------------------------------------------------------------------------- */

static void write_period(struct json *j, const struct usage_call *c)
{
	char text[DATE_SIZE];
	json_key(j, "period");
	json_object(j);
	date_text(c->first, text);
	json_key_str(j, "start", text);
	date_text(c->last, text);
	json_key_str(j, "end", text);
	json_object_end(j);
}

/* Of the owner's plan, in this month whatever the period is; null where there is no limit. */
static void write_limit(struct json *j, const struct usage_call *c)
{
	const struct usage_report *report = &c->report;
	json_key_seconds(j, "seconds_reserved", report->reserved.us);
	if (c->plan.monthly_us == PLAN_UNLIMITED) {
		json_key(j, "seconds_limit");
		json_null(j);
		json_key(j, "seconds_remaining");
		json_null(j);
		return;
	}
	int64_t remaining = c->plan.monthly_us - report->month.us - report->reserved.us;
	json_key_seconds(j, "seconds_limit", c->plan.monthly_us);
	json_key_seconds(j, "seconds_remaining", remaining > 0 ? remaining : 0);
}

static int64_t count_jobs(const struct usage_jobs *jobs)
{
	return jobs->succeeded + jobs->failed + jobs->cancelled;
}

static void write_jobs(struct json *j, const struct usage_jobs *jobs)
{
	json_key(j, "jobs");
	json_object(j);
	json_key_int(j, "total", count_jobs(jobs));
	json_key_int(j, "completed", jobs->succeeded);
	json_key_int(j, "failed", jobs->failed);
	json_key_int(j, "cancelled", jobs->cancelled);
	json_object_end(j);
}

static void write_days(struct json *j, const struct usage_report *report)
{
	char text[DATE_SIZE];
	json_key(j, "daily");
	json_array(j);
	for (size_t i = 0; i < report->count; i++) {
		json_object(j);
		date_text(report->days[i].day, text);
		json_key_str(j, "date", text);
		json_key_seconds(j, "seconds", report->days[i].used.us);
		json_key_int(j, "jobs", count_jobs(&report->days[i].jobs));
		json_object_end(j);
	}
	json_array_end(j);
}

static void reply_usage(struct api_call *call)
{
	const struct usage_call *c = usage_of(call);
	cleanup_strbuf struct strbuf body = STRBUF_INIT(GATEWAY_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	write_period(&j, c);
	json_key_seconds(&j, "seconds_used", c->report.used.us);
	write_limit(&j, c);
	write_jobs(&j, &c->report.jobs);
	write_days(&j, &c->report);
	json_object_end(&j);
	api_answer(call->request, OK, &body);
}

/* -- the call ---------------------------------------------------------------------------------------- */

static enum err_code unit_read(struct db_tx *tx, void *call, struct err *err)
{
	struct usage_call *c = call;
	const struct uuid *user = &c->base.call.user;
	const struct usage_query query = { .user = *user, .application = &c->app, .first = c->first, .last = c->last };
	struct application app;
	enum err_code code = application_find(tx, user, &c->app, &app, err);
	if (!code)
		code = plan_of_user(tx, user, &c->plan, err);
	return code ? code : usage_read(tx, &query, c->base.now_us, &c->report, err);
}

static void release(struct api_call *call)
{
	usage_report_done(&usage_of(call)->report);
}

static const struct api_call_kind usage_kind = { .size = sizeof(struct usage_call),
						 .run = gateway_run,
						 .reply = reply_usage,
						 .fail = gateway_fail,
						 .done = release };

static void on_app_usage(struct http_request *request)
{
	struct api_input in;
	struct usage_call *c = gateway_call_new(request, &usage_kind, DB_READ, unit_read);
	if (!c)
		return;
	api_input_init(&in, request);
	api_path_id(&in, "app_id", "application", &c->app);
	read_days(&in, c);
	api_call_start_with(&c->base.call, &in);
}

const struct http_handler gateway_app_usage = { .on_end = on_app_usage };
