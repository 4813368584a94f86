#include "cli/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/say.h"

/* Descriptors that are worth having: each jail of a big machine holds dozens of parts. */
enum { FDS_WANTED = 65536 };

/*
 * A file opened later must not become standard output, nor may errors be written into it. What was closed stays
 * unusable: it is opened for the direction in which nobody uses it.
 */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		bool is_closed = fcntl(fd, F_GETFD) < 0 && errno == EBADF;
		/* The lowest free number is this one. It stays open for the life of the process. */
		if (is_closed && open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY) != fd)
			_exit(EX_OSERR);
	}
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FDS_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FDS_WANTED ? limit.rlim_max : FDS_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void startup_prepare(void)
{
	fill_standard_descriptors();
	raise_descriptor_limit();
	/* A reader that went away or a file that grew to its limit is an error of write(2), not the end of the process.
	 */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

void startup_end_by_pipe(void)
{
	(void)signal(SIGPIPE, SIG_DFL);
	(void)raise(SIGPIPE);
}

int startup_finish(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	struct err err;
	if (errno == EPIPE)
		startup_end_by_pipe();
	(void)err_set_errno(&err, ERR_IO, errno ? errno : EIO, "standard output: could not write");
	cli_error(NULL, &err);
	return status == EX_OK ? err_exit_status(err.code) : status;
}
