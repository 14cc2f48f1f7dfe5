/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the ID registers show [DDI 0487 D17.2] is what the machine has: pmu=, sve= and pauth= on the
 * command line are "on" or "off"; each is used where it is shown, and undefined where not.
 */
#include "../check.h"
#include "arm64.h"

#define EL1_AARCH64 1
#define PMU_NONE    0xF  /* one that is not architected */
#define PMCR_ON     0x45 /* on, cycle counter reset and 64 bits long */
#define CYCLES      (UINT32_C(1) << 31)
#define CPACR_ZEN   (UINT64_C(3) << 16) /* no traps of SVE */
#define SCTLR_ENIA  (UINT64_C(1) << 31)

static volatile bool undefined;

static void on_undefined(struct trap_frame *f)
{
	undefined = true;
	f->pc += 4;
}

static uint64_t field(uint64_t reg, unsigned shift)
{
	return reg >> shift & 0xF;
}

/* Whether KEY is as the command line says, if it does. */
static void check_shown(const char *key, bool shown)
{
	char wanted[8] = "";

	if (!cmdline_get(key, wanted, sizeof(wanted)))
		kprintf("%s: %s\n", key, shown ? "on" : "off");
	else
		check(strcmp(wanted, shown ? "on" : "off") == 0, "%s is %s", key,
			shown ? "on" : "off");
}

static void check_pmu(void)
{
	uint64_t version = field(sysreg_read(id_aa64dfr0_el1), 8), first;
	bool shown = version != 0 && version != PMU_NONE;

	check_shown("pmu", shown);
	check(shown == (dt_compatible(-1, "arm,armv8-pmuv3") >= 0), "the device tree agrees");
	undefined = false;
	sysreg_write(pmcr_el0, PMCR_ON);
	check(undefined == !shown, "PMCR_EL0 is %s", undefined ? "undefined" : "there");
	if (!shown || undefined)
		return;
	sysreg_write(pmcntenset_el0, CYCLES);
	first = sysreg_read(pmccntr_el0);
	delay_ns(NS_PER_MS);
	check(sysreg_read(pmccntr_el0) > first, "the cycle counter counts");
	sysreg_write(pmcr_el0, 0);
}

static void check_sve(void)
{
	bool shown = field(sysreg_read(id_aa64pfr0_el1), 32) != 0;

	check_shown("sve", shown);
	undefined = false;
	sysreg_write(cpacr_el1, sysreg_read(cpacr_el1) | CPACR_ZEN);
	(void)sysreg_read(s3_0_c1_c2_0); /* ZCR_EL1 */
	check(undefined == !shown, "ZCR_EL1 is %s", undefined ? "undefined" : "there");
}

/* A pointer that is signed with one value as modifier, and authenticated with the same. */
static void check_pauth(void)
{
	uint64_t isar1 = sysreg_read(id_aa64isar1_el1);
	bool shown = field(isar1, 4) || field(isar1, 8);
	uint64_t pointer = (uint64_t)check_pauth, signed_pointer = pointer, back;

	check_shown("pauth", shown);
	undefined = false;
	if (shown) {
		sysreg_write(s3_0_c2_c1_0, 0x0123456789ABCDEF); /* APIAKeyLo_EL1 */
		sysreg_write(s3_0_c2_c1_1, 0xFEDCBA9876543210); /* APIAKeyHi_EL1 */
	}
	/* Without, it does nothing, and is not undefined, either. */
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) | SCTLR_ENIA);
	__asm__ volatile("mov x0, %0\n\tmov x1, #42\n\t.inst 0xDAC10020\n\tmov %0, x0" /* PACIA */
			 : "+r"(signed_pointer)
			 :
			 : "x0", "x1");
	check(undefined == !shown, "PACIA is %s", undefined ? "undefined" : "there");
	if (!shown || undefined)
		return;
	back = signed_pointer;
	__asm__ volatile("mov x0, %0\n\tmov x1, #42\n\t.inst 0xDAC11020\n\tmov %0, x0" /* AUTIA */
			 : "+r"(back)
			 :
			 : "x0", "x1");
	check(signed_pointer != pointer && back == pointer, "a pointer is signed: 0x%lx",
		signed_pointer);
}

int guest_main(void)
{
	uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1);

	trap_set(EC_UNKNOWN, on_undefined);
	kprintf("MIDR_EL1 0x%lx, ID_AA64PFR0_EL1 0x%lx, ID_AA64MMFR0_EL1 0x%lx\n",
		sysreg_read(midr_el1), pfr0, sysreg_read(id_aa64mmfr0_el1));
	check(field(pfr0, 4) >= EL1_AARCH64, "EL1 is AArch64");
	check(field(pfr0, 16) != 0xF && field(pfr0, 20) != 0xF,
		"there are floating point and SIMD");
	check((field(pfr0, 24) != 0) == (gic_version() == 3),
		"system registers of the GIC: version %u", gic_version());
	if (field(pfr0, 8) && !cmdline_number("nested", 0))
		kprintf("host    EL2 is not hidden: KVM shows it in ID_AA64PFR0_EL1 to every guest\n");
	else
		check(cmdline_number("nested", 0) == (field(pfr0, 8) != 0), "EL2");
	check(field(pfr0, 12) == 0, "no EL3");
	check_pmu();
	check_sve();
	check_pauth();
	return checks_failed();
}
