#include "blob/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "blob/blob_priv.h"

enum {
	DIR_MODE = 0700,
	FILE_MODE = 0600,
	SHARDS = 256,
	/* "objects/XX/b," and a key; below NAME_MAX behind the last slash. */
	NAME_ROOM = BLOB_KEY_MAX + 32,
	TEMP_ROOM = 32,
	/* The kernel is told to start writing after this many bytes, so that the flush at the end is short. */
	WRITEBACK_BYTES = 8 * 1024 * 1024,
	/* Room is looked for when an object is begun and after so many of its bytes. */
	ROOM_STEP_BYTES = 256 * 1024
};

/* What is left of a disk for others, the database above all: with nothing left nobody could delete anything. The lesser
 * of this and a twentieth of the disk. */
#define ROOM_KEPT_BYTES ((uint64_t)64 * 1024 * 1024)
enum { ROOM_KEPT_PART = 20 };

struct local_store {
	struct blob_store base;
	int dir_fd;
	int tmp_fd;
};

struct local_put {
	struct blob_put base;
	char key[BLOB_KEY_MAX + 1];
	char temp[TEMP_ROOM]; /* in the store's tmp folder */
	int fd;
	uint64_t written, handed; /* bytes; those that the kernel was told to write */
	uint64_t room_until; /* bytes that may be written before room is looked for again */
};

static struct local_store *of(struct blob_store *store)
{
	return (struct local_store *)store;
}

/* -- names --------------------------------------------------------------------------------------- */

