/* What the files of pyrunc-init share. There is one thread, one plan and one container process: the state is global. */
#ifndef PYRUNC_INIT_H
#define PYRUNC_INIT_H

#include "plan.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Descriptors are -1 until they are open. */
struct init {
	struct plan plan;
	uint32_t index; /* of the operation that is being executed */
	int sync;      /* messages to the caller; where WaitStart is past, the `started` fifo */
	int channel;   /* between monitor and container process: "maps are written", the console */
	int directory; /* of the state, for the monitor */
	int hold[3];
	int slots;         /* number of the first */
	int root;          /* the container's root mount */
	int root_pieces;   /* last mount of MountAt, in case it is the root */
	int proc;          /* private procfs, never attached */
	int host_proc;     /* the host's, opened before anything was joined or pivoted */
	int null_tree;     /* clone of the host's /dev/null */
	int empty_tree;    /* empty read-only tmpfs */
	bool late_join;    /* the container process runs the SetNs operations, not the parent */
	bool joined;       /* there may be others in our namespaces */
	bool umask_set;
	bool waited;       /* past WaitStart */
	const char *root_source;
	char *title; /* argv[0], to be overwritten */
	char executable[PATH_MAX];
};

extern struct init init;

/* messages.c: an operation fails with `return fail("fsopen", name)`: -1, errno kept, and what was tried kept for the report. */
int fail(const char *what, const char *subject);
int fail_as(int error, const char *what, const char *subject);
void set_detail(const char *text, size_t length);
int send_message(enum message_kind kind, uint32_t index, int64_t value);
int send_with_fds(int socket, const void *data, size_t size, const int *fds, size_t count);
int receive_fd(int socket, void *data, size_t size, int *fd);
void report_failure(uint32_t index);
int read_answer(int fd);
void set_title(const char word[static 7]);

/* descriptors.c */
static inline int slot_fd(int64_t slot)
{
	return slot < 0 ? -1 : init.slots + (int)slot;
}
void close_fd(int *fd);
int close_keeping_errno(int fd, int result);

/* The pointers of a TEXTS field, NULL at the end, in static memory. */
char **text_vector(const struct field *texts);

/* paths.c */
int open_in_root(const char *path, uint64_t flags, uint64_t resolve);
int open_target_directory(const char *path, bool create);
int open_target_like(const char *path, mode_t type);
int open_target_parent(const char *path, const char **name);
int root_handle(void);

/* mounts.c */
int make_mount(const char *fstype, const char *device, const struct field *parameters, uint64_t attributes);
int attach(int tree, int target, const char *path);
int clone_tree(int fd, bool recursive);
int set_mount_attributes(int fd, uint64_t set, uint64_t clear, bool recursive);
int set_mount_propagation(int fd, uint64_t propagation);
int prepare_masks(void);

/* copyup.c */
int copy_directory(int from, int to);

/* namespaces.c */
int parent_joins(void);
int late_joins(void);
pid_t clone_container(const struct op_clone *op, int *pidfd);
int write_maps(const struct op_clone *op, pid_t pid);

/* container.c */
_Noreturn void container_main(void);

/* monitor.c */
int monitor_prepare(void);
void monitor_forget(void);
_Noreturn void monitor_main(pid_t pid, int pidfd);

#define OP(number, Class, name, fields) int do_##name(const struct op_##name *op);
#include "ops.def"
#undef OP

#endif
