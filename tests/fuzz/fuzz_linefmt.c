/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's console output through the line formatter: whatever the guest writes, what comes out
 * has a prefix on every line and no control character but newline, tab and colours.
 */
#include "partition/linefmt.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Skips ESC [ digits and separators m; the output has no other escape. */
static size_t skip_colour(const uint8_t *out, size_t at, size_t n)
{
	assert(at + 1 < n && out[at + 1] == '[');
	at += 2;
	while (at < n && out[at] >= 0x20 && out[at] < 0x40)
		at++;
	assert(at < n && out[at] == 'm');
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct linefmt f;
	uint8_t out[LINEFMT_EXPANSION];
	unsigned run = 0;

	linefmt_init(&f, "partition", size & 1 ? 3 : -1);
	for (size_t i = 0; i < size; i++) {
		bool at_start = f.column == 0;
		size_t n = linefmt_byte(&f, data[i], out);

		assert(n <= sizeof(out));
		if (n && at_start)
			assert(n > strlen(f.prefix) && !memcmp(out, f.prefix, strlen(f.prefix)));
		for (size_t k = 0; k < n; k++, run++) {
			if (out[k] == '\n')
				run = 0;
			else if (out[k] == 0x1B)
				k = skip_colour(out, k, n);
			else
				assert((out[k] >= 0x20 && out[k] != 0x7F) || out[k] == '\t');
		}
		assert(run < LINEFMT_LINE_MAX + LINEFMT_EXPANSION);
	}
	return 0;
}
