#include "ocr/letters.h"

#include <leptonica/allheaders.h>
#include <stdlib.h>

#include "ocr/pp_order_priv.h"

enum {
	MIN_LETTERS = 20, /* fewer components say nothing about the text's height */
	LETTER_PX_MIN = 4,
	LETTER_PX_MAX = 160, /* at 300 dpi that is a 40 pt capital */
	COLUMN_DIVISOR = 4
};

/* Letters closer than this many heights are of one line. The first is below any gap between columns, the second above
 * the wide spaces of narrow justified columns. */
static const float same_line_gaps[] = { 1.1F, 2.2F };

static int box_width(const struct ocr_box *box)
{
	return box->x1 - box->x0;
}

static int box_height(const struct ocr_box *box)
{
	return box->y1 - box->y0;
}

static bool is_letter(const struct ocr_box *box)
{
	int w = box_width(box), h = box_height(box);

	return h >= LETTER_PX_MIN && h <= LETTER_PX_MAX && w >= 2 && w <= 2 * LETTER_PX_MAX && w < 8 * h && h < 12 * w;
}

struct ocr_box *ocr_letters_find(struct Pix *bin, size_t *ret_count)
{
	BOXA *boxes = pixConnCompBB(bin, 8);
	int total = boxes ? boxaGetCount(boxes) : 0;
	struct ocr_box *letters = calloc((size_t)total + 1, sizeof(*letters));

	*ret_count = 0;
	for (int i = 0; letters && i < total; i++) {
		int x, y, w, h;

		boxaGetBoxGeometry(boxes, i, &x, &y, &w, &h);
		struct ocr_box box = { x, y, x + w, y + h };

		if (is_letter(&box))
			letters[(*ret_count)++] = box;
	}
	boxaDestroy(&boxes);
	return letters;
}

float ocr_letters_height(const struct ocr_box *letters, size_t count)
{
	double weights[LETTER_PX_MAX + 1] = { 0 }, total = 0, sum = 0;

	if (count <= MIN_LETTERS)
		return 0;
	for (size_t i = 0; i < count; i++) {
		int w = box_width(&letters[i]), h = box_height(&letters[i]);

		if (h < 0 || h > LETTER_PX_MAX)
			continue;
		weights[h] += w < h ? w : h;
		total += w < h ? w : h;
	}
	for (int h = 0; h <= LETTER_PX_MAX; h++) {
		sum += weights[h];
		if (sum >= total / 2)
			return (float)h;
	}
	return 0;
}

struct Pix *ocr_letters_mask(const struct ocr_box *letters, size_t count, const struct ocr_mask_shape *shape)
{
	PIX *mask = pixCreate(shape->width / shape->divisor + 1, shape->height / shape->divisor + 1, 1);

	for (size_t i = 0; mask && i < count; i++) {
		const struct ocr_box *box = &letters[i];
		float trim = shape->trim * (float)box_height(box);
		int x0 = (int)((float)box->x0 - shape->reach) / shape->divisor;
		int x1 = (int)((float)box->x1 + shape->reach) / shape->divisor;
		int y0 = (int)((float)box->y0 + trim) / shape->divisor;
		int y1 = (int)((float)box->y1 - trim) / shape->divisor;

		/* Leptonica clips what lies outside. */
		pixRasterop(mask, x0, y0, x1 - x0 + 1, y1 > y0 ? y1 - y0 : 1, PIX_SET, NULL, 0, 0);
	}
	return mask;
}

/* Pieces of lines: what is left when letters are joined along the line. The caller frees them. */
static struct pp_item *find_pieces(const struct ocr_sheet *sheet, float gap, size_t *ret_count)
{
	struct ocr_mask_shape shape = { pixGetWidth(sheet->grey), pixGetHeight(sheet->grey), COLUMN_DIVISOR,
					sheet->text_height * gap / 2, 0.3F };
	PIX *mask = ocr_letters_mask(sheet->letters, sheet->letter_count, &shape);
	BOXA *boxes = mask ? pixConnCompBB(mask, 8) : NULL;
	int total = boxes ? boxaGetCount(boxes) : 0;
	struct pp_item *pieces = calloc((size_t)total + 1, sizeof(*pieces));
	float half = sheet->text_height * 0.6F;

	*ret_count = 0;
	for (int i = 0; pieces && i < total; i++) {
		int x, y, w, h;

		boxaGetBoxGeometry(boxes, i, &x, &y, &w, &h);
		float x0 = (float)(x * COLUMN_DIVISOR) + shape.reach;
		float x1 = (float)((x + w) * COLUMN_DIVISOR) - shape.reach;
		float middle = ((float)y + (float)h / 2) * COLUMN_DIVISOR;

		if (x1 - x0 >= half)
			pieces[(*ret_count)++] = (struct pp_item){ x0, middle - half, x1, middle + half };
	}
	boxaDestroy(&boxes);
	pixDestroy(&mask);
	return pieces;
}

static bool in_columns(const struct ocr_sheet *sheet, float gap)
{
	size_t count = 0;
	cleanup_free struct pp_item *pieces = find_pieces(sheet, gap, &count);
	cleanup_free uint32_t *at = calloc(count + 1, sizeof(*at));
	cleanup_free uint32_t *spare = calloc(count + 1, sizeof(*spare));
	cleanup_free float *scratch = calloc(count + 1, sizeof(*scratch));
	struct cut cut;

	if (!pieces || !at || !spare || !scratch || count == 0)
		return false;
	for (size_t i = 0; i < count; i++)
		at[i] = (uint32_t)i;
	struct orderer orderer = { .items = pieces, .scratch = scratch, .spare = spare };

	return order_find_cut(&orderer, (struct group){ at, count }, &cut);
}

bool ocr_letters_in_columns(const struct ocr_sheet *sheet)
{
	if (sheet->text_height <= 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(same_line_gaps); i++)
		if (in_columns(sheet, same_line_gaps[i]))
			return true;
	return false;
}

float ocr_letters_covered(const struct ocr_sheet *sheet, const struct ocr_page *reading)
{
	struct ocr_mask_shape shape = { pixGetWidth(sheet->grey), pixGetHeight(sheet->grey), COLUMN_DIVISOR, 0, 0 };
	cleanup_free struct ocr_box *words = calloc(reading->word_count + 1, sizeof(*words));
	size_t inside = 0;

	if (!words || sheet->letter_count == 0)
		return 1;
	for (size_t i = 0; i < reading->word_count; i++)
		words[i] = reading->words[i].box;
	PIX *mask = ocr_letters_mask(words, reading->word_count, &shape);

	for (size_t i = 0; mask && i < sheet->letter_count; i++) {
		const struct ocr_box *letter = &sheet->letters[i];
		l_uint32 covered = 0;

		(void)pixGetPixel(mask, (letter->x0 + letter->x1) / 2 / COLUMN_DIVISOR,
				  (letter->y0 + letter->y1) / 2 / COLUMN_DIVISOR, &covered);
		inside += covered;
	}
	pixDestroy(&mask);
	return (float)inside / (float)sheet->letter_count;
}