/* FNV-1a: spreads keys over the folders, no more. */
static unsigned shard_of(const char *key)
{
	uint32_t hash = 2166136261U;
	for (const char *p = key; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	return (hash ^ hash >> 8 ^ hash >> 16 ^ hash >> 24) % SHARDS;
}

static void shard_path(unsigned shard, char ret[NAME_ROOM])
{
	(void)snprintf(ret, NAME_ROOM, "objects/%02x", shard);
}

/* No key can name another file: it holds no comma, the file's name no slash, and never begins with a dot. */
static void object_path(const char *key, char ret[NAME_ROOM])
{
	shard_path(shard_of(key), ret);
	size_t len = strlen(ret);
	(void)snprintf(ret + len, NAME_ROOM - len, "/b,%s", key);
	for (char *p = ret + len + 3; *p; p++)
		*p = *p == '/' ? ',' : *p;
}

/* The key of a file, or false where the name is none of ours. */
static bool key_of_name(const char *name, char ret[BLOB_KEY_MAX + 1])
{
	size_t len = strlen(name);
	if (len < 3 || len - 2 > BLOB_KEY_MAX || memcmp(name, "b,", 2) != 0)
		return false;
	for (size_t i = 0; i <= len - 2; i++)
		ret[i] = (char)(name[2 + i] == ',' ? '/' : name[2 + i]);
	return blob_key_valid(ret);
}

static int64_t mtime_us(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * US_PER_S + st->st_mtim.tv_nsec / 1000;
}

/* -- puts ---------------------------------------------------------------------------------------- */

static void local_close(struct blob_store *store)
{
	struct local_store *l = of(store);
	if (l->dir_fd >= 0)
		(void)close(l->dir_fd);
	if (l->tmp_fd >= 0)
		(void)close(l->tmp_fd);
	free(l);
}

/* A disk that does not say has room. */
static enum err_code check_room(int dir_fd, struct err *err)
{
	struct statvfs disk;
	if (fstatvfs(dir_fd, &disk) != 0)
		return ERR_OK;
	uint64_t kept = (uint64_t)disk.f_blocks * disk.f_frsize / ROOM_KEPT_PART;
	if (kept > ROOM_KEPT_BYTES)
		kept = ROOM_KEPT_BYTES;
	if ((uint64_t)disk.f_bavail * disk.f_frsize >= kept)
		return ERR_OK;
	return err_set(err, ERR_NO_SPACE, "the server's disk is full: delete files that are no longer needed");
}

static enum err_code local_put_begin(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err)
{
	uint64_t random[1];
	if (check_room(of(store)->tmp_fd, err) != ERR_OK)
		return err->code;
	cleanup_free struct local_put *put = calloc(1, sizeof *put);
	if (!put)
		return err_set(err, ERR_NO_MEMORY, "no memory for an object");
	put->room_until = ROOM_STEP_BYTES;
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_set_errno(err, ERR_SYSTEM, errno, "no random numbers");
	memcpy(put->key, key, strlen(key) + 1);
	(void)snprintf(put->temp, sizeof put->temp, "%016" PRIx64, random[0]);
	put->fd = openat(of(store)->tmp_fd, put->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (put->fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not create a file for the object \"%s\"", key);
	*ret = (struct blob_put *)steal_ptr(&put);
	return ERR_OK;
}

static enum err_code local_put_write(struct blob_put *base, const void *bytes, size_t len, struct err *err)
{
	struct local_put *put = (struct local_put *)base;
	if (put->written >= put->room_until) {
		if (check_room(of(base->store)->tmp_fd, err) != ERR_OK)
			return err->code;
		put->room_until = put->written + ROOM_STEP_BYTES;
	}
	enum err_code code = io_write_all(put->fd, bytes, len, err);
	if (code) {
		(void)err_prefix(err, "the object \"%s\"", put->key);
		return code;
	}
	put->written += len;
	if (put->written - put->handed >= WRITEBACK_BYTES) {
		/* A hint: where it cannot be followed, the flush at the end does all. */
		(void)sync_file_range(put->fd, (off_t)put->handed, (off_t)(put->written - put->handed),
				      SYNC_FILE_RANGE_WRITE);
		put->handed = put->written;
	}
	return ERR_OK;
}

static void put_free(struct local_put *put)
{
	if (put->fd >= 0)
		(void)close(put->fd);
	free(put);
}

static void local_put_abort(struct blob_put *base)
{
	struct local_put *put = (struct local_put *)base;
	(void)unlinkat(of(base->store)->tmp_fd, put->temp, 0);
	put_free(put);
}

/* A file system that cannot flush folders (EINVAL) has done what it can. */
static bool flush_folder(int dir_fd, const char *path)
{
	cleanup_close int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
}

/* Renames into place; the folder of the shard is made when its first object comes. */
static bool move_into_place(const struct local_store *l, const struct local_put *put, const char *shard,
			    const char *path)
{
	if (renameat(l->tmp_fd, put->temp, l->dir_fd, path) == 0)
		return true;
	if (errno != ENOENT || (mkdirat(l->dir_fd, shard, DIR_MODE) != 0 && errno != EEXIST))
		return false;
	if (!flush_folder(l->dir_fd, "objects"))
		return false;
	return renameat(l->tmp_fd, put->temp, l->dir_fd, path) == 0;
}

static enum err_code local_put_commit(struct blob_put *base, struct err *err)
{
	struct local_put *put = (struct local_put *)base;
	const struct local_store *l = of(base->store);
	char shard[NAME_ROOM], path[NAME_ROOM];
	enum err_code code = ERR_OK;
	struct stat st;
	shard_path(shard_of(put->key), shard);
	object_path(put->key, path);
	if (fsync(put->fd) != 0)
		code = err_set_errno(err, ERR_IO, errno, "could not flush the object \"%s\"", put->key);
	else if (fstat(put->fd, &st) == 0 && st.st_nlink == 0)
		code = blob_put_is_gone(put->key, err);
	else if (!move_into_place(l, put, shard, path))
		code = err_set_errno(err, ERR_IO, errno, "could not put the object \"%s\" in its place", put->key);
	else if (!flush_folder(l->dir_fd, shard))
		code = err_set_errno(err, ERR_IO, errno, "could not flush the folder of \"%s\"", put->key);
	if (code)
		(void)unlinkat(l->tmp_fd, put->temp, 0);
	put_free(put);
	return code;
}

/* -- reading ------------------------------------------------------------------------------------- */

static enum err_code failed(const char *key, struct err *err)
{
	if (errno == ENOENT)
		return blob_not_found(key, err);
	return err_set_errno(err, ERR_IO, errno, "the object \"%s\"", key);
}

static enum err_code local_get(struct blob_store *store, const char *key, struct blob_range range, void *buffer,
			       size_t *ret_len, struct err *err)
{
	char path[NAME_ROOM];
	object_path(key, path);
	cleanup_close int fd = openat(of(store)->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return failed(key, err);
	size_t done = 0;
	while (done < range.len) {
		ssize_t n = pread(fd, (char *)buffer + done, range.len - done, (off_t)(range.offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(key, err);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_len = done;
	return ERR_OK;
}

static enum err_code local_size(struct blob_store *store, const char *key, uint64_t *ret_bytes, struct err *err)
{
	char path[NAME_ROOM];
	struct stat st;
	object_path(key, path);
	if (fstatat(of(store)->dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(key, err);
	*ret_bytes = (uint64_t)st.st_size;
	return ERR_OK;
}

/* The folder is flushed: what was deleted for a user must not come back after a power cut. */
static enum err_code local_remove(struct blob_store *store, const char *key, struct err *err)
{
	char path[NAME_ROOM], shard[NAME_ROOM];
	object_path(key, path);
	shard_path(shard_of(key), shard);
	if (unlinkat(of(store)->dir_fd, path, 0) != 0)
		return errno == ENOENT ? ERR_OK : failed(key, err);
	return flush_folder(of(store)->dir_fd, shard) ? ERR_OK : failed(key, err);
}

/* -- listing ------------------------------------------------------------------------------------- */

/* One walk over a folder; `visit` returns false to end it. */
struct walk {
	bool (*visit)(struct walk *walk, const char *name, const struct stat *st);
	blob_list_fn *fn;
	void *owner;
	const char *prefix;
	int64_t before_us;
	int dir_fd; /* the folder that is walked */
	uint64_t count;
	int failed_errno;
};

/* False where the walk was ended; a folder that is not there is an empty one. */
static bool walk_folder(struct walk *walk, int dir_fd, const char *path)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		walk->failed_errno = errno == ENOENT ? 0 : errno;
		if (fd >= 0)
			(void)close(fd);
		return walk->failed_errno == 0;
	}
	bool more = true;
	walk->dir_fd = fd;
	while (more) {
		struct stat st;
		errno = 0;
		const struct dirent *entry = readdir(dir);
		walk->failed_errno = entry ? 0 : errno;
		if (!entry)
			break;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			more = walk->visit(walk, entry->d_name, &st);
	}
	(void)closedir(dir);
	return more && walk->failed_errno == 0;
}

static enum err_code walk_result(const struct walk *walk, struct err *err)
{
	if (walk->failed_errno == 0)
		return ERR_OK;
	return err_set_errno(err, ERR_IO, walk->failed_errno, "could not list the objects");
}

static bool visit_object(struct walk *walk, const char *name, const struct stat *st)
{
	char key[BLOB_KEY_MAX + 1];
	if (!key_of_name(name, key) || strncmp(key, walk->prefix, strlen(walk->prefix)) != 0)
		return true;
	struct blob_info info = { .key = key, .size_bytes = (uint64_t)st->st_size, .time_us = mtime_us(st) };
	return walk->fn(walk->owner, &info);
}

static bool visit_unfinished(struct walk *walk, const char *name, const struct stat *st)
{
	(void)name;
	struct blob_info info = { .key = "", .size_bytes = (uint64_t)st->st_size, .time_us = mtime_us(st) };
	return info.time_us >= walk->before_us || walk->fn(walk->owner, &info);
}

static bool visit_to_abort(struct walk *walk, const char *name, const struct stat *st)
{
	if (mtime_us(st) < walk->before_us && unlinkat(walk->dir_fd, name, 0) == 0)
		walk->count++;
	return true;
}

static enum err_code local_list(struct blob_store *store, const char *prefix, blob_list_fn *fn, void *owner,
				struct err *err)
{
	struct walk walk = { .visit = visit_object, .fn = fn, .owner = owner, .prefix = prefix };
	char path[NAME_ROOM];
	bool more = true;
	for (unsigned shard = 0; shard < SHARDS && more; shard++) {
		shard_path(shard, path);
		more = walk_folder(&walk, of(store)->dir_fd, path);
	}
	return walk_result(&walk, err);
}

static enum err_code local_list_unfinished(struct blob_store *store, int64_t before_us, blob_list_fn *fn, void *owner,
					   struct err *err)
{
	struct walk walk = { .visit = visit_unfinished, .fn = fn, .owner = owner, .before_us = before_us };
	(void)walk_folder(&walk, of(store)->tmp_fd, ".");
	return walk_result(&walk, err);
}

static enum err_code local_abort_unfinished(struct blob_store *store, int64_t before_us, uint64_t *ret_count,
					    struct err *err)
{
	struct walk walk = { .visit = visit_to_abort, .before_us = before_us };
	(void)walk_folder(&walk, of(store)->tmp_fd, ".");
	*ret_count = walk.count;
	return walk_result(&walk, err);
}

static const struct blob_ops local_ops = {
	.close = local_close,
	.put_begin = local_put_begin,
	.put_write = local_put_write,
	.put_commit = local_put_commit,
	.put_abort = local_put_abort,
	.get = local_get,
	.size = local_size,
	.remove = local_remove,
	.list = local_list,
	.list_unfinished = local_list_unfinished,
	.abort_unfinished = local_abort_unfinished,
};

/* -- opening ------------------------------------------------------------------------------------- */

static bool open_folders(struct local_store *l, const char *dir)
{
	l->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir_fd < 0)
		return false;
	if (mkdirat(l->dir_fd, "objects", DIR_MODE) != 0 && errno != EEXIST)
		return false;
	if (mkdirat(l->dir_fd, "tmp", DIR_MODE) != 0 && errno != EEXIST)
		return false;
	l->tmp_fd = openat(l->dir_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return l->tmp_fd >= 0 && flush_folder(l->dir_fd, ".");
}

enum err_code blob_local_open(const char *dir, struct blob_store **ret, struct err *err)
{
	enum err_code code = io_make_dirs(dir, err);
	if (code)
		return code;
	struct local_store *l = calloc(1, sizeof *l);
	if (!l)
		return err_set(err, ERR_NO_MEMORY, "no memory for a store");
	blob_store_init(&l->base, &local_ops);
	l->dir_fd = l->tmp_fd = -1;
	if (!open_folders(l, dir)) {
		code = err_set_errno(err, ERR_IO, errno, "could not open the store in \"%s\"", dir);
		local_close(&l->base);
		return code;
	}
	*ret = (struct blob_store *)l;
	return ERR_OK;
}
