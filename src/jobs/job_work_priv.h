/* Between the files of job_work.h: steps inside units of work, names of places. */
#ifndef TIRO_JOBS_JOB_WORK_PRIV_H
#define TIRO_JOBS_JOB_WORK_PRIV_H

#include "blob/note.h"
#include "jobs/job_work.h"

/* Runs a unit that completes a claim, once more where its outcome is unknown: what was stored is refused then
 * (ERR_CANCELLED), and so is what another node has. */
enum err_code job_run_again(struct db *db, const struct db_work *work, struct err *err) MUST_CHECK;

/* Completes a claim. Errors: ERR_CANCELLED (the token no longer counts). */
enum err_code job_accept(struct db_tx *tx, const struct part_claim *claim, struct err *err) MUST_CHECK;

/* Publishes the stage that ends a job; `finishes`: how many went before. */
enum err_code job_publish_finish(struct part_queue *queue, struct db_tx *tx, int64_t number, int64_t finishes,
				 struct err *err) MUST_CHECK;

/* Where a part's words belong (blob/note.h); `ret` has NOTE_PLACE_MAX bytes. */
void job_part_place(const struct job_facts *facts, int64_t index, char *ret);

/* Writes the result's object. */
enum err_code job_result_write(const struct files *files, const struct job_facts *facts,
			       const struct asr_transcript *transcript, struct err *err) MUST_CHECK;

/* Removes the objects of the parts of an attempt at a job, which has this number in the queue. */
enum err_code job_parts_remove(const struct files *files, const struct uuid *job, int64_t number, uint32_t parts,
			       struct err *err) MUST_CHECK;

/* The same, and the result: of a job that will never be tried again. */
enum err_code job_objects_remove(const struct files *files, const struct uuid *job, int64_t number, uint32_t parts,
				 struct err *err) MUST_CHECK;

/* A result that was written and then refused: removed where the job was cancelled or deleted. */
void job_result_forget(const struct files *files, const struct job_facts *facts);

#endif
