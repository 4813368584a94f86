/*
 * A recording's way through the stages: the jail sends parts, the engine recognises them in any order, and what is
 * whole from the start on is stitched and told.
 */
#include <stdlib.h>
#include <string.h>

#include "asr/stitch.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "jobs/job_priv.h"
#include "jobs/speech_language.h"

/* Up to this length a recording may be one part; it waits for the end of the plan to know (then it is searched harder
 * and gets every core). Longer ones start at once. */
#define MAYBE_ALONE_US ((int64_t)LIMIT_PART_MAX_S * US_PER_S)

/* Parts that are recognised but wait for one before them: so many for each that the jail may be ahead. More hold the
 * jail back, so that a part that takes very long does not have the whole recording pile up behind it. */
enum { HELD_PER_AHEAD = 4 };

struct part {
	int pcm_fd; /* kept until the part is stitched: it may be recognised once more */
	bool done;
	bool retried; /* in another language than it was first heard in */
	char language[ASR_LANGUAGE_SIZE]; /* to recognise it in; "" detects it */
	uint32_t sample_count;
	uint32_t span_count;
	struct asr_transcript result;
	struct asr_span spans[];
};

struct speech_job {
	struct job base;
	struct speech_request request;
	struct jail *jail;
	bool has_info;
	struct jail_audio_info info;
	int64_t decoded_us;
	double planned_s; /* speech in all parts so far */
	double done_s;
	struct part **parts; /* NULL once stitched */
	uint32_t part_count;
	uint32_t part_capacity;
	uint32_t heard; /* parts recognised at least once */
	uint32_t untaken; /* of them, those that the jail was not told to be taken */
	uint32_t held_max; /* heard and not stitched, before the jail is held back */
	uint32_t stitched; /* parts in the transcript */
	bool holds_first; /* part 0 is not published yet */
	struct speech_language language;
	struct asr_transcript transcript;
};

static struct speech_job *self(struct job *job)
{
	return (struct speech_job *)job;
}

static void free_part(struct part *part)
{
	if (!part)
		return;
	if (part->pcm_fd >= 0)
		(void)close(part->pcm_fd);
	asr_transcript_done(&part->result);
	free(part);
}

static double seconds_of(const struct part *part)
{
	return (double)part->sample_count / AUDIO_RATE;
}

static void update_progress(struct speech_job *s)
{
	/* How far the plan is, times how much of the plan is done: an estimate until the plan ends. */
	double planned = s->base.progress.planned ? 1 : 0;
	if (!s->base.progress.planned && s->info.duration_us > 0)
		planned = (double)s->decoded_us / (double)s->info.duration_us;
	double done = s->planned_s > 0 ? s->done_s / s->planned_s : 0;
	job_progressed(&s->base, planned * done);
}

static void advance(struct speech_job *s);

/* -- plan -------------------------------------------------------------------------------------------------- */

static enum err_code publish(struct speech_job *s, uint32_t index, struct err *err)
{
	return job_publish(&s->base, index, seconds_of(s->parts[index]), err);
}

static enum err_code publish_held(struct speech_job *s, struct err *err)
{
	if (!s->holds_first)
		return ERR_OK;
	s->holds_first = false;
	return publish(s, 0, err);
}

static enum err_code keep_part(struct speech_job *s, const struct asr_part *layout, struct part **ret, struct err *err)
{
	if (s->part_count == s->part_capacity) {
		uint32_t capacity = s->part_capacity ? s->part_capacity * 2 : 16;
		struct part **parts = realloc(s->parts, capacity * sizeof *parts);
		if (!parts)
			return err_set(err, ERR_NO_MEMORY, "no memory for %u parts", capacity);
		s->parts = parts;
		s->part_capacity = capacity;
	}
	struct part *part = calloc(1, sizeof *part + layout->span_count * sizeof part->spans[0]);
	if (!part)
		return err_set(err, ERR_NO_MEMORY, "no memory for a part");
	part->pcm_fd = -1;
	part->sample_count = layout->sample_count;
	part->span_count = layout->span_count;
	memcpy(part->spans, layout->spans, layout->span_count * sizeof part->spans[0]);
	s->parts[s->part_count++] = part;
	*ret = part;
	return ERR_OK;
}

