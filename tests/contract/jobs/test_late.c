/*
 * What a worker does that was taken for dead: its claims were given to another, or its job has ended. Whatever it still
 * stores is refused, and stays nowhere. Two nodes take turns over each database; no engine, no jail.
 */
#include "base/io.h"
#include "jobs/job_work.h"
#include "pipeline.h"

enum { PARTS = 2, SAMPLES = 16000 };

/* -- two nodes --------------------------------------------------------------------------------------------------- */

static struct sending sent;
static struct part_queue *other; /* the node that takes over; `queue` is the one that is late */

static enum err_code join_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_join(arg, tx, true, err);
}

static enum err_code take_over_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct parts_beat beat;
	enum err_code code = parts_join(other, tx, true, err);
	(void)arg;
	return code == ERR_OK ? parts_beat(other, tx, &beat, err) : code;
}

struct claim_call {
	struct part_queue *queue;
	int stage;
	size_t count;
	struct part_claim claim;
};

static enum err_code claim_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct claim_call *call = arg;
	call->count = 1;
	return parts_claim(call->queue, tx, call->stage, &call->claim, &call->count, err);
}

/* The other node finds the first one dead, and its parts ready. */
static void take_over(void)
{
	assert_ok(run_unit(db, take_over_unit, NULL, &why));
}

static struct part_claim claim(struct part_queue *node, int stage)
{
	struct claim_call call = { .queue = node, .stage = stage };
	assert_ok(run_unit(db, claim_unit, &call, &why));
	assert_int_equal(call.count, 1);
	return call.claim;
}

static struct job_facts facts_of(const struct part_claim *c)
{
	struct job_facts facts;
	assert_ok(job_facts_read(&files, c->job, &facts, &why));
	return facts;
}

/* What the database and the store say of the job; a late worker changes none of it. */
struct state {
	int64_t parts_planned, parts_done, results, parts, finishes, events, job_state, objects;
};

static struct state look(void)
{
	return (struct state){ .parts_planned = get_number(db, "SELECT max(parts_planned) FROM jobs"),
			       .parts_done = get_number(db, "SELECT max(parts_done) FROM jobs"),
			       .results = get_number(db, "SELECT count(*) FROM part_results"),
			       .parts = get_number(db, "SELECT count(*) FROM parts WHERE stage = 1"),
			       .finishes = get_number(db, "SELECT count(*) FROM parts WHERE stage = 2"),
			       .events = get_number(db, "SELECT count(*) FROM events"),
			       .job_state = get_number(db, "SELECT max(state) FROM jobs"),
			       .objects = count_objects() };
}

static void assert_unchanged(const struct state *before)
{
	struct state now = look();
	assert_memory_equal(&now, before, sizeof now);
}

/* -- the steps of a worker ---------------------------------------------------------------------------------------- */

static struct part_layout layout(void)
{
	struct part_layout ret = { .sample_count = SAMPLES, .span_count = 1 };
	ret.spans[0].length = SAMPLES;
	return ret;
}

static void write_part(const struct job_facts *facts, uint32_t index)
{
	static const int16_t silence[SAMPLES];
	struct part_layout head = layout();
	int fd = -1;
	assert_ok(io_memfd("part", &fd, &why));
	assert_ok(io_write_all(fd, silence, sizeof silence, &why));
	assert_ok(io_memfd_seal(fd, &why));
	assert_ok(job_part_write(&files, facts, index, &head, fd, &why));
	(void)close(fd);
}

static enum err_code publish(struct part_queue *node, const struct part_claim *c, const struct job_facts *facts,
			     uint32_t count)
{
	static const double costs[PARTS] = { 1, 1 };
	struct job_parts parts = { .count = count, .costs_s = costs, .total_cost_s = count, .fraction = 1 };
	struct err err;
	for (uint32_t i = 0; i < count; i++)
		write_part(facts, i);
	enum err_code code = job_publish_parts(node, db, facts, c, &parts, &err);
	if (code == ERR_CANCELLED)
		job_parts_forget(&files, facts, count);
	return code;
}

static enum err_code end_plan(struct part_queue *node, const struct part_claim *c, const struct job_facts *facts)
{
	struct err whole = { .code = ERR_OK };
	struct err err;
	return job_planned_all(node, db, facts, c, US_PER_S * PARTS, &whole, &err);
}

static void plan(struct part_queue *node)
{
	struct part_claim c = claim(node, PARTS_PLAN);
	struct job_facts facts = facts_of(&c);
	assert_ok(job_begin(db, &facts, &why));
	assert_int_equal(publish(node, &c, &facts, PARTS), ERR_OK);
	assert_int_equal(end_plan(node, &c, &facts), ERR_OK);
	job_facts_done(&facts);
}

