/* From what somebody typed to a row. */
#include "accounts/installation.h"
#include "accounts/users_priv.h"

static const struct db_stmt find_taken = { .sql = "SELECT email = $1, username = $2, phone = $3 FROM users "
						  "WHERE email = $1 OR username = $2 OR phone = $3",
					   .params = "ttt" };
static const struct db_stmt insert = { .sql = "INSERT INTO users (id, email, username, phone, first_name, last_name, "
					      "password_hash, roles, public_key, "
					      "wrapped_private_key, created_at, updated_at) VALUES ($1, $2, $3, $4, "
					      "$5, $6, $7, $8, $9, $10, $11, $11)",
				       .params = "btttttttbbi" };

/* The schema's default. */
static const char first_plan[] = "standard";

void user_draft_done(struct user_draft *draft)
{
	user_key_done(&draft->key);
}

static bool is_given(const char *text)
{
	return text && *text;
}

static enum err_code normalise(const struct sign_up *from, struct user *user, struct secret *ret_password,
			       struct field_faults *faults, struct err *err)
{
	*faults = (struct field_faults){ .of = { FIELD_OK } };
	faults->of[FIELD_EMAIL] = text_email(from->email, user->email);
	if (is_given(from->username))
		faults->of[FIELD_USERNAME] = text_username(from->username, user->username);
	if (is_given(from->phone))
		faults->of[FIELD_PHONE] = text_phone(from->phone, user->phone);
	faults->of[FIELD_FIRST_NAME] = text_person_name(from->first_name, user->first_name);
	faults->of[FIELD_LAST_NAME] = text_person_name(from->last_name, user->last_name);
	faults->of[FIELD_PASSWORD] =
		text_password(from->password, from->password ? from->password_len : 0, ret_password);
	if (!is_given(from->username))
		memcpy(user->username, user->email, sizeof user->email);
	return field_faults_check(faults, err);
}

enum err_code user_draft(struct hasher *hasher, const struct sign_up *from, int64_t now_us, struct user_draft *ret,
			 struct field_faults *ret_faults, struct err *err)
{
	cleanup_secret struct secret password = { .bytes = NULL };
	struct user_draft draft = {
		.user = { .is_active = true, .roles = roles_of(ROLE_USER), .created_us = now_us, .updated_us = now_us }
	};
	enum err_code code = normalise(from, &draft.user, &password, ret_faults, err);
	if (!code)
		code = uuid_new(now_us, &draft.user.id, err);
	if (!code)
		code = hasher_hash(hasher, &password, draft.password_hash, err);
	if (!code)
		code = user_key_new(&draft.key, err);
	if (code)
		return code;
	draft.user.public_key = draft.key.public_half;
	memcpy(draft.user.plan, first_plan, sizeof first_plan);
	*ret = draft;
	user_draft_done(&draft);
	return ERR_OK;
}

static enum err_code check_taken(struct db_tx *tx, const struct user *user, struct field_faults *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_text(user->email), db_text(user->username),
				     db_text(*user->phone ? user->phone : NULL) };
	enum err_code code = db_query(tx, &find_taken, params, &rows, err);
	*ret = (struct field_faults){ .of = { FIELD_OK } };
	for (size_t i = 0; code == ERR_OK && i < rows.count; i++) {
		static const enum field fields[] = { FIELD_EMAIL, FIELD_USERNAME, FIELD_PHONE };
		for (size_t column = 0; column < ARRAY_LEN(fields); column++) {
			if (db_get_int(&rows, i, column) != 0)
				ret->of[fields[column]] = FIELD_TAKEN;
		}
	}
	/* Nobody typed the username where it is the e-mail address. */
	if (ret->of[FIELD_EMAIL] != FIELD_OK && strcmp(user->email, user->username) == 0)
		ret->of[FIELD_USERNAME] = FIELD_OK;
	return code;
}

/* No fault of who signs up, whatever it is called elsewhere. */
static enum err_code no_key(const struct err *why, struct err *err)
{
	return err_set(err, ERR_INTERNAL, "%s", why->message);
}

/* The master key in force, held until the unit ends, so that a rotation misses no row. */
static enum err_code wrap(struct db_tx *tx, struct keyring *keyring, const struct user_draft *draft,
			  unsigned char ret[USER_KEY_WRAPPED_BYTES], struct err *err)
{
	struct installation_keys keys;
	cleanup_master_key struct master_key master = { .version = 0 };
	struct err why;
	enum err_code code = installation_lock(tx, &keys, err);
	if (code)
		return code;
	if (keyring_get(keyring, keys.is_rotating ? &keys.next : &keys.now, &master, &why) != ERR_OK)
		return no_key(&why, err);
	return user_key_wrap(&draft->key, &master, draft->user.id.bytes, ret, err);
}

enum err_code user_add(struct db_tx *tx, struct keyring *keyring, const struct user_draft *draft,
		       struct field_faults *ret_faults, struct err *err)
{
	const struct user *user = &draft->user;
	unsigned char wrapped[USER_KEY_WRAPPED_BYTES];
	char roles[ROLES_TEXT_SIZE];
	enum err_code code = check_taken(tx, user, ret_faults, err);
	if (code || field_faults_any(ret_faults))
		return code;
	code = wrap(tx, keyring, draft, wrapped, err);
	if (code)
		return code;
	roles_text(user->roles, roles);
	struct db_value params[] = { db_id(&user->id),
				     db_text(user->email),
				     db_text(user->username),
				     db_text(*user->phone ? user->phone : NULL),
				     db_text(user->first_name),
				     db_text(user->last_name),
				     db_text(draft->password_hash),
				     db_text(roles),
				     db_bytes(user->public_key.bytes, sizeof user->public_key.bytes),
				     db_bytes(wrapped, sizeof wrapped),
				     db_int(user->created_us) };
	return db_query(tx, &insert, params, NULL, err);
}
