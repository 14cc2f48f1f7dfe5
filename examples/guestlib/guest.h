/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest library: what a small program needs to run alone in a partition, with no operating system
 * below it. An image is one or more .c files with a guest_main, linked to this library; the same
 * source runs on every architecture that has a folder here.
 *
 * There is no heap, no floating point, and no thread but the CPUs themselves. Functions may be
 * called on any CPU unless they say otherwise.
 */
#ifndef GUESTLIB_GUEST_H
#define GUESTLIB_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* The image's own: called on CPU 0, interrupts off. What it returns goes to guest_exit. */
int guest_main(void);

/* ---- ending ---- */

/* Exit codes the library itself uses; an image uses small ones. */
#define EXIT_PANIC     97
#define EXIT_EXCEPTION 98

/* Ends the partition: 0 says success, 1..127 failure. */
_Noreturn void guest_exit(unsigned code);

/* Prints a message and ends with EXIT_PANIC. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- console ---- */

/*
 * printf with %c %s %d %i %u %x %p, l, ll and z, a width, and 0 or - before the width. A call's
 * output (at most 512 bytes) is not mixed with another CPU's.
 */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
void console_write(const char *text, size_t size);

/* The next byte of console input, or -1 when there is none now. */
int console_read(void);

/*
 * HANDLER is called in interrupt context on this CPU as soon as there is console input: once, until
 * it is asked for again.
 */
void console_notify(void (*handler)(void));

/* ---- what the loader told ---- */

const char *cmdline(void); /* "" when there is none */

/*
 * The value of KEY in a command line of key=value words: copied into BUF, cut to fit. False, and
 * BUF untouched, when the key is not there.
 */
bool cmdline_get(const char *key, char *buf, size_t size);

/* The same as a number (decimal, or hexadecimal after 0x), and as a time in nanoseconds (a number
 * with ns, us, ms or s after it); FALLBACK when the key is not there. Anything else panics. */
uint64_t cmdline_number(const char *key, uint64_t fallback);
uint64_t cmdline_time(const char *key, uint64_t fallback);

enum memory_type { MEMORY_RAM = 1, MEMORY_RESERVED = 2 };

struct memory_range {
	uint64_t base;
	uint64_t size;
	uint32_t type; /* enum memory_type, or another number of the loader's */
};

/* The I-th range of the memory map; false past the last one. */
bool memory_map(unsigned i, struct memory_range *ret_range);

struct boot_module {
	const void *data;
	size_t size;
	const char *string;
};

bool boot_module(unsigned i, struct boot_module *ret_module);

/*
 * Maps the aligned GiB that holds GPA to itself, as device memory, unless it is mapped already: RAM
 * and devices of the standard machine are. At most 4 of them; on every CPU. CPU 0.
 */
void paging_map_gib(uint64_t gpa);

/* ---- time ---- */

/* Nanoseconds since the image started. Reads the same clock on every CPU. */
uint64_t time_ns(void);

/* The clock that time_ns reads, in cycles of its own, from whenever it began. */
uint64_t clock_cycles(void);

/* Spins for at least NS nanoseconds. */
void delay_ns(uint64_t ns);

/*
 * This CPU's timer: HANDLER is called in interrupt context once in NS nanoseconds, or every NS
 * nanoseconds. Interrupts must be on, or cpu_wait be called, for it to come.
 */
void timer_once(uint64_t ns, void (*handler)(void));
void timer_periodic(uint64_t ns, void (*handler)(void));
void timer_stop(void);

/* ---- Bulkhead ---- */

/*
 * Registers of the control page, as <bulkhead/control.h> names them. Where there is no page, reads
 * give all-ones (unless the plan says otherwise), and BULKHEAD_CONTROL_ID is not its magic.
 */
uint32_t control_read(unsigned reg);
void control_write(unsigned reg, uint32_t v);

/* ---- CPUs ---- */

#define CPUS_MAX 64

unsigned cpu_count(void); /* all that the firmware tables list */
unsigned cpu_id(void);    /* this one: 0 is the boot CPU */

/*
 * CPU 0 only: starts every other CPU, each calling fn(its id) once, with interrupts off. Returns
 * how many CPUs run now, CPU 0 included, which is fewer than cpu_count() if some did not start.
 */
unsigned cpus_start(void (*fn)(unsigned cpu));

/* Waits until fn has returned on every started CPU. */
void cpus_join(void);

void irq_enable(void);
void irq_disable(void);

/* With interrupts off: sleeps until an interrupt has been handled, and comes back with them off. */
void cpu_wait(void);

/* Lets interrupts that are pending in, without sleeping. Interrupts are off before and after. */
void cpu_let_in(void);

/* Sleeps for good. */
_Noreturn void cpu_stop(void);

/* In a spinning loop. */
void cpu_relax(void);

/* An instruction that no processor has. */
void cpu_undefined(void);

/*
 * HANDLER is called in interrupt context for the edge-triggered device interrupt GSI, which this
 * CPU gets from now on; NULL: it is masked. At most 8 of them.
 */
void gsi_set(unsigned gsi, void (*handler)(void));

/* HANDLER is called in interrupt context on every CPU that ipi_send names. */
void ipi_set(void (*handler)(void));
void ipi_send(unsigned cpu);

struct spinlock {
	int taken;
};

static inline void spin_lock(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->taken, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->taken, 0, __ATOMIC_RELEASE);
}

/* ---- strings; the compiler itself calls the mem functions ---- */

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
const char *strstr(const char *text, const char *what);

#endif
