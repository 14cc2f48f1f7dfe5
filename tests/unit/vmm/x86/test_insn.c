/* SPDX-License-Identifier: BSD-3-Clause */
/* The instruction that made a write, in each mode; test_vm.c tries it on real ones. */
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/x86/insn.h"

#include <string.h>

#define RIP 0x1000

enum mode { BITS16, BITS32, BITS64 };

/* CODE ends at RIP; AT is at it. All registers are 0 but those given here. */
static const struct {
	const char *what;
	enum mode mode;
	const char *code;
	unsigned size; /* of the code */
	struct vm_access access;
	unsigned length; /* of the instruction; 0: it must not be found */
} writes[] = {
#define MEM(address_, size_, value_)                                                               \
	{                                                                                          \
		.space = WINDOW_MMIO, .address = (address_), .size = (size_), .write = true,       \
		.value = (value_)                                                                  \
	}
#define PORT(port_, size_, value_)                                                                 \
	{                                                                                          \
		.space = WINDOW_PORT, .address = (port_), .size = (size_), .write = true,          \
		.value = (value_)                                                                  \
	}
	/* RAX 0x1122334455667788, RBX 0x300, RCX 5, RDX 0x1234, RBP 0x40, RSI 8, R11 0x700 */
	{"mov [bx+si+0x20], ax", BITS16, "\x89\x40\x20", 3, MEM(0x328, 2, 0x7788), 3},
	{"mov [bp+4], eax", BITS16, "\x66\x89\x46\x04", 4, MEM(0x2044, 4, 0x55667788), 4},
	{"mov [0x123], al", BITS16, "\xA2\x23\x01", 3, MEM(0x123, 1, 0x88), 3},
	{"mov [ebx], ax, by 67", BITS16, "\x67\x89\x03", 3, MEM(0x300, 2, 0x7788), 3},
	{"mov [ebx+ecx*4], eax", BITS32, "\x89\x04\x8B", 3, MEM(0x314, 4, 0x55667788), 3},
	{"mov [ecx*2+0x100], ax", BITS32, "\x66\x89\x04\x4D\x00\x01\x00\x00", 8,
		MEM(0x10A, 2, 0x7788), 8},
	{"mov [ebp+8], ah", BITS32, "\x88\x65\x08", 3, MEM(0x2048, 1, 0x77), 3},
	{"mov [bx+si], al, by 67", BITS32, "\x67\x88\x00", 3, MEM(0x308, 1, 0x88), 3},
	{"mov es:[ebx], al", BITS32, "\x26\x88\x03", 3, MEM(0x4300, 1, 0x88), 3},
	{"mov [r11+0x40], eax", BITS64, "\x41\x89\x43\x40", 4, MEM(0x740, 4, 0x55667788), 4},
	{"mov [rbx], rax", BITS64, "\x48\x89\x03", 3, MEM(0x300, 8, 0x1122334455667788), 3},
	{"mov [rip-0x100], dword", BITS64, "\xC7\x05\x00\xFF\xFF\xFF\x07\x00\x00\x00", 10,
		MEM(0xF00, 4, 7), 10},
	{"mov [rbx], -2", BITS64, "\x48\xC7\x03\xFE\xFF\xFF\xFF", 7, MEM(0x300, 8, UINT64_MAX - 1),
		7},
	{"mov moffs64", BITS64, "\xA3\x40\x00\x00\x00\x00\x00\x00\x00", 9, MEM(0x40, 4, 0x55667788),
		9},
	{"movnti", BITS64, "\x0F\xC3\x03", 3, MEM(0x300, 4, 0x55667788), 3},
	{"movdqa", BITS64, "\x66\x0F\x7F\x43\x40", 5, MEM(0x340, 8, 0x99), 5},
	{"movups xmm9", BITS64, "\x44\x0F\x11\x4B\x40", 5, MEM(0x340, 8, 0x99), 5},
	{"movdqu xmm9", BITS64, "\xF3\x44\x0F\x7F\x4B\x40", 6, MEM(0x340, 8, 0x99), 6},
	{"mov, with a 67 without effect", BITS64, "\x67\x89\x03", 3, MEM(0x300, 4, 0x55667788), 2},
	{"out dx, al", BITS16, "\xEE", 1, PORT(0x1234, 1, 0x88), 1},
	{"out dx, eax", BITS64, "\xEF", 1, PORT(0x1234, 4, 0x55667788), 1},
	{"out 0x80, ax", BITS32, "\x66\xE7\x80", 3, PORT(0x80, 2, 0x7788), 3},
	/* A byte before it that is a prefix of another instruction's meaning. */
	{"...40; mov [rbx], eax", BITS64, "\x89\x53\x40\x89\x03", 5, MEM(0x300, 4, 0x55667788), 2},
	/* What is not it. */
	{"another address", BITS32, "\x89\x03", 2, MEM(0x304, 4, 0x55667788), 0},
	{"another value", BITS32, "\x89\x03", 2, MEM(0x300, 4, 0x55667789), 0},
	{"another size", BITS32, "\x89\x03", 2, MEM(0x300, 2, 0x7788), 0},
	{"another port", BITS32, "\xEE", 1, PORT(0x1235, 1, 0x88), 0},
	{"a register", BITS32, "\x89\xC3", 2, MEM(0x300, 4, 0x55667788), 0},
	{"push", BITS32, "\x50", 1, MEM(0x300, 4, 0x55667788), 0},
	{"nothing", BITS32, "", 0, MEM(0x300, 4, 0x55667788), 0},
};

