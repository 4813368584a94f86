/*
 * When the text of a PDF page is the page's text. A scan can carry a page number, a stamp or the hidden text of an
 * earlier recognition, and a font without a proper encoding yields rubbish; such pages are rendered and read anew.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "media/pdf_priv.h"

/* Letters and digits that make a page's text; with a picture on the page more, else it could be a caption. */
enum { LETTERS_MIN = 12, LETTERS_MIN_BESIDE_PICTURE = 60 };
/* Part of the characters that may be unreadable. */
#define RUBBISH_MAX 0.1
/* Part of the page that a picture must cover to be taken for a scan of it. */
#define SCAN_COVER 0.6

static bool is_rubbish(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xFFFD || (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
}

/* Marks that poppler puts around runs of text for the reader of a plain string. */
static bool is_direction_mark(uint32_t c)
{
	return c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

/* The largest part of the page that one picture covers, 0..1; -1 where there is none. */
static double picture_cover(PopplerPage *page)
{
	double width;
	double height;
	double largest = -1.0;
	poppler_page_get_size(page, &width, &height);
	GList *pictures = poppler_page_get_image_mapping(page);
	for (GList *at = pictures; at; at = at->next) {
		const PopplerRectangle *area = &((PopplerImageMapping *)at->data)->area;
		double w = fmin(area->x2, width) - fmax(area->x1, 0.0);
		double h = fmin(area->y2, height) - fmax(area->y1, 0.0);
		if (w > 0.0 && h > 0.0)
			largest = fmax(largest, w * h / (width * height));
	}
	poppler_page_free_image_mapping(pictures);
	return largest;
}

struct tally {
	size_t letters;
	size_t rubbish;
	size_t all;
};

static void count_in(struct tally *tally, uint32_t c)
{
	if (c == '\n' || c == ' ')
		return;
	tally->all++;
	tally->letters += g_unichar_isalnum(c) != 0;
	tally->rubbish += is_rubbish(c);
}

/* Copies poppler's characters and their boxes, scaled to pixels. */
static void take_glyphs(const char *text, const PopplerRectangle *boxes, uint32_t count, double scale,
			struct media_text *ret, struct tally *tally)
{
	size_t left = strlen(text);
	for (uint32_t i = 0; i < count && left > 0; i++) {
		size_t step;
		uint32_t c = utf8_decode(text, left, &step);
		text += step;
		left -= step;
		if (is_direction_mark(c))
			continue;
		count_in(tally, c);
		ret->glyphs[ret->count++] = (struct media_glyph){ .character = c,
								  .x0 = (float)(boxes[i].x1 * scale),
								  .y0 = (float)(boxes[i].y1 * scale),
								  .x1 = (float)(boxes[i].x2 * scale),
								  .y1 = (float)(boxes[i].y2 * scale) };
	}
}

static bool is_real(const struct tally *tally, double cover)
{
	size_t least = cover < 0.0 ? LETTERS_MIN : LETTERS_MIN_BESIDE_PICTURE;
	return tally->letters >= least && (double)tally->rubbish <= RUBBISH_MAX * (double)tally->all &&
	       cover < SCAN_COVER;
}

static enum err_code take_text(PopplerPage *page, const char *text, uint32_t dpi, struct media_text *ret,
			       bool *ret_real, struct err *err)
{
	PopplerRectangle *boxes = NULL;
	guint count = 0;
	/* Both come from the same walk over the page; should they differ, the boxes cannot be trusted. */
	if (!poppler_page_get_text_layout(page, &boxes, &count))
		return ERR_OK;
	bool same = utf8_is_valid(text, strlen(text)) && utf8_count(text, strlen(text)) == count;
	struct media_text taken = { .dpi = dpi, .glyphs = same ? calloc(count, sizeof *taken.glyphs) : NULL };
	if (same && !taken.glyphs) {
		g_free(boxes);
		return err_set(err, ERR_NO_MEMORY, "no memory for the text of a page");
	}
	struct tally tally = { 0 };
	if (same)
		take_glyphs(text, boxes, count, (double)dpi / 72.0, &taken, &tally);
	g_free(boxes);
	if (!is_real(&tally, picture_cover(page))) {
		media_text_done(&taken);
		return ERR_OK;
	}
	double width;
	double height;
	poppler_page_get_size(page, &width, &height);
	taken.width = (uint32_t)fmax(round(width * dpi / 72.0), 1.0);
	taken.height = (uint32_t)fmax(round(height * dpi / 72.0), 1.0);
	*ret = taken;
	*ret_real = true;
	return ERR_OK;
}

enum err_code media_pdf_text(PopplerPage *page, uint32_t dpi, struct media_text *ret, bool *ret_real, struct err *err)
{
	*ret_real = false;
	char *text = poppler_page_get_text(page);
	enum err_code code = text && *text ? take_text(page, text, dpi, ret, ret_real, err) : ERR_OK;
	g_free(text);
	return code;
}
