#include "ocr/accurate.h"

#include <leptonica/allheaders.h>
#include <stdlib.h>

#include "ocr/cld.h"
#include "ocr/finish.h"
#include "ocr/pp_page.h"
#include "ocr/select.h"
#include "ocr/sheet.h"

/* Lines that a probe reads this well stand upright and are in a script that PP-OCR knows; upside down or in another
 * script they come to 0.6 at most, blurred ones not below 0.8. */
#define PROBE_SURE 0.85f
/* Below this PP-OCR does not know the script, or nothing can be read. */
#define PROBE_MIN 0.6f
/* A line read worse than this is weak, and so is one longer than LONG_RATIO heights with holes in it. */
#define LINE_SURE 0.8f
#define LONG_RATIO 10.0f
/* Tesseract is asked when this share of the text is weak. */
#define DOUBT_SHARE 0.04f

/* The page on its way: the sheet, its pixels in one piece, the lines found on it. */
struct reading_desk {
	const struct ocr_accurate *with;
	const struct ocr_run *run;
	struct ocr_sheet sheet;
	uint8_t *pixels; /* owned */
	struct ocr_raster raster; /* over pixels */
	struct pp_quads quads;
	struct pp_probe probe;
	struct pp_lines lines;
};

static void desk_done(struct reading_desk *desk)
{
	ocr_sheet_done(&desk->sheet);
	free(desk->pixels);
	pp_quads_done(&desk->quads);
	pp_lines_done(&desk->lines);
}

/* Leptonica keeps four pixels a word in the machine's order; the networks' side reads bytes. */
static enum err_code take_pixels(struct reading_desk *desk, struct err *err)
{
	PIX *grey = desk->sheet.grey;
	uint32_t width = (uint32_t)pixGetWidth(grey), height = (uint32_t)pixGetHeight(grey);
	uint8_t *pixels = realloc(desk->pixels, (size_t)width * height);
	if (!pixels)
		return err_set(err, ERR_NO_MEMORY, "no memory for a page of %ux%u pixels", width, height);
	desk->pixels = pixels;
	for (uint32_t y = 0; y < height; y++) {
		const l_uint32 *line = pixGetData(grey) + (size_t)y * (size_t)pixGetWpl(grey);
		for (uint32_t x = 0; x < width; x++)
			*pixels++ = GET_DATA_BYTE(line, x);
	}
	desk->raster = (struct ocr_raster){ width, height, 1, width, 0, desk->pixels };
	return ERR_OK;
}

static enum err_code detect(struct reading_desk *desk, struct err *err)
{
	enum err_code code = take_pixels(desk, err);
	if (code != ERR_OK)
		return code;
	pp_quads_done(&desk->quads);
	return pp_detect(desk->with->pp, &desk->raster, desk->run->abort, desk->run->abort_ctx, &desk->quads, err);
}

static enum err_code turn(struct reading_desk *desk, uint32_t degrees, struct err *err)
{
	enum err_code code = ocr_sheet_turn(&desk->sheet, degrees, err);
	return code == ERR_OK ? detect(desk, err) : code;
}

static enum err_code probe(struct reading_desk *desk, bool upside_down, struct pp_probe *ret, struct err *err)
{
	return pp_probe(desk->with->pp, &desk->raster, desk->run, &desk->quads, upside_down, ret, err);
}

/*
 * Finds the lines and turns the sheet until they read well; desk->probe says how well. A page that reads well as it
 * is costs one probe. Its orientation is decided once for the whole page: PP-OCR's own classifier, which works
 * line by line, turns more lines wrongly than rightly.
 */
static enum err_code set_upright(struct reading_desk *desk, struct err *err)
{
	bool may_turn = !desk->run->options->keep_orientation;
	struct pp_probe reversed = { 0 };
	enum err_code code = detect(desk, err);

	if (code == ERR_OK && may_turn && pp_mostly_vertical(&desk->quads))
		code = turn(desk, 90, err);
	if (code == ERR_OK)
		code = probe(desk, false, &desk->probe, err);
	if (code == ERR_OK && may_turn && desk->probe.quality < PROBE_SURE)
		code = probe(desk, true, &reversed, err);
	if (code == ERR_OK && reversed.quality > desk->probe.quality) {
		desk->probe = reversed;
		code = turn(desk, 180, err);
	}
	return code;
}

