/* Names and passwords as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "accounts/roles.h"
#include "accounts/text.h"
#include "base/cleanup.h"

struct row {
	const char *from, *to; /* NULL: not valid */
};

static void e_mail_addresses_that_are_the_same_look_the_same(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "ada@example.org", "ada@example.org" },
		{ " Ada.Lovelace+x@EXAMPLE.org ", "ada.lovelace+x@example.org" },
		{ "a'b@example.org", "a'b@example.org" },
		{ "\xef\xbc\xa1@example.org", "a@example.org" }, /* full width */
		{ "a\xe2\x80\x8b@example.org", "a@example.org" }, /* zero width space */
		{ "\xc3\x89ve@ex\xc3\xa4mple.org", "\xc3\xa9ve@ex\xc3\xa4mple.org" },
		{ "root@localhost", "root@localhost" },
		{ "ada", NULL },
		{ "@example.org", NULL },
		{ "ada@", NULL },
		{ "a@b@c", NULL },
		{ ".a@example.org", NULL },
		{ "a..b@example.org", NULL },
		{ "a b@example.org", NULL },
		{ "a@-example.org", NULL },
		{ "a@exam_ple.org", NULL },
		{ "a\n@example.org", NULL },
		{ "a@example.org\r\nBcc: x@example.org", NULL },
		{ "\xff@example.org", NULL },
		{ "\"a b\"@example.org", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[EMAIL_MAX + 1] = "";
		enum field_fault fault = text_email(rows[i].from, got);
		if (rows[i].to ? fault != FIELD_OK || strcmp(got, rows[i].to) != 0 : fault != FIELD_INVALID)
			fail_msg("row %zu: %s", i, got);
	}
	char got[EMAIL_MAX + 1], longest[400];
	memset(longest, 'a', sizeof longest);
	memcpy(longest + 300, "@example.org", 13);
	assert_int_equal(text_email(longest, got), FIELD_TOO_LONG);
	assert_int_equal(text_email(longest + 300 - EMAIL_LOCAL_MAX, got), FIELD_OK);
	assert_int_equal(text_email(longest + 300 - EMAIL_LOCAL_MAX - 1, got), FIELD_INVALID);
	assert_int_equal(text_email("", got), FIELD_REQUIRED);
	assert_int_equal(text_email(NULL, got), FIELD_REQUIRED);
}

static void a_username_is_no_address_and_no_phone(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "Ada", "ada" },
		{ "stra\xc3\x9f"
		  "e",
		  "strasse" },
		{ "\xd8\xa2\xd8\xaf\xd8\xa7", "\xd8\xa2\xd8\xaf\xd8\xa7" },
		{ "a.b_c-d+e", "a.b_c-d+e" },
		{ "12345", NULL },
		{ "+49-30", NULL },
		{ "a@b", NULL },
		{ "a b", NULL },
		{ "a/b", NULL },
		{ "<b>", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[USERNAME_MAX + 1] = "";
		enum field_fault fault = text_username(rows[i].from, got);
		if (rows[i].to ? fault != FIELD_OK || strcmp(got, rows[i].to) != 0 : fault != FIELD_INVALID)
			fail_msg("row %zu: %s", i, got);
	}
}

static void phones_are_their_digits(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "+49 (30) 123-456", "+4930123456" },
		{ "0049 30/123.456", "+4930123456" },
		{ "030 123456", "030123456" },
		{ "\xdb\xb0\xdb\xb9\xdb\xb1\xdb\xb2\xdb\xb3\xdb\xb4\xdb\xb5", "0912345" },
		{ "+123456789012345", "+123456789012345" },
		{ "+1234567890123456", NULL },
		{ "1234", NULL },
		{ "++12345", NULL },
		{ "12+345", NULL },
		{ "12345x", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[PHONE_MAX + 1] = "";
		enum field_fault fault = text_phone(rows[i].from, got);
		if (rows[i].to ? fault != FIELD_OK || strcmp(got, rows[i].to) != 0 : fault != FIELD_INVALID)
			fail_msg("row %zu: %s", i, got);
	}
}

static void what_one_logs_in_with_tells_its_kind(void **state)
{
	(void)state;
	char got[EMAIL_MAX + 1];
	assert_int_equal(text_login("ADA@example.org", got), LOGIN_EMAIL);
	assert_string_equal(got, "ada@example.org");
	assert_int_equal(text_login("0049 30 123456", got), LOGIN_PHONE);
	assert_string_equal(got, "+4930123456");
	assert_int_equal(text_login("Ada", got), LOGIN_USERNAME);
	assert_int_equal(text_login("", got), LOGIN_NONE);
	assert_int_equal(text_login(NULL, got), LOGIN_NONE);
	assert_int_equal(text_login("a b@", got), LOGIN_NONE);
}

