#include "ocr/sheet.h"

#include <leptonica/allheaders.h>

#include <math.h>
#include <stdlib.h>

#include "ocr/letters.h"

enum {
	TILES = 24, /* of the probe, each way */
	TILE_PX = 64, /* looked at of each */
	/* Median height of letters: at 20 pixels reading costs more and is no better, at 14 columns get lost. */
	TEXT_HEIGHT_PX = 16,
	MAX_SHEET_PIXELS = 32 * 1000 * 1000, /* more costs time and shows no more: A3 at 400 dpi is 31 Mpx */
	MAX_UPSCALE = 4,
	RULE_HEIGHTS =
		15 /* a rule is this many times as long as letters are high; blurred words run together are not */
};

/* Background of the lightest and the darkest part of a page may differ by this much of 255 before it counts as
 * unevenly lit: paper's own tone and show-through stay below. */
static const float uneven_light = 24;
/* Noise above this share of the contrast between ink and paper costs more letters than smoothing does. */
static const float noisy = 0.14F;
static const float min_skew_degrees = 0.35F;
static const float min_skew_confidence = 3;
/* Lines run up or down where that direction scores this many times the level one: prose has 5 and more, numbers below
 * each other in a table up to 2. */
static const float vertical_ratio = 3;

/* What a look at a page tells. */
struct probe {
	float paper_low; /* grey of the paper in the darkest and lightest lit parts */
	float paper_high;
	float noise; /* standard deviation within plain paper */
	float contrast; /* between ink and paper */
	bool inverse;
};

/* One tile of the probe. */
struct tile {
	int low; /* grey below which 5 % of the pixels lie, and so on */
	int middle;
	int high;
	float deviation; /* between neighbouring pixels, robust to slow changes of light */
};

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Measures a tile from every pixel of it. */
static struct tile measure_tile(PIX *grey, const struct ocr_box *box)
{
	uint32_t histogram[256] = { 0 };
	double difference_sum = 0;

	for (int y = box->y0; y < box->y1; y++) {
		l_uint32 *line = pixGetData(grey) + (size_t)y * (size_t)pixGetWpl(grey);
		int before = GET_DATA_BYTE(line, box->x0);

		for (int x = box->x0; x < box->x1; x++) {
			int value = GET_DATA_BYTE(line, x);

			histogram[value]++;
			difference_sum += abs(value - before);
			before = value;
		}
	}
	int total = (box->x1 - box->x0) * (box->y1 - box->y0), seen = 0;
	struct tile tile = { -1, -1, -1, 0 };

	for (int value = 0; value < 256; value++) {
		seen += (int)histogram[value];
		if (tile.low < 0 && seen * 20 >= total)
			tile.low = value;
		if (tile.middle < 0 && seen * 2 >= total)
			tile.middle = value;
		if (tile.high < 0 && seen * 10 >= total * 9)
			tile.high = value;
	}
	/* The mean difference of two normal values is 1.128 standard deviations. */
	tile.deviation = (float)(difference_sum / total / 1.128);
	return tile;
}

static float percentile(float *values, size_t count, double share)
{
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), compare_floats);
	return values[(size_t)((double)(count - 1) * share)];
}

/* Looks at a grid of tiles, at full resolution but only a part of each large one. */
static struct probe probe_page(PIX *grey)
{
	float papers[TILES * TILES], deviations[TILES * TILES], contrasts[TILES * TILES];
	size_t count = 0, inked = 0, inverse = 0;
	int width = pixGetWidth(grey), height = pixGetHeight(grey);
	int step_x = width / TILES, step_y = height / TILES;

