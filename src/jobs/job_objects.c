/* A job's objects in the vault: its parts before they are recognised, and its result. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "jobs/job_row.h"
#include "jobs/job_work_priv.h"

/* The first byte of an object's id, which no id of version 7 has before the year 10000: an object of one kind never
 * opens as one of another. */
enum { KIND_PART = 0xF1, KIND_RESULT = 0xF2 };

/* A part's object at most: its head and 30 s of samples. */
enum { PART_BYTES_MAX = PART_HEAD_MAX + LIMIT_PART_MAX_S * AUDIO_RATE * 2 };

/* Words of the longest recording as asr_transcript_pack writes them. */
#define RESULT_BYTES_MAX ((size_t)128 * 1024 * 1024)

static void object_id(int kind, const struct uuid *job, uint32_t index, unsigned char ret[KEY_ID_BYTES])
{
	memcpy(ret, job->bytes, KEY_ID_BYTES);
	ret[0] = (unsigned char)kind;
	for (int i = 0; i < 4; i++)
		ret[1 + i] = (unsigned char)(index >> (24 - 8 * i));
}

/* A name holds the job's number in the queue, which a retry has anew: what is left of one attempt is never taken for
 * the next one's, and removing it never meets what the next one writes. */
static void part_object(const struct uuid *job, int64_t number, uint32_t index, char ret[BLOB_KEY_MAX + 1])
{
	files_object_key("parts", job, ret);
	size_t len = strlen(ret);
	(void)snprintf(ret + len, BLOB_KEY_MAX + 1 - len, "/%" PRId64 "-%u", number, index);
}

void job_part_place(const struct job_facts *facts, int64_t index, char *ret)
{
	char id[UUID_TEXT_SIZE];
	uuid_text(&facts->id, id);
	(void)snprintf(ret, NOTE_PLACE_MAX, "part/%s/%lld", id, (long long)index);
}

/* -- parts --------------------------------------------------------------------------------------------- */

static enum err_code write_samples(struct vault_writer *writer, const struct part_layout *layout, int fd,
				   struct err *err)
{
	cleanup_map struct io_map samples = { 0 };
	cleanup_strbuf struct strbuf head = STRBUF_INIT(PART_HEAD_MAX);
	part_head_pack(layout, &head);
	if (strbuf_check(&head, "a part's head", err) != ERR_OK ||
	    io_map_sealed(fd, LIMIT_BULK_BYTES, &samples, err) != ERR_OK)
		return err->code;
	if (samples.size != (size_t)layout->sample_count * sizeof(int16_t))
		return err_set(err, ERR_PROTOCOL, "a part has another size than its samples");
	enum err_code code = vault_write(writer, head.data, head.len, err);
	return code == ERR_OK ? vault_write(writer, samples.data, samples.size, err) : code;
}

enum err_code job_part_write(const struct files *files, const struct job_facts *facts, uint32_t index,
			     const struct part_layout *layout, int fd, struct err *err)
{
	char key[BLOB_KEY_MAX + 1];
	struct vault_place place = { .store = files->blobs, .key = key, .data_key = &facts->key };
	struct vault_writer *writer = NULL;
	struct vault_info info;
	part_object(&facts->id, facts->number, index, key);
	object_id(KIND_PART, &facts->id, index, place.object_id);
	if (vault_create(&place, NULL, &writer, err) != ERR_OK)
		return err->code;
	if (write_samples(writer, layout, fd, err) != ERR_OK) {
		vault_abort(writer);
		return err->code;
	}
	return vault_commit(writer, &info, err);
}

/* The object into a memfd that holds the samples alone. */
static enum err_code take_samples(const unsigned char *bytes, size_t len, struct part_layout *ret, int *ret_fd,
				  struct err *err)
{
	size_t head;
	if (part_head_unpack(bytes, len, ret, &head, err) != ERR_OK)
		return err->code;
	if (len - head != (size_t)ret->sample_count * sizeof(int16_t))
		return err_set(err, ERR_PROTOCOL, "a stored part has another size than its samples");
	cleanup_close int fd = -1;
	if (io_memfd("part", &fd, err) != ERR_OK || io_write_all(fd, bytes + head, len - head, err) != ERR_OK ||
	    io_memfd_seal(fd, err) != ERR_OK)
		return err->code;
	*ret_fd = steal_fd(&fd);
	return ERR_OK;
}

enum err_code job_part_read(const struct files *files, const struct job_facts *facts, uint32_t index,
			    struct part_layout *ret, int *ret_fd, struct err *err)
{
	char key[BLOB_KEY_MAX + 1];
	struct vault_place place = { .store = files->blobs, .key = key, .data_key = &facts->key };
	cleanup_vault_reader struct vault_reader *reader = NULL;
	part_object(&facts->id, facts->number, index, key);
	object_id(KIND_PART, &facts->id, index, place.object_id);
	if (vault_open(&place, &reader, err) != ERR_OK)
		return err->code;
	uint64_t size = vault_reader_info(reader)->plain_bytes;
	if (size == 0 || size > PART_BYTES_MAX)
		return err_set(err, ERR_PROTOCOL, "a stored part has no possible size");
	unsigned char *bytes = secret_alloc((size_t)size);
	if (!bytes)
		return err_set(err, ERR_NO_MEMORY, "no memory for a part");
	size_t got = 0;
	enum err_code code = vault_read(reader, (struct blob_range){ 0, (size_t)size }, bytes, &got, err);
	if (code == ERR_OK)
		code = take_samples(bytes, got, ret, ret_fd, err);
	secret_free(bytes, (size_t)size);
	return code;
}

