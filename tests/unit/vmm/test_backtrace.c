/* SPDX-License-Identifier: BSD-3-Clause */
/* Backtraces by frame pointers and by search; what ends in a call on both architectures. */
#include "tests/unit/unit.h"

#include "lib/util.h"
#include "vmm/arm64/call.h"
#include "vmm/x86/call.h"
#include "vmm/x86/paging.h"

#include <string.h>

#define RAM  0x10000
#define SIZE 0x10000

#define STACK (RAM + 0x8000)

static uint8_t *ram;
static struct gmem gmem;
static const struct space flat = {.flat = true};
static struct backtrace_start start;
static struct backtrace trace;

static void setup(void)
{
	gmem = (struct gmem){0};
	ram = calloc(1, SIZE);
	ck_assert_int_eq(gmem_add(&gmem, RAM, SIZE, ram), 0);
	start = (struct backtrace_start){
		.pc = RAM + 0x100, .sp = STACK, .word = 8, .ends_in_call = x86_ends_in_call};
}

static void teardown(void)
{
	free(ram);
}

static void put(uint64_t at, uint64_t word)
{
	memcpy(ram + (at - RAM), &word, start.word);
}

/* A place that a function returns to. */
static uint64_t returns_to(uint64_t at)
{
	ram[at - RAM - 5] = 0xE8;
	return at;
}

static void frame(uint64_t at, uint64_t next, uint64_t ret)
{
	put(at, next);
	put(at + start.word, returns_to(ret));
}

static void trace_is(unsigned count, const uint64_t *want, bool guessed)
{
	backtrace_collect(&gmem, &flat, &start, &trace);
	ck_assert_uint_eq(trace.count, count);
	for (unsigned i = 0; i < count; i++) {
		ck_assert_uint_eq(trace.frames[i].address, want[i]);
		ck_assert(trace.frames[i].guessed == (i && guessed));
	}
}

START_TEST(by_pointers)
{
	const uint64_t want[] = {RAM + 0x100, RAM + 0x200, RAM + 0x300, RAM + 0x400};

	start.fp = STACK + 0x20;
	frame(STACK + 0x20, STACK + 0x40, RAM + 0x200);
	frame(STACK + 0x40, STACK + 0x80, RAM + 0x300);
	frame(STACK + 0x80, 0, RAM + 0x400);
	trace_is(4, want, false);
	/* Down the stack again: the last is not followed. */
	put(STACK + 0x80, STACK + 0x20);
	trace_is(4, want, false);
	start.word = 4;
	start.fp = STACK + 0x20;
	frame(STACK + 0x20, STACK + 0x40, RAM + 0x200);
	frame(STACK + 0x40, STACK + 0x80, RAM + 0x300);
	frame(STACK + 0x80, 0, RAM + 0x400);
	trace_is(4, want, false);
}
END_TEST

START_TEST(by_link)
{
	const uint64_t want[] = {RAM + 0x100, RAM + 0x200, RAM + 0x300};

	start.link = returns_to(RAM + 0x200);
	start.fp = STACK + 0x20;
	frame(STACK + 0x20, STACK + 0x40, RAM + 0x200); /* the same: the frame is made already */
	frame(STACK + 0x40, 0, RAM + 0x300);
	trace_is(3, want, false);
}
END_TEST

START_TEST(by_search)
{
	const uint64_t want[] = {RAM + 0x100, RAM + 0x200, RAM + 0x300};

	start.fp = 0x1234567;
	put(STACK + 0x10, returns_to(RAM + 0x200));
	put(STACK + 0x18, RAM + 0x280); /* follows no call */
	put(STACK + 0x20, UINT64_MAX);
	put(STACK + 0x28, 3);
	put(STACK + 0x30, returns_to(RAM + 0x300));
	put(STACK + 0x2000, RAM + 0x200); /* too far */
	trace_is(3, want, true);
}
END_TEST

START_TEST(hostile)
{
	start.sp = UINT64_MAX - 16;
	start.fp = UINT64_MAX - 7;
	backtrace_collect(&gmem, &flat, &start, &trace);
	ck_assert_uint_eq(trace.count, 1);
	start.sp = RAM;
	start.fp = RAM;
	for (unsigned i = 0; i < SIZE; i += 8)
		put(RAM + i, RAM + 0x208);
	ram[0x203] = 0xE8;
	put(RAM + 0x208, RAM + 0x208);
	backtrace_collect(&gmem, &flat, &start, &trace);
	ck_assert_uint_le(trace.count, BACKTRACE_MAX);
}
END_TEST

