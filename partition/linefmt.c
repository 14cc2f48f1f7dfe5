/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/linefmt.h"

#include <stdio.h>
#include <string.h>

#define ESC          0x1B
#define RESET_COLOUR "\033[0m"

void linefmt_init(struct linefmt *f, const char *label, int colour)
{
	/* SGR foregrounds that can be read on dark and light grounds. */
	static const unsigned colours[] = {32, 36, 35, 33, 34, 31};

	memset(f, 0, sizeof(*f));
	if (colour < 0)
		snprintf(f->prefix, sizeof(f->prefix), "%.40s | ", label);
	else
		snprintf(f->prefix, sizeof(f->prefix), "\033[%um%.40s |" RESET_COLOUR " ",
			colours[(unsigned)colour % (sizeof(colours) / sizeof(colours[0]))], label);
}

void linefmt_restart(struct linefmt *f)
{
	f->column = 0;
}

static size_t put(struct linefmt *f, const uint8_t *bytes, size_t n, uint8_t *out)
{
	size_t at = 0;

	if (f->column == 0) {
		at = strlen(f->prefix);
		memcpy(out, f->prefix, at);
	}
	memcpy(out + at, bytes, n);
	f->column += (unsigned)n;
	return at + n;
}

static size_t put_newline(struct linefmt *f, uint8_t *out)
{
	static const uint8_t newline = '\n';
	size_t n = put(f, &newline, 1, out);

	f->column = 0;
	return n;
}

/*
 * Collects an escape sequence. CSI sequences end with a byte from 0x40 to 0x7E [ECMA-48 5.4]; those
 * that set colours (final m) pass, all others are swallowed, as are two-byte escapes.
 */
static size_t escape_byte(struct linefmt *f, uint8_t byte, uint8_t *out)
{
	bool csi = f->escape_size >= 2 && f->escape[1] == '[';
	size_t n = f->escape_size;

	if (n == sizeof(f->escape)) {
		f->escape_size = 0; /* no colour is that long */
		return 0;
	}
	f->escape[f->escape_size++] = byte;
	if (n == 1 && byte == '[')
		return 0;
	if (csi && byte >= 0x20 && byte < 0x40)
		return 0;
	f->escape_size = 0;
	if (csi && byte == 'm')
		return put(f, f->escape, n + 1, out);
	return 0;
}

size_t linefmt_byte(struct linefmt *f, uint8_t byte, uint8_t *out)
{
	bool skip_newline = f->skip_newline;

	f->skip_newline = false;
	if (f->escape_size)
		return escape_byte(f, byte, out);
	switch (byte) {
	case '\n':
		return skip_newline ? 0 : put_newline(f, out);
	case '\r':
		/* CR LF is one line end; a lone CR, which would overwrite the prefix, is one too.
		 */
		f->skip_newline = f->column || skip_newline;
		return f->column ? put_newline(f, out) : 0;
	case ESC:
		f->escape[0] = byte;
		f->escape_size = 1;
		return 0;
	case '\t':
		break;
	default:
		if (byte < 0x20 || byte == 0x7F)
			return 0;
	}
	if (f->column >= LINEFMT_LINE_MAX) {
		size_t n = put_newline(f, out);

		return n + put(f, &byte, 1, out + n);
	}
	return put(f, &byte, 1, out);
}
