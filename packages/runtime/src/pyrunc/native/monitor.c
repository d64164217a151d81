/* The monitor: the small parent that stays. It holds the ends of the container's stdio, reaps, writes down how the container
 * ended, and hands all of it to whoever asks, so that a container doesn't depend on the process that started it. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h> /* renameat */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define SOCKET_NAME "monitor.sock"
#define SUCCESSOR_NAME "restored"
#define CONNECTIONS 64
#define EARLY 8

/* How often a monitor that nobody released looks whether its state directory was deleted under it. */
#define ORPHAN_CHECK_SECONDS 60

enum { LISTEN, CHILDREN, CHANNEL, FIRST };

static struct monitor {
	struct monitor_reply record; /* pid, and once it ended, how */
	int null;
	int children; /* signalfd of SIGCHLD: all signals are blocked, and stay so */
	int pidfd;
	int listening;
	int console;
	bool restoring; /* the child is a program that makes the one to be watched */
	struct {
		pid_t pid;
		int status;
	} early[EARLY]; /* children that have ended while it does */
	unsigned int early_count;
	bool waiting[CONNECTIONS];
	struct pollfd polled[FIRST + CONNECTIONS];
} monitor = {.null = -1, .children = -1, .pidfd = -1, .listening = -1, .console = -1};

static int listen_in(int directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_NAME};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	/* A relative name: the directory's path may be longer than a socket address, and was checked by the caller. */
	if (fd < 0 || fchdir(directory) || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, CONNECTIONS))
		return fail("listen on", SOCKET_NAME);
	umask(mask);
	return fd;
}

