/* The end of a plan: the program is found, start is waited for, and the program takes over. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* As exec would decide, but now; with the effective credentials, which are the container user's. */
static int is_executable(const char *path)
{
	struct stat there;
	if (stat(path, &there))
		return -1;
	if (S_ISDIR(there.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	if (!S_ISREG(there.st_mode)) {
		errno = EACCES;
		return -1;
	}
	return (int)syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
}

static int try_in(const char *directory, size_t length, const char *name)
{
	size_t rest = strlen(name) + 1U;
	if (length == 0) { /* an empty entry of PATH is the working directory */
		directory = ".";
		length = 1;
	}
	if (length + 1U + rest > sizeof init.executable) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(init.executable, directory, length);
	init.executable[length] = '/';
	memcpy(init.executable + length + 1U, name, rest);
	return is_executable(init.executable);
}

int do_find_executable(const struct op_find_executable *op)
{
	const char *name = op->name.text;
	if (!*name || op->name.length >= sizeof init.executable)
		return fail_as(ENOENT, "", name);
	if (strchr(name, '/')) {
		strcpy(init.executable, name);
		return is_executable(name) ? fail("", name) : 0;
	}
	for (const char *at = op->search.text;; at++) {
		size_t length = strcspn(at, ":");
		if (try_in(at, length, name) == 0)
			return 0;
		at += length;
		if (!*at)
			break;
	}
	/* runc calls whatever is not executable in PATH not found; so do its clients. */
	return fail_as(ENOENT, "", name);
}

int do_sync(const struct op_sync *op)
{
	if (send_message(MESSAGE_SYNC, init.index, 0))
		return fail("report", "");
	return read_answer(init.sync) ? fail("the caller refused", op->point.text) : 0;
}

/* From here on the caller is not needed: whoever opens the fifo starts the container, hours later perhaps. Errors go to the other
 * fifo, whose end in this process closes itself on exec: its EOF is success. */
int do_wait_start(const struct op_wait_start *op)
{
	char byte;
	ssize_t got;
	int gate = slot_fd(op->gate.number);
	if (gate < 0 || op->report.number < 0)
		return fail_as(EBADF, "gate and report", "");
	set_title("created");
	if (send_message(MESSAGE_READY, NO_OPERATION, 0))
		return fail("report", "");
	close_fd(&init.sync);
	init.sync = slot_fd(op->report.number);
	init.waited = true;
	do
		got = read(gate, &byte, 1);
	while (got < 0 && errno == EINTR);
	close(gate);
	return got == 1 ? 0 : fail_as(ECANCELED, "the start fifo was closed", "");
}

int do_exec_ve(const struct op_exec_ve *op)
{
	char **argv = text_vector(&op->argv), **env = text_vector(&op->env);
	if (!argv || !env)
		return fail("argv and env", "");
	if (!init.umask_set)
		umask(022); /* the peers' default; so far it was 0, for exact modes of what was made */
	if (!init.waited && send_message(MESSAGE_READY, NO_OPERATION, 0))
		return fail("report", "");
	execve(init.executable, argv, env);
	return fail("execve", init.executable);
}
