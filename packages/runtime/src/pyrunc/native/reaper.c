/* The process that stays in front of the program: process 1 that passes signals on and reaps what is orphaned to it.
 *
 * It is this same program, not another one that would have to be brought into the container: it runs from the sealed memfd, under the
 * filter, with the program's rights and without a descriptor, and ends as the program ended. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ALL_SIGNALS (~(uint64_t)0)

static int block(uint64_t mask)
{
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

/* The keys of the terminal are for the program and its children, which are told apart from the reaper by their process group. */
static void take_terminal(void)
{
	pid_t self = (pid_t)syscall(SYS_getpid);
	syscall(SYS_setpgid, 0, 0);
	ioctl(STDIN_FILENO, TIOCSPGRP, &self); /* SIGTTOU is blocked; without a terminal there is nothing to take */
}

/* The exit status that the caller is to see: a signal cannot be died of by process 1, so it is told as shells tell it. */
static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void reap(pid_t program)
{
	int status = 0;
	pid_t ended;
	while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
		if (ended == program)
			_exit(exit_code(status));
}

/* What execve(2) does for a user other than root, and this process never does. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[2] = {0};
	if (geteuid() != 0)
		syscall(SYS_capset, &header, none);
}

static _Noreturn void watch(pid_t program)
{
	const uint64_t all = ALL_SIGNALS;
	drop_capabilities();
	set_title("reaping");
	k_close_range(0, ~0U, 0);
	munmap((void *)(uintptr_t)init.plan.header, init.plan.header->size);
	for (;;) {
		long number = syscall(SYS_rt_sigtimedwait, &all, NULL, NULL, sizeof all);
		if (number == SIGCHLD)
			reap(program);
		else if (number > 0)
			syscall(SYS_kill, program, number);
	}
}

/* Returns in the child, which goes on to the program. */
int do_stay_as_init(const struct op_stay_as_init *op)
{
	(void)op;
	/* Where the pid namespace is shared, orphans would else go to a process 1 that does not know them. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		return fail("prctl", "PR_SET_CHILD_SUBREAPER");
	if (block(ALL_SIGNALS))
		return fail("block signals", "");
	long program = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (program < 0)
		return fail("clone", "the program's process");
	if (program > 0)
		watch((pid_t)program);
	take_terminal();
	return block(0) ? fail("unblock signals", "") : 0;
}
