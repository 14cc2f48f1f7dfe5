/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The probe guests of arm64: what an ordinary kernel executes at EL1, each in a guest of its own,
 * with the MMU off or on [Arm ARM D8]. A guest reports by a 4-byte write of W0 to REPORT_AT, where
 * there is no memory. And what KVM tells of its interrupt controllers and the like.
 *
 * Left out: what needs an interrupt, and so an interrupt controller; WFI.
 */
#include "vmm/probe.h"
#include "lib/util.h"
#include "vmm/arch.h"
#include "vmm/arm64/arm64.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define STR_(x) #x
#define STR(x)  STR_(x)

#define GOOD 0x600d
#define BAD  0xbad

/* ---- where things are in a guest's memory ---- */

#define GPA_L1      0x1000 /* translation table of 1 GiB entries */
#define GPA_L2      0x2000 /* ... of 2 MiB entries */
#define GPA_VECTORS 0x4000
#define GPA_CODE    0x8000  /* CODE_MAX bytes for each guest: see code_address */
#define GPA_SCRATCH 0x18000 /* zeroed; 4 KiB, the guest's to use */
#define GPA_STACK   0x20000
#define REPORT_AT   0x200000

#define CODE_MAX   0x400
#define CODE_SLOTS 64

/* Memory: write-back, and device-nGnRnE [Arm ARM D19.2.106]. */
#define MAIR               0x00ff
#define ATTR_DEV           1
#define TCR                0x00803519 /* 39 bits, 4 KiB granule, inner shareable write-back; no TTBR1 */
#define SCTLR              0x30d0180d /* I, SA, C, M, and what is 1 in Armv8.0 */
#define PSTATE_EL1H_MASKED 0x3c5

/* ---- the guests ---- */

enum mode { MMU_OFF, MMU_ON };

/*
 * Assembles BODY into read-only data as code_NAME. At its start X9 is REPORT_AT, X10 the scratch
 * page, X1 the argument, SP the stack's end, and the other general registers are 0.
 */
