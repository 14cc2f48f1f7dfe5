/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/linefmt.h"

#include <stdio.h>
#include <string.h>

#define BEL 0x07
#define ESC 0x1B
#define DEL 0x7F

/* 0x80 to 0x9F are the C1 controls [ECMA-48 5.3], as bytes and as Unicode's code points. */
#define C1_END 0xA0

void linefmt_init(struct linefmt *f, const char *label, int colour)
{
	/* SGR foregrounds that can be read on dark and light grounds. */
	static const unsigned colours[] = {32, 36, 35, 33, 34, 31};

	memset(f, 0, sizeof(*f));
	if (colour < 0)
		snprintf(f->prefix, sizeof(f->prefix), "%.40s | ", label);
	else
		snprintf(f->prefix, sizeof(f->prefix), "\033[%um%.40s |\033[0m ",
			colours[(unsigned)colour % (sizeof(colours) / sizeof(colours[0]))], label);
}

/* ---- output ---- */

static size_t start_line(const struct linefmt *f, uint8_t *out)
{
	size_t n = f->column ? 0 : strlen(f->prefix);

	memcpy(out, f->prefix, n);
	return n;
}

static size_t put_newline(struct linefmt *f, uint8_t *out)
{
	size_t n = start_line(f, out);

	if (f->coloured) {
		memcpy(out + n, CONSOLE_RESET_COLOUR, strlen(CONSOLE_RESET_COLOUR));
		n += strlen(CONSOLE_RESET_COLOUR);
	}
	out[n++] = '\n';
	f->column = 0;
	f->coloured = false;
	f->skip_newline = false;
	return n;
}

/* COUNT bytes that belong together: at most LINEFMT_ESCAPE_MAX, at least one. */
static size_t put(struct linefmt *f, const uint8_t *bytes, size_t count, uint8_t *out)
{
	size_t n = f->column + count > LINEFMT_LINE_MAX ? put_newline(f, out) : 0;

	n += start_line(f, out + n);
	memcpy(out + n, bytes, count);
	f->column += (unsigned)count;
	f->skip_newline = false;
	return n + count;
}

static void hold(struct linefmt *f, enum linefmt_state state, uint8_t byte)
{
	f->state = state;
	f->held[0] = byte;
	f->held_size = 1;
}

/* ---- text ---- */

