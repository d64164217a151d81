/* The container's root: pieces mounted on the host's side of a private mount namespace, the handle, and the pivot. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int do_set_propagation(const struct op_set_propagation *op)
{
	if (k_mount(NULL, op->source.text, NULL, (unsigned long)op->flags.number, NULL))
		return fail("mount propagation of", op->source.text);
	return 0;
}

/* Kernels without "lowerdir+" take an overlay of many layers only through mount(2), up to a page of options. */
static int mount_old_way(const struct op_mount_at *op, int target)
{
	char options[4096];
	size_t used = 0;
	const char *parameter = op->parameters.text;
	for (uint64_t i = 0; i < op->parameters.length; i++) {
		size_t length = strlen(parameter);
		if (used + length + 2 > sizeof options)
			return fail_as(E2BIG, "options of", op->fstype.text);
		if (used)
			options[used++] = ',';
		memcpy(options + used, parameter, length);
		used += length;
		parameter += length + 1;
	}
	options[used] = 0;
	/* MOUNT_ATTR_RDONLY, NOSUID, NODEV and NOEXEC have the numbers of their MS_ counterparts. */
	unsigned long flags = (unsigned long)op->attributes.number & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
	if (fchdir(target) || k_mount(op->origin.text, ".", op->fstype.text, flags, options))
		return fail("mount", op->fstype.text);
	return 0;
}

static int make_piece(const struct op_mount_at *op)
{
	uint64_t attributes = (uint64_t)op->attributes.number;
	if (strcmp(op->fstype.text, "bind") != 0)
		return make_mount(op->fstype.text, op->origin.text, &op->parameters, attributes);
	unsigned int recursive = op->recursive.number ? AT_RECURSIVE : 0U;
	int tree = k_open_tree(AT_FDCWD, op->origin.text, OPEN_TREE_CLONE | recursive);
	if (tree < 0)
		return fail("open_tree", op->origin.text);
	if (set_mount_attributes(tree, attributes, 0, recursive != 0))
		return close_keeping_errno(tree, -1);
	return tree;
}

static int open_directory(const char *path)
{
	int fd = k_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		fail("directory", path);
	return fd;
}

int do_mount_at(const struct op_mount_at *op)
{
	int target = open_directory(op->source.text);
	if (target < 0)
		return -1;
	int tree = make_piece(op);
	if (tree < 0) {
		if (errno != EINVAL || strcmp(op->fstype.text, "overlay") != 0 || mount_old_way(op, target))
			return close_keeping_errno(target, -1);
		close(target);
		tree = open_directory(op->source.text);
	} else if (attach(tree, target, op->source.text))
		return close_keeping_errno(tree, -1);
	close_fd(&init.root_pieces);
	init.root_pieces = tree;
	init.root_source = op->source.text;
	return tree < 0 ? -1 : 0;
}

/* The handle is the descriptor of the attached mount itself, so that lookups from it see what is mounted below it later on. */
static int take_root(const char *source)
{
	if (init.root_source && strcmp(init.root_source, source) == 0) {
		init.root = init.root_pieces; /* MountAt's, on that very path: a mount of its own already */
		init.root_pieces = -1;
		return 0;
	}
	int target = open_directory(source);
	if (target < 0)
		return -1;
	init.root = clone_tree(target, true);
	if (init.root < 0)
		return close_keeping_errno(target, fail("open_tree", source));
	return attach(init.root, target, source);
}

static int root_is_open(void)
{
	return plan_has(&init.plan, OP_mask_path) ? prepare_masks() : 0;
}

int do_open_root(const struct op_open_root *op)
{
	return take_root(op->source.text) ? -1 : root_is_open();
}

/* Over "/", because the root of a user namespace may not walk through the directories of the host that lead to any other place. Nobody
 * gets there by a path, and pivot_root needs none. */
int do_attach_root(const struct op_attach_root *op)
{
	init.root = fcntl(slot_fd(op->tree.number), F_DUPFD_CLOEXEC, 3);
	if (init.root < 0)
		return fail("the tree of the root", "");
	int target = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return fail("open", "/");
	return attach(init.root, target, "/") ? -1 : root_is_open();
}

/* pivot_root(".", ".") puts the old root on top of the new one, so no directory is needed for it. It is made a slave before it is
 * detached: the unmounting must not travel to the host, whatever the propagation was. */
static int pivot(void)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old < 0)
		return fail("open", "/");
	if (fchdir(init.root) || syscall(SYS_pivot_root, ".", "."))
		return close_keeping_errno(old, fail("pivot_root", ""));
	int result = fchdir(old) || k_mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) || k_umount(".", MNT_DETACH);
	return close_keeping_errno(old, result ? fail("detach the old root", "") : 0);
}

/* On a ramfs root there is nothing to pivot. chroot alone would leave the host's procfs and sysfs mounted out of sight, where a new
 * mount namespace inside could find them again: they go first. */
static int move_root(void)
{
	(void)k_umount("/proc", MNT_DETACH);
	(void)k_umount("/sys", MNT_DETACH);
	if (fchdir(init.root) || k_mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
		return fail("move the root", "");
	return 0;
}

int do_pivot_root(const struct op_pivot_root *op)
{
	if (op->no_pivot.number ? move_root() : pivot())
		return -1;
	return chdir("/") ? fail("chdir", "/") : 0;
}

int do_root_propagation(const struct op_root_propagation *op)
{
	return set_mount_propagation(root_handle(), (uint64_t)op->flags.number);
}

int do_root_readonly(const struct op_root_readonly *op)
{
	(void)op;
	return set_mount_attributes(root_handle(), MOUNT_ATTR_RDONLY, 0, false);
}