#define ASSEMBLE(name, body)                                                                       \
	extern const uint8_t code_##name[], code_##name##_end[];                                   \
	__asm__(".pushsection .rodata\n.balign 16\n.arch armv8.1-a+crc\ncode_" #name ":\n" body    \
		"\ncode_" #name "_end:\n.arch armv8-a\n.popsection\n")

#define REPORT        "str w0, [x9]\n9: b 9b\n"
#define REPORT_ABSENT "ldr w0, =" STR(PROBE_ABSENT) "\n" REPORT ".ltorg\n"
#define REPORT_GOOD   "mov w0, #" STR(GOOD) "\n" REPORT

/* BODY leaves the value to report in W0; or any value, with WORKS. */
#define VALUE(name, body) ASSEMBLE(name, body "\n" REPORT)
#define WORKS(name, body) ASSEMBLE(name, body "\n" REPORT_GOOD)

/* To be put before a body: without a value in the 4 bits at SHIFT of an ID register, so it says. */
#define NEEDS(reg, shift)                                                                          \
	"mrs x2, " #reg "\nubfx x2, x2, #" #shift ", #4\ncbnz x2, 5f\n" REPORT_ABSENT "5:\n"

/* BODY raises an exception; HANDLER gets it and leaves a value in W0. */
#define RAISES(name, body, handler)                                                                \
	extern const uint8_t handler_##name[];                                                     \
	ASSEMBLE(name, body "\nmov w0, #" STR(BAD) "\n" REPORT "handler_" #name ":\n" handler      \
						   "\n" REPORT)
#define EXCEPTION_CLASS "mrs x0, esr_el1\nlsr x0, x0, #26"

WORKS(el1, "nop");
ASSEMBLE(exits, "1: str w0, [x9]\nb 1b");
VALUE(loop, "1: subs x1, x1, #1\nb.ne 1b\nmov w0, w1");

/* Exceptions, and the change of exception level. */
RAISES(svc, "svc #0", EXCEPTION_CLASS);
RAISES(brk, "brk #0", EXCEPTION_CLASS);
RAISES(undefined, ".inst 0", EXCEPTION_CLASS);
RAISES(eret, "svc #0\nmov w0, #" STR(GOOD) "\n" REPORT, "eret");
RAISES(el0, "adr x2, 1f\nmsr elr_el1, x2\nmov x2, #0x3c0\nmsr spsr_el1, x2\neret\n1: svc #0",
	"mrs x0, spsr_el1\nand x0, x0, #0xf");
RAISES(page_fault, "mov x2, #0x40000000\nldr w3, [x2]", "mrs x0, far_el1");

/* System registers. */
WORKS(id_registers, "mrs x2, midr_el1\nmrs x2, mpidr_el1\nmrs x2, id_aa64pfr0_el1\n"
		    "mrs x2, id_aa64mmfr0_el1\nmrs x2, id_aa64isar0_el1\nmrs x2, ctr_el0\n"
		    "msr csselr_el1, xzr\nisb\nmrs x2, ccsidr_el1\nmrs x2, clidr_el1\n"
		    "mrs x2, dczid_el0");
VALUE(tpidr, "mov x2, #0x1234\nmsr tpidr_el1, x2\nmsr tpidr_el0, x2\nmsr sp_el0, x2\n"
	     "mrs x0, tpidr_el1");
WORKS(debug, "msr oslar_el1, xzr\nmsr mdscr_el1, xzr\nisb\nmrs x2, id_aa64dfr0_el1\n"
	     "mrs x2, mdscr_el1");
/* As a kernel does it: tables, then SCTLR_EL1.M, C and I. */
VALUE(mmu,
	"mov x2, #" STR(
		MAIR) "\nmsr mair_el1, x2\nldr x2, 7f\nmsr tcr_el1, x2\n"
		      "mov x2, #" STR(
			      GPA_L1) "\nmsr ttbr0_el1, x2\ntlbi vmalle1\ndsb sy\nisb\n"
				      "ldr x2, 8f\nmsr sctlr_el1, x2\nisb\nmov w3, #0x4321\nstr w3, [x10]\nldr w0, [x10]\n" REPORT
				      ".balign 8\n7: .quad " STR(TCR) "\n8: .quad " STR(SCTLR));
WORKS(translate,
	"at s1e1r, x10\nisb\nmrs x2, par_el1\nubfx x0, x2, #0, #1\ncbz x0, 6f\n" REPORT "6:");
WORKS(pan, NEEDS(id_aa64mmfr1_el1, 20) "msr pan, #1\nmsr pan, #0");

/* Counters and timers; the output is masked. */
WORKS(counter, "mrs x2, cntfrq_el0\nisb\nmrs x2, cntvct_el0\nmrs x2, cntpct_el0");
#define TIMER(which)                                                                               \
	"msr " which "_cval_el0, xzr\nmov x2, #3\nmsr " which                                      \
	"_ctl_el0, x2\nisb\n1: mrs x2, " which "_ctl_el0\ntbz x2, #2, 1b\nmsr " which              \
	"_ctl_el0, xzr"
WORKS(virtual_timer, TIMER("cntv"));
WORKS(physical_timer, TIMER("cntp"));

/* Caches and TLBs. */
WORKS(cache, "dc cvau, x10\ndc civac, x10\ndsb ish\nic ivau, x10\nic ialluis\ndsb ish\nisb");
VALUE(dc_zva, "mov w2, #7\nstr w2, [x10]\ndc zva, x10\nldr w0, [x10]");
WORKS(tlbi, "tlbi vmalle1is\ndsb ish\nisb");

/* Atomics, bits, vectors. */
VALUE(exclusives, "mov w3, #0x77\n1: ldaxr w2, [x10]\nstlxr w4, w3, [x10]\ncbnz w4, 1b\nclrex\n"
		  "ldr w0, [x10]");
VALUE(pairs, "mov x2, #5\nstp x2, x2, [x10]\nldp x3, x4, [x10]\nadd w0, w3, w4");
VALUE(lse, NEEDS(id_aa64isar0_el1,
		   20) "mov w2, #9\nmov w4, #0x55\nldadd w2, w3, [x10]\ncas w2, w4, [x10]\n"
		       "ldr w0, [x10]");
VALUE(crc32, NEEDS(id_aa64isar0_el1, 16) "mov w2, #1\ncrc32w w0, wzr, w2");
VALUE(fp, "mov x2, #0x300000\nmsr cpacr_el1, x2\nisb\nmov w2, #0x66\ndup v0.4s, w2\n"
	  "str q0, [x10]\nldr w0, [x10, #12]");
WORKS(hints, "yield\nsev\nwfe\nisb");

/* Calls of the firmware that KVM is: PSCI_VERSION, SMCCC_VERSION; -1 is "not there". */
#define CALL(number) "ldr w0, =" #number "\nhvc #0\ncmn w0, #1\nb.ne 5f\n" REPORT ".ltorg\n5:"
WORKS(psci, CALL(0x84000000));
WORKS(smccc, CALL(0x80000000));

#define GUEST(label, name, value, mode)                                                            \
	{                                                                                          \
		label, code_##name, code_##name##_end, NULL, mode, value                           \
	}
#define RAISING(label, name, value, mode)                                                          \
	{                                                                                          \
		label, code_##name, code_##name##_end, handler_##name, mode, value                 \
	}

const struct probe_guest arch_probe_guests[] = {
	GUEST("EL1", el1, GOOD, MMU_OFF),
	RAISING("svc", svc, 0x15, MMU_OFF),
	RAISING("brk", brk, 0x3c, MMU_OFF),
	RAISING("undefined instruction", undefined, 0, MMU_OFF),
	RAISING("eret from a handler", eret, GOOD, MMU_OFF),
	RAISING("eret to EL0", el0, 0, MMU_OFF),
	GUEST("MMU switched on", mmu, 0x4321, MMU_OFF),
	RAISING("page fault", page_fault, 0x40000000, MMU_ON),
	GUEST("ID registers", id_registers, GOOD, MMU_OFF),
	GUEST("msr tpidr_el1", tpidr, 0x1234, MMU_OFF),
	GUEST("debug registers", debug, GOOD, MMU_OFF),
	GUEST("at s1e1r", translate, GOOD, MMU_ON),
	GUEST("msr pan", pan, GOOD, MMU_OFF),
	GUEST("counters", counter, GOOD, MMU_OFF),
	GUEST("virtual timer", virtual_timer, GOOD, MMU_OFF),
	GUEST("physical timer", physical_timer, GOOD, MMU_OFF),
	GUEST("cache maintenance", cache, GOOD, MMU_ON),
	GUEST("dc zva", dc_zva, 0, MMU_ON),
	GUEST("tlbi", tlbi, GOOD, MMU_ON),
	GUEST("ldaxr and stlxr", exclusives, 0x77, MMU_ON),
	GUEST("ldp and stp", pairs, 10, MMU_ON),
	GUEST("ldadd and cas", lse, 0x55, MMU_ON),
	GUEST("crc32w", crc32, 0xb8bc6765, MMU_ON),
	GUEST("vectors", fp, 0x66, MMU_ON),
	GUEST("hints", hints, GOOD, MMU_OFF),
	GUEST("hvc: PSCI_VERSION", psci, GOOD, MMU_OFF),
	GUEST("hvc: SMCCC_VERSION", smccc, GOOD, MMU_OFF),
};
_Static_assert(ARRAY_SIZE(arch_probe_guests) < CODE_SLOTS, "a place for each");
const unsigned arch_probe_guest_count = ARRAY_SIZE(arch_probe_guests);

const struct probe_guest arch_probe_exit_guest = GUEST("exits", exits, 0, MMU_OFF);
const struct probe_guest arch_probe_loop_guest = GUEST("loop", loop, 0, MMU_ON);

/* ---- what KVM tells ---- */

const struct arch_probe_cap arch_probe_caps[] = {
#define CAP(name) name, #name
	{CAP(KVM_CAP_ONE_REG), "a vCPU's registers"},
	{CAP(KVM_CAP_DEVICE_CTRL), "interrupt controllers, set up by us"},
	{CAP(KVM_CAP_ARM_PSCI_0_2), "vCPUs that the guest starts, power-off, reset"},
	{CAP(KVM_CAP_ARM_VM_IPA_SIZE), "guest-physical addresses of other than 40 bits"},
	{CAP(KVM_CAP_ARM_PMU_V3), "the guest's performance counters (arm64.pmu)"},
	{CAP(KVM_CAP_ARM_SVE), "scalable vectors (arm64.sve)"},
	{CAP(KVM_CAP_ARM_PTRAUTH_ADDRESS), "pointer authentication (arm64.pauth)"},
	{CAP(KVM_CAP_ARM_PTRAUTH_GENERIC), "pointer authentication (arm64.pauth)"},
	{CAP(KVM_CAP_ARM_EL2), "guests that are hypervisors themselves (nested)"},
	{CAP(KVM_CAP_COUNTER_OFFSET),
		"a physical counter that is the guest's own, as the virtual one"},
	{CAP(KVM_CAP_ARM_NISV_TO_USER),
		"device accesses by pairs, vectors and write-back, decoded by us"},
	{CAP(KVM_CAP_ARM_INJECT_EXT_DABT), "on_violation: inject"},
	{CAP(KVM_CAP_ARM_INJECT_SERROR_ESR), "on_violation: serror, with a syndrome"},
	{CAP(KVM_CAP_VCPU_EVENTS), "on_violation: inject and serror"},
	{CAP(KVM_CAP_STEAL_TIME), "a guest that shares cores learns what time it lost"},
	{CAP(KVM_CAP_ARM_SYSTEM_SUSPEND), "the guest's suspend to RAM"},
};
const unsigned arch_probe_cap_count = ARRAY_SIZE(arch_probe_caps);

static void add_trait(struct kvm_probe_trait **at, const char *name, const char *why, bool there,
	const char *found)
{
	struct kvm_probe_trait *t = (*at)++;

	*t = (struct kvm_probe_trait){.name = name, .why = why, .there = there};
	snprintf(t->found, sizeof(t->found), "%s", found);
}

unsigned arch_probe_traits(int kvm_fd, struct kvm_probe_trait ret_traits[KVM_PROBE_TRAITS_MAX])
{
	AUTO_CLOSE int vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, arch_vm_type(kvm_fd));
	int bits = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
	struct kvm_device_attr filter = {
		.group = KVM_ARM_VM_SMCCC_CTRL, .attr = KVM_ARM_VM_SMCCC_FILTER};
	struct kvm_probe_trait *at = ret_traits;
	bool v2, v3, its, filtered;
	uint32_t psci = 0;
	char text[32];

	if (vm_fd < 0)
		return 0;
	v2 = gic_offered(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V2);
	v3 = gic_offered(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V3);
	its = gic_offered(vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
	add_trait(&at, "interrupt controller",
		"without one no partition runs; a GICv2 has 8 vCPUs at most", v2 || v3,
		v2 && v3 ? "GICv3, GICv2"
		: v3     ? "GICv3"
		: v2     ? "GICv2"
			 : "none");
	add_trait(&at, "ITS", "interrupt messages of PCI functions (arm64.its)", its,
		its ? "there" : "not there");
	snprintf(text, sizeof(text), "%d bits", bits > 0 ? bits : 40);
	add_trait(&at, "guest addresses", "memory starts at 1 GiB; PCI takes 40 bits",
		bits <= 0 || bits >= 40, text);
	if (psci_newest(vm_fd, &psci))
		snprintf(text, sizeof(text), "not known");
	else
		snprintf(text, sizeof(text), "%u.%u", psci >> 16, psci & 0xffff);
	add_trait(&at, "PSCI", "vCPUs that the guest starts, power-off, reset (arm64.psci)",
		psci != 0, text);
	filtered = !ioctl(vm_fd, KVM_HAS_DEVICE_ATTR, &filter);
	add_trait(&at, "SMCCC filter",
		"Bulkhead's hypercalls reach it; without, guests use the control page", filtered,
		filtered ? "there" : "not there");
	return (unsigned)(at - ret_traits);
}

bool arch_probe_cpuid_kept(int kvm_fd)
{
	(void)kvm_fd; /* ID registers are set one by one, and KVM refuses what it does not keep */
	return true;
}

/* ---- into the guest ---- */

static void put_u64(struct probe_vm *vm, uint64_t gpa, uint64_t value)
{
	memcpy(vm->memory + gpa, &value, sizeof(value));
}

static void put_u32(struct probe_vm *vm, uint64_t gpa, uint32_t value)
{
	memcpy(vm->memory + gpa, &value, sizeof(value));
}

/* A branch from FROM to TO [Arm ARM C6.2.26]. */
static uint32_t branch(uint64_t from, uint64_t to)
{
	return 0x14000000u | ((uint32_t)((int64_t)(to - from) / 4) & 0x3ffffffu);
}

/*
 * Each guest has a place of its own, so that an emulator which does not notice how code is
 * overwritten never takes one guest, gone with its memory, for the next (QEMU 7.2, by SVE's
 * stores).
 */
static uint64_t code_address(const struct probe_guest *guest)
{
	size_t slot = CODE_SLOTS - 1;

	for (size_t i = 0; i < ARRAY_SIZE(arch_probe_guests); i++) {
		if (guest == &arch_probe_guests[i])
			slot = i;
	}
	return GPA_CODE + slot * CODE_MAX;
}

/* Vectors that go to the guest's handler, or else report the syndrome. */
static void fill_vectors(struct probe_vm *vm, const struct probe_guest *guest)
{
	enum { ENTRIES = 16, ENTRY_SIZE = 0x80 };

	for (unsigned i = 0; i < ENTRIES; i++) {
		uint64_t at = GPA_VECTORS + i * ENTRY_SIZE;

		if (guest->handler) {
			put_u32(vm, at,
				branch(at, code_address(guest) +
						   (uint64_t)(guest->handler - guest->code)));
			continue;
		}
		put_u32(vm, at, 0xd5385200);     /* mrs x0, esr_el1 */
		put_u32(vm, at + 4, 0xb9000120); /* str w0, [x9] */
		put_u32(vm, at + 8, branch(at + 8, at + 8));
	}
}

/* The first 2 MiB of memory and what follows it as a device, mapped to themselves [D8.3]. */
static void fill_tables(struct probe_vm *vm)
{
	enum { TABLE = 3, BLOCK = 1, INNER = 3 << 8, ACCESSED = 1 << 10 };

	put_u64(vm, GPA_L1, GPA_L2 | TABLE);
	put_u64(vm, GPA_L2, 0 | BLOCK | INNER | ACCESSED);
	put_u64(vm, GPA_L2 + 8, REPORT_AT | BLOCK | INNER | ACCESSED | ATTR_DEV << 2);
}

int arch_probe_prepare(struct probe_vm *vm)
{
	(void)vm;
	return 0;
}

int arch_probe_enter(struct probe_vm *vm, const struct probe_guest *guest, uint64_t argument)
{
	const struct {
		uint64_t reg, value;
		bool mmu;
	} regs[] = {
		{REG_PC, code_address(guest), false},
		{REG_PSTATE, PSTATE_EL1H_MASKED, false},
		{REG_SPEL1, GPA_STACK, false},
		{REG_X(1), argument, false},
		{REG_X(9), REPORT_AT, false},
		{REG_X(10), GPA_SCRATCH, false},
		{REG_VBAR_EL1, GPA_VECTORS, false},
		{REG_MAIR_EL1, MAIR, true},
		{REG_TCR_EL1, TCR, true},
		{REG_TTBR0_EL1, GPA_L1, true},
		{REG_SCTLR_EL1, SCTLR, true},
	};
	size_t size = (size_t)(guest->code_end - guest->code);
	const struct vcpu vcpu = {.fd = vm->vcpu_fd};
	struct kvm_vcpu_init init = {0};
	int ret = 0;

	if (size > CODE_MAX)
		return -EINVAL;
	memcpy(vm->memory + code_address(guest), guest->code, size);
	fill_vectors(vm, guest);
	fill_tables(vm);
	if (ioctl(vm->vm_fd, KVM_ARM_PREFERRED_TARGET, &init))
		return -errno;
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (ioctl(vm->vcpu_fd, KVM_ARM_VCPU_INIT, &init))
		return -errno;
	for (size_t i = 0; !ret && i < ARRAY_SIZE(regs); i++) {
		if (!regs[i].mmu || guest->mode == MMU_ON)
			ret = reg_set_u64(&vcpu, regs[i].reg, regs[i].value);
	}
	return ret;
}

bool arch_probe_result(const struct probe_vm *vm, uint32_t *ret_result)
{
	const struct kvm_run *run = vm->run;

	if (run->exit_reason != KVM_EXIT_MMIO || !run->mmio.is_write || run->mmio.len != 4 ||
		run->mmio.phys_addr != REPORT_AT)
		return false;
	memcpy(ret_result, run->mmio.data, sizeof(*ret_result));
	return true;
}
