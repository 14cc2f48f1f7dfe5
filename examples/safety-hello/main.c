/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A safety partition's first program: says where it is, starts its cores, and beats.
 *
 * The loader puts the image where it was linked for (x86: 0x100000, in 32-bit protected mode;
 * arm64: 0x40080000, without an MMU); the guest library's few lines of assembly
 * (guestlib/ARCH/start.S) go on to 64-bit mode with paging and call guest_main below. From there on
 * it is plain C, without an operating system.
 *
 * Command line: beats=5 period=200ms exit=0; beats=0 beats for ever.
 */
#include "guest.h"

/* Written by the timer interrupt, read by the main loop: hence volatile. */
static volatile uint64_t beats_seen;
static volatile uint64_t beat_time; /* ns since the start, of the last beat */

static void beat(void)
{
	beat_time = time_ns();
	beats_seen = beats_seen + 1;
}

/* What every other core does: says hello, and is then stopped by the library. */
static void core_hello(unsigned cpu)
{
	kprintf("core %u: hello\n", cpu);
}

static void print_memory(void)
{
	struct memory_range r;

	kprintf("memory:\n");
	for (unsigned i = 0; memory_map(i, &r); i++)
		kprintf("  0x%010lx - 0x%010lx  %6lu KiB  %s\n", r.base, r.base + r.size - 1,
			r.size / 1024, r.type == MEMORY_RAM ? "RAM" : "reserved");
}

/* How far the N-th beat came from where it belongs, in microseconds. */
static int64_t jitter_us(uint64_t start, uint64_t period, uint64_t n)
{
	return (int64_t)(beat_time - (start + n * period)) / (int64_t)NS_PER_US;
}

int guest_main(void)
{
	uint64_t beats = cmdline_number("beats", 5);
	uint64_t period = cmdline_time("period", 200 * NS_PER_MS);
	uint64_t start;

	kprintf("safety-hello: a partition of its own\n");
	kprintf("command line: %s\n", cmdline());
	print_memory();

	kprintf("cores: %u\n", cpu_count());
	kprintf("core 0: hello\n");
	if (cpus_start(core_hello) != cpu_count())
		panic("not all cores have started");
	cpus_join();

	start = time_ns();
	timer_periodic(period, beat);
	for (uint64_t n = 1; !beats || n <= beats; n++) {
		/* Interrupts are off except inside cpu_wait, so that no beat is missed here. */
		while (beats_seen < n)
			cpu_wait();
		kprintf("beat %lu at %lu ms, jitter %ld us\n", n, beat_time / NS_PER_MS,
			jitter_us(start, period, n));
	}
	timer_stop();
	kprintf("safety-hello: done\n");
	return (int)cmdline_number("exit", 0); /* the library hands it to Bulkhead */
}
