/*
 * The text layer of a PDF page as a page of ours: characters with boxes become words, lines, blocks and paragraphs.
 * Inside the jail; one thread at a time.
 */
#ifndef TIRO_JAIL_PAGES_TEXT_H
#define TIRO_JAIL_PAGES_TEXT_H

#include "media/document.h"
#include "ocr/page.h"

/* Reorders the glyphs of right-to-left lines in place. *ret is initialised by the call; the caller releases it.
 * Errors: ERR_TOO_BIG, ERR_NO_MEMORY. */
enum err_code pages_text_to_page(struct media_text *text, struct ocr_page *ret, struct err *err) MUST_CHECK;

#endif
