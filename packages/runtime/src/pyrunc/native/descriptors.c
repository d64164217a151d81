/* Small things that every operation needs: closing without losing errno, and lists of texts as pointers. */
#include "init.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int close_keeping_errno(int fd, int result)
{
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

char **text_vector(const struct field *texts)
{
	/* Room for all texts of a plan and the ends of argv and env (hooks ask in a process of their own); pages that are not
	 * used cost nothing. */
	static char *pointers[PLAN_MAX_TEXTS + 2U];
	static size_t used;
	char **vector = pointers + used;
	const char *text = texts->text;
	if (used + texts->length + 1U > sizeof pointers / sizeof *pointers) {
		errno = E2BIG;
		return NULL;
	}
	for (uint64_t i = 0; i < texts->length; i++) {
		vector[i] = (char *)(uintptr_t)text;
		text += strlen(text) + 1U;
	}
	vector[texts->length] = NULL;
	used += texts->length + 1U;
	return vector;
}
