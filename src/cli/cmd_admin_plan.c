/* tiro admin plan: what users may have. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/plans.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cmd_admin.h"
#include "cli/say.h"

enum { JSON_PLAN_MAX = 4096 };

/* How a limit is written: its option, its place in both structs, and how many of the plan's units one is. */
struct limit {
	const char *name, *heading;
	size_t option, field;
	int64_t unit;
};

static const struct limit limits[] = {
#define LIMIT(option, field, name, heading, unit)                                                                      \
	{                                                                                                              \
		name, heading, offsetof(struct admin_options, option), offsetof(struct plan, field), unit              \
	}
	LIMIT(monthly_seconds, monthly_us, "monthly_seconds", "SECONDS", US_PER_S),
	LIMIT(monthly_pages, monthly_pages, "monthly_pages", "PAGES", 1),
	LIMIT(max_file_bytes, file_bytes, "max_file_bytes", "FILE", 1),
	LIMIT(storage_bytes, storage_bytes, "storage_bytes", "STORAGE", 1),
	LIMIT(history_days, history_days, "history_days", "DAYS", 1),
	LIMIT(concurrency, concurrency, "concurrency", "JOBS", 1),
#undef LIMIT
};

static const char *option_of(const struct admin_options *o, const struct limit *limit)
{
	return *(const char *const *)(const void *)((const char *)o + limit->option);
}

static int64_t *field_of(struct plan *plan, const struct limit *limit)
{
	return (int64_t *)(void *)((char *)plan + limit->field);
}

/* -- showing ------------------------------------------------------------------------------------------- */

static void print_json(struct plan *plan)
{
	cleanup_strbuf struct strbuf line = STRBUF_INIT(JSON_PLAN_MAX);
	struct json j = JSON_INIT(&line);
	json_object(&j);
	json_key_str(&j, "name", plan->name);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		int64_t value = *field_of(plan, &limits[i]);
		json_key(&j, limits[i].name);
		if (value == PLAN_UNLIMITED)
			json_null(&j);
		else
			json_int(&j, value / limits[i].unit);
	}
	json_key_real(&j, "weight", plan->weight, 3);
	json_key_int(&j, "max_priority", plan->priority_max);
	json_object_end(&j);
	(void)printf("%s\n", strbuf_str(&line));
}

static void print_row(struct plan *plan)
{
	cleanup_strbuf struct strbuf name = STRBUF_INIT(JSON_PLAN_MAX);
	say_plain(&name, plan->name);
	(void)printf("%-16s", strbuf_str(&name));
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		int64_t value = *field_of(plan, &limits[i]);
		if (value == PLAN_UNLIMITED)
			(void)printf("  %14s", "unlimited");
		else
			(void)printf("  %14lld", (long long)(value / limits[i].unit));
	}
	(void)printf("  %8.3f  %8d\n", plan->weight, plan->priority_max);
}

static enum err_code list_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return plan_list(tx, arg, err);
}

static enum err_code run_list(struct admin *admin, struct err *err)
{
	cleanup_plan_list struct plan_list list = { .rows = NULL };
	if (admin_run_unit(admin, DB_READ, list_unit, &list, err) != ERR_OK)
		return err->code;
	if (!admin->options->json) {
		(void)printf("%-16s", "PLAN");
		for (size_t i = 0; i < ARRAY_LEN(limits); i++)
			(void)printf("  %14s", limits[i].heading);
		(void)printf("  %8s  %8s\n", "WEIGHT", "PRIORITY");
	}
	for (size_t i = 0; i < list.count; i++) {
		if (admin->options->json)
			print_json(&list.rows[i]);
		else
			print_row(&list.rows[i]);
	}
	return ERR_OK;
}

/* -- changing ------------------------------------------------------------------------------------------ */

