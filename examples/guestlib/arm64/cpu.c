/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CPUs, as the device tree lists them and PSCI starts them [DEN 0022 F.b]; sleeping, interrupts on
 * and off; and how a partition ends.
 */
#include "arm64.h"

#include <bulkhead/control.h>

#define START_WAIT    (2 * NS_PER_S)
#define MPIDR_FIELDS  UINT64_C(0xFF00FFFFFF)
#define SEMI_EXIT     0x20 /* SYS_EXIT_EXTENDED [Semihosting 2.0] */
#define SEMI_APP_EXIT 0x20026

struct entry_state entry_states[GUEST_CPUS_MAX];

static uint64_t mpidrs[GUEST_CPUS_MAX];
static unsigned count;
static bool by_smc;
static void (*functions[GUEST_CPUS_MAX])(unsigned cpu);
static unsigned online;   /* CPUs that have started, CPU 0 not counted */
static unsigned finished; /* of those, whose function has returned */

_Noreturn void secondary_main(unsigned cpu);
void semihosting_call(uint64_t operation, const void *block);

/* A call by INSN; results and what else the callee may change [SMCCC 1.0 2.5]. */
#define SMCCC_CALL(insn)                                                                           \
	register uint64_t x0 __asm__("x0") = function;                                             \
	register uint64_t x1 __asm__("x1") = a1;                                                   \
	register uint64_t x2 __asm__("x2") = a2;                                                   \
	register uint64_t x3 __asm__("x3") = a3;                                                   \
	__asm__ volatile(insn " #0"                                                                \
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                  \
			 :                                                                         \
			 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",  \
			 "x15", "x16", "x17", "memory");                                           \
	return (struct smccc)                                                                      \
	{                                                                                          \
		{                                                                                  \
			x0, x1, x2, x3                                                             \
		}                                                                                  \
	}

struct smccc smccc_hvc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	SMCCC_CALL("hvc");
}

struct smccc smccc_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	SMCCC_CALL("smc");
}

bool psci_by_smc(void)
{
	return by_smc;
}

int64_t psci_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct smccc r = (by_smc ? smccc_smc : smccc_hvc)(function, a1, a2, a3);

	/* A 32-bit function's result has nothing above its 32 bits. */
	return function & 0x40000000 ? (int64_t)r.x[0] : (int32_t)r.x[0];
}

void psci_init(void)
{
	const char *method = dt_string(dt_path("/psci"), "method");
	int cpus = dt_path("/cpus"), depth = 0;
	uint64_t self = sysreg_read(mpidr_el1) & MPIDR_FIELDS, id, size;

	by_smc = method && strcmp(method, "smc") == 0;
	mpidrs[count++] = self;
	for (int i = dt_next(cpus, &depth); i >= 0 && depth > 0; i = dt_next(i, &depth)) {
		const char *type = dt_string(i, "device_type");

		if (!type || strcmp(type, "cpu") != 0 || !dt_reg(i, 0, &id, &size))
			continue;
		if (id != self && count < GUEST_CPUS_MAX)
			mpidrs[count++] = id;
	}
}

unsigned cpu_count(void)
{
	return count;
}

unsigned cpu_id(void)
{
	return (unsigned)sysreg_read(tpidr_el1);
}

uint64_t cpu_mpidr(unsigned cpu)
{
	return mpidrs[cpu];
}

void irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

void irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" : : : "memory");
}

void cpu_wait(void)
{
	/* An interrupt ends the sleep although it is not let in before the next instruction. */
	__asm__ volatile("dsb sy\n\twfi" : : : "memory");
	cpu_let_in();
}

void cpu_let_in(void)
{
	irq_enable();
	isb();
	irq_disable();
}

void cpu_stop(void)
{
	irq_disable();
	for (;;)
		__asm__ volatile("wfi" : : : "memory");
}

void cpu_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

void cpu_undefined(void)
{
	__asm__ volatile("udf #0");
}

void secondary_main(unsigned cpu)
{
	gic_init_cpu();
	__asm__ volatile("msr daifclr, #4");
	__atomic_fetch_add(&online, 1, __ATOMIC_SEQ_CST);
	functions[cpu](cpu);
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	cpu_stop();
}

void cpu_prepare(unsigned cpu, void (*fn)(unsigned cpu))
{
	functions[cpu] = fn;
	dsb();
}

int64_t cpu_on(unsigned cpu, void (*fn)(unsigned cpu))
{
	cpu_prepare(cpu, fn);
	return psci_call(PSCI_CPU_ON, mpidrs[cpu], (uint64_t)secondary_start, cpu);
}

static bool wait_online(unsigned target)
{
	uint64_t begin = time_ns();

	while (__atomic_load_n(&online, __ATOMIC_SEQ_CST) < target) {
		if (time_ns() - begin > START_WAIT)
			return false;
		cpu_relax();
	}
	return true;
}

unsigned cpus_start(void (*fn)(unsigned cpu))
{
	for (unsigned cpu = 1; cpu < count; cpu++) {
		unsigned target = online + 1;

		if (cpu_on(cpu, fn) == PSCI_SUCCESS)
			wait_online(target);
	}
	return 1 + online;
}

void cpus_join(void)
{
	while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < online)
		cpu_relax();
}

void guest_exit(unsigned code)
{
	const uint64_t block[2] = {SEMI_APP_EXIT, code};

	control_write(BULKHEAD_CONTROL_EXIT, code);
	/* There is no such page. QEMU with -semihosting takes this; elsewhere it is undefined. */
	semihosting_call(SEMI_EXIT, block);
	/* Nobody took the code. A failure must not look like a power-off: ask for a reset. */
	psci_call(code ? PSCI_SYSTEM_RESET : PSCI_SYSTEM_OFF, 0, 0, 0);
	cpu_stop();
}
