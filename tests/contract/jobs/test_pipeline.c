/*
 * From an upload to its words, through the durable queue: a real jail and speech detector, the fake recogniser in a
 * real engine process, and each database. Two minutes of speech are six parts.
 */
#include "accounts/users.h"
#include "base/clock.h"
#include "files/keys.h"
#include "jobs/job_file.h"
#include "jobs/sweep.h"
#include "jobs/user_removal.h"
#include "speaking.h"

/* -- tests ----------------------------------------------------------------------------------------------------- */

static void an_upload_becomes_words(void **state)
{
	(void)state;
	struct sending sent;
	struct watch watch;
	struct job_row job;
	struct err err;
	cleanup_transcript struct asr_transcript words;
	make_speech(COPIES);
	send_speech(&sent, &alice);
	start_worker();
	follow(&watch, &sent.job.file);
	wait_for(&watch.ended, "the end of a job");
	event_unfollow(watch.follower);
	assert_string_equal(watch.end, "completed");
	assert_true(watch.progress_events > 5); /* parts, and the beginning */
	assert_ok(job_result(&files, &alice, &sent.job.id, &job, &words, &why));
	assert_int_equal(job.state, JOB_SUCCEEDED);
	assert_true(words.word_count > 100); /* two for each second of speech */
	assert_true(words.duration_us > 130 * US_PER_S);
	assert_string_equal(job.language, "en");
	for (size_t i = 1; i < words.word_count; i++)
		assert_true(words.words[i].start_us >= words.words[i - 1].start_us);
	asr_transcript_done(&words);
	assert_int_equal(job_result(&files, &bob, &sent.job.id, &job, &words, &err), ERR_NOT_FOUND);
}

static void what_is_no_recording_fails_with_a_reason(void **state)
{
	(void)state;
	struct sending sent;
	struct watch watch;
	struct job_row job;
	strbuf_clear(&speech);
	for (int i = 0; i < 1000; i++)
		strbuf_add_str(&speech, "this is no recording at all. ");
	send_speech(&sent, &alice);
	start_worker();
	follow(&watch, &sent.job.file);
	wait_for(&watch.ended, "the end of a job");
	event_unfollow(watch.follower);
	assert_string_equal(watch.end, "failed");
	assert_ok(job_find(db, &alice, &sent.job.id, &job, &why));
	assert_int_equal(job.state, JOB_FAILED);
	assert_string_equal(job.error_code, "bad_media");
	assert_true(job.error_message[0] != '\0');
	/* Another try is the owner's to ask for, and ends the same way. */
	assert_ok(job_retry(queue, db, &alice, &sent.job.id, &job, &why));
	assert_int_equal(job.retries, 1);
	follow(&watch, &sent.job.file);
	wait_for(&watch.ended, "the end of a retry");
	event_unfollow(watch.follower);
}

static void a_cancelled_job_stops_and_stays_so(void **state)
{
	(void)state;
	struct sending sent;
	struct watch watch;
	struct job_row job;
	struct err err;
	make_speech(COPIES);
	send_speech(&sent, &alice);
	start_worker();
	follow(&watch, &sent.job.file);
	wait_for(&watch.running, "the first part");
	if (!watch.ended) {
		assert_int_equal(job_cancel_row(&files, &bob, &sent.job.id, &job, &err), ERR_NOT_FOUND);
		assert_ok(job_cancel_row(&files, &alice, &sent.job.id, &job, &why));
		assert_int_equal(job.state, JOB_CANCELLED);
	}
	wait_for(&watch.ended, "the end of a job");
	event_unfollow(watch.follower);
	assert_int_equal(job_cancel_row(&files, &alice, &sent.job.id, &job, &err), ERR_CONFLICT);
	assert_int_equal(job_retry(queue, db, &alice, &sent.job.id, &job, &err), ERR_CONFLICT);
}

static void a_deleted_file_leaves_nothing(void **state)
{
	(void)state;
	struct sending sent;
	struct watch watch;
	struct file_row file;
	struct err err;
	make_speech(2);
	send_speech(&sent, &alice);
	start_worker();
	follow(&watch, &sent.job.file);
	wait_for(&watch.ended, "the end of a job");
	event_unfollow(watch.follower);
	assert_int_equal(count_objects(), 2); /* the recording and its words: the parts are gone */
	assert_int_equal(job_delete_file(&files, &bob, &sent.job.file, &err), ERR_NOT_FOUND);
	assert_ok(job_delete_file(&files, &alice, &sent.job.file, &why));
	assert_int_equal(count_objects(), 0);
	assert_int_equal(files_find(&files, &alice, &sent.job.file, &file, &err), ERR_NOT_FOUND);
}

