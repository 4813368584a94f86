/*
 * Several files of one command, run on a node: a few are worked on at the same time, results come out in the order
 * of the command line, an error of one does not stop the others, and a terminal sees the progress.
 *
 * An interrupt needs no handling: the default action ends this process, and jails and engine die with it.
 */
#ifndef TIRO_CLI_BATCH_H
#define TIRO_CLI_BATCH_H

#include "cli/input.h"
#include "cli/output.h"
#include "jobs/node.h"

struct batch_item {
	const char *name; /* as the user gave it */
	struct input input;
	struct strbuf out; /* what is not written yet */
	void *state; /* the command's, for this file */
	struct err why;
	bool started;
	bool ended;
	struct batch *batch;
	double fraction;
};

struct batch_ops {
	/* Starts the job of an opened item on the node; the callbacks are batch_progress, batch_flush, batch_end. */
	enum err_code (*start)(struct batch_item *item, struct node *node, void *ctx, struct err *err);
	/* Releases item->state; also where start failed. */
	void (*release)(struct batch_item *item);
};

struct batch;

/*
 * Runs all files. Prints one line per failed file on standard error. Returns the exit status: that of the first
 * failure in the order of the files, EX_OK where there was none.
 */
int batch_run(const struct node_spec *spec, const struct batch_ops *ops, void *ctx, const struct output *output,
	      char **names, int count);

/* For job_events, with the item as owner. */
void batch_progress(void *owner, const struct job_progress *progress);
void batch_end(void *owner, const struct err *why);
/* item->out grew: writes it where it is the item's turn and it goes to standard output. */
void batch_flush(struct batch_item *item);

#endif
