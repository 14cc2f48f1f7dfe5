/* SPDX-License-Identifier: BSD-3-Clause */
/* Exit code 0 when standard input is one JSON value and nothing else. */
#include <jansson.h>

int main(void)
{
	json_error_t error;
	json_t *value = json_loadf(stdin, JSON_DECODE_ANY, &error);

	if (!value)
		fprintf(stderr, "line %d: %s\n", error.line, error.text);
	return value ? 0 : 1;
}