/* Before the container process exists: whatever can fail, fails while there is nothing to undo. */
int monitor_prepare(void)
{
	sigset_t child;
	for (int i = 0; i < 3; i++)
		if (!(init.plan.header->hold & (1U << i)))
			close_fd(&init.hold[i]);
	monitor.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	monitor.listening = listen_in(init.directory);
	if (monitor.null < 0 || monitor.listening < 0)
		return -1;
	/* Orphans of a container without a pid namespace come here, not to the host's init. */
	memset(&child, 0, sizeof child);
	*(uint64_t *)(void *)&child = (uint64_t)1 << (SIGCHLD - 1);
	monitor.children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (monitor.children < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		return fail("subreaper", "");
	setsid();
	return chdir("/") ? fail("chdir", "/") : 0;
}

/* In the container process: a socket that listens on without a monitor would keep clients waiting. */
void monitor_forget(void)
{
	close_fd(&monitor.null);
	close_fd(&monitor.children);
	close_fd(&monitor.listening);
	close_fd(&init.directory);
	for (int i = 0; i < 3; i++)
		close_fd(&init.hold[i]);
}

/* The container's own ends of its stdio must close here, or its readers would never see an end; and all that was only on its way
 * through to the container. */
static void let_go(void)
{
	int preserved = (int)init.plan.header->preserve, slots = (int)init.plan.header->slots;
	for (int fd = 0; fd < 3; fd++)
		dup3(monitor.null, fd, 0);
	close_fd(&monitor.null);
	close_fd(&init.host_proc);
	if (preserved)
		k_close_range(3, (unsigned int)(2 + preserved), 0);
	if (slots)
		k_close_range((unsigned int)init.slots, (unsigned int)(init.slots + slots - 1), 0);
	if (!plan_has(&init.plan, OP_open_console))
		close_fd(&init.sync);
	if (!plan_has(&init.plan, OP_open_console) && !plan_has(&init.plan, OP_be_born))
		close_fd(&init.channel);
	munmap((void *)(uintptr_t)init.plan.header, init.plan.header->size);
}

static char *put_number(char *end, int64_t number)
{
	uint64_t rest = (uint64_t)number;
	do
		*--end = (char)('0' + rest % 10);
	while (rest /= 10);
	return end;
}

/* Complete or absent: written aside, then renamed. */
static void write_record(void)
{
	char line[48], *end = line + sizeof line, *at = end;
	*--at = '\n';
	at = put_number(at, monitor.record.time);
	*--at = ' ';
	at = put_number(at, monitor.record.status);
	int fd = openat(init.directory, "exit.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, at, (size_t)(end - at)) == end - at)
		renameat(init.directory, "exit.new", init.directory, "exit");
	close(fd);
}

static void drop(int i)
{
	close_fd(&monitor.polled[FIRST + i].fd);
	monitor.waiting[i] = false;
}

static void reply(int i, const int *fds, size_t count)
{
	if (send_with_fds(monitor.polled[FIRST + i].fd, &monitor.record, sizeof monitor.record, fds, count))
		drop(i); /* who doesn't read the answers gets no more */
}

static void on_exit_of_container(int status)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	monitor.record.exited = 1;
	monitor.record.status = status;
	monitor.record.time = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	write_record();
	for (int i = 0; i < CONNECTIONS; i++)
		if (monitor.waiting[i]) {
			monitor.waiting[i] = false;
			reply(i, NULL, 0);
		}
}

static pid_t read_successor(void)
{
	char digits[16] = {0};
	int fd = openat(init.directory, SUCCESSOR_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t got = read(fd, digits, sizeof digits - 1);
	close(fd);
	return got > 0 ? atoi(digits) : -1;
}

/* From now on the process that was restored is the container's. It may have ended before the program that made it. */
static bool succeed(void)
{
	pid_t pid = read_successor();
	if (pid <= 0)
		return false;
	monitor.restoring = false;
	close_fd(&monitor.pidfd);
	monitor.record.pid = pid;
	for (unsigned int i = 0; i < monitor.early_count; i++)
		if (monitor.early[i].pid == pid) {
			on_exit_of_container(monitor.early[i].status);
			return true;
		}
	monitor.pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* our child, so the number is its own */
	return true;
}

static void on_end(pid_t pid, int status)
{
	if (pid == monitor.record.pid && !monitor.record.exited) {
		if (!monitor.restoring || status != 0 || !succeed())
			on_exit_of_container(status);
	} else if (monitor.restoring && monitor.early_count < EARLY) {
		monitor.early[monitor.early_count].pid = pid;
		monitor.early[monitor.early_count++].status = status;
	}
}

static void reap(void)
{
	struct signalfd_siginfo ignored;
	int status;
	pid_t pid;
	while (read(monitor.children, &ignored, sizeof ignored) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		on_end(pid, status);
}

static bool holds_stdio(void)
{
	return init.hold[0] >= 0 || init.hold[1] >= 0 || init.hold[2] >= 0 || monitor.console >= 0;
}

static _Noreturn void leave(void)
{
	unlinkat(init.directory, SOCKET_NAME, 0);
	_exit(0);
}

static void send_info(int i)
{
	const int held[] = {monitor.pidfd, init.hold[0], init.hold[1], init.hold[2], monitor.console};
	int fds[5];
	size_t count = 0;
	monitor.record.descriptors = 0;
	for (unsigned int bit = 0; bit < 5; bit++)
		if (held[bit] >= 0) {
			fds[count++] = held[bit];
			monitor.record.descriptors |= 1U << bit;
		}
	reply(i, fds, count);
	monitor.record.descriptors = 0;
}

static void release(int i)
{
	monitor.record.error = monitor.record.exited ? 0 : EBUSY;
	reply(i, NULL, 0);
	if (monitor.record.exited)
		leave();
	monitor.record.error = 0;
}

static void serve(int i)
{
	char request;
	ssize_t got = recv(monitor.polled[FIRST + i].fd, &request, 1, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got == 1 && request == 'I') {
		send_info(i);
	} else if (got == 1 && request == 'C') {
		close_fd(&init.hold[0]);
		reply(i, NULL, 0);
	} else if (got == 1 && request == 'W') {
		if (monitor.record.exited)
			reply(i, NULL, 0);
		else
			monitor.waiting[i] = true;
	} else if (got == 1 && request == 'R') {
		release(i);
	} else {
		drop(i);
	}
}

static bool may_ask(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void welcome(void)
{
	int fd = accept4(monitor.listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (int i = 0; i < CONNECTIONS && may_ask(fd); i++)
		if (monitor.polled[FIRST + i].fd < 0) {
			monitor.polled[FIRST + i].fd = fd;
			return;
		}
	close(fd);
}

/* The pty's master, from the container process; kept, and passed on to the caller. */
static void take_console(const struct message *message, size_t size, int fd)
{
	monitor.console = fd;
	(void)send_with_fds(init.sync, message, size, &fd, 1);
}

/* Another one has taken the place of the process (birth.c). */
static void take_born(const struct message *message, int fd)
{
	close_fd(&monitor.pidfd);
	monitor.pidfd = fd;
	monitor.record.pid = (int32_t)message->value;
}

static void take_message(void)
{
	struct message message = {0};
	int fd, got = receive_fd(init.channel, &message, sizeof message, &fd);
	bool more = false;
	if (got > 0 && fd >= 0) {
		if (message.kind == MESSAGE_BORN)
			take_born(&message, fd);
		else
			take_console(&message, (size_t)got, fd);
		more = message.kind == MESSAGE_CONSOLE && plan_has(&init.plan, OP_be_born);
		(void)send_with_fds(init.channel, "", 1, NULL, 0);
	}
	close_fd(&init.sync);
	if (more)
		return;
	close_fd(&init.channel);
	monitor.polled[CHANNEL].fd = -1;
}

static bool has_room(void)
{
	for (int i = 0; i < CONNECTIONS; i++)
		if (monitor.polled[FIRST + i].fd < 0)
			return true;
	return false;
}

/* No more than there is to ask for: ppoll(2) takes no table that is longer than the limit of open files, which is the caller's. */
static nfds_t polled_count(void)
{
	nfds_t count = FIRST;
	for (int i = 0; i < CONNECTIONS; i++)
		if (monitor.polled[FIRST + i].fd >= 0)
			count = FIRST + (nfds_t)i + 1;
	return count;
}

static void turn(void)
{
	const struct timespec pause = {.tv_sec = ORPHAN_CHECK_SECONDS};
	struct stat directory;
	monitor.polled[LISTEN].fd = has_room() ? monitor.listening : -1; /* else they queue in the backlog */
	int ready = ppoll(monitor.polled, polled_count(), monitor.record.exited ? &pause : NULL, NULL);
	if (monitor.polled[CHILDREN].revents)
		reap();
	if (ready == 0 && fstat(init.directory, &directory) == 0 && directory.st_nlink == 0)
		_exit(0);
	if (ready <= 0)
		return;
	if (monitor.polled[CHANNEL].revents)
		take_message();
	for (int i = 0; i < CONNECTIONS; i++)
		if (monitor.polled[FIRST + i].fd >= 0 && monitor.polled[FIRST + i].revents)
			serve(i);
	if (monitor.polled[LISTEN].revents)
		welcome();
}

_Noreturn void monitor_main(pid_t pid, int pidfd)
{
	monitor.pidfd = pidfd;
	monitor.record.pid = pid;
	monitor.restoring = (init.plan.header->flags & LAUNCH_RESTORE) != 0;
	set_title("monitor");
	let_go();
	for (int i = 0; i < FIRST + CONNECTIONS; i++)
		monitor.polled[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	monitor.polled[CHILDREN].fd = monitor.children;
	monitor.polled[CHANNEL].fd = init.channel;
	while (!monitor.record.exited || holds_stdio() || monitor.restoring) /* who has asked for it has to hear of a failure */
		turn();
	leave();
}
