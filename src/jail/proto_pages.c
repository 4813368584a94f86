#include "jail/proto.h"

#include <ctype.h>

#include "process/pack.h"

/* Above it a file's resolution is a lie, and is taken as unknown. */
enum { DPI_MAX = 9600 };

void jail_pack_document(struct strbuf *out, const struct jail_document_info *info)
{
	pack_u32(out, info->pages);
	pack_str(out, info->kind);
}

enum err_code jail_unpack_document(const struct frame *frame, struct jail_document_info *ret, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	struct jail_document_info info = { .pages = unpack_u32(&u) };
	unpack_str(&u, info.kind, sizeof info.kind);
	if (unpack_finish(&u, "jail document", err) != ERR_OK)
		return err->code;
	bool fits = info.pages >= 1 && info.pages <= LIMIT_PAGES;
	for (const char *c = info.kind; *c; c++)
		fits = fits && isalnum((unsigned char)*c);
	if (!fits)
		return err_set(err, ERR_PROTOCOL, "a jail document message is out of range");
	*ret = info;
	return ERR_OK;
}

void jail_pack_page(struct strbuf *out, uint32_t page)
{
	pack_u32(out, page);
}

enum err_code jail_unpack_page(const struct frame *frame, uint32_t *ret_page, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	uint32_t page = unpack_u32(&u);
	if (unpack_finish(&u, "jail page", err) != ERR_OK)
		return err->code;
	if (page >= LIMIT_PAGES)
		return err_set(err, ERR_PROTOCOL, "a jail page message is out of range");
	*ret_page = page;
	return ERR_OK;
}

void jail_pack_raster(struct strbuf *out, uint32_t page, const struct ocr_raster *raster)
{
	pack_u32(out, page);
	pack_u32(out, raster->width);
	pack_u32(out, raster->height);
	pack_u32(out, raster->channels);
	pack_u32(out, raster->stride);
	pack_u32(out, raster->dpi);
}

static bool raster_fits(const struct ocr_raster *raster)
{
	if (raster->width < 1 || raster->width > LIMIT_PAGE_SIDE || raster->height < 1 ||
	    raster->height > LIMIT_PAGE_SIDE || (uint64_t)raster->width * raster->height > LIMIT_PAGE_PIXELS)
		return false;
	return (raster->channels == 1 || raster->channels == 3) && raster->stride >= raster->width * raster->channels &&
	       (uint64_t)raster->stride * raster->height <= LIMIT_BULK_BYTES;
}

enum err_code jail_unpack_raster(const struct frame *frame, uint32_t *ret_page, struct ocr_raster *ret, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	uint32_t page = unpack_u32(&u);
	struct ocr_raster raster = { .width = unpack_u32(&u) };
	raster.height = unpack_u32(&u);
	raster.channels = unpack_u32(&u);
	raster.stride = unpack_u32(&u);
	raster.dpi = unpack_u32(&u);
	if (unpack_finish(&u, "jail raster", err) != ERR_OK)
		return err->code;
	if (page >= LIMIT_PAGES || !raster_fits(&raster))
		return err_set(err, ERR_PROTOCOL, "a jail raster message is out of range");
	if (raster.dpi > DPI_MAX)
		raster.dpi = 0;
	*ret_page = page;
	*ret = raster;
	return ERR_OK;
}
