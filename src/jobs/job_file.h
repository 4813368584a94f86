/*
 * Files together with the job that was made with each (it has the file's id): what a list of files shows.
 *
 * Functions block: for threads of a pool. Thread-safe. A file that the viewer may not read is ERR_NOT_FOUND.
 */
#ifndef TIRO_JOBS_JOB_FILE_H
#define TIRO_JOBS_JOB_FILE_H

#include "files/files.h"
#include "jobs/job_row.h"

struct job_file {
	struct uuid id;
	struct uuid owner;
	char name[FILE_NAME_MAX_BYTES + 1];
	char content_type[FILE_TYPE_MAX_BYTES + 1];
	bool is_stored; /* else it is being uploaded */
	uint64_t size_bytes; /* of an unfinished upload: what is reserved */
	char sha256[SHA256_HEX_SIZE]; /* "" until stored */
	int64_t created_us;
	enum job_state state; /* JOB_QUEUED while it is uploaded */
	int64_t ended_us; /* 0: not yet */
};

enum err_code job_file_find(struct db *db, const struct uuid *viewer, const struct uuid *id, struct job_file *ret,
			    struct err *err) MUST_CHECK;

/* The owner's files, newest first, those that are being deleted left out. */
enum { FILES_LIST_MAX = 1000 };
struct file_page {
	struct uuid owner;
	size_t limit; /* 1..FILES_LIST_MAX */
	size_t offset;
};
struct job_files {
	struct job_file *rows; /* owned */
	size_t count;
	uint64_t total; /* of all pages */
};
enum err_code job_file_list(struct db *db, const struct file_page *page, struct job_files *ret, struct err *err)
	MUST_CHECK;
void job_files_done(struct job_files *list);

#endif
