#include "ocr/fast.h"

#include <string.h>

#include "base/cleanup.h"

#include "ocr/finish.h"
#include "ocr/letters.h"
#include "ocr/sheet.h"
#include "ocr/upright.h"

/* A reading that covers less of the letters has lost text: a column of prices, the rows of a table. */
static const float enough_covered = 0.9F;
/* Mean confidence below which a page may be turned, or spoilt by its preparation. */
static const float poor = 0.65F;
/* A reading with other data must score this many times as much to count as that of another language. */
static const float clearly_better = 1.02F;

/* Reads and keeps the better one of the new reading and *best. */
static enum err_code try_better(const struct ocr_fast *with, const struct ocr_tess_job *job, float factor,
				struct ocr_reading *best, struct err *err)
{
	struct ocr_reading reading;
	enum err_code code = ocr_tess_read(with->tess, job, &reading, err);

	if (code)
		return code;
	if (reading.score > best->score * factor) {
		struct ocr_reading worse = *best;

		*best = reading;
		reading = worse;
	}
	ocr_reading_done(&reading);
	return ERR_OK;
}

/* Reads the whole sheet in the layout that suits it; *best is initialised by the call. */
static enum err_code read_sheet(const struct ocr_fast *with, struct ocr_tess_job *job, struct ocr_reading *best,
				struct err *err)
{
	job->layout = ocr_letters_in_columns(job->sheet) ? OCR_LAYOUT_ANY : OCR_LAYOUT_ROWS;
	enum err_code code = ocr_tess_read(with->tess, job, best, err);

	if (code || job->layout == OCR_LAYOUT_ANY || ocr_letters_covered(job->sheet, &best->page) >= enough_covered)
		return code;
	job->layout = OCR_LAYOUT_BLOCK;
	return try_better(with, job, 1, best, err);
}

/* Everything that one read has in hand. */
struct desk {
	const struct ocr_fast *with;
	const struct ocr_run *run;
	struct ocr_sheet plain;
	struct ocr_sheet sheet;
	struct ocr_choice choice;
	struct ocr_reading reading;
};

static void desk_done(struct desk *desk)
{
	ocr_sheet_done(&desk->plain);
	ocr_sheet_done(&desk->sheet);
	ocr_reading_done(&desk->reading);
}

/* After a poor reading: turns the sheet if it lies on its side or head, and reads it again. */
static enum err_code turn_and_read(struct desk *desk, struct err *err)
{
	struct ocr_tess_job job = {
		.run = desk->run, .sheet = &desk->sheet, .data = desk->choice.data, .layout = OCR_LAYOUT_BLOCK
	};
	bool turned = false;
	enum err_code code = ocr_find_upright(desk->with, &job, &desk->sheet, &turned, err);

	if (code || !turned)
		return code;
	ocr_reading_done(&desk->reading);
	return read_sheet(desk->with, &job, &desk->reading, err);
}

/* Reads the page as it was where its preparation may have spoilt it, and keeps the better one. */
static enum err_code read_unprepared(struct desk *desk, struct err *err)
{
	struct ocr_reading prepared = desk->reading;
	struct ocr_sheet *plain = &desk->plain;
	struct ocr_tess_job job = { .run = desk->run, .sheet = plain, .data = desk->choice.data };
	uint32_t turn = (desk->sheet.rotation + 360 - plain->rotation) % 360;
	enum err_code code = ocr_sheet_turn(plain, turn, err);

	job.layout = ocr_letters_in_columns(&desk->sheet) ? OCR_LAYOUT_ANY : OCR_LAYOUT_ROWS;
	if (!code)
		code = ocr_tess_read(desk->with->tess, &job, &desk->reading, err);
	if (code) {
		desk->reading = prepared;
		return code;
	}
	if (desk->reading.score > prepared.score) {
		struct ocr_sheet other = desk->sheet;

		desk->sheet = *plain;
		*plain = other;
		ocr_reading_done(&prepared);
		return ERR_OK;
	}
	ocr_reading_done(&desk->reading);
	desk->reading = prepared;
	return ERR_OK;
}

/* Checks the language against the whole text, and reads again where the strip led astray. */
static enum err_code check_language(struct desk *desk, struct err *err)
{
	bool mixed = false;
	const struct ocr_language *language = ocr_language_of(desk->with->installed, &desk->reading.page, &mixed);

	if (!language || strcmp(language->code, desk->choice.code) == 0)
		return ERR_OK;
	struct ocr_choice choice;
	struct ocr_tess_job job = { .run = desk->run, .sheet = &desk->sheet, .data = choice.data };
	float before = desk->reading.score;

	ocr_choice_by_language(desk->with->installed, language, &choice);
	if (strcmp(choice.data, desk->choice.data) == 0) {
		desk->choice = choice;
		return ERR_OK;
	}
	job.layout = ocr_letters_in_columns(&desk->sheet) ? OCR_LAYOUT_ANY : OCR_LAYOUT_ROWS;
	enum err_code code = try_better(desk->with, &job, clearly_better, &desk->reading, err);

	if (!code && desk->reading.score > before)
		desk->choice = choice;
	return code;
}

static enum err_code read_page(struct desk *desk, bool hinted, struct err *err)
{
	bool may_turn = !desk->run->options->keep_orientation;
	enum err_code code = ERR_OK;

	if (!hinted)
		code = ocr_find_language(desk->with, desk->run, &desk->sheet, &desk->choice, err);
	if (code)
		return code;
	struct ocr_tess_job job = { .run = desk->run, .sheet = &desk->sheet, .data = desk->choice.data };

	code = read_sheet(desk->with, &job, &desk->reading, err);
	if (!code && may_turn && desk->sheet.text_height > 0 && ocr_page_confidence(&desk->reading.page) < poor)
		code = turn_and_read(desk, err);
	if (!code && desk->sheet.changed && ocr_page_confidence(&desk->reading.page) < poor)
		code = read_unprepared(desk, err);
	if (!code && !hinted)
		code = check_language(desk, err);
	return code;
}

enum err_code ocr_fast_read(const struct ocr_fast *with, const struct ocr_run *run, struct ocr_page *ret,
			    struct err *err)
{
	cleanup(desk_done) struct desk desk = { .with = with, .run = run };
	bool hinted = run->options->language[0] != 0;
	enum err_code code = ERR_OK;

	ocr_page_init(&desk.reading.page);
	if (hinted)
		code = ocr_choice_by_hint(with->installed, run->options->language, &desk.choice, err);
	if (!code)
		code = ocr_sheet_plain(run->raster, &desk.plain, err);
	if (!code)
		code = ocr_sheet_prepare(&desk.plain, !run->options->keep_orientation, &desk.sheet, err);
	if (!code)
		code = read_page(&desk, hinted, err);
	return code ? code : ocr_finish(&desk.reading, &desk.sheet, &desk.choice, ret, err);
}
