/*
 * The operators that place a page's words (PDF 32000-1 9.4): one text object per line, one matrix per word.
 *
 * Right-to-left words are shown as a printed page shows them, characters from left to right on the paper, because
 * that is the order from which every reader works out the logical one; words follow each other in reading order.
 */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "ocr/pdf_priv.h"

/* Assumed where neither the file nor the engine knew. */
#define DEFAULT_DPI 300.0
/* Largest side of a page, points: PDF 32000-1 annex C.2. */
#define SIDE_MAX_PT 14400.0
/* Readers drop or mangle text below this, points. */
#define FONT_SIZE_MIN_PT 1.0
/* Horizontal scaling that readers still take, percent. */
#define SCALE_MIN 1.0
#define SCALE_MAX 10000.0
/* Words of a line that leans less (8 degrees) are set level, each at its own height: readers tear leaning words apart.
 */
#define LEVEL_SLOPE_MAX 0.14
/* Heights within such a line differ by at most this part of the font size, or poppler makes two lines of it (at 0.5).
 */
#define LEVEL_DROP_MAX 0.45

/* From upright pixels to points of the page as it was before it was turned: x' = a x + c y + e, y' = b x + d y + f. */
struct frame {
	double a, b, c, d, e, f;
	double pt_per_px;
};

struct text_state {
	const struct ocr_page *page;
	struct pdf_charset *set;
	struct strbuf *out;
	struct frame frame;
	/* Of the line in hand. */
	double middle_x, middle_y; /* of its baseline */
	double drop; /* of its words' heights, dy/dx */
	double slope; /* of the words themselves */
	double along; /* cosine of that */
	double size_pt;
};

static struct frame make_frame(const struct ocr_page *page, struct pdf_page_size *ret_size)
{
	double w = page->width;
	double h = page->height;
	double k = 72.0 / (page->dpi > 0 ? (double)page->dpi : DEFAULT_DPI);
	double side = fmax(w, h);
	if (side * k > SIDE_MAX_PT)
		k = SIDE_MAX_PT / side;
	bool turned = page->rotation == 90 || page->rotation == 270;
	ret_size->width_pt = fmax((turned ? h : w) * k, 1.0);
	ret_size->height_pt = fmax((turned ? w : h) * k, 1.0);
	switch (page->rotation) {
	case 90: /* the raster's x was our y, its y ran against our x */
		return (struct frame){ 0, k, k, 0, 0, 0, k };
	case 180:
		return (struct frame){ -k, 0, 0, k, w * k, 0, k };
	case 270:
		return (struct frame){ 0, -k, -k, 0, h * k, w * k, k };
	default:
		return (struct frame){ k, 0, 0, -k, 0, h * k, k };
	}
}

static void add_numbers(struct strbuf *out, const double *values, size_t count, int decimals)
{
	for (size_t i = 0; i < count; i++) {
		pdf_add_number(out, values[i], decimals);
		strbuf_add_char(out, ' ');
	}
}

/* Sets where the next text starts, at upright x, and how it leans; it is `width` pixels wide. */
static void move_to(struct text_state *s, double x, double width)
{
	const struct frame *f = &s->frame;
	double middle = s->slope == 0.0 ? width / 2.0 : 0.0;
	double y = s->middle_y + s->drop * (x + middle - s->middle_x);
	double cos = s->along / f->pt_per_px;
	double sin = s->slope * cos;
	/* Along the line is (cos, sin) in upright pixels, up is (sin, -cos). */
	double turn[] = { f->a * cos + f->c * sin, f->b * cos + f->d * sin, f->a * sin - f->c * cos,
			  f->b * sin - f->d * cos };
	double at[] = { f->a * x + f->c * y + f->e, f->b * x + f->d * y + f->f };
	add_numbers(s->out, turn, ARRAY_LEN(turn), 5);
	add_numbers(s->out, at, ARRAY_LEN(at), 2);
	strbuf_add_str(s->out, "Tm ");
}

/* Scales the next `count` characters to a width in pixels. */
static void scale_to(struct text_state *s, double width_px, size_t count)
{
	double natural_pt = (double)count * s->size_pt * PDF_FONT_ADVANCE / 1000.0;
	double wanted_pt = width_px / s->along * s->frame.pt_per_px;
	pdf_add_number(s->out, fmin(fmax(100.0 * wanted_pt / natural_pt, SCALE_MIN), SCALE_MAX), 2);
	strbuf_add_str(s->out, " Tz ");
}

static void show_character(struct text_state *s, uint32_t c)
{
	strbuf_addf(s->out, "%04X", pdf_charset_cid(s->set, c));
}

