/* Masked and read-only paths. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Both trees are cloned before pivot: afterwards the host's mounts are out of reach, as they should be. The device is checked because
 * a /dev/null that is something else would be bound over the very paths to be hidden (CVE-2025-31133). It is the host's own node, so its
 * mount is read-only: else root of the container could take the host's /dev/null away from everybody by chmod(2) or chown(2) of a mask.
 * A device can be written to all the same. */
int prepare_masks(void)
{
	struct stat null;
	int fd = k_openat2(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, &null) || !S_ISCHR(null.st_mode) || null.st_rdev != makedev(1, 3))
		return fail_as(ENODEV, "not the null device:", "/dev/null");
	init.null_tree = clone_tree(fd, false);
	close(fd);
	if (init.null_tree < 0)
		return fail("open_tree", "/dev/null");
	return set_mount_attributes(init.null_tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, false);
}

/* The first mask attaches the tree itself; a tree that is attached can be cloned for the next. */
static int attach_mask(int *tree, bool *attached, int target, const char *path)
{
	int clone = *tree;
	if (*attached)
		clone = clone_tree(*tree, false);
	if (clone < 0)
		return close_keeping_errno(target, fail("open_tree for mask of", path));
	int result = attach(clone, target, path);
	if (*attached)
		return close_keeping_errno(clone, result);
	*attached = result == 0;
	return result;
}

static int mask_directory(int target, const char *path)
{
	static bool attached;
	if (init.empty_tree < 0)
		init.empty_tree = make_mount("tmpfs", "tmpfs", NULL, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
									     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (init.empty_tree < 0)
		return close_keeping_errno(target, -1);
	return attach_mask(&init.empty_tree, &attached, target, path);
}

static bool is_missing(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

int do_mask_path(const struct op_mask_path *op)
{
	static bool attached;
	struct stat there;
	int target = open_in_root(op->target.text, O_PATH, 0);
	if (target < 0)
		return is_missing(errno) ? 0 : fail("openat2", op->target.text);
	if (fstat(target, &there))
		return close_keeping_errno(target, fail("fstat", op->target.text));
	if (S_ISDIR(there.st_mode))
		return mask_directory(target, op->target.text);
	return attach_mask(&init.null_tree, &attached, target, op->target.text);
}

int do_readonly_path(const struct op_readonly_path *op)
{
	int target = open_in_root(op->target.text, O_PATH, 0);
	if (target < 0)
		return is_missing(errno) ? 0 : fail("openat2", op->target.text);
	int tree = clone_tree(target, true);
	if (tree < 0)
		return close_keeping_errno(target, fail("open_tree", op->target.text));
	if (set_mount_attributes(tree, MOUNT_ATTR_RDONLY, 0, true)) {
		close_keeping_errno(target, -1);
		return close_keeping_errno(tree, -1);
	}
	return close_keeping_errno(tree, attach(tree, target, op->target.text));
}
