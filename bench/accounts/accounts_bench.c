/*
 * What it costs to know who sends a request: a known token, one that is not, a forged one; to make and check a token;
 * to hash a password. In one thread, on a database in memory. Prints a table, best of five.
 *
 *     accounts_bench
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/access.h"
#include "accounts/accounts.h"
#include "base/clock.h"
#include "store/migrate.h"

enum { ROUNDS = 5, TOKENS = 1024 };

struct bench {
	uv_loop_t loop;
	struct db *db;
	struct keyring *keyring;
	struct accounts *accounts;
	struct access_cache *cache;
	struct session session;
	char tokens[TOKENS][JWT_MAX + 1];
	int answers;
};

static void check(enum err_code code, const struct err *err)
{
	if (code == ERR_OK)
		return;
	(void)fprintf(stderr, "error: %s\n", err->message);
	exit(1);
}

static void on_answer(struct access_question *question)
{
	(void)question;
}

static struct bench bench;
static struct err why;

static void setup(void)
{
	struct db_config db = { .kind = DB_SQLITE_MEMORY };
	struct keyring_config keys = { .now = { .setting = "BENCH",
						.text = "main:1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" } };
	struct sign_up who = { .email = "ada@example.org", .password = "correct horse", .password_len = 13 };
	struct field_faults faults;
	(void)uv_loop_init(&bench.loop);
	check(db_open(&db, &bench.loop, &bench.db, &why), &why);
	check(migrate_up(bench.db, &why), &why);
	check(keyring_open(&keys, &bench.keyring, &why), &why);
	struct accounts_config config = { .db = bench.db, .keyring = bench.keyring };
	check(accounts_open(&config, &bench.accounts, &why), &why);
	check(accounts_register(bench.accounts, &who, clock_wall_us(), &faults, &bench.session, &why), &why);
	struct access_config access = { .db = bench.db, .signer = &accounts_policy(bench.accounts)->signer };
	check(access_cache_new(&access, &bench.cache, &why), &why);
}

static void make_tokens(void)
{
	struct jwt_claims claims = { .type = JWT_ACCESS,
				     .user = bench.session.user.id,
				     .roles = bench.session.user.roles,
				     .issued_s = clock_wall_us() / US_PER_S,
				     .expires_s = clock_wall_us() / US_PER_S + 3600 };
	for (int i = 0; i < TOKENS; i++) {
		check(uuid_new(clock_wall_us(), &claims.id, &why), &why);
		check(jwt_sign(&accounts_policy(bench.accounts)->signer, &claims, bench.tokens[i], &why), &why);
	}
}

static void known(int i)
{
	const char *token = bench.tokens[i % TOKENS];
	struct access_question q = { .done = on_answer };
	if (!access_check(bench.cache, token, strlen(token), &q) || q.code != ERR_OK)
		abort();
}

/* One token only, as a client that sends many requests does. */
static void known_one(int i)
{
	(void)i;
	known(0);
}

static void unknown(int i)
{
	const char *token = bench.tokens[i % TOKENS];
	struct access_question q = { .done = on_answer };
	if (access_check(bench.cache, token, strlen(token), &q))
		abort();
	(void)uv_run(&bench.loop, UV_RUN_DEFAULT);
	if (q.code != ERR_OK)
		abort();
}

static void forged(int i)
{
	char token[JWT_MAX + 1];
	struct access_question q = { .done = on_answer };
	size_t len = strlen(bench.tokens[i % TOKENS]);
	memcpy(token, bench.tokens[i % TOKENS], len + 1);
	token[len - 1] = token[len - 1] == 'A' ? 'E' : 'A';
	if (!access_check(bench.cache, token, len, &q) || q.code != ERR_DENIED)
		abort();
}

static void verify(int i)
{
	struct jwt_claims claims;
	const char *token = bench.tokens[i % TOKENS];
	check(jwt_verify(&accounts_policy(bench.accounts)->signer, JWT_ACCESS, token, strlen(token), clock_wall_us(),
			 &claims, &why),
	      &why);
}

static void sign(int i)
{
	char token[JWT_MAX + 1];
	struct jwt_claims claims = { .generation = i, .expires_s = 2000000000, .roles = roles_of(ROLE_USER) };
	check(jwt_sign(&accounts_policy(bench.accounts)->signer, &claims, token, &why), &why);
}

static void refresh(int i)
{
	(void)i;
	check(accounts_refresh(bench.accounts, bench.session.refresh, strlen(bench.session.refresh), clock_wall_us(),
			       NULL, &bench.session, &why),
	      &why);
}

static void log_in(int i)
{
	struct log_in who = { .name = "ada@example.org", .password = "correct horse", .password_len = 13 };
	struct session session;
	(void)i;
	check(accounts_log_in(bench.accounts, &who, clock_wall_us(), &session, &why), &why);
}

static void measure(const char *what, int rounds, int count, void (*run)(int i))
{
	double best_us = 0;
	for (int round = 0; round < rounds; round++) {
		int64_t start = clock_monotonic_us();
		for (int i = 0; i < count; i++)
			run(i);
		double us = (double)(clock_monotonic_us() - start) / count;
		if (round == 0 || us < best_us)
			best_us = us;
	}
	(void)printf("%-44s %12.3f us %12.0f /s\n", what, best_us, 1e6 / best_us);
	(void)fflush(stdout);
}

int main(void)
{
	setup();
	make_tokens();
	/* Once: they are known then. */
	measure("unknown token, with its look-up", 1, TOKENS, unknown);
	measure("known token, the same again and again", ROUNDS, 1000000, known_one);
	measure("known token, one of 1024", ROUNDS, 1000000, known);
	measure("forged token", ROUNDS, 200000, forged);
	measure("verify a signature and read the claims", ROUNDS, 200000, verify);
	measure("sign", ROUNDS, 200000, sign);
	measure("refresh, one transaction", ROUNDS, 2000, refresh);
	measure("log in (Argon2id, 3 passes over 64 MiB)", ROUNDS, 5, log_in);
	access_cache_stop(bench.cache);
	accounts_close(bench.accounts);
	keyring_free(bench.keyring);
	db_close(bench.db);
	access_cache_free(bench.cache);
	(void)uv_run(&bench.loop, UV_RUN_DEFAULT);
	return 0;
}
