/*
 * A helper program that has been taken over: enters the sandbox that its first argument names, then does what its
 * second argument says. It ends with status 0 where nothing stopped it, with 42 where the system refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "process/child.h"
#include "process/sandbox.h"

enum { REFUSED = 42, BROKEN = 43 };

static int read_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? REFUSED : 0;
}

static int read_allowed_file(void)
{
	return open("/usr/lib/os-release", O_RDONLY | O_CLOEXEC) < 0 ? REFUSED : 0;
}

static int write_file(void)
{
	return open("/tmp/tiro-hostile", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 ? REFUSED : 0;
}

static int make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? REFUSED : 0;
}

static int start_process(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid < 0 ? REFUSED : 0;
}

static int run_program(void)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };
	return execv("/bin/true", argv) < 0 ? REFUSED : 0;
}

static int trace_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? REFUSED : 0;
}

static int kill_parent(void)
{
	return kill(getppid(), SIGTERM) < 0 ? REFUSED : 0;
}

static int make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? REFUSED
		       : 0;
}

static int eat_memory(void)
{
	for (;;) {
		char *block = malloc(16 * 1024 * 1024);
		if (!block)
			return REFUSED;
		memset(block, 1, 16 * 1024 * 1024);
	}
}

static int eat_memfd(void)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC);
	return fd < 0 || ftruncate(fd, 512 * 1024 * 1024) < 0 ? REFUSED : 0;
}

static int spin(void)
{
	volatile unsigned long turns = 0;
	while (turns != ~0UL)
		turns = turns + 1;
	return 0;
}

static int raise_limits(void)
{
	struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };
	return setrlimit(RLIMIT_CPU, &more) < 0 ? REFUSED : 0;
}

static void *idle(void *arg)
{
	return arg;
}

static int start_thread(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, idle, NULL) != 0)
		return REFUSED;
	return pthread_join(thread, NULL);
}

/* What an honest decoder does must still work. */
static int work(void)
{
	struct err err;
	struct io_map map;
	cleanup_close int fd = -1;
	if (io_memfd("honest", &fd, &err) != ERR_OK || ftruncate(fd, 4096) != 0 || io_memfd_seal(fd, &err) != ERR_OK ||
	    io_map_sealed(fd, 4096, &map, &err) != ERR_OK)
		return BROKEN;
	struct frame frame = { .type = 7, .fds = { fd, -1 }, .fd_count = 1 };
	return channel_send(CHILD_CHANNEL_FD, &frame, NULL, &err) == ERR_OK ? 0 : BROKEN;
}

static const struct {
	const char *name;
	int (*act)(void);
} acts[] = {
	{ "read-file", read_file },
	{ "read-allowed-file", read_allowed_file },
	{ "write-file", write_file },
	{ "socket", make_socket },
	{ "fork", start_process },
	{ "exec", run_program },
	{ "ptrace", trace_parent },
	{ "kill", kill_parent },
	{ "make-code", make_code },
	{ "eat-memory", eat_memory },
	{ "eat-memfd", eat_memfd },
	{ "spin", spin },
	{ "raise-limits", raise_limits },
	{ "thread", start_thread },
	{ "work", work },
};

int main(int argc, char **argv)
{
	static const char *const readable[] = { "/usr/lib/os-release", "/nowhere", NULL };
	struct err err;
	child_die_with_parent();
	if (argc != 3)
		return BROKEN;
	bool engine = strcmp(argv[1], "engine") == 0;
	struct sandbox_policy policy = {
		.profile = engine ? SANDBOX_ENGINE : SANDBOX_JAIL,
		.read_paths = strcmp(argv[1], "jail") == 0 ? NULL : readable,
		.memory_bytes = 256 * 1024 * 1024,
		.cpu_seconds = 1,
		.memfd_bytes = 1024 * 1024,
		.threads = engine,
	};
	if (sandbox_enter(&policy, &err) != ERR_OK)
		_exit(BROKEN);
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		if (strcmp(acts[i].name, argv[2]) == 0)
			_exit(acts[i].act());
	}
	_exit(BROKEN);
}
