#include "ocr/language.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LATIN(code, data)                                                                                              \
	{                                                                                                              \
		code, data, "Latin", OCR_SCRIPT_LATIN                                                                  \
	}
#define CYRILLIC(code, data)                                                                                           \
	{                                                                                                              \
		code, data, "Cyrillic", OCR_SCRIPT_CYRILLIC                                                            \
	}
#define ARABIC(code, data)                                                                                             \
	{                                                                                                              \
		code, data, "Arabic", OCR_SCRIPT_ARABIC                                                                \
	}

/* The commonest language of a script comes first: it is tried first where only the script is known. */
static const struct ocr_language languages[] = {
	LATIN("en", "eng"),
	LATIN("de", "deu"),
	LATIN("fr", "fra"),
	LATIN("es", "spa"),
	LATIN("it", "ita"),
	LATIN("pt", "por"),
	LATIN("nl", "nld"),
	LATIN("pl", "pol"),
	LATIN("cs", "ces"),
	LATIN("sv", "swe"),
	LATIN("da", "dan"),
	LATIN("no", "nor"),
	LATIN("fi", "fin"),
	LATIN("tr", "tur"),
	LATIN("ro", "ron"),
	LATIN("hu", "hun"),
	LATIN("hr", "hrv"),
	LATIN("sk", "slk"),
	LATIN("sl", "slv"),
	LATIN("lt", "lit"),
	LATIN("lv", "lav"),
	LATIN("et", "est"),
	LATIN("ca", "cat"),
	LATIN("eu", "eus"),
	LATIN("gl", "glg"),
	LATIN("ga", "gle"),
	LATIN("cy", "cym"),
	LATIN("is", "isl"),
	LATIN("la", "lat"),
	LATIN("id", "ind"),
	LATIN("ms", "msa"),
	LATIN("vi", "vie"),
	LATIN("sq", "sqi"),
	LATIN("af", "afr"),
	LATIN("eo", "epo"),
	LATIN("sw", "swa"),
	LATIN("az", "aze"),
	LATIN("mt", "mlt"),
	CYRILLIC("ru", "rus"),
	CYRILLIC("uk", "ukr"),
	CYRILLIC("bg", "bul"),
	CYRILLIC("sr", "srp"),
	CYRILLIC("be", "bel"),
	CYRILLIC("mk", "mkd"),
	CYRILLIC("kk", "kaz"),
	ARABIC("fa", "fas"),
	ARABIC("ar", "ara"),
	ARABIC("ur", "urd"),
	ARABIC("ps", "pus"),
	ARABIC("ug", "uig"),
	{ "zh", "chi_sim", "Han", OCR_SCRIPT_HAN },
	{ "zh", "chi_tra", "Han", OCR_SCRIPT_HAN },
	{ "ja", "jpn", "Japanese", OCR_SCRIPT_HAN },
	{ "ko", "kor", "Korean", OCR_SCRIPT_OTHER },
	{ "el", "ell", "Greek", OCR_SCRIPT_OTHER },
	{ "he", "heb", "Hebrew", OCR_SCRIPT_OTHER },
	{ "hi", "hin", "Devanagari", OCR_SCRIPT_OTHER },
	{ "bn", "ben", "Bengali", OCR_SCRIPT_OTHER },
	{ "ta", "tam", "Tamil", OCR_SCRIPT_OTHER },
	{ "te", "tel", "Telugu", OCR_SCRIPT_OTHER },
	{ "th", "tha", "Thai", OCR_SCRIPT_OTHER },
	{ "ka", "kat", "Georgian", OCR_SCRIPT_OTHER },
	{ "hy", "hye", "Armenian", OCR_SCRIPT_OTHER },
};

/* Where distributions put tesseract's data. */
static const char *const system_folders[] = { "/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tessdata",
					      "/usr/local/share/tessdata", "/usr/share/tesseract/tessdata" };

/* Data for all of Latin script, as Debian installs it and as upstream names it. */
static const char *const latin_names[] = { "Latin", "script/Latin" };

enum { MANY_LANGUAGES = 3 }; /* from so many on, one data for the script is better and cheaper */

struct ocr_installed {
	char *folder;
	bool has[ARRAY_LEN(languages)];
	bool osd;
	const char *latin; /* NULL: not installed */
};

static bool file_exists(const char *folder, const char *data)
{
	struct strbuf path = STRBUF_INIT(4096);

	strbuf_addf(&path, "%s/%s.traineddata", folder, data);
	bool exists = !path.failed && access(strbuf_str(&path), R_OK) == 0;

	strbuf_done(&path);
	return exists;
}

/* Looks for the data of every language that we know; returns how many there are. */
static size_t look_around(struct ocr_installed *installed, const char *folder)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		installed->has[i] = file_exists(folder, languages[i].data);
		count += installed->has[i];
	}
	installed->osd = file_exists(folder, "osd");
	for (size_t i = 0; i < ARRAY_LEN(latin_names) && !installed->latin; i++)
		if (file_exists(folder, latin_names[i]))
			installed->latin = latin_names[i];
	return count;
}

static const char *find_folder(struct ocr_installed *installed, const char *folder)
{
	if (!folder)
		folder = getenv("TESSDATA_PREFIX");
	if (folder)
		return look_around(installed, folder) ? folder : NULL;
	for (size_t i = 0; i < ARRAY_LEN(system_folders); i++)
		if (look_around(installed, system_folders[i]))
			return system_folders[i];
	return NULL;
}

