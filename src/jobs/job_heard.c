#include "jobs/job_heard.h"

#include <assert.h>

#include "asr/stitch.h"
#include "base/limits.h"
#include "base/secret.h"
#include "jobs/job_work_priv.h"

/* Results read at once; of 30 s of speech each. */
enum { RESULTS_PER_READ = 32 };

static const struct db_stmt results_stmt = {
	/* A second hearing stands for the first. */
	.sql = "SELECT a.idx, coalesce(b.idx, a.idx), coalesce(b.data, a.data) FROM part_results a "
	       "LEFT JOIN part_results b ON b.job = a.job AND b.idx = a.idx + 1048576 AND length(b.data) > 0 "
	       "WHERE a.job = $1 AND a.idx >= $2 AND a.idx < 1048576 ORDER BY a.idx LIMIT $3",
	.params = "iii"
};
static const struct db_stmt number_stmt = { .sql = "SELECT queue_job FROM jobs WHERE id = $1 AND state < 2",
					    .params = "b" };

static_assert(PART_SECOND_HEARING == 1048576, "as in the statement above");

struct reading {
	const struct job_facts *facts;
	int64_t next;
	job_heard_fn *fn;
	void *arg;
};

static enum err_code read_part(const struct reading *r, const struct db_rows *rows, size_t row, struct err *err)
{
	cleanup_strbuf struct strbuf plain = STRBUF_INIT(LIMIT_BULK_BYTES);
	cleanup_transcript struct asr_transcript words;
	struct part_layout layout;
	char place[NOTE_PLACE_MAX];
	size_t size;
	const void *sealed = db_get_bytes(rows, row, 2, &size);
	int64_t index = db_get_int(rows, row, 0), heard_as = db_get_int(rows, row, 1);
	asr_transcript_init(&words);
	job_part_place(r->facts, heard_as, place);
	if (note_open(&r->facts->key, place, sealed, size, &plain, err) != ERR_OK ||
	    part_result_unpack(plain.data, plain.len, &layout, &words, err) != ERR_OK)
		return err->code;
	secret_wipe(plain.data, plain.len);
	const struct job_heard_part part = {
		.index = index, .is_second = heard_as != index, .layout = &layout, .words = &words
	};
	return r->fn(r->arg, &part, err);
}

enum err_code job_heard_each(const struct files *files, const struct job_facts *facts, int64_t first, job_heard_fn *fn,
			     void *arg, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct reading r = { facts, first, fn, arg };
	do {
		struct db_value params[] = { db_int(facts->number), db_int(r.next), db_int(RESULTS_PER_READ) };
		if (db_run_stmt(files->db, DB_READ, &results_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		for (size_t i = 0; i < rows.count; i++, r.next++) {
			if (db_get_int(&rows, i, 0) != r.next)
				return ERR_OK;
			if (read_part(&r, &rows, i, err) != ERR_OK)
				return err->code;
		}
	} while (rows.count == RESULTS_PER_READ);
	return ERR_OK;
}

struct more {
	int64_t next;
	struct asr_transcript *io;
};

static enum err_code take_more(void *arg, const struct job_heard_part *part, struct err *err)
{
	struct more *more = arg;
	const struct part_layout *layout = part->layout;
	more->next = part->index + 1;
	return asr_stitch(more->io, part->words, layout->spans, layout->span_count, layout->start_us, err);
}

enum err_code job_heard_more(const struct files *files, const struct uuid *job, int64_t *io_next,
			     struct asr_transcript *io, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(job) };
	struct job_facts facts = { .number = 0 };
	struct more more = { *io_next, io };
	enum err_code code = db_run_stmt(files->db, DB_READ, &number_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	if (rows.count == 0 || db_is_null(&rows, 0, 0))
		return err_set(err, ERR_CANCELLED, "the job is not under way");
	code = job_facts_read(files, db_get_int(&rows, 0, 0), &facts, err);
	if (code == ERR_OK && (!facts.heard.is_auto || speech_language_is_known(&facts.heard)))
		code = job_heard_each(files, &facts, more.next, take_more, &more, err);
	job_facts_done(&facts);
	if (code == ERR_OK)
		*io_next = more.next;
	return code;
}
