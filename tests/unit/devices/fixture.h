/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine with memory for firmware alone, whose services write down what devices ask of them. */
#ifndef TESTS_UNIT_DEVICES_FIXTURE_H
#define TESTS_UNIT_DEVICES_FIXTURE_H

#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"
#include "vmm/machine.h"

#include <check.h>
#include <string.h>

#define FIXTURE_LINES 24

struct fixture {
	struct machine m;
	uint8_t low[4096]; /* the first page; x86: interrupt vectors, BIOS data area */
	uint8_t tables[X86_FIRMWARE_END - X86_FIRMWARE_BASE];
	bool line[FIXTURE_LINES];
	unsigned edges[FIXTURE_LINES]; /* how often the line has risen */
	unsigned ends;
	enum end_kind kind;
	uint32_t code;
	const char *how;
	unsigned logs;
	char log[257]; /* the last line */
};

static inline void fixture_irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	struct fixture *f = ctx;

	ck_assert_uint_lt(gsi, FIXTURE_LINES);
	ck_assert_msg(f->line[gsi] != asserted, "line %u set to the level it has", gsi);
	f->edges[gsi] += asserted;
	f->line[gsi] = asserted;
}

static inline void fixture_end(void *ctx, enum end_kind kind, uint32_t code, const char *how)
{
	struct fixture *f = ctx;

	f->ends++;
	f->kind = kind;
	f->code = code;
	f->how = how;
}

static inline void fixture_log(void *ctx, const char *text, size_t size)
{
	struct fixture *f = ctx;

	ck_assert_uint_lt(size, sizeof(f->log));
	memcpy(f->log, text, size);
	f->log[size] = '\0';
	f->logs++;
}

static inline void fixture_init_arch(struct fixture *f, enum guest_arch arch, uint64_t ram_size)
{
	memset(f, 0, sizeof(*f));
	ck_assert_int_eq(machine_init(&f->m, arch, ram_size, 1), 0);
	f->m.services = (struct machine_services){
		.ctx = f, .irq_set = fixture_irq_set, .end = fixture_end, .log = fixture_log};
}

static inline void fixture_init(struct fixture *f, uint64_t ram_size)
{
	fixture_init_arch(f, GUEST_X86_64, ram_size);
	ck_assert_int_eq(gmem_add(&f->m.gmem, 0, sizeof(f->low), f->low), 0);
	ck_assert_int_eq(gmem_add(&f->m.gmem, X86_FIRMWARE_BASE, sizeof(f->tables), f->tables), 0);
}

/* One whose guest memory is the page LOW at the start of RAM. */
static inline void fixture_init_arm64(struct fixture *f)
{
	fixture_init_arch(f, GUEST_ARM64, MACHINE_RAM_MIN);
	ck_assert_int_eq(gmem_add(&f->m.gmem, ARM64_RAM_BASE, sizeof(f->low), f->low), 0);
}

/* Accesses by memory that some device must answer. */
static inline uint64_t fixture_load(struct fixture *f, gpa_t addr, unsigned size)
{
	uint64_t value;

	ck_assert_msg(
		machine_read(&f->m, WINDOW_MMIO, addr, size, &value), "0x%jx", (uintmax_t)addr);
	return value;
}

static inline void fixture_store(struct fixture *f, gpa_t addr, unsigned size, uint64_t value)
{
	ck_assert_msg(
		machine_write(&f->m, WINDOW_MMIO, addr, size, value), "0x%jx", (uintmax_t)addr);
}

/* Port accesses that some device must answer. */
static inline uint64_t fixture_in(struct fixture *f, uint16_t port, unsigned size)
{
	uint64_t value;

	ck_assert_msg(machine_read(&f->m, WINDOW_PORT, port, size, &value), "port %#x", port);
	return value;
}

static inline void fixture_out(struct fixture *f, uint16_t port, unsigned size, uint64_t value)
{
	ck_assert_msg(machine_write(&f->m, WINDOW_PORT, port, size, value), "port %#x", port);
}

static inline uint8_t inb(struct fixture *f, uint16_t port)
{
	return (uint8_t)fixture_in(f, port, 1);
}

static inline void outb(struct fixture *f, uint16_t port, uint8_t value)
{
	fixture_out(f, port, 1, value);
}

#endif
