/* Targets inside the container's root. Every lookup is openat2(RESOLVE_IN_ROOT) from the root handle: a symlink of the image can
 * point wherever it likes and still ends inside; magic links (/proc/self/fd/N) are never followed. Each path is looked up once; what
 * is made is made below the descriptor that the lookup gave. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_LINKS 40 /* as the kernel follows */

/* In joined namespaces there was no OpenRoot: "/" is the container's. */
int root_handle(void)
{
	if (init.root < 0)
		init.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return init.root;
}

int open_in_root(const char *path, uint64_t flags, uint64_t resolve)
{
	int fd;
	/* EAGAIN: somebody renamed or mounted while the kernel checked a "..": ask again, within reason. */
	for (int tries = 0; tries < 16; tries++) {
		fd = k_openat2(root_handle(), path, flags, 0, resolve | RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

/* Where the last component starts that is neither empty; NULL if there is none. Trailing slashes are cut off. */
static char *last_component(char *path)
{
	size_t length = strlen(path);
	while (length && path[length - 1] == '/')
		path[--length] = 0;
	if (!length)
		return NULL;
	char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* One directory, made if missing, never through a symlink. */
static int step(int parent, const char *name)
{
	if (mkdirat(parent, name, 0755) && errno != EEXIST)
		return -1;
	return k_openat2(parent, name, O_PATH | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* Where a link that leads nowhere wants to go, as a path from the root: `directory` is what the link lies in. Into `target`. */
static char *behind_link(int parent, const char *directory, size_t length, const char *name, char target[PATH_MAX])
{
	memcpy(target, directory, length);
	target[length++] = '/';
	ssize_t got = readlinkat(parent, name, target + length, PATH_MAX - length - 1U);
	if (got <= 0 || (size_t)got == PATH_MAX - length - 1U) {
		errno = got < 0 ? errno : ENAMETOOLONG;
		return NULL;
	}
	target[length + (size_t)got] = 0;
	return target[length] == '/' ? target + length : target;
}

static bool too_many(int links, size_t length)
{
	errno = links >= MOST_LINKS ? ELOOP : ENAMETOOLONG;
	return links >= MOST_LINKS || length + 2U >= PATH_MAX;
}

static int make_directories(char *path, int links);

/* An image may have links to what is only there at run time (/var/run, /etc/resolv.conf): what they name is made, as runc does. It is
 * looked up from the root like any other target, so it is inside, wherever the link points. */
static int make_behind_link(int parent, const char *directory, const char *name, int links)
{
	char target[PATH_MAX];
	size_t length = strlen(directory);
	char *next = too_many(links, length) ? NULL : behind_link(parent, directory, length, name, target);
	return next ? make_directories(next, links + 1) : -1;
}

static int make_last(int parent, char *path, char *name, const char component[NAME_MAX + 1], int links)
{
	if (strcmp(component, ".") == 0 || strcmp(component, "..") == 0) {
		*name = component[0];
		return open_in_root(path, O_PATH | O_DIRECTORY, 0);
	}
	int fd = step(parent, component);
	return fd < 0 && errno == ELOOP ? make_behind_link(parent, path, component, links) : fd;
}

/* The directory `path`: as far as it exists by the kernel's own lookup, the rest made step by step. `path` is scratch: afterwards it
 * is what it was, but for slashes at the end. */
static int make_directories(char *path, int links)
{
	char component[NAME_MAX + 1];
	int fd = open_in_root(*path ? path : "/", O_PATH | O_DIRECTORY, 0);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	char *name = last_component(path);
	if (!name)
		return -1;
	if (strlen(name) > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(component, name);
	*name = 0;
	int parent = make_directories(path, links);
	if (parent < 0)
		return -1;
	for (char *slash = path + strlen(path); slash < name; slash++)
		*slash = '/';
	fd = make_last(parent, path, name, component, links);
	*name = component[0];
	return close_keeping_errno(parent, fd);
}

static int copy_path(char copy[PATH_MAX], const char *path)
{
	if (strlen(path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(copy, path);
	return 0;
}

int open_target_directory(const char *path, bool create)
{
	char copy[PATH_MAX];
	int fd = open_in_root(path, O_PATH | O_DIRECTORY, 0);
	if (fd >= 0 || errno != ENOENT || !create)
		return fd;
	return copy_path(copy, path) ? -1 : make_directories(copy, 0);
}

/* The directory that holds `path`, made if missing, and the last component, which is not looked up. */
int open_target_parent(const char *path, const char **name)
{
	char copy[PATH_MAX];
	if (copy_path(copy, path))
		return -1;
	char *last = last_component(copy);
	if (!last || strcmp(last, "..") == 0 || strcmp(last, ".") == 0) {
		errno = EINVAL;
		return -1;
	}
	*name = path + (last - copy);
	*last = 0;
	return make_directories(copy, 0);
}

static int open_like(const char *path, mode_t type, int links);

/* A new empty file, or one where a link at `path` points that leads nowhere. */
static int make_file(const char *path, int links)
{
	const char *name;
	char target[PATH_MAX], *next;
	int parent = open_target_parent(path, &name);
	if (parent < 0)
		return -1;
	int fd = openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST) {
		size_t length = (size_t)(name - path);
		next = too_many(links, length) ? NULL : behind_link(parent, path, length, name, target);
		fd = next ? open_like(next, S_IFREG, links + 1) : -1;
	}
	return close_keeping_errno(parent, fd);
}

static int open_like(const char *path, mode_t type, int links)
{
	int fd = open_in_root(path, O_PATH, 0);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	return S_ISDIR(type) ? open_target_directory(path, true) : make_file(path, links);
}

/* What is at `path`, or a new empty directory or file there, whichever `type` (S_IFDIR or not) asks for. */
int open_target_like(const char *path, mode_t type)
{
	return open_like(path, type, 0);
}
