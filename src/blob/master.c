#include "blob/master.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"

enum { BASE64 = sodium_base64_VARIANT_ORIGINAL, FILE_MODE = 0600 };

/* A line that is read bit by bit; wiped by its owner. */
struct line {
	char *bytes; /* MASTER_TEXT_MAX + 1, from secret_alloc */
	size_t len;
};

static void line_done(struct line *line)
{
	secret_free(line->bytes, MASTER_TEXT_MAX + 1);
}
#define cleanup_line cleanup(line_done)

static bool id_valid(const char *id, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	return len >= 1 && len <= MASTER_ID_MAX && strspn(id, allowed) >= len;
}

/* -- the line ------------------------------------------------------------------------------------ */

static bool parse_version(const char *text, uint32_t *ret, const char **ret_end)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	*ret = (uint32_t)value;
	*ret_end = end;
	return text[0] >= '1' && text[0] <= '9' && errno == 0 && value <= INT32_MAX && *end == ':';
}

static bool parse(const char *text, struct master_key *ret)
{
	const char *colon = strchr(text, ':'), *base64, *end;
	size_t id_len = colon ? (size_t)(colon - text) : 0, len;
	if (!id_valid(text, id_len) || !parse_version(colon + 1, &ret->version, &base64))
		return false;
	memcpy(ret->id, text, id_len);
	ret->id[id_len] = '\0';
	base64++;
	return sodium_base642bin(ret->bytes, sizeof ret->bytes, base64, strlen(base64), NULL, &len, &end, BASE64) ==
		       0 &&
	       len == sizeof ret->bytes && *end == '\0';
}

/* Takes the line's end off and parses. The text itself never shows in a message. */
static enum err_code take(const struct master_source *source, struct line *line, struct master_key *ret,
			  struct err *err)
{
	cleanup_master_key struct master_key key = { 0 };
	while (line->len > 0 && strchr(" \t\r\n", line->bytes[line->len - 1]))
		line->len--;
	line->bytes[line->len] = '\0';
	if (strlen(line->bytes) != line->len || !parse(line->bytes, &key))
		return err_set(err, ERR_INVALID,
			       "the master key of %s is not of the form ID:VERSION:BASE64 of 32 bytes",
			       source->setting);
	*ret = key;
	return ERR_OK;
}

/* -- sources ------------------------------------------------------------------------------------- */

static enum err_code read_file(const struct master_source *source, struct line *line, struct err *err)
{
	struct stat st;
	cleanup_close int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND,
			       "there is no master key \"%s\" of %s: put the installation's key there, or, for a new "
			       "one: (umask 077; echo \"main:1:$(head -c 32 /dev/urandom | base64)\" > FILE)",
			       source->path, source->setting);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not read the master key \"%s\" of %s", source->path,
				     source->setting);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "the master key \"%s\" of %s is not a regular file", source->path,
			       source->setting);
	if ((st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0))
		return err_set(
			err, ERR_DENIED,
			"the master key \"%s\" of %s can be accessed by others; give it to this user with mode 0600",
			source->path, source->setting);
	ssize_t n = read(fd, line->bytes, MASTER_TEXT_MAX);
	if (n < 0)
		return err_set_errno(err, ERR_IO, errno, "could not read the master key \"%s\"", source->path);
	line->len = (size_t)n;
	return ERR_OK;
}

static enum err_code read_text(const struct master_source *source, struct line *line, struct err *err)
{
	line->len = strnlen(source->text, MASTER_TEXT_MAX + 1);
	if (line->len > MASTER_TEXT_MAX)
		return err_set(err, ERR_INVALID, "the master key of %s is too long", source->setting);
	memcpy(line->bytes, source->text, line->len);
	return ERR_OK;
}

/* Starts the command with its output in a pipe; nothing to read from. */
static enum err_code start(const struct master_source *source, pid_t *ret_pid, int *ret_fd, struct err *err)
{
	char sh[] = "sh", option[] = "-c";
	char *argv[] = { sh, option, (char *)(uintptr_t)source->command, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not create a pipe");
	int failed = posix_spawn_file_actions_init(&actions);
	if (!failed) {
		failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		if (!failed)
			failed = posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
		if (!failed)
			failed = posix_spawn(ret_pid, "/bin/sh", &actions, NULL, argv, environ);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	(void)close(ends[1]);
	if (failed) {
		(void)close(ends[0]);
		return err_set_errno(err, ERR_SYSTEM, failed, "could not start the command of %s", source->setting);
	}
	*ret_fd = ends[0];
	return ERR_OK;
}

/* Reads until the command closes its output, fills the line, or the time is over (false). */
static bool read_until(int fd, int64_t deadline_us, struct line *line)
{
	while (line->len < MASTER_TEXT_MAX) {
		int64_t left_us = deadline_us - clock_monotonic_us();
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int ready = left_us > 0 ? poll(&wait, 1, (int)(left_us / US_PER_MS) + 1) : 0;
		if (ready == 0)
			return false;
		ssize_t n = ready > 0 ? read(fd, line->bytes + line->len, MASTER_TEXT_MAX - line->len) : -1;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		line->len += (size_t)n;
	}
	return true;
}

/* Waits for the end; one that goes on after it has closed its output is killed at the deadline. */
static int wait_until(pid_t pid, int64_t deadline_us)
{
	int status = 0;
	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);
		if (ended == pid || (ended < 0 && errno != EINTR))
			return status;
		if (clock_monotonic_us() >= deadline_us) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return status;
		}
		clock_sleep_us(5 * US_PER_MS);
	}
}

