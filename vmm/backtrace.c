/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/backtrace.h"

#include "lib/util.h"

#include <endian.h>
#include <inttypes.h>

/* A stack is not larger; a record above that is none. */
#define STACK_MAX (64 * KIB)

/* How far the stack is searched where frame pointers do not help. */
#define SEARCH_MAX (4 * KIB)

/* So many frames by their pointers are no accident. */
#define CHAIN_MIN 3

struct stack {
	const struct gmem *gmem;
	const struct space *space;
	const struct backtrace_start *start;
	struct backtrace *trace;
};

static bool read_word(const struct stack *s, uint64_t va, uint64_t *ret_word)
{
	uint64_t word = 0;

	if (!space_read(s->gmem, s->space, va, &word, s->start->word))
		return false;
	*ret_word = le64toh(word);
	return true;
}

static bool is_return_address(const struct stack *s, uint64_t va)
{
	uint8_t code[BACKTRACE_CODE];

	return va >= sizeof(code) &&
	       space_read(s->gmem, s->space, va - sizeof(code), code, sizeof(code)) &&
	       s->start->ends_in_call(code);
}

/* False: there is no room for another. */
static bool add(struct stack *s, uint64_t address, bool guessed)
{
	struct backtrace *t = s->trace;

	t->frames[t->count++] = (struct backtrace_frame){address, guessed};
	return t->count < BACKTRACE_MAX;
}

/* Frames by their pointers, each further up the stack. */
static void follow(struct stack *s)
{
	uint64_t fp = s->start->fp, low = s->start->sp, size = 2u * s->start->word, ret;

	for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
		if (fp < low || fp - s->start->sp >= STACK_MAX || fp > UINT64_MAX - size ||
			fp % s->start->word || !read_word(s, fp + s->start->word, &ret))
			return;
		ret = space_plain(s->space, ret);
		if (!is_return_address(s, ret))
			return;
		/* The function may not have made its frame yet: then it is the link itself. */
		if (s->trace->frames[s->trace->count - 1].address != ret && !add(s, ret, false))
			return;
		low = fp + size;
		if (!read_word(s, fp, &fp))
			return;
	}
}

static void search(struct stack *s)
{
	uint64_t at = align_up(s->start->sp, s->start->word), word;

	for (; at - s->start->sp < SEARCH_MAX && read_word(s, at, &word); at += s->start->word) {
		word = space_plain(s->space, word);
		if (is_return_address(s, word) && !add(s, word, true))
			return;
	}
}

void backtrace_collect(const struct gmem *gmem, const struct space *space,
	const struct backtrace_start *start, struct backtrace *ret_trace)
{
	struct stack s = {.gmem = gmem, .space = space, .start = start, .trace = ret_trace};
	unsigned known;

	ret_trace->count = 0;
	add(&s, start->pc, false);
	if (start->link && is_return_address(&s, space_plain(space, start->link)))
		add(&s, space_plain(space, start->link), false);
	known = ret_trace->count;
	follow(&s);
	if (ret_trace->count >= CHAIN_MIN)
		return;
	ret_trace->count = known;
	search(&s);
}

void backtrace_print(const struct backtrace *trace, const struct backtrace_start *start, FILE *f)
{
	fprintf(f, "  backtrace");
	for (unsigned i = 0; i < start->anchor_count; i++)
		fprintf(f, ", %s at %016" PRIx64, start->anchors[i].name,
			start->anchors[i].address);
	fprintf(f, ":\n");
	for (unsigned i = 0; i < trace->count; i++)
		fprintf(f, "    %016" PRIx64 "%s\n", trace->frames[i].address,
			trace->frames[i].guessed ? " ?" : "");
}
