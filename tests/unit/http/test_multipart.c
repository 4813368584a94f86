#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "http/limits.h"
#include "http/multipart.h"

enum { LOG_MAX = 1 << 20, CONTENT_MAX = 200, ROUNDS = 4000 };

struct bytes {
	const char *at;
	size_t len;
};

/* Everything that the parser tells, as text. */
struct reader {
	struct strbuf log;
	struct multipart *m;
	struct err err;
};

static enum err_code on_part(void *owner, const struct multipart_part *part, struct err *err)
{
	(void)err;
	strbuf_addf(owner, "[%s|%s|%s]", part->name, part->filename ? part->filename : "-", part->content_type);
	return ERR_OK;
}

static enum err_code on_data(void *owner, const char *bytes, size_t len, struct err *err)
{
	(void)err;
	assert_true(len > 0);
	strbuf_add(owner, bytes, len);
	return ERR_OK;
}

static enum err_code on_part_end(void *owner, struct err *err)
{
	(void)err;
	strbuf_add_str(owner, "$");
	return ERR_OK;
}

static const struct multipart_ops ops = { on_part, on_data, on_part_end };

/* Feeds all in pieces of `piece` bytes (0: of random sizes) and returns the result; the log is left in *r. */
static enum err_code run(struct reader *r, const char *type, struct bytes body, size_t piece)
{
	*r = (struct reader){ .log = STRBUF_INIT(LOG_MAX) };
	enum err_code code = multipart_new(type, &ops, &r->log, &r->m, &r->err);
	while (body.len > 0 && !code) {
		size_t len = piece ? piece : (size_t)random() % 40 + 1;
		len = len < body.len ? len : body.len;
		/* A copy of exactly that size, so that a sanitizer sees a read too far. */
		char *copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, body.at, len);
		code = multipart_feed(r->m, copy, len, &r->err);
		free(copy);
		body.at += len;
		body.len -= len;
	}
	if (!code)
		code = multipart_finish(r->m, &r->err);
	multipart_free(r->m);
	return code;
}

#define TYPE "multipart/form-data; boundary=xyz"
#define PART(head) "--xyz\r\nContent-Disposition: form-data; " head "\r\n\r\n"

static void expect(const char *body, const char *log)
{
	for (size_t piece = 0; piece < 70; piece += piece < 5 ? 1 : 13) {
		struct reader r;
		enum err_code code = run(&r, TYPE, (struct bytes){ body, strlen(body) }, piece);
		if (code || strcmp(strbuf_str(&r.log), log) != 0)
			fail_msg("pieces of %zu: code %d, %s", piece, code, strbuf_str(&r.log));
		strbuf_done(&r.log);
	}
}

static void expect_error(const char *body, enum err_code want)
{
	for (size_t piece = 1; piece < 100; piece += 33) {
		struct reader r;
		assert_int_equal(run(&r, TYPE, (struct bytes){ body, strlen(body) }, piece), want);
		strbuf_done(&r.log);
	}
}

static void parts_are_told_with_name_file_and_type(void **state)
{
	(void)state;
	expect(PART("name=\"a\"") "hello\r\n--xyz--\r\n", "[a|-|]hello$");
	expect(PART("name=a; filename=\"b c.wav\"") "1\r\n" PART("name=d") "\r\n--xyz--", "[a|b c.wav|]1$[d|-|]$");
	expect("--xyz\r\nContent-Type: audio/wav\r\ncontent-disposition:form-data; filename=f; "
	       "name=n\r\n\r\n\r\n--xyz--",
	       "[n|f|audio/wav]$");
	expect(PART("name=n; filename=x; filename*=UTF-8''%C3%A4.wav") "\r\n--xyz--", "[n|\xc3\xa4.wav|]$");
}

static void what_surrounds_the_parts_is_ignored(void **state)
{
	(void)state;
	expect("preamble\r\n" PART("name=a") "x\r\n--xyz--epilogue\r\n--xyz\r\n", "[a|-|]x$");
	expect("--xyz--", "");
	expect("\r\n--xyz \t\r\nContent-Disposition: form-data; name=a\r\n\r\ny\r\n--xyz--", "[a|-|]y$");
}

static void what_only_looks_like_a_boundary_is_data(void **state)
{
	(void)state;
	expect(PART("name=a") "\r\n\r\r\n\r\n-\r\n--\r\n--xy\r\n--xxyz\r--xyz\n--xyz\r\n--xyz--",
	       "[a|-|]\r\n\r\r\n\r\n-\r\n--\r\n--xy\r\n--xxyz\r--xyz\n--xyz$");
}

static void what_breaks_off_is_an_error(void **state)
{
	(void)state;
	static const char whole[] = PART("name=a") "hello\r\n--xyz--";
	for (size_t len = 0; len < sizeof whole - 1; len++) {
		struct reader r;
		assert_int_equal(run(&r, TYPE, (struct bytes){ whole, len }, 7), ERR_INVALID);
		strbuf_done(&r.log);
	}
}

