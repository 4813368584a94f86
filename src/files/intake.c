#include "files/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* The block that is full may get the rest of what the feeder has in hand. */
#define BLOCK_ROOM (INTAKE_BLOCK_BYTES + INTAKE_FEED_BYTES)

/* What the thread does next; one step at a time. */
enum step { STEP_BEGIN, STEP_WRITE, STEP_SEAL, STEP_STORE, STEP_DROP };

struct intake {
	struct http_work work;
	const struct intake_events *events;
	void *owner; /* of the callbacks */
	struct intake_spec spec;
	char *name, *content_type; /* owned */
	struct upload *upload; /* the thread's while it works */
	enum step step;
	bool working; /* the thread has it */
	bool begun;
	bool finishing; /* no more bytes come */
	bool sealed;
	bool storing; /* once it is sealed nothing keeps it from being stored */
	bool aborted;
	bool stopped; /* the feeder waits */
	unsigned char *blocks[2]; /* BLOCK_ROOM each; the one that is not being filled is the thread's while it works */
	size_t filled[2];
	int filling;
	int64_t progress_us; /* the thread's */
	struct vault_info info;
	struct err why;
};

static void free_intake(struct intake *intake)
{
	free(intake->blocks[0]);
	free(intake->blocks[1]);
	free(intake->name);
	free(intake->content_type);
	free(intake);
}

/* -- in the pool's thread ---------------------------------------------------------------------------- */

static void tell_progress(struct intake *intake)
{
	int64_t now = clock_monotonic_us();
	if (!intake->events->on_progress || now - intake->progress_us < INTAKE_PROGRESS_US)
		return;
	intake->progress_us = now;
	intake->events->on_progress(intake->owner, upload_bytes(intake->upload));
}

static enum err_code store(struct intake *intake)
{
	intake->step = STEP_STORE;
	return upload_store(steal_ptr(&intake->upload), &intake->spec.also, &intake->info, &intake->why);
}

static void run(struct http_work *work)
{
	struct intake *intake = (struct intake *)work;
	int full = 1 - intake->filling;
	enum err_code code = ERR_OK;
	switch (intake->step) {
	case STEP_BEGIN:
		code = upload_begin(intake->spec.files, &intake->spec.upload, &intake->upload, &intake->why);
		break;
	case STEP_WRITE:
		code = upload_write(intake->upload, intake->blocks[full], intake->filled[full], &intake->why);
		if (code == ERR_OK)
			tell_progress(intake);
		break;
	case STEP_SEAL:
		code = upload_seal(intake->upload, &intake->why);
		intake->sealed = code == ERR_OK;
		if (intake->sealed && intake->storing)
			code = store(intake);
		break;
	case STEP_STORE:
		code = store(intake);
		break;
	case STEP_DROP:
		upload_abort(steal_ptr(&intake->upload));
		break;
	}
	intake->why.code = code;
	if (code != ERR_OK && intake->upload)
		upload_abort(steal_ptr(&intake->upload));
}

/* -- on the loop's --------------------------------------------------------------------------------------- */

static void next_step(struct intake *intake);

static void end(struct intake *intake)
{
	bool stored = intake->step == STEP_STORE && intake->why.code == ERR_OK;
	if (!stored && intake->why.code == ERR_OK)
		(void)err_set(&intake->why, ERR_CANCELLED, "the upload was broken off");
	intake->events->on_end(intake->owner, stored ? &intake->info : NULL, &intake->why);
	free_intake(intake);
}

