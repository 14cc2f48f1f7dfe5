/* SPDX-License-Identifier: BSD-3-Clause */
/* The decoder of A64 loads and stores; encodings are those of the assembler. */
#include "tests/unit/unit.h"

#include "lib/util.h"
#include "vmm/arm64/insn.h"

struct known {
	uint32_t insn;
	const char *text;
	struct insn_access want;
};

#define BASE .count = 1, .has_offset = true

static const struct known known[] = {
	/* pairs */
	{0xa9402fea, "ldp x10, x11, [sp]",
		{.load = true,
			.count = 2,
			.size = 8,
			.width = 8,
			.rt = 10,
			.rt2 = 11,
			.rn = 31,
			.has_offset = true}},
	{0x293f0be1, "stp w1, w2, [sp, #-8]",
		{.count = 2,
			.size = 4,
			.width = 4,
			.rt = 1,
			.rt2 = 2,
			.rn = 31,
			.has_offset = true,
			.offset = -8}},
	{0xa8c17bfd, "ldp x29, x30, [sp], #16",
		{.load = true,
			.count = 2,
			.size = 8,
			.width = 8,
			.rt = 29,
			.rt2 = 30,
			.rn = 31,
			.has_offset = true,
			.offset = 16,
			.writeback = true,
			.post = true}},
	{0xa9bf0801, "stp x1, x2, [x0, #-16]!",
		{.count = 2,
			.size = 8,
			.width = 8,
			.rt = 1,
			.rt2 = 2,
			.has_offset = true,
			.offset = -16,
			.writeback = true}},
	{0x69410801, "ldpsw x1, x2, [x0, #8]",
		{.load = true,
			.sign = true,
			.count = 2,
			.size = 4,
			.width = 8,
			.rt = 1,
			.rt2 = 2,
			.has_offset = true,
			.offset = 8}},
	{0xa8400801, "ldnp x1, x2, [x0]",
		{.load = true,
			.count = 2,
			.size = 8,
			.width = 8,
			.rt = 1,
			.rt2 = 2,
			.has_offset = true}},
	{0xad000400, "stp q0, q1, [x0]",
		{.simd = true, .count = 2, .size = 16, .rt = 0, .rt2 = 1, .has_offset = true}},
	{0x6d7f0400, "ldp d0, d1, [x0, #-16]",
		{.simd = true,
			.load = true,
			.count = 2,
			.size = 8,
			.rt = 0,
			.rt2 = 1,
			.has_offset = true,
			.offset = -16}},
	{0x2d400400, "ldp s0, s1, [x0]",
		{.simd = true,
			.load = true,
			.count = 2,
			.size = 4,
			.rt = 0,
			.rt2 = 1,
			.has_offset = true}},
	/* one register */
	{0xb8404401, "ldr w1, [x0], #4",
		{BASE, .load = true, .size = 4, .width = 4, .rt = 1, .offset = 4, .writeback = true,
			.post = true}},
	{0xf8008c01, "str x1, [x0, #8]!",
		{BASE, .size = 8, .width = 8, .rt = 1, .offset = 8, .writeback = true}},
	{0x381ffc1f, "strb wzr, [x0, #-1]!",
		{BASE, .size = 1, .width = 4, .rt = 31, .offset = -1, .writeback = true}},
	{0x38801401, "ldrsb x1, [x0], #1",
		{BASE, .load = true, .sign = true, .size = 1, .width = 8, .rt = 1, .offset = 1,
			.writeback = true, .post = true}},
	{0x78c02401, "ldrsh w1, [x0], #2",
		{BASE, .load = true, .sign = true, .size = 2, .width = 4, .rt = 1, .offset = 2,
			.writeback = true, .post = true}},
	{0xb8804401, "ldrsw x1, [x0], #4",
		{BASE, .load = true, .sign = true, .size = 4, .width = 8, .rt = 1, .offset = 4,
			.writeback = true, .post = true}},
	{0x3dc00420, "ldr q0, [x1, #16]",
		{BASE, .simd = true, .load = true, .size = 16, .rn = 1, .offset = 16}},
	{0x3d000420, "str b0, [x1, #1]", {BASE, .simd = true, .size = 1, .rn = 1, .offset = 1}},
	{0x7c5fe020, "ldur h0, [x1, #-2]",
		{BASE, .simd = true, .load = true, .size = 2, .rn = 1, .offset = -2}},
	{0xbc226820, "str s0, [x1, x2]", {.count = 1, .simd = true, .size = 4, .rn = 1}},
	{0x3ca26820, "str q0, [x1, x2]", {.count = 1, .simd = true, .size = 16, .rn = 1}},
	{0xfc408420, "ldr d0, [x1], #8",
		{BASE, .simd = true, .load = true, .size = 8, .rn = 1, .offset = 8,
			.writeback = true, .post = true}},
	{0x39400401, "ldrb w1, [x0, #1]",
		{BASE, .load = true, .size = 1, .width = 4, .rt = 1, .offset = 1}},
	{0xb8002801, "sttr w1, [x0, #2]", {BASE, .size = 4, .width = 4, .rt = 1, .offset = 2}},
	/* literals */
	{0x1c000040, "ldr s0, .+8",
		{BASE, .simd = true, .load = true, .literal = true, .size = 4, .rn = 2,
			.offset = 8}},
	{0x98ffffe1, "ldrsw x1, .-4",
		{BASE, .load = true, .sign = true, .literal = true, .size = 4, .width = 8, .rt = 1,
			.rn = 31, .offset = -4}},
};

