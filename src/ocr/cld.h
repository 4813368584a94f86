/*
 * The language of a text by CLD2 (Apache-2.0, C++, Debian's libcld2). Thread-safe.
 */
#ifndef TIRO_OCR_CLD_H
#define TIRO_OCR_CLD_H

#include <stdbool.h>
#include <stddef.h>

enum { OCR_CLD_LANGUAGES = 3, OCR_CLD_CODE_SIZE = 8 };

struct ocr_cld {
	char code[OCR_CLD_LANGUAGES][OCR_CLD_CODE_SIZE]; /* ISO 639-1, the main language first, "" where none */
	int percent[OCR_CLD_LANGUAGES]; /* of the text */
	bool reliable;
};

#ifdef __cplusplus
extern "C"
#endif
	void
	ocr_cld_detect(const char *text, size_t len, struct ocr_cld *ret);

#endif
