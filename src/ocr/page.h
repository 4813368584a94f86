/*
 * What stands on a page: words with boxes and confidences, in lines, in blocks, in reading order.
 *
 * Coordinates are pixels of the upright page: the raster turned clockwise by `rotation` degrees (0, 90, 180,
 * 270) into `width` x `height`; x grows to the right, y down; boxes are half-open [x0, x1) x [y0, y1) and lie
 * inside the page. Deskewing, scaling and other preparation are undone before a box gets here.
 * Words of a line, lines of a block and blocks are in reading order; right-to-left words are in logical order.
 *
 * One thread at a time.
 */
#ifndef TIRO_OCR_PAGE_H
#define TIRO_OCR_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/strbuf.h"

enum { OCR_LANGUAGE_SIZE = 8 };

struct ocr_box {
	int32_t x0, y0, x1, y1;
};

/* A raster as the jail delivers it; rows top down. */
struct ocr_raster {
	uint32_t width;
	uint32_t height;
	uint32_t channels; /* 1 grey, 3 RGB; 8 bits each */
	uint32_t stride; /* bytes from row to row */
	uint32_t dpi; /* what the file says, 0 where it does not */
	const uint8_t *pixels; /* borrowed; height * stride bytes */
};

struct ocr_word {
	struct ocr_box box;
	float confidence; /* 0..1 */
	uint32_t text; /* offset in the pool */
	uint32_t text_len;
	bool space_before; /* false at the start of a line and inside scripts without spaces */
	bool rtl;
};

struct ocr_line {
	struct ocr_box box;
	/* Baseline from (box.x0, baseline_y) with this slope (dy/dx). */
	float baseline_y;
	float slope;
	uint32_t first_word;
	uint32_t word_count;
	bool paragraph_start; /* the line opens a paragraph (set for a block's first line) */
	bool hyphenated; /* its last word goes on in the next line: paragraph text drops the hyphen */
};

enum ocr_block_kind { OCR_BLOCK_TEXT, OCR_BLOCK_HEADING, OCR_BLOCK_TABLE };

struct ocr_block {
	struct ocr_box box;
	enum ocr_block_kind kind;
	uint32_t first_line;
	uint32_t line_count;
	bool continues; /* its first paragraph goes on from the block before: a column break inside a paragraph */
};

struct ocr_page {
	uint32_t width;
	uint32_t height;
	uint32_t dpi; /* of the raster, estimated where the file did not say */
	uint32_t rotation; /* clockwise degrees that made the raster upright */
	float skew; /* degrees by which the lines still lean, clockwise */
	char language[OCR_LANGUAGE_SIZE]; /* ISO 639-1, "" where unknown */
	char source[16]; /* "tesseract", "ppocr", "mixed", "text-layer", "fake" */
	struct strbuf text;
	struct ocr_word *words;
	size_t word_count, word_capacity;
	struct ocr_line *lines;
	size_t line_count, line_capacity;
	struct ocr_block *blocks;
	size_t block_count, block_capacity;
};

void ocr_page_init(struct ocr_page *page);
void ocr_page_done(struct ocr_page *page);
#define cleanup_page cleanup(ocr_page_done)

/*
 * Building in reading order: a block, its lines, each line's words. Boxes of lines and blocks grow with their
 * words. Text must be valid UTF-8. Errors: ERR_TOO_BIG at LIMIT_PAGE_*, ERR_NO_MEMORY.
 */
enum err_code ocr_page_add_block(struct ocr_page *page, enum ocr_block_kind kind, struct err *err) MUST_CHECK;
enum err_code ocr_page_add_line(struct ocr_page *page, float baseline_y, float slope, struct err *err) MUST_CHECK;
enum err_code ocr_page_add_word(struct ocr_page *page, const struct ocr_word *word, const char *text, size_t text_len,
				struct err *err) MUST_CHECK;

const char *ocr_word_text(const struct ocr_page *page, const struct ocr_word *word);

/* Mean confidence of all words weighted by their length, 0 for an empty page. */
float ocr_page_confidence(const struct ocr_page *page);

/* The form in which an engine sends a page to a node; unpack treats the bytes as untrusted (counts, order,
 * ranges, boxes inside the page, UTF-8). *ret is initialised by the call and empty on failure. */
void ocr_page_pack(const struct ocr_page *page, struct strbuf *out);
enum err_code ocr_page_unpack(const void *bytes, size_t len, struct ocr_page *ret, struct err *err) MUST_CHECK;

#endif