static enum err_code run_command(const struct master_source *source, struct line *line, struct err *err)
{
	pid_t pid;
	int fd = -1;
	int timeout_ms = source->command_timeout_ms ? source->command_timeout_ms : MASTER_COMMAND_TIMEOUT_MS;
	int64_t deadline_us = clock_monotonic_us() + timeout_ms * US_PER_MS;
	enum err_code code = start(source, &pid, &fd, err);
	if (code)
		return code;
	bool in_time = read_until(fd, deadline_us, line);
	(void)close(fd); /* so that one which prints without end ends */
	int status = wait_until(pid, deadline_us);
	if (!in_time)
		return err_set(err, ERR_TIMEOUT, "the command of %s has not printed the master key within %d ms",
			       source->setting, timeout_ms);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_UNAVAILABLE, "the command of %s was ended by signal %d", source->setting,
			       WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_UNAVAILABLE, "the command of %s failed with status %d", source->setting,
			       WEXITSTATUS(status));
	return ERR_OK;
}

enum err_code master_key_load(const struct master_source *source, struct master_key *ret, struct err *err)
{
	cleanup_line struct line line = { .bytes = secret_alloc(MASTER_TEXT_MAX + 1) };
	enum err_code code;
	if (!line.bytes)
		return err_set(err, ERR_NO_MEMORY, "no memory for the master key");
	if (source->path)
		code = read_file(source, &line, err);
	else if (source->text)
		code = read_text(source, &line, err);
	else if (source->command)
		code = run_command(source, &line, err);
	else
		code = err_set(err, ERR_NOT_FOUND, "there is no master key: %s is not set", source->setting);
	return code ? code : take(source, &line, ret, err);
}

/* -- new keys ------------------------------------------------------------------------------------ */

enum err_code master_key_new(const char *id, uint32_t version, struct master_key *ret, struct err *err)
{
	size_t len = strnlen(id, MASTER_ID_MAX + 1);
	if (!id_valid(id, len) || version < 1 || version > INT32_MAX)
		return err_set(err, ERR_INVALID, "\"%.40s\" version %" PRIu32 " cannot name a master key", id, version);
	if (sodium_init() < 0)
		return err_set(err, ERR_SYSTEM, "libsodium found no random numbers");
	*ret = (struct master_key){ .version = version };
	memcpy(ret->id, id, len);
	randombytes_buf(ret->bytes, sizeof ret->bytes);
	return ERR_OK;
}

enum err_code master_key_text(const struct master_key *key, struct secret *ret, struct err *err)
{
	cleanup_line struct line line = { .bytes = secret_alloc(MASTER_TEXT_MAX + 1) };
	if (!line.bytes)
		return err_set(err, ERR_NO_MEMORY, "no memory for the master key");
	int n = snprintf(line.bytes, MASTER_TEXT_MAX, "%s:%" PRIu32 ":", key->id, key->version);
	(void)sodium_bin2base64(line.bytes + n, sodium_base64_ENCODED_LEN(KEY_BYTES, BASE64), key->bytes, KEY_BYTES,
				BASE64);
	return secret_set(ret, line.bytes, strlen(line.bytes), err);
}

enum err_code master_key_save(const struct master_key *key, const char *path, struct err *err)
{
	cleanup_secret struct secret text = { 0 };
	enum err_code code = master_key_text(key, &text, err);
	if (code)
		return code;
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_DENIED, "\"%s\" is there already; a master key is never overwritten", path);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not create \"%s\"", path);
	code = io_write_all(fd, secret_reveal(&text), text.len, err);
	if (!code)
		code = io_write_all(fd, "\n", 1, err);
	if (!code && fsync(fd) != 0)
		code = err_set_errno(err, ERR_IO, errno, "could not flush \"%s\"", path);
	if (code)
		(void)unlink(path);
	return code;
}
