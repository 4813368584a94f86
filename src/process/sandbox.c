#include "process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/landlock.h"

/* Descriptors a process may hold: a jail its channel and a few memfds, with files also fonts; an engine models, and two
 * memfds for each of its threads. */
enum { JAIL_FDS = 16, JAIL_FDS_WITH_FILES = 64, ENGINE_FDS = 1024 };

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif

/* -- system calls ---------------------------------------------------------------------------------- */

/* Memory, time, signals of its own, ending, the channel: what computing needs and nobody else notices. */
static const int computing_calls[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fstat),
	SCMP_SYS(ftruncate),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(membarrier),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pread64),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sendmsg),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sysinfo),
	SCMP_SYS(time),
	SCMP_SYS(uname),
};

/* Looking at files, beside opening them. */
static const int file_calls[] = {
	SCMP_SYS(access),     SCMP_SYS(faccessat),  SCMP_SYS(faccessat2), SCMP_SYS(fstatfs),	SCMP_SYS(getcwd),
	SCMP_SYS(getdents),   SCMP_SYS(getdents64), SCMP_SYS(lstat),	  SCMP_SYS(newfstatat), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(stat),	    SCMP_SYS(statfs),	  SCMP_SYS(statx),
};

/* What recognition libraries and their thread pools do beyond computing. */
static const int engine_calls[] = {
	SCMP_SYS(dup),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(fadvise64),
	SCMP_SYS(getcpu),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getppid),
	SCMP_SYS(getpriority),
	SCMP_SYS(getuid),
	SCMP_SYS(mprotect),
	SCMP_SYS(mmap),
	SCMP_SYS(pipe2),
	SCMP_SYS(sched_getparam),
	SCMP_SYS(sched_getscheduler),
	SCMP_SYS(sched_get_priority_max),
	SCMP_SYS(sched_get_priority_min),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* Asked for by libraries that can do without: they get an error and go on. */
static const struct {
	int call;
	int error;
} refused_calls[] = {
	{ SCMP_SYS(clone3), ENOSYS }, /* its flags lie in memory, out of the filter's sight; glibc then uses clone */
	{ SCMP_SYS(get_mempolicy), ENOSYS }, { SCMP_SYS(ioctl), ENOTTY }, /* isatty */
	{ SCMP_SYS(mbind), ENOSYS },	     { SCMP_SYS(mlock), EPERM },  { SCMP_SYS(sched_setscheduler), EPERM },
	{ SCMP_SYS(set_mempolicy), ENOSYS },
};

/* Adds rules until one fails; seccomp's errors are negative errno values. */
struct rules {
	scmp_filter_ctx filter;
	int error;
};

static void add_if(struct rules *rules, uint32_t action, int call, const struct scmp_arg_cmp *condition)
{
	if (rules->error == 0)
		rules->error = seccomp_rule_add_array(rules->filter, action, call, condition ? 1 : 0, condition);
}

static void add_all(struct rules *rules, uint32_t action, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_if(rules, action, calls[i], NULL);
}

static void allow_where(struct rules *rules, int call, unsigned arg, uint64_t mask, uint64_t value)
{
	struct scmp_arg_cmp condition = { .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value };
	add_if(rules, SCMP_ACT_ALLOW, call, &condition);
}

/* The same for libraries that try: an error instead of the end where the condition does not hold. */
static void allow_where_else(struct rules *rules, int call, const struct scmp_arg_cmp *condition, int error)
{
	struct scmp_arg_cmp otherwise = *condition;
	otherwise.op = condition->op == SCMP_CMP_EQ ? SCMP_CMP_NE : SCMP_CMP_EQ;
	add_if(rules, SCMP_ACT_ALLOW, call, condition);
	add_if(rules, SCMP_ACT_ERRNO((uint32_t)error), call, &otherwise);
}

static void add_common(struct rules *rules)
{
	static const int fcntl_commands[] = { F_GETFD, F_SETFD, F_GETFL, F_ADD_SEALS, F_GET_SEALS };
	const uint64_t whole = UINT64_MAX;
	add_all(rules, SCMP_ACT_ALLOW, computing_calls, ARRAY_LEN(computing_calls));
	for (size_t i = 0; i < ARRAY_LEN(refused_calls); i++)
		add_if(rules, SCMP_ACT_ERRNO((uint32_t)refused_calls[i].error), refused_calls[i].call, NULL);
	for (size_t i = 0; i < ARRAY_LEN(fcntl_commands); i++)
		allow_where(rules, SCMP_SYS(fcntl), 1, whole, (uint64_t)fcntl_commands[i]);
	/* abort() and raise(): signals to itself only. */
	allow_where(rules, SCMP_SYS(tgkill), 0, whole, (uint64_t)getpid());
	/* Asking for limits, not setting them. */
	struct scmp_arg_cmp asks = { .arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0 };
	allow_where_else(rules, SCMP_SYS(prlimit64), &asks, EPERM);
	struct scmp_arg_cmp names = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_NAME };
	allow_where_else(rules, SCMP_SYS(prctl), &names, EPERM);
}

