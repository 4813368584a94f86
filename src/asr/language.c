#include <string.h>
#include <strings.h>

#include "asr/engine.h"
#include "base/cleanup.h"

struct language {
	const char *code;
	const char *name;
};

/* The languages of Whisper's multilingual models, with the names that its authors gave them. */
static const struct language languages[] = {
	{ "af", "afrikaans" },	    { "am", "amharic" },     { "ar", "arabic" },
	{ "as", "assamese" },	    { "az", "azerbaijani" }, { "ba", "bashkir" },
	{ "be", "belarusian" },	    { "bg", "bulgarian" },   { "bn", "bengali" },
	{ "bo", "tibetan" },	    { "br", "breton" },	     { "bs", "bosnian" },
	{ "ca", "catalan" },	    { "cs", "czech" },	     { "cy", "welsh" },
	{ "da", "danish" },	    { "de", "german" },	     { "el", "greek" },
	{ "en", "english" },	    { "es", "spanish" },     { "et", "estonian" },
	{ "eu", "basque" },	    { "fa", "persian" },     { "fi", "finnish" },
	{ "fo", "faroese" },	    { "fr", "french" },	     { "gl", "galician" },
	{ "gu", "gujarati" },	    { "ha", "hausa" },	     { "haw", "hawaiian" },
	{ "he", "hebrew" },	    { "hi", "hindi" },	     { "hr", "croatian" },
	{ "ht", "haitian creole" }, { "hu", "hungarian" },   { "hy", "armenian" },
	{ "id", "indonesian" },	    { "is", "icelandic" },   { "it", "italian" },
	{ "ja", "japanese" },	    { "jw", "javanese" },    { "ka", "georgian" },
	{ "kk", "kazakh" },	    { "km", "khmer" },	     { "kn", "kannada" },
	{ "ko", "korean" },	    { "la", "latin" },	     { "lb", "luxembourgish" },
	{ "ln", "lingala" },	    { "lo", "lao" },	     { "lt", "lithuanian" },
	{ "lv", "latvian" },	    { "mg", "malagasy" },    { "mi", "maori" },
	{ "mk", "macedonian" },	    { "ml", "malayalam" },   { "mn", "mongolian" },
	{ "mr", "marathi" },	    { "ms", "malay" },	     { "mt", "maltese" },
	{ "my", "myanmar" },	    { "ne", "nepali" },	     { "nl", "dutch" },
	{ "nn", "nynorsk" },	    { "no", "norwegian" },   { "oc", "occitan" },
	{ "pa", "punjabi" },	    { "pl", "polish" },	     { "ps", "pashto" },
	{ "pt", "portuguese" },	    { "ro", "romanian" },    { "ru", "russian" },
	{ "sa", "sanskrit" },	    { "sd", "sindhi" },	     { "si", "sinhala" },
	{ "sk", "slovak" },	    { "sl", "slovenian" },   { "sn", "shona" },
	{ "so", "somali" },	    { "sq", "albanian" },    { "sr", "serbian" },
	{ "su", "sundanese" },	    { "sv", "swedish" },     { "sw", "swahili" },
	{ "ta", "tamil" },	    { "te", "telugu" },	     { "tg", "tajik" },
	{ "th", "thai" },	    { "tk", "turkmen" },     { "tl", "tagalog" },
	{ "tr", "turkish" },	    { "tt", "tatar" },	     { "uk", "ukrainian" },
	{ "ur", "urdu" },	    { "uz", "uzbek" },	     { "vi", "vietnamese" },
	{ "yi", "yiddish" },	    { "yo", "yoruba" },	     { "yue", "cantonese" },
	{ "zh", "chinese" },
};

/* Other names in use, and codes that a standard has replaced or that Whisper writes in its own way. */
static const struct language aliases[] = {
	{ "my", "burmese" },
	{ "ca", "valencian" },
	{ "nl", "flemish" },
	{ "ht", "haitian" },
	{ "lb", "letzeburgesch" },
	{ "ps", "pushto" },
	{ "pa", "panjabi" },
	{ "ro", "moldavian" },
	{ "si", "sinhalese" },
	{ "es", "castilian" },
	{ "zh", "mandarin" },
	{ "fa", "farsi" },
	{ "jw", "jv" },
	{ "he", "iw" },
};

static const char *find(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		const struct language *l = &languages[i];
		if ((strlen(l->code) == len && strncasecmp(l->code, text, len) == 0) ||
		    (strlen(l->name) == len && strncasecmp(l->name, text, len) == 0))
			return l->code;
	}
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (strlen(aliases[i].name) == len && strncasecmp(aliases[i].name, text, len) == 0)
			return aliases[i].code;
	return NULL;
}

bool asr_language_code(const char *code_or_name, char ret[ASR_LANGUAGE_SIZE])
{
	const char *code = find(code_or_name, strlen(code_or_name));
	/* "fa-IR" and "pt_BR", as browsers and locales write: the region does not matter here. */
	size_t primary = strcspn(code_or_name, "-_");
	if (!code && (primary == 2 || primary == 3) && code_or_name[primary] != '\0')
		code = find(code_or_name, primary);
	if (!code)
		return false;
	memcpy(ret, code, strlen(code) + 1);
	return true;
}

const char *asr_language_name(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (strcasecmp(languages[i].code, code) == 0)
			return languages[i].name;
	return NULL;
}

bool asr_language_has_spaces(const char *code)
{
	static const char *const without[] = { "zh", "ja", "yue", "th", "lo", "my", "km", "bo" };
	for (size_t i = 0; i < ARRAY_LEN(without); i++)
		if (strcmp(without[i], code) == 0)
			return false;
	return true;
}
