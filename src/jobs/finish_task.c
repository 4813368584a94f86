/* The last stage of a job, all of it in the pool. */
#include <stdlib.h>

#include "jobs/worker_priv.h"

static void run(struct http_work *work)
{
	struct task *task = (struct task *)work;
	const struct worker_spec *spec = &task->worker->spec;
	task->why.code = job_facts_read(spec->files, task->claim.job, &task->facts, &task->why);
	if (task->why.code == ERR_OK)
		task->why.code = job_finish(spec->queue, spec->files, &task->facts, &task->claim, &task->why);
}

static void done(struct http_work *work)
{
	struct task *task = (struct task *)work;
	if (task_worked(task) && task->why.code != ERR_OK)
		task_fail(task);
	else
		task_end(task);
}

/* The pool goes through with it: whether the job has ended meanwhile is seen there. */
static void stop(struct task *task)
{
	(void)task;
}

enum err_code finish_task_start(struct worker *worker, const struct part_claim *claim, struct err *err)
{
	struct task *task = calloc(1, sizeof *task);
	if (!task)
		return err_set(err, ERR_NO_MEMORY, "no memory to finish a job");
	task_init(task, worker, claim, stop);
	task_work(task, run, done);
	return ERR_OK;
}
