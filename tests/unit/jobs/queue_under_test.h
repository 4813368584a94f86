/* The queue that test_queue.c tests: in memory (memory_under_test.c), or durable
 * (tests/contract/store/queue_adapter.c). */
#ifndef TIRO_TESTS_UNIT_JOBS_QUEUE_UNDER_TEST_H
#define TIRO_TESTS_UNIT_JOBS_QUEUE_UNDER_TEST_H

#include "jobs/queue.h"

/* Before the first test; 0, or the program's exit status. */
int queue_under_test_begin(int argc, char **argv);
void queue_under_test_end(void);

/* An empty queue. */
enum err_code queue_under_test_new(struct queue **ret, struct err *err) MUST_CHECK;

#endif
