/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every way to load from and store to a device, on a PL061's first registers (DIR, IS, IBE, IEV,
 * IE: 8 bits each, one after the other [ARM DDI 0190]): sizes, signs, every register, addresses
 * written back, pairs, SIMD&FP. What each is to do follows from what plain accesses of 4 bytes see:
 * an access of 8 bytes or more is one of 4 bytes for each register.
 */
#include "../check.h"
#include "attempt.h"

#define REG_DIR   0x400
#define WORDS     5 /* that can be written */
#define WORDS_MAX 8 /* that a pair of 16 bytes reads */

static uint64_t address;
static unsigned attempts, wrong;

static void preset(uint32_t words[WORDS_MAX])
{
	static const uint8_t values[WORDS] = {0x91, 0x2A, 0xB3, 0x4C, 0xD5};

	for (unsigned i = 0; i < WORDS; i++)
		mmio_write32(address + 4 * i, values[i]);
	for (unsigned i = 0; i < WORDS_MAX; i++)
		words[i] = mmio_read32(address + 4 * i);
}

/* Whether the registers are as they were, but for what a store has put there. */
static bool is_stored(const struct attempt *a, const struct registers *before, uint32_t *words)
{
	uint32_t bytes[WORDS_MAX] = {0};
	unsigned size = a->count * a->size, good = 0;

	if (!a->load)
		attempt_store(a, before, (uint8_t *)bytes);
	for (unsigned i = 0; i < WORDS; i++) {
		uint32_t is = mmio_read32(address + 4 * i);

		if (!a->load && 4 * i < size)
			words[i] = bytes[i] & 0xFF;
		if (is == words[i])
			good++;
		else
			kprintf("\"%s\" (0x%08x): word %u is 0x%x, not 0x%x\n", a->text, a->insn, i,
				is, words[i]);
	}
	return good == WORDS;
}

static void attempt(const struct attempt *a)
{
	static struct registers before;
	uint32_t words[WORDS_MAX];

	preset(words);
	if (!attempt_execute(a, address, (const uint8_t *)words, &before) ||
		!is_stored(a, &before, words))
		wrong++;
	attempts++;
}

int guest_main(void)
{
	static const char *const kinds[] = {"stores", "loads", "loads with the sign to 64 bits",
		"loads with the sign to 32 bits"};
	uint64_t size;

	check(dt_reg(dt_compatible(-1, "arm,pl061"), 0, &address, &size), "there is a PL061");
	if (checks_failed())
		return 1;
	address += REG_DIR;
	for (unsigned bytes = 0; bytes < 4; bytes++) {
		for (unsigned opc = 0; opc < 4; opc++) {
			if (!attempt_is_allocated(bytes, opc))
				continue;
			attempts_plain(bytes, opc, attempt);
			check(wrong == 0, "%u %s of %u bytes: %u wrong", attempts, kinds[opc],
				1U << bytes, wrong);
			attempts = wrong = 0;
		}
	}
	attempts_undescribed(attempt);
	check(wrong == 0, "%u of other kinds: %u wrong", attempts, wrong);
	attempt_print_lost();
	return checks_failed();
}
