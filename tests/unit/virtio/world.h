/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine with one virtio device in an MMIO window, whose services write down what is asked of
 * them; and a driver that sets it up. The test is the I/O thread.
 */
#ifndef TESTS_UNIT_VIRTIO_WORLD_H
#define TESTS_UNIT_VIRTIO_WORLD_H

#include "devices/virtio/mmio.h"
#include "lib/util.h"
#include "tests/unit/virtio/driver.h"

#include <linux/virtio_mmio.h>
#include <poll.h>

#define BASE 0x0A000000
#define GSI  16

#define ALL_OK                                                                                     \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |      \
		VIRTIO_CONFIG_S_DRIVER_OK)
#define V1 ((uint64_t)1 << VIRTIO_F_VERSION_1)

struct world {
	struct machine m;
	struct virtio_device *v;
	bool line;
	unsigned edges; /* how often the line has risen */
	bool bell_on[VIRTIO_QUEUES_MAX];
	struct machine_doorbell_place bells[VIRTIO_QUEUES_MAX];
};

static struct world w;

static inline void world_irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	ck_assert_ptr_eq(ctx, &w);
	ck_assert_uint_eq(gsi, GSI);
	ck_assert(w.line != asserted);
	w.line = asserted;
	w.edges += asserted;
}

static inline int world_doorbell_set(
	void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	ck_assert_ptr_eq(ctx, &w);
	ck_assert_uint_lt(index, w.m.doorbell_count);
	w.bell_on[index] = place;
	if (place)
		w.bells[index] = *place;
	return 0;
}

static inline void world_init(void)
{
	memset(&w, 0, sizeof(w));
	ck_assert_int_eq(machine_init(&w.m, GUEST_ARM64, RAM_SIZE, 1), 0);
	ck_assert_int_eq(gmem_add(&w.m.gmem, RAM_BASE, RAM_SIZE, ram), 0);
	w.m.services = (struct machine_services){
		.ctx = &w, .irq_set = world_irq_set, .doorbell_set = world_doorbell_set};
}

static inline void world_add(struct virtio_device *v)
{
	const struct virtio_mmio_config cfg = {.name = "VR00", .base = BASE, .gsi = GSI};

	w.v = v;
	ck_assert_int_eq(virtio_mmio_create(&w.m, &cfg, v), 0);
}

/* ---- the guest ---- */

static inline uint32_t in(unsigned reg)
{
	uint64_t value = 0;

	expect(machine_read(&w.m, WINDOW_MMIO, BASE + reg, 4, &value));
	return (uint32_t)value;
}

static inline void out(unsigned reg, uint32_t value)
{
	expect(machine_write(&w.m, WINDOW_MMIO, BASE + reg, 4, value));
}

static inline void write_features(uint64_t features)
{
	for (unsigned word = 0; word < 2; word++) {
		out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
		out(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * word)));
	}
}

/* The I/O thread does what the device has put off. */
static inline void settle(void)
{
	struct pollfd p = {.fd = w.v->change.fd, .events = POLLIN};

	while (poll(&p, 1, 0) == 1)
		w.v->change.ready(&w.v->change, POLLIN);
}

/* Up to FEATURES_OK. */
static inline void negotiate(uint64_t features)
{
	out(VIRTIO_MMIO_STATUS, 0);
	settle();
	out(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	out(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	write_features(features | V1);
	out(VIRTIO_MMIO_STATUS, ALL_OK & ~VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline void write_layout(const struct virtq_layout *l)
{
	out(VIRTIO_MMIO_QUEUE_NUM, l->size);
	out(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)l->desc);
	out(VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(l->desc >> 32));
	out(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)l->driver);
	out(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(l->driver >> 32));
	out(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)l->device);
	out(VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(l->device >> 32));
}

/* Queue 0 is D's, which is made anew. */
static inline void start_queue(struct driver *d, uint64_t features, uint16_t size)
{
	struct virtq_layout layout;

	driver_init(d, features | V1, size);
	layout = driver_layout(d);
	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	write_layout(&layout);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
}

static inline void start_device(struct driver *d, uint64_t features, uint16_t size)
{
	negotiate(features);
	start_queue(d, features, size);
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}

/* The doorbell, or by way of the device where there is none. */
static inline void ring(unsigned queue)
{
	out(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

/* ---- the I/O thread ---- */

static inline bool kicked(unsigned queue)
{
	struct pollfd p = {.fd = w.v->queues[queue].kick.fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* Each queue that was kicked gets its turn. False when none was. */
static inline bool turn(void)
{
	bool any = false;

	for (unsigned i = 0; i < w.v->queue_count; i++) {
		struct loop_watch *watch = &w.v->queues[i].kick;

		if (kicked(i)) {
			any = true;
			watch->ready(watch, POLLIN);
		}
	}
	return any;
}

static inline void run(void)
{
	while (turn())
		;
}

#endif
