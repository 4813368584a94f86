#include "ocr/reader_priv.h"

#include <leptonica/allheaders.h>

#include "base/utf8.h"

/* Words below this confidence count against a reading: found by comparing readings with the truth. */
static const float doubt = 0.4F;

void ocr_reading_init(struct ocr_reading *reading, const struct ocr_sheet *sheet)
{
	reading->score = 0;
	ocr_page_init(&reading->page);
	reading->page.width = (uint32_t)pixGetWidth(sheet->grey);
	reading->page.height = (uint32_t)pixGetHeight(sheet->grey);
}

void ocr_reading_done(struct ocr_reading *reading)
{
	ocr_page_done(&reading->page);
	reading->score = 0;
}

float ocr_score_words(const struct ocr_page *page, size_t first, size_t count)
{
	float score = 0;

	for (size_t i = first; i < first + count; i++) {
		const struct ocr_word *word = &page->words[i];

		score += (float)utf8_count(ocr_word_text(page, word), word->text_len) * (word->confidence - doubt);
	}
	return score * 100;
}

void ocr_reading_rate(struct ocr_reading *reading)
{
	reading->score = ocr_score_words(&reading->page, 0, reading->page.word_count);
}

bool ocr_run_aborted(const struct ocr_run *run)
{
	return run->abort && run->abort(run->abort_ctx);
}
