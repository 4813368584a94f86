#include "accounts/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"

enum { NOW, NEXT, KEYS };
/* A command may take a while, and an attacker's corrupt row must not start it again and again. */
#define READ_AGAIN_US US_PER_S

struct source {
	char *setting, *path, *command; /* owned */
	struct secret text;
};

struct keyring {
	struct source sources[KEYS];
	bool is_next_implied; /* beside the first key's file */
	pthread_mutex_t lock; /* over what follows */
	struct master_key keys[KEYS]; /* version 0: none */
	int64_t read_us;
};

/* -- sources --------------------------------------------------------------------------------------- */

static bool copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

static enum err_code copy_source(const struct master_source *from, struct source *ret, struct err *err)
{
	if (!copy_text(from->setting, &ret->setting) || !copy_text(from->path, &ret->path) ||
	    !copy_text(from->command, &ret->command))
		return err_set(err, ERR_NO_MEMORY, "no memory for the master key's settings");
	return from->text ? secret_set(&ret->text, from->text, strlen(from->text), err) : ERR_OK;
}

/* Leaves it empty. */
static void source_done(struct source *source)
{
	free(source->setting);
	free(source->path);
	free(source->command);
	secret_done(&source->text);
	*source = (struct source){ .setting = NULL };
}

static bool is_set(const struct source *source)
{
	return source->path || source->command || source->text.len > 0;
}

static enum err_code load(const struct source *source, struct master_key *ret, struct err *err)
{
	struct master_source from = { .setting = source->setting ? source->setting : "the settings",
				      .path = source->path,
				      .text = source->text.len > 0 ? secret_reveal(&source->text) : NULL,
				      .command = source->command };
	return master_key_load(&from, ret, err);
}

/* FILE.next beside a FILE. */
static enum err_code imply_next(struct keyring *keyring, struct err *err)
{
	char path[PATH_MAX];
	const struct source *now = &keyring->sources[NOW];
	if (is_set(&keyring->sources[NEXT]) || !now->path)
		return ERR_OK;
	if (snprintf(path, sizeof path, "%s.next", now->path) >= (int)sizeof path)
		return err_set(err, ERR_INVALID, "the path of the master key is too long");
	keyring->is_next_implied = true;
	source_done(&keyring->sources[NEXT]);
	return copy_source(&(struct master_source){ .setting = now->setting, .path = path }, &keyring->sources[NEXT],
			   err);
}

static enum err_code read_all(struct keyring *keyring, struct err *err)
{
	cleanup_master_key struct master_key now = { 0 }, next = { 0 };
	enum err_code code = load(&keyring->sources[NOW], &now, err);
	if (code)
		return code;
	if (is_set(&keyring->sources[NEXT]))
		code = load(&keyring->sources[NEXT], &next, err);
	if (code == ERR_NOT_FOUND && keyring->is_next_implied)
		code = ERR_OK;
	if (code)
		return code;
	keyring->keys[NOW] = now;
	keyring->keys[NEXT] = next;
	keyring->read_us = clock_monotonic_us();
	return ERR_OK;
}

static enum err_code create_first(const struct source *source, struct err *err)
{
	cleanup_master_key struct master_key key = { 0 };
	if (!source->path || access(source->path, F_OK) == 0)
		return ERR_OK;
	enum err_code code = master_key_new("main", 1, &key, err);
	return code ? code : master_key_save(&key, source->path, err);
}

enum err_code keyring_open(const struct keyring_config *config, struct keyring **ret, struct err *err)
{
	struct keyring *keyring = calloc(1, sizeof *keyring);
	if (!keyring)
		return err_set(err, ERR_NO_MEMORY, "no memory for the master key");
	(void)pthread_mutex_init(&keyring->lock, NULL);
	enum err_code code = copy_source(&config->now, &keyring->sources[NOW], err);
	if (!code)
		code = copy_source(&config->next, &keyring->sources[NEXT], err);
	if (!code)
		code = imply_next(keyring, err);
	if (!code && config->may_create)
		code = create_first(&keyring->sources[NOW], err);
	if (!code)
		code = read_all(keyring, err);
	if (code) {
		keyring_free(keyring);
		return code;
	}
	*ret = keyring;
	return ERR_OK;
}

void keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return;
	for (int i = 0; i < KEYS; i++) {
		source_done(&keyring->sources[i]);
		master_key_done(&keyring->keys[i]);
	}
	(void)pthread_mutex_destroy(&keyring->lock);
	free(keyring);
}

/* -- keys by version -------------------------------------------------------------------------------- */

