/*
 * Paragraphs, headings and hyphens of lines in reading order.
 */
#ifndef TIRO_OCR_PARAGRAPH_H
#define TIRO_OCR_PARAGRAPH_H

#include "ocr/page.h"

/*
 * Sets paragraph_start and hyphenated of the lines, kind and continues of the blocks of a page whose lines are level
 * (the coordinates of a sheet). Thread-safe.
 */
void ocr_mark_paragraphs(struct ocr_page *page);

#endif