static enum err_code add_part(struct speech_job *s, const struct asr_part *layout, int *pcm_fd, struct err *err)
{
	struct part *part = NULL;
	enum err_code code = keep_part(s, layout, &part, err);
	if (code != ERR_OK)
		return code;
	part->pcm_fd = steal_fd(pcm_fd);
	s->planned_s += seconds_of(part);
	s->base.progress.parts_planned++;
	bool maybe_alone = s->part_count == 1 && s->info.duration_us <= MAYBE_ALONE_US;
	if (maybe_alone) {
		s->holds_first = true;
		return ERR_OK;
	}
	code = publish_held(s, err);
	return code == ERR_OK ? publish(s, s->part_count - 1, err) : code;
}

static void on_audio_info(void *owner, const struct jail_audio_info *info)
{
	struct speech_job *s = owner;
	s->info = *info;
	s->has_info = true;
	s->base.progress.duration_us = info->duration_us;
	update_progress(s);
}

static void on_part(void *owner, const struct asr_part *part, int *pcm_fd)
{
	struct speech_job *s = owner;
	struct err err;
	if (add_part(s, part, pcm_fd, &err) != ERR_OK)
		job_fail(&s->base, &err);
	else
		update_progress(s);
}

static void on_progress(void *owner, int64_t decoded_us)
{
	struct speech_job *s = owner;
	s->decoded_us = decoded_us;
	update_progress(s);
}

static void on_jail_end(void *owner, int64_t duration_us, const struct err *why)
{
	struct speech_job *s = owner;
	jail_close(steal_ptr(&s->jail));
	struct err err;
	/* A file that breaks off keeps what came before; the reason is told at the end. */
	s->base.why = *why;
	if (why->code == ERR_OK || s->part_count > 0)
		s->base.progress.duration_us = s->transcript.duration_us = duration_us;
	if (why->code != ERR_OK && s->part_count == 0) {
		job_fail(&s->base, why);
		return;
	}
	s->base.progress.planned = true;
	if (publish_held(s, &err) != ERR_OK) {
		job_fail(&s->base, &err);
		return;
	}
	job_planned(&s->base, true);
	advance(s);
}

static const struct jail_events jail_callbacks = {
	.on_audio_info = on_audio_info, .on_part = on_part, .on_progress = on_progress, .on_end = on_jail_end
};

static enum err_code plan(struct job *job, struct err *err)
{
	struct speech_job *s = self(job);
	/* Two parts for each thread, so that one recording keeps them all busy. */
	int ahead = 2 * job_threads(job);
	if (ahead > JAIL_PARTS_AHEAD_MAX)
		ahead = JAIL_PARTS_AHEAD_MAX;
	if (ahead < JAIL_PARTS_AHEAD)
		ahead = JAIL_PARTS_AHEAD;
	s->held_max = HELD_PER_AHEAD * (uint32_t)ahead;
	struct jail_audio_options options = { .vad_fd = job_vad_fd(job),
					      .audio_track = s->request.audio_track,
					      .parts_ahead = (uint32_t)ahead };
	return jail_open_audio(job_loop(job), &s->request.source, &options, &jail_callbacks, s, &s->jail, err);
}

/* -- recognise ------------------------------------------------------------------------------------------------ */

static enum err_code recognise(struct job *job, uint32_t index, uint32_t task, bool lone, struct err *err)
{
	struct speech_job *s = self(job);
	struct part *part = s->parts[index];
	struct asr_options options = s->request.options;
	if (s->language.is_auto && !part->retried)
		speech_language_next(&s->language, part->language);
	if (s->language.is_auto)
		memcpy(options.language, part->language, sizeof options.language);
	options.threads = lone ? job_threads(job) : 1;
	options.alone = job->progress.planned && s->part_count == 1;
	return engine_recognise(job_engine(job), task, part->pcm_fd, &options, err);
}

/* Gives a part to the engine once more, where the recording's language is another than the part was heard in. */
static bool retry_part(struct speech_job *s, struct part *part, struct err *err)
{
	char language[ASR_LANGUAGE_SIZE];
	if (!s->language.is_auto || part->retried || !speech_language_differs(&s->language, &part->result, language))
		return false;
	part->retried = true;
	part->done = false;
	memcpy(part->language, language, sizeof part->language);
	asr_transcript_done(&part->result);
	return publish(s, s->stitched, err) == ERR_OK;
}

