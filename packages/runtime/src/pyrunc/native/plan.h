/* The contract between the Python side (encode.py, launch.py, monitor.py) and pyrunc-init.
 *
 * PLAN. A sealed memfd holds a header and then the operations, all integers in the machine's own byte order, everything
 * aligned to 8 bytes:
 *
 *   plan_header | op_header field field ... | op_header field ... | ...
 *
 * The size in an op_header counts the header itself and all fields. A field is
 *   BITS, UINT, FLAG, SLOT     8 bytes
 *   TEXT                       u64 length, the bytes, one NUL, zeroes up to a multiple of 8
 *   BYTES                      u64 length, the bytes, zeroes up to a multiple of 8
 *   NUMBERS, SLOTS             u64 count, 8 bytes each
 *   TEXTS                      u64 count, u64 length of what follows, each text with its NUL, zeroes up to a multiple of 8
 * Nothing points anywhere, so the whole plan can be checked in one pass before the first operation runs, and is then used
 * where it lies: pyrunc-init allocates nothing.
 *
 * DESCRIPTORS. pyrunc-init starts with 0, 1, 2 the stdio of the container process; 3 and up the preserved descriptors, where
 * the program will find them; then, from the number given as argv[1]: the sync socket, the plan, [the state directory and
 * three held stdio ends, if LAUNCH_MONITOR], and the slots of the plan.
 *
 * MESSAGES. On the sync socket (SOCK_SEQPACKET) go struct message, cut after the detail, until it ends: end without
 * MESSAGE_READY or MESSAGE_ERROR is a death. MESSAGE_SYNC and MESSAGE_LISTENER are answered with one byte: 0 to go on.
 * The `started` fifo carries at most one struct message, an error.
 */
#ifndef PYRUNC_PLAN_H
#define PYRUNC_PLAN_H

#include <stddef.h>
#include <stdint.h>

#define PLAN_MAGIC "PYRUNC\r\n"
#define PLAN_VERSION 1U
#define PLAN_MAX_FIELDS 12U
#define PLAN_MAX_TEXTS 262144U /* of all TEXTS of a plan: what the pointers of argv and env have room for */

#define LAUNCH_MONITOR 1U
#define LAUNCH_RESTORE 2U /* with a monitor: the program makes another process, its sibling, that is the one to be watched */

struct plan_header {
	char magic[8];
	uint32_t version;
	uint32_t operations;
	uint64_t size; /* of all of it, this header included */
	uint32_t slots;
	uint32_t preserve;
	uint32_t flags;
	uint32_t hold; /* bit i: the held end of stdio i was handed over (else its place holds /dev/null) */
};

struct op_header {
	uint16_t code;
	uint16_t fields;
	uint32_t size;
};

/* One decoded field; length is of the text, or the count of texts or numbers. */
struct field {
	union {
		int64_t number;
		const char *text;
		const int64_t *numbers;
	};
	uint64_t length;
};

#define BITS(name) struct field name;
#define UINT(name) struct field name;
#define FLAG(name) struct field name;
#define SLOT(name) struct field name;
#define SLOTS(name) struct field name;
#define NUMBERS(name) struct field name;
#define TEXT(name) struct field name;
#define TEXTS(name) struct field name;
#define BYTES(name) struct field name;
#define OP(number, Class, name, fields) struct op_##name { fields };
#include "ops.def"
#undef OP
#undef BITS
#undef UINT
#undef FLAG
#undef SLOT
#undef SLOTS
#undef NUMBERS
#undef TEXT
#undef TEXTS
#undef BYTES

enum op_code {
#define OP(number, Class, name, fields) OP_##name = number,
#include "ops.def"
#undef OP
};

union op {
	struct field fields[PLAN_MAX_FIELDS];
#define OP(number, Class, name, fields) struct op_##name name;
#include "ops.def"
#undef OP
};

struct op_shape {
	uint16_t code;
	const char *name;
	const char *kinds;  /* a letter a field: i BITS, u UINT, b FLAG, d SLOT, D SLOTS, N NUMBERS, s TEXT, S TEXTS, y BYTES */
	const char *fields; /* names, a comma after each */
};

struct plan {
	const struct plan_header *header;
	const struct op_header *first;
	uint32_t clone; /* index of the Clone operation */
	uint64_t present[2];
};

/* Where and why a plan was refused. */
struct plan_error {
	uint32_t index;
	const char *reason;
};

/* Check all of a plan and fill *plan; 0, or -1 with *error filled. Reads nothing outside data[0..size). */
int plan_check(struct plan *plan, const void *data, size_t size, struct plan_error *error);
/* Decode the fields of one operation of a checked plan. */
void plan_decode(const struct op_header *header, union op *op);
const struct op_header *plan_next(const struct op_header *header);
int plan_has(const struct plan *plan, enum op_code code);
/* The i-th row of the table of operations, NULL past its end. */
const struct op_shape *plan_shape(size_t i);

enum message_kind {
	MESSAGE_ERROR = 1,    /* index, error, detail: the operation that failed, or NO_OPERATION */
	MESSAGE_PID = 2,      /* value: pid of the container process; its pidfd is attached */
	MESSAGE_READY = 3,    /* waiting for start, or about to execve */
	MESSAGE_SYNC = 4,     /* index: the Sync operation that waits */
	MESSAGE_CONSOLE = 5,  /* the pty's master is attached */
	MESSAGE_LISTENER = 6, /* value: number of the seccomp notify descriptor, to be fetched with pidfd_getfd(2) */
	MESSAGE_BORN = 7,     /* value: pid of the process that has taken the place of MESSAGE_PID's; its pidfd is attached */
};

#define NO_OPERATION UINT32_MAX
#define MESSAGE_DETAIL 232

struct message {
	uint32_t kind;
	uint32_t index;
	int32_t error; /* errno */
	int32_t reserved;
	int64_t value;
	char detail[MESSAGE_DETAIL];
};

/* MONITOR. `monitor.sock` in the state directory is SOCK_SEQPACKET; one byte asks, struct monitor_reply answers.
 *   I  now: pid, whether and how it ended; attached: the pidfd, then the held ends and the pty's master, as `descriptors` says
 *   C  close the held end of stdin
 *   W  answered when the process has ended
 *   R  release the monitor: it ends; EBUSY while the process lives
 * With LAUNCH_RESTORE the program writes the pid of the process that it has made to the file `restored`; when it has ended with 0, that one is
 * who is watched, and the answer to I.
 * The file `exit` there holds "<raw wait status> <CLOCK_REALTIME in ns>\n" from the moment the process ended. */
struct monitor_reply {
	int32_t error; /* errno */
	int32_t pid;
	int32_t exited;
	int32_t status; /* as wait(2) gives it */
	int64_t time;   /* CLOCK_REALTIME, ns */
	uint32_t descriptors; /* bits in order of attachment: 1 pidfd, 2 stdin, 4 stdout, 8 stderr, 16 console */
	uint32_t reserved;
};

#endif