static void a_share_gives_words_to_another_and_takes_them_back(void **state)
{
	(void)state;
	struct sending sent;
	struct watch watch;
	struct job_row job;
	struct file_key key;
	struct err err;
	int64_t when;
	cleanup_transcript struct asr_transcript words;
	asr_transcript_init(&words);
	make_speech(2);
	send_speech(&sent, &alice);
	start_worker();
	follow(&watch, &sent.job.file);
	wait_for(&watch.ended, "the end of a job");
	event_unfollow(watch.follower);
	assert_int_equal(file_key_share(&files, &bob, &sent.job.file, &bob, &when, &err), ERR_NOT_FOUND);
	assert_ok(file_key_share(&files, &alice, &sent.job.file, &bob, &when, &why));
	assert_int_equal(file_key_share(&files, &alice, &sent.job.file, &bob, &when, &err), ERR_CONFLICT);
	assert_ok(file_key_find(&files, &bob, &sent.job.file, &key, &why));
	assert_memory_equal(key.owner.bytes, alice.bytes, UUID_BYTES);
	assert_ok(job_result(&files, &bob, &sent.job.id, &job, &words, &why));
	assert_true(words.word_count > 10);
	assert_ok(file_key_unshare(&files, &alice, &sent.job.file, &bob, &why));
	asr_transcript_done(&words);
	assert_int_equal(job_result(&files, &bob, &sent.job.id, &job, &words, &err), ERR_NOT_FOUND);
}

static void an_upload_beyond_the_quota_is_refused_and_leaves_nothing(void **state)
{
	(void)state;
	struct sending first, second;
	struct job_files list;
	static const struct db_stmt narrow = { .sql = "UPDATE plans SET storage_bytes = 1048576", .params = "" };
	assert_ok(db_run_stmt(db, DB_WRITE, &narrow, NULL, NULL, &why));
	make_speech(2);
	send_speech(&first, &alice); /* 0.8 MB */
	struct intake *intake = begin(&second, &alice, speech.len);
	wait_for(&second.ended, "the end of an upload");
	(void)intake; /* gone with its end */
	assert_int_equal(second.why.code, ERR_NO_SPACE);
	assert_non_null(strstr(second.why.message, "quota"));
	struct file_page page = { .owner = alice, .limit = 10 };
	assert_ok(job_file_list(db, &page, &list, &why));
	assert_int_equal(list.total, 1);
	job_files_done(&list);
	assert_int_equal(count_objects(), 1);
}

static void allow_a_mebibyte(void)
{
	static const struct db_stmt narrow = { .sql = "UPDATE plans SET storage_bytes = 1048576", .params = "" };
	assert_ok(db_run_stmt(db, DB_WRITE, &narrow, NULL, NULL, &why));
}

/* An upload begins in the background. */
static void wait_for_row(const struct uuid *file)
{
	struct file_row row;
	struct err err;
	int64_t until = clock_monotonic_us() + WAIT_S * US_PER_S;
	while (files_find(&files, &alice, file, &row, &err) != ERR_OK) {
		(void)uv_run(&loop, UV_RUN_NOWAIT);
		assert_true(clock_monotonic_us() < until);
	}
}

static void what_an_upload_announces_is_taken_from_the_first_byte_on(void **state)
{
	(void)state;
	struct sending first, second;
	allow_a_mebibyte();
	make_speech(2); /* 0.8 MB */
	struct intake *intake = begin(&first, &alice, speech.len);
	wait_for_row(&first.job.file);
	(void)begin(&second, &alice, speech.len);
	wait_for(&second.ended, "the end of an upload");
	assert_int_equal(second.why.code, ERR_NO_SPACE);
	feed(intake, &first, speech.data, speech.len);
	intake_finish(intake);
	wait_for(&first.ended, "the end of an upload");
	assert_int_equal(first.why.code, ERR_OK);
}

