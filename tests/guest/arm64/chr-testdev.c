/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ends by chr-testdev as kvm-unit-tests do (machine: testdev): a virtio console of legacy MMIO, to
 * whose transmit queue goes a number, code=, and the letter q.
 */
#include "../check.h"
#include "mmio.h"

#define CONSOLE 0x0A003E00
#define NUM     8
#define ALIGN   4096

/* Registers of legacy MMIO [VIRTIO 1.2 4.2.4]. */
enum {
	MAGIC = 0x00,
	VERSION = 0x04,
	DEVICE_ID = 0x08,
	PAGE_SIZE = 0x28,
	QUEUE_SEL = 0x30,
	QUEUE_NUM_MAX = 0x34,
	QUEUE_NUM = 0x38,
	QUEUE_ALIGN = 0x3C,
	QUEUE_PFN = 0x40,
	NOTIFY = 0x50,
	STATUS = 0x70,
};

static volatile struct {
	struct {
		uint64_t address;
		uint32_t length;
		uint16_t flags, next;
	} table[NUM];
	uint16_t avail_flags, avail_index, avail[NUM];
	uint8_t used[ALIGN] __attribute__((aligned(ALIGN)));
} queue __attribute__((aligned(ALIGN)));

static void put(unsigned reg, uint32_t value)
{
	mmio_write32(CONSOLE + reg, value);
}

static uint32_t get(unsigned reg)
{
	return mmio_read32(CONSOLE + reg);
}

int guest_main(void)
{
	static char text[16];
	uint64_t code = cmdline_number("code", 0);
	unsigned n = 0;

	check(get(MAGIC) == 0x74726976 && get(VERSION) == 1 && get(DEVICE_ID) == 3,
		"there is a legacy console");
	put(STATUS, 0);
	put(STATUS, 3);
	put(PAGE_SIZE, ALIGN);
	put(QUEUE_SEL, 1);
	check(get(QUEUE_NUM_MAX) >= NUM, "its queue has %u entries", get(QUEUE_NUM_MAX));
	put(QUEUE_NUM, NUM);
	put(QUEUE_ALIGN, ALIGN);
	put(QUEUE_PFN, (uint32_t)((uintptr_t)&queue / ALIGN));
	put(STATUS, 7);
	if (code >= 10)
		text[n++] = (char)('0' + code / 10 % 10);
	text[n++] = (char)('0' + code % 10);
	text[n++] = 'q';
	queue.table[0].address = (uintptr_t)text;
	queue.table[0].length = n;
	queue.avail_index = 1;
	if (checks_failed())
		return 99;
	put(NOTIFY, 1);
	delay_ns(NS_PER_S); /* the ending may reach this CPU late */
	return 98;
}