	if (step_x < 4 || step_y < 4)
		return (struct probe){ .paper_low = 255, .paper_high = 255, .contrast = 255 };
	for (int i = 0; i < TILES * TILES; i++) {
		struct ocr_box box = { .x0 = i % TILES * step_x, .y0 = i / TILES * step_y };

		box.x1 = box.x0 + (step_x < TILE_PX ? step_x : TILE_PX);
		box.y1 = box.y0 + (step_y < TILE_PX ? step_y : TILE_PX);
		struct tile tile = measure_tile(grey, &box);
		int range = tile.high - tile.low;

		papers[count] = (float)tile.high;
		deviations[count++] = tile.deviation;
		if (range < 48)
			continue;
		contrasts[inked++] = (float)range;
		inverse += tile.middle - tile.low < tile.high - tile.middle;
	}
	struct probe probe = { .inverse = inked >= 8 && inverse * 3 > inked * 2 };

	probe.paper_low = percentile(papers, count, 0.1);
	probe.paper_high = percentile(papers, count, 0.9);
	probe.noise = percentile(deviations, count, 0.1);
	probe.contrast = inked ? percentile(contrasts, inked, 0.5) : 255;
	return probe;
}

/* Replaces *pix by `changed`, unless that could not be made. */
static bool replace(PIX **pix, PIX *changed)
{
	if (!changed)
		return false;
	pixDestroy(pix);
	*pix = changed;
	return true;
}

int ocr_sheet_threshold(struct Pix *grey)
{
	int factor = (int)sqrt((double)pixGetWidth(grey) * pixGetHeight(grey) / 500000) + 1;
	NUMA *histogram = pixGetGrayHistogram(grey, factor);
	double total = 0, sum = 0, below = 0, sum_below = 0, best = -1;
	int threshold = 128;

	if (!histogram)
		return threshold;
	const l_float32 *counts = numaGetFArray(histogram, L_NOCOPY);

	for (int i = 0; i < 256; i++) {
		total += (double)counts[i];
		sum += i * (double)counts[i];
	}
	for (int i = 0; i < 255; i++) {
		below += (double)counts[i];
		sum_below += i * (double)counts[i];
		if (below == 0 || below == total)
			continue;
		double apart = sum_below / below - (sum - sum_below) / (total - below);
		double between = below * (total - below) * apart * apart;

		if (between > best) {
			best = between;
			threshold = i + 1;
		}
	}
	numaDestroy(&histogram);
	return threshold;
}

/* The page has two greys only: a fax or a bilevel scan. */
static bool is_bilevel(PIX *grey)
{
	NUMA *histogram = pixGetGrayHistogram(grey, 4);

	if (!histogram)
		return false;
	const l_float32 *counts = numaGetFArray(histogram, L_NOCOPY);
	double total = 0, ends = (double)counts[0] + (double)counts[255];

	for (int i = 0; i < 256; i++)
		total += (double)counts[i];
	numaDestroy(&histogram);
	return ends > total * 0.999;
}

/* Removes specks and pinholes of up to two pixels from a bilevel page. */
static PIX *without_specks(PIX *grey)
{
	PIX *bin = pixThresholdToBinary(grey, 128);
	PIX *clean = bin ? pixSelectBySize(bin, 3, 3, 8, L_SELECT_IF_EITHER, L_SELECT_IF_GTE, NULL) : NULL;
	PIX *paper = clean ? pixInvert(NULL, clean) : NULL;
	PIX *filled = paper ? pixSelectBySize(paper, 2, 2, 4, L_SELECT_IF_EITHER, L_SELECT_IF_GTE, NULL) : NULL;
	PIX *result = filled ? pixConvert1To8(NULL, filled, 0, 255) : NULL;

	pixDestroy(&bin);
	pixDestroy(&clean);
	pixDestroy(&paper);
	pixDestroy(&filled);
	return result;
}

