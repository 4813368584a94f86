#include "accounts/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/cleanup.h"
#include "base/utf8.h"

_Static_assert(PASSWORD_MIN == 8, "as FAULT_TABLE says");

/* Raw input that is worth normalising: no normal form shrinks text more than that, but for what is dropped. */
enum { RAW_FACTOR = 4 };

typedef bool char_test(uint32_t c);

static bool every_char(const char *text, char_test *test)
{
	size_t len = strlen(text), step;
	for (size_t i = 0; i < len; i += step) {
		if (!test(utf8_decode(text + i, len - i, &step)))
			return false;
	}
	return true;
}

/* The text in a normal form, the caller's to free; NULL with a reason where there is none. */
static char *fold(const char *text, size_t max, int options, enum field_fault *ret_fault)
{
	size_t len = text ? strlen(text) : 0;
	uint8_t *folded = NULL;
	*ret_fault = len == 0 ? FIELD_REQUIRED : len > max * RAW_FACTOR ? FIELD_TOO_LONG : FIELD_INVALID;
	if (len == 0 || len > max * RAW_FACTOR || !utf8_is_valid(text, len))
		return NULL;
	if (utf8proc_map((const uint8_t *)text, (utf8proc_ssize_t)len, &folded, (utf8proc_option_t)options) < 0)
		return NULL;
	*ret_fault = FIELD_OK;
	return (char *)folded;
}

#define FOLD_NAME                                                                                                      \
	((int)UTF8PROC_STABLE | (int)UTF8PROC_COMPOSE | (int)UTF8PROC_COMPAT | (int)UTF8PROC_CASEFOLD |                \
	 (int)UTF8PROC_IGNORE)
#define FOLD_TEXT ((int)UTF8PROC_STABLE | (int)UTF8PROC_COMPOSE)

static void trim(char *text)
{
	size_t start = strspn(text, " "), len = strlen(text);
	while (len > start && text[len - 1] == ' ')
		len--;
	memmove(text, text + start, len - start);
	text[len - start] = '\0';
}

/* -- e-mail addresses ------------------------------------------------------------------------------ */

static bool is_word(uint32_t c)
{
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
	switch ((int)utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ND:
		return true;
	default:
		return false;
	}
}

/* RFC 5321's atoms, and RFC 6531's other letters. Quoted local parts are for machines. */
static bool is_local(uint32_t c)
{
	return is_word(c) || (c < 0x80 && c != 0 && strchr(".!#$%&'*+/=?^_`{|}~-", (int)c));
}

static bool is_domain(uint32_t c)
{
	return is_word(c) || c == '.' || c == '-';
}

/* No dot at the ends, and no two in a row. */
static bool dots_are_apart(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && text[0] != '.' && text[len - 1] != '.' && !strstr(text, "..");
}