/* -- result ---------------------------------------------------------------------------------------------- */

enum err_code job_result_write(const struct files *files, const struct job_facts *facts,
			       const struct asr_transcript *transcript, struct err *err)
{
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(RESULT_BYTES_MAX);
	char key[BLOB_KEY_MAX + 1];
	struct vault_place place = { .store = files->blobs, .key = key, .data_key = &facts->key };
	struct vault_writer *writer = NULL;
	struct vault_info info;
	asr_transcript_pack(transcript, &packed);
	files_object_key("results", &facts->id, key);
	object_id(KIND_RESULT, &facts->id, 0, place.object_id);
	if (strbuf_check(&packed, "a result", err) != ERR_OK || vault_create(&place, NULL, &writer, err) != ERR_OK)
		return err->code;
	enum err_code code = vault_write(writer, packed.data, packed.len, err);
	secret_wipe(packed.data, packed.len);
	if (code != ERR_OK) {
		vault_abort(writer);
		return code;
	}
	return vault_commit(writer, &info, err);
}

static enum err_code read_result(struct vault_reader *reader, struct asr_transcript *ret, struct err *err)
{
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(RESULT_BYTES_MAX);
	uint64_t size = vault_reader_info(reader)->plain_bytes;
	if (size > RESULT_BYTES_MAX)
		return err_set(err, ERR_CORRUPT, "a stored result has no possible size");
	void *into = strbuf_reserve(&packed, (size_t)size);
	size_t got = 0;
	if (!into)
		return strbuf_check(&packed, "a result", err);
	if (vault_read(reader, (struct blob_range){ 0, (size_t)size }, into, &got, err) != ERR_OK)
		return err->code;
	enum err_code code = asr_transcript_unpack(into, got, ret, err);
	secret_wipe(into, got);
	return code;
}

enum err_code job_result_read(const struct files *files, const struct uuid *job, const struct uuid *file,
			      struct asr_transcript *ret, struct err *err)
{
	cleanup_data_key struct data_key data_key = { 0 };
	char key[BLOB_KEY_MAX + 1];
	struct vault_place place = { .store = files->blobs, .key = key, .data_key = &data_key };
	cleanup_vault_reader struct vault_reader *reader = NULL;
	asr_transcript_init(ret);
	files_object_key("results", job, key);
	object_id(KIND_RESULT, job, 0, place.object_id);
	if (files_data_key(files, file, &data_key, err) != ERR_OK || vault_open(&place, &reader, err) != ERR_OK)
		return err->code;
	return read_result(reader, ret, err);
}

enum err_code job_parts_remove(const struct files *files, const struct uuid *job, int64_t number, uint32_t parts,
			       struct err *err)
{
	for (uint32_t i = 0; i < parts; i++) {
		char key[BLOB_KEY_MAX + 1];
		part_object(job, number, i, key);
		if (blob_delete(files->blobs, key, err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}

static enum err_code remove_result(const struct files *files, const struct uuid *job, struct err *err)
{
	char key[BLOB_KEY_MAX + 1];
	files_object_key("results", job, key);
	return blob_delete(files->blobs, key, err);
}

enum err_code job_objects_remove(const struct files *files, const struct uuid *job, int64_t number, uint32_t parts,
				 struct err *err)
{
	enum err_code code = remove_result(files, job, err);
	return code == ERR_OK ? job_parts_remove(files, job, number, parts, err) : code;
}

/* -- of jobs that have ended -------------------------------------------------------------------------------- */

void job_parts_forget(const struct files *files, const struct job_facts *facts, uint32_t parts)
{
	static const struct db_stmt find = { .sql = "SELECT 1 FROM jobs WHERE queue_job = $1", .params = "i" };
	struct db_value params[] = { db_int(facts->number) };
	bool is_under_way = true;
	struct err err;
	if (db_has_row(files->db, &find, params, &is_under_way, &err) != ERR_OK ||
	    (!is_under_way && job_parts_remove(files, &facts->id, facts->number, parts, &err) != ERR_OK))
		log_line(LOG_WARNING, "parts of a job that has ended are left to the sweep: %s", err.message);
}

void job_result_forget(const struct files *files, const struct job_facts *facts)
{
	/* One that failed may be tried again, and have a result by now. */
	static const struct db_stmt find = { .sql = "SELECT 1 FROM jobs WHERE id = $1 AND state <> 4", .params = "b" };
	struct db_value params[] = { db_id(&facts->id) };
	bool is_wanted = true;
	struct err err;
	if (db_has_row(files->db, &find, params, &is_wanted, &err) != ERR_OK ||
	    (!is_wanted && remove_result(files, &facts->id, &err) != ERR_OK))
		log_line(LOG_WARNING, "the result of a job that has ended is left to the sweep: %s", err.message);
}
