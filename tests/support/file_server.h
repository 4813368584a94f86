/*
 * Starts file_server.py, which serves the current folder's "files" and writes its log to "log".
 */
#ifndef TIRO_TESTS_SUPPORT_FILE_SERVER_H
#define TIRO_TESTS_SUPPORT_FILE_SERVER_H

#include <signal.h>
#include <sys/wait.h>

#include "support/scratch.h"

struct file_server {
	pid_t pid;
	int stdin_fd;
	int port;
};

static inline void file_server_start(struct file_server *ret)
{
	int in[2], out[2];
	char line[16] = "";
	assert_int_equal(mkdir("files", 0777), 0);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	ret->pid = fork();
	assert_true(ret->pid >= 0);
	if (ret->pid == 0) {
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
			_exit(1);
		for (int fd = 3; fd < 64; fd++)
			(void)close(fd);
		(void)execlp("python3", "python3", TIRO_SOURCE_ROOT "/tests/support/file_server.py", "files", "log",
			     (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	ret->stdin_fd = in[1];
	FILE *answer = fdopen(out[0], "r");
	assert_non_null(answer);
	assert_non_null(fgets(line, sizeof line, answer));
	(void)fclose(answer);
	ret->port = (int)strtol(line, NULL, 10);
	assert_true(ret->port > 0);
}

static inline void file_server_stop(struct file_server *server)
{
	(void)close(server->stdin_fd);
	(void)kill(server->pid, SIGKILL);
	(void)waitpid(server->pid, NULL, 0);
}

/* "http://127.0.0.1:PORT/MODE/FILE" */
static inline const char *file_server_url(const struct file_server *server, const char *path, char ret[256])
{
	(void)snprintf(ret, 256, "http://127.0.0.1:%d/%s", server->port, path);
	return ret;
}

#endif
