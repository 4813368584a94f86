#include "queue_under_test.h"

int queue_under_test_begin(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 0;
}

void queue_under_test_end(void)
{
}

enum err_code queue_under_test_new(struct queue **ret, struct err *err)
{
	return queue_memory_new(ret, err);
}
