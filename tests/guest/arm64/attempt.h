/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads and stores of A64, one at a time, with every register watched: what each must do to them is
 * worked out from what memory holds. Shared by the tests of device accesses and of violations.
 */
#ifndef TESTS_GUEST_ARM64_ATTEMPT_H
#define TESTS_GUEST_ARM64_ATTEMPT_H

#include "arm64.h"

#define ZR 31

struct attempt {
	const char *text;
	uint32_t insn;
	bool load, vector; /* the registers are X or W, or V */
	bool sign;         /* a load extends the sign, */
	bool wide;         /* to 64 bits */
	bool is_plain;     /* the syndrome of its abort says all of it */
	unsigned size;     /* bytes of a register in memory */
	unsigned count;    /* registers */
	unsigned rn, rt, rt2;
	int64_t offset; /* from the base register's value to the address */
	int64_t back;   /* what the base register is increased by */
};

/* What the instructions below use: X1 is the base, X4 and X5 offsets. */
#define ATTEMPT_X4 8
#define ATTEMPT_X5 (-3)

/* The data registers are 2 and 3. */
#define ATTEMPT(kind, text_, size_, count_, offset_, back_)                                        \
	(struct attempt)                                                                           \
	{                                                                                          \
		.text = text_, .insn = ENCODE(text_), ATTEMPT_##kind, .size = size_,               \
		.count = count_, .rn = 1, .offset = offset_, .back = back_                         \
	}
#define ATTEMPT_LOAD    .load = true, .rt = 2, .rt2 = 3
#define ATTEMPT_SIGNED  .load = true, .sign = true, .wide = true, .rt = 2, .rt2 = 3
#define ATTEMPT_SIGNED4 .load = true, .sign = true, .rt = 2, .rt2 = 3
#define ATTEMPT_STORE   .rt = 2, .rt2 = 3
#define ATTEMPT_LOADV   .load = true, .vector = true, .rt = 2, .rt2 = 3
#define ATTEMPT_STOREV  .vector = true, .rt = 2, .rt2 = 3
#define ATTEMPT_LOADZ   .load = true, .rt = ZR, .rt2 = 3
#define ATTEMPT_STOREZ  .rt = ZR, .rt2 = ZR

