#include "jail/client_priv.h"

static enum err_code take_info(struct jail *jail, const struct frame *frame, struct err *err)
{
	struct jail_audio_info info;
	if (jail_unpack_audio_info(frame, &info, err) != ERR_OK)
		return err->code;
	if (jail->has_info)
		return err_set(err, ERR_PROTOCOL, "a recording is described twice");
	jail->has_info = true;
	jail->events->on_audio_info(jail->owner, &info);
	return ERR_OK;
}

static enum err_code take_part(struct jail *jail, struct frame *frame, struct err *err)
{
	struct asr_part part;
	if (jail_unpack_part(frame, &part, err) != ERR_OK ||
	    jail_check_bulk(frame, part.sample_count * sizeof(int16_t), err) != ERR_OK)
		return err->code;
	if (jail->is_probe || !jail->has_info || part.index != jail->next_part || jail->parts_out >= jail->parts_ahead)
		return err_set(err, ERR_PROTOCOL, "a part comes out of turn");
	jail->next_part++;
	jail->parts_out++;
	jail->events->on_part(jail->owner, &part, &frame->fds[0]);
	return ERR_OK;
}

static enum err_code take_time(struct jail *jail, const struct frame *frame, struct err *err)
{
	int64_t us;
	if (jail_unpack_time(frame, &us, err) != ERR_OK)
		return err->code;
	if (jail->is_probe && frame->type == JAIL_PROGRESS)
		return err_set(err, ERR_PROTOCOL, "a probe makes no progress");
	if (!jail->has_info || us < jail->decoded_us)
		return err_set(err, ERR_PROTOCOL, "progress goes back");
	jail->decoded_us = us;
	if (frame->type == JAIL_PROGRESS) {
		jail->events->on_progress(jail->owner, us);
	} else {
		struct err fine = { .code = ERR_OK };
		jail_end(jail, &fine);
	}
	return ERR_OK;
}

static enum err_code take(struct jail *jail, struct frame *frame, struct err *err)
{
	switch (frame->type) {
	case JAIL_AUDIO_INFO:
		return take_info(jail, frame, err);
	case JAIL_PART:
		return take_part(jail, frame, err);
	case JAIL_PROGRESS:
	case JAIL_AUDIO_END:
		return take_time(jail, frame, err);
	default:
		return err_set(err, ERR_PROTOCOL, "message %u is none about audio", frame->type);
	}
}

static bool is_busy(const struct jail *jail)
{
	return jail->parts_out < jail->parts_ahead;
}

static const struct jail_kind_ops ops = { .program = "tiro-jail-audio", .take = take, .is_busy = is_busy };

enum err_code jail_open_audio(uv_loop_t *loop, const struct jail_source *source,
			      const struct jail_audio_options *options, const struct jail_events *events, void *owner,
			      struct jail **ret, struct err *err)
{
	struct jail_open open = { .kind = JAIL_KIND_AUDIO,
				  .size = source->size,
				  .audio_track = options->audio_track,
				  .is_probe = options->is_probe,
				  .parts_ahead = options->parts_ahead ? options->parts_ahead : JAIL_PARTS_AHEAD };
	struct jail *jail = jail_new(&ops, source, events, owner);
	if (!jail)
		return err_set(err, ERR_NO_MEMORY, "no memory for a jail");
	jail->parts_ahead = open.parts_ahead;
	jail->is_probe = open.is_probe;
	if (jail_start(jail, loop, &open, options->is_probe ? -1 : options->vad_fd, err) != ERR_OK)
		return err->code;
	*ret = jail;
	return ERR_OK;
}

void jail_part_taken(struct jail *jail)
{
	struct err err;
	if (jail->ended || jail->parts_out == 0)
		return;
	jail_enter(jail);
	jail->parts_out--;
	if (jail_send(jail, JAIL_CREDIT, NULL, -1, &err) != ERR_OK)
		jail_end(jail, &err);
	jail_leave(jail);
}