/* The language that the options name, or that the text shows. */
static void choose_language(const struct ocr_accurate *with, const struct ocr_page *page, const struct ocr_choice *hint,
			    struct ocr_choice *ret)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(LIMIT_PAGE_TEXT);
	struct ocr_cld found;

	if (hint) {
		*ret = *hint;
		return;
	}
	for (size_t i = 0; i < page->word_count; i++) {
		strbuf_add(&text, ocr_word_text(page, &page->words[i]), page->words[i].text_len);
		if (page->words[i].space_before || i + 1 == page->word_count || page->words[i + 1].space_before)
			strbuf_add_char(&text, ' ');
	}
	ocr_cld_detect(strbuf_str(&text), text.len, &found);
	const struct ocr_language *language = ocr_language_by_code(found.code[0]);
	if (language && ocr_installed_has(with->installed, language->data))
		ocr_choice_by_language(with->installed, language, ret);
	else if (!ocr_choice_latin(with->installed, ret))
		*ret = (struct ocr_choice){ .data = "" };
	(void)snprintf(ret->code, sizeof(ret->code), "%s", found.code[0]);
}

/* True if so much of the text was read badly that tesseract's opinion is worth its time. */
static bool is_doubtful(const struct pp_lines *lines)
{
	float all = 0, weak = 0;
	for (size_t i = 0; i < lines->count; i++) {
		const struct pp_line *line = &lines->items[i];
		float width = pp_quad_width(&line->quad);
		bool holes = width > LONG_RATIO * pp_quad_height(&line->quad) && pp_line_quality(line) < PROBE_MIN;
		all += width;
		weak += holes || line->confidence < LINE_SURE ? width : 0;
	}
	return weak > DOUBT_SHARE * all;
}

/* Reads the page with tesseract too, and puts what it read better in place of PP-OCR's. */
static enum err_code ask_tesseract(struct reading_desk *desk, const struct ocr_choice *choice,
				   struct ocr_reading *reading, bool *ret_mixed, struct err *err)
{
	cleanup_sheet struct ocr_sheet prepared = { 0 };
	enum err_code code = ocr_sheet_prepare(&desk->sheet, false, &prepared, err);
	if (code != ERR_OK)
		return code;

	struct ocr_tess_job job = { .run = desk->run, .sheet = &prepared, .data = choice->data };
	cleanup_reading struct ocr_reading other;
	code = ocr_tess_read(desk->with->tess, &job, &other, err);
	if (code != ERR_OK)
		return code;
	struct ocr_map from_page = ocr_map_inverse(&desk->sheet.to_page);
	struct ocr_map map = ocr_map_compose(&from_page, &prepared.to_page);
	ocr_reading_move(&other, &map, desk->raster.width, desk->raster.height);

	struct ocr_reading best;
	size_t taken = 0;
	ocr_reading_init(&best, &desk->sheet);
	code = ocr_select(&reading->page, &other.page, &best.page, &taken, err);
	if (code != ERR_OK) {
		ocr_reading_done(&best);
		return code;
	}
	ocr_reading_done(reading);
	*reading = best;
	*ret_mixed = taken > 0;
	return ERR_OK;
}

/* Everything that follows once the lines are found. */
static enum err_code read_lines(struct reading_desk *desk, const struct ocr_choice *hint, struct ocr_page *ret,
				struct err *err)
{
	cleanup_reading struct ocr_reading reading;
	struct ocr_choice choice;
	ocr_reading_init(&reading, &desk->sheet);
	bool mixed = false;

	enum err_code code = pp_read_lines(desk->with->pp, &desk->raster, desk->run, &desk->quads, desk->probe.squeeze,
					   &desk->lines, err);
	if (code == ERR_OK)
		code = pp_lay_out(&desk->lines, pp_session_dictionary(desk->with->pp), &reading.page, err);
	if (code != ERR_OK)
		return code;
	choose_language(desk->with, &reading.page, hint, &choice);
	if (choice.data[0] && is_doubtful(&desk->lines))
		code = ask_tesseract(desk, &choice, &reading, &mixed, err);
	if (code == ERR_OK)
		code = ocr_finish(&reading, &desk->sheet, &choice, ret, err);
	if (code == ERR_OK)
		(void)snprintf(ret->source, sizeof(ret->source), "%s", mixed ? "mixed" : "ppocr");
	return code;
}

enum err_code ocr_accurate_read(const struct ocr_accurate *with, const struct ocr_run *run,
				const struct ocr_choice *choice, struct ocr_page *ret, bool *ret_read, struct err *err)
{
	cleanup(desk_done) struct reading_desk desk = { .with = with, .run = run };

	*ret_read = false;
	if (choice && !choice->ppocr)
		return ERR_OK;
	enum err_code code = ocr_sheet_plain(run->raster, &desk.sheet, err);
	if (code == ERR_OK)
		code = set_upright(&desk, err);
	if (code != ERR_OK || desk.probe.quality < PROBE_MIN)
		return code;
	code = read_lines(&desk, choice, ret, err);
	*ret_read = code == ERR_OK;
	return code;
}