/* Calls FN for each of those whose syndrome says nothing. */
static inline void attempts_undescribed(void (*fn)(const struct attempt *a))
{
	const struct attempt list[] = {
		ATTEMPT(LOAD, "ldrb w2, [x1], #1", 1, 1, 0, 1),
		ATTEMPT(LOAD, "ldrb w2, [x1, #-7]!", 1, 1, -7, -7),
		ATTEMPT(SIGNED, "ldrsb x2, [x1], #255", 1, 1, 0, 255),
		ATTEMPT(SIGNED4, "ldrsb w2, [x1, #4]!", 1, 1, 4, 4),
		ATTEMPT(LOAD, "ldrh w2, [x1], #-256", 2, 1, 0, -256),
		ATTEMPT(SIGNED, "ldrsh x2, [x1, #6]!", 2, 1, 6, 6),
		ATTEMPT(SIGNED4, "ldrsh w2, [x1], #2", 2, 1, 0, 2),
		ATTEMPT(LOAD, "ldr w2, [x1], #4", 4, 1, 0, 4),
		ATTEMPT(LOAD, "ldr w2, [x1, #-4]!", 4, 1, -4, -4),
		ATTEMPT(LOADZ, "ldr wzr, [x1], #4", 4, 1, 0, 4),
		ATTEMPT(SIGNED, "ldrsw x2, [x1], #4", 4, 1, 0, 4),
		ATTEMPT(SIGNED, "ldrsw x2, [x1, #-16]!", 4, 1, -16, -16),
		ATTEMPT(LOAD, "ldr x2, [x1], #8", 8, 1, 0, 8),
		ATTEMPT(LOAD, "ldr x2, [x1, #16]!", 8, 1, 16, 16),
		ATTEMPT(STORE, "strb w2, [x1], #1", 1, 1, 0, 1),
		ATTEMPT(STORE, "strh w2, [x1, #2]!", 2, 1, 2, 2),
		ATTEMPT(STORE, "str w2, [x1], #4", 4, 1, 0, 4),
		ATTEMPT(STORE, "str w2, [x1, #-4]!", 4, 1, -4, -4),
		ATTEMPT(STOREZ, "str wzr, [x1], #4", 4, 1, 0, 4),
		ATTEMPT(STORE, "str x2, [x1], #8", 8, 1, 0, 8),
		ATTEMPT(STOREZ, "str xzr, [x1, #8]!", 8, 1, 8, 8),
		ATTEMPT(LOAD, "ldp w2, w3, [x1]", 4, 2, 0, 0),
		ATTEMPT(LOAD, "ldp w2, w3, [x1, #-8]", 4, 2, -8, 0),
		ATTEMPT(LOAD, "ldp w2, w3, [x1], #8", 4, 2, 0, 8),
		ATTEMPT(LOAD, "ldp w2, w3, [x1, #8]!", 4, 2, 8, 8),
		ATTEMPT(LOADZ, "ldp wzr, w3, [x1]", 4, 2, 0, 0),
		ATTEMPT(LOAD, "ldnp w2, w3, [x1, #4]", 4, 2, 4, 0),
		ATTEMPT(SIGNED, "ldpsw x2, x3, [x1]", 4, 2, 0, 0),
		ATTEMPT(SIGNED, "ldpsw x2, x3, [x1, #8]!", 4, 2, 8, 8),
		ATTEMPT(LOAD, "ldp x2, x3, [x1]", 8, 2, 0, 0),
		ATTEMPT(LOAD, "ldp x2, x3, [x1], #-16", 8, 2, 0, -16),
		ATTEMPT(LOAD, "ldnp x2, x3, [x1]", 8, 2, 0, 0),
		ATTEMPT(STORE, "stp w2, w3, [x1]", 4, 2, 0, 0),
		ATTEMPT(STORE, "stp w2, w3, [x1], #-8", 4, 2, 0, -8),
		ATTEMPT(STORE, "stp w2, w3, [x1, #8]!", 4, 2, 8, 8),
		ATTEMPT(STOREZ, "stp wzr, wzr, [x1]", 4, 2, 0, 0),
		ATTEMPT(STORE, "stnp w2, w3, [x1]", 4, 2, 0, 0),
		ATTEMPT(STORE, "stp x2, x3, [x1, #16]", 8, 2, 16, 0),
		ATTEMPT(LOADV, "ldr b2, [x1]", 1, 1, 0, 0),
		ATTEMPT(LOADV, "ldr h2, [x1, #2]", 2, 1, 2, 0),
		ATTEMPT(LOADV, "ldr s2, [x1]", 4, 1, 0, 0),
		ATTEMPT(LOADV, "ldr s2, [x1], #4", 4, 1, 0, 4),
		ATTEMPT(LOADV, "ldr d2, [x1, x4]", 8, 1, ATTEMPT_X4, 0),
		ATTEMPT(LOADV, "ldur d2, [x1, #-9]", 8, 1, -9, 0),
		ATTEMPT(LOADV, "ldr q2, [x1]", 16, 1, 0, 0),
		ATTEMPT(LOADV, "ldr q2, [x1, #32]!", 16, 1, 32, 32),
		ATTEMPT(LOADV, "ldr q2, [x1, w5, sxtw #4]", 16, 1, ATTEMPT_X5 * 16, 0),
		ATTEMPT(LOADV, "ldp s2, s3, [x1]", 4, 2, 0, 0),
		ATTEMPT(LOADV, "ldp d2, d3, [x1], #16", 8, 2, 0, 16),
		ATTEMPT(LOADV, "ldp q2, q3, [x1]", 16, 2, 0, 0),
		ATTEMPT(STOREV, "str b2, [x1]", 1, 1, 0, 0),
		ATTEMPT(STOREV, "str h2, [x1]", 2, 1, 0, 0),
		ATTEMPT(STOREV, "str s2, [x1], #4", 4, 1, 0, 4),
		ATTEMPT(STOREV, "str d2, [x1, #8]", 8, 1, 8, 0),
		ATTEMPT(STOREV, "str q2, [x1]", 16, 1, 0, 0),
		ATTEMPT(STOREV, "stp s2, s3, [x1]", 4, 2, 0, 0),
		ATTEMPT(STOREV, "stp d2, d3, [x1, #-16]!", 8, 2, -16, -16),
		ATTEMPT(STOREV, "stp q2, q3, [x1]", 16, 2, 0, 0),
	};

	for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
		fn(&list[i]);
}

/*
 * Calls FN for each register's plain load or store of 1 << SIZE bytes: OPC 0 stores, 1 loads, 2
 * loads with the sign to 64 bits, 3 to 32 [DDI 0487 C4.1.94.31].
 */
static inline void attempts_plain(unsigned size, unsigned opc, void (*fn)(const struct attempt *a))
{
	for (unsigned rt = 0; rt <= ZR; rt++) {
		struct attempt a = {.text = "plain",
			.load = opc != 0,
			.sign = opc >= 2,
			.wide = opc == 2,
			.is_plain = true,
			.size = 1U << size,
			.count = 1,
			.rn = rt == 1 ? 7 : 1,
			.rt = rt};

		a.insn = 0x39000000 | size << 30 | opc << 22 | a.rn << 5 | rt;
		fn(&a);
	}
}

static inline bool attempt_is_allocated(unsigned size, unsigned opc)
{
	return opc < 2 || size + opc < 5;
}

