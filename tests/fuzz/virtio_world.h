/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine with one virtio device behind MMIO registers, its I/O thread's loop, and a driver who
 * writes anything to the registers and to memory: what the fuzz targets of virtio devices share.
 */
#ifndef TESTS_FUZZ_VIRTIO_WORLD_H
#define TESTS_FUZZ_VIRTIO_WORLD_H

#include "devices/virtio/mmio.h"
#include "lib/util.h"
#include "tests/fuzz/virtio_guest.h"

#include <linux/virtio_mmio.h>
#include <stdlib.h>

#define BASE 0x0A000000
#define GSI  16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static struct guest guest;
static struct loop *loop;
static struct loop_timer stop;
static bool line;

static inline void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	assert(ctx == &m && gsi == GSI && asserted != line);
	line = asserted;
}

static inline int doorbell_set(
	void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	assert(ctx == &m && index < m.doorbell_count);
	assert(!place || place->address == BASE + VIRTIO_MMIO_QUEUE_NOTIFY);
	return 0;
}

static inline void out(unsigned reg, unsigned size, uint64_t value)
{
	if (!machine_write(&m, WINDOW_MMIO, BASE + reg, size, value))
		abort();
}

static inline uint64_t in(unsigned reg, unsigned size)
{
	uint64_t value = 0;

	if (!machine_read(&m, WINDOW_MMIO, BASE + reg, size, &value))
		abort();
	assert(size == 8 || !(value >> 8 * size));
	return value;
}

/* ---- the I/O thread ---- */

static inline void stop_loop(struct loop_timer *t)
{
	loop_stop(t->loop);
}

static inline void run(void)
{
	loop_timer_start(&stop, 1);
	if (loop_run(loop))
		abort();
}

/* ---- the machine, for each input ---- */

/* Before the device is created. */
static inline void world_init(void)
{
	if (!loop && (loop_create_epoll(&loop) || loop_timer_init(loop, &stop, stop_loop)))
		abort();
	if (machine_init(&m, GUEST_ARM64, MACHINE_RAM_MIN, 1) ||
		gmem_add(&m.gmem, RAM_BASE, RAM_SIZE, guest_ram))
		abort();
}

static inline void world_add(struct virtio_device *v)
{
	const struct virtio_mmio_config mmio = {.name = "VR00", .base = BASE, .gsi = GSI};

	if (virtio_mmio_create(&m, &mmio, v) || machine_start(&m))
		abort();
	m.services = (struct machine_services){
		.ctx = &m, .irq_set = irq_set, .doorbell_set = doorbell_set};
	guest_init(&guest, false, 1);
	line = false;
}

/* ---- a driver that keeps the rules, as S says in detail ---- */

/*
 * From a reset to accepted features: those of the ring, and of the device's own all of FEATURES.
 * How many entries its queues are to have.
 */
static inline uint16_t world_negotiate(const struct step *s, uint32_t features)
{
	bool packed = s->index & 1;
	uint16_t entries = packed ? s->len % VIRTQ_SIZE_MAX + 1 : 1 << s->len % 9;

	guest_init(&guest, packed, entries);
	out(VIRTIO_MMIO_STATUS, 4, 0);
	/* What is with the host is waited for, seconds where others have the processor. */
	for (uint64_t until = monotonic_ns() + 5000000000; in(VIRTIO_MMIO_STATUS, 4);) {
		run();
		if (monotonic_ns() > until)
			break;
	}
	assert(!in(VIRTIO_MMIO_STATUS, 4) && !line);
	out(VIRTIO_MMIO_STATUS, 4, 3);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, (uint32_t)(s->index >> 1 & 3) << 28 | features);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 1);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, 1 | packed << 2);
	out(VIRTIO_MMIO_STATUS, 4, 11);
	return entries;
}

/* All queues have the same memory. */
static inline void world_queue(unsigned queue, uint16_t entries)
{
	static const struct {
		unsigned reg;
		uint32_t value;
	} areas[] = {{VIRTIO_MMIO_QUEUE_DESC_LOW, RAM_BASE + DESC_AT},
		{VIRTIO_MMIO_QUEUE_AVAIL_LOW, RAM_BASE + DRIVER_AT},
		{VIRTIO_MMIO_QUEUE_USED_LOW, RAM_BASE + DEVICE_AT}};

	out(VIRTIO_MMIO_QUEUE_SEL, 4, queue);
	out(VIRTIO_MMIO_QUEUE_NUM, 4, entries);
	for (unsigned i = 0; i < 3; i++)
		out(areas[i].reg, 4, areas[i].value);
	out(VIRTIO_MMIO_QUEUE_READY, 4, 1);
	assert(in(VIRTIO_MMIO_QUEUE_READY, 4) == 1);
}

static inline void world_live(void)
{
	out(VIRTIO_MMIO_STATUS, 4, 15);
	assert(in(VIRTIO_MMIO_STATUS, 4) == 15);
}

/* ---- one that does not ---- */

static inline void world_notify(unsigned queue)
{
	out(VIRTIO_MMIO_QUEUE_NOTIFY, 4, queue);
	run();
}

/* Any access to any register, and the I/O thread's turn. */
static inline void world_access(const struct step *s)
{
	unsigned bytes = s->what & 0x80 ? 1u << (s->what >> 5 & 3) : 4;
	unsigned reg = s->index * 4u % (VIRTIO_MMIO_SIZE - 8);

	switch (s->what & 7) {
	case 3:
		out(VIRTIO_MMIO_INTERRUPT_ACK, 4, s->flags);
		break;
	case 4:
		in(reg, bytes);
		break;
	case 5: /* a small value, a large one */
		out(reg, bytes, s->len & 0xFF);
		break;
	case 6:
		out(reg, bytes, (uint64_t)s->flags << 48 | (uint64_t)s->offset << 16 | s->len);
		break;
	default:
		run();
		break;
	}
}

#endif
