/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's console output through the line formatter: whatever the guest writes, what comes out
 * has a prefix on every line, no control character but newline, tab and plain colours, C1 controls
 * neither as bytes nor as characters, and no colour lasts beyond its line.
 */
#include "partition/linefmt.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	unsigned run; /* bytes since the last line end */
	bool coloured;
};

/* ESC [ digits and separators m; how many bytes. */
static size_t see_colour(struct seen *s, const uint8_t *out, size_t n)
{
	size_t at = 2;

	assert(n > 2 && out[1] == '[');
	s->coloured = false;
	for (; at < n && out[at] != 'm'; at++) {
		assert(out[at] >= '0' && out[at] <= ';');
		s->coloured |= out[at] != '0' && out[at] != ';';
	}
	assert(at < n);
	if (at + 1 == strlen(CONSOLE_RESET_COLOUR) && !memcmp(out, CONSOLE_RESET_COLOUR, at + 1))
		s->coloured = false;
	return at + 1;
}

/* A character of UTF-8, or a letter of an older code; how many bytes. */
static size_t see_letter(const uint8_t *out, size_t n)
{
	static const uint32_t least[] = {0, 0, 0xA0, 0x800, 0x10000};
	size_t length = out[0] < 0xC0 ? 1 : out[0] < 0xE0 ? 2 : out[0] < 0xF0 ? 3 : 4, i = 1;
	uint32_t code = out[0] & (0x7Fu >> length);

	for (; i < length && i < n && (out[i] & 0xC0) == 0x80; i++)
		code = code << 6 | (out[i] & 0x3F);
	if (i == length && length > 1 && code >= least[length])
		return length;
	assert(out[0] >= 0xA0);
	return 1;
}

static void see(struct seen *s, const uint8_t *out, size_t n)
{
	for (size_t at = 0, length; at < n; at += length, s->run += (unsigned)length) {
		length = 1;
		if (out[at] == '\n') {
			assert(!s->coloured);
			assert(s->run < LINEFMT_LINE_MAX + LINEFMT_EXPANSION);
			s->run = 0;
		} else if (out[at] == 0x1B) {
			length = see_colour(s, out + at, n - at);
		} else if (out[at] >= 0x80) {
			length = see_letter(out + at, n - at);
		} else {
			assert((out[at] >= 0x20 && out[at] != 0x7F) || out[at] == '\t');
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct linefmt f;
	struct seen seen = {0};
	uint8_t out[LINEFMT_EXPANSION];
	bool at_start = true;

	linefmt_init(&f, "partition", size & 1 ? 3 : -1);
	for (size_t i = 0; i <= size; i++) {
		size_t n = i < size ? linefmt_byte(&f, data[i], out) : linefmt_end(&f, out);

		assert(n <= sizeof(out));
		if (n && at_start)
			assert(n > strlen(f.prefix) && !memcmp(out, f.prefix, strlen(f.prefix)));
		for (size_t k = 0; k + 1 < n; k++)
			assert(out[k] != '\n' || !memcmp(out + k + 1, f.prefix, strlen(f.prefix)));
		if (n)
			at_start = out[n - 1] == '\n';
		see(&seen, out, n);
	}
	assert(at_start && !seen.coloured);
	return 0;
}
