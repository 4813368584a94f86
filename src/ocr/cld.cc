#include "ocr/cld.h"

/* Before the next header, which uses FILE without including it. */
#include <cstdio>

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>
#include <cstring>

/* Best effort: an answer for short texts too. */
static const int best_effort = 0x4000;

/* CLD2's codes are old or long for a few languages. */
static const char *modern_code(const char *code)
{
	if (strcmp(code, "iw") == 0)
		return "he";
	if (strcmp(code, "zh-Hant") == 0)
		return "zh";
	return strlen(code) == 2 ? code : "";
}

void ocr_cld_detect(const char *text, size_t len, struct ocr_cld *ret)
{
	CLD2::CLDHints hints = { nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE };
	CLD2::Language languages[OCR_CLD_LANGUAGES];
	double scores[OCR_CLD_LANGUAGES];
	int bytes = 0, valid_prefix = 0;

	memset(ret, 0, sizeof(*ret));
	CLD2::ExtDetectLanguageSummaryCheckUTF8(text, static_cast<int>(len), true, &hints, best_effort, languages,
						ret->percent, scores, nullptr, &bytes, &ret->reliable, &valid_prefix);
	for (int i = 0; i < OCR_CLD_LANGUAGES; i++)
		if (languages[i] != CLD2::UNKNOWN_LANGUAGE)
			snprintf(ret->code[i], sizeof(ret->code[i]), "%s",
				 modern_code(CLD2::LanguageCode(languages[i])));
}
