/*
 * The text layer of a searchable PDF: one page of invisible text (render mode 3) per page, each word at its box,
 * in a glyphless font with a ToUnicode map, so that any script is found and copied out right, also right-to-left
 * and CJK. It takes words from any engine. The jail lays it over the original pages and images (jail/jail.h).
 *
 * PDF 32000-1:2008; written from scratch, no library. One thread at a time.
 */
#ifndef TIRO_OCR_PDF_H
#define TIRO_OCR_PDF_H

#include "ocr/page.h"

struct ocr_pdf;

/* Writes to `out`, whose maximum bounds the file; borrowed for the writer's life. */
enum err_code ocr_pdf_new(struct strbuf *out, struct ocr_pdf **ret, struct err *err) MUST_CHECK;
void ocr_pdf_free(struct ocr_pdf *pdf);

/*
 * Adds a page. Its size in points follows from width, height and dpi; text is placed in the frame of the
 * raster as it was, before page->rotation, so that it lies over the original.
 * A page without words still counts. Words of source "text-layer" are left out: the page has them already. Errors:
 * ERR_TOO_BIG, ERR_NO_MEMORY.
 */
enum err_code ocr_pdf_add(struct ocr_pdf *pdf, const struct ocr_page *page, struct err *err) MUST_CHECK;

/* Writes the catalogue and the cross-reference table. */
enum err_code ocr_pdf_end(struct ocr_pdf *pdf, struct err *err) MUST_CHECK;

#endif
