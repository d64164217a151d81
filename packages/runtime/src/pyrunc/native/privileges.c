/* What the process may do: user, groups, capabilities, no_new_privs, seccomp. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#define MAX_GROUPS 65536U /* NGROUPS_MAX */

int do_become_root(const struct op_become_root *op)
{
	(void)op;
	/* The caller's groups would stay as unmapped extras; where setgroups is denied they must. */
	if (syscall(SYS_setgroups, 0, NULL) && errno != EPERM)
		return fail("setgroups", "");
	if (syscall(SYS_setresgid, 0, 0, 0) || syscall(SYS_setresuid, 0, 0, 0))
		return fail("become root of the user namespace", "");
	return 0;
}

int do_no_new_privileges(const struct op_no_new_privileges *op)
{
	(void)op;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? fail("prctl", "PR_SET_NO_NEW_PRIVS") : 0;
}

/* The notify descriptor can't be sent as one: sendmsg may be the very call the profile holds up. The caller fetches it by number,
 * out of this process, which waits for that. */
int do_load_seccomp(const struct op_load_seccomp *op)
{
	struct sock_fprog program = {.filter = (struct sock_filter *)(uintptr_t)op->program.text};
	unsigned int flags = (unsigned int)op->flags.number;
	uint64_t length = op->program.length / sizeof *program.filter;
	if (!length || length > BPF_MAXINSNS || op->program.length % sizeof *program.filter)
		return fail_as(EINVAL, "length of the seccomp program", "");
	program.len = (unsigned short)length;
	if (op->listener.number)
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (result < 0)
		return fail("seccomp", "");
	if (!op->listener.number)
		return 0;
	if (send_message(MESSAGE_LISTENER, NO_OPERATION, result) || read_answer(init.sync))
		return fail("hand over the seccomp listener", "");
	close((int)result);
	return 0;
}

int do_drop_bounding(const struct op_drop_bounding *op)
{
	uint64_t keep = (uint64_t)op->keep.number;
	for (unsigned long capability = 0; capability < 64; capability++) {
		if ((keep >> capability) & 1U)
			continue;
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)) {
			if (errno == EINVAL) /* the kernel knows no higher ones */
				return 0;
			return fail("prctl", "PR_CAPBSET_DROP");
		}
	}
	return 0;
}

int do_set_user(const struct op_set_user *op)
{
	static gid_t groups[MAX_GROUPS];
	long uid = (long)op->uid.number, gid = (long)op->gid.number;
	if (op->groups.length > MAX_GROUPS)
		return fail_as(EINVAL, "too many groups", "");
	for (uint64_t i = 0; i < op->groups.length; i++)
		groups[i] = (gid_t)op->groups.numbers[i];
	/* Else the change to another uid would empty the permitted set that SetCapabilities draws from. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return fail("prctl", "PR_SET_KEEPCAPS");
	/* A user namespace that was joined may deny it (user_namespaces(7)); to have no more groups needs none to be set. */
	if (op->set_groups.number && syscall(SYS_setgroups, op->groups.length, groups) &&
	    (errno != EPERM || op->groups.length || !plan_has(&init.plan, OP_become_root)))
		return fail("setgroups", "");
	if (syscall(SYS_setresgid, gid, gid, gid))
		return fail("setresgid", "");
	if (syscall(SYS_setresuid, uid, uid, uid))
		return fail("setresuid", "");
	/* A change of user makes a process that was not dumpable whatever fs.suid_dumpable says. */
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fail("prctl", "PR_SET_DUMPABLE");
	return 0;
}

static int raise_ambient(uint64_t ambient)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return fail("prctl", "PR_CAP_AMBIENT_CLEAR_ALL");
	for (unsigned long capability = 0; capability < 64; capability++)
		if ((ambient >> capability) & 1U && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))
			return fail("prctl", "PR_CAP_AMBIENT_RAISE");
	return 0;
}

int do_set_capabilities(const struct op_set_capabilities *op)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	for (unsigned int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)((uint64_t)op->effective.number >> (32U * i));
		data[i].permitted = (uint32_t)((uint64_t)op->permitted.number >> (32U * i));
		data[i].inheritable = (uint32_t)((uint64_t)op->inheritable.number >> (32U * i));
	}
	if (syscall(SYS_capset, &header, data))
		return fail("capset", "");
	return raise_ambient((uint64_t)op->ambient.number);
}
