/* Checking and decoding plans. No system call, no allocation, nothing outside the given bytes: it is fuzzed on its own. */
#include "plan.h"

#include <string.h>

static const struct op_shape shapes[] = {
#define BITS(name) "i"
#define UINT(name) "u"
#define FLAG(name) "b"
#define SLOT(name) "d"
#define SLOTS(name) "D"
#define NUMBERS(name) "N"
#define TEXT(name) "s"
#define TEXTS(name) "S"
#define BYTES(name) "y"
#define OP(number, Class, name, fields) {number, #Class, "" fields, NULL},
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
};

#define SHAPES (sizeof shapes / sizeof *shapes)

static const char *const field_names[SHAPES] = {
#define BITS(name) #name ","
#define UINT BITS
#define FLAG BITS
#define SLOT BITS
#define SLOTS BITS
#define NUMBERS BITS
#define TEXT BITS
#define TEXTS BITS
#define BYTES BITS
#define OP(number, Class, name, fields) "" fields,
#include "ops.def"
#undef OP
};

const struct op_shape *plan_shape(size_t i)
{
	static struct op_shape row;
	if (i >= SHAPES)
		return NULL;
	row = shapes[i];
	row.fields = field_names[i];
	return &row;
}

static const char *kinds_of(uint16_t code)
{
	for (size_t i = 0; i < SHAPES; i++)
		if (shapes[i].code == code)
			return shapes[i].kinds;
	return NULL;
}

/* What is left to decode; all arithmetic is on `left`, which never wraps because it is compared before it shrinks. */
struct reader {
	const char *at;
	size_t left;
	uint32_t slots;
	uint64_t texts;
};

static const char *take(struct reader *in, uint64_t size)
{
	const char *start = in->at;
	if (size > in->left)
		return NULL;
	in->at += size;
	in->left -= (size_t)size;
	return start;
}

static const char *take_padded(struct reader *in, uint64_t size)
{
	if (size > UINT32_MAX)
		return NULL;
	return take(in, (size + 7U) & ~(uint64_t)7U);
}

static int take_number(struct reader *in, int64_t *number)
{
	const char *start = take(in, sizeof *number);
	if (!start)
		return -1;
	memcpy(number, start, sizeof *number);
	return 0;
}

static int is_slot(const struct reader *in, int64_t number)
{
	return number >= -1 && number < (int64_t)in->slots;
}

static const char *read_number(struct reader *in, char kind, struct field *out)
{
	out->length = 0;
	if (take_number(in, &out->number))
		return "a number is cut short";
	if (kind == 'u' && (out->number < 0 || out->number > UINT32_MAX))
		return "a number is out of range";
	if (kind == 'b' && out->number != 0 && out->number != 1)
		return "a flag is neither 0 nor 1";
	if (kind == 'd' && !is_slot(in, out->number))
		return "a slot that was not handed over";
	return NULL;
}

static const char *read_numbers(struct reader *in, char kind, struct field *out)
{
	int64_t count;
	if (take_number(in, &count) || count < 0 || (uint64_t)count > in->left / sizeof count)
		return "a list of numbers is cut short";
	out->length = (uint64_t)count;
	out->numbers = (const int64_t *)(const void *)take(in, (uint64_t)count * sizeof count);
	if (!out->numbers)
		return "a list of numbers is cut short";
	for (uint64_t i = 0; i < out->length; i++) {
		if (kind == 'D' && (out->numbers[i] < 0 || !is_slot(in, out->numbers[i])))
			return "a slot that was not handed over";
		if (kind == 'N' && (out->numbers[i] < 0 || out->numbers[i] > UINT32_MAX))
			return "a number is out of range";
	}
	return NULL;
}

static const char *read_text(struct reader *in, char kind, struct field *out)
{
	int64_t length;
	int terminated = kind == 's';
	if (take_number(in, &length) || length < 0 || length > UINT32_MAX)
		return "a text is cut short";
	out->length = (uint64_t)length;
	out->text = take_padded(in, out->length + (terminated ? 1U : 0U));
	if (!out->text)
		return "a text is cut short";
	if (terminated && memchr(out->text, 0, out->length + 1) != out->text + out->length)
		return "a text does not end with its only NUL";
	return NULL;
}