static void names_of_persons_are_any_text_in_one_line(void **state)
{
	(void)state;
	char got[PERSON_NAME_MAX + 1];
	assert_int_equal(text_person_name("  Ada King, Countess ", got), FIELD_OK);
	assert_string_equal(got, "Ada King, Countess");
	assert_int_equal(text_person_name(NULL, got), FIELD_OK);
	assert_string_equal(got, "");
	assert_int_equal(text_person_name("a\nb", got), FIELD_INVALID);
	assert_int_equal(text_person_name("a\x1b[2J", got), FIELD_INVALID);
	char longest[PERSON_NAME_MAX + 2];
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(text_person_name(longest, got), FIELD_TOO_LONG);
}

static void assert_password(const char *from, size_t len, const char *to, enum field_fault fault)
{
	cleanup_secret struct secret got = { .bytes = NULL };
	assert_int_equal(text_password(from, len, &got), fault);
	if (to)
		assert_string_equal(secret_reveal(&got), to);
}

static void passwords_are_what_is_typed_on_any_keyboard(void **state)
{
	(void)state;
	char longest[PASSWORD_MAX + 1];
	memset(longest, 'a', sizeof longest);
	assert_password(" Pass  word ", 12, " Pass  word ", FIELD_OK);
	assert_password("caf\xc3\xa9 ole", 9, "caf\xc3\xa9 ole", FIELD_OK);
	assert_password("cafe\xcc\x81 ole", 10, "caf\xc3\xa9 ole", FIELD_OK);
	assert_password("pass\xc2\xa0word", 10, "pass word", FIELD_OK);
	assert_password("short12", 7, NULL, FIELD_TOO_SHORT);
	assert_password("", 0, NULL, FIELD_REQUIRED);
	assert_password("pass\0word", 9, NULL, FIELD_INVALID);
	assert_password("password\n", 9, NULL, FIELD_INVALID);
	assert_password("passwor\xff", 8, NULL, FIELD_INVALID);
	assert_password(longest, PASSWORD_MAX, NULL, FIELD_OK);
	assert_password(longest, PASSWORD_MAX + 1, NULL, FIELD_TOO_LONG);
}

static void roles_are_a_set_of_known_names(void **state)
{
	(void)state;
	char text[ROLES_TEXT_SIZE];
	struct roles all = { (1u << ROLES) - 1 };
	enum role role;
	roles_text(all, text);
	assert_string_equal(text, "admin user demo_user");
	assert_int_equal(roles_parse(text).bits, all.bits);
	assert_int_equal(roles_parse("emperor  user").bits, 1u << ROLE_USER);
	assert_int_equal(roles_parse("").bits, 0);
	roles_text((struct roles){ 0 }, text);
	assert_string_equal(text, "");
	assert_false(role_find("adm", 3, &role));
	assert_true(role_find("admin!", 5, &role));
}

static void every_fault_has_its_words(void **state)
{
	(void)state;
	struct field_faults faults = { .of = { [FIELD_PHONE] = FIELD_TAKEN } };
	struct err err;
	assert_int_equal(field_faults_check(&faults, &err), ERR_CONFLICT);
	faults.of[FIELD_EMAIL] = FIELD_REQUIRED;
	assert_int_equal(field_faults_check(&faults, &err), ERR_INVALID);
	assert_string_equal(err.message, "email is required, phone is taken already");
	for (int i = 0; i < FIELD_FAULTS; i++)
		assert_true(*field_fault_name((enum field_fault)i) && *field_fault_text((enum field_fault)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e_mail_addresses_that_are_the_same_look_the_same),
		cmocka_unit_test(a_username_is_no_address_and_no_phone),
		cmocka_unit_test(phones_are_their_digits),
		cmocka_unit_test(what_one_logs_in_with_tells_its_kind),
		cmocka_unit_test(names_of_persons_are_any_text_in_one_line),
		cmocka_unit_test(passwords_are_what_is_typed_on_any_keyboard),
		cmocka_unit_test(roles_are_a_set_of_known_names),
		cmocka_unit_test(every_fault_has_its_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
