/* A helper program that sends each frame back, then ends when it is told to (type 99) or the channel closes. */
#include <unistd.h>

#include "process/child.h"

int main(void)
{
	static char buffer[LIMIT_FRAME_PAYLOAD];
	struct frame frame;
	enum channel_event event;
	struct err err;
	child_die_with_parent();
	while (channel_recv(CHILD_CHANNEL_FD, buffer, &frame, &event, &err) == ERR_OK && event == CHANNEL_FRAME) {
		if (channel_send(CHILD_CHANNEL_FD, &frame, NULL, &err) != ERR_OK)
			return 1;
		frame_close_fds(&frame);
		if (frame.type == 99)
			return 3;
	}
	return 0;
}
