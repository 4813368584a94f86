#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "blob/crypt_priv.h"

static size_t from_hex(const char *hex, unsigned char *ret, size_t room)
{
	size_t len = 0;
	assert_int_equal(sodium_hex2bin(ret, room, hex, strlen(hex), " ", &len, NULL), 0);
	return len;
}

/* RFC 5869, appendix A.1 and A.3. */
static void hkdf_gives_the_output_of_its_rfc(void **state)
{
	(void)state;
	static const struct {
		const char *key, *salt, *info, *output;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char key[64], salt[64], info[64], want[64], got[64];
		struct crypt_bytes k = { key, from_hex(cases[i].key, key, sizeof key) };
		struct crypt_bytes s = { salt, from_hex(cases[i].salt, salt, sizeof salt) };
		struct crypt_bytes n = { info, from_hex(cases[i].info, info, sizeof info) };
		size_t len = from_hex(cases[i].output, want, sizeof want);
		assert_int_equal(crypt_hkdf(k, s, n, got, len, NULL), ERR_OK);
		assert_memory_equal(got, want, len);
	}
}

/* RFC 8439, section 2.8.2, and test case 16 of the GCM specification (McGrew, Viega). */
static void ciphers_give_the_output_of_their_specifications(void **state)
{
	(void)state;
	static const struct {
		unsigned algorithm;
		const char *key, *nonce, *aad, *plain, *sealed;
	} cases[] = {
		{ CRYPT_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		  "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		  "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920"
		  "636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c207375"
		  "6e73637265656e20776f756c642062652069742e",
		  "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da9272"
		  "8b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831"
		  "d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691" },
		{ CRYPT_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		  "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b5"
		  "25b16aedf5aa0de657ba637b39",
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
		  "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char key[32], nonce[12], aad[64], plain[160], want[160], got[160], back[160];
		cleanup_aead struct crypt_aead *aead = NULL;
		(void)from_hex(cases[i].key, key, sizeof key);
		(void)from_hex(cases[i].nonce, nonce, sizeof nonce);
		struct crypt_bytes a = { aad, from_hex(cases[i].aad, aad, sizeof aad) };
		struct crypt_bytes p = { plain, from_hex(cases[i].plain, plain, sizeof plain) };
		struct crypt_bytes sealed = { got, from_hex(cases[i].sealed, want, sizeof want) };
		assert_int_equal(sealed.len, p.len + CRYPT_TAG_BYTES);
		assert_int_equal(crypt_aead_new(cases[i].algorithm, key, &aead, NULL), ERR_OK);
		assert_int_equal(crypt_seal(aead, nonce, a, p, got, NULL), ERR_OK);
		assert_memory_equal(got, want, sealed.len);
		assert_int_equal(crypt_open(aead, nonce, a, sealed, back, NULL), ERR_OK);
		assert_memory_equal(back, plain, p.len);
	}
}

static void a_changed_message_opens_to_zeros(void **state)
{
	(void)state;
	static const unsigned char key[32] = { 1 }, nonce[12] = { 2 }, zeros[5] = { 0 };
	for (unsigned algorithm = CRYPT_AES_256_GCM; algorithm <= CRYPT_CHACHA20_POLY1305; algorithm++) {
		unsigned char sealed[21], back[5];
		struct err err = { 0 };
		cleanup_aead struct crypt_aead *aead = NULL;
		const struct crypt_bytes aad = { "aad", 3 }, in = { sealed, sizeof sealed };
		assert_int_equal(crypt_aead_new(algorithm, key, &aead, &err), ERR_OK);
		assert_int_equal(crypt_seal(aead, nonce, aad, (struct crypt_bytes){ "hello", 5 }, sealed, &err),
				 ERR_OK);
		for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
			sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
			memset(back, 7, sizeof back);
			assert_int_equal(crypt_open(aead, nonce, aad, in, back, &err), ERR_CORRUPT);
			assert_memory_equal(back, zeros, sizeof back);
			sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
		assert_int_equal(crypt_open(aead, nonce, (struct crypt_bytes){ "axd", 3 }, in, back, &err),
				 ERR_CORRUPT);
		assert_int_equal(crypt_open(aead, nonce, aad, (struct crypt_bytes){ sealed, 15 }, back, &err),
				 ERR_CORRUPT);
		assert_int_equal(crypt_open(aead, nonce, aad, in, back, &err), ERR_OK);
		assert_memory_equal(back, "hello", 5);
	}
}

static void an_unknown_cipher_is_refused(void **state)
{
	(void)state;
	static const unsigned char key[32] = { 1 };
	struct crypt_aead *aead;
	struct err err = { 0 };
	assert_int_equal(crypt_aead_new(0, key, &aead, &err), ERR_INVALID);
	assert_int_equal(crypt_aead_new(3, key, &aead, &err), ERR_INVALID);
	assert_true(crypt_best() == CRYPT_AES_256_GCM || crypt_best() == CRYPT_CHACHA20_POLY1305);
	crypt_aead_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hkdf_gives_the_output_of_its_rfc),
		cmocka_unit_test(ciphers_give_the_output_of_their_specifications),
		cmocka_unit_test(a_changed_message_opens_to_zeros),
		cmocka_unit_test(an_unknown_cipher_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
