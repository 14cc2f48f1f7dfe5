/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/text.h"

#include <stdbool.h>
#include <string.h>

/* Of the control and format characters [Unicode 15, 23.1 and 23.2], those that mislead readers. */
static bool is_unsafe(uint32_t c)
{
	return c < 0xA0 || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
	       (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

/* Bytes of the well-formed, safe character beyond ASCII at S [Unicode 15 table 3-7]; 0: none. */
static unsigned character(const uint8_t *s, size_t size)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned n = s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
	uint32_t c;

	if (!n || n > size)
		return 0;
	c = s[0] & (0x7Fu >> n);
	for (unsigned i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3F);
	}
	if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) || is_unsafe(c))
		return 0;
	return n;
}

void text_sanitise_line(const uint8_t *bytes, size_t size, char *ret_line)
{
	while (size && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r' || !bytes[size - 1]))
		size--;
	for (size_t i = 0; i < size;) {
		unsigned n =
			bytes[i] >= ' ' && bytes[i] < 0x7F ? 1 : character(bytes + i, size - i);

		if (n)
			memcpy(ret_line, bytes + i, n);
		else
			*ret_line = '?';
		n = n ?: 1;
		ret_line += n;
		i += n;
	}
	*ret_line = '\0';
}