/* Makes paper white and ink dark, as far as the probe asks for it. */
static void clean(struct ocr_sheet *sheet)
{
	struct probe probe = probe_page(sheet->grey);

	if (is_bilevel(sheet->grey)) {
		if (probe.inverse)
			pixInvert(sheet->grey, sheet->grey);
		sheet->changed = replace(&sheet->grey, without_specks(sheet->grey)) || probe.inverse;
		return;
	}
	if (probe.inverse) {
		pixInvert(sheet->grey, sheet->grey);
		probe = probe_page(sheet->grey);
		sheet->changed = true;
	}
	if (probe.paper_high - probe.paper_low > uneven_light)
		sheet->changed |=
			replace(&sheet->grey, pixBackgroundNorm(sheet->grey, NULL, NULL, 10, 15, 100, 20, 230, 2, 1));
	if (probe.noise > noisy * probe.contrast)
		sheet->changed |= replace(&sheet->grey, pixBlockconvGray(sheet->grey, NULL, 1, 1));
}

/* How level the lines are: the angle to turn by, clockwise, how sure it is, and a score to compare directions by. */
struct skew {
	l_float32 degrees;
	l_float32 confidence;
	l_float32 score;
};

static struct skew find_skew(PIX *mask)
{
	struct skew skew = { 0, 0, 0 };

	if (pixFindSkewSweepAndSearchScore(mask, &skew.degrees, &skew.confidence, &skew.score, 2, 1, 0, 7, 1, 0.01F))
		return (struct skew){ 0, 0, 0 };
	return skew;
}

/* Turns the sheet by 90 degrees where lines seem to run up or down; returns how the lines lean then. */
static enum err_code set_level(struct ocr_sheet *sheet, bool turn, struct skew *ret, struct err *err)
{
	/* Letters are boxes here, so that rules, pictures and a desk around the page have no say. */
	struct ocr_mask_shape shape = { .width = pixGetWidth(sheet->grey),
					.height = pixGetHeight(sheet->grey),
					.divisor = sheet->text_height >= 16 ? 2 : 1 };
	PIX *mask = ocr_letters_mask(sheet->letters, sheet->letter_count, &shape);
	PIX *turned = mask && turn ? pixRotateOrth(mask, 1) : NULL;
	struct skew upright = { 0, 0, 0 };
	enum err_code code = ERR_OK;

	*ret = mask ? find_skew(mask) : upright;
	if (turned)
		upright = find_skew(turned);
	if (turned && upright.score > vertical_ratio * ret->score) {
		*ret = upright;
		code = ocr_sheet_turn(sheet, 90, err);
	}
	pixDestroy(&mask);
	pixDestroy(&turned);
	return code;
}

/* Levels the sheet's lines. */
static enum err_code level(struct ocr_sheet *sheet, bool turn, struct err *err)
{
	struct skew skew;
	enum err_code code = set_level(sheet, turn, &skew, err);

	if (code || skew.confidence < min_skew_confidence || fabsf(skew.degrees) < min_skew_degrees)
		return code;

	/* Whole pixels, as pixRotate takes them. */
	int cx = pixGetWidth(sheet->grey) / 2;
	int cy = pixGetHeight(sheet->grey) / 2;

	if (!replace(&sheet->grey, pixRotate(sheet->grey, skew.degrees * (float)M_PI / 180, L_ROTATE_AREA_MAP,
					     L_BRING_IN_WHITE, 0, 0)))
		return err_set(err, ERR_NO_MEMORY, "not enough memory to level a page");
	struct ocr_map there = ocr_map_rotate((double)skew.degrees, cx, cy), back = ocr_map_inverse(&there);

	ocr_sheet_map_letters(sheet, &there);
	sheet->to_page = ocr_map_compose(&sheet->to_page, &back);
	sheet->skew = -skew.degrees;
	sheet->changed = true;
	return ERR_OK;
}

/* Scales letters to the height that is read best. */
static enum err_code scale(struct ocr_sheet *sheet, struct err *err)
{
	double width = pixGetWidth(sheet->grey), height = pixGetHeight(sheet->grey), factor = 1;

