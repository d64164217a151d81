/* The little of a C library that pyrunc-init uses, under the names of its headers. x86-64 and AArch64; on other machines, and under
 * the sanitizers, the same sources are linked with the system's own libc.
 *
 * Why: a static glibc is 700 KB whose start-up touches thirty pages and takes longer than many a container's whole set-up. This
 * touches three. There is no stdio, no locale, no thread, no allocation here to be started in the first place. */
#include "syscalls.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

int main(int argc, char **argv);

/* -- starting ---------------------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n\thlt\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tbl start\n");
#else
#error "build.py links the system's libc on this machine"
#endif

/* What -fstack-protector-strong compares; the kernel hands 16 random bytes to each program. */
uintptr_t __stack_chk_guard = 0x595eb3a7;

_Noreturn void __stack_chk_fail(void)
{
	__builtin_trap();
}

__attribute__((used, no_stack_protector)) _Noreturn void start(uintptr_t *stack)
{
	char **argv = (char **)(stack + 1);
	uintptr_t *auxiliary = stack + 1 + stack[0] + 1;
	while (*auxiliary++) /* the environment */
		;
	for (; auxiliary[0]; auxiliary += 2)
		if (auxiliary[0] == 25) /* AT_RANDOM */
			__stack_chk_guard = *(const uintptr_t *)auxiliary[1];
	_exit(main((int)stack[0], argv));
}

/* -- system calls ------------------------------------------------------------------------------------------------------------ */

static int last_error;

int *__errno_location(void)
{
	return &last_error;
}

static long call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
#else
	register long number_ __asm__("x8") = number;
	register long result __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0"
			 : "+r"(result)
			 : "r"(number_), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
#endif
	if (result < 0 && result > -4096) {
		last_error = (int)-result;
		return -1;
	}
	return result;
}

long syscall(long number, ...)
{
	long a[6];
	va_list list;
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#define L(x) ((long)(x))
#define CALL(name, a, b, c, d, e) call(SYS_##name, L(a), L(b), L(c), L(d), L(e), 0)
/* One line each: the wrapper and the call are the same but for the types. */
#define WRAP1(type, name, A) type name(A a) { return (type)CALL(name, a, 0, 0, 0, 0); }
#define WRAP2(type, name, A, B) type name(A a, B b) { return (type)CALL(name, a, b, 0, 0, 0); }
#define WRAP3(type, name, A, B, C) type name(A a, B b, C c) { return (type)CALL(name, a, b, c, 0, 0); }
#define WRAP4(type, name, A, B, C, D) type name(A a, B b, C c, D d) { return (type)CALL(name, a, b, c, d, 0); }
#define WRAP5(type, name, A, B, C, D, E) type name(A a, B b, C c, D d, E e) { return (type)CALL(name, a, b, c, d, e); }

WRAP1(int, chdir, const char *)
WRAP1(int, chroot, const char *)
WRAP1(int, close, int)
WRAP1(int, fchdir, int)
WRAP1(mode_t, umask, mode_t)
WRAP2(int, fchmod, int, mode_t)
WRAP2(int, fstat, int, struct stat *)
WRAP2(int, fstatfs, int, struct statfs *)
WRAP2(int, kill, pid_t, int)
WRAP2(int, listen, int, int)
WRAP2(int, munmap, void *, size_t)
WRAP2(int, setdomainname, const char *, size_t)
WRAP2(int, sethostname, const char *, size_t)
WRAP3(int, bind, int, const struct sockaddr *, socklen_t)
WRAP3(int, dup3, int, int, int)
WRAP3(int, execve, const char *, char *const *, char *const *)
WRAP3(int, fchown, int, uid_t, gid_t)
WRAP3(int, madvise, void *, size_t, int)
WRAP3(int, mkdirat, int, const char *, mode_t)
WRAP3(int, socket, int, int, int)
WRAP3(int, symlinkat, const char *, int, const char *)
WRAP3(int, unlinkat, int, const char *, int)
WRAP3(off_t, lseek, int, off_t, int)
WRAP3(ssize_t, read, int, void *, size_t)
WRAP3(ssize_t, recvmsg, int, struct msghdr *, int)
WRAP3(ssize_t, sendmsg, int, const struct msghdr *, int)
WRAP3(ssize_t, write, int, const void *, size_t)
WRAP4(int, accept4, int, struct sockaddr *, socklen_t *, int)
WRAP4(int, mknodat, int, const char *, mode_t, dev_t)
WRAP4(int, renameat, int, const char *, int, const char *)
WRAP4(ssize_t, readlinkat, int, const char *, char *, size_t)
WRAP4(ssize_t, sendfile, int, int, off_t *, size_t)
WRAP5(int, fchownat, int, const char *, uid_t, gid_t, int)
WRAP5(int, getsockopt, int, int, int, void *, socklen_t *)

/* Those that have no arguments, or are something else to the kernel. */

uid_t geteuid(void)
{
	return (uid_t)CALL(geteuid, 0, 0, 0, 0, 0);
}

pid_t setsid(void)
{
	return (pid_t)CALL(setsid, 0, 0, 0, 0, 0);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	return (int)CALL(clock_gettime, clock, now, 0, 0, 0);
}

int dup2(int from, int to)
{
	return from == to ? to : dup3(from, to, 0);
}

int fstatat(int directory, const char *path, struct stat *result, int flags)
{
	return (int)CALL(newfstatat, directory, path, result, flags, 0);
}

int pipe2(int ends[2], int flags)
{
	return (int)CALL(pipe2, ends, flags, 0, 0, 0);
}

int socketpair(int domain, int type, int protocol, int ends[2])
{
	return (int)CALL(socketpair, domain, type, protocol, ends, 0);
}

int stat(const char *path, struct stat *result)
{
	return fstatat(AT_FDCWD, path, result, 0);
}

int futimens(int fd, const struct timespec times[2])
{
	return (int)CALL(utimensat, fd, NULL, times, 0, 0);
}

/* What the macro makedev of glibc calls. */
dev_t gnu_dev_makedev(unsigned int major, unsigned int minor)
{
	uint64_t high = major, low = minor;
	return (dev_t)((high & 0xfffU) << 8 | (low & 0xffU) | (low & 0xffffff00U) << 12 | (high & 0xfffff000U) << 32);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	return (void *)call(SYS_mmap, L(address), L(size), protection, flags, fd, offset);
}

int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec left = timeout ? *timeout : (struct timespec){0}; /* the kernel writes to it */
	return (int)CALL(ppoll, polled, count, timeout ? &left : NULL, mask, 8);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
	return call(SYS_recvfrom, fd, L(data), L(size), flags, 0, 0);
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
	return (int)CALL(signalfd4, fd, mask, 8, flags, 0);
}