static const char *read_texts(struct reader *in, struct field *out)
{
	int64_t count, size;
	uint64_t seen = 0;
	if (take_number(in, &count) || take_number(in, &size) || count < 0 || size < 0)
		return "a list of texts is cut short";
	out->length = (uint64_t)count;
	out->text = take_padded(in, (uint64_t)size);
	if (!out->text)
		return "a list of texts is cut short";
	for (int64_t i = 0; i < size; i++)
		seen += out->text[i] == 0;
	if (seen != out->length || (size > 0 && out->text[size - 1] != 0))
		return "a list of texts does not hold as many as it says";
	in->texts += seen;
	return in->texts > PLAN_MAX_TEXTS ? "too many texts" : NULL;
}

static const char *read_field(struct reader *in, char kind, struct field *out)
{
	switch (kind) {
	case 's':
	case 'y':
		return read_text(in, kind, out);
	case 'S':
		return read_texts(in, out);
	case 'N':
	case 'D':
		return read_numbers(in, kind, out);
	default:
		return read_number(in, kind, out);
	}
}

static const char *read_op(struct reader *in, const char *kinds, union op *op)
{
	for (size_t i = 0; kinds[i]; i++) {
		const char *reason = read_field(in, kinds[i], &op->fields[i]);
		if (reason)
			return reason;
	}
	return in->left ? "bytes after the last field" : NULL;
}

/* The order that the two roles rely on: SetNs..., Clone, anything else, ExecVe last. */
static const char *check_order(struct plan *plan, uint16_t code, uint32_t index)
{
	uint32_t last = plan->header->operations - 1U;
	int cloned = plan_has(plan, OP_clone);
	if (code == OP_clone) {
		if (cloned)
			return "a second Clone";
		plan->clone = index;
	} else if (code == OP_set_ns ? cloned : !cloned)
		return "on the wrong side of Clone";
	if ((code == OP_exec_ve) != (index == last))
		return "ExecVe is not the last operation";
	plan->present[code / 64U] |= (uint64_t)1 << (code % 64U);
	return NULL;
}

static const char *check_op(struct plan *plan, struct reader *all, uint32_t index)
{
	struct op_header header;
	union op op;
	const char *kinds, *reason, *start = take(all, sizeof header);
	if (!start)
		return "an operation is cut short";
	memcpy(&header, start, sizeof header);
	kinds = kinds_of(header.code);
	if (!kinds)
		return "unknown operation";
	if (header.fields != strlen(kinds))
		return "wrong number of fields";
	if (header.size < sizeof header || header.size % 8U)
		return "an operation has an odd size";
	struct reader in = {NULL, header.size - sizeof header, all->slots, all->texts};
	in.at = take(all, in.left);
	if (!in.at)
		return "an operation is cut short";
	reason = read_op(&in, kinds, &op);
	all->texts = in.texts;
	return reason ? reason : check_order(plan, header.code, index);
}

static const char *check_header(const struct plan_header *header, size_t size)
{
	if (size < sizeof *header || memcmp(header->magic, PLAN_MAGIC, sizeof header->magic) != 0)
		return "not a plan";
	if (header->version != PLAN_VERSION)
		return "a plan of another version";
	if (header->size != size)
		return "not as long as it says";
	if (header->operations < 2)
		return "no operations";
	if (header->slots > 4096 || header->preserve > 4096 || header->hold > 7 || (header->flags & ~(LAUNCH_MONITOR | LAUNCH_RESTORE)))
		return "unknown launch flags or too many descriptors";
	return NULL;
}

int plan_check(struct plan *plan, const void *data, size_t size, struct plan_error *error)
{
	struct reader all = {data, size, 0, 0};
	memset(plan, 0, sizeof *plan);
	plan->header = data;
	error->index = NO_OPERATION;
	error->reason = check_header(plan->header, size);
	if (error->reason)
		return -1;
	take(&all, sizeof *plan->header);
	plan->first = (const struct op_header *)(const void *)all.at;
	all.slots = plan->header->slots;
	for (uint32_t i = 0; i < plan->header->operations; i++) {
		error->index = i;
		error->reason = check_op(plan, &all, i);
		if (error->reason)
			return -1;
	}
	if (all.left) {
		error->reason = "bytes after the last operation";
		return -1;
	}
	return 0;
}

void plan_decode(const struct op_header *header, union op *op)
{
	struct reader in = {(const char *)(header + 1), header->size - sizeof *header, UINT32_MAX, 0};
	const char *kinds = kinds_of(header->code);
	if (kinds) /* a checked plan has no other operations */
		(void)read_op(&in, kinds, op);
}

const struct op_header *plan_next(const struct op_header *header)
{
	return (const struct op_header *)(const void *)((const char *)header + header->size);
}

int plan_has(const struct plan *plan, enum op_code code)
{
	return (plan->present[(unsigned)code / 64U] >> ((unsigned)code % 64U)) & 1U;
}
