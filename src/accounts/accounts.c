#include "accounts/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct accounts {
	struct db *db;
	struct keyring *keyring;
	struct hasher *hasher;
	struct server_secret secret;
	struct session_policy policy;
	bool is_registration_closed;
};

/* -- life ------------------------------------------------------------------------------------------ */

static enum err_code make_policy(struct accounts *accounts, const struct accounts_config *config, struct err *err)
{
	struct session_policy *policy = &accounts->policy;
	const char *issuer = config->issuer ? config->issuer : "tiro";
	policy->access_ttl_s = config->access_ttl_s > 0 ? config->access_ttl_s : ACCOUNTS_ACCESS_TTL_S;
	policy->refresh_ttl_s = config->refresh_ttl_s > 0 ? config->refresh_ttl_s : ACCOUNTS_REFRESH_TTL_S;
	if (!jwt_issuer_valid(issuer))
		return err_set(err, ERR_INVALID, "the issuer of tokens is 1 to %d letters, digits and . : / _ -",
			       JWT_ISSUER_MAX);
	memcpy(policy->signer.issuer, issuer, strlen(issuer) + 1);
	server_secret_derive(&accounts->secret, "tiro 1 access tokens", policy->signer.keys[JWT_ACCESS]);
	server_secret_derive(&accounts->secret, "tiro 1 refresh tokens", policy->signer.keys[JWT_REFRESH]);
	return ERR_OK;
}

enum err_code accounts_open(const struct accounts_config *config, struct accounts **ret, struct err *err)
{
	struct password_cost cost = config->cost.passes > 0 ? config->cost : PASSWORD_COST_DEFAULT;
	int at_once = config->hashes_at_once > 0 ? config->hashes_at_once : ACCOUNTS_HASHES_DEFAULT;
	struct accounts *accounts = calloc(1, sizeof *accounts);
	if (!accounts)
		return err_set(err, ERR_NO_MEMORY, "no memory for accounts");
	accounts->db = config->db;
	accounts->keyring = config->keyring;
	accounts->is_registration_closed = config->is_registration_closed;
	enum err_code code = hasher_new(cost, at_once, &accounts->hasher, err);
	if (!code)
		code = installation_open(config->db, config->keyring, &accounts->secret, err);
	if (!code)
		code = make_policy(accounts, config, err);
	if (code) {
		accounts_close(accounts);
		return code;
	}
	*ret = accounts;
	return ERR_OK;
}

void accounts_close(struct accounts *accounts)
{
	if (!accounts)
		return;
	hasher_free(accounts->hasher);
	server_secret_done(&accounts->secret);
	jwt_signer_done(&accounts->policy.signer);
	free(accounts);
}

const struct session_policy *accounts_policy(const struct accounts *accounts)
{
	return &accounts->policy;
}

void accounts_derive_key(const struct accounts *accounts, const char *purpose, unsigned char ret[KEY_BYTES])
{
	server_secret_derive(&accounts->secret, purpose, ret);
}

struct hasher *accounts_hasher(struct accounts *accounts)
{
	return accounts->hasher;
}

struct keyring *accounts_keyring(struct accounts *accounts)
{
	return accounts->keyring;
}

static enum err_code run_unit(struct accounts *accounts, enum db_mode mode,
			      enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err), void *arg,
			      struct err *err)
{
	struct db_work work = { .mode = mode, .run = run, .arg = arg };
	return db_run(accounts->db, &work, err);
}

/* -- adding users ----------------------------------------------------------------------------------- */

struct adding {
	struct accounts *accounts;
	const struct user_draft *draft;
	int64_t now_us;
	bool only_first_admin;
	struct field_faults faults;
	struct session *session; /* NULL: none is wanted */
	bool is_added;
};