START_TEST(decodes)
{
	const struct known *k = &known[_i];
	struct insn_access got;

	ck_assert_msg(insn_decode(k->insn, &got), "%s", k->text);
	if (k->want.literal)
		got.rn = k->want.rn; /* part of the offset */
	ck_assert_msg(got.load == k->want.load && got.simd == k->want.simd &&
			      got.sign == k->want.sign && got.literal == k->want.literal,
		"%s: kind", k->text);
	ck_assert_msg(got.writeback == k->want.writeback && got.post == k->want.post &&
			      got.has_offset == k->want.has_offset && got.offset == k->want.offset,
		"%s: address, offset %ld", k->text, (long)got.offset);
	ck_assert_msg(got.count == k->want.count && got.size == k->want.size &&
			      (got.simd || got.width == k->want.width),
		"%s: %u of %u, to %u", k->text, got.count, got.size, got.width);
	ck_assert_msg(got.rt == k->want.rt && got.rn == k->want.rn &&
			      (got.count == 1 || got.rt2 == k->want.rt2),
		"%s: registers", k->text);
}
END_TEST

static const struct {
	uint32_t insn;
	const char *text;
} unknown[] = {
	{0x00000000, "udf #0"},
	{0xd503201f, "nop"},
	{0xc85f7c01, "ldxr x1, [x0]"},
	{0x885ffc01, "ldaxr w1, [x0]"},
	{0xb8200001, "ldadd w0, w1, [x0]"},
	{0xf8200401, "ldraa x1, [x0]"},
	{0x4c407000, "ld1 {v0.16b}, [x0]"},
	{0xf9800000, "prfm pldl1keep, [x0]"},
	{0xd8000040, "prfm pldl1keep, .+8"},
	{0xd50b7420, "dc zva, x0"},
	{0x69000801, "stgp x1, x2, [x0]"},
	{0xe9400801, "a pair of opc 3"},
	{0xf8408400, "ldr x0, [x0], #8: the base is data"},
	{0xa8c10400, "ldp x0, x1, [x0], #16: the base is data"},
	{0xa9400421, "ldp x1, x1, [x1]: twice the same"},
};

START_TEST(refuses)
{
	struct insn_access got = {.size = 77};

	ck_assert_msg(!insn_decode(unknown[_i].insn, &got), "%s", unknown[_i].text);
	ck_assert_uint_eq(got.size, 77);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/arm64_insn");
	TCase *t = tcase_create("arm64_insn");

	tcase_add_loop_test(t, decodes, 0, ARRAY_SIZE(known));
	tcase_add_loop_test(t, refuses, 0, ARRAY_SIZE(unknown));
	suite_add_tcase(s, t);
	return s;
}
