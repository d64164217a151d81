/* The container process: one operation after the other, until execve. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

int do_set_ns(const struct op_set_ns *op)
{
	(void)op; /* before Clone: namespaces.c */
	return fail_as(EINVAL, "not an operation of the container process", "");
}

int do_clone(const struct op_clone *op)
{
	(void)op; /* namespaces.c */
	return fail_as(EINVAL, "not an operation of the container process", "");
}

static int execute(uint16_t code, const union op *op)
{
	switch (code) {
#define OP(number, Class, name, fields) \
	case number:                    \
		return do_##name(&op->name);
#include "ops.def"
#undef OP
	default:
		return fail_as(EINVAL, "unknown operation", "");
	}
}

static _Noreturn void give_up(uint32_t index)
{
	report_failure(index);
	_exit(1);
}

/* Neither a namespace that was joined nor one that was made may reach into this process: its memory and descriptors are still partly
 * the host's. A process without a map could not have got its maps written by an unprivileged parent, had this come earlier. */
static void enter(void)
{
	if (init.channel >= 0 && read_answer(init.channel)) {
		fail("maps of the user namespace", "");
		give_up(init.plan.clone);
	}
	if (!(init.plan.header->flags & LAUNCH_MONITOR))
		close_fd(&init.channel); /* the parent goes now: the terminal is sent to the caller */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		give_up(init.plan.clone);
}

/* Nothing of the caller's signal mask is inherited; exact modes for all that is made. */
static void reset_mask(void)
{
	uint64_t none = 0;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
	umask(0);
}

_Noreturn void container_main(void)
{
	const struct op_header *at = init.plan.first;
	union op op;
	monitor_forget();
	enter();
	reset_mask();
	if (late_joins())
		give_up(init.index);
	for (uint32_t i = 0; i < init.plan.header->operations; i++, at = plan_next(at)) {
		if (i <= init.plan.clone)
			continue;
		init.index = i;
		set_detail("", 0);
		plan_decode(at, &op);
		if (execute(at->code, &op))
			give_up(i);
	}
	_exit(1);
}
