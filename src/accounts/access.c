#include "accounts/access.h"

#include "accounts/api_tokens.h"
#include "accounts/users_priv.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"

enum {
	/* Places where one token may be: enough that a full table loses few that are in use. */
	WAYS = 8
};

struct entry {
	unsigned char hash[SHA256_BYTES];
	struct access access; /* expires_s 0: empty */
	int64_t checked_us; /* monotonic */
	int64_t used_us;
};

/* The use of an API token that is being noted. */
struct use {
	struct access_cache *cache;
	struct use *next, **link; /* in the cache's list; what points to this one */
	struct uuid token;
	int64_t now_us;
};

struct access_cache {
	struct access_config config;
	struct db_listener *listener;
	struct sha256 *sha256;
	struct entry *entries;
	size_t sets; /* a power of 2 */
	uint64_t epoch; /* goes up with each notice: an answer that was asked for before it is not kept */
	struct use *uses; /* owned: the database calls nobody back once it is closed */
	struct access_counts counts;
};

static int64_t wall_us(const struct access_cache *cache)
{
	return cache->config.wall_us ? cache->config.wall_us() : clock_wall_us();
}

/* -- the table ------------------------------------------------------------------------------------- */

static struct entry *set_of(const struct access_cache *cache, const unsigned char hash[SHA256_BYTES])
{
	uint32_t number;
	memcpy(&number, hash, sizeof number);
	return &cache->entries[(number & (cache->sets - 1)) * WAYS];
}

static bool is_alive(const struct entry *entry, int64_t wall_s, int64_t now_us)
{
	return entry->access.expires_s > wall_s && now_us - entry->checked_us < ACCESS_AGE_US;
}

static struct entry *find(const struct access_cache *cache, const unsigned char hash[SHA256_BYTES])
{
	struct entry *set = set_of(cache, hash);
	for (int i = 0; i < WAYS; i++) {
		if (set[i].access.expires_s > 0 && memcmp(set[i].hash, hash, SHA256_BYTES) == 0)
			return &set[i];
	}
	return NULL;
}

/* Into its own place, an empty one, or that of the one whose last use is longest ago. */
static void keep(struct access_cache *cache, const struct access_question *question)
{
	struct entry *place = find(cache, question->hash), *set = set_of(cache, question->hash);
	int64_t now_us = clock_monotonic_us();
	for (int i = 0; !place && i < WAYS; i++) {
		if (set[i].access.expires_s == 0)
			place = &set[i];
	}
	for (int i = 0; !place && i < WAYS; i++) {
		bool is_oldest = true;
		for (int j = 0; j < WAYS; j++)
			is_oldest = is_oldest && set[i].used_us <= set[j].used_us;
		if (is_oldest)
			place = &set[i];
	}
	*place = (struct entry){ .access = question->access, .checked_us = now_us, .used_us = now_us };
	memcpy(place->hash, question->hash, sizeof place->hash);
}

static void on_notice(void *arg, const char *text)
{
	struct access_cache *cache = arg;
	struct uuid user = { { 0 } };
	bool is_one = text && uuid_parse(text, strlen(text), &user);
	cache->epoch++;
	for (size_t i = 0; i < cache->sets * WAYS; i++) {
		struct access *access = &cache->entries[i].access;
		if (access->expires_s > 0 && (!is_one || memcmp(&access->user, &user, sizeof user) == 0))
			access->expires_s = 0;
	}
}

/* -- uses ------------------------------------------------------------------------------------------ */

static void use_free(struct use *use)
{
	*use->link = use->next;
	if (use->next)
		use->next->link = use->link;
	free(use);
}

/* -- life ------------------------------------------------------------------------------------------ */

enum err_code access_cache_new(const struct access_config *config, struct access_cache **ret, struct err *err)
{
	size_t entries = config->entries > 0 ? config->entries : ACCESS_ENTRIES_DEFAULT;
	struct access_cache *cache = calloc(1, sizeof *cache);
	if (!cache)
		return err_set(err, ERR_NO_MEMORY, "no memory for a table of tokens");
	cache->config = *config;
	for (cache->sets = 1; cache->sets * WAYS < entries && cache->sets * WAYS < ACCESS_ENTRIES_MAX;)
		cache->sets *= 2;
	cache->entries = calloc(cache->sets * WAYS, sizeof *cache->entries);
	enum err_code code = cache->entries ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for a table of tokens");
	if (!code)
		code = sha256_new(&cache->sha256, err);
	if (!code)
		code = db_listen(config->db, USERS_CHANNEL, on_notice, cache, &cache->listener, err);
	if (code) {
		access_cache_free(cache);
		return code;
	}
	*ret = cache;
	return ERR_OK;
}

void access_cache_stop(struct access_cache *cache)
{
	if (cache)
		db_unlisten(cache->listener);
}

void access_cache_free(struct access_cache *cache)
{
	if (!cache)
		return;
	while (cache->uses)
		use_free(cache->uses);
	sha256_free(cache->sha256);
	free(cache->entries);
	free(cache);
}

struct access_counts access_counts(const struct access_cache *cache)
{
	return cache->counts;
}

/* -- the database ---------------------------------------------------------------------------------- */

static const struct db_stmt look_up = { .sql = "SELECT is_active, generation, roles FROM users WHERE id = $1",
					.params = "b" };

