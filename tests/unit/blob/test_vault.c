#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "blob/fault.h"
#include "blob/local.h"
#include "blob/memory.h"
#include "blob/vault.h"
#include "contract.h"
#include "support/scratch.h"

enum { FRAME = 65536, SLOT = 4 * FRAME };

static const struct data_key key_a = { { 'a' } }, key_b = { { 'b' } };

static int open_store(void **state)
{
	struct contract *contract = calloc(1, sizeof *contract);
	*state = contract;
	return contract ? (int)blob_memory_open((uint64_t)256 << 20, &contract->store, NULL) : -1;
}

static int close_store(void **state)
{
	struct contract *contract = *state;
	blob_close(contract->store);
	free(contract);
	return 0;
}

static struct vault_place place_of(void **state, const char *key)
{
	struct contract *contract = *state;
	return (struct vault_place){
		.store = contract->store, .key = key, .data_key = &key_a, .object_id = "0123456789"
	};
}

static struct vault_info seal(const struct vault_place *place, const struct vault_options *options, const void *bytes,
			      size_t len, size_t piece)
{
	struct vault_writer *writer;
	struct vault_info info = { 0 };
	struct err err = { 0 };
	if (vault_create(place, options, &writer, &err))
		fail_msg("%s", err.message);
	for (size_t done = 0; done < len;) {
		size_t n = piece > 0 && len - done > piece ? piece : len - done;
		if (vault_write(writer, (const char *)bytes + done, n, &err))
			fail_msg("%s", err.message);
		done += n;
	}
	if (vault_commit(writer, &info, &err))
		fail_msg("%s", err.message);
	assert_int_equal(info.plain_bytes, len);
	return info;
}

static struct vault_reader *open_it(const struct vault_place *place)
{
	struct vault_reader *reader = NULL;
	struct err err = { 0 };
	if (vault_open(place, &reader, &err))
		fail_msg("%s", err.message);
	return reader;
}

static void expect_part(struct vault_reader *reader, struct blob_range range, const unsigned char *want,
			size_t want_len)
{
	struct err err = { 0 };
	size_t len = SIZE_MAX;
	cleanup_free unsigned char *got = malloc(range.len > 0 ? range.len : 1);
	assert_non_null(got);
	if (vault_read(reader, range, got, &len, &err))
		fail_msg("%s", err.message);
	assert_int_equal(len, want_len);
	assert_true(len == 0 || memcmp(got, want, len) == 0);
}

/* Half of it can be compressed, half not; with a frame or two of each in a row. */
static unsigned char *mixed_bytes(size_t len, uint32_t seed)
{
	unsigned char *bytes = contract_bytes(len, seed);
	for (size_t i = 0; i < len; i++) {
		if ((i / 100000 + seed) % 2 == 0)
			bytes[i] = (unsigned char)(i / 7);
	}
	return bytes;
}

static void what_was_sealed_is_opened(void **state)
{
	static const size_t sizes[] = {
		0,	  1,	    100,      FRAME - 1,    FRAME,    FRAME + 1,    SLOT - 1, SLOT,
		SLOT + 1, SLOT * 2, SLOT * 3, SLOT * 4 - 1, SLOT * 4, SLOT * 4 + 1, 3000000,  20 * SLOT + 77
	};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct vault_options options = { .coded = i % 3 == 0, .algorithm = (unsigned)(i % 2 + 1) };
		struct vault_place place = place_of(state, "a");
		char hex[SHA256_HEX_SIZE];
		cleanup_sha256 struct sha256 *hash = NULL;
		cleanup_free unsigned char *bytes = mixed_bytes(sizes[i], (uint32_t)i);
		struct vault_info info = seal(&place, &options, bytes, sizes[i], i % 2 ? 0 : 10007);
		cleanup_vault_reader struct vault_reader *reader = open_it(&place);
		assert_int_equal(sha256_new(&hash, NULL), ERR_OK);
		assert_int_equal(sha256_add(hash, bytes, sizes[i], NULL), ERR_OK);
		assert_int_equal(sha256_finish(hash, hex, NULL), ERR_OK);
		assert_string_equal(info.sha256, hex);
		assert_memory_equal(vault_reader_info(reader), &info, sizeof info);
		expect_part(reader, (struct blob_range){ 0, sizes[i] + 10 }, bytes, sizes[i]);
	}
}

