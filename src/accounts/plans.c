#include "accounts/plans.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

/* Weights in the database are integers: this is 1. */
#define WEIGHT_ONE 1000000.0
#define WEIGHT_MIN 0.001
#define WEIGHT_MAX 1000.0

#define X(field, about) "p." #field ", "
#define COLUMNS "p.name, " PLAN_LIMIT_TABLE(X) "p.weight, p.priority_max"

static const struct db_stmt of_user = { .sql = "SELECT " COLUMNS
					       " FROM users u JOIN plans p ON p.name = u.plan WHERE u.id = $1",
					.params = "b" };
static const struct db_stmt by_name = { .sql = "SELECT " COLUMNS " FROM plans p WHERE p.name = $1", .params = "t" };
static const struct db_stmt all = { .sql = "SELECT " COLUMNS " FROM plans p ORDER BY p.name LIMIT $1", .params = "i" };
static const struct db_stmt put = {
#define NAME(field, about) #field ", "
#define SET(field, about) #field " = excluded." #field ", "
	.sql = "INSERT INTO plans (name, " PLAN_LIMIT_TABLE(
		NAME) "weight, priority_max, updated_at) "
		      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (name) DO UPDATE "
		      "SET " PLAN_LIMIT_TABLE(SET) "weight = excluded.weight, priority_max = excluded.priority_max, "
						   "updated_at = excluded.updated_at",
	.params = "tiiiiiiiii"
};
static const struct db_stmt drop = { .sql = "DELETE FROM plans WHERE name = $1", .params = "t" };

#undef X
/* The limits in the order of the statements' columns. */
static const struct {
	size_t offset;
	const char *about;
} limits[] = {
#define X(field, about) { offsetof(struct plan, field), about },
	PLAN_LIMIT_TABLE(X)
#undef X
};

static int64_t *limit_of(struct plan *plan, size_t index)
{
	return (int64_t *)(void *)((char *)plan + limits[index].offset);
}

static void read_row(const struct db_rows *rows, size_t row, struct plan *ret)
{
	size_t column = 1;
	(void)snprintf(ret->name, sizeof ret->name, "%s", db_get_text(rows, row, 0));
	for (size_t i = 0; i < ARRAY_LEN(limits); i++, column++)
		*limit_of(ret, i) = db_is_null(rows, row, column) ? PLAN_UNLIMITED : db_get_int(rows, row, column);
	ret->weight = (double)db_get_int(rows, row, column) / WEIGHT_ONE;
	ret->priority_max = (int)db_get_int(rows, row, column + 1);
}

enum err_code plan_of_user(struct db_tx *tx, const struct uuid *user, struct plan *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(user) };
	if (db_query(tx, &of_user, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_REFERENCE, "there is no such user");
	read_row(&rows, 0, ret);
	return ERR_OK;
}

static enum err_code not_found(const char *name, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "there is no plan \"%s\"", name);
}

enum err_code plan_find(struct db_tx *tx, const char *name, struct plan *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_text(name) };
	if (db_query(tx, &by_name, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return not_found(name, err);
	read_row(&rows, 0, ret);
	return ERR_OK;
}

enum err_code plan_list(struct db_tx *tx, struct plan_list *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(PLANS_MAX) };
	if (db_query(tx, &all, params, &rows, err) != ERR_OK)
		return err->code;
	struct plan *found = calloc(rows.count + 1, sizeof *found);
	if (!found)
		return err_set(err, ERR_NO_MEMORY, "no memory for a list of plans");
	for (size_t i = 0; i < rows.count; i++)
		read_row(&rows, i, &found[i]);
	free(ret->rows); /* of an earlier run of the unit */
	*ret = (struct plan_list){ .rows = found, .count = rows.count };
	return ERR_OK;
}

void plan_list_done(struct plan_list *list)
{
	free(list->rows);
	*list = (struct plan_list){ .rows = NULL };
}

static enum err_code check(const struct plan *plan, struct err *err)
{
	struct plan copy = *plan;
	if (!*plan->name)
		return err_set(err, ERR_INVALID, "a plan needs a name");
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		if (*limit_of(&copy, i) < 0)
			return err_set(err, ERR_INVALID, "a plan cannot have less than no %s", limits[i].about);
	}
	/* A user of whose jobs none may run would wait for ever. */
	if (plan->concurrency < 1)
		return err_set(err, ERR_INVALID, "at least one job must be allowed to run");
	if (!(plan->weight >= WEIGHT_MIN && plan->weight <= WEIGHT_MAX))
		return err_set(err, ERR_INVALID, "a weight is between %g and %g", WEIGHT_MIN, WEIGHT_MAX);
	if (plan->priority_max < -PLAN_PRIORITY_MAX || plan->priority_max > PLAN_PRIORITY_MAX)
		return err_set(err, ERR_INVALID, "priorities are between -%d and %d", PLAN_PRIORITY_MAX,
			       PLAN_PRIORITY_MAX);
	return ERR_OK;
}

enum err_code plan_put(struct db_tx *tx, const struct plan *plan, int64_t now_us, struct err *err)
{
	enum { FIRST_LIMIT = 1, REST = ARRAY_LEN(limits) + FIRST_LIMIT };
	struct plan copy = *plan;
	struct db_value params[REST + 3] = { db_text(plan->name) };
	if (check(plan, err) != ERR_OK)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		int64_t limit = *limit_of(&copy, i);
		params[FIRST_LIMIT + i] = limit == PLAN_UNLIMITED ? db_null() : db_int(limit);
	}
	params[REST] = db_int((int64_t)(plan->weight * WEIGHT_ONE + 0.5));
	params[REST + 1] = db_int(plan->priority_max);
	params[REST + 2] = db_int(now_us);
	return db_query(tx, &put, params, NULL, err);
}

enum err_code plan_delete(struct db_tx *tx, const char *name, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_text(name) };
	enum err_code code = db_query(tx, &drop, params, &rows, err);
	if (code == ERR_REFERENCE)
		return err_set(err, code, "the plan \"%s\" still has users", name);
	return !code && rows.changed == 0 ? not_found(name, err) : code;
}
