/*
 * For ocr/pdf*.c only: the glyphless font and the characters it stands for.
 */
#ifndef TIRO_OCR_PDF_PRIV_H
#define TIRO_OCR_PDF_PRIV_H

#include "ocr/pdf.h"

/* Every glyph is half an em wide and reaches from DESCENT to ASCENT, in thousandths of an em. */
enum { PDF_FONT_ADVANCE = 500, PDF_FONT_ASCENT = 800, PDF_FONT_DESCENT = -200 };

/* A TrueType program with two empty glyphs. */
void ocr_pdf_font_program(struct strbuf *out);

/* Characters of a document, numbered as they come (CIDs from 1), so that any of Unicode fits in two bytes. */
struct pdf_charset {
	uint16_t *cid_of; /* owned; one per code point, 0: none yet */
	uint32_t *character_of; /* owned; by CID; entry 0 unused */
	uint32_t count; /* CIDs given out */
};

enum err_code pdf_charset_init(struct pdf_charset *set, struct err *err) MUST_CHECK;
void pdf_charset_done(struct pdf_charset *set);

/* The CID of a character. A document with more than 65,534 different ones repeats the last. */
uint16_t pdf_charset_cid(struct pdf_charset *set, uint32_t character);

/* The ToUnicode CMap, uncompressed. */
void pdf_charset_to_unicode(const struct pdf_charset *set, struct strbuf *out);

/* Appends a number in PDF syntax with at most `decimals` digits after the point. */
void pdf_add_number(struct strbuf *out, double value, int decimals);

/* Content stream operators of one page's text, and its size in points. */
struct pdf_page_size {
	double width_pt, height_pt;
};
struct pdf_page_size pdf_page_content(const struct ocr_page *page, struct pdf_charset *set, struct strbuf *out);

#endif
