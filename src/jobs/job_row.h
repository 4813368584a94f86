/*
 * Jobs as their owners see them, in the database: made with a file, listed, cancelled, tried again, deleted. What
 * workers do to a row is in job_work.h.
 *
 * Functions block (store/db.h): for threads of a pool. Those that take a `struct db_tx` are for use inside a unit of
 * work. Thread-safe. A job whose file the viewer may not read is ERR_NOT_FOUND.
 */
#ifndef TIRO_JOBS_JOB_ROW_H
#define TIRO_JOBS_JOB_ROW_H

#include "accounts/usage.h"
#include "asr/engine.h"
#include "files/files.h"
#include "store/queue.h"

enum { JOB_MODEL_MAX = 63, JOB_LIST_MAX = 1000 };

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED, JOB_STATES };

/* "queued", "running", ...; never NULL. */
const char *job_state_name(enum job_state state);

struct job_row {
	struct uuid id;
	struct uuid owner;
	struct uuid file;
	char file_name[FILE_NAME_MAX_BYTES + 1];
	enum job_state state;
	int priority;
	int retries; /* by the user */
	double progress; /* 0..1, never falls while the job runs */
	int64_t created_us;
	int64_t started_us; /* 0: not yet */
	int64_t ended_us; /* 0: not yet */
	int64_t duration_us; /* of the recording; -1: not known */
	char language[ASR_LANGUAGE_SIZE]; /* asked for, or found; "" not known */
	char model[JOB_MODEL_MAX + 1]; /* asked for; "": the default */
	char error_code[32]; /* "" where none */
	char error_message[ERR_MESSAGE_MAX];
};

/* -- making one ---------------------------------------------------------------------------------------- */

struct job_new {
	struct uuid id;
	struct uuid owner;
	struct uuid file;
	int priority; /* -10..10 */
	double weight; /* the owner's share of the engines, 1 by default */
	char language[ASR_LANGUAGE_SIZE]; /* "" to find it */
	char model[JOB_MODEL_MAX + 1]; /* "" for the default */
	bool diarize;
	char prompt[ASR_PROMPT_SIZE]; /* names and words to expect; "" for none */
	bool translate; /* into English */
	double temperature; /* 0..1, where sampling starts */
	struct uuid application; /* that is charged; zeros: the owner's default one */
	int64_t length_us; /* of the recording, as far as it is known: reserved at once; 0: as the plan finds it */
};

/* Adds the job and its first part. The file's row is changed in the same unit, before. Errors: ERR_CONFLICT (the id is
 * taken), ERR_INVALID, ERR_QUOTA (with *ret_shortage filled). */
enum err_code job_add(struct part_queue *queue, struct db_tx *tx, const struct job_new *job,
		      struct usage_shortage *ret_shortage, struct err *err) MUST_CHECK;

/* -- looking -------------------------------------------------------------------------------------------- */

enum err_code job_find(struct db *db, const struct uuid *viewer, const struct uuid *id, struct job_row *ret,
		       struct err *err) MUST_CHECK;

struct job_page {
	struct uuid owner;
	int state; /* enum job_state; -1: all */
	size_t limit; /* 1..JOB_LIST_MAX */
	size_t offset;
};
struct job_rows {
	struct job_row *rows; /* owned; newest first */
	size_t count;
	uint64_t total; /* of all pages */
};
enum err_code job_find_all(struct db *db, const struct job_page *page, struct job_rows *ret, struct err *err)
	MUST_CHECK;
void job_rows_done(struct job_rows *list);
#define cleanup_job_rows cleanup(job_rows_done)

/* The words of a job that succeeded; `ret` is the caller's to release. Errors: ERR_NOT_FOUND; ERR_BUSY: not ready, and
 * *ret_job says how far it is. */
enum err_code job_result(const struct files *files, const struct uuid *viewer, const struct uuid *id,
			 struct job_row *ret_job, struct asr_transcript *ret, struct err *err) MUST_CHECK;

/* -- changing -------------------------------------------------------------------------------------------- */

/* Owner only. Errors: ERR_NOT_FOUND; ERR_CONFLICT: it has ended. *ret is the job as it is then. */
enum err_code job_cancel_row(const struct files *files, const struct uuid *owner, const struct uuid *id,
			     struct job_row *ret, struct err *err) MUST_CHECK;

/* Owner only. Errors: ERR_NOT_FOUND; ERR_CONFLICT: it has not failed; ERR_QUOTA. */
enum err_code job_retry(struct part_queue *queue, struct db *db, const struct uuid *owner, const struct uuid *id,
			struct job_row *ret, struct err *err) MUST_CHECK;

/* Deletes an owner's file with its jobs, which are cancelled first. Errors: ERR_NOT_FOUND. */
enum err_code job_delete_file(const struct files *files, const struct uuid *owner, const struct uuid *file,
			      struct err *err) MUST_CHECK;

/* The same, of a file all of whose jobs ended before `before_us`. Errors: ERR_NOT_FOUND; ERR_CONFLICT: one has not. */
enum err_code job_expire_file(const struct files *files, const struct uuid *owner, const struct uuid *file,
			      int64_t before_us, struct err *err) MUST_CHECK;

/* -- notices between nodes ----------------------------------------------------------------------------------- */

/* The channel on which nodes are told that a job has ended early; the text is the queue's number of the job. */
#define JOBS_CHANNEL "jobs"

#endif
