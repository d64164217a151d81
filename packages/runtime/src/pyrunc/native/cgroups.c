/* Cgroups: joining them, and the container's view of them. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The container process moves itself ("0"), through descriptors that the caller opened: no path, and no race about pids. */
int do_join_cgroup(const struct op_join_cgroup *op)
{
	for (uint64_t i = 0; i < op->slots.length; i++)
		if (write(slot_fd(op->slots.numbers[i]), "0", 1) != 1)
			return fail("write", "cgroup.procs");
	return 0;
}

/* "cpu,cpuacct" to the texts "cpu" and "cpuacct": the parameters of one hierarchy. */
static int split_options(const char *options, char texts[256], struct field *parameters)
{
	size_t length = strlen(options);
	if (length >= 256)
		return fail_as(ENAMETOOLONG, "cgroup options", options);
	parameters->text = texts;
	parameters->length = length ? 1U : 0U;
	for (size_t i = 0; i <= length; i++) {
		bool comma = options[i] == ',';
		texts[i] = comma ? 0 : options[i];
		parameters->length += comma;
	}
	return 0;
}

static int make_hierarchy(const char *options, uint64_t attributes)
{
	char texts[256];
	struct field parameters;
	if (split_options(options, texts, &parameters))
		return -1;
	return make_mount(*options ? "cgroup" : "cgroup2", "cgroup", &parameters, attributes);
}

/* Mounts `directory=options` on a new directory of the tmpfs. */
static int mount_hierarchy(int tmpfs, const char *hierarchy, uint64_t attributes)
{
	char directory[NAME_MAX + 1];
	const char *equals = strchr(hierarchy, '=');
	if (!equals || equals == hierarchy || equals - hierarchy > NAME_MAX)
		return fail_as(EINVAL, "not directory=options:", hierarchy);
	size_t length = (size_t)(equals - hierarchy);
	memcpy(directory, hierarchy, length);
	directory[length] = 0;
	if (mkdirat(tmpfs, directory, 0755))
		return fail("mkdirat", directory);
	int target = k_openat2(tmpfs, directory, O_PATH | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (target < 0)
		return fail("openat2", directory);
	int tree = make_hierarchy(equals + 1, attributes);
	if (tree < 0)
		return close_keeping_errno(target, -1);
	return close_keeping_errno(tree, attach(tree, target, directory));
}

static int make_links(int tmpfs, const struct field *links)
{
	char name[NAME_MAX + 1];
	const char *link = links->text;
	for (uint64_t i = 0; i < links->length; i++) {
		const char *equals = strchr(link, '=');
		if (!equals || equals - link > NAME_MAX)
			return fail_as(EINVAL, "not name=target:", link);
		size_t length = (size_t)(equals - link);
		memcpy(name, link, length);
		name[length] = 0;
		if (symlinkat(equals + 1, tmpfs, name))
			return fail("symlinkat", name);
		link += strlen(link) + 1;
	}
	return 0;
}

static int fill(int tmpfs, const struct op_mount_cgroups *op, uint64_t attributes)
{
	const char *hierarchy = op->hierarchies.text;
	for (uint64_t i = 0; i < op->hierarchies.length; i++) {
		if (mount_hierarchy(tmpfs, hierarchy, attributes))
			return -1;
		hierarchy += strlen(hierarchy) + 1;
	}
	if (make_links(tmpfs, &op->links))
		return -1;
	return set_mount_attributes(tmpfs, attributes & MOUNT_ATTR_RDONLY, 0, false);
}

int do_mount_cgroups(const struct op_mount_cgroups *op)
{
	static const char mode[] = "mode=755";
	const struct field parameters = {.text = mode, .length = 1};
	uint64_t attributes = (uint64_t)op->attributes.number;
	bool unified = op->hierarchies.length == 1 && strcmp(op->hierarchies.text, "=") == 0;
	int target = open_target_directory(op->target.text, true);
	if (target < 0)
		return fail("mount point", op->target.text);
	int tree = unified ? make_hierarchy("", attributes)
			   : make_mount("tmpfs", "cgroup", &parameters, attributes & ~(uint64_t)MOUNT_ATTR_RDONLY);
	if (tree < 0)
		return close_keeping_errno(target, -1);
	/* Attached first: a mount can't be put on a mount that is not attached itself. */
	int result = attach(tree, target, op->target.text);
	if (result == 0 && !unified)
		result = fill(tree, op, attributes);
	return close_keeping_errno(tree, result);
}