/* Of SIZE bytes at AT, as a register of at most 8 bytes takes them. */
static inline uint64_t attempt_value(const struct attempt *a, const uint8_t *at, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, at, size);
	if (a->sign && at[size - 1] & 0x80)
		v |= size == 8 ? 0 : UINT64_MAX << 8 * size;
	return a->sign && !a->wide ? (uint32_t)v : v;
}

static inline void attempt_load(const struct attempt *a, const uint8_t *bytes, struct registers *r)
{
	for (unsigned i = 0; i < a->count; i++) {
		const uint8_t *at = bytes + i * a->size;
		unsigned rt = i ? a->rt2 : a->rt;

		if (a->vector) {
			r->v[rt][0] = r->v[rt][1] = 0;
			memcpy(r->v[rt], at, a->size);
		} else if (rt != ZR) {
			r->x[rt] = attempt_value(a, at, a->size);
		}
	}
}

/* What a store puts to BYTES. */
static inline void attempt_store(const struct attempt *a, const struct registers *r, uint8_t *bytes)
{
	static const uint64_t zero;

	for (unsigned i = 0; i < a->count; i++) {
		unsigned rt = i ? a->rt2 : a->rt;
		const void *from = a->vector ? r->v[rt] : rt == ZR ? &zero : &r->x[rt];

		memcpy(bytes + i * a->size, from, a->size);
	}
}

static inline void attempt_registers(const struct attempt *a, uint64_t address, struct registers *r)
{
	for (unsigned i = 0; i < ARRAY_SIZE(r->x); i++)
		r->x[i] = 0x8796A5B4C3D2E1F0 ^ i * UINT64_C(0x0101010101010101);
	for (unsigned i = 0; i < ARRAY_SIZE(r->v); i++)
		for (unsigned half = 0; half < 2; half++)
			r->v[i][half] =
				0xF1E2D3C4B5A69788 ^ (2 * i + half) * UINT64_C(0x0202020202020202);
	r->x[4] = ATTEMPT_X4;
	r->x[5] = (uint64_t)ATTEMPT_X5;
	r->x[a->rn] = address - (uint64_t)a->offset;
}

static inline bool attempt_is_equal(const struct registers *is, const struct registers *want)
{
	return memcmp(is->x, want->x, sizeof(is->x)) == 0 &&
	       memcmp(is->v, want->v, sizeof(is->v)) == 0;
}

/* Prints the registers in which IS differs from WANT. */
static inline void attempt_print(
	const struct attempt *a, const struct registers *is, const struct registers *want)
{
	for (unsigned i = 0; i < ARRAY_SIZE(is->x); i++)
		if (is->x[i] != want->x[i])
			kprintf("\"%s\" (0x%08x): X%u is 0x%lx, not 0x%lx\n", a->text, a->insn, i,
				is->x[i], want->x[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(is->v); i++)
		if (is->v[i][0] != want->v[i][0] || is->v[i][1] != want->v[i][1])
			kprintf("\"%s\" (0x%08x): V%u is 0x%016lx%016lx, not 0x%016lx%016lx\n",
				a->text, a->insn, i, is->v[i][1], is->v[i][0], want->v[i][1],
				want->v[i][0]);
}

/* Loads whose sign was lost: see below. */
static unsigned attempt_signs_lost;

/*
 * Executes A, whose address holds BYTES, or when it is not to have any effect, NULL. False, and
 * printed, when a register is not what it must be. *RET_BEFORE is what they all were.
 *
 * A plain load's sign is extended by KVM, as the syndrome of the data abort tells it to (SSE). The
 * processors that QEMU emulates leave that bit 0: such a load is counted, and is no failure.
 */
static inline bool attempt_execute(const struct attempt *a, uint64_t address, const uint8_t *bytes,
	struct registers *ret_before)
{
	static struct registers r, want;
	struct attempt without = *a;

	attempt_registers(a, address, &r);
	*ret_before = want = r;
	if (bytes) {
		want.x[a->rn] += (uint64_t)a->back;
		if (a->load)
			attempt_load(a, bytes, &want);
	}
	execute(&r, a->insn);
	if (attempt_is_equal(&r, &want))
		return true;
	if (a->sign && a->is_plain && bytes) {
		without.sign = false;
		attempt_load(&without, bytes, &want);
		attempt_signs_lost += attempt_is_equal(&r, &want);
		if (attempt_is_equal(&r, &want))
			return true;
		attempt_load(a, bytes, &want);
	}
	attempt_print(a, &r, &want);
	return false;
}

static inline void attempt_print_lost(void)
{
	if (attempt_signs_lost)
		kprintf("host    %u loads without their sign: its processor does not tell it "
			"(ESR_EL2.SSE)\n",
			attempt_signs_lost);
}

#endif
