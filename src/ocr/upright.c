#include "ocr/upright.h"

#include <string.h>

#include "base/utf8.h"
#include "ocr/cld.h"
#include "ocr/sheet.h"

enum {
	STRIP_LINES = 6, /* read to find out what a page is */
	MIXED_PERCENT = 20 /* share of other languages from which a page counts as mixed */
};

/* Mean confidence of a strip that was read the right way with the right data; with wrong ones it is below 0.6. */
static const float sure = 0.75F;
/* Another direction must beat the present one by this factor. */
static const float clearly_better = 1.3F;
/* Below it CLD2's answer is a guess. */
static const size_t min_text_bytes = 40;

/* A strip read with some data. */
struct trial {
	float score;
	float confidence;
	bool mixed;
	const struct ocr_language *language; /* of the text by CLD2; NULL: not known */
};

const struct ocr_language *ocr_language_of(const struct ocr_installed *installed, const struct ocr_page *page,
					   bool *ret_mixed)
{
	struct strbuf text = STRBUF_INIT(LIMIT_PAGE_TEXT * 2);
	const struct ocr_language *language = NULL;
	struct ocr_cld found = { 0 };

	*ret_mixed = false;
	for (size_t i = 0; i < page->word_count; i++) {
		strbuf_add(&text, ocr_word_text(page, &page->words[i]), page->words[i].text_len);
		strbuf_add_char(&text, ' ');
	}
	if (!text.failed && text.len >= min_text_bytes) {
		ocr_cld_detect(strbuf_str(&text), text.len, &found);
		language = ocr_language_by_code(found.code[0]);
		*ret_mixed = found.code[1][0] && found.percent[1] + found.percent[2] >= MIXED_PERCENT;
	}
	strbuf_done(&text);
	return language ? ocr_language_pick(installed, language->code) : NULL;
}

/* Reads a strip of the sheet with `data`. */
static enum err_code try_strip(const struct ocr_fast *with, const struct ocr_tess_job *job, struct trial *ret,
			       struct err *err)
{
	struct ocr_tess_job part = *job;
	struct ocr_reading reading;
	struct ocr_box strip;

	*ret = (struct trial){ 0 };
	if (!ocr_sheet_strip(job->sheet, STRIP_LINES, &strip))
		return ERR_OK;
	part.part = &strip;
	enum err_code code = ocr_tess_read(with->tess, &part, &reading, err);

	if (code)
		return code;
	ret->score = reading.score;
	ret->confidence = ocr_page_confidence(&reading.page);
	ret->language = ocr_language_of(with->installed, &reading.page, &ret->mixed);
	ocr_reading_done(&reading);
	return ERR_OK;
}

enum err_code ocr_find_upright(const struct ocr_fast *with, const struct ocr_tess_job *job, struct ocr_sheet *sheet,
			       bool *ret_turned, struct err *err)
{
	float best = 0, at_start = 0;
	uint32_t best_rotation = 0;
	enum err_code code = ERR_OK;

	*ret_turned = false;
	for (uint32_t rotation = 0; rotation < 360 && !code; rotation += 90) {
		struct trial trial;

		code = try_strip(with, job, &trial, err);
		if (!code && rotation == 0)
			best = at_start = trial.score;
		if (!code && trial.score > best && trial.score > at_start * clearly_better) {
			best = trial.score;
			best_rotation = rotation;
		}
		if (!code)
			code = ocr_sheet_turn(sheet, 90, err);
	}
	if (!code)
		code = ocr_sheet_turn(sheet, best_rotation, err);
	*ret_turned = best_rotation != 0;
	return code;
}

/* The state of the search for a language. */
struct search {
	const struct ocr_fast *with;
	struct ocr_tess_job job;
	struct ocr_choice choice; /* whose data the job names */
	struct trial best;
	const struct ocr_language *language; /* the best trial was read with its data */
};

/* Tries the data of one language. */
static enum err_code try_language(struct search *search, const struct ocr_language *language, struct err *err)
{
	struct trial trial;

	ocr_choice_by_language(search->with->installed, language, &search->choice);
	search->job.data = search->choice.data;
	enum err_code code = try_strip(search->with, &search->job, &trial, err);

	search->job.data = NULL;
	if (code)
		return code;
	if (!search->language || trial.score > search->best.score) {
		search->best = trial;
		search->language = language;
	}
	return ERR_OK;
}

static bool found(const struct search *search)
{
	return search->language && search->best.confidence >= sure && search->best.score > 0;
}

/* Tries one language of each script that is installed, the one that tesseract's detector names first. */
static enum err_code try_scripts(struct search *search, const char *likely, struct err *err)
{
	enum err_code code = ERR_OK;

	for (int round = 0; round < 2 && !code; round++) {
		const char *before = "Latin";
		const struct ocr_language *language;

		for (size_t i = 0; (language = ocr_language_installed(search->with->installed, i)); i++) {
			bool is_likely = strcmp(language->script_name, likely) == 0;

			if (strcmp(language->script_name, before) == 0 || is_likely != (round == 0) || found(search))
				continue;
			before = language->script_name;
			code = try_language(search, language, err);
			if (code)
				return code;
		}
	}
	return code;
}

/* Tries scripts, then turns the sheet and tries the best again. */
static enum err_code search_further(struct search *search, struct ocr_sheet *sheet, bool turn, struct err *err)
{
	struct ocr_osd osd = { 0 };
	bool turned = false;
	enum err_code code = ERR_OK;

	if (ocr_installed_has(search->with->installed, "osd"))
		(void)ocr_tess_osd(search->with->tess, sheet, &osd);
	code = try_scripts(search, osd.script, err);
	if (code || found(search) || !turn)
		return code;
	ocr_choice_by_language(search->with->installed, search->language, &search->choice);
	search->job.data = search->choice.data;
	code = ocr_find_upright(search->with, &search->job, sheet, &turned, err);
	if (code || !turned)
		return code;
	search->language = NULL;
	return try_scripts(search, osd.script, err);
}

/* The data for what was found: CLD2 knows the language better than the choice of data does. */
static void settle(const struct search *search, struct ocr_choice *ret)
{
	const struct ocr_installed *installed = search->with->installed;
	const struct ocr_language *language = search->best.language ? search->best.language : search->language;

	if (language->script != search->language->script)
		language = search->language;
	ocr_choice_by_language(installed, language, ret);
	if (!search->best.language)
		ret->code[0] = 0;
	if (language->script == OCR_SCRIPT_LATIN && search->best.mixed && ocr_choice_latin(installed, ret))
		(void)snprintf(ret->code, sizeof(ret->code), "%s", language->code);
}

enum err_code ocr_find_language(const struct ocr_fast *with, const struct ocr_run *run, struct ocr_sheet *sheet,
				struct ocr_choice *ret, struct err *err)
{
	struct search search = { .with = with, .job = { .run = run, .sheet = sheet, .layout = OCR_LAYOUT_BLOCK } };
	const struct ocr_language *first = ocr_language_installed(with->installed, 0);
	enum err_code code = try_language(&search, first, err);

	if (!code && !found(&search) && sheet->text_height > 0)
		code = search_further(&search, sheet, !run->options->keep_orientation, err);
	if (!code)
		settle(&search, ret);
	return code;
}