static void an_upload_without_a_length_may_fill_the_quota(void **state)
{
	(void)state;
	struct sending sent;
	allow_a_mebibyte();
	make_speech(2);
	struct intake *intake = begin(&sent, &alice, 0);
	feed(intake, &sent, speech.data, speech.len);
	intake_finish(intake);
	wait_for(&sent.ended, "the end of an upload");
	assert_int_equal(sent.why.code, ERR_OK);
	intake = begin(&sent, &alice, 0);
	feed(intake, &sent, speech.data, speech.len);
	if (!sent.ended)
		intake_finish(intake);
	wait_for(&sent.ended, "the end of an upload");
	assert_int_equal(sent.why.code, ERR_NO_SPACE);
	assert_int_equal(count_objects(), 1);
}

static void an_upload_that_breaks_off_leaves_nothing(void **state)
{
	(void)state;
	struct sending sent;
	struct file_row file;
	struct err err;
	make_speech(4);
	struct intake *intake = begin(&sent, &alice, 0);
	feed(intake, &sent, speech.data, speech.len / 2);
	intake_abort(intake);
	int64_t until = clock_monotonic_us() + WAIT_S * US_PER_S;
	while (files_find(&files, &alice, &sent.job.file, &file, &err) != ERR_NOT_FOUND) {
		(void)uv_run(&loop, UV_RUN_NOWAIT);
		assert_true(clock_monotonic_us() < until);
	}
	wait_for(&sent.ended, "the end of an upload");
	assert_int_equal(sent.why.code, ERR_CANCELLED);
	assert_int_equal(count_objects(), 0);
}

/* An object that no row knows, an upload whose server died, and a deletion that was cut short. */
static void the_sweep_takes_what_was_left_and_nothing_else(void **state)
{
	(void)state;
	struct sending kept, lost, deleted;
	struct sweep_counts counts;
	struct blob_put *put = NULL;
	char stray[BLOB_KEY_MAX + 1];
	struct uuid nobody;
	make_speech(1);
	send_speech(&kept, &alice);
	send_speech(&deleted, &alice);
	assert_ok(uuid_new(clock_wall_us(), &nobody, &why));
	files_object_key("files", &nobody, stray);
	assert_ok(blob_put_begin(blobs, stray, &put, &why));
	assert_ok(blob_put_write(put, "left", 4, &why));
	assert_ok(blob_put_commit(put, &why));
	struct upload *upload = NULL;
	struct upload_spec spec = { .owner = alice, .name = "lost", .content_type = "", .max_bytes = 1000 };
	assert_ok(uuid_new(clock_wall_us(), &lost.job.id, &why));
	spec.id = lost.job.id;
	assert_ok(upload_begin(&files, &spec, &upload, &why));
	static const struct db_stmt mark = { .sql = "UPDATE files SET state = 2 WHERE id = $1", .params = "b" };
	struct db_value params[] = { db_bytes(deleted.job.file.bytes, UUID_BYTES) };
	assert_ok(db_run_stmt(db, DB_WRITE, &mark, params, NULL, &why));
	/* Nothing is old enough. */
	assert_ok(jobs_sweep(&files, clock_wall_us() - SWEEP_AGE_US, &counts, &why));
	assert_int_equal(counts.uploads + counts.deletions + counts.objects, 0);
	assert_ok(jobs_sweep(&files, clock_wall_us() + US_PER_S, &counts, &why));
	assert_int_equal(counts.uploads, 1);
	assert_int_equal(counts.deletions, 2);
	assert_int_equal(counts.objects, 1);
	assert_int_equal(count_objects(), 1);
	struct file_row row;
	assert_ok(files_find(&files, &alice, &kept.job.file, &row, &why));
	upload_abort(upload);
}

static int64_t count_rows(const char *sql)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_stmt stmt = { .sql = sql, .params = "", .is_once = true };
	assert_ok(db_run_stmt(db, DB_READ, &stmt, NULL, &rows, &why));
	return db_get_int(&rows, 0, 0);
}

static enum err_code run_join(struct db_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	return parts_join(queue, tx, false, err);
}

static void join(void)
{
	struct db_work work = { .mode = DB_WRITE, .run = run_join };
	assert_ok(db_run(db, &work, &why));
}

/* Of the node as it is now; its `id` is somebody's choice. */
static struct upload *begin_upload(const struct uuid *id)
{
	struct upload *upload = NULL;
	struct upload_spec spec = { .id = *id, .owner = alice, .name = "a.wav", .content_type = "", .max_bytes = 1000 };
	assert_ok(upload_begin(&files, &spec, &upload, &why));
	assert_ok(upload_write(upload, "some bytes", 10, &why));
	return upload;
}