/* Digits and Latin letters run from left to right inside a right-to-left word too. */
static bool runs_left_to_right(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= 0xC0 && c <= 0x24F) || (c >= 0x660 && c <= 0x669) || (c >= 0x6F0 && c <= 0x6F9);
}

static size_t character_before(const char *text, size_t end)
{
	size_t start = end - 1;
	while (start > 0 && ((unsigned char)text[start] & 0xC0) == 0x80)
		start--;
	return start;
}

static void show_forward(struct text_state *s, const char *text, size_t len)
{
	for (size_t i = 0, step; i < len; i += step)
		show_character(s, utf8_decode(text + i, len - i, &step));
}

/* From the last character to the first, but runs of digits and letters in their own order. */
static void show_reversed(struct text_state *s, const char *text, size_t len)
{
	for (size_t end = len, step; end > 0;) {
		size_t start = character_before(text, end);
		uint32_t c = utf8_decode(text + start, end - start, &step);
		if (!runs_left_to_right(c)) {
			show_character(s, c);
			end = start;
			continue;
		}
		while (start > 0) {
			size_t before = character_before(text, start);
			if (!runs_left_to_right(utf8_decode(text + before, start - before, &step)))
				break;
			start = before;
		}
		show_forward(s, text + start, end - start);
		end = start;
	}
}

static void show_word(struct text_state *s, const struct ocr_word *word)
{
	const char *text = ocr_word_text(s->page, word);
	double width = word->box.x1 > word->box.x0 ? word->box.x1 - word->box.x0 : 1;
	move_to(s, word->box.x0, width);
	scale_to(s, width, utf8_count(text, word->text_len));
	strbuf_add_char(s->out, '<');
	if (word->rtl)
		show_reversed(s, text, word->text_len);
	else
		show_forward(s, text, word->text_len);
	strbuf_add_str(s->out, "> Tj\n");
}

/* A space as wide as the gap between two words, whichever of them stands on the left. */
static void show_space(struct text_state *s, struct ocr_box before, struct ocr_box after)
{
	double left = before.x0 <= after.x0 ? before.x1 : after.x1;
	double right = before.x0 <= after.x0 ? after.x0 : before.x0;
	double width = fmax(right - left, 1.0);
	move_to(s, left, width);
	scale_to(s, width, 1);
	strbuf_add_char(s->out, '<');
	show_character(s, ' ');
	strbuf_add_str(s->out, "> Tj\n");
}

/* Works out how a line is set. */
static void measure_line(struct text_state *s, const struct ocr_line *line)
{
	double slope = (double)line->slope;
	double width = fmax(line->box.x1 - line->box.x0, 1.0);
	/* The box of a leaning line is taller than its letters. */
	double height = fmax(line->box.y1 - line->box.y0 - fabs(slope) * width, 1.0);
	bool level = fabs(slope) < LEVEL_SLOPE_MAX;
	double drop_max = LEVEL_DROP_MAX * height / width;
	s->middle_x = line->box.x0 + width / 2.0;
	s->middle_y = (double)line->baseline_y + slope * width / 2.0;
	s->drop = level ? fmin(fmax(slope, -drop_max), drop_max) : slope;
	s->slope = level ? 0.0 : slope;
	s->along = 1.0 / sqrt(1.0 + s->slope * s->slope);
	s->size_pt = fmax(height * s->frame.pt_per_px, FONT_SIZE_MIN_PT);
}

static void show_line(struct text_state *s, const struct ocr_line *line)
{
	if (line->word_count == 0)
		return;
	measure_line(s, line);
	strbuf_add_str(s->out, "BT 3 Tr /TiroText ");
	pdf_add_number(s->out, s->size_pt, 2);
	strbuf_add_str(s->out, " Tf\n");
	for (uint32_t i = 0; i < line->word_count; i++) {
		const struct ocr_word *word = &s->page->words[line->first_word + i];
		if (i > 0 && word->space_before)
			show_space(s, word[-1].box, word->box);
		show_word(s, word);
	}
	strbuf_add_str(s->out, "ET\n");
}

struct pdf_page_size pdf_page_content(const struct ocr_page *page, struct pdf_charset *set, struct strbuf *out)
{
	struct pdf_page_size size;
	struct text_state s = { .page = page, .set = set, .out = out, .frame = make_frame(page, &size) };
	bool has_text = strcmp(page->source, "text-layer") == 0;
	strbuf_add_str(out, "q\n");
	for (size_t i = 0; i < page->line_count && !has_text; i++)
		show_line(&s, &page->lines[i]);
	strbuf_add_str(out, "Q\n");
	return size;
}
