/*
 * The chain of directories of a TIFF (TIFF 6.0, section 2; BigTIFF): how many pages there are and how large, without
 * decoding, and whether the chain ends at all. libtiff itself walks it afresh for every page.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/image_priv.h"

enum { TAG_WIDTH = 256, TAG_HEIGHT = 257, TYPE_SHORT = 3, TYPE_LONG8 = 16, DIRECTORY_ENTRIES_MAX = 4096 };

struct tiff {
	const uint8_t *data;
	size_t size;
	bool big_endian;
	bool big; /* BigTIFF: offsets of 8 bytes */
};

static uint64_t get(const struct tiff *t, uint64_t at, size_t bytes)
{
	uint64_t value = 0;
	if (at > t->size || t->size - at < bytes)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)t->data[at + i] << (8 * (t->big_endian ? bytes - 1 - i : i));
	return value;
}

static struct tiff open_tiff(const struct media_document *d)
{
	struct tiff t = { .data = d->data, .size = d->size, .big_endian = d->data[0] == 'M' };
	t.big = get(&t, 2, 2) == 43;
	return t;
}

static size_t entry_bytes(const struct tiff *t)
{
	return t->big ? 20 : 12;
}

static uint64_t entry_count(const struct tiff *t, uint64_t directory)
{
	return get(t, directory, t->big ? 8 : 2);
}

static uint64_t entry_at(const struct tiff *t, uint64_t directory, uint64_t index)
{
	return directory + (t->big ? 8 : 2) + index * entry_bytes(t);
}

static int compare_offsets(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* True if an offset occurs twice: the chain runs in a circle. */
static bool repeats(const uint64_t *offsets, size_t count)
{
	cleanup_free uint64_t *sorted = malloc(count * sizeof *sorted);
	if (!sorted)
		return true;
	memcpy(sorted, offsets, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, compare_offsets);
	for (size_t i = 1; i < count; i++) {
		if (sorted[i] == sorted[i - 1])
			return true;
	}
	return false;
}

enum err_code media_tiff_walk(struct media_document *d, struct err *err)
{
	struct tiff t = open_tiff(d);
	size_t width = t.big ? 8 : 4;
	uint64_t at = get(&t, t.big ? 8 : 4, width);
	/* One more than is allowed, to see the chain go on. */
	uint64_t *offsets = d->tiff_offsets = calloc(LIMIT_PAGES + 1, sizeof *offsets);
	if (!offsets)
		return err_set(err, ERR_NO_MEMORY, "no memory for a TIFF");
	uint32_t count = 0;
	while (at != 0 && count <= LIMIT_PAGES) {
		uint64_t entries = entry_count(&t, at);
		if (at >= t.size || entries == 0 || entries > DIRECTORY_ENTRIES_MAX)
			break;
		offsets[count++] = at;
		at = get(&t, entry_at(&t, at, entries), width);
	}
	if (count == 0)
		return err_set(err, ERR_BAD_MEDIA, "the TIFF has no page");
	if (repeats(offsets, count))
		return err_set(err, ERR_BAD_MEDIA, "the TIFF is damaged: its pages run in a circle");
	if (count > LIMIT_PAGES)
		return err_set(err, ERR_TOO_BIG, "the TIFF has more than %d pages", LIMIT_PAGES);
	d->pages = count;
	return ERR_OK;
}

enum err_code media_tiff_size(const struct media_document *d, uint32_t page, uint64_t *ret_width, uint64_t *ret_height,
			      struct err *err)
{
	struct tiff t = open_tiff(d);
	uint64_t directory = d->tiff_offsets[page];
	uint64_t entries = entry_count(&t, directory);
	uint64_t size[2] = { 0, 0 };
	for (uint64_t i = 0; i < entries; i++) {
		uint64_t at = entry_at(&t, directory, i);
		uint64_t tag = get(&t, at, 2);
		uint64_t type = get(&t, at + 2, 2);
		if (tag != TAG_WIDTH && tag != TAG_HEIGHT)
			continue;
		uint64_t value = get(&t, at + (t.big ? 12 : 8), type == TYPE_SHORT ? 2 : type == TYPE_LONG8 ? 8 : 4);
		/* A tag that comes twice counts at its worst: which one libtiff takes is not for us to guess. */
		if (value > size[tag - TAG_WIDTH])
			size[tag - TAG_WIDTH] = value;
	}
	/* Nothing larger than 32 bits is a size; this also keeps the product in range. */
	if (size[0] > UINT32_MAX || size[1] > UINT32_MAX)
		return err_set(err, ERR_BAD_MEDIA, "a page of the TIFF has no sane size");
	*ret_width = size[0];
	*ret_height = size[1];
	return ERR_OK;
}
