#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "blob/keys.h"
#include "blob/master.h"

static const unsigned char user_a[KEY_ID_BYTES] = { 'a' }, user_b[KEY_ID_BYTES] = { 'b' };

static struct master_key make_master(const char *id, uint32_t version)
{
	struct master_key key;
	assert_int_equal(master_key_new(id, version, &key, NULL), ERR_OK);
	return key;
}

static struct user_key make_user(void)
{
	struct user_key key;
	assert_int_equal(user_key_new(&key, NULL), ERR_OK);
	return key;
}

static void a_wrapped_key_opens_for_its_user_and_master_only(void **state)
{
	(void)state;
	struct master_key master = make_master("main", 1), other = make_master("main", 1), renamed = master;
	struct user_key key = make_user(), stranger = make_user(), back = { 0 };
	unsigned char wrapped[USER_KEY_WRAPPED_BYTES], twice[USER_KEY_WRAPPED_BYTES];
	struct err err = { 0 };
	assert_int_equal(user_key_wrap(&key, &master, user_a, wrapped, &err), ERR_OK);
	assert_int_equal(user_key_wrap(&key, &master, user_a, twice, &err), ERR_OK);
	assert_memory_not_equal(wrapped, twice, sizeof wrapped);
	assert_int_equal(user_key_unwrap(wrapped, sizeof wrapped, &master, user_a, &key.public_half, &back, &err),
			 ERR_OK);
	assert_memory_equal(&back, &key, sizeof key);
	assert_int_equal(user_key_unwrap(wrapped, sizeof wrapped, &master, user_b, &key.public_half, &back, &err),
			 ERR_CORRUPT);
	assert_int_equal(user_key_unwrap(wrapped, sizeof wrapped, &other, user_a, &key.public_half, &back, &err),
			 ERR_CORRUPT);
	assert_int_equal(user_key_unwrap(wrapped, sizeof wrapped, &master, user_a, &stranger.public_half, &back, &err),
			 ERR_CORRUPT);
	renamed.id[3] = 'l';
	assert_int_equal(user_key_unwrap(wrapped, sizeof wrapped, &renamed, user_a, &key.public_half, &back, &err),
			 ERR_CORRUPT);
	assert_int_equal(user_key_unwrap(wrapped, sizeof wrapped - 1, &master, user_a, &key.public_half, &back, &err),
			 ERR_CORRUPT);
}