static void any_range_equals_the_plaintext(void **state)
{
	const size_t size = 2500000;
	struct vault_place place = place_of(state, "a");
	cleanup_free unsigned char *bytes = mixed_bytes(size, 5);
	(void)seal(&place, NULL, bytes, size, 0);
	cleanup_vault_reader struct vault_reader *reader = open_it(&place);
	cleanup_free uint32_t *random = (uint32_t *)(void *)contract_bytes(4000, 9);
	for (size_t i = 0; i < 1000; i += 2) {
		static const size_t spans[] = { 1, 100, FRAME, 3 * FRAME, 1 << 20 };
		size_t offset = random[i] % (size + 10);
		size_t len = random[i + 1] % spans[random[i + 1] % ARRAY_LEN(spans)] + 1;
		size_t want = offset >= size ? 0 : size - offset < len ? size - offset : len;
		expect_part(reader, (struct blob_range){ offset, len }, bytes + (offset < size ? offset : 0), want);
	}
	for (size_t offset = 0; offset < size; offset += 50000)
		expect_part(reader, (struct blob_range){ offset, 50000 }, bytes + offset, 50000);
	expect_part(reader, (struct blob_range){ UINT64_MAX, 10 }, bytes, 0);
	expect_part(reader, (struct blob_range){ size, 10 }, bytes, 0);
	expect_part(reader, (struct blob_range){ 7, 0 }, bytes, 0);
}

static void compression_is_used_where_it_helps(void **state)
{
	enum { SIZE = 1 << 20 };
	struct vault_place place = place_of(state, "a");
	cleanup_free unsigned char *random = contract_bytes(SIZE, 1);
	cleanup_free unsigned char *zeros = calloc(1, SIZE);
	const struct vault_options coded = { .coded = true };
	const uint64_t stored = SIZE + SIZE / FRAME * (16 + 4) + 96 + 32 + 16 + 16;
	assert_int_equal(seal(&place, NULL, random, SIZE, 0).stored_bytes, stored);
	assert_int_equal(seal(&place, &coded, zeros, SIZE, 0).stored_bytes, stored);
	assert_true(seal(&place, NULL, zeros, SIZE, 0).stored_bytes < SIZE / 100);
}

static void two_objects_of_one_plaintext_share_no_bytes(void **state)
{
	unsigned char one[1000], two[1000];
	size_t len;
	struct vault_place a = place_of(state, "a"), b = place_of(state, "b");
	static const unsigned char zeros[600] = { 0 };
	const struct vault_options coded = { .coded = true };
	(void)seal(&a, &coded, zeros, sizeof zeros, 0);
	(void)seal(&b, &coded, zeros, sizeof zeros, 0);
	assert_int_equal(blob_get(a.store, "a", (struct blob_range){ 0, 1000 }, one, &len, NULL), ERR_OK);
	assert_int_equal(blob_get(a.store, "b", (struct blob_range){ 0, 1000 }, two, &len, NULL), ERR_OK);
	size_t same = 0;
	for (size_t i = 32; i < 650; i++)
		same += one[i] == two[i];
	assert_true(same < 20);
}

/* -- what must be detected ----------------------------------------------------------------------- */

/* Replaces the object by these bytes, opens and reads it whole; the error's code. */
static enum err_code try_bytes(const struct vault_place *place, const unsigned char *stored, size_t len)
{
	struct err err = { 0 };
	struct vault_reader *reader = NULL;
	static unsigned char plain[8 * FRAME];
	size_t got;
	contract_put(place->store, place->key, stored, len, 0);
	enum err_code code = vault_open(place, &reader, &err);
	if (!code)
		code = vault_read(reader, (struct blob_range){ 0, sizeof plain }, plain, &got, &err);
	vault_close(reader);
	if (code)
		assert_non_null(strstr(err.message, "the object \"a\" cannot be opened: "));
	return code;
}

static size_t load(const struct vault_place *place, unsigned char *ret, size_t room)
{
	size_t len;
	assert_int_equal(blob_get(place->store, place->key, (struct blob_range){ 0, room }, ret, &len, NULL), ERR_OK);
	return len;
}