static enum err_code store(struct part_queue *node, const struct part_claim *c, const struct job_facts *facts,
			   const char *said)
{
	cleanup_transcript struct asr_transcript words;
	struct asr_word word = { .end_us = US_PER_S, .speaker = ASR_NO_SPEAKER };
	struct asr_segment segment = { .end_us = US_PER_S, .word_count = 1, .language = "en" };
	struct part_layout head = layout();
	struct err err;
	asr_transcript_init(&words);
	memcpy(words.language, "en", 3);
	assert_ok(asr_transcript_add_word(&words, &word, said, strlen(said), &why));
	assert_ok(asr_transcript_add_segment(&words, &segment, &why));
	struct job_part_done done = {
		.claim = c, .layout = &head, .words = &words, .busy_us = 1, .busy_max_us = US_PER_S
	};
	return job_store_part(node, db, facts, &done, &err);
}

static void recognise(struct part_queue *node, const char *said)
{
	struct part_claim c = claim(node, PARTS_RECOGNISE);
	struct job_facts facts = facts_of(&c);
	assert_int_equal(store(node, &c, &facts, said), ERR_OK);
	job_facts_done(&facts);
}

static enum err_code finish(struct part_queue *node, const struct part_claim *c, const struct job_facts *facts)
{
	struct err err;
	return job_finish(node, &files, facts, c, &err);
}

static void assert_words(const char *expected)
{
	struct job_row job;
	cleanup_transcript struct asr_transcript words;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(1000);
	assert_ok(job_result(&files, &alice, &sent.job.id, &job, &words, &why));
	asr_transcript_text(&words, 0, words.word_count, &text);
	assert_string_equal(strbuf_str(&text), expected);
}

static void fail_job(const struct part_claim *c)
{
	struct err reason;
	(void)err_set(&reason, ERR_BAD_MEDIA, "broken");
	assert_ok(job_fail_row(&files, c->job, &reason, &why));
}

static int begin_test(void **state)
{
	struct part_queue_config config = { .node = "other", .about = "", .backoff_us = -1 };
	if (setup(state) != 0)
		return -1;
	assert_ok(part_queue_new(&config, &other, &why));
	strbuf_clear(&speech);
	strbuf_add_str(&speech, "not looked at");
	send_speech(&sent, &alice);
	assert_ok(run_unit(db, join_unit, queue, &why));
	return 0;
}

static int end_test(void **state)
{
	part_queue_free(other);
	return teardown(state);
}

/* -- tests -----------------------------------------------------------------------------------------------------------
 */

static void a_late_part_is_refused_and_nothing_of_it_stays(void **state)
{
	(void)state;
	plan(queue);
	struct part_claim late = claim(queue, PARTS_RECOGNISE);
	struct job_facts facts = facts_of(&late);
	take_over();
	struct state before = look();
	/* Ready again; in another's hands; stored by another; the finish published. */
	assert_int_equal(store(queue, &late, &facts, "late"), ERR_CANCELLED);
	assert_unchanged(&before);
	struct part_claim first = claim(other, PARTS_RECOGNISE);
	assert_int_equal(first.id, late.id);
	assert_int_equal(store(queue, &late, &facts, "late"), ERR_CANCELLED);
	assert_unchanged(&before);
	assert_int_equal(store(other, &first, &facts, "one"), ERR_OK);
	before = look();
	assert_int_equal(before.parts_done, 1);
	assert_int_equal(store(queue, &late, &facts, "late"), ERR_CANCELLED);
	assert_unchanged(&before);
	recognise(other, "two");
	before = look();
	assert_int_equal(before.finishes, 1);
	assert_int_equal(store(queue, &late, &facts, "late"), ERR_CANCELLED);
	assert_unchanged(&before);
	struct part_claim last = claim(other, PARTS_FINISH);
	assert_int_equal(finish(other, &last, &facts), ERR_OK);
	before = look();
	assert_int_equal(store(queue, &late, &facts, "late"), ERR_CANCELLED);
	assert_unchanged(&before);
	assert_int_equal(before.objects, 2); /* the file and its words */
	assert_words("one two");
	job_facts_done(&facts);
}

static void a_late_plan_publishes_nothing_and_leaves_no_objects(void **state)
{
	(void)state;
	struct part_claim late = claim(queue, PARTS_PLAN);
	struct job_facts facts = facts_of(&late);
	assert_ok(job_begin(db, &facts, &why));
	take_over();
	assert_int_equal(publish(queue, &late, &facts, PARTS), ERR_CANCELLED);
	assert_int_equal(end_plan(queue, &late, &facts), ERR_CANCELLED);
	struct state before = look();
	assert_int_equal(before.parts + before.parts_planned, 0);
	/* Another's plan has one part fewer: none of the late one's is added. */
	struct part_claim again = claim(other, PARTS_PLAN);
	assert_int_equal(publish(other, &again, &facts, 1), ERR_OK);
	before = look();
	assert_int_equal(publish(queue, &late, &facts, PARTS), ERR_CANCELLED);
	assert_unchanged(&before);
	assert_int_equal(end_plan(other, &again, &facts), ERR_OK);
	assert_int_equal(publish(queue, &late, &facts, PARTS), ERR_CANCELLED);
	recognise(other, "one");
	struct part_claim last = claim(other, PARTS_FINISH);
	assert_int_equal(finish(other, &last, &facts), ERR_OK);
	assert_int_equal(publish(queue, &late, &facts, PARTS), ERR_CANCELLED);
	assert_int_equal(count_objects(), 2);
	assert_words("one");
	job_facts_done(&facts);
}

