/* Writes to procfs. /proc of the container belongs to the image and the mounts of its spec, and may be anything (CVE-2025-52881);
 * what is written to here is a procfs of our own that is never attached anywhere. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>

static int make_private(void)
{
	int fs = k_fsopen("proc");
	if (fs < 0)
		return -1;
	int tree = k_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) ? -1 : k_fsmount(fs, 0);
	return close_keeping_errno(fs, tree);
}

/* Where a procfs may not be mounted (a joined pid namespace of another user namespace), the host's serves: opened before anything
 * of the container was in sight, and checked to be one. */
static int open_procfs(void)
{
	struct statfs fs;
	if (init.proc >= 0)
		return 0;
	if (!plan_has(&init.plan, OP_be_born)) /* who is in none of the container's pid namespaces is in no procfs of it */
		init.proc = make_private();
	if (init.proc >= 0)
		return 0;
	if (init.host_proc < 0 || fstatfs(init.host_proc, &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return fail_as(ENODEV, "no procfs to write to", "");
	init.proc = init.host_proc;
	init.host_proc = -1;
	return 0;
}

static int open_entry(const char *name)
{
	return k_openat2(init.proc, name, O_WRONLY, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

static int write_entry(const char *name, const struct field *value)
{
	if (open_procfs())
		return -1;
	int fd = open_entry(name);
	/* A process that may not be dumped has its files in /proc owned by the real root, which root of a user namespace is not.
	 * With nobody else in the namespaces yet, it may be dumpable for a moment. */
	if (fd < 0 && errno == EACCES && !init.joined && strncmp(name, "self/", 5) == 0) {
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		fd = open_entry(name);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	}
	if (fd < 0)
		return fail("open /proc", name);
	int result = write(fd, value->text, value->length) == (ssize_t)value->length ? 0 : fail("write /proc", name);
	return close_keeping_errno(fd, result);
}

int do_write_proc(const struct op_write_proc *op)
{
	return write_entry(op->name.text, &op->value);
}

int do_lsm_label(const struct op_lsm_label *op)
{
	char name[128] = "self/attr/";
	if (op->attribute.length + sizeof "self/attr/" > sizeof name)
		return fail_as(ENAMETOOLONG, "attribute", op->attribute.text);
	strcpy(name + sizeof "self/attr/" - 1, op->attribute.text);
	return write_entry(name, &op->value);
}