static bool labels_are_fine(const char *domain)
{
	enum { LABEL_MAX = 63 }; /* RFC 1035, 2.3.4 */
	for (const char *label = domain; *label;) {
		size_t len = strcspn(label, ".");
		if (len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
			return false;
		label += len + (label[len] == '.');
	}
	return true;
}

static bool email_is_fine(char *email)
{
	char *at = strrchr(email, '@');
	if (!at || at - email > EMAIL_LOCAL_MAX)
		return false;
	*at = '\0';
	const char *domain = at + 1;
	bool is_fine = dots_are_apart(email) && every_char(email, is_local) && dots_are_apart(domain) &&
		       every_char(domain, is_domain) && labels_are_fine(domain);
	*at = '@';
	return is_fine;
}

enum field_fault text_email(const char *text, char ret[EMAIL_MAX + 1])
{
	enum field_fault fault;
	cleanup_free char *email = fold(text, EMAIL_MAX, FOLD_NAME, &fault);
	if (!email)
		return fault;
	trim(email);
	if (strlen(email) > EMAIL_MAX)
		return FIELD_TOO_LONG;
	if (!email_is_fine(email))
		return FIELD_INVALID;
	memcpy(ret, email, strlen(email) + 1);
	return FIELD_OK;
}

/* -- other names ----------------------------------------------------------------------------------- */

static bool is_username(uint32_t c)
{
	return is_word(c) || c == '.' || c == '_' || c == '-' || c == '+';
}

static bool is_no_letter(uint32_t c)
{
	return !is_word(c) || utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND;
}

enum field_fault text_username(const char *text, char ret[USERNAME_MAX + 1])
{
	enum field_fault fault;
	cleanup_free char *name = fold(text, USERNAME_MAX, FOLD_NAME, &fault);
	if (!name)
		return fault;
	trim(name);
	if (strlen(name) > USERNAME_MAX)
		return FIELD_TOO_LONG;
	if (!every_char(name, is_username) || every_char(name, is_no_letter))
		return FIELD_INVALID;
	memcpy(ret, name, strlen(name) + 1);
	return FIELD_OK;
}

/* The value of a digit of the scripts that phones are typed in; -1 for another character. */
static int phone_digit(uint32_t c)
{
	static const uint32_t zeros[] = { '0', 0x0660, 0x06f0, 0x0966 }; /* ASCII, Arabic, Persian, Devanagari */
	for (size_t i = 0; i < ARRAY_LEN(zeros); i++) {
		if (c >= zeros[i] && c < zeros[i] + 10)
			return (int)(c - zeros[i]);
	}
	return -1;
}

/* Fills `ret`; false where another character than digits and what stands between them is met, or too many. */
static bool phone_digits(const char *text, char *ret, bool *ret_has_plus)
{
	size_t len = strlen(text), step, count = 0;
	*ret_has_plus = false;
	for (size_t i = 0; i < len; i += step) {
		uint32_t c = utf8_decode(text + i, len - i, &step);
		int digit = phone_digit(c);
		if (digit < 0 && c == '+' && count == 0 && !*ret_has_plus)
			*ret_has_plus = true;
		else if (digit < 0 && (c > 0x7f || !strchr(" -.()/", (int)c)))
			return false;
		if (digit >= 0 && count == PHONE_DIGITS_MAX + 2)
			return false;
		if (digit >= 0)
			ret[count++] = (char)('0' + digit);
	}
	ret[count] = '\0';
	return true;
}

enum field_fault text_phone(const char *text, char ret[PHONE_MAX + 1])
{
	enum field_fault fault;
	cleanup_free char *folded = fold(text, PHONE_MAX, FOLD_NAME, &fault);
	char digits[PHONE_DIGITS_MAX + 3]; /* with a leading 00 */
	bool has_plus;
	if (!folded)
		return fault;
	if (!phone_digits(folded, digits, &has_plus))
		return FIELD_INVALID;
	const char *number = digits;
	if (!has_plus && strncmp(number, "00", 2) == 0) {
		has_plus = true;
		number += 2;
	}
	size_t len = strlen(number);
	if (len < PHONE_DIGITS_MIN || len > PHONE_DIGITS_MAX)
		return FIELD_INVALID;
	ret[0] = '+';
	memcpy(ret + has_plus, number, len + 1);
	return FIELD_OK;
}

/* Nothing that moves a cursor or has no meaning. */
static bool is_text(uint32_t c)
{
	switch ((int)utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return false;
	default:
		return true;
	}
}

enum field_fault text_person_name(const char *text, char ret[PERSON_NAME_MAX + 1])
{
	enum field_fault fault;
	cleanup_free char *name = fold(text, PERSON_NAME_MAX, FOLD_TEXT, &fault);
	if (!name && fault == FIELD_REQUIRED) {
		ret[0] = '\0';
		return FIELD_OK;
	}
	if (!name)
		return fault;
	trim(name);
	if (strlen(name) > PERSON_NAME_MAX)
		return FIELD_TOO_LONG;
	if (!every_char(name, is_text))
		return FIELD_INVALID;
	memcpy(ret, name, strlen(name) + 1);
	return FIELD_OK;
}

enum login_kind text_login(const char *text, char ret[EMAIL_MAX + 1])
{
	if (text_email(text, ret) == FIELD_OK)
		return LOGIN_EMAIL;
	if (text_phone(text, ret) == FIELD_OK)
		return LOGIN_PHONE;
	return text_username(text, ret) == FIELD_OK ? LOGIN_USERNAME : LOGIN_NONE;
}

/* -- passwords ------------------------------------------------------------------------------------- */

/* RFC 8265's additional mapping. */
static utf8proc_int32_t map_blank(utf8proc_int32_t c, void *data)
{
	(void)data;
	return utf8proc_category(c) == UTF8PROC_CATEGORY_ZS ? ' ' : c;
}

enum field_fault text_password(const char *bytes, size_t len, struct secret *ret)
{
	uint8_t *folded = NULL;
	if (len == 0)
		return FIELD_REQUIRED;
	if (len > PASSWORD_MAX)
		return FIELD_TOO_LONG;
	if (!utf8_is_valid(bytes, len) || memchr(bytes, '\0', len))
		return FIELD_INVALID;
	utf8proc_ssize_t size = utf8proc_map_custom((const uint8_t *)bytes, (utf8proc_ssize_t)len, &folded,
						    (utf8proc_option_t)FOLD_TEXT, map_blank, NULL);
	if (size < 0)
		return FIELD_INVALID;
	enum field_fault fault = FIELD_OK;
	if (size < PASSWORD_MIN)
		fault = FIELD_TOO_SHORT;
	else if (size > PASSWORD_MAX)
		fault = FIELD_TOO_LONG;
	else if (!every_char((const char *)folded, is_text) || secret_set(ret, folded, (size_t)size, NULL))
		fault = FIELD_INVALID;
	secret_wipe(folded, (size_t)size);
	free(folded);
	return fault;
}