static void every_bit_of_a_wrapped_key_counts(void **state)
{
	(void)state;
	struct master_key master = make_master("main", 1);
	struct user_key key = make_user(), back;
	unsigned char wrapped[USER_KEY_WRAPPED_BYTES];
	struct err err = { 0 };
	assert_int_equal(user_key_wrap(&key, &master, user_a, wrapped, &err), ERR_OK);
	for (size_t bit = 0; bit < 8 * sizeof wrapped; bit++) {
		wrapped[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_not_equal(
			user_key_unwrap(wrapped, sizeof wrapped, &master, user_a, &key.public_half, &back, &err),
			ERR_OK);
		wrapped[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
}

static void a_key_of_another_version_is_named(void **state)
{
	(void)state;
	struct master_key old = make_master("main", 3), new = make_master("main", 4);
	struct user_key key = make_user(), back;
	unsigned char wrapped[USER_KEY_WRAPPED_BYTES];
	struct err err = { 0 };
	uint32_t version = 0;
	assert_int_equal(user_key_wrap(&key, &old, user_a, wrapped, &err), ERR_OK);
	assert_int_equal(user_key_wrapped_version(wrapped, sizeof wrapped, &version, &err), ERR_OK);
	assert_int_equal(version, 3);
	assert_int_equal(user_key_unwrap(wrapped, sizeof wrapped, &new, user_a, &key.public_half, &back, &err),
			 ERR_DENIED);
	assert_string_equal(err.message, "a user's private key is wrapped with version 3 of the master key; this is "
					 "\"main\" version 4");
}

static void the_record_tells_the_right_master_key_from_a_wrong_one(void **state)
{
	(void)state;
	struct master_key key = make_master("main", 2), other = make_master("main", 2), newer = make_master("main", 3);
	struct master_key_record record = { .id = "main", .version = 2 };
	struct err err = { 0 };
	assert_int_equal(master_key_check_value(&key, record.check, &err), ERR_OK);
	assert_memory_not_equal(record.check, key.bytes, sizeof record.check);
	assert_int_equal(master_key_verify(&key, &record, &err), ERR_OK);
	assert_int_equal(master_key_verify(&other, &record, &err), ERR_DENIED);
	assert_string_equal(err.message,
			    "the master key \"main\" version 2 has other bytes than the one the database needs");
	assert_int_equal(master_key_verify(&newer, &record, &err), ERR_DENIED);
	assert_string_equal(err.message, "the master key is \"main\" version 3; the database needs \"main\" version 2");
}

static void a_box_opens_for_its_recipient_only(void **state)
{
	(void)state;
	struct user_key owner = make_user(), friend = make_user(), stranger = make_user();
	struct data_key key, back = { 0 };
	unsigned char to_owner[DATA_KEY_BOX_BYTES], to_friend[DATA_KEY_BOX_BYTES];
	struct err err = { 0 };
	assert_int_equal(data_key_new(&key, &err), ERR_OK);
	assert_int_equal(data_key_box(&key, &owner.public_half, to_owner, &err), ERR_OK);
	assert_int_equal(data_key_box(&key, &friend.public_half, to_friend, &err), ERR_OK);
	assert_int_equal(data_key_unbox(to_owner, sizeof to_owner, &owner, &back, &err), ERR_OK);
	assert_memory_equal(&back, &key, sizeof key);
	assert_int_equal(data_key_unbox(to_friend, sizeof to_friend, &friend, &back, &err), ERR_OK);
	assert_memory_equal(&back, &key, sizeof key);
	assert_int_equal(data_key_unbox(to_owner, sizeof to_owner, &stranger, &back, &err), ERR_CORRUPT);
	assert_int_equal(data_key_unbox(to_owner, sizeof to_owner - 1, &owner, &back, &err), ERR_CORRUPT);
	for (size_t bit = 0; bit < 8 * sizeof to_owner; bit++) {
		to_owner[bit / 8] ^= (unsigned char)(1 << bit % 8);
		/* The highest bit of an X25519 point is ignored (RFC 7748), but the nonce is made of all of them. */
		assert_int_equal(data_key_unbox(to_owner, sizeof to_owner, &owner, &back, &err), ERR_CORRUPT);
		to_owner[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
}

/* What the owner of a registered key does: libsodium alone, 32 bytes come out. */
static void libsodium_alone_opens_a_box(void **state)
{
	(void)state;
	struct public_key registered;
	struct data_key key;
	unsigned char private_half[32], box[DATA_KEY_BOX_BYTES], back[32];
	assert_int_equal(crypto_box_keypair(registered.bytes, private_half), 0);
	assert_int_equal(data_key_new(&key, NULL), ERR_OK);
	assert_int_equal(data_key_box(&key, &registered, box, NULL), ERR_OK);
	assert_int_equal(crypto_box_seal_open(back, box, sizeof box, registered.bytes, private_half), 0);
	assert_memory_equal(back, key.bytes, sizeof back);
}

static void a_public_key_of_small_order_is_refused(void **state)
{
	(void)state;
	static const struct public_key weak[] = {
		{ { 0 } },
		{ { 1 } },
		{ { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
		    0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 } },
	};
	struct data_key key = { { 1 } };
	unsigned char box[DATA_KEY_BOX_BYTES];
	struct err err = { 0 };
	struct user_key user = make_user();
	for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
		assert_false(public_key_valid(&weak[i]));
		assert_int_equal(data_key_box(&key, &weak[i], box, &err), ERR_INVALID);
	}
	assert_true(public_key_valid(&user.public_half));
}

static void a_fingerprint_is_the_hash_of_the_key(void **state)
{
	(void)state;
	const struct public_key zero = { { 0 } };
	char text[KEY_FINGERPRINT_SIZE];
	assert_int_equal(public_key_fingerprint(&zero, text, NULL), ERR_OK);
	assert_string_equal(text, "SHA256:66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
}

static void from_hex(const char *hex, unsigned char ret[32])
{
	size_t len = 0;
	assert_int_equal(sodium_hex2bin(ret, 32, hex, strlen(hex), NULL, &len, NULL), 0);
	assert_int_equal(len, 32);
}

/* RFC 7748, section 6.1: the agreement that the boxes rest on. */
static void x25519_gives_the_output_of_its_rfc(void **state)
{
	(void)state;
	unsigned char alice_private[32], alice_public[32], bob_public[32], shared[32], got[32];
	from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", alice_private);
	from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", alice_public);
	from_hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", bob_public);
	from_hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", shared);
	assert_int_equal(crypto_scalarmult_base(got, alice_private), 0);
	assert_memory_equal(got, alice_public, 32);
	assert_int_equal(crypto_scalarmult(got, alice_private, bob_public), 0);
	assert_memory_equal(got, shared, 32);
}

/* -- rotation ------------------------------------------------------------------------------------ */

enum { USERS = 20 };

struct table {
	struct user_key_row rows[USERS];
	unsigned next, stored, fail_at;
};

static enum err_code next_row(void *owner, struct user_key_row *ret, bool *ret_end, struct err *err)
{
	(void)err;
	struct table *table = owner;
	*ret_end = table->next == USERS;
	if (!*ret_end)
		*ret = table->rows[table->next++];
	return ERR_OK;
}

static enum err_code store_row(void *owner, const struct user_key_row *row, struct err *err)
{
	struct table *table = owner;
	if (++table->stored == table->fail_at)
		return err_set(err, ERR_IO, "the database went away");
	assert_memory_equal(table->rows[table->next - 1].user_id, row->user_id, KEY_ID_BYTES);
	table->rows[table->next - 1] = *row;
	return ERR_OK;
}

static void an_interrupted_rotation_is_run_again(void **state)
{
	(void)state;
	struct master_key old = make_master("main", 1), new = make_master("main", 2);
	struct user_key keys[USERS], back;
	struct table table = { .fail_at = 8 };
	const struct keys_rotation rotation = { &table, next_row, store_row };
	struct err err = { 0 };
	uint64_t count = 0;
	for (unsigned i = 0; i < USERS; i++) {
		struct user_key_row *row = &table.rows[i];
		keys[i] = make_user();
		row->user_id[0] = (unsigned char)i;
		row->public_half = keys[i].public_half;
		assert_int_equal(user_key_wrap(&keys[i], &old, row->user_id, row->wrapped, &err), ERR_OK);
	}
	assert_int_equal(keys_rotate(&new, &old, &rotation, &count, &err), ERR_INVALID);
	assert_int_equal(keys_rotate(&old, &new, &rotation, &count, &err), ERR_IO);
	table.next = 0;
	assert_int_equal(keys_rotate(&old, &new, &rotation, &count, &err), ERR_OK);
	assert_int_equal(count, USERS - 7);
	table.next = 0;
	assert_int_equal(keys_rotate(&old, &new, &rotation, &count, &err), ERR_OK);
	assert_int_equal(count, 0);
	for (unsigned i = 0; i < USERS; i++) {
		const struct user_key_row *row = &table.rows[i];
		assert_int_equal(user_key_unwrap(row->wrapped, sizeof row->wrapped, &new, row->user_id,
						 &row->public_half, &back, &err),
				 ERR_OK);
		assert_memory_equal(&back, &keys[i], sizeof back);
	}
}

static void a_damaged_row_stops_a_rotation(void **state)
{
	(void)state;
	struct master_key old = make_master("main", 1), new = make_master("main", 2);
	struct table table = { 0 };
	const struct keys_rotation rotation = { &table, next_row, store_row };
	struct err err = { 0 };
	uint64_t count;
	assert_int_equal(keys_rotate(&old, &new, &rotation, &count, &err), ERR_CORRUPT);
	assert_int_equal(table.stored, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrapped_key_opens_for_its_user_and_master_only),
		cmocka_unit_test(every_bit_of_a_wrapped_key_counts),
		cmocka_unit_test(a_key_of_another_version_is_named),
		cmocka_unit_test(the_record_tells_the_right_master_key_from_a_wrong_one),
		cmocka_unit_test(a_box_opens_for_its_recipient_only),
		cmocka_unit_test(libsodium_alone_opens_a_box),
		cmocka_unit_test(a_public_key_of_small_order_is_refused),
		cmocka_unit_test(a_fingerprint_is_the_hash_of_the_key),
		cmocka_unit_test(x25519_gives_the_output_of_its_rfc),
		cmocka_unit_test(an_interrupted_rotation_is_run_again),
		cmocka_unit_test(a_damaged_row_stops_a_rotation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