static void a_late_finish_ends_no_job_and_its_result_goes_with_the_cancel(void **state)
{
	(void)state;
	struct job_row job;
	plan(queue);
	recognise(queue, "one");
	recognise(queue, "two");
	struct part_claim late = claim(queue, PARTS_FINISH);
	struct job_facts facts = facts_of(&late);
	take_over();
	assert_int_equal(finish(queue, &late, &facts), ERR_CANCELLED);
	assert_int_equal(look().job_state, JOB_RUNNING);
	assert_ok(job_cancel_row(&files, &alice, &sent.job.id, &job, &why));
	assert_int_equal(finish(queue, &late, &facts), ERR_CANCELLED);
	assert_int_equal(count_objects(), 1);
	job_facts_done(&facts);
}

static void the_result_of_a_finish_that_was_too_late_for_a_cancel_is_removed(void **state)
{
	(void)state;
	plan(queue);
	recognise(queue, "one");
	recognise(queue, "two");
	struct part_claim late = claim(queue, PARTS_FINISH);
	struct job_facts facts = facts_of(&late);
	take_over();
	/* As if it came after the parts were read: the job is still found by its number. */
	run_sql(db, "UPDATE jobs SET state = 4");
	assert_int_equal(finish(queue, &late, &facts), ERR_CANCELLED);
	assert_int_equal(count_objects(), 1 + PARTS);
	job_facts_done(&facts);
}

static void what_a_late_worker_failed_was_ended_by_another(void **state)
{
	(void)state;
	struct err reason;
	struct job_row job;
	plan(queue);
	struct part_claim late = claim(queue, PARTS_RECOGNISE);
	take_over();
	(void)err_set(&reason, ERR_CORRUPT, "seen by a late worker alone");
	struct err err;
	assert_int_equal(job_give_back(queue, &files, &late, &reason, &err), ERR_CANCELLED);
	assert_ok(job_find(db, &alice, &sent.job.id, &job, &why));
	assert_int_equal(job.state, JOB_RUNNING);
	assert_ok(job_cancel_row(&files, &alice, &sent.job.id, &job, &why));
	assert_int_equal(job_give_back(queue, &files, &late, &reason, &err), ERR_CANCELLED);
}

static void what_is_left_of_an_attempt_is_not_the_next_ones(void **state)
{
	(void)state;
	struct job_row job;
	struct part_layout head;
	int fd = -1;
	struct part_claim first = claim(queue, PARTS_PLAN);
	struct job_facts before = facts_of(&first);
	assert_ok(job_begin(db, &before, &why));
	assert_int_equal(publish(queue, &first, &before, PARTS), ERR_OK);
	fail_job(&first);
	assert_ok(job_retry(queue, db, &alice, &sent.job.id, &job, &why));
	struct part_claim second = claim(queue, PARTS_PLAN);
	struct job_facts facts = facts_of(&second);
	assert_ok(job_begin(db, &facts, &why));
	assert_int_equal(publish(queue, &second, &facts, PARTS), ERR_OK);
	/* Whoever failed the first is slow to remove its parts, or still writes some. */
	assert_int_equal(publish(queue, &first, &before, PARTS), ERR_CANCELLED);
	for (uint32_t i = 0; i < PARTS; i++) {
		assert_ok(job_part_read(&files, &facts, i, &head, &fd, &why));
		(void)close(fd);
	}
	assert_int_equal(count_objects(), 1 + PARTS);
	job_facts_done(&before);
	job_facts_done(&facts);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_late_part_is_refused_and_nothing_of_it_stays, begin_test, end_test),
		cmocka_unit_test_setup_teardown(a_late_plan_publishes_nothing_and_leaves_no_objects, begin_test,
						end_test),
		cmocka_unit_test_setup_teardown(a_late_finish_ends_no_job_and_its_result_goes_with_the_cancel,
						begin_test, end_test),
		cmocka_unit_test_setup_teardown(the_result_of_a_finish_that_was_too_late_for_a_cancel_is_removed,
						begin_test, end_test),
		cmocka_unit_test_setup_teardown(what_a_late_worker_failed_was_ended_by_another, begin_test, end_test),
		cmocka_unit_test_setup_teardown(what_is_left_of_an_attempt_is_not_the_next_ones, begin_test, end_test),
	};
	return RUN_PIPELINE(tests);
}