static enum err_code session_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct access_question *question = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&question->claims.user) };
	question->is_good = false;
	enum err_code code = db_query(tx, &look_up, params, &rows, err);
	if (code || rows.count == 0)
		return code;
	question->is_good = db_get_int(&rows, 0, 0) != 0 && db_get_int(&rows, 0, 1) == question->claims.generation;
	question->access = (struct access){ .kind = ACCESS_SESSION,
					    .user = question->claims.user,
					    .application = question->claims.user,
					    .token = question->claims.id,
					    .permissions = PERMISSIONS_ALL,
					    .roles = roles_parse(db_get_text(&rows, 0, 2)),
					    .generation = question->claims.generation,
					    .expires_s = question->claims.expires_s };
	return ERR_OK;
}

static enum err_code api_token_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct access_question *question = arg;
	return api_token_look_up(tx, question->hash, &question->is_good, &question->access, err);
}

static enum err_code use_unit(struct db_tx *tx, void *arg, struct err *err)
{
	const struct use *use = arg;
	return api_token_touch(tx, &use->token, use->now_us, err);
}

static void on_used(void *arg, enum err_code code, const struct err *err)
{
	struct use *use = arg;
	if (code)
		log_line(LOG_DEBUG, "the use of a token was not noted: %s", err->message);
	use_free(use);
}

/* Nobody waits for it, and nobody is refused where it fails. */
static void note_use(struct access_cache *cache, const struct access *access)
{
	struct err err;
	struct use *use = malloc(sizeof *use);
	if (!use)
		return;
	*use = (struct use){ .cache = cache,
			     .next = cache->uses,
			     .link = &cache->uses,
			     .token = access->token,
			     .now_us = wall_us(cache) };
	if (use->next)
		use->next->link = &use->next;
	cache->uses = use;
	struct db_work work = {
		.mode = DB_WRITE_RELAXED, .is_single = true, .run = use_unit, .done = on_used, .arg = use
	};
	if (db_submit(cache->config.db, &work, &err) != ERR_OK)
		on_used(use, err.code, &err);
}

static enum err_code judge(struct access_question *question, struct err *err)
{
	if (!question->is_good)
		return err_set(err, ERR_DENIED, "the token is no longer valid");
	if (question->access.expires_s <= wall_us(question->cache) / US_PER_S)
		return err_set(err, ERR_TIMEOUT, "the token has expired");
	if (question->access.kind == ACCESS_API_TOKEN)
		note_use(question->cache, &question->access);
	if (question->epoch == question->cache->epoch)
		keep(question->cache, question);
	return ERR_OK;
}

static void on_answer(void *arg, enum err_code code, const struct err *err)
{
	struct access_question *question = arg;
	if (code)
		question->err = *err;
	else
		code = judge(question, &question->err);
	question->cache->counts.refused += code != ERR_OK;
	question->code = code;
	question->done(question);
}

/* -- checking -------------------------------------------------------------------------------------- */

static enum err_code hash_token(struct access_cache *cache, const char *token, size_t len,
				struct access_question *question)
{
	enum err_code code = sha256_restart(cache->sha256, &question->err);
	if (!code)
		code = sha256_add(cache->sha256, token, len, &question->err);
	return code ? code : sha256_finish_bytes(cache->sha256, question->hash, &question->err);
}

static bool is_known(struct access_cache *cache, struct access_question *question)
{
	int64_t now_us = clock_monotonic_us();
	struct entry *entry = find(cache, question->hash);
	if (!entry || !is_alive(entry, wall_us(cache) / US_PER_S, now_us))
		return false;
	entry->used_us = now_us;
	question->access = entry->access;
	cache->counts.hits++;
	return true;
}

static bool is_api_token(const char *token, size_t len)
{
	return len == API_TOKEN_VALUE_SIZE - 1 && memcmp(token, API_TOKEN_MARK, sizeof API_TOKEN_MARK - 1) == 0;
}

static enum err_code ask(struct access_cache *cache, enum access_kind kind, struct access_question *question)
{
	struct db_work work = { .mode = DB_READ,
				.is_single = true,
				.run = kind == ACCESS_API_TOKEN ? api_token_unit : session_unit,
				.done = on_answer,
				.arg = question };
	question->cache = cache;
	question->epoch = cache->epoch;
	cache->counts.lookups++;
	return db_submit(cache->config.db, &work, &question->err);
}

bool access_check(struct access_cache *cache, const char *token, size_t len, struct access_question *question)
{
	/* What is too long is not worth a hash. */
	enum err_code code = len > JWT_MAX ? err_set(&question->err, ERR_DENIED, "the token is not valid")
					   : hash_token(cache, token, len, question);
	if (!code && is_known(cache, question)) {
		question->code = ERR_OK;
		return true;
	}
	enum access_kind kind = is_api_token(token, len) ? ACCESS_API_TOKEN : ACCESS_SESSION;
	if (!code && kind == ACCESS_SESSION)
		code = jwt_verify(cache->config.signer, JWT_ACCESS, token, len, wall_us(cache), &question->claims,
				  &question->err);
	if (!code)
		code = ask(cache, kind, question);
	if (!code)
		return false;
	cache->counts.refused++;
	question->code = code;
	return true;
}