	if (sheet->text_height > 0)
		factor = TEXT_HEIGHT_PX / (double)sheet->text_height;
	if (factor > 0.7 && factor < 1.15)
		factor = 1;
	factor = fmin(factor, MAX_UPSCALE);
	factor = fmin(factor, sqrt(MAX_SHEET_PIXELS / (width * height)));
	if (factor == 1)
		return ERR_OK;
	/* Without sharpening, which raises the noise of faint pages. */
	if (!replace(&sheet->grey, pixScaleGeneral(sheet->grey, (float)factor, (float)factor, 0, 0)))
		return err_set(err, ERR_NO_MEMORY, "not enough memory to scale a page");

	struct ocr_map back = ocr_map_identity();

	back.ax = width / pixGetWidth(sheet->grey);
	back.by = height / pixGetHeight(sheet->grey);
	struct ocr_map there = ocr_map_inverse(&back);

	ocr_sheet_map_letters(sheet, &there);
	sheet->to_page = ocr_map_compose(&sheet->to_page, &back);
	sheet->scale = (float)factor;
	sheet->text_height *= (float)factor;
	sheet->changed = true;
	return ERR_OK;
}

/* Finds the letters, and paints over ruled lines: tesseract takes them for letters and for edges of columns. */
static enum err_code find_letters(struct ocr_sheet *sheet, struct err *err)
{
	PIX *bin = pixThresholdToBinary(sheet->grey, ocr_sheet_threshold(sheet->grey));

	if (bin)
		sheet->letters = ocr_letters_find(bin, &sheet->letter_count);
	pixDestroy(&bin);
	if (!sheet->letters)
		return err_set(err, ERR_NO_MEMORY, "not enough memory to prepare a page");
	sheet->text_height = ocr_letters_height(sheet->letters, sheet->letter_count);
	return ERR_OK;
}

/* Long thin lines along one direction; NULL without memory. */
static PIX *find_rules(PIX *bin, float text_height, bool level)
{
	int length = (int)(text_height * RULE_HEIGHTS), thickness = (int)(text_height / 2);
	PIX *lines = pixOpenCompBrick(NULL, bin, level ? length : 1, level ? 1 : length);
	PIX *thin = lines ? pixSelectBySize(lines, thickness, thickness, 8, L_SELECT_IF_EITHER, L_SELECT_IF_LTE, NULL)
			  : NULL;

	pixDestroy(&lines);
	return thin;
}

/* Paints ruled lines white: tesseract takes them for letters and for edges of columns. */
static void remove_rules(struct ocr_sheet *sheet)
{
	PIX *bin = pixThresholdToBinary(sheet->grey, ocr_sheet_threshold(sheet->grey));

	for (int level = 0; bin && level < 2; level++) {
		PIX *rules = find_rules(bin, sheet->text_height, level);
		l_int32 none = 1;

		if (rules && !pixZero(rules, &none) && !none) {
			/* Grey edges beside a line go with it. */
			pixDilateBrick(rules, rules, 5, 5);
			sheet->changed |= pixSetMasked(sheet->grey, rules, 255) == 0;
		}
		pixDestroy(&rules);
	}
	pixDestroy(&bin);
}

enum err_code ocr_sheet_prepare(const struct ocr_sheet *plain, bool turn, struct ocr_sheet *ret, struct err *err)
{
	cleanup_sheet struct ocr_sheet sheet = *plain;

	sheet.letters = NULL;
	sheet.letter_count = 0;
	sheet.grey = pixCopy(NULL, plain->grey);
	if (!sheet.grey)
		return err_set(err, ERR_NO_MEMORY, "not enough memory to prepare a page");
	clean(&sheet);
	enum err_code code = find_letters(&sheet, err);

	/* Scaled first: turning a large image costs fewer details. */
	if (!code)
		code = scale(&sheet, err);
	if (!code && sheet.text_height > 0)
		code = level(&sheet, turn, err);
	if (!code && sheet.text_height > 0)
		remove_rules(&sheet);
	if (code)
		return code;
	*ret = sheet;
	sheet.grey = NULL;
	sheet.letters = NULL;
	return ERR_OK;
}
