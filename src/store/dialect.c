#include "store/dialect.h"

#include <string.h>

struct word {
	const char *name;
	const char *text[DIALECTS]; /* `%` stands for the argument */
};

/* A table whose rows change all the time: room for the new version beside the old one, and an autovacuum that waits for
 * a count, not for a share of a table that may hold a million rows which are done. */
#define PG_BUSY_TABLE                                                                                                  \
	"WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, "              \
	"autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 0)"

static const struct word words[] = {
	{ "identity", { "INTEGER PRIMARY KEY AUTOINCREMENT", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY" } },
	{ "int", { "INTEGER", "bigint" } },
	{ "bytes", { "BLOB", "bytea" } },
	{ "table", { "STRICT", "" } },
	{ "busy_table", { "STRICT", PG_BUSY_TABLE } },
	{ "greatest", { "max", "greatest" } },
	{ "least", { "min", "least" } },
	/* Held until the transaction ends, or passed over where another holds them; SQLite has one writer. The key is
	 * not locked, so that rows which refer to these can be added meanwhile. */
	{ "lock_rows", { "", "FOR NO KEY UPDATE" } },
	{ "skip_locked", { "", "FOR NO KEY UPDATE SKIP LOCKED" } },
	/* A parameter `[[1,2],[3,4]]` as rows (a, b). */
	{ "pairs",
	  { "(SELECT json_extract(value, '$[0]') AS a, json_extract(value, '$[1]') AS b FROM json_each(%))",
	    "(SELECT (value->>0)::bigint AS a, (value->>1)::bigint AS b FROM jsonb_array_elements(%::jsonb))" } },
	/* A row if there is a table of that name. */
	{ "has_table",
	  { "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '%'",
	    "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = '%'" } },
	/* Statements of one database alone, such as triggers. */
	{ "sqlite", { "%", "SELECT 0" } },
	{ "postgres", { "SELECT 0", "%" } },
	{ "no_timeout", { "SELECT 0", "SET LOCAL statement_timeout = 0" } },
	/* Held until the transaction ends; a SQLite transaction that writes is alone anyway. The number is "tiro". */
	{ "migration_lock", { "SELECT 0", "SELECT 0 FROM pg_advisory_xact_lock(1953067631)" } },
};

static const struct word *find_word(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strlen(words[i].name) == len && memcmp(words[i].name, name, len) == 0)
			return &words[i];
	}
	return NULL;
}

static void add_argument(struct strbuf *out, enum dialect dialect, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		/* To SQLite `$1` is a name, numbered by its first appearance; `?1` is the first parameter. */
		bool is_parameter = text[i] == '$' && i + 1 < len && text[i + 1] >= '1' && text[i + 1] <= '9';
		strbuf_add_char(out, is_parameter && dialect == DIALECT_SQLITE ? '?' : text[i]);
	}
}

static void add_word(struct strbuf *out, enum dialect dialect, const char *text, const char *argument, size_t len)
{
	for (; *text; text++) {
		if (*text == '%')
			add_argument(out, dialect, argument, len);
		else
			strbuf_add_char(out, *text);
	}
}

enum err_code dialect_expand(enum dialect dialect, const char *sql, struct strbuf *out, struct err *err)
{
	while (*sql) {
		size_t plain = strcspn(sql, "{");
		add_argument(out, dialect, sql, plain);
		sql += plain;
		if (!*sql)
			break;
		size_t len = strcspn(sql, "}");
		size_t name_len = strcspn(sql + 1, " }");
		const struct word *word = find_word(sql + 1, name_len);
		if (sql[len] != '}' || !word)
			return err_set(err, ERR_INTERNAL, "unknown word in a statement: %.40s", sql);
		const char *argument = sql + 1 + name_len;
		if (*argument == ' ')
			argument++;
		add_word(out, dialect, word->text[dialect], argument, (size_t)(sql + len - argument));
		sql += len + 1;
	}
	return strbuf_check(out, "a statement", err);
}
