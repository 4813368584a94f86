/* What the tests of the durable pipeline work on: a database, an object store in memory, two users, and uploads of
 * theirs whose jobs wait in the queue. For one program at a time. */
#ifndef TIRO_TESTS_CONTRACT_JOBS_PIPELINE_H
#define TIRO_TESTS_CONTRACT_JOBS_PIPELINE_H

#include <stdio.h>
#include <string.h>

#include "../store/cases.h"
#include "base/clock.h"
#include "blob/memory.h"
#include "files/intake.h"
#include "jobs/events.h"
#include "jobs/job_row.h"
#include "jobs/worker.h"
#include "store/migrate.h"

enum { WAIT_S = 60 };

static struct store_place place;
static uv_loop_t loop;
static struct db *db;
static struct blob_store *blobs;
static struct keyring *keyring;
static struct files files;
static struct part_queue *queue;
static struct http_pool *pool;
static struct worker *worker;
static struct event_hub *hub;
static struct uuid alice, bob;
static struct strbuf speech = STRBUF_INIT((size_t)64 << 20);

/* -- a place to work in -------------------------------------------------------------------------------------- */

static inline void add_user(const char *email, struct uuid *ret)
{
	static const struct db_stmt insert = {
		.sql = "INSERT INTO users (id, email, username, password_hash, roles, public_key, wrapped_private_key, "
		       "created_at, updated_at) VALUES ($1, $2, $2, '', 'user', $3, $4, 0, 0)",
		.params = "btbb"
	};
	cleanup_user_key struct user_key key = { 0 };
	unsigned char wrapped[USER_KEY_WRAPPED_BYTES];
	cleanup_master_key struct master_key master = { 0 };
	keyring_first(keyring, &master);
	assert_ok(uuid_new(clock_wall_us(), ret, &why));
	assert_ok(user_key_new(&key, &why));
	assert_ok(user_key_wrap(&key, &master, ret->bytes, wrapped, &why));
	struct db_value params[] = { db_bytes(ret->bytes, sizeof ret->bytes), db_text(email),
				     db_bytes(key.public_half.bytes, KEY_BYTES), db_bytes(wrapped, sizeof wrapped) };
	assert_ok(db_run_stmt(db, DB_WRITE, &insert, params, NULL, &why));
}

static inline int setup(void **state)
{
	(void)state;
	struct db_config config = store_config(&place);
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_ok(store_open(&place, &config, &loop, &db, &why));
	assert_ok(migrate_up(db, &why));
	assert_ok(blob_memory_open((uint64_t)1 << 30, &blobs, &why));
	struct keyring_config keys = { .now = { .setting = "test",
						.text = "test:1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=" } };
	assert_ok(keyring_open(&keys, &keyring, &why));
	struct part_queue_config queue_config = { .node = "test", .about = "", .backoff_us = -1 };
	assert_ok(part_queue_new(&queue_config, &queue, &why));
	files = (struct files){ .db = db, .blobs = blobs, .keyring = keyring, .queue = queue };
	assert_ok(http_pool_new(&loop, 4, 64, &pool, &why));
	assert_ok(event_hub_new(db, &hub, &why));
	add_user("alice@example.org", &alice);
	add_user("bob@example.org", &bob);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	worker_close(worker);
	worker = NULL;
	event_hub_close(hub);
	http_pool_free(pool);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	db_close(db);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	part_queue_free(queue);
	blob_close(blobs);
	keyring_free(keyring);
	if (place.kind != DB_SQLITE_MEMORY) {
		/* The next test begins with an empty one. */
		store_place_done(&place);
		assert_int_equal(store_place_init(&place, place.kind == DB_POSTGRES ? "postgres" : "file", "/tmp", ""),
				 0);
	}
	return 0;
}

/* Turns the loop until `*flag`. */
static inline void wait_for(const bool *flag, const char *what)
{
	int64_t until = clock_monotonic_us() + WAIT_S * US_PER_S;
	while (!*flag) {
		(void)uv_run(&loop, UV_RUN_NOWAIT);
		if (clock_monotonic_us() > until)
			fail_msg("%s did not come within %d s", what, WAIT_S);
		clock_sleep_us(500);
	}
}

/* -- uploads ----------------------------------------------------------------------------------------------- */

struct sending {
	struct job_new job;
	struct usage_shortage shortage;
	bool ended;
	bool room;
	struct err why;
	struct vault_info info;
};

static inline enum err_code add_job(struct db_tx *tx, void *arg, struct err *err)
{
	struct sending *s = arg;
	return job_add(queue, tx, &s->job, &s->shortage, err);
}

static inline void on_room(void *owner)
{
	((struct sending *)owner)->room = true;
}

static inline void on_stored(void *owner, const struct vault_info *info, const struct err *why)
{
	struct sending *s = owner;
	s->why = *why;
	if (info)
		s->info = *info;
	s->ended = s->room = true; /* whoever waits for room need not any more */
}

static const struct intake_events intake_callbacks = { .on_room = on_room, .on_end = on_stored };

static inline struct intake *begin(struct sending *s, const struct uuid *owner, uint64_t announced)
{
	struct intake *intake = NULL;
	*s = (struct sending){ .job = { .owner = *owner, .weight = 1, .language = "en" } };
	assert_ok(uuid_new(clock_wall_us(), &s->job.id, &why));
	s->job.file = s->job.id;
	struct intake_spec spec = { .files = &files,
				    .pool = pool,
				    .upload = { .id = s->job.id,
						.owner = *owner,
						.name = "speech.wav",
						.content_type = "audio/wav",
						.announced_bytes = announced,
						.max_bytes = (uint64_t)32 << 20 },
				    .also = { add_job, s } };
	assert_ok(intake_new(&spec, &intake_callbacks, s, &intake, &why));
	return intake;
}

static inline void feed(struct intake *intake, struct sending *s, const char *bytes, size_t len)
{
	for (size_t done = 0, n; done < len && !s->ended; done += n) {
		n = len - done < INTAKE_FEED_BYTES ? len - done : INTAKE_FEED_BYTES;
		s->room = false;
		if (!intake_feed(intake, bytes + done, n))
			wait_for(&s->room, "room for more bytes");
	}
}

static inline void send_speech(struct sending *s, const struct uuid *owner)
{
	struct intake *intake = begin(s, owner, speech.len);
	feed(intake, s, speech.data, speech.len);
	intake_finish(intake);
	wait_for(&s->ended, "the end of an upload");
	assert_int_equal(s->why.code, ERR_OK);
}

/* -- the store ------------------------------------------------------------------------------------------- */

static inline bool count_object(void *owner, const struct blob_info *info)
{
	(void)info;
	++*(int *)owner;
	return true;
}

static inline int count_objects(void)
{
	int count = 0;
	assert_ok(blob_list(blobs, "", count_object, &count, &why));
	return count;
}

/* The program: the suite over the back end that the first argument names. */
#define RUN_PIPELINE(tests)                                                                                            \
	__extension__({                                                                                                \
		int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;                           \
		if (status == 0) {                                                                                     \
			status = cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);                              \
			store_place_done(&place);                                                                      \
			strbuf_done(&speech);                                                                          \
		}                                                                                                      \
		status;                                                                                                \
	})

#endif