static const struct master_key *find(const struct keyring *keyring, uint32_t version)
{
	for (int i = 0; i < KEYS; i++) {
		if (version > 0 && keyring->keys[i].version == version)
			return &keyring->keys[i];
	}
	return NULL;
}

/* The key of that version, else the first: an error that follows then names both. */
static void find_or_read(struct keyring *keyring, uint32_t version, struct master_key *ret)
{
	struct err ignored;
	(void)pthread_mutex_lock(&keyring->lock);
	const struct master_key *key = find(keyring, version);
	if (!key && clock_monotonic_us() - keyring->read_us >= READ_AGAIN_US) {
		/* What cannot be read now is no news: the version is missing either way. */
		if (read_all(keyring, &ignored) != ERR_OK)
			keyring->read_us = clock_monotonic_us();
		key = find(keyring, version);
	}
	*ret = key ? *key : keyring->keys[NOW];
	(void)pthread_mutex_unlock(&keyring->lock);
}

enum err_code keyring_get(struct keyring *keyring, const struct master_key_record *record, struct master_key *ret,
			  struct err *err)
{
	cleanup_master_key struct master_key key = { 0 };
	find_or_read(keyring, record->version, &key);
	enum err_code code = master_key_verify(&key, record, err);
	if (!code)
		*ret = key;
	return code;
}

void keyring_first(struct keyring *keyring, struct master_key *ret)
{
	(void)pthread_mutex_lock(&keyring->lock);
	*ret = keyring->keys[NOW];
	(void)pthread_mutex_unlock(&keyring->lock);
}

enum err_code keyring_next(struct keyring *keyring, struct master_key *ret, struct err *err)
{
	(void)pthread_mutex_lock(&keyring->lock);
	bool is_there = keyring->keys[NEXT].version > 0;
	if (is_there)
		*ret = keyring->keys[NEXT];
	(void)pthread_mutex_unlock(&keyring->lock);
	return is_there ? ERR_OK : err_set(err, ERR_NOT_FOUND, "there is no next master key");
}

enum err_code keyring_unwrap(struct keyring *keyring, const struct user_key_row *row, struct user_key *ret,
			     struct err *err)
{
	uint32_t version;
	cleanup_master_key struct master_key key = { 0 };
	enum err_code code = user_key_wrapped_version(row->wrapped, sizeof row->wrapped, &version, err);
	if (code)
		return code;
	find_or_read(keyring, version, &key);
	return user_key_unwrap(row->wrapped, sizeof row->wrapped, &key, row->user_id, &row->public_half, ret, err);
}

/* -- the keys' files -------------------------------------------------------------------------------- */

enum err_code keyring_make_next(struct keyring *keyring, struct err *err)
{
	cleanup_master_key struct master_key key = { 0 };
	(void)pthread_mutex_lock(&keyring->lock);
	const struct master_key *now = &keyring->keys[NOW];
	enum err_code code = ERR_OK;
	if (keyring->is_next_implied && keyring->keys[NEXT].version == 0) {
		code = master_key_new(now->id, now->version + 1, &key, err);
		if (!code)
			code = master_key_save(&key, keyring->sources[NEXT].path, err);
		if (!code)
			keyring->keys[NEXT] = key;
	}
	(void)pthread_mutex_unlock(&keyring->lock);
	return code;
}

/* So that a name that was made or changed is there after a power cut. */
static enum err_code flush_folder_of(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	cleanup_close int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0 || fsync(fd) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not flush the folder of \"%s\"", path);
	return ERR_OK;
}

enum err_code keyring_promote(struct keyring *keyring, char *ret_kept, size_t size, struct err *err)
{
	const char *path = keyring->sources[NOW].path, *next = keyring->sources[NEXT].path;
	char kept[PATH_MAX + 16];
	ret_kept[0] = '\0';
	if (!keyring->is_next_implied || access(next, F_OK) != 0)
		return ERR_OK;
	(void)snprintf(kept, sizeof kept, "%s.%" PRIu32, path, keyring->keys[NOW].version);
	/* There already: an earlier try got so far. */
	if (link(path, kept) != 0 && errno != EEXIST)
		return err_set_errno(err, ERR_IO, errno, "could not keep the old master key as \"%s\"", kept);
	if (rename(next, path) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not put \"%s\" in the place of \"%s\"", next, path);
	enum err_code code = flush_folder_of(path, err);
	if (code)
		return code;
	(void)snprintf(ret_kept, size, "%s", kept);
	(void)pthread_mutex_lock(&keyring->lock);
	keyring->keys[NOW] = keyring->keys[NEXT];
	master_key_done(&keyring->keys[NEXT]);
	(void)pthread_mutex_unlock(&keyring->lock);
	return ERR_OK;
}
