/*
 * Names and passwords as people type them, made equal where people mean the same. Input is any bytes; output is UTF-8
 * that ends with a 0. Pure functions, thread-safe.
 *
 * - e-mail address and username: Unicode's NFKC_Casefold, so that capitals, full-width letters and invisible characters
 *   make no second user of the same name.
 * - phone: E.164's digits, a leading + where one was given (or 00); blanks, dashes, dots and brackets are dropped;
 * Persian and Arabic digits count. A national number stays national: nobody says which country.
 * - password: PRECIS OpaqueString (RFC 8265, 4.2): other blanks become a space, NFC, no control characters, nothing
 * unassigned. Case, width and blanks at the ends count. What the class forbids beyond that (joiners, variation
 * selectors) is let through: people type emoji.
 */
#ifndef TIRO_ACCOUNTS_TEXT_H
#define TIRO_ACCOUNTS_TEXT_H

#include "accounts/field.h"
#include "base/secret.h"

enum {
	/* RFC 5321, 4.5.3.1: a path of 256 with its brackets. */
	EMAIL_MAX = 254,
	EMAIL_LOCAL_MAX = 64,
	/* A username is the e-mail address by default. */
	USERNAME_MAX = EMAIL_MAX,
	/* E.164: 15 digits; short ones are a company's own. */
	PHONE_DIGITS_MIN = 5,
	PHONE_DIGITS_MAX = 15,
	PHONE_MAX = PHONE_DIGITS_MAX + 1,
	/* The longest family name on record fits; Django's limit. */
	PERSON_NAME_MAX = 150,
	/* Bytes before and after normalisation. NIST SP 800-63B asks for at least 8 and for 64 to be possible; the
	 * upper limit keeps normalisation cheap. */
	PASSWORD_MIN = 8,
	PASSWORD_MAX = 1024,
};

/* Each fills `ret` and says FIELD_OK, or says what is wrong and leaves it. Empty text is FIELD_REQUIRED. */
enum field_fault text_email(const char *text, char ret[EMAIL_MAX + 1]);
/* One without an at sign, with at least one letter, so that it is never taken for an e-mail address or a phone. */
enum field_fault text_username(const char *text, char ret[USERNAME_MAX + 1]);
enum field_fault text_phone(const char *text, char ret[PHONE_MAX + 1]);
/* Blanks at the ends are dropped; empty is fine. */
enum field_fault text_person_name(const char *text, char ret[PERSON_NAME_MAX + 1]);

/* `ret` must be empty; it is the caller's to end. No memory counts as FIELD_INVALID. */
enum field_fault text_password(const char *bytes, size_t len, struct secret *ret);

/* What somebody logs in with; the normal form of the name is in `ret`. The three kinds have no text in common. */
enum login_kind { LOGIN_NONE, LOGIN_EMAIL, LOGIN_PHONE, LOGIN_USERNAME };
enum login_kind text_login(const char *text, char ret[EMAIL_MAX + 1]);

#endif
