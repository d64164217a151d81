/* The spawn: from a Python of any size to pyrunc-init, without copying a page table and without running Python in between. */
#include "spawn.h"
#include "syscalls.h"

#include <alloca.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct spawn {
	int exe;
	int *fds; /* count and one more: the program itself */
	int count;
	const char *title;
	const char *first;
	int error;
};

/* Two passes, because a source may have the number of another's target: first everything that is in the way goes up. */
static int place(struct spawn *spawn)
{
	int targets = spawn->count + 1;
	for (int i = 0; i < targets; i++)
		if (spawn->fds[i] < targets && spawn->fds[i] != i) {
			spawn->fds[i] = fcntl(spawn->fds[i], F_DUPFD_CLOEXEC, targets);
			if (spawn->fds[i] < 0)
				return -1;
		}
	for (int i = 0; i < targets; i++) {
		int keep = i == spawn->count ? FD_CLOEXEC : 0;
		if (spawn->fds[i] == i ? fcntl(i, F_SETFD, keep) : dup3(spawn->fds[i], i, keep ? O_CLOEXEC : 0) < 0)
			return -1;
	}
	return k_close_range((unsigned int)targets, ~0U, 0);
}

/* Runs on its own stack in the memory of the caller, whose thread sleeps until execveat: system calls only. All signals are blocked,
 * so no handler of the caller's can run here; pyrunc-init sets mask and dispositions right. */
static int child(void *argument)
{
	struct spawn *spawn = argument;
	char *argv[] = {(char *)(uintptr_t)spawn->title, (char *)(uintptr_t)spawn->first, NULL};
	char *env[] = {NULL};
	if (place(spawn) == 0)
		syscall(SYS_execveat, spawn->count, "", argv, env, AT_EMPTY_PATH);
	spawn->error = errno;
	_exit(127);
}

static int clone_child(struct spawn *spawn, int *pidfd)
{
	char stack[16384] __attribute__((aligned(16)));
	/* No exit signal: until it executes something, waitpid(-1) of the host program doesn't see it. */
	return clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD, spawn, pidfd);
}

int pyrunc_spawn(int exe, const int *fds, int count, const char *title, const char *first, int *pidfd)
{
	struct spawn spawn = {exe, NULL, count, title, first, 0};
	sigset_t all, before;
	if (count < 0 || count > 16384)
		return -EINVAL;
	spawn.fds = alloca(((size_t)count + 1) * sizeof(int));
	for (int i = 0; i < count; i++)
		spawn.fds[i] = fds[i];
	spawn.fds[count] = exe;
	*pidfd = -1;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int pid = clone_child(&spawn, pidfd), failed = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return -failed;
	if (!spawn.error)
		return pid;
	siginfo_t info;
	waitid((idtype_t)P_PIDFD, (id_t)*pidfd, &info, WEXITED | __WALL);
	close(*pidfd);
	*pidfd = -1;
	return -spawn.error;
}

int pyrunc_channel(int *ends)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) ? -errno : 0;
}

int pyrunc_receive(int fd, char *buffer, size_t size, int *received)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {buffer, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	int failed = errno;
	*received = -1;
	if (length < 0)
		return -failed;
	struct cmsghdr *first = CMSG_FIRSTHDR(&message);
	if (first && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS)
		memcpy(received, CMSG_DATA(first), sizeof *received);
	return (int)length;
}

int pyrunc_pidfd_getfd(int pidfd, int fd)
{
	int result = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	return result < 0 ? -errno : result;
}

int pyrunc_setns(int fd, int kind)
{
	return syscall(SYS_setns, fd, kind) ? -errno : 0;
}

struct visit {
	const char *source;
	int process;
	int root;
	unsigned int flags;
	int result;
};

/* What the process sees at its path, and nothing else, whatever symlinks it has put there: no magic link, no way above its root. */
static int clone_inside(const struct visit *visit)
{
	if (syscall(SYS_setns, visit->process, CLONE_NEWNS))
		return -errno;
	int found = k_openat2(visit->root, visit->source, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (found < 0)
		return -errno;
	int tree = k_open_tree(found, "", visit->flags | (unsigned int)AT_EMPTY_PATH);
	int result = tree < 0 ? -errno : tree;
	close(found);
	return result;
}

static int visitor(void *argument)
{
	struct visit *visit = argument;
	visit->result = clone_inside(visit);
	_exit(0);
}

/* By a child that has its own root and working directory (no CLONE_FS), which a mount namespace can be joined with, and leaves what it
 * has opened in our table (CLONE_FILES). No exit signal, and all signals blocked, as for the spawn. */
static int clone_in_process(struct visit *visit)
{
	char stack[16384] __attribute__((aligned(16)));
	sigset_t all, before;
	int pidfd = -1;
	siginfo_t info;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD;
	int pid = clone(visitor, stack + sizeof stack, flags, visit, &pidfd), failed = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return -failed;
	waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL);
	close(pidfd);
	return visit->result;
}

static int clone_from(const char *source, unsigned int flags, int process, int root)
{
	struct visit visit = {source, process, root, flags, -EINTR};
	if (process >= 0)
		return clone_in_process(&visit);
	int tree = k_open_tree(AT_FDCWD, source, flags);
	return tree < 0 ? -errno : tree;
}

int pyrunc_clone_tree(const char *source, int recursive, int process, int root, int users, int recursive_users)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned int)users};
	int tree = clone_from(source, OPEN_TREE_CLONE | (recursive ? AT_RECURSIVE : 0U), process, root);
	if (tree < 0)
		return tree;
	if (users < 0 || k_mount_setattr(tree, recursive_users ? AT_RECURSIVE : 0U, &attr) == 0)
		return tree;
	int failed = errno;
	close(tree);
	return -failed;
}

const char *pyrunc_check(const char *data, size_t size, uint32_t *index)
{
	struct plan plan;
	struct plan_error error;
	int result = plan_check(&plan, data, size, &error);
	*index = error.index;
	return result ? error.reason : NULL;
}
