/* Targets inside the container's root. Every lookup is openat2(RESOLVE_IN_ROOT) from the root handle: a symlink of the image can
 * point wherever it likes and still ends inside; magic links (/proc/self/fd/N) are never followed. Each path is looked up once; what
 * is made is made below the descriptor that the lookup gave. */
#include "init.h"
#include "syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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

/* The directory `path`: as far as it exists by the kernel's own lookup, the rest made step by step. `path` is scratch. */
static int make_directories(char *path)
{
	int fd, saved;
	char *name;
	fd = open_in_root(*path ? path : "/", O_PATH | O_DIRECTORY, 0);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	name = last_component(path);
	if (!name)
		return -1;
	char component[NAME_MAX + 1];
	if (strlen(name) > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(component, name);
	*name = 0;
	int parent = make_directories(path);
	if (parent < 0)
		return -1;
	fd = step(parent, component);
	saved = errno;
	close(parent);
	errno = saved;
	return fd;
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
	return copy_path(copy, path) ? -1 : make_directories(copy);
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
	return make_directories(copy);
}

/* What is at `path`, or a new empty directory or file there, whichever `type` (S_IFDIR or not) asks for. */
int open_target_like(const char *path, mode_t type)
{
	const char *name;
	int fd = open_in_root(path, O_PATH, 0), saved;
	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (S_ISDIR(type))
		return open_target_directory(path, true);
	int parent = open_target_parent(path, &name);
	if (parent < 0)
		return -1;
	fd = openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	saved = errno;
	close(parent);
	errno = saved;
	return fd;
}
