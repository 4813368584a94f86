/* Markers of JPEG (ITU-T T.81, annex B) and the orientation of EXIF 2.3 (JEITA CP-3451). */
#include <string.h>

#include "media/image_priv.h"

enum {
	MARKER_SOI = 0xD8,
	MARKER_EOI = 0xD9,
	MARKER_SOS = 0xDA,
	MARKER_APP1 = 0xE1,
	MARKER_APP14 = 0xEE,
	EXIF_ORIENTATION = 0x112,
	EXIF_X_RESOLUTION = 0x11A,
	EXIF_RESOLUTION_UNIT = 0x128,
	EXIF_TYPE_RATIONAL = 5,
	EXIF_UNIT_CM = 3,
	EXIF_ENTRY_BYTES = 12
};

/* A TIFF structure inside APP1. */
struct exif {
	const uint8_t *data;
	size_t size;
	bool big_endian;
};

static uint32_t exif_read(const struct exif *e, size_t at, size_t bytes)
{
	uint32_t value = 0;
	if (at > e->size || e->size - at < bytes)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint32_t)e->data[at + i] << (8 * (e->big_endian ? bytes - 1 - i : i));
	return value;
}

static double exif_rational(const struct exif *e, size_t entry)
{
	size_t at = exif_read(e, entry + 8, 4);
	uint32_t below = exif_read(e, at + 4, 4);
	return exif_read(e, entry + 2, 2) == EXIF_TYPE_RATIONAL && below > 0 ? (double)exif_read(e, at, 4) / below
									     : 0.0;
}

static void read_exif(const uint8_t *data, size_t size, struct jpeg_info *info)
{
	if (size < 14 || memcmp(data, "Exif\0", 6) != 0)
		return;
	struct exif e = { .data = data + 6, .size = size - 6, .big_endian = data[6] == 'M' };
	size_t at = exif_read(&e, 4, 4);
	uint32_t entries = exif_read(&e, at, 2);
	double dpi = 0.0;
	bool per_cm = false;
	for (uint32_t i = 0; i < entries && i < 512; i++) {
		size_t entry = at + 2 + (size_t)i * EXIF_ENTRY_BYTES;
		uint32_t value = exif_read(&e, entry + 8, 2);
		switch (exif_read(&e, entry, 2)) {
		case EXIF_ORIENTATION:
			info->orientation = value >= 1 && value <= 8 ? value : 1;
			break;
		case EXIF_X_RESOLUTION:
			dpi = exif_rational(&e, entry);
			break;
		case EXIF_RESOLUTION_UNIT:
			per_cm = value == EXIF_UNIT_CM;
			break;
		default:
			break;
		}
	}
	info->exif_dpi = media_sane_dpi(per_cm ? dpi * 2.54 : dpi);
}

static bool is_frame_header(uint8_t marker)
{
	/* SOF0 to SOF15 without the tables DHT, JPG and DAC among them. */
	return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static void read_frame(const uint8_t *segment, size_t size, uint8_t marker, struct jpeg_info *info)
{
	if (size < 6)
		return;
	info->height = (uint32_t)segment[1] << 8 | segment[2];
	info->width = (uint32_t)segment[3] << 8 | segment[4];
	info->components = segment[5];
	info->plain = segment[0] == 8 && marker <= 0xC2;
}

/* Filling, and markers that stand without a segment. */
static bool is_bare(uint8_t marker)
{
	return marker == 0xFF || marker <= 1 || (marker >= 0xD0 && marker <= MARKER_SOI);
}

static void read_segment(const uint8_t *segment, size_t len, uint8_t marker, struct jpeg_info *info)
{
	if (marker == MARKER_APP1)
		read_exif(segment, len, info);
	else if (marker == MARKER_APP14 && len >= 12 && memcmp(segment, "Adobe", 5) == 0)
		info->adobe = true;
	else if (is_frame_header(marker) && info->width == 0)
		read_frame(segment, len, marker, info);
}

bool media_jpeg_info(const uint8_t *data, size_t size, struct jpeg_info *ret)
{
	*ret = (struct jpeg_info){ .orientation = 1 };
	size_t at = 2;
	while (size >= 4 && at <= size - 4) {
		uint8_t marker = data[at + 1];
		if (data[at] != 0xFF || is_bare(marker)) {
			at += data[at] != 0xFF || marker == 0xFF ? 1 : 2;
			continue;
		}
		if (marker == MARKER_SOS || marker == MARKER_EOI)
			break;
		size_t len = (size_t)data[at + 2] << 8 | data[at + 3];
		size_t room = size - at - 4;
		size_t body = len >= 2 ? len - 2 : 0;
		body = body < room ? body : room;
		read_segment(data + at + 4, body, marker, ret);
		at += 4 + body;
	}
	return ret->width > 0;
}
