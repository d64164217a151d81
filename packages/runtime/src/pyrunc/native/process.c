/* What the process is: session, names, limits, priorities, working directory. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define IOPRIO_WHO_PROCESS 1
#define CPU_LIMIT 8192U
#define NODE_LIMIT 1024U

int do_set_sid(const struct op_set_sid *op)
{
	(void)op;
	return setsid() < 0 ? fail("setsid", "") : 0;
}

int do_join_session_keyring(const struct op_join_session_keyring *op)
{
	/* What a new session keyring has, and search for its owner, without which the container could not use its own keys. */
	const unsigned long permissions = 0x3f1b0000;
	long keyring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, op->name.text, 0, 0, 0);
	if (keyring < 0)
		return errno == ENOSYS ? 0 : fail("join session keyring", op->name.text);
	/* A keyring of that name that is somebody else's keeps its own. */
	if (syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, permissions, 0, 0) && errno != EACCES)
		return fail("permissions of session keyring", op->name.text);
	return 0;
}

int do_set_hostname(const struct op_set_hostname *op)
{
	return sethostname(op->name.text, op->name.length) ? fail("sethostname", op->name.text) : 0;
}

int do_set_domainname(const struct op_set_domainname *op)
{
	return setdomainname(op->name.text, op->name.length) ? fail("setdomainname", op->name.text) : 0;
}

int do_loopback_up(const struct op_loopback_up *op)
{
	struct ifreq request = {.ifr_name = "lo"};
	(void)op;
	request.ifr_flags = IFF_UP;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket", "");
	return close_keeping_errno(fd, ioctl(fd, SIOCSIFFLAGS, &request) ? fail("bring up", "lo") : 0);
}

int do_set_rlimit(const struct op_set_rlimit *op)
{
	const struct rlimit64 limit = {(uint64_t)op->soft.number, (uint64_t)op->hard.number};
	if (syscall(SYS_prlimit64, 0, op->resource.number, &limit, NULL))
		return fail("prlimit", "");
	return 0;
}

int do_set_umask(const struct op_set_umask *op)
{
	umask((mode_t)op->mask.number);
	init.umask_set = true;
	return 0;
}

int do_set_personality(const struct op_set_personality *op)
{
	return syscall(SYS_personality, (unsigned long)op->persona.number) < 0 ? fail("personality", "") : 0;
}

int do_set_scheduler(const struct op_set_scheduler *op)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {sizeof attr,
		  (uint32_t)op->policy.number,
		  (uint64_t)op->flags.number,
		  (int32_t)op->nice.number,
		  (uint32_t)op->priority.number,
		  (uint64_t)op->runtime.number,
		  (uint64_t)op->deadline.number,
		  (uint64_t)op->period.number};
	return syscall(SYS_sched_setattr, 0, &attr, 0) ? fail("sched_setattr", "") : 0;
}

int do_set_io_priority(const struct op_set_io_priority *op)
{
	return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, (int)op->value.number) ? fail("ioprio_set", "") : 0;
}

int do_set_affinity(const struct op_set_affinity *op)
{
	unsigned long mask[CPU_LIMIT / (8 * sizeof(unsigned long))] = {0};
	const unsigned int bits = 8 * sizeof *mask;
	for (uint64_t i = 0; i < op->cpus.length; i++) {
		uint64_t cpu = (uint64_t)op->cpus.numbers[i];
		if (cpu >= CPU_LIMIT)
			return fail_as(EINVAL, "no such CPU", "");
		mask[cpu / bits] |= 1UL << (cpu % bits);
	}
	return syscall(SYS_sched_setaffinity, 0, sizeof mask, mask) ? fail("sched_setaffinity", "") : 0;
}

int do_set_memory_policy(const struct op_set_memory_policy *op)
{
	unsigned long mask[NODE_LIMIT / (8 * sizeof(unsigned long))] = {0};
	const unsigned int bits = 8 * sizeof *mask;
	for (uint64_t i = 0; i < op->nodes.length; i++) {
		uint64_t node = (uint64_t)op->nodes.numbers[i];
		if (node >= NODE_LIMIT)
			return fail_as(EINVAL, "no such memory node", "");
		mask[node / bits] |= 1UL << (node % bits);
	}
	/* The kernel reads one bit less than it is told of. */
	unsigned long size = op->nodes.length ? NODE_LIMIT + 1UL : 0UL;
	return syscall(SYS_set_mempolicy, (int)op->mode.number, size ? mask : NULL, size) ? fail("set_mempolicy", "") : 0;
}

/* A working directory like /proc/self/fd/7 can be outside of the root, by a descriptor that was leaked: the kernel then says so with
 * "(unreachable)" in front (CVE-2024-21626). */
static int check_inside(const char *directory)
{
	char cwd[PATH_MAX];
	long length = syscall(SYS_getcwd, cwd, sizeof cwd);
	if (length < 0)
		return fail("getcwd", directory);
	return cwd[0] == '/' ? 0 : fail_as(EXDEV, "outside of the container's root:", directory);
}

int do_chdir(const struct op_chdir *op)
{
	if (op->create.number) {
		int fd = open_target_directory(op->directory.text, true);
		if (fd < 0)
			return fail("make", op->directory.text);
		close(fd);
	}
	if (chdir(op->directory.text))
		return fail("chdir", op->directory.text);
	return check_inside(op->directory.text);
}

/* A container that waits for start must hold nothing of the host, for those of its processes that may look into it: of the slots only
 * the gate and its report are needed from here on. */
static void close_slots(void)
{
	const struct op_header *at = init.plan.first;
	const int64_t count = (int64_t)init.plan.header->slots;
	int64_t gate = -1, report = -1;
	union op op;
	for (uint32_t i = 0; i < init.plan.header->operations; i++, at = plan_next(at))
		if (at->code == OP_wait_start) {
			plan_decode(at, &op);
			gate = op.wait_start.gate.number;
			report = op.wait_start.report.number;
		}
	for (int64_t slot = 0; slot < count; slot++)
		if (slot != gate && slot != report)
			close(slot_fd(slot));
}

/* Everything of ours is close-on-exec already; this also covers what a later change might forget. */
int do_close_fds(const struct op_close_fds *op)
{
	uint32_t keep = (uint32_t)op->keep.number;
	if (keep > init.plan.header->preserve)
		return fail_as(EINVAL, "more descriptors to keep than were handed over", "");
	if (k_close_range(3U + keep, ~0U, CLOSE_RANGE_CLOEXEC) && errno != EINVAL && errno != ENOSYS)
		return fail("close_range", "");
	close_slots();
	return 0;
}
