/*
 * A node: takes jobs, runs their parts on its engine, in the order of the queue. A job's plan opens a jail over its
 * file, every part that comes out is published, claimed when a thread of the engine is free, recognised, and put
 * in its place; the results come out in order while the rest is still being planned.
 *
 * Nothing here holds a whole recording or document: jails are held back when parts wait (jail/jail.h), a part's samples
 * or pixels go when it is recognised.
 *
 * An engine that dies is started again; the parts in hand are claimed again, and one that kills it twice fails its
 * job. One that takes longer than part_limit_ms over a part is stopped and counts as killed by that part. All calls and
 * callbacks happen on the loop's thread.
 */
#ifndef TIRO_JOBS_NODE_H
#define TIRO_JOBS_NODE_H

#include <uv.h>

#include "asr/engine.h"
#include "asr/transcript.h"
#include "base/err.h"
#include "jail/jail.h"
#include "ocr/engine.h"
#include "ocr/page.h"

struct node;
struct job;

struct node_spec {
	int threads; /* parts recognised at the same time; 0: one per core that this process may use */
	bool fake; /* the fake recognisers, for tests */
	int speech_model_fd; /* the speech model, or -1; kept by the caller while the node lives */
	int vad_fd; /* the speech detector's model, or -1; likewise */
	const char *openvino; /* folder of OpenVINO's library (engine/engine.h); borrowed while the node lives */
	int64_t part_limit_ms; /* for a part in the engine's hands; 0: LIMIT_ENGINE_PART_MS */
	const struct ocr_model_spec *pages; /* NULL where pages are not read; borrowed while the node lives */
};

/* Starts the engine in the background. Errors: ERR_UNAVAILABLE, ERR_SYSTEM, ERR_NO_MEMORY. */
enum err_code node_new(uv_loop_t *loop, const struct node_spec *spec, struct node **ret, struct err *err) MUST_CHECK;

/* Stops everything at once, jobs included; no callback follows. NULL is fine. The loop must run on until its handles
 * are closed. */
void node_close(struct node *node);

struct job_progress {
	double fraction; /* 0..1, never falls; an estimate until the plan ends */
	int64_t duration_us; /* of the recording, -1 while unknown; 0 for documents */
	uint32_t parts_planned;
	uint32_t parts_done;
	bool planned; /* the plan has ended: the totals are final */
};

/* What a job tells its owner; every member may be NULL but on_end. */
struct job_events {
	/* parts or pages were planned or done */
	void (*on_progress)(void *owner, const struct job_progress *progress);
	/* Speech: `transcript` grew by whole segments, in order. Called once for a recording without words too. It
	 * stays until on_end. */
	void (*on_transcript)(void *owner, const struct asr_transcript *transcript);
	/* Pages: the next page, in order. `page` is NULL where it failed, and `why` says so. */
	void (*on_page)(void *owner, uint32_t number, const struct ocr_page *page, const struct err *why);
	/* Pages, where a PDF was asked for: a sealed memfd of `size` bytes, borrowed. */
	void (*on_pdf)(void *owner, int fd, uint64_t size);
	/* The last callback: ERR_OK, or why the job failed. What was recognised before stands. */
	void (*on_end)(void *owner, const struct err *why);
};

struct speech_request {
	struct jail_source source; /* its context is borrowed until on_end or job_cancel */
	struct asr_options options; /* `threads` and `alone` are the node's business */
	int audio_track;
	double weight; /* share of the engine; 0 means 1 */
	int priority;
};

/* Queues a recording. The job is the node's; the pointer is good until on_end. */
enum err_code node_add_speech(struct node *node, const struct speech_request *request, const struct job_events *events,
			      void *owner, struct job **ret, struct err *err) MUST_CHECK;

struct pages_request {
	struct jail_source source;
	struct ocr_options options;
	struct jail_pages_options jail;
	bool want_pdf;
	double weight;
	int priority;
};

/* Queues a document. */
enum err_code node_add_pages(struct node *node, const struct pages_request *request, const struct job_events *events,
			     void *owner, struct job **ret, struct err *err) MUST_CHECK;

/* Stops a job at once, its part in hand included; on_end follows with ERR_CANCELLED, later. */
void job_cancel(struct job *job);

#endif
