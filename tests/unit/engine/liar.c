/* An engine that hears words in pages: every part gets a recording's result. For tests of the node (tests/e2e). */
#include "base/cleanup.h"
#include "engine/proto.h"
#include "process/channel.h"
#include "process/child.h"

static enum err_code answer(uint32_t task, struct err *err)
{
	struct asr_transcript nothing;
	asr_transcript_init(&nothing);
	cleanup_strbuf struct strbuf result = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	cleanup_strbuf struct strbuf payload = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	asr_transcript_pack(&nothing, &result);
	asr_transcript_done(&nothing);
	struct engine_outcome outcome = { .result = result.data, .result_len = result.len };
	engine_outcome_pack(&outcome, &payload);
	struct frame frame = { .type = ENGINE_SPEECH, .tag = task, .payload = payload.data, .len = payload.len };
	return channel_send(CHILD_CHANNEL_FD, &frame, NULL, err);
}

int main(void)
{
	static char buffer[LIMIT_FRAME_PAYLOAD];
	struct frame ready = { .type = ENGINE_READY };
	struct frame frame;
	enum channel_event event;
	struct err err;
	child_die_with_parent();
	enum err_code code = channel_send(CHILD_CHANNEL_FD, &ready, NULL, &err);
	while (code == ERR_OK && channel_recv(CHILD_CHANNEL_FD, buffer, &frame, &event, &err) == ERR_OK &&
	       event == CHANNEL_FRAME) {
		frame_close_fds(&frame);
		if (frame.type == ENGINE_READ_PAGE || frame.type == ENGINE_RECOGNISE)
			code = answer(frame.tag, &err);
	}
	return code == ERR_OK ? 0 : 1;
}
