/* Device nodes: made, or in a user namespace, which may not make any, bound from the host. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int make_node(int parent, const char *name, const struct op_mkdev *op)
{
	mode_t mode = (mode_t)op->mode.number;
	dev_t device = makedev((unsigned)op->major.number, (unsigned)op->minor.number);
	struct stat there;
	if (mknodat(parent, name, mode, device)) {
		if (errno != EEXIST || fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW))
			return fail("mknodat", op->target.text);
		bool same = (there.st_mode & S_IFMT) == (mode & S_IFMT) && (S_ISFIFO(mode) || there.st_rdev == device);
		return same ? 0 : fail_as(EEXIST, "something else is at", op->target.text);
	}
	if (!op->uid.number && !op->gid.number)
		return 0;
	if (fchownat(parent, name, (uid_t)op->uid.number, (gid_t)op->gid.number, AT_SYMLINK_NOFOLLOW))
		return fail("fchownat", op->target.text);
	return 0;
}

static int bind_node(const struct op_mkdev *op)
{
	int tree = k_open_tree(AT_FDCWD, op->source.text, OPEN_TREE_CLONE);
	if (tree < 0)
		return fail("device", op->source.text);
	int target = open_target_like(op->target.text, S_IFREG);
	if (target < 0)
		return close_keeping_errno(tree, fail("mount point", op->target.text));
	return close_keeping_errno(tree, attach(tree, target, op->target.text));
}

int do_mkdev(const struct op_mkdev *op)
{
	const char *name;
	if (op->bind.number)
		return bind_node(op);
	int parent = open_target_parent(op->target.text, &name);
	if (parent < 0)
		return fail("directory of", op->target.text);
	return close_keeping_errno(parent, make_node(parent, name, op));
}