static enum err_code add_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct adding *a = arg;
	bool has_admin = false;
	a->is_added = false;
	enum err_code code = a->only_first_admin ? user_admin_exists(tx, &has_admin, err) : ERR_OK;
	if (code || has_admin)
		return code;
	code = user_add(tx, a->accounts->keyring, a->draft, &a->faults, err);
	if (!code)
		code = field_faults_check(&a->faults, err);
	if (!code && a->session)
		code = session_start(tx, &a->accounts->policy, &a->draft->user, a->now_us, a->session, err);
	a->is_added = code == ERR_OK;
	return code;
}

static enum err_code add(struct adding *a, struct err *err)
{
	enum err_code code = run_unit(a->accounts, DB_WRITE, add_unit, a, err);
	/* Somebody else took a name between the look and the insert: look again, to say which. */
	if (code == ERR_CONFLICT && !field_faults_any(&a->faults))
		code = run_unit(a->accounts, DB_WRITE, add_unit, a, err);
	return code;
}

enum err_code accounts_register(struct accounts *accounts, const struct sign_up *sign_up, int64_t now_us,
				struct field_faults *ret_faults, struct session *ret, struct err *err)
{
	*ret_faults = (struct field_faults){ .of = { FIELD_OK } };
	if (accounts->is_registration_closed)
		return err_set(err, ERR_UNAVAILABLE, "registration is closed");
	cleanup_user_draft struct user_draft draft = { .password_hash = "" };
	struct adding adding = { .accounts = accounts, .draft = &draft, .now_us = now_us, .session = ret };
	enum err_code code = user_draft(accounts->hasher, sign_up, now_us, &draft, ret_faults, err);
	if (code)
		return code;
	code = add(&adding, err);
	*ret_faults = adding.faults;
	return code;
}

enum err_code accounts_add_user(struct accounts *accounts, const struct sign_up *sign_up, struct roles roles,
				int64_t now_us, struct field_faults *ret_faults, struct user *ret, struct err *err)
{
	cleanup_user_draft struct user_draft draft = { .password_hash = "" };
	struct adding adding = { .accounts = accounts, .draft = &draft, .now_us = now_us };
	enum err_code code = user_draft(accounts->hasher, sign_up, now_us, &draft, ret_faults, err);
	if (code)
		return code;
	draft.user.roles = roles;
	code = add(&adding, err);
	*ret_faults = adding.faults;
	if (!code)
		*ret = draft.user;
	return code;
}

static enum err_code admin_exists_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return user_admin_exists(tx, arg, err);
}

enum err_code accounts_ensure_admin(struct accounts *accounts, const struct sign_up *admin, int64_t now_us,
				    bool *ret_made, struct err *err)
{
	bool has_admin = false;
	struct field_faults faults;
	cleanup_user_draft struct user_draft draft = { .password_hash = "" };
	struct adding adding = { .accounts = accounts, .draft = &draft, .now_us = now_us, .only_first_admin = true };
	*ret_made = false;
	/* Before the hash, which every start would pay for. */
	enum err_code code = run_unit(accounts, DB_READ, admin_exists_unit, &has_admin, err);
	if (code || has_admin)
		return code;
	code = user_draft(accounts->hasher, admin, now_us, &draft, &faults, err);
	if (code)
		return err_prefix(err, "the first administrator");
	draft.user.roles.bits |= roles_of(ROLE_ADMIN).bits;
	code = add(&adding, err);
	if (code)
		return err_prefix(err, "the first administrator");
	*ret_made = adding.is_added;
	return ERR_OK;
}

/* -- log-in ----------------------------------------------------------------------------------------- */

struct entering {
	struct accounts *accounts;
	const struct log_in *log_in;
	int64_t now_us;
	struct user user;
	char hash[PASSWORD_HASH_SIZE];
	const char *new_hash; /* NULL: the old one will do */
	struct session *session;
	bool is_known, is_let_in;
};

static enum err_code find_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct entering *e = arg;
	enum err_code code = user_find_login(tx, e->log_in->name, &e->user, e->hash, err);
	e->is_known = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The hash took its time: what was read before it may be past. */
