#include "ocr/finish.h"

#include <string.h>

#include "ocr/paragraph.h"
#include "ocr/sheet.h"
#include "ocr/tidy.h"

static void map_page(struct ocr_page *page, const struct ocr_sheet *sheet)
{
	for (size_t i = 0; i < page->word_count; i++)
		page->words[i].box =
			ocr_map_box(&sheet->to_page, &page->words[i].box, sheet->page_width, sheet->page_height);
	for (size_t i = 0; i < page->line_count; i++) {
		struct ocr_line *line = &page->lines[i];
		double x0 = line->box.x0, x1 = line->box.x1, y0 = (double)line->baseline_y;
		double y1 = y0 + (double)line->slope * (x1 - x0);

		ocr_map_point(&sheet->to_page, &x0, &y0);
		ocr_map_point(&sheet->to_page, &x1, &y1);
		line->box = ocr_map_box(&sheet->to_page, &line->box, sheet->page_width, sheet->page_height);
		line->slope = x1 > x0 ? (float)((y1 - y0) / (x1 - x0)) : 0;
		line->baseline_y = (float)(y0 + (line->box.x0 - x0) * (double)line->slope);
	}
	for (size_t i = 0; i < page->block_count; i++)
		page->blocks[i].box =
			ocr_map_box(&sheet->to_page, &page->blocks[i].box, sheet->page_width, sheet->page_height);
	page->width = sheet->page_width;
	page->height = sheet->page_height;
	page->rotation = sheet->rotation;
	page->skew = sheet->skew;
}

enum err_code ocr_finish(struct ocr_reading *reading, const struct ocr_sheet *sheet, const struct ocr_choice *choice,
			 struct ocr_page *ret, struct err *err)
{
	enum err_code code = ocr_tidy(&reading->page, choice->code, ret, err);

	if (code) {
		ocr_page_done(ret);
		return code;
	}
	ocr_reading_done(reading);
	ocr_mark_paragraphs(ret);
	map_page(ret, sheet);
	(void)snprintf(ret->language, sizeof(ret->language), "%s", choice->code);
	(void)snprintf(ret->source, sizeof(ret->source), "%s", "tesseract");
	return ERR_OK;
}
