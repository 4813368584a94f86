/*
 * For src/media/document_pdf*.c only.
 */
#ifndef TIRO_MEDIA_PDF_PRIV_H
#define TIRO_MEDIA_PDF_PRIV_H

#include <poppler.h>

#include "media/document_priv.h"

/*
 * Takes a page's text layer where the page has real text: enough of it, readable, and not beside a picture of
 * a page. *ret_real says whether; `ret` is empty where not. `dpi` sets the pixels.
 */
enum err_code media_pdf_text(PopplerPage *page, uint32_t dpi, struct media_text *ret, bool *ret_real, struct err *err)
	MUST_CHECK;

#endif
