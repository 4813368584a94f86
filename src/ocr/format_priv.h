/*
 * For ocr/format*.c only: one pair of functions per format, and what several formats need.
 */
#ifndef TIRO_OCR_FORMAT_PRIV_H
#define TIRO_OCR_FORMAT_PRIV_H

#include "ocr/format.h"

void ocr_json_begin(struct ocr_writer *w);
void ocr_json_page(struct ocr_writer *w, const struct ocr_page *page);
void ocr_json_end(struct ocr_writer *w);

void ocr_hocr_begin(struct ocr_writer *w);
void ocr_hocr_page(struct ocr_writer *w, const struct ocr_page *page);
void ocr_hocr_end(struct ocr_writer *w);

void ocr_alto_begin(struct ocr_writer *w);
void ocr_alto_page(struct ocr_writer *w, const struct ocr_page *page);
void ocr_alto_end(struct ocr_writer *w);

void ocr_tsv_begin(struct ocr_writer *w);
void ocr_tsv_page(struct ocr_writer *w, const struct ocr_page *page);

/* Some lines of one block: a paragraph, or all of them. */
struct ocr_span {
	uint32_t first_line;
	uint32_t end_line; /* one past the last */
};

/* The next paragraph of a block: starts where `span` ends (zero it to begin); false after the last one. */
bool ocr_next_paragraph(const struct ocr_page *page, const struct ocr_block *block, struct ocr_span *span);

/* The box around all lines of the span. */
struct ocr_box ocr_span_box(const struct ocr_page *page, const struct ocr_span *span);

/* True if most words of the span run from right to left. */
bool ocr_span_is_rtl(const struct ocr_page *page, const struct ocr_span *span);

/* Appends a line's words with the spaces between them. */
void ocr_line_text(const struct ocr_page *page, const struct ocr_line *line, struct strbuf *out);

/* Bytes of the hyphen at the end of a text, 0 where there is none. */
size_t ocr_hyphen_len(const char *text, size_t len);

/* Appends text for XML content or a quoted attribute: markup escaped, what XML 1.0 forbids left out, bytes that are not
 * UTF-8 as U+FFFD. */
void ocr_xml_text(struct strbuf *out, const char *text, size_t len);

/* A file's name without its folders; "" for NULL. */
const char *ocr_base_name(const char *file_name);

#endif
