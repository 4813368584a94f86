/* Made-up pages for the tests of formats and PDF: English, German with a hyphen and two columns, Persian, Chinese. */
#ifndef TIRO_TESTS_OCR_SAMPLE_H
#define TIRO_TESTS_OCR_SAMPLE_H

#include "ocr/page.h"

/* A page of 1240 x 1754 pixels at 150 dpi; the caller releases it. */
void sample_english(struct ocr_page *ret);
void sample_german(struct ocr_page *ret);
void sample_persian(struct ocr_page *ret);
void sample_chinese(struct ocr_page *ret);

/* Adds a block, or a line of words parted by spaces with its baseline at `y`; boxes are made up. */
void sample_block(struct ocr_page *page);
void sample_line(struct ocr_page *page, int x, int y, float slope, const char *text);

#endif
