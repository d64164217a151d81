/* Namespaces: joined, made, left. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int set_ns(int64_t slot, uint64_t kind)
{
	return (int)syscall(SYS_setns, slot_fd(slot), (int)kind);
}

/* Runs setns for the part of each SetNs operation that is in `kinds`. */
static int join(uint64_t kinds)
{
	const struct op_header *at = init.plan.first;
	union op op;
	for (uint32_t i = 0; i < init.plan.clone; i++, at = plan_next(at)) {
		plan_decode(at, &op);
		uint64_t kind = (uint64_t)op.set_ns.kind.number & kinds;
		init.index = i;
		if (kind && set_ns(op.set_ns.slot.number, kind))
			return fail("setns", "");
	}
	return 0;
}

/* What the parent joins, a monitor keeps alive: its mounts would outlive a container by as long as the monitor of an exec does. So
 * where nothing new is made, the container process joins by itself, all but the pid namespace, which is only ever for children.
 * An unprivileged caller may join that one only from within the user namespace: then everything is the parent's. */
int parent_joins(void)
{
	const uint64_t all = ~(uint64_t)0;
	init.joined = init.plan.clone > 0;
	if (!init.late_join)
		return join(all);
	if (plan_has(&init.plan, OP_be_born))
		return 0;
	if (join(CLONE_NEWPID) == 0)
		return 0;
	if (errno != EPERM)
		return -1;
	init.late_join = false;
	return join(all);
}

int late_joins(void)
{
	if (!init.late_join)
		return 0;
	/* Who is born later joins the pid namespace for its child. */
	return join(plan_has(&init.plan, OP_be_born) ? ~(uint64_t)0 : ~(uint64_t)CLONE_NEWPID);
}

static int write_file(const char *name, const char *text, size_t length)
{
	int fd = openat(init.host_proc, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail("open /proc", name);
	return close_keeping_errno(fd, write(fd, text, length) == (ssize_t)length ? 0 : fail("write /proc", name));
}

/* The clocks of a time namespace are set before anybody is in it: it is made for children, then the child is made. */
static int prepare_time(const struct op_clone *op)
{
	if (!((uint64_t)op->flags.number & CLONE_NEWTIME))
		return 0;
	if (syscall(SYS_unshare, CLONE_NEWTIME))
		return fail("unshare", "time namespace");
	return op->time_offsets.length ? write_file("self/timens_offsets", op->time_offsets.text, op->time_offsets.length) : 0;
}

/* As fork(2): the pid, or 0 in the container process. Unless there is a monitor, it becomes the caller's child, not ours. */
pid_t clone_container(const struct op_clone *op, int *pidfd)
{
	bool monitor = (init.plan.header->flags & LAUNCH_MONITOR) != 0;
	struct clone_args args = {.flags = ((uint64_t)op->flags.number & ~(uint64_t)CLONE_NEWTIME) | CLONE_PIDFD};
	args.pidfd = (uintptr_t)pidfd;
	if (monitor)
		args.exit_signal = SIGCHLD;
	else
		args.flags |= CLONE_PARENT;
	if (op->cgroup.number >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)slot_fd(op->cgroup.number);
	}
	if (prepare_time(op))
		return -1;
	pid_t pid = k_clone3(&args);
	if (pid < 0)
		fail("clone3", "");
	return pid;
}

static int write_map(char *name, size_t base, const char *file, const char *text, size_t length)
{
	strcpy(name + base, file);
	return length ? write_file(name, text, length) : 0;
}

int write_maps(const struct op_clone *op, pid_t pid)
{
	char name[64], digits[16], *digit = digits + sizeof digits - 1;
	*digit = 0;
	for (; pid; pid /= 10)
		*--digit = (char)('0' + pid % 10);
	strcpy(name, digit);
	size_t base = strlen(name);
	if (op->deny_setgroups.number && write_map(name, base, "/setgroups", "deny", 4))
		return -1;
	if (write_map(name, base, "/gid_map", op->gid_map.text, op->gid_map.length))
		return -1;
	return write_map(name, base, "/uid_map", op->uid_map.text, op->uid_map.length);
}

int do_unshare(const struct op_unshare *op)
{
	return syscall(SYS_unshare, (int)op->flags.number) ? fail("unshare", "") : 0;
}
