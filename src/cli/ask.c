#include "cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"

enum { CTRL_C = 3 };

/* Byte by byte, so that nothing of what follows is taken. */
static enum err_code read_line(int fd, char line[ASK_MAX + 1], size_t *ret_len, struct err *err)
{
	size_t len = 0;
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "could not read the password");
		if (n == 0 || c == '\n')
			break;
		if (c == CTRL_C) /* where a terminal sends no signal for it */
			return err_set(err, ERR_USAGE, "no password was given");
		if (len == ASK_MAX)
			return err_set(err, ERR_USAGE, "the password is longer than %d bytes", ASK_MAX);
		line[len++] = c;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	*ret_len = len;
	return ERR_OK;
}

static enum err_code read_secret(int fd, struct secret *ret, struct err *err)
{
	size_t len = 0;
	char *line = secret_alloc(ASK_MAX + 1);
	if (!line)
		return err_set(err, ERR_NO_MEMORY, "no memory for a password");
	enum err_code code = read_line(fd, line, &len, err);
	if (!code && len == 0)
		code = err_set(err, ERR_USAGE, "no password was given");
	if (!code)
		code = secret_set(ret, line, len, err);
	secret_free(line, ASK_MAX + 1);
	return code;
}

static enum err_code ask_once(int tty, const char *prompt, struct secret *ret, struct err *err)
{
	enum err_code code = io_write_all(tty, prompt, strlen(prompt), err);
	if (!code)
		code = read_secret(tty, ret, err);
	return code ? code : io_write_all(tty, "\n", 1, err);
}

static enum err_code ask_twice(int tty, struct secret *ret, struct err *err)
{
	cleanup_secret struct secret first = { .bytes = NULL }, second = { .bytes = NULL };
	enum err_code code = ask_once(tty, "Password: ", &first, err);
	if (!code)
		code = ask_once(tty, "Once more: ", &second, err);
	if (code)
		return code;
	if (first.len != second.len || !secret_equal(first.bytes, second.bytes, first.len))
		return err_set(err, ERR_USAGE, "the two passwords differ");
	return secret_set(ret, first.bytes, first.len, err);
}

/* A terminal that was left without echo is a nuisance: signals that end the program wait until it is back. */
static enum err_code ask_hidden(int tty, struct secret *ret, struct err *err)
{
	struct termios before, hidden;
	sigset_t held, old;
	if (tcgetattr(tty, &before) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not ask on the terminal");
	hidden = before;
	/* Ctrl-C is a byte then, and takes effect with its line. */
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	(void)sigemptyset(&held);
	(void)sigaddset(&held, SIGTERM);
	(void)sigaddset(&held, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &held, &old);
	(void)tcsetattr(tty, TCSAFLUSH, &hidden);
	enum err_code code = ask_twice(tty, ret, err);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return code;
}

enum err_code ask_password(struct secret *ret, struct err *err)
{
	if (isatty(STDIN_FILENO) != 1)
		return read_secret(STDIN_FILENO, ret, err);
	cleanup_close int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	return ask_hidden(tty >= 0 ? tty : STDIN_FILENO, ret, err);
}