enum err_code ocr_installed_scan(const char *folder, struct ocr_installed **ret, struct err *err)
{
	struct ocr_installed *installed = calloc(1, sizeof(*installed));

	if (!installed)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for the list of languages");
	const char *found = find_folder(installed, folder);

	if (!found) {
		free(installed);
		return err_set(err, ERR_UNAVAILABLE,
			       "no language data for reading pages%s%s; install it (Debian: tesseract-ocr-eng)",
			       folder ? " in " : "", folder ? folder : "");
	}
	installed->folder = strdup(found);
	if (!installed->folder) {
		free(installed);
		return err_set(err, ERR_NO_MEMORY, "not enough memory for the list of languages");
	}
	*ret = installed;
	return ERR_OK;
}

void ocr_installed_free(struct ocr_installed *installed)
{
	if (!installed)
		return;
	free(installed->folder);
	free(installed);
}

const char *ocr_installed_folder(const struct ocr_installed *installed)
{
	return installed->folder;
}

bool ocr_installed_has(const struct ocr_installed *installed, const char *data)
{
	if (strcmp(data, "osd") == 0)
		return installed->osd;
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (strcmp(languages[i].data, data) == 0)
			return installed->has[i];
	return false;
}

const struct ocr_language *ocr_language_by_code(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (strcmp(languages[i].code, code) == 0)
			return &languages[i];
	return NULL;
}

const struct ocr_language *ocr_language_installed(const struct ocr_installed *installed, size_t index)
{
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (installed->has[i] && index-- == 0)
			return &languages[i];
	return NULL;
}

const struct ocr_language *ocr_language_pick(const struct ocr_installed *installed, const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (installed->has[i] && strcmp(languages[i].code, code) == 0)
			return &languages[i];
	return NULL;
}

static enum err_code not_installed(const struct ocr_installed *installed, const char *code, struct err *err)
{
	struct strbuf list = STRBUF_INIT(ERR_MESSAGE_MAX);
	const struct ocr_language *language, *before = NULL;

	for (size_t i = 0; (language = ocr_language_installed(installed, i)); i++) {
		if (!before || strcmp(before->code, language->code) != 0)
			strbuf_addf(&list, "%s%s", i ? ", " : "", language->code);
		before = language;
	}
	(void)err_set(err, ERR_INVALID, "language \"%.16s\" is %s; installed are: %s", code,
		      ocr_language_by_code(code) ? "not installed" : "not known", strbuf_str(&list));
	strbuf_done(&list);
	return ERR_INVALID;
}

static bool names_data(const char *list, const char *data)
{
	size_t len = strlen(data);

	for (const char *at = strstr(list, data); at; at = strstr(at + 1, data))
		if ((at == list || at[-1] == '+') && (at[len] == 0 || at[len] == '+'))
			return true;
	return false;
}

static void add_data(struct ocr_choice *choice, const char *data)
{
	size_t len = strlen(choice->data);

	if (!names_data(choice->data, data) && len + strlen(data) + 2 <= sizeof(choice->data))
		(void)snprintf(choice->data + len, sizeof(choice->data) - len, "%s%s", len ? "+" : "", data);
}

void ocr_choice_by_language(const struct ocr_installed *installed, const struct ocr_language *language,
			    struct ocr_choice *ret)
{
	*ret = (struct ocr_choice){ .ppocr = language->script == OCR_SCRIPT_LATIN ||
					     language->script == OCR_SCRIPT_HAN };
	(void)snprintf(ret->code, sizeof(ret->code), "%s", language->code);
	add_data(ret, language->data);
	/* Latin words stand in Cyrillic text; Persian gets worse by English. */
	if (language->script == OCR_SCRIPT_CYRILLIC && ocr_installed_has(installed, "eng"))
		add_data(ret, "eng");
}

bool ocr_choice_latin(const struct ocr_installed *installed, struct ocr_choice *ret)
{
	if (!installed->latin)
		return false;
	*ret = (struct ocr_choice){ .ppocr = true };
	add_data(ret, installed->latin);
	return true;
}

enum err_code ocr_choice_by_hint(const struct ocr_installed *installed, const char *hint, struct ocr_choice *ret,
				 struct err *err)
{
	char codes[OCR_HINT_SIZE], *rest = codes;
	struct ocr_choice choice = { .ppocr = true };
	int latin = 0, count = 0;

	(void)snprintf(codes, sizeof(codes), "%s", hint);
	for (char *code; (code = strsep(&rest, "+"));) {
		const struct ocr_language *language = ocr_language_pick(installed, code);
		struct ocr_choice one;

		if (!language)
			return not_installed(installed, code, err);
		ocr_choice_by_language(installed, language, &one);
		add_data(&choice, language->data);
		choice.ppocr &= one.ppocr;
		if (count++ == 0)
			choice = one;
		latin += language->script == OCR_SCRIPT_LATIN;
	}
	*ret = choice;
	if (latin >= MANY_LANGUAGES && latin == count && ocr_choice_latin(installed, ret))
		(void)snprintf(ret->code, sizeof(ret->code), "%s", choice.code);
	return ERR_OK;
}
