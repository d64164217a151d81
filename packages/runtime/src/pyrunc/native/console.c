/* The container's terminal. */
#include "init.h"
#include "syscalls.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* The master out of the container's own devpts. The image may have put anything there, so it is checked to be what it should: the
 * multiplexer of a devpts, reached through no symlink. */
static int open_master(void)
{
	struct statfs fs;
	struct stat node;
	int unlock = 0;
	int fd = open_in_root("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return fail_as(errno == ENOENT ? ENXIO : errno, "a terminal needs a devpts in the container, at", "/dev/pts");
	if (fstatfs(fd, &fs) || fs.f_type != DEVPTS_SUPER_MAGIC || fstat(fd, &node) || !S_ISCHR(node.st_mode) ||
	    node.st_rdev != makedev(5, 2))
		return close_keeping_errno(fd, fail_as(ENXIO, "not a terminal multiplexer:", "/dev/pts/ptmx"));
	if (fcntl(fd, F_SETFL, O_RDWR) || ioctl(fd, TIOCSPTLCK, &unlock))
		return close_keeping_errno(fd, fail("unlock", "/dev/pts/ptmx"));
	return fd;
}

static int set_up_peer(int master, const struct op_open_console *op)
{
	struct winsize size = {.ws_row = (unsigned short)op->rows.number, .ws_col = (unsigned short)op->columns.number};
	/* By descriptor: a path like /dev/pts/0 could lead elsewhere by now. */
	int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (peer < 0)
		return fail("open the terminal", "");
	if ((size.ws_row || size.ws_col) && ioctl(peer, TIOCSWINSZ, &size))
		return close_keeping_errno(peer, fail("window size", ""));
	/* A devpts that doesn't map the user keeps its own owner; the terminal works all the same. */
	if (fchown(peer, (uid_t)op->uid.number, (gid_t)-1) && errno != EINVAL && errno != EPERM)
		return close_keeping_errno(peer, fail("owner of the terminal", ""));
	return peer;
}

/* /dev/console is bound from the descriptor of the terminal, onto a file that was opened once: nothing the image or another process
 * of the container does to either path can redirect it (CVE-2025-52565). */
static int bind_console(int peer)
{
	int tree = clone_tree(peer, false);
	if (tree < 0)
		return fail("open_tree of the terminal", "");
	int target = open_target_like("/dev/console", S_IFREG);
	if (target < 0)
		return close_keeping_errno(tree, fail("mount point", "/dev/console"));
	return close_keeping_errno(tree, attach(tree, target, "/dev/console"));
}

static int take_as_stdio(int peer)
{
	for (int fd = 0; fd < 3; fd++)
		if (dup3(peer, fd, 0) < 0)
			return fail("dup3 of the terminal", "");
	return ioctl(peer, TIOCSCTTY, 0) ? fail("controlling terminal", "") : 0;
}

/* With a monitor the master goes there, which keeps it and passes it on, and answers when it has. */
static int hand_over(int master)
{
	const struct message message = {.kind = MESSAGE_CONSOLE, .index = init.index};
	int socket = init.channel >= 0 ? init.channel : init.sync;
	if (send_with_fds(socket, &message, offsetof(struct message, detail), &master, 1))
		return fail("send the terminal", "");
	return init.channel >= 0 ? read_answer(init.channel) : 0;
}

int do_open_console(const struct op_open_console *op)
{
	int master = open_master();
	if (master < 0)
		return -1;
	int peer = set_up_peer(master, op);
	if (peer < 0)
		return close_keeping_errno(master, -1);
	int result = op->bind_console.number ? bind_console(peer) : 0;
	result = result || take_as_stdio(peer) || hand_over(master) ? -1 : 0;
	close_keeping_errno(peer, 0);
	return close_keeping_errno(master, result);
}
