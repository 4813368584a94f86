/*
 * A jail over a recording, run to its end on a loop of its own, for tests: what came out of it is counted.
 */
#ifndef TIRO_TESTS_JAIL_RUN_H
#define TIRO_TESTS_JAIL_RUN_H

#include "jail/jail.h"
#include "media/input.h"

struct jail_run {
	/* How to run; zeroes are the usual case. */
	uint32_t audio_track;
	bool is_probe;
	bool answer_later; /* reads are answered from the loop, not at once */
	int fail_read; /* the n-th read (from 1) fails; 0: none */
	int close_at_part; /* jail_close in the callback of the n-th part (from 1); 0: never */
	int close_at_read; /* jail_close with the n-th read unanswered; 0: never */
	uint32_t parts_ahead; /* of the options */
	bool hold_parts; /* a part is taken only once all of them wait, and a while after that */

	/* What came of it. */
	struct jail_audio_info info;
	int infos, parts, progresses, ends;
	int most_waiting; /* parts that were there and not taken */
	int64_t samples; /* in all parts */
	int64_t last_source; /* end of the last span */
	int64_t duration_us;
	int pid;
	struct err why;

	/* Inside. */
	const struct media_input *input;
	struct jail *jail;
	uv_loop_t loop;
	int reads, waiting;
};

/* Runs it; `why` is ERR_OK where it was closed. Fails the test where the jail cannot be opened. */
void jail_run(struct jail_run *run, const struct media_input *input);

#endif