static void add_threads(struct rules *rules)
{
	allow_where(rules, SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
}

static void add_files(struct rules *rules, bool readable)
{
	static const int writing[] = { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC };
	const uint64_t writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
	uint32_t refused = SCMP_ACT_ERRNO(EACCES);
	add_all(rules, readable ? SCMP_ACT_ALLOW : refused, file_calls, ARRAY_LEN(file_calls));
	if (!readable) {
		add_if(rules, refused, SCMP_SYS(open), NULL);
		add_if(rules, refused, SCMP_SYS(openat), NULL);
		return;
	}
	allow_where(rules, SCMP_SYS(open), 1, writes, 0);
	allow_where(rules, SCMP_SYS(openat), 2, writes, 0);
	/* Libraries that want to keep a log or a cache are told no and go on. */
	for (size_t i = 0; i < ARRAY_LEN(writing); i++) {
		struct scmp_arg_cmp flag = { .op = SCMP_CMP_MASKED_EQ,
					     .datum_a = (uint64_t)writing[i],
					     .datum_b = (uint64_t)writing[i] };
		flag.arg = 1;
		add_if(rules, refused, SCMP_SYS(open), &flag);
		flag.arg = 2;
		add_if(rules, refused, SCMP_SYS(openat), &flag);
	}
}

static void add_jail(struct rules *rules)
{
	/* Memory is data: nothing that is written can be run. */
	allow_where(rules, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
	allow_where(rules, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	allow_where(rules, SCMP_SYS(write), 0, UINT64_MAX, STDERR_FILENO);
	allow_where(rules, SCMP_SYS(writev), 0, UINT64_MAX, STDERR_FILENO);
}

static enum err_code filter_calls(const struct sandbox_policy *policy, bool files, struct err *err)
{
	struct rules rules = { .filter = seccomp_init(SCMP_ACT_KILL_PROCESS) };
	if (!rules.filter)
		return err_set(err, ERR_NO_MEMORY, "no memory for a system call filter");
	/* A tree instead of a list: the calls of the hot path are found in a few steps. */
	rules.error = seccomp_attr_set(rules.filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	add_common(&rules);
	add_files(&rules, files);
	if (policy->profile == SANDBOX_JAIL)
		add_jail(&rules);
	else
		add_all(&rules, SCMP_ACT_ALLOW, engine_calls, ARRAY_LEN(engine_calls));
	if (policy->threads)
		add_threads(&rules);
	if (rules.error == 0)
		rules.error = seccomp_load(rules.filter);
	seccomp_release(rules.filter);
	if (rules.error != 0)
		return err_set_errno(err, ERR_SYSTEM, -rules.error, "could not set the system call filter");
	return ERR_OK;
}

/* -- limits ---------------------------------------------------------------------------------------- */

static enum err_code limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard, const char *what,
			   struct err *err)
{
	struct rlimit now;
	if (getrlimit(resource, &now) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not read the limit of %s", what);
	/* One that is lower already stays. */
	struct rlimit next = { .rlim_cur = soft < now.rlim_max ? soft : now.rlim_max,
			       .rlim_max = hard < now.rlim_max ? hard : now.rlim_max };
	if (setrlimit(resource, &next) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not limit %s", what);
	return ERR_OK;
}

static enum err_code limit_resources(const struct sandbox_policy *policy, struct err *err)
{
	uint64_t fds = policy->profile == SANDBOX_ENGINE ? ENGINE_FDS
		       : policy->read_paths		 ? JAIL_FDS_WITH_FILES
							 : JAIL_FDS;
	if (limit(RLIMIT_CORE, 0, 0, "core files", err) != ERR_OK ||
	    limit(RLIMIT_FSIZE, policy->memfd_bytes, policy->memfd_bytes, "file sizes", err) != ERR_OK ||
	    limit(RLIMIT_NOFILE, fds, fds, "descriptors", err) != ERR_OK)
		return err->code;
	/* SIGXCPU at the soft limit names the reason to the parent; SIGKILL would not. */
	if (policy->cpu_seconds > 0 &&
	    limit(RLIMIT_CPU, policy->cpu_seconds, policy->cpu_seconds + 1, "processor time", err) != ERR_OK)
		return err->code;
	if (policy->memory_bytes > 0 && !WITH_ASAN)
		return limit(RLIMIT_AS, policy->memory_bytes, policy->memory_bytes, "memory", err);
	return ERR_OK;
}

enum err_code sandbox_enter(const struct sandbox_policy *policy, struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not give up privileges");
	bool landlocked = false;
	if (limit_resources(policy, err) != ERR_OK || landlock_confine(policy->read_paths, &landlocked, err) != ERR_OK)
		return err->code;
	/* Without Landlock nothing holds a jail to its paths: it then reads no file at all. */
	bool files = policy->profile == SANDBOX_ENGINE || (policy->read_paths && landlocked);
	return filter_calls(policy, files, err);
}
