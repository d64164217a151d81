/* Mounts by descriptor: a file system or a clone of a tree is made detached, given all its attributes, and only then attached to a
 * target that was looked up once. Until it is attached nobody can reach it, and no half-configured mount is ever seen. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define ATTR_ATIME ((uint64_t)MOUNT_ATTR__ATIME)

/* The kernel explains a refused parameter in words ("e overlay: ..."), readable from the context. */
static int fail_fs(int fs, const char *what, const char *subject)
{
	char words[MESSAGE_DETAIL];
	int saved = errno;
	ssize_t got = read(fs, words, sizeof words - 1);
	close(fs);
	errno = saved;
	if (got <= 2)
		return fail(what, subject);
	while (got > 2 && words[got - 1] == '\n')
		got--;
	set_detail(words + 2, (size_t)got - 2U);
	return -1;
}

/* fsconfig(2) takes values of up to 255 bytes; an overlay of many layers is longer, and is given layer by layer. */
static int add_layers(int fs, const char *value)
{
	char layer[PATH_MAX];
	size_t used = 0;
	for (const char *at = value;; at++) {
		if (*at == '\\' && at[1] && used + 1 < sizeof layer) {
			layer[used++] = *++at;
		} else if (*at == ':' || !*at) {
			layer[used] = 0;
			if (k_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", layer))
				return -1;
			used = 0;
			if (!*at)
				return 0;
		} else if (used + 1 < sizeof layer) {
			layer[used++] = *at;
		} else {
			errno = ENAMETOOLONG;
			return -1;
		}
	}
}

static int set_parameter(int fs, const char *parameter)
{
	char key[64];
	const char *value = strchr(parameter, '=');
	if (!value)
		return k_fsconfig(fs, FSCONFIG_SET_FLAG, parameter, NULL);
	size_t length = (size_t)(value - parameter);
	if (length >= sizeof key) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, parameter, length);
	key[length] = 0;
	if (strcmp(key, "lowerdir") == 0 && strlen(value + 1) > 255)
		return add_layers(fs, value + 1);
	return k_fsconfig(fs, FSCONFIG_SET_STRING, key, value + 1);
}

/* All of them; `fs` is closed if one is refused. */
static int set_parameters(int fs, const struct field *parameters)
{
	const char *parameter = parameters->text;
	for (uint64_t i = 0; i < parameters->length; i++) {
		if (set_parameter(fs, parameter))
			return fail_fs(fs, "fsconfig", parameter);
		parameter += strlen(parameter) + 1;
	}
	return 0;
}

/* A new file system, mounted nowhere yet: a descriptor of its root. */
int make_mount(const char *fstype, const char *device, const struct field *parameters, uint64_t attributes)
{
	int fs = k_fsopen(fstype);
	if (fs < 0)
		return fail("fsopen", fstype);
	if (*device && k_fsconfig(fs, FSCONFIG_SET_STRING, "source", device))
		return fail_fs(fs, "fsconfig source", device);
	if (parameters && set_parameters(fs, parameters))
		return -1;
	if (k_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL))
		return fail_fs(fs, "fsconfig create", fstype);
	int tree = k_fsmount(fs, (unsigned int)attributes);
	if (tree < 0)
		return fail_fs(fs, "fsmount", fstype);
	close(fs);
	return tree;
}

/* Attach `tree` to the descriptor `target`, which is consumed. The path is only for the report. */
int attach(int tree, int target, const char *path)
{
	int result = k_move_mount(tree, target), saved = errno;
	close(target);
	errno = saved;
	return result ? fail("move_mount to", path) : 0;
}

int clone_tree(int fd, bool recursive)
{
	return k_open_tree(fd, "", OPEN_TREE_CLONE | (unsigned int)AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U));
}

int set_mount_attributes(int fd, uint64_t set, uint64_t clear, bool recursive)
{
	/* The atime settings are one field, not bits: the kernel wants all of it cleared before one is set. */
	if ((set | clear) & ATTR_ATIME)
		clear |= ATTR_ATIME;
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear};
	if (!set && !clear)
		return 0;
	return k_mount_setattr(fd, recursive ? AT_RECURSIVE : 0U, &attr) ? fail("mount_setattr", "") : 0;
}

