/* A process that joins a container is seen by nobody in it until there is nothing left to be had from it.
 *
 * Whoever has CAP_SYS_PTRACE in the container, and no user namespace between, may look into every process of its pid namespace and change
 * it, whether that may be dumped or not: and one that is just joining has the rights of the machine's root, and files of the host open. So
 * the process that joins stays outside of the pid namespace, which its children are to live in (setns(2)), until it has given up all
 * rights, and closed all files. Then it has a child, as its own sibling, and ends: that one executes the program. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define KEPT 4

/* Of the descriptors from `first`, in ascending order those that are kept. */
static int close_others(unsigned int first, int kept[KEPT])
{
	for (int i = 1; i < KEPT; i++)
		for (int j = i; j > 0 && kept[j] < kept[j - 1]; j--) {
			int lower = kept[j];
			kept[j] = kept[j - 1];
			kept[j - 1] = lower;
		}
	for (int i = 0; i < KEPT; i++) {
		if (kept[i] < (int)first)
			continue; /* -1: none */
		if (kept[i] > (int)first && k_close_range(first, (unsigned int)kept[i] - 1U, 0))
			return fail("close_range", "");
		first = (unsigned int)kept[i] + 1U;
	}
	return k_close_range(first, ~0U, 0) ? fail("close_range", "") : 0;
}

static int tell(int socket, pid_t pid, int pidfd)
{
	const struct message message = {.kind = MESSAGE_BORN, .index = NO_OPERATION, .value = pid};
	return send_with_fds(socket, &message, offsetof(struct message, detail), &pidfd, 1);
}

/* The monitor first, who has to know it before it can end. */
static int introduce(pid_t pid, int pidfd)
{
	if (init.channel >= 0 && (tell(init.channel, pid, pidfd) || read_answer(init.channel)))
		return fail("report", "to the monitor");
	return tell(init.sync, pid, pidfd) ? fail("report", "") : 0;
}

/* The terminal goes from one session to the other: it has to be given up first, of which the leader's own group is told by SIGHUP. The other
 * process is in that group until it says that it has a session. */
static int give_up_terminal(void)
{
	const uint64_t all = ~(uint64_t)0;
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all) || ioctl(0, TIOCNOTTY))
		return fail("give up the terminal", "");
	return 0;
}

static int be_the_program(int gate, bool terminal)
{
	if (setsid() < 0)
		return fail("setsid", "");
	if (write(gate, "", 1) != 1 || read_answer(gate))
		_exit(1); /* the other one tells why */
	close(gate);
	close_fd(&init.channel);
	return terminal && ioctl(0, TIOCSCTTY, 0) ? fail("controlling terminal", "") : 0;
}

int do_be_born(const struct op_be_born *op)
{
	int gate[2], pidfd = -1;
	bool terminal = op->terminal.number != 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, gate))
		return fail("socketpair", "");
	int kept[KEPT] = {init.sync, init.channel, gate[0], gate[1]};
	if (close_others(3U + (unsigned int)op->keep.number, kept))
		return -1;
	init.root = init.proc = init.host_proc = -1;
	/* No CLONE_PARENT without the caller's signal: it is inherited. */
	long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD, 0, &pidfd, 0, 0);
	if (pid < 0)
		return fail("clone", "into the pid namespace");
	if (pid == 0) {
		close(gate[0]);
		return be_the_program(gate[1], terminal);
	}
	close(gate[1]);
	if (introduce((pid_t)pid, pidfd))
		return -1; /* the end of the gate is the other one's */
	if (read_answer(gate[0]))
		return fail("wait for", "the other process");
	if (terminal && give_up_terminal())
		return -1;
	if (write(gate[0], "", 1) != 1)
		return fail("let go", "");
	_exit(0);
}
