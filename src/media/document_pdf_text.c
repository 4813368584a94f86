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

/* Characters of `text` that have boxes: poppler gives none to its own marks. SIZE_MAX for text that is not UTF-8. */
static size_t count_boxed(const char *text, bool *ret_rtl)
{
	size_t left = strlen(text);
	size_t boxed = 0;
	size_t letters = 0;
	size_t rtl = 0;
	if (!utf8_is_valid(text, left))
		return SIZE_MAX;
	for (size_t step; left > 0; text += step, left -= step) {
		uint32_t c = utf8_decode(text, left, &step);
		boxed += !is_direction_mark(c);
		letters += g_unichar_isalpha(c) != 0;
		rtl += (c >= 0x590 && c <= 0x8FF) || (c >= 0xFB1D && c <= 0xFEFC);
	}
	*ret_rtl = 2 * rtl > letters;
	return boxed;
}

/* Copies poppler's characters and their boxes, scaled to pixels; `boxes` has one for each that is no mark. */
static void take_glyphs(const char *text, const PopplerRectangle *boxes, double scale, struct media_text *ret,
			struct tally *tally)
{
	size_t left = strlen(text);
	for (size_t step; left > 0; text += step, left -= step) {
		uint32_t c = utf8_decode(text, left, &step);
		if (is_direction_mark(c))
			continue;
		const PopplerRectangle *box = &boxes[ret->count];
		count_in(tally, c);
		ret->glyphs[ret->count++] = (struct media_glyph){ .character = c,
								  .x0 = (float)(box->x1 * scale),
								  .y0 = (float)(box->y1 * scale),
								  .x1 = (float)(box->x2 * scale),
								  .y1 = (float)(box->y2 * scale) };
	}
}

static bool is_real(const struct tally *tally, double cover)
{
	size_t least = cover < 0.0 ? LETTERS_MIN : LETTERS_MIN_BESIDE_PICTURE;
	return tally->letters >= least && (double)tally->rubbish <= RUBBISH_MAX * (double)tally->all &&
	       cover < SCAN_COVER;
}

/* What poppler tells of a page's text; both owned (g_free). */
struct layout {
	char *text;
	PopplerRectangle *boxes;
};

static void layout_done(struct layout *layout)
{
	g_free(layout->text);
	g_free(layout->boxes);
	*layout = (struct layout){ 0 };
}

/*
 * Text and boxes between two corners of the page. They come from the same walk; should their numbers differ, the
 * boxes cannot be trusted and *ret_count is 0.
 */
static void read_layout(PopplerPage *page, PopplerRectangle area, struct layout *ret, size_t *ret_count, bool *ret_rtl)
{
	guint count = 0;
	*ret_count = 0;
	layout_done(ret);
	ret->text = poppler_page_get_text_for_area(page, &area);
	if (!ret->text || !*ret->text || !poppler_page_get_text_layout_for_area(page, &area, &ret->boxes, &count))
		return;
	*ret_count = count_boxed(ret->text, ret_rtl) == count ? count : 0;
}

static enum err_code take_layout(const struct layout *layout, size_t count, PopplerPage *page, uint32_t dpi,
				 struct media_text *ret, bool *ret_real, struct err *err)
{
	double width;
	double height;
	poppler_page_get_size(page, &width, &height);
	struct media_text taken = { .width = (uint32_t)fmax(round(width * dpi / 72.0), 1.0),
				    .height = (uint32_t)fmax(round(height * dpi / 72.0), 1.0),
				    .dpi = dpi,
				    .glyphs = calloc(count, sizeof *taken.glyphs) };
	if (!taken.glyphs)
		return err_set(err, ERR_NO_MEMORY, "no memory for the text of a page");
	struct tally tally = { 0 };
	take_glyphs(layout->text, layout->boxes, (double)dpi / 72.0, &taken, &tally);
	*ret_real = is_real(&tally, picture_cover(page));
	if (*ret_real)
		*ret = taken;
	else
		media_text_done(&taken);
	return ERR_OK;
}

enum err_code media_pdf_text(PopplerPage *page, uint32_t dpi, struct media_text *ret, bool *ret_real, struct err *err)
{
	double width;
	double height;
	struct layout layout = { 0 };
	size_t count;
	bool rtl = false;
	*ret_real = false;
	poppler_page_get_size(page, &width, &height);
	read_layout(page, (PopplerRectangle){ 0, 0, width, height }, &layout, &count, &rtl);
	/* Poppler starts at the character nearest to the first corner: in right-to-left text that is a line's last. */
	if (rtl)
		read_layout(page, (PopplerRectangle){ width, 0, 0, height }, &layout, &count, &rtl);
	enum err_code code = count > 0 ? take_layout(&layout, count, page, dpi, ret, ret_real, err) : ERR_OK;
	layout_done(&layout);
	return code;
}
