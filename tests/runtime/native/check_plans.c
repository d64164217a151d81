/* Runs the decoder over many inputs, for the sanitizers: a file of (u32 size, bytes) records; prints a line for each. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	uint32_t size;
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	if (!file)
		return 2;
	while (fread(&size, sizeof size, 1, file) == 1) {
		struct plan plan;
		struct plan_error error;
		/* Exactly as large as the input: one byte too far is found. */
		char *data = malloc(size ? size : 1);
		if (!data || fread(data, 1, size, file) != size)
			return 2;
		int result = plan_check(&plan, data, size, &error);
		if (result == 0) {
			const struct op_header *at = plan.first;
			union op op;
			for (uint32_t i = 0; i < plan.header->operations; i++, at = plan_next(at))
				plan_decode(at, &op);
		}
		printf("%d %s\n", result, result ? error.reason : "");
		free(data);
	}
	fclose(file);
	return 0;
}
