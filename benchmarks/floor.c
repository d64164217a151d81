/*
 * The floor: what the kernel alone takes for a container. One clone with the same namespaces, the same mounts and device nodes,
 * pivot_root, exec and wait, in straight C, with no cgroup, no seccomp, no capabilities, no masked paths and no state kept.
 *
 *     floor ROOTFS [HIERARCHY...]
 *
 * For each line that it reads it makes one container that runs /true, and writes the nanoseconds that it took. HIERARCHY are the
 * mount options of the cgroup hierarchies of version 1 ("memory", "none,name=systemd"); without any, cgroup2 is mounted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(long result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
		_exit(1);
	}
}

static void mounted(const char *type, const char *target, unsigned long flags, const char *data)
{
	check(mount(type, target, type, flags, data), target);
}

static void mount_cgroups(char **hierarchies)
{
	char target[64];

	if (!*hierarchies) {
		mounted("cgroup2", "sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
		return;
	}
	mounted("tmpfs", "sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755");
	for (int i = 0; hierarchies[i]; i++) {
		snprintf(target, sizeof target, "sys/fs/cgroup/%d", i);
		check(mkdir(target, 0755), target);
		mounted("cgroup", target, MS_NOSUID | MS_NODEV | MS_NOEXEC, hierarchies[i]);
	}
}

static void make_devices(void)
{
	static const struct {
		const char *path;
		unsigned int major, minor;
	} nodes[] = {
		{ "dev/null", 1, 3 }, { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
	};

	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
		check(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].path);
}

static _Noreturn void container(const char *rootfs, char **hierarchies)
{
	static char *const argv[] = { "/true", NULL }, *const envp[] = { NULL };
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	check(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL), "propagation");
	check(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL), rootfs);
	check(chdir(rootfs), rootfs);
	mounted("proc", "proc", safe, NULL);
	mounted("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
	check(mkdir("dev/pts", 0755) | mkdir("dev/shm", 0755) | mkdir("dev/mqueue", 0755), "dev");
	mounted("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
	mounted("tmpfs", "dev/shm", safe, "mode=1777,size=65536k");
	mounted("mqueue", "dev/mqueue", safe, NULL);
	mounted("sysfs", "sys", safe | MS_RDONLY, NULL);
	mount_cgroups(hierarchies);
	make_devices();
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "/");
	execve(argv[0], argv, envp);
	check(-1, "execve");
	_exit(1);
}

static void once(const char *rootfs, char **hierarchies)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &args, sizeof args);
	int status;

	check(pid, "clone3");
	if (pid == 0)
		container(rootfs, hierarchies);
	check(waitpid((pid_t)pid, &status, 0), "waitpid");
	if (status)
		exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(int argc, char **argv)
{
	char line[16];

	if (argc < 2)
		return 2;
	while (fgets(line, sizeof line, stdin)) {
		int64_t start = now();

		once(argv[1], argv + 2);
		printf("%lld\n", (long long)(now() - start));
		fflush(stdout);
	}
	return 0;
}
