#include "engine/proto.h"

#include "process/pack.h"

void engine_open_pack(const struct engine_open *open, struct strbuf *out)
{
	pack_u8(out, open->fake);
	pack_u32(out, open->threads);
	pack_u8(out, open->has_pages);
	pack_str(out, open->tessdata);
	pack_str(out, open->detector);
	pack_str(out, open->recogniser);
	pack_str(out, open->openvino);
}

enum err_code engine_open_unpack(const void *bytes, size_t len, struct engine_open *ret, struct err *err)
{
	struct unpacker u = unpack_start(bytes, len);
	ret->fake = unpack_u8(&u) != 0;
	ret->threads = unpack_u32(&u);
	ret->has_pages = unpack_u8(&u) != 0;
	unpack_str(&u, ret->tessdata, sizeof ret->tessdata);
	unpack_str(&u, ret->detector, sizeof ret->detector);
	unpack_str(&u, ret->recogniser, sizeof ret->recogniser);
	unpack_str(&u, ret->openvino, sizeof ret->openvino);
	enum err_code code = unpack_finish(&u, "open", err);
	if (code == ERR_OK && (ret->threads < 1 || ret->threads > LIMIT_ENGINE_THREADS))
		code = err_set(err, ERR_PROTOCOL, "an engine of %u threads was asked for", ret->threads);
	return code;
}

void engine_options_pack(const struct asr_options *options, struct strbuf *out)
{
	pack_str(out, options->language);
	pack_u8(out, options->translate);
	pack_u32(out, (uint32_t)options->threads);
	pack_u8(out, options->alone);
	pack_f32(out, options->temperature);
	pack_str(out, options->prompt);
}

enum err_code engine_options_unpack(const void *bytes, size_t len, struct asr_options *ret, struct err *err)
{
	struct unpacker u = unpack_start(bytes, len);
	unpack_str(&u, ret->language, sizeof ret->language);
	ret->translate = unpack_u8(&u) != 0;
	uint32_t threads = unpack_u32(&u);
	ret->alone = unpack_u8(&u) != 0;
	ret->temperature = unpack_f32(&u);
	unpack_str(&u, ret->prompt, sizeof ret->prompt);
	enum err_code code = unpack_finish(&u, "recognise", err);
	if (code == ERR_OK && (threads < 1 || threads > LIMIT_ENGINE_THREADS))
		code = err_set(err, ERR_PROTOCOL, "a part for %u threads", threads);
	ret->threads = (int)threads;
	return code;
}

void engine_page_task_pack(const struct engine_page_task *task, struct strbuf *out)
{
	pack_u32(out, task->raster.width);
	pack_u32(out, task->raster.height);
	pack_u32(out, task->raster.channels);
	pack_u32(out, task->raster.stride);
	pack_u32(out, task->raster.dpi);
	pack_u8(out, (uint8_t)task->options.mode);
	pack_str(out, task->options.language);
	pack_u8(out, task->options.keep_orientation);
}

static bool raster_is_sound(const struct ocr_raster *r)
{
	return r->width >= 1 && r->width <= LIMIT_PAGE_SIDE && r->height >= 1 && r->height <= LIMIT_PAGE_SIDE &&
	       (uint64_t)r->width * r->height <= LIMIT_PAGE_PIXELS && (r->channels == 1 || r->channels == 3) &&
	       r->stride >= r->width * r->channels && (uint64_t)r->stride * r->height <= LIMIT_BULK_BYTES;
}

enum err_code engine_page_task_unpack(const void *bytes, size_t len, struct engine_page_task *ret, struct err *err)
{
	struct unpacker u = unpack_start(bytes, len);
	*ret = (struct engine_page_task){ 0 };
	ret->raster.width = unpack_u32(&u);
	ret->raster.height = unpack_u32(&u);
	ret->raster.channels = unpack_u32(&u);
	ret->raster.stride = unpack_u32(&u);
	ret->raster.dpi = unpack_u32(&u);
	ret->options.mode = unpack_u8(&u) == OCR_HIGH_ACCURACY ? OCR_HIGH_ACCURACY : OCR_FAST;
	unpack_str(&u, ret->options.language, sizeof ret->options.language);
	ret->options.keep_orientation = unpack_u8(&u) != 0;
	enum err_code code = unpack_finish(&u, "page", err);
	if (code == ERR_OK && !raster_is_sound(&ret->raster))
		code = err_set(err, ERR_PROTOCOL, "a raster of %u x %u pixels is not sound", ret->raster.width,
			       ret->raster.height);
	return code;
}

void engine_outcome_pack(const struct engine_outcome *outcome, struct strbuf *out)
{
	pack_i64(out, outcome->busy_us);
	pack_str(out, err_name(outcome->why.code));
	pack_str(out, outcome->why.code == ERR_OK ? "" : outcome->why.message);
	pack_bytes(out, outcome->result, outcome->result ? outcome->result_len : 0);
}

enum err_code engine_outcome_unpack(const void *bytes, size_t len, struct engine_outcome *ret, struct err *err)
{
	struct unpacker u = unpack_start(bytes, len);
	*ret = (struct engine_outcome){ 0 };
	ret->busy_us = unpack_i64(&u);
	char name[32];
	unpack_str(&u, name, sizeof name);
	unpack_str(&u, ret->why.message, sizeof ret->why.message);
	ret->result = unpack_bytes(&u, &ret->result_len);
	if (ret->result_len == 0)
		ret->result = NULL;
	ret->why.code = err_from_name(name);
	return unpack_finish(&u, "outcome", err);
}
