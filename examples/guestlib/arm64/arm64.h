/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arm64 side of the guest library, for images that look at the machine itself: system
 * registers, exceptions, interrupt controller, device tree, firmware calls. EL1, memory
 * identity-mapped.
 */
#ifndef GUESTLIB_ARM64_H
#define GUESTLIB_ARM64_H

#include "guest.h"
#include "mmio.h"

/* ---- instructions ---- */

#define sysreg_read(name)                                                                          \
	({                                                                                         \
		uint64_t sysreg_value;                                                             \
		__asm__ volatile("mrs %0, " #name : "=r"(sysreg_value) : : "memory");              \
		sysreg_value;                                                                      \
	})

/* With the ISB that makes it so for what follows. */
#define sysreg_write(name, v)                                                                      \
	__asm__ volatile("msr " #name ", %0\n\tisb" : : "r"((uint64_t)(v)) : "memory")

#define dsb() __asm__ volatile("dsb sy" : : : "memory")
#define isb() __asm__ volatile("isb" : : : "memory")

/* The virtual count, not before what comes before it. */
static inline uint64_t counter_read(void)
{
	isb();
	return sysreg_read(cntvct_el0);
}

/* ---- how a CPU was entered ---- */

/* Before anything was changed; start.S fills it in. */
struct entry_state {
	uint64_t x[4];
	uint64_t current_el, daif;
	uint64_t sctlr, sp_sel; /* SCTLR of the EL */
	uint64_t cntvct, mpidr;
};

extern struct entry_state entry_states[GUEST_CPUS_MAX];

/* ---- exceptions ---- */

/* As trap_entry.S leaves it on the stack. */
struct trap_frame {
	uint64_t x[31];
	uint64_t pc, pstate;
	uint64_t esr, far; /* no interrupt writes them */
	uint64_t vector;   /* 0-15, in the order of the table */
};

typedef void trap_handler(struct trap_frame *frame);

/* Exception classes, ESR_EL1 [DDI 0487 D17.2.37]. */
#define EC_UNKNOWN    0x00
#define EC_SVC        0x15
#define EC_HVC        0x16
#define EC_SYSTEM     0x18
#define EC_INSN_ABORT 0x21
#define EC_PC_ALIGN   0x22
#define EC_DATA_ABORT 0x25
#define EC_SERROR     0x2F
#define EC_COUNT      64

static inline unsigned esr_class(uint64_t esr)
{
	return esr >> 26 & 0x3F;
}

/* Data Fault Status Code: of the syndrome of an abort. */
#define DFSC(esr)       ((esr)&0x3F)
#define DFSC_EXTERNAL   0x10 /* synchronous, not on a table walk */
#define DFSC_ALIGNMENT  0x21
#define ESR_WNR         (1U << 6)
#define ESR_FAR_INVALID (1U << 10)
#define ESR_IL          (1U << 25) /* a 32-bit instruction */

/*
 * HANDLER is called for a synchronous exception of CLASS at EL1, interrupts off; it may change the
 * frame to return elsewhere. NULL, and one without a handler: prints the registers and ends with
 * EXIT_EXCEPTION. SErrors are class EC_SERROR.
 */
void trap_set(unsigned class, trap_handler *handler);

/* *RET_VALUE is what is at ADDRESS; false when reading it was an exception. */
bool probe_read32(uint64_t address, uint32_t *ret_value);

/* ---- device tree [Devicetree Specification 0.4, chapter 5] ---- */

/* Nodes are offsets; -1 is none. The root is node 0. */
bool dt_init(const void *blob);
const void *dt_blob(uint32_t *ret_size);

/* The node after NODE (-1: the first) in the order of the blob; its depth, the root's being 0, is
 * counted in *DEPTH, which begins as -1. */
int dt_next(int node, int *depth);
const char *dt_name(int node);
int dt_parent(int node);

/* The node at PATH up to its end or a colon; units may be left out; no leading slash: an alias. */
int dt_path(const char *path);

/* The first enabled node after AFTER (-1: from the first) that is COMPATIBLE. */
int dt_compatible(int after, const char *compatible);

const void *dt_property(int node, const char *name, uint32_t *ret_size);
const char *dt_string(int node, const char *name); /* NULL: none, or not ended */

/* The I-th 32-bit cell of a property; false past its end. */
bool dt_cell(int node, const char *name, unsigned i, uint32_t *ret_value);

/* The I-th address and size of "reg". */
bool dt_reg(int node, unsigned i, uint64_t *ret_base, uint64_t *ret_size);

/* The interrupt number that the GIC has for the I-th interrupt (3 cells each); 0: none. */
unsigned dt_interrupt(int node, unsigned i);

/* ---- interrupt controller ---- */

#define GIC_SGI      0  /* INTIDs: 16 between CPUs, */
#define GIC_PPI      16 /* 16 private ones of a CPU, */
#define GIC_SPI      32 /* and the shared ones */
#define GIC_SGI_IPI  15 /* ipi_send's; 0-14 are free */
#define GIC_INTIDS   288
#define GIC_SPURIOUS 1020 /* to 1023 */
#define GIC_LPI      8192 /* and above: messages */

void gic_init(void);     /* start-up, CPU 0 */
void gic_init_cpu(void); /* every CPU, once */

unsigned gic_version(void); /* 2 or 3 */
uint64_t gic_distributor(void);
uint64_t gic_redistributor(unsigned cpu); /* version 3, once the CPU has run */

/* HANDLER is called for INTID in interrupt context; an interrupt that is shared, on this CPU. */
void gic_set(unsigned intid, bool edge, void (*handler)(void));
void gic_clear(unsigned intid);
bool gic_is_pending(unsigned intid);

/* HANDLER is called for all LPIs; tables and an ITS are the image's affair. CPU 0. */
void gic_set_lpi(void (*handler)(unsigned intid));

/* Sends SGI (0-15) to CPU. */
void gic_send(unsigned cpu, unsigned sgi);

/* From the exception entry: handles all that is pending. */
void gic_handle(void);

/* ---- timers ---- */

#define TIMER_ENABLE 1
#define TIMER_MASKED 2
#define TIMER_STATUS 4

enum arm_timer { TIMER_PHYSICAL = 1, TIMER_VIRTUAL = 2 }; /* place in the tree's list */

/* Interrupt of a timer. */
unsigned timer_intid(enum arm_timer timer);

uint64_t counter_hz(void);
uint64_t counter_to_ns(uint64_t cycles);
uint64_t counter_from_ns(uint64_t ns);
void time_init(void);

/* ---- firmware [SMCCC 1.5, DEN 0022 F.b] ---- */

struct smccc {
	uint64_t x[4];
};

struct smccc smccc_hvc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
struct smccc smccc_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);

#define PSCI_VERSION        0x84000000
#define PSCI_CPU_SUSPEND    0xC4000001
#define PSCI_CPU_OFF        0x84000002
#define PSCI_CPU_ON         0xC4000003
#define PSCI_AFFINITY_INFO  0xC4000004
#define PSCI_MIGRATE_TYPE   0x84000006
#define PSCI_SYSTEM_OFF     0x84000008
#define PSCI_SYSTEM_RESET   0x84000009
#define PSCI_FEATURES       0x8400000A
#define PSCI_SYSTEM_SUSPEND 0xC400000E
#define PSCI_SYSTEM_RESET2  0xC4000012
#define SMCCC_VERSION       0x80000000

#define PSCI_SUCCESS         0
#define PSCI_NOT_SUPPORTED   (-1)
#define PSCI_INVALID         (-2)
#define PSCI_DENIED          (-3)
#define PSCI_ALREADY_ON      (-4)
#define PSCI_INVALID_ADDRESS (-9)
#define PSCI_ON              0 /* AFFINITY_INFO */
#define PSCI_OFF             1

/* By HVC or SMC, as the tree says; the result is signed. */
int64_t psci_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
bool psci_by_smc(void);
void psci_init(void);

uint64_t cpu_mpidr(unsigned cpu); /* affinity fields only, as the tree has it */

/* Starts CPU, and runs fn on it; what PSCI says. CPU_OFF ends it, and so does fn's return. */
int64_t cpu_on(unsigned cpu, void (*fn)(unsigned cpu));

/* Only sets what secondary_start runs as CPU, the number that it is entered with. */
void cpu_prepare(unsigned cpu, void (*fn)(unsigned cpu));
extern uint8_t secondary_start[];

/* ---- single instructions ---- */

struct registers {
	uint64_t x[31], unused;
	uint64_t v[32][2];
};

/*
 * Runs INSN, neither a branch nor one that uses the stack pointer, with all registers as *R says,
 * and puts them into *R as they are then. CPU 0.
 */
void execute(struct registers *r, uint32_t insn);
extern uint8_t execute_slot[]; /* where INSN is then */

/* The code of an instruction. */
#define ENCODE(text)                                                                               \
	({                                                                                         \
		uint64_t encode_at;                                                                \
		__asm__(".arch_extension simd\n"                                                   \
			"\t.pushsection .rodata.encode, \"a\"\n\t.balign 4\n1:\t" text             \
			"\n\t.popsection\n\tadrp %0, 1b\n\tadd %0, %0, :lo12:1b"                   \
			: "=r"(encode_at));                                                        \
		*(const uint32_t *)encode_at;                                                      \
	})

/* ---- the rest ---- */

void boot_init(void);    /* the tree -> struct boot */
void mmu_init(void);     /* memory of struct boot, then on */
void console_init(void); /* once before the tree is read, once after */
void control_init(void);
bool control_present(void);
uint64_t console_base(void);
unsigned console_intid(void);

#endif