/* How long the UTF-8 sequence is that LEAD starts; 1 when it starts none [Unicode 15 table 3-7]. */
static unsigned utf8_length(uint8_t lead)
{
	if (lead < 0xC2 || lead > 0xF4)
		return 1;
	return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Whether BYTE goes on with what is held, so that it is no surrogate and no longer than needed. */
static bool utf8_goes_on(const struct linefmt *f, uint8_t byte)
{
	uint8_t lead = f->held[0], low = 0x80, high = 0xBF;

	if (f->held_size == 1 && lead == 0xE0)
		low = 0xA0;
	else if (f->held_size == 1 && lead == 0xF0)
		low = 0x90;
	else if (f->held_size == 1 && lead == 0xED)
		high = 0x9F;
	else if (f->held_size == 1 && lead == 0xF4)
		high = 0x8F;
	return byte >= low && byte <= high;
}

/* What is held is no character: shows it as the letters of an older code, without controls. */
static size_t put_broken_utf8(struct linefmt *f, uint8_t *out)
{
	uint8_t letters[4];
	size_t n = 0;

	for (unsigned i = 0; i < f->held_size; i++) {
		if (f->held[i] >= C1_END)
			letters[n++] = f->held[i];
	}
	f->state = LINEFMT_TEXT;
	return put(f, letters, n, out);
}

static size_t utf8_byte(struct linefmt *f, uint8_t byte, uint8_t *out)
{
	f->held[f->held_size++] = byte;
	if (f->held_size < utf8_length(f->held[0]))
		return 0;
	f->state = LINEFMT_TEXT;
	if (f->held[0] == 0xC2 && byte < C1_END)
		return 0;
	return put(f, f->held, f->held_size, out);
}

static size_t text_byte(struct linefmt *f, uint8_t byte, uint8_t *out)
{
	bool line_ended = f->skip_newline;

	f->state = LINEFMT_TEXT;
	switch (byte) {
	case '\n':
		f->skip_newline = false;
		return line_ended ? 0 : put_newline(f, out);
	case '\r': {
		/* CR LF is one line end; a lone CR, which would overwrite the prefix, is one too.
		 */
		size_t n = linefmt_end(f, out);

		f->skip_newline = n || line_ended;
		return n;
	}
	case ESC:
		hold(f, LINEFMT_ESCAPE, byte);
		return 0;
	case '\t':
		return put(f, &byte, 1, out);
	default:
		if (byte < 0x20 || (byte >= DEL && byte < C1_END))
			return 0;
		if (utf8_length(byte) == 1)
			return put(f, &byte, 1, out);
		hold(f, LINEFMT_UTF8, byte);
		return 0;
	}
}

/* ---- escape sequences [ECMA-48 5.3, 5.4, 5.6; ECMA-35 13] ---- */

static bool starts_string(uint8_t byte)
{
	/* DCS, SOS, OSC, PM, APC */
	return byte == 'P' || byte == 'X' || byte == ']' || byte == '^' || byte == '_';
}

static void escape_byte(struct linefmt *f, uint8_t byte)
{
	if (byte < 0x30) {
		f->held_size = 2; /* an intermediate byte: what follows is no CSI */
	} else if (f->held_size == 1 && byte == '[') {
		f->state = LINEFMT_CSI;
		f->held[f->held_size++] = byte;
	} else if (f->held_size == 1 && starts_string(byte)) {
		f->state = LINEFMT_STRING;
	} else {
		f->state = LINEFMT_TEXT;
	}
}

/* Whether the sequence that is held switches everything off: its parameters are zeros. */
static bool is_reset(const struct linefmt *f)
{
	for (unsigned i = 2; i < f->held_size - 1; i++) {
		if (f->held[i] != '0' && f->held[i] != ';')
			return false;
	}
	return true;
}

/* Only SGR passes, and of it only plain parameters: with others a terminal sets modes or answers.
 */
static size_t csi_byte(struct linefmt *f, uint8_t byte, uint8_t *out)
{
	bool kept = f->held_size && f->held_size < sizeof(f->held), reset;

	if (byte == DEL)
		return 0;
	if (byte < 0x40) {
		if (kept && byte >= '0' && byte <= ';')
			f->held[f->held_size++] = byte;
		else
			f->held_size = 0;
		return 0;
	}
	f->state = LINEFMT_TEXT;
	if (!kept || byte != 'm')
		return 0;
	f->held[f->held_size++] = byte;
	reset = is_reset(f);
	if (reset && !f->coloured)
		return 0;
	/* Breaking the line ends its colours: the order of these two. */
	size_t n = put(f, f->held, f->held_size, out);
	f->coloured = !reset;
	return n;
}

/* A line end ends a string too, lest a guest that never ends it stays silent. */
static bool ends_string(uint8_t byte)
{
	return byte == BEL || byte == '\n' || byte == '\r' || byte == 0x18 || byte == 0x1A ||
	       byte == ESC;
}

/* Whether BYTE is part of the sequence that the state names. */
static bool goes_on(const struct linefmt *f, uint8_t byte)
{
	switch (f->state) {
	case LINEFMT_TEXT:
		return false;
	case LINEFMT_UTF8:
		return utf8_goes_on(f, byte);
	case LINEFMT_ESCAPE:
		return byte >= 0x20 && byte < DEL;
	case LINEFMT_CSI:
		return byte >= 0x20 && byte <= DEL;
	case LINEFMT_STRING:
		return !ends_string(byte);
	}
	return false;
}

size_t linefmt_byte(struct linefmt *f, uint8_t byte, uint8_t *out)
{
	size_t n;

	if (!goes_on(f, byte)) {
		n = f->state == LINEFMT_UTF8 ? put_broken_utf8(f, out) : 0;
		return n + text_byte(f, byte, out + n);
	}
	switch (f->state) {
	case LINEFMT_UTF8:
		return utf8_byte(f, byte, out);
	case LINEFMT_ESCAPE:
		escape_byte(f, byte);
		return 0;
	case LINEFMT_CSI:
		return csi_byte(f, byte, out);
	default:
		return 0;
	}
}

size_t linefmt_end(struct linefmt *f, uint8_t *out)
{
	return f->column ? put_newline(f, out) : 0;
}
