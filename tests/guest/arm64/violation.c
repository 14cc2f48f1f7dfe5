/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses outside the partition, by how=: "ignore" (each reads all-ones and changes nothing else),
 * "inject" (each is a synchronous external abort at the instruction that makes it, and changes no
 * register), "serror" (each is as if ignored, and an SError comes), "readonly-pair" (writes to the
 * status page at status=), "fatal-pair" (the first, one of two registers, ends the partition),
 * "unknown" (an instruction that cannot be emulated).
 */
#include "../check.h"
#include "../ways.h"
#include "attempt.h"

#include <bulkhead/status.h>

#define ADDRESS    (MMIO_NOWHERE + 0x1000)
#define SERROR_MAX (100 * NS_PER_MS)

static enum { IGNORE, INJECT, SERROR } how;
static unsigned attempts, wrong;
static volatile unsigned aborts, serrors;
static struct trap_frame abort;

static void on_abort(struct trap_frame *f)
{
	aborts = aborts + 1;
	abort = *f;
	f->pc += 4;
}

static void on_serror(struct trap_frame *f)
{
	(void)f;
	serrors = serrors + 1;
}

/* Whether the exceptions since there were BEFORE are those that an access is to cause. */
static bool are_exceptions(const struct attempt *a, unsigned aborts_before, unsigned serrors_before)
{
	uint64_t start = time_ns();

	if (how == SERROR)
		while (serrors == serrors_before && time_ns() - start < SERROR_MAX)
			cpu_relax();
	if (aborts - aborts_before != (how == INJECT) ||
		serrors - serrors_before != (how == SERROR)) {
		kprintf("\"%s\" (0x%08x): %u aborts, %u SErrors\n", a->text, a->insn,
			aborts - aborts_before, serrors - serrors_before);
		return false;
	}
	if (how != INJECT || (abort.pc == (uint64_t)execute_slot && abort.far == ADDRESS &&
				     DFSC(abort.esr) == DFSC_EXTERNAL && abort.esr & ESR_IL &&
				     !(abort.esr & ESR_FAR_INVALID)))
		return true;
	kprintf("\"%s\" (0x%08x): PC 0x%lx, FAR 0x%lx, ESR 0x%lx\n", a->text, a->insn, abort.pc,
		abort.far, abort.esr);
	return false;
}

static void attempt(const struct attempt *a)
{
	static struct registers before;
	unsigned aborts_before = aborts, serrors_before = serrors;
	uint8_t ones[32];

	memset(ones, 0xFF, sizeof(ones));
	if (!attempt_execute(a, ADDRESS, how == INJECT ? NULL : ones, &before) ||
		!are_exceptions(a, aborts_before, serrors_before))
		wrong++;
	attempts++;
}

static void attempt_all(void)
{
	trap_set(EC_DATA_ABORT, on_abort);
	trap_set(EC_SERROR, on_serror);
	for (unsigned size = 0; size < 4; size++)
		for (unsigned opc = 0; opc < 4; opc++)
			if (attempt_is_allocated(size, opc))
				attempts_plain(size, opc, attempt);
	check(wrong == 0, "%u of %u plain loads and stores, each with each register, went wrong",
		wrong, attempts);
	attempts = wrong = 0;
	attempts_undescribed(attempt);
	check(wrong == 0, "%u of %u others went wrong", wrong, attempts);
	attempt_print_lost();
}

static void ignore(void)
{
	how = IGNORE;
	attempt_all();
}

static void inject(void)
{
	how = INJECT;
	attempt_all();
}

static void serror(void)
{
	how = SERROR;
	attempt_all();
}

/* Writes to the status page at status=: dropped, by whatever instruction. */
static void readonly_pair(void)
{
	uint64_t page = cmdline_number("status", 0), x = page;
	uint32_t magic = mmio_read32(page);

	check(magic == BULKHEAD_STATUS_MAGIC, "the status page is there");
	__asm__ volatile("stp xzr, xzr, [%0], #16\n\tstr wzr, [%0, #-16]!" : "+r"(x) : : "memory");
	check(mmio_read32(page) == magic && x == page, "writes to it change nothing");
}

static void fatal_pair(void)
{
	__asm__ volatile("stp %w1, %w2, [%0]"
			 :
			 : "r"((uint64_t)MMIO_NOWHERE + 0x40), "r"(0x12345678), "r"(0x9ABCDEF0)
			 : "memory");
}

static void unknown(void)
{
	__asm__ volatile("ldaxr x0, [%0]" : : "r"((uint64_t)MMIO_NOWHERE + 0x80) : "x0", "memory");
}

const struct way machine_ways[] = {{"ignore", ignore}, {"inject", inject}, {"serror", serror},
	{"readonly-pair", readonly_pair}, {"fatal-pair", fatal_pair}, {"unknown", unknown},
	{NULL, NULL}};
