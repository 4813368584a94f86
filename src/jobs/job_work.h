/*
 * What workers do to jobs, each as one unit of work: a part's result is stored, the part completed and the job's row
 * moved on together, or not at all. Stages go on from row to row: who completes the last part publishes the finish.
 *
 * Functions block: for threads of a pool, or inside a unit of work where they take a `struct db_tx`. A result that
 * comes too late (the part was claimed again, the job was cancelled) is ERR_CANCELLED, and changes nothing.
 */
#ifndef TIRO_JOBS_JOB_WORK_H
#define TIRO_JOBS_JOB_WORK_H

#include "asr/engine.h"
#include "files/files.h"
#include "jobs/part_record.h"
#include "jobs/speech_language.h"
#include "store/queue.h"

/* Fractions, weights and confidences are integers in the database: this is 1. */
#define JOB_FRACTION 1000000

/* A part that is heard once more, in another language, has this much added to its index. */
#define PART_SECOND_HEARING ((int64_t)1 << 20)

/* What all work on a job needs. */
struct job_facts {
	int64_t number; /* in the queue; 0: not read */
	struct uuid id;
	struct uuid file;
	struct data_key key; /* of the file */
	struct asr_options asked; /* language, translate, temperature and prompt; language "" to find it */
	char file_name[FILE_NAME_MAX_BYTES + 1];
	struct speech_language heard; /* what its parts spoke so far */
};

/* Reads a job by its number in the queue. Errors: ERR_CANCELLED (it has ended), and those of files_data_key. */
enum err_code job_facts_read(const struct files *files, int64_t number, struct job_facts *ret, struct err *err)
	MUST_CHECK;
void job_facts_done(struct job_facts *facts);

/* -- plan ------------------------------------------------------------------------------------------------ */

/* The job runs: seen by its owner from the first claim on. */
enum err_code job_begin(struct db *db, const struct job_facts *facts, struct err *err) MUST_CHECK;

/* Parts that follow each other, whose objects are stored. */
struct job_parts {
	uint32_t first;
	uint32_t count; /* at most PARTS_BATCH_MAX */
	const double *costs_s;
	double total_cost_s; /* of all parts of the job so far, these included */
	double fraction; /* of the recording that is planned, 0..1 */
	int64_t length_us; /* that was read so far */
};
enum err_code job_publish_parts(struct part_queue *queue, struct db *db, const struct job_facts *facts,
				const struct part_claim *claim, const struct job_parts *parts, struct err *err)
	MUST_CHECK;

/* All parts are published. `why` says why the recording breaks off (ERR_OK: it does not); with parts before that the
 * job goes on. */
enum err_code job_planned_all(struct part_queue *queue, struct db *db, const struct job_facts *facts,
			      const struct part_claim *claim, int64_t duration_us, const struct err *why,
			      struct err *err) MUST_CHECK;

/* -- parts ------------------------------------------------------------------------------------------------- */

/* Writes and reads a part's object in the vault. `ret_fd` is a sealed memfd of the samples, the caller's. */
enum err_code job_part_write(const struct files *files, const struct job_facts *facts, uint32_t index,
			     const struct part_layout *layout, int fd, struct err *err) MUST_CHECK;
enum err_code job_part_read(const struct files *files, const struct job_facts *facts, uint32_t index,
			    struct part_layout *ret, int *ret_fd, struct err *err) MUST_CHECK;

/* Parts that were written when this attempt at the job had ended: removes the objects of its first `parts`. Nothing is
 * removed while the attempt is under way, on another node. */
void job_parts_forget(const struct files *files, const struct job_facts *facts, uint32_t parts);

/* A part is recognised. */
struct job_part_done {
	const struct part_claim *claim;
	const struct part_layout *layout;
	const struct asr_transcript *words;
	int64_t busy_us; /* of the engine */
	int64_t busy_max_us; /* of all the job's parts together; more fails the job (ERR_TIMEOUT) */
};
enum err_code job_store_part(struct part_queue *queue, struct db *db, const struct job_facts *facts,
			     const struct job_part_done *done, struct err *err) MUST_CHECK;

/* -- finish -------------------------------------------------------------------------------------------------- */

/* Stitches what was heard, or has some parts heard once more first; stores the result; ends the job. */
enum err_code job_finish(struct part_queue *queue, const struct files *files, const struct job_facts *facts,
			 const struct part_claim *claim, struct err *err) MUST_CHECK;

/* The language in which a part is to be heard once more; `index` from PART_SECOND_HEARING on. */
enum err_code job_second_language(struct db *db, int64_t number, int64_t index, char ret[ASR_LANGUAGE_SIZE],
				  struct err *err) MUST_CHECK;

/* Reads a stored result; `ret` is initialised by this call. */
enum err_code job_result_read(const struct files *files, const struct uuid *job, const struct uuid *file,
			      struct asr_transcript *ret, struct err *err) MUST_CHECK;

/* -- the end ------------------------------------------------------------------------------------------------- */

/* Fails the job for `why`, unless it has ended; its parts' objects are removed. */
enum err_code job_fail_row(const struct files *files, int64_t number, const struct err *why, struct err *err)
	MUST_CHECK;

/* True for what another try may mend: a network, a full disk, an engine or a jail that was lost, but not with the same
 * part twice. */
bool job_may_pass(enum err_code code, const struct part_claim *claim);

/* A claim came to nothing. What may pass is tried again later, up to the queue's number of attempts; everything else
 * fails the job. Errors: ERR_CANCELLED (the claim no longer counts: nothing is done). */
enum err_code job_give_back(struct part_queue *queue, const struct files *files, const struct part_claim *claim,
			    const struct err *why, struct err *err) MUST_CHECK;

#endif
