/*
 * Pages as raw text, paragraphs, JSON, hOCR 1.2, ALTO 4 or tesseract's TSV, page by page.
 *
 * A document is begun, given its pages in order and ended; each call appends to `out`, which the caller may empty
 * in between. PDF is in ocr/pdf.h.
 */
#ifndef TIRO_OCR_FORMAT_H
#define TIRO_OCR_FORMAT_H

#include "ocr/page.h"

enum ocr_format {
	OCR_FORMAT_RAW, /* lines as they stand, pages parted by a form feed */
	OCR_FORMAT_PARAGRAPH, /* whole paragraphs, hyphenation joined, parted by an empty line */
	OCR_FORMAT_JSON,
	OCR_FORMAT_HOCR,
	OCR_FORMAT_ALTO,
	OCR_FORMAT_TSV,
	OCR_FORMAT_PDF
};

bool ocr_format_by_name(const char *name, enum ocr_format *ret);

struct ocr_writer {
	enum ocr_format format;
	struct strbuf *out; /* borrowed */
	const char *file_name; /* borrowed; shown in hOCR, ALTO and JSON */
	uint32_t pages; /* written so far */
};

/* Not for OCR_FORMAT_PDF. */
void ocr_writer_begin(struct ocr_writer *w, enum ocr_format format, const char *file_name, struct strbuf *out);
void ocr_writer_page(struct ocr_writer *w, const struct ocr_page *page);
void ocr_writer_end(struct ocr_writer *w);

/* The two text forms of one page, without a page separator. */
void ocr_page_raw_text(const struct ocr_page *page, struct strbuf *out);
void ocr_page_paragraph_text(const struct ocr_page *page, struct strbuf *out);

#endif
