/* What the extension adds to Python: the spawn of pyrunc-init and a few system calls that 3.11's os module lacks. */
#ifndef PYRUNC_SPAWN_H
#define PYRUNC_SPAWN_H

#include "plan.h"

/* Execute the program in the descriptor `exe` with argv {title, number of the first internal descriptor} and an empty environment;
 * fds[i] becomes its descriptor i, and it gets no other. Returns the pid and fills *pidfd, or -errno; reap with waitid(P_PIDFD, __WALL). */
int pyrunc_spawn(int exe, const int *fds, int count, const char *title, const char *first, int *pidfd);

/* A pair of sockets that keeps messages apart (SOCK_SEQPACKET): 0, or -errno. With the next one in place of Python's module socket,
 * whose import is a tenth of what a command of pyrunc costs. */
int pyrunc_channel(int *ends);

/* The next message and the descriptor that came with it, or -1: the message's size, 0 at the end, or -errno. */
int pyrunc_receive(int fd, char *buffer, size_t size, int *received);

/* pidfd_getfd(2): the descriptor, or -errno. */
int pyrunc_pidfd_getfd(int pidfd, int fd);

/* setns(2): 0, or -errno. */
int pyrunc_setns(int fd, int kind);

/* A detached copy of the mounts at `source`, idmapped by the user namespace `users` unless that is negative: the descriptor, or -errno.
 * Unless `process` (a pidfd) is negative, `source` is looked up as if `root`, that process's root directory, were "/", and in the mount
 * namespace of that process, as the kernel clones only mounts of one's own. */
int pyrunc_clone_tree(const char *source, int recursive, int process, int root, int users, int recursive_users);

/* plan_check for tests: NULL if the plan is right, else why not; *index is the operation. */
const char *pyrunc_check(const char *data, size_t size, uint32_t *index);

#endif
