/* Hooks that run inside: createContainer, startContainer. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

/* The pid as the host sees it, from the host's procfs; inside, getpid() may only say 1. */
static int write_own_pid(int fd)
{
	char pid[16];
	ssize_t length = readlinkat(init.host_proc, "self", pid, sizeof pid);
	return length > 0 && write(fd, pid, (size_t)length) == length ? 0 : -1;
}

/* The state as a file to be stdin: a pipe could fill up. */
static int make_stdin(const char *state)
{
	static const char mark[] = "@PID@";
	int fd = (int)syscall(SYS_memfd_create, "state", MFD_CLOEXEC);
	const char *at = strstr(state, mark);
	size_t before = at ? (size_t)(at - state) : strlen(state);
	if (fd < 0 || write(fd, state, before) != (ssize_t)before)
		return -1;
	if (at) {
		size_t after = strlen(at + sizeof mark - 1);
		if (write_own_pid(fd) || write(fd, at + sizeof mark - 1, after) != (ssize_t)after)
			return -1;
	}
	return lseek(fd, 0, SEEK_SET) ? -1 : fd;
}

static _Noreturn void run(const struct op_hook *op, int in, int out)
{
	char **argv = text_vector(&op->argv), **env = text_vector(&op->env);
	if (argv && env && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 &&
	    (k_close_range(3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) == 0 || errno == EINVAL))
		execve(op->program.text, argv, env);
	_exit(127);
}

static long milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads what the hook says (the first line or two are kept for the report) until it has ended or its time is up. */
static int follow(int pidfd, int out, uint32_t seconds, char *said, size_t size, size_t *length)
{
	long end = milliseconds() + (long)seconds * 1000;
	struct pollfd polled[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = out, .events = POLLIN}};
	while (!polled[0].revents) {
		long left = seconds ? end - milliseconds() : 0;
		if (seconds && left <= 0)
			return fail_as(ETIMEDOUT, "hook timed out", "");
		const struct timespec pause = {left / 1000, left % 1000 * 1000000};
		if (ppoll(polled, 2, seconds ? &pause : NULL, NULL) < 0 && errno != EINTR)
			return -1;
		char scratch[512];
		ssize_t got = polled[1].revents ? read(out, scratch, sizeof scratch) : 1;
		if (got <= 0)
			polled[1].fd = -1;
		for (ssize_t i = 0; polled[1].revents && i < got && *length < size; i++)
			said[(*length)++] = scratch[i];
		polled[1].revents = 0;
	}
	return 0;
}

/* "exit status 3: ", and what it said. */
static int tell_end(int status, const char *said, size_t length)
{
	char text[MESSAGE_DETAIL] = "exit status ";
	char digits[4], *digit = digits + sizeof digits - 1;
	int number = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	if (!WIFEXITED(status))
		strcpy(text, "was killed by signal ");
	*digit = 0;
	do
		*--digit = (char)('0' + number % 10);
	while (number /= 10);
	size_t used = strlen(text);
	strcpy(text + used, digit);
	used += strlen(digit);
	if (length) {
		strcpy(text + used, ": ");
		used += 2;
		length = length < sizeof text - used ? length : sizeof text - used;
		memcpy(text + used, said, length);
	}
	set_detail(text, used + length);
	errno = ECANCELED;
	return -1;
}

static int finish(const struct op_hook *op, pid_t pid, int pidfd, int out)
{
	char said[MESSAGE_DETAIL];
	size_t length = 0;
	int status = 0, saved = 0;
	if (follow(pidfd, out, (uint32_t)op->timeout.number, said, sizeof said, &length)) {
		saved = errno;
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (saved) {
		set_detail(said, length);
		errno = saved;
		return -1;
	}
	return status ? tell_end(status, said, length) : 0;
}

int do_hook(const struct op_hook *op)
{
	int out[2], pidfd = -1;
	int in = make_stdin(op->state.text);
	if (in < 0 || pipe2(out, O_CLOEXEC))
		return fail("stdio of hook", op->program.text);
	struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
	pid_t pid = k_clone3(&args);
	if (pid == 0)
		run(op, in, out[1]);
	close(in);
	close(out[1]);
	int result = pid < 0 ? fail("clone3", op->program.text) : finish(op, pid, pidfd, out[0]);
	close_fd(&pidfd);
	return close_keeping_errno(out[0], result);
}