static void malformed_parts_are_errors(void **state)
{
	(void)state;
	expect_error("--xyz\r\nContent-Type: a/b\r\n\r\nx\r\n--xyz--", ERR_INVALID);
	expect_error(PART("filename=a") "x\r\n--xyz--", ERR_INVALID);
	expect_error("--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--xyz--", ERR_INVALID);
	expect_error(PART("name=\"a") "x\r\n--xyz--", ERR_INVALID);
	expect_error(PART("name=\xff") "x\r\n--xyz--", ERR_INVALID);
	expect_error(PART("name=a; filename=\"\x01\"") "x\r\n--xyz--", ERR_INVALID);
	expect_error("--xyzz\r\n", ERR_INVALID);
}

static void parts_and_heads_are_limited(void **state)
{
	(void)state;
	struct strbuf body = STRBUF_INIT(LOG_MAX);
	for (int i = 0; i < HTTP_PARTS_MAX; i++)
		strbuf_add_str(&body, PART("name=a") "x\r\n");
	size_t len = body.len;
	strbuf_add_str(&body, "--xyz--");
	struct reader r;
	assert_int_equal(run(&r, TYPE, (struct bytes){ body.data, body.len }, 0), ERR_OK);
	strbuf_done(&r.log);
	body.len = len;
	strbuf_add_str(&body, PART("name=a"));
	expect_error(body.data, ERR_TOO_BIG);
	strbuf_clear(&body);
	strbuf_add_str(&body, "--xyz\r\nX: ");
	for (int i = 0; i < HTTP_PART_HEAD_MAX; i++)
		strbuf_add_char(&body, 'a');
	expect_error(body.data, ERR_TOO_BIG);
	strbuf_done(&body);
}

static void boundaries_are_checked(void **state)
{
	(void)state;
#define TEN "1234567890"
	static const char *const bad[] = { "multipart/form-data",
					   "multipart/form-data; boundary=", "multipart/form-data; boundary=\"",
					   "multipart/form-data; boundary=\"\"",
					   "multipart/form-data; boundary=" TEN TEN TEN TEN TEN TEN TEN "1" };
#undef TEN
	struct reader r;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(multipart_new(bad[i], &ops, &r.log, &r.m, &r.err), ERR_INVALID);
	assert_int_equal(
		run(&r, "multipart/form-data; boundary=\"a b\"; charset=utf-8", (struct bytes){ "--a b--", 7 }, 1),
		ERR_OK);
	strbuf_done(&r.log);
}

static enum err_code refuse(void *owner, const char *bytes, size_t len, struct err *err)
{
	(void)owner, (void)bytes, (void)len;
	return err_set(err, ERR_NO_SPACE, "full");
}

static void an_error_of_the_receiver_ends_it(void **state)
{
	(void)state;
	static const struct multipart_ops full = { on_part, refuse, on_part_end };
	static const char body[] = PART("name=a") "hello\r\n--xyz--";
	struct reader r = { .log = STRBUF_INIT(LOG_MAX) };
	assert_int_equal(multipart_new(TYPE, &full, &r.log, &r.m, &r.err), ERR_OK);
	assert_int_equal(multipart_feed(r.m, body, sizeof body - 1, &r.err), ERR_NO_SPACE);
	multipart_free(r.m);
	strbuf_done(&r.log);
}

/* Content of the very bytes that boundaries are made of, cut anywhere. */
static void random_content_comes_through_any_split(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < ROUNDS; round++) {
		struct strbuf body = STRBUF_INIT(LOG_MAX), want = STRBUF_INIT(LOG_MAX);
		int parts = (int)(random() % 3);
		for (int i = 0; i < parts; i++) {
			char content[CONTENT_MAX + 1];
			size_t len = (size_t)random() % CONTENT_MAX;
			for (size_t k = 0; k < len; k++)
				content[k] = "\r\n-xyza"[(size_t)random() % 7];
			content[len] = '\0';
			/* A boundary in the content would end it; so would one that the line end before it completes.
			 */
			for (char *b = strstr(content, "--xyz"); b; b = strstr(content, "--xyz"))
				*b = 'a';
			strbuf_addf(&body, "%s%s\r\n", PART("name=p"), content);
			strbuf_addf(&want, "[p|-|]%s$", content);
		}
		strbuf_add_str(&body, "--xyz--");
		struct reader r;
		assert_int_equal(run(&r, TYPE, (struct bytes){ body.data, body.len }, 0), ERR_OK);
		assert_string_equal(strbuf_str(&r.log), strbuf_str(&want));
		strbuf_done(&r.log);
		strbuf_done(&body);
		strbuf_done(&want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_told_with_name_file_and_type),
		cmocka_unit_test(what_surrounds_the_parts_is_ignored),
		cmocka_unit_test(what_only_looks_like_a_boundary_is_data),
		cmocka_unit_test(what_breaks_off_is_an_error),
		cmocka_unit_test(malformed_parts_are_errors),
		cmocka_unit_test(parts_and_heads_are_limited),
		cmocka_unit_test(boundaries_are_checked),
		cmocka_unit_test(an_error_of_the_receiver_ends_it),
		cmocka_unit_test(random_content_comes_through_any_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
