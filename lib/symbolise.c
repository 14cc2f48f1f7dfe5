/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/symbolise.h"

#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define HEADER  "  backtrace"
#define FRAME   "    "
#define GUESSED " ?"
#define DIGITS  16

/* Kernels are moved by whole pages. */
#define MOVED_BY_MASK (4 * KIB - 1)

/* What Linux has in a register: of several names the first that there is. */
static const struct anchor {
	const char *reg;
	const char *names[3];
} anchors[] = {
	{"LSTAR", {"entry_SYSCALL_64"}},
	{"#DE", {"asm_exc_divide_error", "divide_error", "early_idt_handler_array"}},
	{"VBAR", {"vectors"}},
};

static bool is_header(const char *line)
{
	size_t n = strlen(HEADER);

	return strncmp(line, HEADER, n) == 0 && (line[n] == ',' || line[n] == ':');
}

/* DIGITS of them at TEXT. */
static bool parse_address(const char *text, uint64_t *ret_address)
{
	uint64_t value = 0;

	if (strspn(text, "0123456789abcdef") != DIGITS)
		return false;
	for (unsigned i = 0; i < DIGITS; i++)
		value = value << 4 |
			(uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
	*ret_address = value;
	return true;
}

/* How far the kernel is from its symbols, if one register of the header's LINE tells. */
static bool moved_by(const char *line, const struct anchor *a, const struct symbols *symbols,
	uint64_t *ret_offset)
{
	char what[24];
	const char *at;
	uint64_t is, was;

	snprintf(what, sizeof(what), ", %s at ", a->reg);
	at = memmem(line, strcspn(line, "\n"), what, strlen(what));
	if (!at || !parse_address(at + strlen(what), &is))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(a->names) && a->names[i]; i++) {
		if (!symbols_get(symbols, a->names[i], &was) || (is - was) & MOVED_BY_MASK)
			continue;
		*ret_offset = is - was;
		return true;
	}
	return false;
}

static uint64_t find_offset(const char *line, const struct symbols *symbols)
{
	uint64_t offset = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(anchors); i++) {
		if (moved_by(line, &anchors[i], symbols, &offset))
			return offset;
	}
	return 0;
}

/* What a frame's ADDRESS is called. A return address may be behind the end of who calls. */
static void print_name(const struct symbols *symbols, uint64_t address, bool returned, FILE *f)
{
	uint64_t into;
	const char *name = symbols_find(symbols, address - returned, &into);

	if (name)
		fprintf(f, " %s+0x%" PRIx64, name, into + returned);
}

static bool is_frame(const char *line, size_t n, uint64_t *ret_address)
{
	size_t plain = strlen(FRAME) + DIGITS;

	return strncmp(line, FRAME, strlen(FRAME)) == 0 &&
	       parse_address(line + strlen(FRAME), ret_address) &&
	       (n == plain || (n == plain + strlen(GUESSED) &&
				      strncmp(line + plain, GUESSED, strlen(GUESSED)) == 0));
}

static void print_all(const char *text, const struct symbols *symbols, FILE *f)
{
	uint64_t offset = 0, address;
	bool in_trace = false, returned = false;

	while (*text) {
		size_t n = strcspn(text, "\n");

		fwrite(text, 1, n, f);
		if (is_header(text)) {
			offset = find_offset(text, symbols);
			in_trace = true;
			returned = false;
		} else if (in_trace && is_frame(text, n, &address)) {
			print_name(symbols, address - offset, returned, f);
			returned = true;
		} else {
			in_trace = false;
		}
		text += n;
		if (*text)
			fputc(*text++, f);
	}
}

bool symbolise_wanted(const char *text)
{
	for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL) {
		if (is_header(text))
			return true;
	}
	return false;
}

char *symbolise(const char *text, const struct symbols *symbols)
{
	char *named = NULL;
	size_t size;
	FILE *f = open_memstream(&named, &size);

	if (!f)
		return NULL;
	print_all(text, symbols, f);
	if (fclose(f)) {
		free(named);
		return NULL;
	}
	return named;
}

int symbolise_by(const char *path, const char *text, char **ret_named)
{
	/* O_NONBLOCK: a FIFO must not hang us; it has no symbols. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct symbols *symbols;
	int ret = fd < 0 ? -errno : symbols_load(fd, &symbols);
	char *named;

	if (ret)
		return ret;
	named = symbolise(text, symbols);
	symbols_free(symbols);
	if (!named)
		return -ENOMEM;
	*ret_named = named;
	return 0;
}
