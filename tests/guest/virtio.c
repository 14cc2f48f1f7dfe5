/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtqueues as a driver sees them, which is the guest library's, without an operating system: an
 * entropy device and a disk, with split and with packed rings, until these have wrapped many times.
 * ring=split|packed says which; disk=SECTORS is what the disk must have.
 */
#include "virtio.h"
#include "check.h"
#include "mmio.h"

#define LIMIT  (10 * NS_PER_S)
#define SECTOR 512
#define ROUNDS 100

static struct virtio d;
static volatile unsigned interrupts;

static void on_used(void)
{
	interrupts = interrupts + 1;
}

/* What the device wrote, in bytes; UINT32_MAX: it never came back. */
static uint32_t request(const struct virtio_buffer *b, unsigned count)
{
	uint64_t start = time_ns();
	uint32_t size;

	virtio_request(&d, b, count);
	while (!virtio_done(&d, &size)) {
		if (time_ns() - start > LIMIT)
			return UINT32_MAX;
		cpu_let_in();
	}
	return size;
}

/* Interrupts come a moment after what they tell of. */
static bool interrupted(unsigned before)
{
	for (uint64_t start = time_ns(); time_ns() - start < LIMIT && interrupts == before;)
		cpu_let_in();
	return interrupts != before;
}

static void check_rng(uint64_t features)
{
	static uint8_t bytes[64];
	const struct virtio_buffer b[] = {{bytes, 24, true}, {bytes + 24, 40, true}};
	unsigned whole = 0, other = 0;
	uint8_t before = 0;

	interrupts = 0;
	if (!virtio_start(&d, VIRTIO_ID_RNG, features, on_used))
		panic("no entropy device");
	check(d.packed == !!(features & VIRTIO_F_RING_PACKED), "rng: the ring that was asked for");
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned seen = interrupts;

		whole += request(b, 2) == sizeof(bytes) && interrupted(seen);
		other += bytes[63] != before;
		before = bytes[63];
	}
	check(whole == ROUNDS, "rng: %u of %u requests were filled, with an interrupt", whole,
		ROUNDS);
	check(other > ROUNDS / 2, "rng: the last byte changed %u times", other);
}

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

/* Type 0 reads, 1 writes, 4 flushes. The status. */
static uint8_t disk(uint32_t type, uint64_t sector, void *data, uint32_t size)
{
	static struct header header;
	static uint8_t status;
	const struct virtio_buffer b[] = {
		{&header, sizeof(header), false}, {data, size, type == 0}, {&status, 1, true}};
	const struct virtio_buffer bare[] = {b[0], b[2]};

	header = (struct header){.type = type, .sector = sector};
	status = 0xFF;
	if (request(size ? b : bare, size ? 3 : 2) == UINT32_MAX)
		panic("disk: a request of type %u did not come back", type);
	return *(volatile uint8_t *)&status;
}

static void check_disk(uint64_t features)
{
	static uint32_t sector[SECTOR / 4];
	unsigned written = 0, same = 0;
	uint64_t sectors;

	if (!virtio_start(&d, VIRTIO_ID_BLK, features, on_used))
		panic("no disk");
	sectors = mmio_read32(d.config) | (uint64_t)mmio_read32(d.config + 4) << 32;
	check(sectors == cmdline_number("disk", 0), "disk: %lu sectors", sectors);
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned k = 0; k < SECTOR / 4; k++)
			sector[k] = i << 16 | k;
		written += disk(1, i, sector, SECTOR) == 0;
	}
	check(written == ROUNDS && disk(4, 0, NULL, 0) == 0, "disk: %u sectors written", written);
	for (unsigned i = 0; i < ROUNDS; i++) {
		bool good = disk(0, i, sector, SECTOR) == 0;

		for (unsigned k = 0; k < SECTOR / 4; k++)
			good = good && sector[k] == (i << 16 | k);
		same += good;
	}
	check(same == ROUNDS, "disk: %u sectors read as they were written", same);
	check(disk(0, sectors, sector, SECTOR) == 1, "disk: an error behind its end");
	check(disk(1, UINT64_MAX, sector, SECTOR) == 1, "disk: an error far behind its end");
}

/* A chain that is a circle: the device fails, and works again after a reset. */
static void check_broken(void)
{
	static uint8_t byte;

	if (!virtio_start(&d, VIRTIO_ID_RNG, 0, on_used))
		panic("no entropy device");
	d.queue.ring[0] = (struct virtio_descriptor){(uint64_t)&byte, 1, {1 | 2, 0}};
	d.queue.driver.ring[0] = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*(volatile uint16_t *)&d.queue.driver.index = 1;
	mmio_write16(d.doorbell, 0);
	for (uint64_t start = time_ns(); time_ns() - start < LIMIT;) {
		if (virtio_status(&d) & VIRTIO_STATUS_NEEDS_RESET)
			break;
	}
	check(virtio_status(&d) & VIRTIO_STATUS_NEEDS_RESET,
		"a malformed ring: DEVICE_NEEDS_RESET");
}

int guest_main(void)
{
	char ring[16] = "split";
	uint64_t features;

	cmdline_get("ring", ring, sizeof(ring));
	features = ring[0] == 'p' ? VIRTIO_F_RING_PACKED : 0;
	check_rng(features);
	check_broken();
	check_disk(features);
	check_rng(features);
	return checks_failed();
}