static enum err_code parse_limit(const char *text, const struct limit *limit, int64_t *ret, struct err *err)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (strcmp(text, "unlimited") == 0) {
		*ret = PLAN_UNLIMITED;
		return ERR_OK;
	}
	if (*text == '\0' || *end != '\0' || errno != 0 || value < 0 || value > (PLAN_UNLIMITED - 1) / limit->unit)
		return err_set(err, ERR_USAGE, "\"%s\": %s is a whole number, or \"unlimited\"", text, limit->name);
	*ret = value * limit->unit;
	return ERR_OK;
}

static enum err_code parse_number(const char *text, const char *name, double *ret, struct err *err)
{
	char *end;
	*ret = strtod(text, &end);
	if (*text == '\0' || *end != '\0' || !isfinite(*ret))
		return err_set(err, ERR_USAGE, "\"%s\": %s is a number", text, name);
	return ERR_OK;
}

/* What the options say, over what the plan has; plan_put checks the rest. */
static enum err_code apply(const struct admin_options *o, struct plan *plan, struct err *err)
{
	double priority = plan->priority_max;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const char *text = option_of(o, &limits[i]);
		if (text && parse_limit(text, &limits[i], field_of(plan, &limits[i]), err) != ERR_OK)
			return err->code;
	}
	if (o->weight && parse_number(o->weight, "weight", &plan->weight, err) != ERR_OK)
		return err->code;
	if (o->max_priority && parse_number(o->max_priority, "max_priority", &priority, err) != ERR_OK)
		return err->code;
	if (fabs(priority) > PLAN_PRIORITY_MAX || priority != floor(priority))
		return err_set(err, ERR_USAGE, "max_priority is a whole number from -%d to %d", PLAN_PRIORITY_MAX,
			       PLAN_PRIORITY_MAX);
	plan->priority_max = (int)priority;
	return ERR_OK;
}

struct set_call {
	const struct admin_options *options;
	bool is_new;
};

static enum err_code set_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct set_call *call = arg;
	const char *name = call->options->words[0];
	struct plan plan = { .weight = 1, .priority_max = PLAN_PRIORITY_MAX };
	enum err_code code = plan_find(tx, name, &plan, err);
	call->is_new = code == ERR_NOT_FOUND;
	if (call->is_new) {
		(void)snprintf(plan.name, sizeof plan.name, "%s", name);
		for (size_t i = 0; i < ARRAY_LEN(limits); i++)
			*field_of(&plan, &limits[i]) = PLAN_UNLIMITED;
		code = ERR_OK;
	}
	if (!code)
		code = apply(call->options, &plan, err);
	return code ? code : plan_put(tx, &plan, clock_wall_us(), err);
}

static enum err_code run_set(struct admin *admin, struct err *err)
{
	struct set_call call = { .options = admin->options };
	const char *name = admin->options->words[0];
	if (strlen(name) > PLAN_NAME_MAX)
		return err_set(err, ERR_USAGE, "the name of a plan has at most %d bytes", PLAN_NAME_MAX);
	enum err_code code = admin_run_unit(admin, DB_WRITE, set_unit, &call, err);
	if (!code)
		(void)printf("%s: %s\n", name, call.is_new ? "added; what was not given is unlimited" : "changed");
	return code;
}

static enum err_code delete_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return plan_delete(tx, arg, err);
}

static enum err_code run_delete(struct admin *admin, struct err *err)
{
	enum err_code code = admin_run_unit(admin, DB_WRITE, delete_unit, admin->options->words[0], err);
	if (!code)
		(void)printf("%s: deleted\n", admin->options->words[0]);
	return code;
}

static const struct admin_verb verbs[] = {
	{ "plan", "list", "", 0, "json ", "Lists the plans", 0, run_list },
	{ "plan", "set", "PLAN", 1,
	  "monthly-seconds monthly-pages max-file-bytes storage-bytes history-days concurrency weight max-priority ",
	  "Changes a plan, or adds one", 0, run_set },
	{ "plan", "delete", "PLAN", 1, "", "Deletes a plan", 0, run_delete },
};
const struct admin_verbs admin_plan = { verbs, ARRAY_LEN(verbs) };