static uint64_t target;

static bool reaches(void *ctx, uint64_t linear)
{
	(void)ctx;
	return linear == target;
}

static struct kvm_regs regs;
static struct kvm_sregs sregs;

static struct insn_write write_of(enum mode mode, const struct vm_access *access)
{
	target = access->address;
	regs = (struct kvm_regs){.rax = 0x1122334455667788,
		.rbx = 0x300,
		.rcx = 5,
		.rdx = 0x1234,
		.rbp = 0x40,
		.rsi = 8,
		.r11 = 0x700,
		.rip = RIP};
	memset(&sregs, 0, sizeof(sregs));
	sregs.cs.db = mode == BITS32;
	sregs.cs.l = mode == BITS64;
	sregs.efer = mode == BITS64 ? 0x500 : 0;
	sregs.ss.base = 0x2000;
	sregs.es.base = 0x4000;
	return (struct insn_write){
		.access = access, .regs = &regs, .sregs = &sregs, .reaches = reaches};
}

START_TEST(single_writes)
{
	struct insn_write w = write_of(writes[_i].mode, &writes[_i].access);
	struct kvm_regs before = {0};
	bool found;

	w.before = writes[_i].size;
	memcpy(w.code + INSN_BYTES - w.before, writes[_i].code, w.before);
	found = insn_rewind(&w, &before);
	ck_assert_msg(found == (writes[_i].length != 0), "%s", writes[_i].what);
	if (!found)
		return;
	ck_assert_msg(RIP - before.rip == writes[_i].length, "%s: length %llu", writes[_i].what,
		RIP - before.rip);
	before.rip = RIP;
	ck_assert_msg(memcmp(&before, &regs, sizeof(regs)) == 0, "%s", writes[_i].what);
}
END_TEST

/* _i: whether the direction flag is set. */
START_TEST(strings)
{
	const struct vm_access access = MEM(0x600, 4, 0x55667788);
	struct insn_write w = write_of(BITS64, &access);
	const uint64_t step = _i ? (uint64_t)-4 : 4;
	struct kvm_regs before = {0};

	regs.rflags = _i ? 0x402 : 2;
	regs.rdi = 0x600 + step;
	w.before = 3;
	memcpy(w.code + INSN_BYTES - 3, "\x90\xF3\xAB", 3);
	/* Over: the last round. */
	regs.rcx = 0;
	ck_assert(insn_rewind(&w, &before));
	ck_assert_uint_eq(before.rip, RIP - 2);
	ck_assert_uint_eq(before.rdi, 0x600);
	ck_assert_uint_eq(before.rcx, 1);
	/* Without a count that has run out there was no prefix. */
	regs.rcx = 7;
	ck_assert(insn_rewind(&w, &before));
	ck_assert_uint_eq(before.rip, RIP - 1);
	ck_assert_uint_eq(before.rcx, 7);
	/* In one of its rounds RIP is still at it. */
	w.before = 1;
	memcpy(w.code + INSN_BYTES - 1, "\x90\xF3\xAB", 3);
	w.after = 2;
	ck_assert(insn_rewind(&w, &before));
	ck_assert_uint_eq(before.rip, RIP);
	ck_assert_uint_eq(before.rdi, 0x600);
	ck_assert_uint_eq(before.rcx, 8);
	/* MOVS moves the other pointer, too. */
	w.code[INSN_BYTES + 1] = 0xA5;
	ck_assert(insn_rewind(&w, &before));
	ck_assert_uint_eq(before.rsi, 8 - step);
	ck_assert_uint_eq(before.rdi, 0x600);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/insn");
	TCase *tc = tcase_create("insn");

	tcase_add_loop_test(tc, single_writes, 0, ARRAY_SIZE(writes));
	tcase_add_loop_test(tc, strings, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