static enum err_code enter_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct entering *e = arg;
	int64_t generation = e->user.generation;
	struct user user;
	e->is_let_in = false;
	enum err_code code = user_find(tx, &e->user.id, &user, err);
	if (code)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	if (!user.is_active || user.generation != generation)
		return ERR_OK;
	if (e->new_hash)
		code = user_rehash(tx, &user.id, e->hash, e->new_hash, err);
	if (!code)
		code = session_start(tx, &e->accounts->policy, &user, e->now_us, e->session, err);
	e->is_let_in = code == ERR_OK;
	return code;
}

static enum err_code refuse(struct err *err)
{
	return err_set(err, ERR_DENIED, "the name or the password is wrong");
}

static enum err_code check_and_enter(struct entering *e, const struct secret *password, struct err *err)
{
	bool fits = false, is_weak = false;
	char new_hash[PASSWORD_HASH_SIZE];
	struct hasher *hasher = e->accounts->hasher;
	enum err_code code = hasher_check(hasher, password, e->is_known ? e->hash : NULL, &fits, &is_weak, err);
	if (code)
		return code;
	if (!fits || !e->user.is_active)
		return refuse(err);
	if (is_weak) {
		code = hasher_hash(hasher, password, new_hash, err);
		if (code)
			return code;
		e->new_hash = new_hash;
	}
	code = run_unit(e->accounts, DB_WRITE, enter_unit, e, err);
	if (!code && !e->is_let_in)
		code = refuse(err);
	return code;
}

enum err_code accounts_log_in(struct accounts *accounts, const struct log_in *log_in, int64_t now_us,
			      struct session *ret, struct err *err)
{
	cleanup_secret struct secret password = { .bytes = NULL };
	struct entering entering = { .accounts = accounts, .log_in = log_in, .now_us = now_us, .session = ret };
	/* No password of anybody has this form, whoever it is. */
	if (text_password(log_in->password, log_in->password_len, &password) != FIELD_OK)
		return refuse(err);
	enum err_code code = run_unit(accounts, DB_READ, find_unit, &entering, err);
	return code ? code : check_and_enter(&entering, &password, err);
}

/* -- after it --------------------------------------------------------------------------------------- */

enum err_code accounts_refresh(struct accounts *accounts, const char *token, size_t len, int64_t now_us,
			       enum session_outcome *ret_outcome, struct session *ret, struct err *err)
{
	struct session_refresh refresh;
	enum err_code code = session_refresh_begin(&accounts->policy, token, len, now_us, &refresh, err);
	if (!code)
		code = run_unit(accounts, DB_WRITE, session_refresh_run, &refresh, err);
	if (ret_outcome)
		*ret_outcome = refresh.outcome;
	if (!code && refresh.outcome != SESSION_GOES_ON)
		code = err_set(err, ERR_DENIED, "the token is no longer valid");
	if (!code)
		*ret = refresh.session;
	return code;
}

struct password_change {
	const struct uuid *user;
	char hash[PASSWORD_HASH_SIZE];
	int64_t now_us;
};

static enum err_code password_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct password_change *change = arg;
	return user_set_password(tx, change->user, change->hash, change->now_us, err);
}

enum err_code accounts_set_password(struct accounts *accounts, const struct uuid *user, const char *password,
				    size_t len, int64_t now_us, struct err *err)
{
	cleanup_secret struct secret normal = { .bytes = NULL };
	struct password_change change = { .user = user, .now_us = now_us };
	struct field_faults faults = { .of = { [FIELD_PASSWORD] = text_password(password, len, &normal) } };
	enum err_code code = field_faults_check(&faults, err);
	if (!code)
		code = hasher_hash(accounts->hasher, &normal, change.hash, err);
	return code ? code : run_unit(accounts, DB_WRITE, password_unit, &change, err);
}