/* Moves the parts that are whole from the start on into the transcript. */
static enum err_code stitch(struct speech_job *s, struct err *err)
{
	size_t before = s->transcript.segment_count;
	bool all_heard = s->base.progress.planned && s->heard == s->part_count;
	if (!all_heard && !speech_language_is_known(&s->language) && s->heard - s->stitched < s->held_max)
		return ERR_OK;
	while (s->stitched < s->part_count && s->parts[s->stitched]->done) {
		struct part *part = s->parts[s->stitched];
		err->code = ERR_OK;
		if (retry_part(s, part, err))
			break;
		if (err->code != ERR_OK || asr_stitch(&s->transcript, &part->result, part->spans, part->span_count,
						      s->info.start_us, err) != ERR_OK)
			return err->code;
		free_part(steal_ptr(&s->parts[s->stitched]));
		s->stitched++;
		job_part_done(&s->base);
	}
	speech_language_of_all(&s->language, &s->transcript);
	if (s->transcript.segment_count > before && s->base.events->on_transcript)
		s->base.events->on_transcript(s->base.owner, &s->transcript);
	return ERR_OK;
}

/* Lets the jail go on as far as the parts that wait allow. */
static void take_parts(struct speech_job *s)
{
	while (s->jail && s->untaken > 0 && s->heard - s->stitched < s->held_max) {
		s->untaken--;
		jail_part_taken(s->jail);
	}
}

static void advance(struct speech_job *s)
{
	struct err err;
	if (stitch(s, &err) != ERR_OK) {
		job_fail(&s->base, &err);
		return;
	}
	update_progress(s);
	take_parts(s);
}

static void recognised(struct job *job, uint32_t index, struct asr_transcript *speech, struct ocr_page *page,
		       const struct err *why)
{
	(void)page;
	struct speech_job *s = self(job);
	struct part *part = s->parts[index];
	if (!speech) {
		job_fail(job, why);
		return;
	}
	/* The result is lent: the part takes it over. */
	part->result = *speech;
	*speech = (struct asr_transcript){ 0 };
	part->done = true;
	if (s->language.is_auto && !part->language[0])
		speech_language_heard(&s->language, &part->result, seconds_of(part));
	if (!part->retried) {
		s->done_s += seconds_of(part);
		s->heard++;
		s->untaken++;
	}
	advance(s);
}

/* -- finish ----------------------------------------------------------------------------------------------------- */

static void finish(struct job *job)
{
	const struct speech_job *s = self(job);
	/* A recording without a word still has a length and perhaps a language. */
	if (s->transcript.segment_count == 0 && job->events->on_transcript)
		job->events->on_transcript(job->owner, &s->transcript);
	job_finished(job);
}

static void stop(struct job *job)
{
	jail_close(steal_ptr(&self(job)->jail));
}

static void free_speech(struct job *job)
{
	struct speech_job *s = self(job);
	for (uint32_t i = 0; i < s->part_count; i++)
		free_part(s->parts[i]);
	free(s->parts);
	asr_transcript_done(&s->transcript);
	free(s);
}

static const struct job_ops speech_ops = { .is_speech = true,
					   .plan = plan,
					   .recognise = recognise,
					   .recognised = recognised,
					   .finish = finish,
					   .stop = stop,
					   .free = free_speech };

enum err_code node_add_speech(struct node *node, const struct speech_request *request, const struct job_events *events,
			      void *owner, struct job **ret, struct err *err)
{
	struct speech_job *s = calloc(1, sizeof *s);
	if (!s)
		return err_set(err, ERR_NO_MEMORY, "no memory for a job");
	asr_transcript_init(&s->transcript);
	s->base.ops = &speech_ops;
	s->base.events = events;
	s->base.owner = owner;
	s->request = *request;
	s->info.duration_us = -1;
	speech_language_init(&s->language, request->options.language);
	memcpy(s->transcript.language, request->options.language, sizeof s->transcript.language);
	s->transcript.language_confidence = s->language.is_auto ? 0 : 1;
	enum err_code code = job_start(node, &s->base, request->weight, request->priority, err);
	if (code == ERR_OK)
		*ret = (struct job *)s;
	return code;
}
