/*
 * Languages: ISO 639-1 codes, the tesseract data that reads each, what of it is installed.
 */
#ifndef TIRO_OCR_LANGUAGE_H
#define TIRO_OCR_LANGUAGE_H

#include "ocr/reader_priv.h"

enum ocr_script { OCR_SCRIPT_LATIN, OCR_SCRIPT_CYRILLIC, OCR_SCRIPT_ARABIC, OCR_SCRIPT_HAN, OCR_SCRIPT_OTHER };

struct ocr_language {
	const char *code; /* ISO 639-1 */
	const char *data; /* tesseract's name of its data */
	const char *script_name; /* as tesseract's detector names the script */
	enum ocr_script script;
};

/* The data files of a folder, read once; immutable afterwards and so shared by threads. */
struct ocr_installed;

/* `folder` NULL: where the system has them. *ret is the caller's. Errors: ERR_UNAVAILABLE where there is no data
 * at all (the message says what to install), ERR_NO_MEMORY. */
enum err_code ocr_installed_scan(const char *folder, struct ocr_installed **ret, struct err *err) MUST_CHECK;
void ocr_installed_free(struct ocr_installed *installed);
const char *ocr_installed_folder(const struct ocr_installed *installed);
bool ocr_installed_has(const struct ocr_installed *installed, const char *data);

/* The language with that code or NULL. */
const struct ocr_language *ocr_language_by_code(const char *code);

/* The first language with that code whose data is installed (Chinese has two), or NULL. */
const struct ocr_language *ocr_language_pick(const struct ocr_installed *installed, const char *code);

/* Languages whose data is installed, in the order of their table; NULL after the last. */
const struct ocr_language *ocr_language_installed(const struct ocr_installed *installed, size_t index);

/*
 * The data for a hint such as "ru" or "de+en", the main language first. Errors: ERR_INVALID for a code that is not
 * known or whose data is not installed; the message lists what is.
 */
enum err_code ocr_choice_by_hint(const struct ocr_installed *installed, const char *hint, struct ocr_choice *ret,
				 struct err *err) MUST_CHECK;

/* The data for one language; its data must be installed. */
void ocr_choice_by_language(const struct ocr_installed *installed, const struct ocr_language *language,
			    struct ocr_choice *ret);

/* One data for all languages in Latin script; false where it is not installed. */
bool ocr_choice_latin(const struct ocr_installed *installed, struct ocr_choice *ret);

#endif
