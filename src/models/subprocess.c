#include "models/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
	POLL_US = 50 * 1000,
	/* How long a program may take to end itself after SIGTERM, in polls: half a second in all for Ctrl-C. */
	GRACE_POLLS = 10,
	NOT_FOUND_STATUS = 127,
	SIGNAL_STATUS = 128
};

/* The environment with TMPDIR replaced; borrows the strings. Made before fork(): after it malloc is not allowed. */
static char **make_environment(char *tmpdir)
{
	size_t count = 0;
	while (environ[count])
		count++;
	char **copy = calloc(count + 2, sizeof *copy);
	if (!copy)
		return NULL;
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(environ[i], "TMPDIR=", 7) != 0)
			copy[used++] = environ[i];
	}
	copy[used] = tmpdir;
	return copy;
}

/* In the child; only calls that signal-safety(7) allows. */
static _Noreturn void become(const struct subprocess *spec, pid_t parent, char **environment)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = open(spec->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
	    setpgid(0, 0) != 0 || chdir(spec->work_dir) != 0)
		_exit(NOT_FOUND_STATUS - 1);
	union {
		const char *const *in;
		char *const *out; /* execvpe's prototype predates const; it changes nothing */
	} args = { .in = spec->args };
	(void)execvpe(args.out[0], args.out, environment);
	_exit(NOT_FOUND_STATUS);
}

static int status_of(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : SIGNAL_STATUS + WTERMSIG(wait_status);
}

/* Waits at most `polls` polls (-1: without end) while go_on allows; true once the child is reaped. */
static bool wait_for(const struct subprocess *spec, pid_t pid, int polls, int *ret_status)
{
	for (int i = 0; polls < 0 || i < polls; i++) {
		int wait_status;
		pid_t got = waitpid(pid, &wait_status, WNOHANG);
		if (got == pid) {
			*ret_status = status_of(wait_status);
			return true;
		}
		if (polls < 0 && spec->go_on && !spec->go_on(spec->owner))
			return false;
		clock_sleep_us(POLL_US);
	}
	return false;
}

enum err_code subprocess_run(const struct subprocess *spec, int *ret_status, struct err *err)
{
	char tmpdir[PATH_MAX + 8];
	(void)snprintf(tmpdir, sizeof tmpdir, "TMPDIR=%s", spec->work_dir);
	cleanup_free char **environment = make_environment(tmpdir);
	if (!environment)
		return err_set(err, ERR_NO_MEMORY, "no memory to run \"%s\"", spec->args[0]);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not run \"%s\"", spec->args[0]);
	if (pid == 0)
		become(spec, parent, environment);
	int status = 0;
	if (wait_for(spec, pid, -1, &status)) {
		*ret_status = status;
		return ERR_OK;
	}
	(void)kill(-pid, SIGTERM);
	if (!wait_for(spec, pid, GRACE_POLLS, &status)) {
		(void)kill(pid, SIGKILL); /* also where it has not come to its own group yet */
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return err_set(err, ERR_CANCELLED, "\"%s\" was stopped", spec->args[0]);
}
