#include "ocr/sheet.h"

#include <leptonica/allheaders.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	TILES = 24, /* of the probe, each way */
	TILE_PX = 64, /* looked at of each */
	TEXT_HEIGHT_PX = 24, /* median height of letters that tesseract reads best */
	MIN_LETTERS = 20, /* fewer components say nothing about the text's height */
	MAX_SHEET_PIXELS = 32 * 1000 * 1000, /* more costs time and shows no more: A3 at 400 dpi is 31 Mpx */
	MAX_UPSCALE = 4
};

/* Background of the lightest and the darkest part of a page may differ by this much of 255 before it counts as
 * unevenly lit: paper's own tone and show-through stay below. */
static const float uneven_light = 24;
/* Noise above this share of the contrast between ink and paper costs more letters than smoothing does. */
static const float noisy = 0.14F;
static const float min_skew_degrees = 0.15F;
static const float min_skew_confidence = 2.5F;
/* Lines run up or down where that direction scores this many times the level one. */
static const float vertical_ratio = 1.6F;

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

static PIX *binarise(PIX *grey)
{
	return pixThresholdToBinary(grey, ocr_sheet_threshold(grey));
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
	if (getenv("OCR_TRACE"))
		fprintf(stderr, "probe paper %.0f..%.0f noise %.1f contrast %.0f inverse %d\n", (double)probe.paper_low,
			(double)probe.paper_high, (double)probe.noise, (double)probe.contrast, probe.inverse);
}

struct letter {
	int height;
	int weight;
};

static int compare_letters(const void *a, const void *b)
{
	return ((const struct letter *)a)->height - ((const struct letter *)b)->height;
}

/* Fills `letters` with the components of a letter's shape; returns how many. */
static size_t collect_letters(BOXA *boxes, struct letter *letters)
{
	size_t count = 0;
	int total = boxaGetCount(boxes);

	for (int i = 0; i < total; i++) {
		int x, y, w, h;

		boxaGetBoxGeometry(boxes, i, &x, &y, &w, &h);
		if (h >= 4 && h <= 160 && w >= 2 && w <= 300 && w < 8 * h && h < 12 * w)
			letters[count++] = (struct letter){ h, w < h ? w : h };
	}
	return count;
}

/* The median height of letters, pixels, each weighted by its size so that dots count little; 0 for too few. */
static float text_height(PIX *bin)
{
	BOXA *boxes = pixConnCompBB(bin, 8);
	cleanup_free struct letter *letters = NULL;
	size_t count = 0;

	if (boxes)
		letters = calloc((size_t)boxaGetCount(boxes) + 1, sizeof(*letters));
	if (letters)
		count = collect_letters(boxes, letters);
	boxaDestroy(&boxes);
	if (count <= MIN_LETTERS)
		return 0;
	qsort(letters, count, sizeof(*letters), compare_letters);

	double total = 0, sum = 0;

	for (size_t i = 0; i < count; i++)
		total += letters[i].weight;
	for (size_t i = 0; i < count; i++) {
		sum += letters[i].weight;
		if (sum >= total / 2)
			return (float)letters[i].height;
	}
	return 0;
}

/* How level the lines are: the angle to turn by, clockwise, how sure it is, and a score to compare directions by. */
struct skew {
	l_float32 degrees;
	l_float32 confidence;
	l_float32 score;
};

static struct skew find_skew(PIX *bin, int reduction)
{
	struct skew skew = { 0, 0, 0 };

	if (pixFindSkewSweepAndSearchScore(bin, &skew.degrees, &skew.confidence, &skew.score, reduction,
					   reduction > 1 ? reduction / 2 : 1, 0, 7, 1, 0.01F))
		return (struct skew){ 0, 0, 0 };
	return skew;
}

/* Turns the sheet by 90 degrees where lines seem to run up or down; levels lines. */
static enum err_code level(struct ocr_sheet *sheet, PIX **bin, bool turn, struct err *err)
{
	int reduction = sheet->text_height >= 16 ? 4 : 2;
	struct skew level = find_skew(*bin, reduction);
	struct skew upright = { 0, 0, 0 };

	if (turn) {
		PIX *turned = pixRotateOrth(*bin, 1);

		if (turned)
			upright = find_skew(turned, reduction);
		if (getenv("OCR_TRACE"))
			fprintf(stderr, "skew %.2f conf %.2f score %g | vertical %.2f %.2f %g\n", (double)level.degrees,
				(double)level.confidence, (double)level.score, (double)upright.degrees,
				(double)upright.confidence, (double)upright.score);
		if (turned && upright.score > vertical_ratio * level.score) {
			level = upright;
			replace(bin, turned);
			enum err_code code = ocr_sheet_turn(sheet, 90, err);

			if (code)
				return code;
		} else {
			pixDestroy(&turned);
		}
	}
	if (level.confidence < min_skew_confidence || fabsf(level.degrees) < min_skew_degrees)
		return ERR_OK;

	double cx = pixGetWidth(sheet->grey) / 2, cy = pixGetHeight(sheet->grey) / 2;

	if (!replace(&sheet->grey, pixRotate(sheet->grey, level.degrees * (float)M_PI / 180, L_ROTATE_AREA_MAP,
					     L_BRING_IN_WHITE, 0, 0)))
		return err_set(err, ERR_NO_MEMORY, "not enough memory to level a page");
	struct ocr_map back = ocr_map_rotate(-(double)level.degrees, cx, cy);

	sheet->to_page = ocr_map_compose(&sheet->to_page, &back);
	sheet->skew = -level.degrees;
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
	if (!replace(&sheet->grey, pixScale(sheet->grey, (float)factor, (float)factor)))
		return err_set(err, ERR_NO_MEMORY, "not enough memory to scale a page");

	struct ocr_map back = ocr_map_identity();

	back.ax = width / pixGetWidth(sheet->grey);
	back.by = height / pixGetHeight(sheet->grey);
	sheet->to_page = ocr_map_compose(&sheet->to_page, &back);
	sheet->scale = (float)factor;
	sheet->text_height *= (float)factor;
	sheet->changed = true;
	return ERR_OK;
}

static float dark_share(PIX *bin)
{
	l_float32 share = 0;

	return pixForegroundFraction(bin, &share) ? 0 : share;
}

enum err_code ocr_sheet_prepare(const struct ocr_sheet *plain, bool turn, struct ocr_sheet *ret, struct err *err)
{
	cleanup_sheet struct ocr_sheet sheet = *plain;

	sheet.grey = pixCopy(NULL, plain->grey);
	if (!sheet.grey)
		return err_set(err, ERR_NO_MEMORY, "not enough memory to prepare a page");
	clean(&sheet);

	PIX *bin = binarise(sheet.grey);

	if (!bin)
		return err_set(err, ERR_NO_MEMORY, "not enough memory to prepare a page");
	sheet.text_height = text_height(bin);
	sheet.ink = dark_share(bin);
	enum err_code code = level(&sheet, &bin, turn && sheet.text_height > 0, err);

	pixDestroy(&bin);
	if (!code)
		code = scale(&sheet, err);
	if (code)
		return code;
	*ret = sheet;
	sheet.grey = NULL;
	return ERR_OK;
}