pid_t waitpid(pid_t pid, int *status, int flags)
{
	return (pid_t)CALL(wait4, pid, status, flags, 0, 0);
}

_Noreturn void _exit(int status)
{
	for (;;)
		CALL(exit_group, status, 0, 0, 0, 0);
}

/* Variadic in the headers. */
#define LAST_ARGUMENT(type, after, name)              \
	va_list list;                                 \
	va_start(list, after);                        \
	type name = va_arg(list, type);               \
	va_end(list);

int open(const char *path, int flags, ...)
{
	LAST_ARGUMENT(mode_t, flags, mode)
	return (int)CALL(openat, AT_FDCWD, path, flags, mode, 0);
}

int openat(int directory, const char *path, int flags, ...)
{
	LAST_ARGUMENT(mode_t, flags, mode)
	return (int)CALL(openat, directory, path, flags, mode, 0);
}

int fcntl(int fd, int command, ...)
{
	LAST_ARGUMENT(long, command, argument)
	return (int)CALL(fcntl, fd, command, argument, 0, 0);
}

int ioctl(int fd, unsigned long request, ...)
{
	LAST_ARGUMENT(long, request, argument)
	return (int)CALL(ioctl, fd, request, argument, 0, 0);
}

int prctl(int option, ...)
{
	unsigned long a[4];
	va_list list;
	va_start(list, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	return (int)CALL(prctl, option, a[0], a[1], a[2], a[3]);
}

/* -- memory and text --------------------------------------------------------------------------------------------------------- */

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *memory, int value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)memory)[i] = (unsigned char)value;
	return memory;
}

int memcmp(const void *one, const void *two, size_t size)
{
	const unsigned char *a = one, *b = two;
	for (; size; size--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

void *memchr(const void *memory, int value, size_t size)
{
	const unsigned char *at = memory;
	for (; size; size--, at++)
		if (*at == (unsigned char)value)
			return (void *)(uintptr_t)at;
	return NULL;
}

size_t strlen(const char *text)
{
	size_t length = 0;
	while (text[length])
		length++;
	return length;
}

char *strcpy(char *restrict to, const char *restrict from)
{
	return memcpy(to, from, strlen(from) + 1);
}

int strncmp(const char *a, const char *b, size_t size)
{
	for (; size; size--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *text, int wanted)
{
	return memchr(text, wanted, strlen(text) + 1);
}

char *strrchr(const char *text, int wanted)
{
	for (size_t i = strlen(text) + 1; i--;)
		if (text[i] == (char)wanted)
			return (char *)(uintptr_t)text + i;
	return NULL;
}

size_t strcspn(const char *text, const char *reject)
{
	size_t length = 0;
	while (text[length] && !strchr(reject, text[length]))
		length++;
	return length;
}

char *strstr(const char *text, const char *wanted)
{
	size_t length = strlen(wanted);
	for (; *text; text++)
		if (strncmp(text, wanted, length) == 0)
			return (char *)(uintptr_t)text;
	return NULL;
}

int atoi(const char *text)
{
	int number = 0;
	while (*text >= '0' && *text <= '9')
		number = number * 10 + (*text++ - '0');
	return number;
}
