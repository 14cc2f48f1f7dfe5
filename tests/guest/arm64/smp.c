/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPIDRs: they agree in the device tree, MPIDR_EL1 and the redistributor, and are as a machine of
 * this kind has them; and the state that CPU_ON starts a CPU in [DEN 0022 F.b 6.4].
 */
#include "../smp.h"

#include "../check.h"
#include "arm64.h"

#define AFFINITY    0xFF00FFFFFF
#define EL1         (1 << 2)
#define DAIF_ALL    0x3C0
#define SCTLR_M_C_I 0x1005
#define SCTLR_EE    (1 << 25)
#define GICR_TYPER  0x08
#define CLUSTER_V3  16
#define CLUSTER_V2  8 /* QEMU's, and Bulkhead has no more than 8 CPUs then */

void cpu_look(unsigned cpu)
{
	(void)cpu; /* start.S has noted all of it */
}

bool cpu_agrees(unsigned cpu)
{
	const struct entry_state *s = &entry_states[cpu];
	unsigned cluster = gic_version() == 3 ? CLUSTER_V3 : CLUSTER_V2;
	uint64_t mpidr = cpu_mpidr(cpu), typer = mpidr;

	if (gic_version() == 3)
		typer = mmio_read64(gic_redistributor(cpu) + GICR_TYPER) >> 32;
	if (mpidr == (cpu % cluster | cpu / cluster << 8) && (s->mpidr & AFFINITY) == mpidr &&
		typer == mpidr && (!cpu || s->x[0] == cpu) && s->current_el == EL1 &&
		s->daif == DAIF_ALL && s->sp_sel == 1 && !(s->sctlr & (SCTLR_M_C_I | SCTLR_EE)))
		return true;
	kprintf("cpu %u: tree 0x%lx, MPIDR_EL1 0x%lx, redistributor 0x%lx\n", cpu, mpidr, s->mpidr,
		typer);
	kprintf("cpu %u: x0 0x%lx, CurrentEL 0x%lx, DAIF 0x%lx, SPSel %lu, SCTLR 0x%lx\n", cpu,
		s->x[0], s->current_el, s->daif, s->sp_sel, s->sctlr);
	return false;
}

/* One clock: who started later has read a higher count. */
void check_cpus(unsigned cpus)
{
	unsigned right = 0;

	for (unsigned i = 1; i < cpus; i++)
		right += entry_states[i].cntvct > entry_states[i - 1].cntvct;
	check(right == cpus - 1, "the virtual count of each is ahead of the one's before");
}