/* A record at the end of all addresses and one below it, each the other's caller. */
START_TEST(wraps)
{
	const uint64_t top = UINT64_MAX - 0xFFF, ret = top + 0x208;
	struct space space;

	for (unsigned i = 0; i < 4; i++)
		put(RAM + 0x1000 * i + 0xFF8, (RAM + 0x1000 * (i + 1)) | 1);
	x86_space(
		&(struct x86_paging){.cr0 = 1u << 31, .cr3 = RAM, .cr4 = 1u << 5, .efer = 1u << 10},
		&space);
	returns_to(RAM + 0x4208);
	put(RAM + 0x4F00, UINT64_MAX - 0xF);
	put(RAM + 0x4F08, ret);
	put(RAM + 0x4FF0, top + 0xF00);
	put(RAM + 0x4FF8, ret);
	start.sp = top + 0xE00;
	start.fp = top + 0xF00;
	backtrace_collect(&gmem, &space, &start, &trace);
	ck_assert_uint_ge(trace.count, 2);
	ck_assert_uint_eq(trace.frames[1].address, ret);
	start.fp = UINT64_MAX - 0xF;
	backtrace_collect(&gmem, &space, &start, &trace);
	ck_assert_uint_le(trace.count, BACKTRACE_MAX);
}
END_TEST

START_TEST(printing)
{
	AUTO_FREE char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	start.anchors[0] = (struct backtrace_anchor){"LSTAR", 0xFFFFFFFF82000080};
	start.anchor_count = 1;
	trace = (struct backtrace){2, {{0x1234, false}, {0xFFFFFFFF81000000, true}}};
	backtrace_print(&trace, &start, f);
	fclose(f);
	ck_assert_str_eq(text, "  backtrace, LSTAR at ffffffff82000080:\n"
			       "    0000000000001234\n"
			       "    ffffffff81000000 ?\n");
}
END_TEST

START_TEST(calls)
{
	static const struct {
		uint8_t code[BACKTRACE_CODE];
		bool x86, arm64;
	} cases[] = {
		{{0, 0, 0, 0xE8, 1, 2, 3, 4}, true, false},       /* call rel32 */
		{{0, 0, 0, 0, 0, 0, 0xFF, 0xD0}, true, false},    /* call *%rax */
		{{0, 0, 0, 0, 0, 0x41, 0xFF, 0xD2}, true, false}, /* call *%r10 */
		{{0, 0, 0, 0, 0, 0xFF, 0x50, 0x18}, true, false}, /* call *0x18(%rax) */
		{{0, 0, 0xFF, 0x15, 1, 2, 3, 4}, true, false},    /* call *rel32(%rip) */
		{{0, 0xFF, 0x14, 0xC5, 1, 2, 3, 4}, true, false}, /* call *disp32(,%rax,8) */
		{{0, 0, 0, 0, 0, 0xFF, 0x14, 0xC8}, true, false}, /* call *(%rax,%rcx,8) */
		{{0, 0, 0, 0, 0, 0, 0xFF, 0xE0}, false, false},   /* jmp *%rax */
		{{0, 0, 0, 0, 0, 0, 0xFF, 0x50}, false, false},   /* cut off */
		{{0, 0, 0, 0, 0, 0, 0, 0x94}, false, true},       /* bl */
		{{0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x97}, false, true},
		{{0, 0, 0, 0, 0x20, 0x00, 0x3F, 0xD6}, false, true},  /* blr x1 */
		{{0, 0, 0, 0, 0x3F, 0x08, 0x3F, 0xD6}, false, true},  /* blraaz x1 */
		{{0, 0, 0, 0, 0x22, 0x08, 0x3F, 0xD7}, false, true},  /* blraa x1, x2 */
		{{0, 0, 0, 0, 0xC0, 0x03, 0x5F, 0xD6}, false, false}, /* ret */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(x86_ends_in_call(cases[i].code) == cases[i].x86, "x86, %u", i);
		ck_assert_msg(arm64_ends_in_call(cases[i].code) == cases[i].arm64, "arm64, %u", i);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/backtrace");
	TCase *t = tcase_create("backtrace");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, by_pointers);
	tcase_add_test(t, by_link);
	tcase_add_test(t, by_search);
	tcase_add_test(t, hostile);
	tcase_add_test(t, wraps);
	tcase_add_test(t, printing);
	tcase_add_test(t, calls);
	suite_add_tcase(s, t);
	return s;
}