static void every_bit_counts(void **state)
{
	static unsigned char stored[8 * FRAME];
	for (unsigned algorithm = 1; algorithm <= 2; algorithm++) {
		struct vault_place place = place_of(state, "a");
		cleanup_free unsigned char *bytes = contract_bytes(60, 1);
		(void)seal(&place, &(struct vault_options){ .algorithm = algorithm }, bytes, 60, 0);
		size_t len = load(&place, stored, sizeof stored);
		assert_int_equal(try_bytes(&place, stored, len), ERR_OK);
		for (size_t bit = 0; bit < 8 * len; bit++) {
			stored[bit / 8] ^= (unsigned char)(1 << bit % 8);
			assert_int_equal(try_bytes(&place, stored, len), ERR_CORRUPT);
			stored[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
	}
}

static void a_bit_anywhere_in_many_frames_counts(void **state)
{
	static unsigned char stored[8 * FRAME];
	struct vault_place place = place_of(state, "a");
	cleanup_free unsigned char *bytes = mixed_bytes(5 * FRAME + 5, 1);
	(void)seal(&place, NULL, bytes, 5 * FRAME + 5, 0);
	size_t len = load(&place, stored, sizeof stored);
	for (size_t i = 0; i < 400; i++) {
		size_t at = i * len / 400 + i % 7;
		stored[at] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(try_bytes(&place, stored, len), ERR_CORRUPT);
		stored[at] ^= (unsigned char)(1 << i % 8);
	}
	assert_int_equal(try_bytes(&place, stored, len), ERR_OK);
}

static void a_truncated_or_lengthened_object_is_refused(void **state)
{
	static unsigned char stored[8 * FRAME];
	struct vault_place place = place_of(state, "a");
	cleanup_free unsigned char *bytes = contract_bytes(2 * FRAME, 1);
	(void)seal(&place, NULL, bytes, 2 * FRAME, 0);
	size_t len = load(&place, stored, sizeof stored);
	for (size_t cut = 0; cut < 300; cut++)
		assert_int_equal(try_bytes(&place, stored, cut), ERR_CORRUPT);
	for (size_t cut = 1; cut < 300; cut++)
		assert_int_equal(try_bytes(&place, stored, len - cut), ERR_CORRUPT);
	for (size_t cut = 300; cut < len; cut += 4999)
		assert_int_equal(try_bytes(&place, stored, cut), ERR_CORRUPT);
	for (size_t more = 1; more < 100; more++)
		assert_int_equal(try_bytes(&place, stored, len + more), ERR_CORRUPT);
}

/* Frames of incompressible data have one size, so that they can change places without any other trace. */
static void frames_cannot_change_places(void **state)
{
	enum { SEALED = FRAME + 16, HEAD = 96 };
	static unsigned char stored[8 * FRAME], changed[8 * FRAME];
	struct vault_place place = place_of(state, "a");
	cleanup_free unsigned char *bytes = contract_bytes(4 * FRAME, 1);
	(void)seal(&place, NULL, bytes, 4 * FRAME, 0);
	size_t len = load(&place, stored, sizeof stored);
	for (size_t from = 0; from < 4; from++) {
		for (size_t to = 0; to < 4; to++) {
			memcpy(changed, stored, len);
			memcpy(changed + HEAD + to * SEALED, stored + HEAD + from * SEALED, SEALED);
			assert_int_equal(try_bytes(&place, changed, len), from == to ? ERR_OK : ERR_CORRUPT);
		}
	}
}

/* Two objects of one data key and one id, as when a file is written anew: no part of one opens in the other. */
static void parts_of_another_object_are_refused(void **state)
{
	enum { SEALED = FRAME + 16, HEAD = 96 };
	static unsigned char one[8 * FRAME], two[8 * FRAME], changed[8 * FRAME];
	struct vault_place place = place_of(state, "a");
	cleanup_free unsigned char *bytes = contract_bytes(3 * FRAME, 1);
	(void)seal(&place, NULL, bytes, 3 * FRAME, 0);
	size_t len = load(&place, one, sizeof one);
	(void)seal(&place, NULL, bytes, 3 * FRAME, 0);
	assert_int_equal(load(&place, two, sizeof two), len);
	const size_t edges[] = { 0, 32, 64, HEAD, HEAD + SEALED, HEAD + 2 * SEALED, HEAD + 3 * SEALED };
	for (size_t i = 0; i + 1 < ARRAY_LEN(edges); i++) {
		bool same = memcmp(one + edges[i], two + edges[i], edges[i + 1] - edges[i]) == 0;
		memcpy(changed, one, len);
		memcpy(changed + edges[i], two + edges[i], edges[i + 1] - edges[i]);
		assert_int_equal(same, i == 0);
		assert_int_equal(try_bytes(&place, changed, len), same ? ERR_OK : ERR_CORRUPT);
	}
	memcpy(changed, one, len);
	memcpy(changed + HEAD + 3 * SEALED, two + HEAD + 3 * SEALED, len - HEAD - 3 * SEALED);
	assert_int_equal(try_bytes(&place, changed, len), ERR_CORRUPT);
}

static void a_wrong_key_or_id_is_refused(void **state)
{
	struct vault_place place = place_of(state, "a"), other = place;
	struct vault_reader *reader;
	struct err err = { 0 };
	(void)seal(&place, NULL, "text", 4, 0);
	other.data_key = &key_b;
	assert_int_equal(vault_open(&other, &reader, &err), ERR_CORRUPT);
	assert_string_equal(err.message, "the object \"a\" cannot be opened: it was changed, or the key is another");
	other = place;
	other.object_id[15] = 1;
	assert_int_equal(vault_open(&other, &reader, &err), ERR_CORRUPT);
	assert_string_equal(err.message, "the object \"a\" cannot be opened: it is another object");
	other = place_of(state, "b");
	assert_int_equal(vault_open(&other, &reader, &err), ERR_NOT_FOUND);
	other = place_of(state, "B");
	assert_int_equal(vault_open(&other, &reader, &err), ERR_INVALID);
	contract_put(place.store, "b",
		     "no vault object, but long enough to be one............................."
		     "............................................................................"
		     ".......................",
		     165, 0);
	other = place_of(state, "b");
	assert_int_equal(vault_open(&other, &reader, &err), ERR_CORRUPT);
	assert_string_equal(err.message, "the object \"b\" cannot be opened: it is not a sealed object");
}

/* -- faults -------------------------------------------------------------------------------------- */

static struct vault_place faulty_place(struct blob_fault_plan plan)
{
	struct blob_store *inner, *store;
	assert_int_equal(blob_memory_open((uint64_t)64 << 20, &inner, NULL), ERR_OK);
	assert_int_equal(blob_fault_open(inner, &plan, &store, NULL), ERR_OK);
	return (struct vault_place){ .store = store, .key = "a", .data_key = &key_a };
}

/* Writes until the first error, which ends it. */
static enum err_code seal_until_error(const struct vault_place *place, const unsigned char *bytes, size_t len)
{
	struct vault_writer *writer;
	struct vault_info info;
	struct err err;
	enum err_code code = vault_create(place, NULL, &writer, &err);
	if (code)
		return code;
	for (size_t done = 0; done < len && !code; done += 50000)
		code = vault_write(writer, bytes + done, len - done < 50000 ? len - done : 50000, &err);
	if (!code)
		return vault_commit(writer, &info, &err);
	vault_abort(writer);
	return code;
}

static void a_failing_store_leaves_nothing_and_the_error_is_told(void **state)
{
	(void)state;
	const size_t size = 10 * SLOT + 5;
	cleanup_free unsigned char *bytes = contract_bytes(size, 1);
	unsigned fail_at = 1;
	for (;; fail_at++) {
		struct vault_place place = faulty_place((struct blob_fault_plan){
			.fail_write = fail_at, .write_code = ERR_NO_SPACE, .short_write = true });
		enum err_code code = seal_until_error(&place, bytes, size);
		assert_int_equal(contract_count(place.store, ""), code ? 0 : 1);
		blob_close(place.store);
		if (!code)
			break;
		assert_int_equal(code, ERR_NO_SPACE);
	}
	assert_int_equal(fail_at, 1 + 11 + 2 + 1);
	struct vault_place place = faulty_place((struct blob_fault_plan){ .fail_commit = 1 });
	assert_int_equal(seal_until_error(&place, bytes, size), ERR_IO);
	assert_int_equal(contract_count(place.store, ""), 0);
	blob_close(place.store);
}

static void a_store_that_reads_wrongly_is_detected(void **state)
{
	(void)state;
	cleanup_free unsigned char *bytes = contract_bytes(3 * FRAME, 1);
	for (unsigned number = 1; number <= 3; number++) {
		const struct blob_fault_plan plans[] = { { .fail_get = number },
							 { .short_get = number },
							 { .flip_get = number } };
		for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
			struct vault_place place = faulty_place(plans[i]);
			struct vault_reader *reader = NULL;
			struct err err = { 0 };
			static unsigned char back[3 * FRAME];
			size_t len;
			(void)seal(&place, NULL, bytes, 3 * FRAME, 0);
			enum err_code code = vault_open(&place, &reader, &err);
			if (!code)
				code = vault_read(reader, (struct blob_range){ 0, sizeof back }, back, &len, &err);
			/* The second get brings the tail, of which only the index is looked at. */
			if (i != 2 || number != 2)
				assert_int_equal(code, i == 0 ? ERR_IO : ERR_CORRUPT);
			vault_close(reader);
			blob_close(place.store);
		}
	}
}

static void a_slow_store_only_slows(void **state)
{
	(void)state;
	cleanup_free unsigned char *bytes = mixed_bytes(5 * SLOT, 1);
	struct vault_place place = faulty_place((struct blob_fault_plan){ .slow_us = 3000 });
	assert_int_equal(seal_until_error(&place, bytes, 5 * SLOT), ERR_OK);
	struct vault_reader *reader = open_it(&place);
	expect_part(reader, (struct blob_range){ 0, 5 * SLOT }, bytes, 5 * SLOT);
	vault_close(reader);
	blob_close(place.store);
}

static void an_abandoned_writer_leaves_nothing(void **state)
{
	struct vault_place place = place_of(state, "a");
	struct err err = { 0 };
	cleanup_free unsigned char *bytes = contract_bytes(5 * SLOT, 1);
	for (size_t len = 0; len <= 5 * SLOT; len += SLOT) {
		struct vault_writer *writer;
		assert_int_equal(vault_create(&place, NULL, &writer, &err), ERR_OK);
		assert_int_equal(vault_write(writer, bytes, len, &err), ERR_OK);
		vault_abort(writer);
	}
	vault_abort(NULL);
	vault_close(NULL);
	assert_int_equal(contract_count(place.store, ""), 0);
	assert_int_equal(
		vault_create(&place, &(struct vault_options){ .algorithm = 3 }, &(struct vault_writer *){ 0 }, &err),
		ERR_INVALID);
	uint64_t unfinished;
	assert_int_equal(blob_abort_unfinished(place.store, clock_wall_us() + US_PER_S, &unfinished, &err), ERR_OK);
	assert_int_equal(unfinished, 0);
}

/* In the child: writes a part, says so, and waits to be killed. */
static _Noreturn void write_and_wait(const struct vault_place *place, int tell_fd)
{
	struct vault_writer *writer;
	struct err err;
	unsigned char *bytes = contract_bytes(5 * SLOT, 1);
	if (vault_create(place, NULL, &writer, &err) || vault_write(writer, bytes, 5 * SLOT, &err) ||
	    write(tell_fd, "x", 1) != 1)
		_exit(1);
	(void)pause();
	_exit(1);
}

static void a_writer_that_is_killed_leaves_nothing_visible(void **state)
{
	(void)state;
	struct vault_place place = { .key = "a", .data_key = &key_a };
	struct err err = { 0 };
	uint64_t unfinished;
	int told[2], status;
	char byte;
	assert_int_equal(blob_local_open("s", &place.store, &err), ERR_OK);
	assert_int_equal(pipe(told), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		write_and_wait(&place, told[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	(void)close(told[0]);
	(void)close(told[1]);
	assert_int_equal(contract_count(place.store, ""), 0);
	assert_int_equal(scratch_count("s/tmp"), 1);
	assert_int_equal(blob_abort_unfinished(place.store, clock_wall_us() + US_PER_S, &unfinished, &err), ERR_OK);
	assert_int_equal(unfinished, 1);
	assert_int_equal(scratch_count("s/tmp"), 0);
	blob_close(place.store);
}

int main(void)
{
#define VAULT(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)
	const struct CMUnitTest tests[] = {
		VAULT(what_was_sealed_is_opened),
		VAULT(any_range_equals_the_plaintext),
		VAULT(compression_is_used_where_it_helps),
		VAULT(two_objects_of_one_plaintext_share_no_bytes),
		VAULT(every_bit_counts),
		VAULT(a_bit_anywhere_in_many_frames_counts),
		VAULT(a_truncated_or_lengthened_object_is_refused),
		VAULT(frames_cannot_change_places),
		VAULT(parts_of_another_object_are_refused),
		VAULT(a_wrong_key_or_id_is_refused),
		VAULT(a_failing_store_leaves_nothing_and_the_error_is_told),
		VAULT(a_store_that_reads_wrongly_is_detected),
		VAULT(a_slow_store_only_slows),
		VAULT(an_abandoned_writer_leaves_nothing),
		cmocka_unit_test_setup_teardown(a_writer_that_is_killed_leaves_nothing_visible, scratch_enter,
						scratch_leave),
	};
#undef VAULT
	return cmocka_run_group_tests(tests, NULL, NULL);
}
