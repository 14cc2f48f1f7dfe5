/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtual count begins near zero when the partition starts (begins=0: elsewhere), and goes
 * together with the physical one; the physical timer; conditions, masks and status of both timers
 * [DDI 0487 D11.2].
 */
#include "../timer.h"

#include "../check.h"
#include "arm64.h"

#define STARTED_WITHIN                                                                             \
	(5 * NS_PER_S) /* a loaded host may take as long to run a first instruction */
#define ONE_SHOT (10 * NS_PER_MS)
#define SET_ANEW 40 /* times */
#define LATE     (4 * TIMER_PERIOD_MS * NS_PER_MS)

/*
 * KVM before Linux 6.14 that emulates the physical timer (without VHE): one that is set anew while
 * its interrupt is asserted, as any handler does, fires only after one more access, or once the
 * vCPU is scheduled anew.
 */
static bool forgets;

static uint64_t physical_count(void)
{
	isb();
	return sysreg_read(cntpct_el0);
}

/* Ticks that are over are not made up for. */
static void physical_tick(void)
{
	uint64_t due = sysreg_read(cntp_cval_el0), now = physical_count();

	while (due <= now)
		due += counter_from_ns(TIMER_PERIOD_MS * NS_PER_MS);
	sysreg_write(cntp_cval_el0, due);
	if (forgets)
		sysreg_write(cntp_cval_el0, due);
	tick();
}

/* Another access to a timer that is late, and nothing else, makes it come. */
static void find_whether_kvm_forgets(void)
{
	unsigned helped = 0;

	irq_enable();
	for (unsigned i = 0; i < SET_ANEW; i++) {
		unsigned seen = ticks;
		uint64_t start = counter_read();

		while (ticks == seen && counter_read() - start < counter_from_ns(LATE))
			;
		if (ticks != seen)
			continue;
		sysreg_write(cntp_ctl_el0, TIMER_ENABLE);
		delay_ns(NS_PER_MS);
		helped += ticks != seen;
	}
	irq_disable();
	forgets = helped > SET_ANEW / 10;
	if (forgets)
		kprintf("host    a physical timer that its own interrupt sets anew does not fire "
			"(KVM without VHE, before Linux 6.14)\n");
}

static void check_counters(void)
{
	uint64_t first = entry_states[0].cntvct;
	int64_t ms = (int64_t)counter_from_ns(NS_PER_MS), apart, later;

	if (cmdline_number("begins", 1))
		check(counter_to_ns(first) < STARTED_WITHIN,
			"the virtual count was %lu us when the image was entered",
			counter_to_ns(first) / NS_PER_US);
	check(counter_hz() >= 1000000, "CNTFRQ_EL0 is %lu Hz", counter_hz());
	apart = (int64_t)(physical_count() - counter_read());
	delay_ns(20 * NS_PER_MS);
	later = (int64_t)(physical_count() - counter_read());
	check(later - apart < ms && apart - later < ms,
		"physical and virtual count stay %ld ms apart", apart / ms);
}

static bool is_due(void)
{
	return sysreg_read(cntv_ctl_el0) & TIMER_STATUS;
}

static bool is_pending(void)
{
	return gic_is_pending(timer_intid(TIMER_VIRTUAL));
}

/* An emulated timer may be late. */
static bool soon(bool (*is)(void))
{
	uint64_t start = counter_read();

	while (!is())
		if (counter_read() - start > counter_hz())
			return false;
	return true;
}

/* Without an interrupt: ISTATUS says when CVAL is reached, also when masked. */
static void check_status(void)
{
	uint64_t start = counter_read(), cycles = counter_from_ns(ONE_SHOT);

	gic_clear(timer_intid(TIMER_VIRTUAL));
	sysreg_write(cntv_cval_el0, start + cycles);
	sysreg_write(cntv_ctl_el0, TIMER_ENABLE | TIMER_MASKED);
	check(!is_due() || counter_read() - start >= cycles, "ISTATUS is 0 before");
	check((int32_t)sysreg_read(cntv_tval_el0) <= (int64_t)cycles, "TVAL counts down");
	check(soon(is_due) && counter_read() - start >= cycles, "ISTATUS is 1 after");
	check(sysreg_read(cntv_ctl_el0) == (TIMER_ENABLE | TIMER_MASKED | TIMER_STATUS),
		"the timer is still masked");
	check((int32_t)sysreg_read(cntv_tval_el0) <= 0, "TVAL is below 0 then");
	check(!is_pending(), "no interrupt is pending");
	sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
	check(soon(is_pending), "one is once it is not masked");
	sysreg_write(cntv_ctl_el0, 0);
	check(!is_pending(), "and none when it is off");
}

static void check_once(void)
{
	uint64_t start = counter_read(), us;

	ticks = 0;
	sysreg_write(cntp_tval_el0, counter_from_ns(ONE_SHOT));
	sysreg_write(cntp_ctl_el0, TIMER_ENABLE);
	while (!ticks)
		cpu_wait();
	sysreg_write(cntp_ctl_el0, 0);
	us = counter_to_ns(counter_read() - start) / NS_PER_US;
	check(us >= ONE_SHOT / NS_PER_US && us < 200000,
		"physical timer, one shot of 10 ms after %lu us", us);
}

void check_machine_timers(void)
{
	kprintf("timers: INTIDs %u and %u, GICv%u\n", timer_intid(TIMER_PHYSICAL),
		timer_intid(TIMER_VIRTUAL), gic_version());
	check_counters();
	check_status();
	gic_set(timer_intid(TIMER_PHYSICAL), false, physical_tick);
	check_once();
	sysreg_write(cntp_cval_el0, physical_count());
	sysreg_write(cntp_ctl_el0, TIMER_ENABLE);
	find_whether_kvm_forgets();
	check_ticks("physical timer");
	sysreg_write(cntp_ctl_el0, 0);
}