/* A node that was only taken for dead must not harm who has the id of its upload since. */
static void an_upload_dies_with_its_node_and_its_id_is_free_again(void **state)
{
	(void)state;
	static const struct db_stmt bury = { .sql = "DELETE FROM queue_nodes", .params = "" };
	struct uuid id;
	struct vault_info info;
	struct file_row row;
	struct err err;
	uint64_t swept;
	assert_ok(uuid_new(clock_wall_us(), &id, &why));
	join();
	struct upload *old = begin_upload(&id);
	assert_ok(files_sweep_dead_uploads(&files, &swept, &why));
	assert_int_equal(swept, 0);
	assert_ok(db_run_stmt(db, DB_WRITE, &bury, NULL, NULL, &why));
	assert_ok(files_sweep_dead_uploads(&files, &swept, &why));
	assert_int_equal(swept, 1);
	assert_int_equal(files_find(&files, &alice, &id, &row, &err), ERR_NOT_FOUND);
	join();
	struct upload *young = begin_upload(&id);
	assert_int_equal(upload_seal(old, &err), ERR_CANCELLED);
	upload_abort(old);
	assert_ok(files_sweep_dead_uploads(&files, &swept, &why));
	assert_int_equal(swept, 0);
	assert_ok(upload_seal(young, &why));
	assert_ok(upload_store(young, NULL, &info, &why));
	assert_ok(files_find(&files, &alice, &id, &row, &why));
	assert_int_equal(row.state, FILE_STORED);
	assert_int_equal(count_objects(), 1);
}

static void a_removed_user_takes_along_all_that_is_theirs(void **state)
{
	(void)state;
	struct sending done, waiting, other;
	struct watch watch;
	struct err err;
	int64_t when;
	make_speech(2);
	send_speech(&done, &alice);
	send_speech(&other, &bob);
	start_worker();
	follow(&watch, &done.job.file);
	wait_for(&watch.ended, "the end of a job");
	event_unfollow(watch.follower);
	assert_ok(file_key_share(&files, &alice, &done.job.file, &bob, &when, &why));
	assert_ok(file_key_share(&files, &bob, &other.job.file, &alice, &when, &why));
	follow(&watch, &other.job.file);
	wait_for(&watch.ended, "the end of another's job");
	event_unfollow(watch.follower);
	worker_close(worker);
	worker = NULL;
	send_speech(&waiting, &alice);
	assert_ok(jobs_remove_user(&files, &alice, &why));
	assert_int_equal(count_rows("SELECT count(*) FROM users"), 1);
	assert_int_equal(count_rows("SELECT count(*) FROM files"), 1);
	assert_int_equal(count_rows("SELECT count(*) FROM file_keys"), 1);
	assert_int_equal(count_rows("SELECT count(*) FROM jobs"), 1);
	assert_int_equal(count_rows("SELECT count(*) FROM queue_jobs"), 0);
	assert_int_equal(count_rows("SELECT count(*) FROM queue_owners"), 1);
	assert_int_equal(count_objects(), 2); /* bob's recording and its words */
	assert_int_equal(jobs_remove_user(&files, &alice, &err), ERR_NOT_FOUND);
}

static enum err_code run_mark(struct db_tx *tx, void *arg, struct err *err)
{
	return user_mark_deleted(tx, arg, 1, err);
}

static enum err_code run_switch_on(struct db_tx *tx, void *arg, struct err *err)
{
	const bool yes = true;
	return user_change(tx, arg, &(struct user_change){ .is_active = &yes }, 1, err);
}

/* As after a crash between the mark and the end, with one file marked already. */
static void a_removal_that_was_cut_short_is_ended_by_the_sweep(void **state)
{
	(void)state;
	struct sending first, second;
	struct err err;
	uint64_t swept;
	make_speech(1);
	send_speech(&first, &alice);
	send_speech(&second, &alice);
	assert_ok(jobs_sweep_users(&files, &swept, &why));
	assert_int_equal(swept, 0);
	struct db_work mark = { .mode = DB_WRITE, .run = run_mark, .arg = &alice };
	assert_ok(db_run(db, &mark, &why));
	struct db_work on = { .mode = DB_WRITE, .run = run_switch_on, .arg = &alice };
	assert_int_equal(db_run(db, &on, &err), ERR_NOT_FOUND);
	static const struct db_stmt half = { .sql = "UPDATE files SET state = 2 WHERE id = $1", .params = "b" };
	struct db_value params[] = { db_bytes(first.job.file.bytes, UUID_BYTES) };
	assert_ok(db_run_stmt(db, DB_WRITE, &half, params, NULL, &why));
	assert_ok(jobs_sweep_users(&files, &swept, &why));
	assert_int_equal(swept, 1);
	assert_int_equal(count_rows("SELECT count(*) FROM users"), 1);
	assert_int_equal(count_objects(), 0);
}