int set_mount_propagation(int fd, uint64_t propagation)
{
	struct mount_attr attr = {.propagation = propagation & ~(uint64_t)MS_REC};
	if (!attr.propagation)
		return 0;
	return k_mount_setattr(fd, propagation & MS_REC ? AT_RECURSIVE : 0U, &attr)
		       ? fail("mount_setattr", "propagation")
		       : 0;
}

/* A mount over a procfs or sysfs that was reached by a symlink of the image would let the image choose what gets written to later
 * as "/proc" (CVE-2019-19921, CVE-2023-27561): their mount points are real directories or nothing. */
static int open_mount_target(const struct op_mount *op)
{
	bool strict = strcmp(op->fstype.text, "proc") == 0 || strcmp(op->fstype.text, "sysfs") == 0;
	int fd;
	if (!strict)
		return open_target_directory(op->target.text, true);
	fd = open_in_root(op->target.text, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	if (fd < 0 && errno == ENOENT) {
		fd = open_target_directory(op->target.text, true);
		if (fd < 0)
			return fd;
		close(fd);
		fd = open_in_root(op->target.text, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	}
	return fd;
}

int do_mount(const struct op_mount *op)
{
	int target = open_mount_target(op);
	if (target < 0)
		return fail(errno == ELOOP ? "a symlink in the way of" : "mount point", op->target.text);
	int tree = make_mount(op->fstype.text, op->device.text, &op->parameters, (uint64_t)op->attributes.number);
	if (tree < 0)
		return close_keeping_errno(target, -1);
	if (op->copy_up.number && copy_directory(target, tree)) {
		close_keeping_errno(target, -1);
		return close_keeping_errno(tree, -1);
	}
	if (attach(tree, target, op->target.text) || set_mount_propagation(tree, (uint64_t)op->propagation.number))
		return close_keeping_errno(tree, -1);
	close(tree);
	return 0;
}

/* Of the whole tree first, then of its top alone. */
static int change_attributes(int tree, const struct op_bind *op)
{
	if (set_mount_attributes(tree, (uint64_t)op->recursive_set.number, (uint64_t)op->recursive_clear.number, true))
		return -1;
	return set_mount_attributes(tree, (uint64_t)op->set_attributes.number, (uint64_t)op->clear_attributes.number, false);
}

static int attach_bind(int tree, const struct op_bind *op)
{
	struct stat source;
	if (change_attributes(tree, op))
		return -1;
	if (fstat(tree, &source))
		return fail("fstat", op->source.text);
	int target = open_target_like(op->target.text, source.st_mode);
	if (target < 0)
		return fail("mount point", op->target.text);
	if (attach(tree, target, op->target.text))
		return -1;
	return set_mount_propagation(tree, (uint64_t)op->propagation.number);
}

int do_bind(const struct op_bind *op)
{
	bool recursive = op->recursive.number != 0;
	if (op->tree.number >= 0)
		return attach_bind(slot_fd(op->tree.number), op);
	int tree = k_open_tree(AT_FDCWD, op->source.text, OPEN_TREE_CLONE | (recursive ? AT_RECURSIVE : 0U));
	if (tree < 0)
		return fail("bind source", op->source.text);
	return close_keeping_errno(tree, attach_bind(tree, op));
}

static int reconfigure(int target, const struct op_remount *op)
{
	int fs = k_fspick(target);
	if (fs < 0)
		return fail("fspick", op->target.text);
	if (set_parameters(fs, &op->parameters))
		return -1;
	if (k_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL))
		return fail_fs(fs, "fsconfig reconfigure", op->target.text);
	close(fs);
	return 0;
}

int do_remount(const struct op_remount *op)
{
	int target = open_in_root(op->target.text, O_PATH, 0);
	if (target < 0)
		return fail("mount point", op->target.text);
	int result = op->parameters.length ? reconfigure(target, op) : 0;
	result = result || set_mount_attributes(target, (uint64_t)op->set_attributes.number,
						(uint64_t)op->clear_attributes.number, false);
	return close_keeping_errno(target, result ? -1 : 0);
}

int do_symlink(const struct op_symlink *op)
{
	const char *name;
	int parent = open_target_parent(op->target.text, &name);
	if (parent < 0)
		return fail("directory of", op->target.text);
	int result = symlinkat(op->link.text, parent, name);
	if (result && errno == EEXIST) /* the image, or a bind of the host's /dev, has its own */
		result = 0;
	return close_keeping_errno(parent, result ? fail("symlinkat", op->target.text) : 0);
}
