/* tmpcopyup: a new tmpfs first receives what the image holds at its mount point. Everything is reached from the two directories'
 * descriptors, one name at a time and never through a symlink. */
#include "init.h"
#include "syscalls.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define DEEPEST 128

struct entry { /* linux_dirent64 */
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

static int copy_tree(int from, int to, int depth);

static int set_owner(int fd, const struct stat *like)
{
	const struct timespec times[2] = {like->st_atim, like->st_mtim};
	return fchown(fd, like->st_uid, like->st_gid) || fchmod(fd, like->st_mode & 07777U) || futimens(fd, times);
}

static int copy_file(int from, int to, const char *name, const struct stat *like)
{
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return -1;
	int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return close_keeping_errno(in, -1);
	ssize_t sent;
	do
		sent = sendfile(out, in, NULL, 1U << 20);
	while (sent > 0);
	int result = sent < 0 || set_owner(out, like) ? -1 : 0;
	close_keeping_errno(in, 0);
	return close_keeping_errno(out, result);
}

static int copy_link(int from, int to, const char *name, const struct stat *like)
{
	char link[PATH_MAX];
	ssize_t length = readlinkat(from, name, link, sizeof link - 1);
	if (length < 0)
		return -1;
	link[length] = 0;
	return symlinkat(link, to, name) || fchownat(to, name, like->st_uid, like->st_gid, AT_SYMLINK_NOFOLLOW) ? -1 : 0;
}

static int copy_subdirectory(int from, int to, const char *name, const struct stat *like, int depth)
{
	int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return -1;
	int out = mkdirat(to, name, 0700) ? -1 : openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return close_keeping_errno(in, -1);
	int result = copy_tree(in, out, depth + 1) || set_owner(out, like) ? -1 : 0;
	close_keeping_errno(in, 0);
	return close_keeping_errno(out, result);
}

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat like;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (fstatat(from, name, &like, AT_SYMLINK_NOFOLLOW))
		return -1;
	switch (like.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(from, to, name, &like);
	case S_IFLNK:
		return copy_link(from, to, name, &like);
	case S_IFDIR:
		return copy_subdirectory(from, to, name, &like, depth);
	default:
		if (mknodat(to, name, like.st_mode, like.st_rdev))
			return -1;
		return fchownat(to, name, like.st_uid, like.st_gid, AT_SYMLINK_NOFOLLOW);
	}
}

static int copy_tree(int from, int to, int depth)
{
	char buffer[4096] __attribute__((aligned(8)));
	long got;
	if (depth > DEEPEST) {
		errno = ELOOP;
		return -1;
	}
	while ((got = syscall(SYS_getdents64, from, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < got;) {
			const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
			if (copy_entry(from, to, entry->name, depth))
				return fail("copy up", entry->name);
			at += entry->length;
		}
	return got < 0 ? -1 : 0;
}

int copy_directory(int from, int to)
{
	struct stat like;
	int in = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int out = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = -1;
	if (in >= 0 && out >= 0 && fstat(in, &like) == 0)
		result = copy_tree(in, out, 0) || set_owner(out, &like) ? -1 : 0;
	close_keeping_errno(in, 0);
	return close_keeping_errno(out, result);
}
