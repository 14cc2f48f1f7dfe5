/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a partition process tells of its guest: messages of a byte of type (even: a vCPU), two of
 * size, and so many bytes. What is taken can be made into text and JSON.
 */
#include "supervisor/inspection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char cmdline[] = "console=ttyS1 earlycon=ttyAMA0 console=hvc9";
static const struct plan_partition plan = {.arch = PLAN_ARCH_X86_64,
	.cmdline = cmdline,
	.cpus = {.vcpus = 3},
	.serial = {{.kind = PLAN_PORT_CONSOLE}, {.kind = PLAN_PORT_NULL}}};

/* One line, if it is to be one, of text that may be shown. */
static void check_text(
	void (*print)(const struct inspection *in, FILE *f), const struct inspection *in, bool line)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	json_t *o;

	assert(f);
	print(in, f);
	fclose(f);
	assert(strlen(text) == size && size < 65536);
	assert(!line || !strchr(text, '\n'));
	o = json_string(text); /* it is UTF-8 */
	assert(o);
	json_decref(o);
	for (size_t i = 0; i < size; i++)
		assert(text[i] == '\n' || (uint8_t)text[i] >= ' ');
	free(text);
}

static void check_json(const struct inspection *in)
{
	json_t *o = inspection_json(in);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	assert(text);
	free(text);
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inspection *in = inspection_create(&plan);

	assert(in);
	while (size > 3) {
		size_t n = data[1] | data[2] << 8;
		/* A message of its own, so that a byte beyond it is one too many. */
		uint8_t *message;

		if (n > size - 3)
			n = size - 3;
		message = malloc(n ? n : 1);
		assert(message);
		memcpy(message, data + 3, n);
		if (data[0] & 1)
			inspection_take_rest(in, message, n);
		else
			inspection_take_vcpu(in, message, n);
		free(message);
		data += 3 + n;
		size -= 3 + n;
	}
	if (in->complete) {
		check_text(inspection_summarise, in, true);
		check_text(inspection_print, in, false);
		check_json(in);
	}
	inspection_destroy(in);
	return 0;
}