/* -- events of uploads ------------------------------------------------------------------------------------- */

struct told {
	struct follower *follower;
	int events, caught_up;
	bool is_caught_up;
	char last[EVENT_DATA_MAX];
};

static void on_told(void *owner, const struct event *event)
{
	struct told *told = owner;
	assert_string_equal(event->name, "upload_progress");
	(void)snprintf(told->last, sizeof told->last, "%s", event->data);
	told->events++;
}

static void on_caught_up(void *owner)
{
	struct told *told = owner;
	told->caught_up++;
	told->is_caught_up = true;
}

static void who_follows_is_told_when_there_is_no_more(void **state)
{
	(void)state;
	struct told told = { .events = 0 };
	struct err err;
	struct sending sent;
	struct uuid nobody = { { 1 } };
	make_speech(2);
	struct intake *intake = begin(&sent, &alice, 0);
	feed(intake, &sent, speech.data, speech.len / 2);
	assert_ok(event_follow(hub, &sent.job.file, 0, on_told, &told, &told.follower, &why));
	event_when_caught_up(told.follower, on_caught_up);
	wait_for(&told.is_caught_up, "the end of no events");
	assert_int_equal(told.events, 0);
	/* Of a size that is not known nothing is known but the bytes. */
	told.is_caught_up = false;
	assert_ok(event_tell_upload(db, &sent.job.file, 1000, 0, &why));
	wait_for(&told.is_caught_up, "an event");
	assert_string_equal(told.last, "{\"progress\":0,\"bytes_processed\":1000}");
	/* Many events are several readings, and one end. */
	told.is_caught_up = false;
	for (uint64_t i = 0; i < 2 * EVENTS_PER_READ; i++)
		assert_ok(event_tell_upload(db, &sent.job.file, 1000 + i, 1000, &why));
	while (told.events < 2 * EVENTS_PER_READ + 1) {
		told.is_caught_up = false;
		wait_for(&told.is_caught_up, "many events");
	}
	assert_non_null(strstr(told.last, "\"progress\":1,"));
	event_unfollow(told.follower);
	assert_int_equal(event_tell_upload(db, &nobody, 1, 1, &err), ERR_REFERENCE);
	intake_abort(intake);
	wait_for(&sent.ended, "the end of an upload");
}

static void an_upload_larger_than_the_plan_allows_is_refused(void **state)
{
	(void)state;
	static const struct db_stmt narrow = { .sql = "UPDATE plans SET file_bytes = 100000, weight = 2000000",
					       .params = "" };
	struct sending sent;
	assert_ok(db_run_stmt(db, DB_WRITE, &narrow, NULL, NULL, &why));
	make_speech(2);
	/* Announced, and found out. */
	(void)begin(&sent, &alice, speech.len);
	wait_for(&sent.ended, "the end of an upload");
	assert_int_equal(sent.why.code, ERR_TOO_BIG);
	struct intake *intake = begin(&sent, &alice, 0);
	feed(intake, &sent, speech.data, speech.len);
	if (!sent.ended)
		intake_finish(intake);
	wait_for(&sent.ended, "the end of an upload");
	assert_int_equal(sent.why.code, ERR_TOO_BIG);
	assert_int_equal(count_objects(), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_upload_becomes_words, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_recording_fails_with_a_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cancelled_job_stops_and_stays_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deleted_file_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_share_gives_words_to_another_and_takes_them_back, setup, teardown),
		cmocka_unit_test_setup_teardown(an_upload_beyond_the_quota_is_refused_and_leaves_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_an_upload_announces_is_taken_from_the_first_byte_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_upload_without_a_length_may_fill_the_quota, setup, teardown),
		cmocka_unit_test_setup_teardown(an_upload_that_breaks_off_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_upload_larger_than_the_plan_allows_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(who_follows_is_told_when_there_is_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(an_upload_dies_with_its_node_and_its_id_is_free_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removed_user_takes_along_all_that_is_theirs, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removal_that_was_cut_short_is_ended_by_the_sweep, setup, teardown),
		cmocka_unit_test_setup_teardown(the_sweep_takes_what_was_left_and_nothing_else, setup, teardown),
	};
	return RUN_SPEAKING(tests);
}
