/* pyrunc-init, the parent role: checks the plan, joins namespaces, makes the container process, and goes or stays as its monitor. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct init init = {
	.sync = -1,
	.channel = -1,
	.directory = -1,
	.hold = {-1, -1, -1},
	.root = -1,
	.root_pieces = -1,
	.proc = -1,
	.host_proc = -1,
	.null_tree = -1,
	.empty_tree = -1,
};

static _Noreturn void give_up(uint32_t index)
{
	report_failure(index);
	_exit(1);
}

/* The caller blocked all signals; what it ignored (Python: SIGPIPE) would stay ignored in the container. */
static void reset_dispositions(void)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} action = {0};
	for (int number = 1; number <= 64; number++)
		syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
}

static void map_plan(int fd)
{
	struct stat file;
	struct plan_error error;
	if (fstat(fd, &file))
		give_up(NO_OPERATION);
	void *data = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		give_up(NO_OPERATION);
	close(fd);
	if (plan_check(&init.plan, data, (size_t)file.st_size, &error)) {
		fail_as(EBADMSG, error.reason, "");
		give_up(error.index);
	}
}

/* The numbers are the contract of plan.h. */
static void place_descriptors(int base)
{
	const struct plan_header *header = init.plan.header;
	init.slots = base + 2;
	if (header->flags & LAUNCH_MONITOR) {
		init.directory = base + 2;
		for (int i = 0; i < 3; i++)
			init.hold[i] = base + 3 + i;
		init.slots = base + 6;
	}
	if (k_close_range((unsigned int)base, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	for (int fd = base; fd < init.slots + (int)header->slots; fd++) /* Linux 5.10 */
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void decode_clone(union op *op)
{
	const struct op_header *at = init.plan.first;
	for (uint32_t i = 0; i < init.plan.clone; i++)
		at = plan_next(at);
	plan_decode(at, op);
}

static bool has_maps(const struct op_clone *op)
{
	return op->uid_map.length || op->gid_map.length || op->deny_setgroups.number;
}

/* Opened before a namespace is joined, and only if something of it may be needed. */
static void open_host_proc(const struct op_clone *op)
{
	const struct plan *plan = &init.plan;
	if (has_maps(op) || op->time_offsets.length || plan_has(plan, OP_hook) || plan_has(plan, OP_write_proc) ||
	    plan_has(plan, OP_lsm_label))
		init.host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* A socket pair to the container process where there is something to tell it or to hear from it: init.channel, each its own end. The
 * container process waits on any channel for the word to go on (container.c, enter), also if there are no maps to wait for. */
static void open_channel(const struct op_clone *op, int *other)
{
	int pair[2];
	bool told = plan_has(&init.plan, OP_open_console) || plan_has(&init.plan, OP_be_born);
	*other = -1;
	if (!(init.directory >= 0 && told) && !has_maps(op))
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		fail("socketpair", "");
		give_up(init.plan.clone);
	}
	init.channel = pair[0];
	*other = pair[1];
}

static _Noreturn void abandon(pid_t pid)
{
	kill(pid, SIGKILL);
	give_up(init.plan.clone);
}

static void introduce(pid_t pid, int pidfd)
{
	const struct message message = {.kind = MESSAGE_PID, .index = NO_OPERATION, .value = pid};
	if (send_with_fds(init.sync, &message, offsetof(struct message, detail), &pidfd, 1)) {
		fail("report", "");
		abandon(pid);
	}
}

static _Noreturn void parent_main(const struct op_clone *op)
{
	int pidfd = -1, other;
	open_channel(op, &other);
	pid_t pid = clone_container(op, &pidfd);
	if (pid < 0)
		give_up(init.plan.clone);
	if (pid == 0) {
		close_fd(&init.channel);
		init.channel = other;
		container_main();
	}
	close_fd(&other);
	/* First of all: without a monitor the process is the caller's child, who has to know it to reap it, whatever fails from here on. */
	introduce(pid, pidfd);
	if (has_maps(op) && write_maps(op, pid))
		abandon(pid);
	if (init.channel >= 0)
		(void)send_with_fds(init.channel, "", 1, NULL, 0);
	if (init.directory >= 0)
		monitor_main(pid, pidfd);
	_exit(0);
}

int main(int argc, char **argv)
{
	union op clone;
	if (argc != 2)
		return 2; /* not started by the spawn of the extension */
	init.title = argv[0];
	init.sync = atoi(argv[1]);
	if (init.sync < 3)
		return 2;
	/* A container that is joined must not be able to look into this process. Where an unprivileged caller maps users, the files
	 * in /proc must stay its own until the maps are written; container_main closes that. */
	if (geteuid() == 0)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "pyrunc-init", 0, 0, 0);
	reset_dispositions();
	map_plan(init.sync + 1);
	place_descriptors(init.sync);
	decode_clone(&clone);
	open_host_proc(&clone.clone);
	if (init.directory >= 0 && monitor_prepare())
		give_up(init.plan.clone);
	init.late_join = ((uint64_t)clone.clone.flags.number) == 0;
	if (parent_joins())
		give_up(init.index);
	parent_main(&clone.clone);
}
