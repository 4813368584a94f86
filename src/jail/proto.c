#include "jail/proto.h"

#include <string.h>

#include "base/utf8.h"
#include "process/pack.h"

void jail_pack_open(struct strbuf *out, const struct jail_open *open)
{
	pack_u8(out, (uint8_t)open->kind);
	pack_u64(out, open->size);
	pack_u32(out, open->audio_track);
	pack_u32(out, open->parts_ahead);
	pack_u8(out, open->is_probe);
	pack_u32(out, open->pdf_dpi);
	pack_u8(out, open->ignore_text_layer);
}

enum err_code jail_unpack_open(const struct frame *frame, struct jail_open *ret, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	uint8_t kind = unpack_u8(&u);
	struct jail_open open = { .size = unpack_u64(&u) };
	open.audio_track = unpack_u32(&u);
	open.parts_ahead = unpack_u32(&u);
	open.is_probe = unpack_u8(&u) != 0;
	open.pdf_dpi = unpack_u32(&u);
	open.ignore_text_layer = unpack_u8(&u) != 0;
	if (unpack_finish(&u, "jail open", err) != ERR_OK)
		return err->code;
	if (kind > JAIL_KIND_PAGES || open.size > INT64_MAX || open.parts_ahead > JAIL_PARTS_AHEAD_MAX)
		return err_set(err, ERR_PROTOCOL, "a jail open message is out of range");
	open.kind = (enum jail_kind)kind;
	*ret = open;
	return ERR_OK;
}

void jail_pack_range(struct strbuf *out, const struct jail_range *range)
{
	pack_u64(out, range->offset);
	pack_u32(out, range->len);
}

enum err_code jail_unpack_range(const struct frame *frame, uint64_t file_size, struct jail_range *ret, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	struct jail_range range = { .offset = unpack_u64(&u) };
	range.len = unpack_u32(&u);
	if (unpack_finish(&u, "jail read", err) != ERR_OK)
		return err->code;
	if (range.offset > file_size || range.len < 1 || range.len > LIMIT_RANGE_BYTES)
		return err_set(err, ERR_PROTOCOL, "a jail read message is out of range");
	*ret = range;
	return ERR_OK;
}

void jail_pack_error(struct strbuf *out, const struct err *value)
{
	pack_str(out, err_name(value->code));
	pack_str(out, value->message);
}

/* Replaces what is no printable text: the message ends on terminals and in logs. */
static void make_printable(char *text)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_valid_prefix(text + i, len - i);
		unsigned char c = (unsigned char)text[i];
		/* C0, DEL, and C1 (which UTF-8 writes as C2 80..9F) steer terminals. */
		bool control = c < 0x20 || c == 0x7F || (n == 2 && c == 0xC2 && (unsigned char)text[i + 1] < 0xA0);
		if (n == 0 || control)
			memset(text + i, '?', n > 0 ? n : 1);
		i += n > 0 ? n : 1;
	}
}

static void unpack_error(struct unpacker *u, struct err *ret_value)
{
	char name[32];
	*ret_value = (struct err){ 0 };
	unpack_str(u, name, sizeof name);
	unpack_str(u, ret_value->message, sizeof ret_value->message);
	ret_value->code = err_from_name(name);
	if (ret_value->code == ERR_OK)
		u->failed = true;
	make_printable(ret_value->message);
}

enum err_code jail_unpack_error(const struct frame *frame, struct err *ret_value, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	struct err value;
	unpack_error(&u, &value);
	if (unpack_finish(&u, "jail error", err) != ERR_OK)
		return err->code;
	*ret_value = value;
	return ERR_OK;
}

void jail_pack_page_failed(struct strbuf *out, uint32_t page, const struct err *why)
{
	pack_u32(out, page);
	jail_pack_error(out, why);
}

enum err_code jail_unpack_page_failed(const struct frame *frame, uint32_t *ret_page, struct err *ret_why,
				      struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	uint32_t page = unpack_u32(&u);
	struct err why;
	unpack_error(&u, &why);
	if (unpack_finish(&u, "jail page failed", err) != ERR_OK)
		return err->code;
	*ret_page = page;
	*ret_why = why;
	return ERR_OK;
}
