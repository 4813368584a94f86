#include "cli/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/say.h"
#include "cli/startup.h"

enum {
	/* Files open at the same time: enough to keep an engine of many threads busy with short ones. */
	OPEN_AHEAD = 64,
	PROGRESS_WIDTH = 30,
	PROGRESS_EVERY_MS = 200
};

struct batch {
	const struct batch_ops *ops;
	void *ctx;
	const struct output *output;
	struct node *node;
	struct batch_item *items;
	int count;
	int next; /* to start */
	int turn; /* whose output is due */
	bool shows_progress;
	int64_t shown_us;
	bool is_drawn; /* the progress line stands on the terminal */
	struct err broken; /* standard output failed: everything ends */
};

/* -- progress --------------------------------------------------------------------------------------------- */

static void clear_progress(struct batch *b)
{
	if (b->is_drawn)
		(void)fputs("\r\033[K", stderr);
	b->is_drawn = false;
}

static void draw_progress(struct batch *b)
{
	int64_t now = clock_monotonic_us();
	if (!b->shows_progress || now - b->shown_us < PROGRESS_EVERY_MS * US_PER_MS)
		return;
	b->shown_us = now;
	double done = 0;
	for (int i = 0; i < b->count; i++)
		done += b->items[i].ended ? 1 : b->items[i].fraction;
	double fraction = done / b->count;
	char bar[PROGRESS_WIDTH + 1];
	for (int i = 0; i < PROGRESS_WIDTH; i++)
		bar[i] = i < (int)(fraction * PROGRESS_WIDTH) ? '#' : '.';
	bar[PROGRESS_WIDTH] = '\0';
	if (b->count > 1)
		(void)fprintf(stderr, "\r[%s] %3.0f %%  file %d of %d\033[K", bar, fraction * 100, b->turn + 1,
			      b->count);
	else
		(void)fprintf(stderr, "\r[%s] %3.0f %%\033[K", bar, fraction * 100);
	b->is_drawn = true;
}

void batch_progress(void *owner, const struct job_progress *progress)
{
	struct batch_item *item = owner;
	item->fraction = progress->fraction;
	draw_progress(item->batch);
}

/* -- output in turn ----------------------------------------------------------------------------------------- */

static void write_out(struct batch *b, struct batch_item *item)
{
	if (b->output->path || item->out.len == 0 || b->broken.code != ERR_OK)
		return;
	clear_progress(b);
	b->broken.code = output_write(item->out.data, item->out.len, &b->broken);
	strbuf_clear(&item->out);
}

void batch_flush(struct batch_item *item)
{
	struct batch *b = item->batch;
	if (&b->items[b->turn] == item)
		write_out(b, item);
	draw_progress(b);
}

static void settle(struct batch *b, struct batch_item *item)
{
	if (item->why.code == ERR_OK)
		item->why.code = strbuf_check(&item->out, "the result", &item->why);
	/* What a file that failed halfway gave is on standard output already; a file gets it only whole. */
	if (item->why.code == ERR_OK && b->output->path)
		item->why.code = output_store(b->output, item->name, strbuf_str(&item->out), item->out.len, &item->why);
	else
		write_out(b, item);
	if (item->why.code != ERR_OK) {
		clear_progress(b);
		cli_error(item->name, &item->why);
	}
	strbuf_done(&item->out);
}

/* An item came to its end: writes what is due in turn. */
static void end_item(struct batch_item *item, const struct err *why)
{
	struct batch *b = item->batch;
	item->why = *why;
	item->ended = true;
	input_close(&item->input);
	b->ops->release(item);
	while (b->turn < b->count && b->items[b->turn].ended)
		settle(b, &b->items[b->turn++]);
	if (b->turn < b->count)
		write_out(b, &b->items[b->turn]);
}

/* -- start ----------------------------------------------------------------------------------------------------- */

/* Starts the next files, or closes the node when there is nothing left to do. */
static void go_on(struct batch *b)
{
	while (b->next < b->count && b->next < b->turn + OPEN_AHEAD && b->broken.code == ERR_OK) {
		struct batch_item *item = &b->items[b->next++];
		struct err err;
		enum err_code code = input_open(item->name, &item->input, &err);
		if (code == ERR_OK)
			code = b->ops->start(item, b->node, b->ctx, &err);
		item->started = true;
		if (code != ERR_OK)
			end_item(item, &err);
	}
	if (b->turn == b->count || b->broken.code != ERR_OK)
		node_close(steal_ptr(&b->node));
}

void batch_end(void *owner, const struct err *why)
{
	struct batch_item *item = owner;
	end_item(item, why);
	go_on(item->batch);
}

static int exit_status(const struct batch *b)
{
	if (b->broken.sys_errno == EPIPE) {
		/* Whoever read us has enough. */
		startup_end_by_pipe();
	}
	if (b->broken.code != ERR_OK) {
		cli_error(NULL, &b->broken);
		return err_exit_status(b->broken.code);
	}
	for (int i = 0; i < b->count; i++) {
		if (b->items[i].why.code != ERR_OK)
			return err_exit_status(b->items[i].why.code);
	}
	return EX_OK;
}

static int run_on_loop(struct batch *b, uv_loop_t *loop, const struct node_spec *spec)
{
	struct err err;
	if (node_new(loop, spec, &b->node, &err) != ERR_OK) {
		cli_error(NULL, &err);
		return err_exit_status(err.code);
	}
	go_on(b);
	(void)uv_run(loop, UV_RUN_DEFAULT);
	clear_progress(b);
	return exit_status(b);
}

int batch_run(const struct node_spec *spec, const struct batch_ops *ops, void *ctx, const struct output *output,
	      char **names, int count)
{
	struct batch b = { .ops = ops, .ctx = ctx, .output = output, .count = count };
	uv_loop_t loop;
	struct err err;
	b.items = calloc((size_t)count, sizeof *b.items);
	int rc = b.items ? uv_loop_init(&loop) : UV_ENOMEM;
	if (rc != 0) {
		free(b.items);
		(void)err_set(&err, ERR_SYSTEM, "could not start to work: %s", uv_strerror(rc));
		cli_error(NULL, &err);
		return err_exit_status(err.code);
	}
	b.shows_progress = isatty(STDERR_FILENO);
	for (int i = 0; i < count; i++) {
		b.items[i].name = names[i];
		b.items[i].input.fd = -1;
		b.items[i].out.max = LIMIT_CLI_OUTPUT;
		b.items[i].batch = &b;
	}
	int status = run_on_loop(&b, &loop, spec);
	(void)uv_run(&loop, UV_RUN_DEFAULT); /* handles of a node that never ran */
	(void)uv_loop_close(&loop);
	for (int i = 0; i < count; i++) {
		input_close(&b.items[i].input);
		strbuf_done(&b.items[i].out);
		if (b.items[i].started && !b.items[i].ended)
			ops->release(&b.items[i]);
	}
	free(b.items);
	return status;
}