static void done(struct http_work *work)
{
	struct intake *intake = (struct intake *)work;
	intake->working = false;
	if (work->dropped) {
		(void)err_set(&intake->why, ERR_CANCELLED, "the server is stopping");
		upload_abort(steal_ptr(&intake->upload)); /* waits, but nobody is served any more */
	}
	if (intake->step == STEP_WRITE)
		intake->filled[1 - intake->filling] = 0;
	if (intake->why.code != ERR_OK || intake->step == STEP_STORE || intake->step == STEP_DROP) {
		/* What a client left before it was stored is dropped; what is stored already stays. */
		end(intake);
		return;
	}
	enum step step = intake->step;
	next_step(intake);
	if (intake->aborted)
		return;
	if (step == STEP_BEGIN && intake->events->on_begun)
		intake->events->on_begun(intake->owner);
	else if (step == STEP_SEAL)
		intake->events->on_sealed(intake->owner);
}

static void submit(struct intake *intake, enum step step)
{
	intake->step = step;
	intake->working = true;
	intake->work.run = run;
	intake->work.done = done;
	http_pool_continue(intake->spec.pool, &intake->work);
}

/* The full block goes to the thread, the other one is filled meanwhile. */
static void write_block(struct intake *intake)
{
	intake->filling = 1 - intake->filling;
	submit(intake, STEP_WRITE);
	if (!intake->stopped || intake->aborted)
		return;
	intake->stopped = false;
	intake->events->on_room(intake->owner);
}

static void next_step(struct intake *intake)
{
	size_t filled = intake->filled[intake->filling];
	if (intake->working)
		return;
	if (intake->aborted)
		submit(intake, STEP_DROP);
	else if (intake->sealed && intake->storing)
		submit(intake, STEP_STORE);
	else if (intake->sealed)
		return;
	else if (filled >= INTAKE_BLOCK_BYTES || (intake->finishing && filled > 0))
		write_block(intake);
	else if (intake->finishing)
		submit(intake, STEP_SEAL);
}

bool intake_feed(struct intake *intake, const void *bytes, size_t len)
{
	size_t *filled = &intake->filled[intake->filling];
	size_t room = BLOCK_ROOM - *filled;
	assert(len <= room); /* a feeder that does not stop */
	memcpy(intake->blocks[intake->filling] + *filled, bytes, len);
	*filled += len;
	bool full = *filled >= INTAKE_BLOCK_BYTES;
	if (full && intake->working) {
		intake->stopped = true;
		return false;
	}
	next_step(intake);
	return true;
}

void intake_finish(struct intake *intake)
{
	intake->finishing = true;
	intake->storing = !intake->events->on_sealed;
	next_step(intake);
}

void intake_store(struct intake *intake)
{
	assert(intake->sealed);
	intake->storing = true;
	next_step(intake);
}

void intake_abort(struct intake *intake)
{
	intake->aborted = true;
	next_step(intake);
}

static enum err_code copy_spec(struct intake *intake, const struct intake_spec *spec, struct err *err)
{
	intake->spec = *spec;
	intake->name = strdup(spec->upload.name);
	intake->content_type = strdup(spec->upload.content_type);
	intake->blocks[0] = malloc(BLOCK_ROOM);
	intake->blocks[1] = malloc(BLOCK_ROOM);
	intake->spec.upload.name = intake->name;
	intake->spec.upload.content_type = intake->content_type;
	if (intake->name && intake->content_type && intake->blocks[0] && intake->blocks[1])
		return ERR_OK;
	return err_set(err, ERR_NO_MEMORY, "no memory for an upload");
}

enum err_code intake_new(const struct intake_spec *spec, const struct intake_events *events, void *owner,
			 struct intake **ret, struct err *err)
{
	struct intake *intake = calloc(1, sizeof *intake);
	if (!intake)
		return err_set(err, ERR_NO_MEMORY, "no memory for an upload");
	intake->events = events;
	intake->owner = owner;
	intake->step = STEP_BEGIN;
	intake->working = true;
	intake->work.run = run;
	intake->work.done = done;
	if (copy_spec(intake, spec, err) != ERR_OK || http_pool_submit(spec->pool, &intake->work, err) != ERR_OK) {
		free_intake(intake);
		return err->code;
	}
	*ret = intake;
	return ERR_OK;
}
