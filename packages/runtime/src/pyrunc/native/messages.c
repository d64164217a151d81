/* What pyrunc-init tells the caller: messages on the sync socket, descriptors, and the name that ps shows. */
#include "init.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char detail[MESSAGE_DETAIL];

void set_detail(const char *text, size_t length)
{
	if (length >= sizeof detail)
		length = sizeof detail - 1;
	memcpy(detail, text, length);
	detail[length] = 0;
}

static void append(const char *text)
{
	size_t used = strlen(detail), length = strlen(text);
	if (length > sizeof detail - 1 - used)
		length = sizeof detail - 1 - used;
	memcpy(detail + used, text, length);
	detail[used + length] = 0;
}

int fail(const char *what, const char *subject)
{
	set_detail(what, strlen(what));
	if (subject && *subject) {
		append(*what ? " " : "");
		append(subject);
	}
	return -1;
}

int fail_as(int error, const char *what, const char *subject)
{
	errno = error;
	return fail(what, subject);
}

/* write(2), not send(2): once a seccomp profile is loaded, no more than read and write may be counted on. A caller that is gone
 * then kills this process by SIGPIPE, which is as it should be: nobody would ever start it. */
static int write_message(enum message_kind kind, uint32_t index, int error, int64_t value)
{
	struct message message = {.kind = kind, .index = index, .error = error, .value = value};
	size_t length = offsetof(struct message, detail);
	if (kind == MESSAGE_ERROR) {
		memcpy(message.detail, detail, sizeof detail);
		length += strlen(detail);
	}
	return write(init.sync, &message, length) == (ssize_t)length ? 0 : -1;
}

int send_message(enum message_kind kind, uint32_t index, int64_t value)
{
	return write_message(kind, index, 0, value);
}

void report_failure(uint32_t index)
{
	(void)write_message(MESSAGE_ERROR, index, errno, 0);
}

int send_with_fds(int socket, const void *data, size_t size, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)data, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size ? 0 : -1;
}

/* One message and at most one descriptor; the number of bytes, 0 at the end. */
int receive_fd(int socket, void *data, size_t size, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {data, size};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	*fd = -1;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(header), sizeof *fd);
	return (int)got;
}

/* The answer to a question put by message: 0 to go on. */
int read_answer(int fd)
{
	unsigned char answer = 1;
	ssize_t got;
	do
		got = read(fd, &answer, 1);
	while (got < 0 && errno == EINTR);
	if (got == 1 && answer == 0)
		return 0;
	errno = got < 0 ? errno : ECANCELED;
	return -1;
}

/* argv[0] starts with "pyrunc-init: starter"; the word is replaced in place, so that ps tells the roles apart. */
void set_title(const char word[static 7])
{
	const size_t at = sizeof "pyrunc-init: " - 1;
	if (strlen(init.title) >= at + 7)
		memcpy(init.title + at, word, 7);
}
