/* The smallest TrueType font that PDF 32000-1 9.9 allows for a CIDFontType2 and that strict readers (the font checkers
 * of browsers) take: two glyphs without a contour. Tables by the OpenType specification. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "ocr/pdf_priv.h"

enum {
	UNITS_PER_EM = 1000,
	TABLE_COUNT = 9,
	TABLE_MAX = 64,
	OFFSET_TABLE = 12,
	DIRECTORY_ENTRY = 16,
	HEAD_CHECKSUM_AT = 8,
	CIDS = 65535,
	CODE_POINTS = 0x110000,
	BFCHAR_MAX = 100 /* entries in one block of a CMap, Adobe Technical Note 5411 */
};

struct table {
	const char *tag;
	uint8_t bytes[TABLE_MAX];
	size_t len;
};

static void put16(struct table *t, int value)
{
	t->bytes[t->len++] = (uint8_t)((unsigned)value >> 8);
	t->bytes[t->len++] = (uint8_t)value;
}

static void put32(struct table *t, uint32_t value)
{
	put16(t, (int)(value >> 16));
	put16(t, (int)(value & 0xFFFF));
}

static void put_many(struct table *t, const int *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put16(t, values[i]);
}

#define PUT(table, ...)                                                                                                \
	put_many(table, (const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static void make_head(struct table *t)
{
	t->tag = "head";
	put32(t, 0x00010000); /* version */
	put32(t, 0x00010000); /* revision */
	put32(t, 0); /* checksum of the whole, filled in later */
	put32(t, 0x5F0F3CF5); /* magic */
	PUT(t, 0, UNITS_PER_EM, 0, 0, 0, 0, 0, 0, 0, 0); /* flags, units, created, modified */
	PUT(t, 0, PDF_FONT_DESCENT, PDF_FONT_ADVANCE, PDF_FONT_ASCENT); /* bounding box */
	PUT(t, 0, 8, 2, 0, 0); /* style, smallest size, direction, short offsets, glyph format */
}

static void make_hhea(struct table *t)
{
	t->tag = "hhea";
	put32(t, 0x00010000);
	PUT(t, PDF_FONT_ASCENT, PDF_FONT_DESCENT, 0, PDF_FONT_ADVANCE, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);
}

static void make_maxp(struct table *t)
{
	t->tag = "maxp";
	put32(t, 0x00010000);
	PUT(t, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
}

static void make_cmap(struct table *t)
{
	t->tag = "cmap";
	PUT(t, 0, 1, 3, 1, 0, 12); /* version, one table: Windows, Unicode, at 12 */
	PUT(t, 4, 24, 0, 2, 2, 0, 0, 0xFFFF, 0, 0xFFFF, 1, 0); /* format 4 with the final segment only */
}

static void make_name(struct table *t)
{
	t->tag = "name";
	PUT(t, 0, 2, 6 + 2 * 12); /* two records: family and PostScript name, both "Tiro" */
	PUT(t, 3, 1, 0x409, 1, 8, 0, 3, 1, 0x409, 6, 8, 0);
	PUT(t, 'T', 'i', 'r', 'o');
}

static void make_tables(struct table tables[TABLE_COUNT])
{
	struct table *t = tables; /* in the order of their tags, as the directory wants them */
	make_cmap(t++);
	t->tag = "glyf";
	PUT(t++, 0, 0, 0, 0, 0, 0); /* no contours, empty box, no instructions */
	make_head(t++);
	make_hhea(t++);
	t->tag = "hmtx";
	PUT(t++, PDF_FONT_ADVANCE, 0, 0);
	t->tag = "loca";
	PUT(t++, 0, 0, 6); /* half offsets: glyph 0 has nothing, glyph 1 the 12 bytes of glyf */
	make_maxp(t++);
	make_name(t++);
	t->tag = "post";
	put32(t, 0x00030000); /* no glyph names */
	PUT(t, 0, 0, -100, 50, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* The sum of big-endian words; the padding of a table is zero. */
static uint32_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)bytes[i] << (24 - 8 * (i % 4));
	return sum;
}

void ocr_pdf_font_program(struct strbuf *out)
{
	struct table tables[TABLE_COUNT] = { 0 };
	make_tables(tables);
	size_t start = out->len;
	size_t offset = OFFSET_TABLE + (size_t)DIRECTORY_ENTRY * TABLE_COUNT;
	struct table head = { 0 };
	put32(&head, 0x00010000);
	PUT(&head, TABLE_COUNT, 8 * 16, 3, TABLE_COUNT * 16 - 8 * 16);
	strbuf_add(out, head.bytes, head.len);
	size_t head_at = 0;
	for (int i = 0; i < TABLE_COUNT; i++) {
		struct table entry = { 0 };
		memcpy(entry.bytes, tables[i].tag, 4);
		entry.len = 4;
		put32(&entry, checksum(tables[i].bytes, tables[i].len));
		put32(&entry, (uint32_t)offset);
		put32(&entry, (uint32_t)tables[i].len);
		strbuf_add(out, entry.bytes, entry.len);
		if (strcmp(tables[i].tag, "head") == 0)
			head_at = offset;
		offset += padded(tables[i].len);
	}
	for (int i = 0; i < TABLE_COUNT; i++)
		strbuf_add(out, tables[i].bytes, padded(tables[i].len));
	if (out->failed)
		return;
	struct table sum = { 0 };
	put32(&sum, 0xB1B0AFBA - checksum((const uint8_t *)out->data + start, out->len - start));
	memcpy(out->data + start + head_at + HEAD_CHECKSUM_AT, sum.bytes, sum.len);
}

/* -- characters ------------------------------------------------------------------------------------ */

enum err_code pdf_charset_init(struct pdf_charset *set, struct err *err)
{
	/* Untouched parts of the tables never take memory. */
	*set = (struct pdf_charset){ .cid_of = calloc(CODE_POINTS, sizeof *set->cid_of),
				     .character_of = calloc(CIDS, sizeof *set->character_of) };
	if (set->cid_of && set->character_of)
		return ERR_OK;
	pdf_charset_done(set);
	return err_set(err, ERR_NO_MEMORY, "no memory for the characters of a PDF");
}

void pdf_charset_done(struct pdf_charset *set)
{
	free(steal_ptr(&set->cid_of));
	free(steal_ptr(&set->character_of));
}

uint16_t pdf_charset_cid(struct pdf_charset *set, uint32_t character)
{
	if (set->cid_of[character] == 0) {
		if (set->count + 1 < CIDS)
			set->character_of[++set->count] = character;
		set->cid_of[character] = (uint16_t)set->count;
	}
	return set->cid_of[character];
}

static void add_utf16(struct strbuf *out, uint32_t c)
{
	if (c < 0x10000)
		strbuf_addf(out, "<%04X>", c);
	else
		strbuf_addf(out, "<%04X%04X>", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
}

void pdf_charset_to_unicode(const struct pdf_charset *set, struct strbuf *out)
{
	strbuf_add_str(out, "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
			    "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
			    "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
			    "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n");
	for (uint32_t cid = 1; cid <= set->count; cid++) {
		uint32_t left = set->count - cid + 1;
		if (cid % BFCHAR_MAX == 1)
			strbuf_addf(out, "%u beginbfchar\n", left < BFCHAR_MAX ? left : (uint32_t)BFCHAR_MAX);
		strbuf_addf(out, "<%04X> ", cid);
		add_utf16(out, set->character_of[cid]);
		strbuf_add_char(out, '\n');
		if (cid % BFCHAR_MAX == 0 || left == 1)
			strbuf_add_str(out, "endbfchar\n");
	}
	strbuf_add_str(out, "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
}

void pdf_add_number(struct strbuf *out, double value, int decimals)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%.*f", decimals, value);
	if (n < 0 || (size_t)n >= sizeof text) {
		strbuf_add_char(out, '0');
		return;
	}
	if (strchr(text, '.')) {
		while (text[n - 1] == '0')
			n--;
		if (text[n - 1] == '.')
			n--;
	}
	strbuf_add(out, text, (size_t)n);
}
