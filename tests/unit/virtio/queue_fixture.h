/* SPDX-License-Identifier: BSD-3-Clause */
/* One queue between a driver that keeps the rules and the device's side: what its tests share. */
#ifndef TESTS_UNIT_VIRTIO_QUEUE_FIXTURE_H
#define TESTS_UNIT_VIRTIO_QUEUE_FIXTURE_H

#include "devices/virtio/queue.h"
#include "lib/util.h"
#include "tests/unit/virtio/driver.h"

#define PACKED    ((uint64_t)1 << VIRTIO_F_RING_PACKED)
#define INDIRECT  ((uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC)
#define EVENT_IDX ((uint64_t)1 << VIRTIO_RING_F_EVENT_IDX)

/* Of the loop tests: each combination that shapes a queue. */
static const uint64_t shapes[] = {0, INDIRECT, EVENT_IDX, INDIRECT | EVENT_IDX, PACKED,
	PACKED | INDIRECT, PACKED | EVENT_IDX, PACKED | INDIRECT | EVENT_IDX};

#define SHAPES ((int)ARRAY_SIZE(shapes))
#define SIZE   16

static struct gmem mem;
static struct driver drv;
static struct virtq q;
static struct virtq_chain chain;

static inline void setup(void)
{
	mem = (struct gmem){0};
	ck_assert_int_eq(gmem_add(&mem, RAM_BASE, sizeof(ram), ram), 0);
}

static inline void start(uint64_t features, uint16_t size)
{
	struct virtq_layout layout;

	driver_init(&drv, features, size);
	layout = driver_layout(&drv);
	ck_assert_int_eq(virtq_init(&q, &mem, &layout), 0);
}

static inline gpa_t data(unsigned offset)
{
	return RAM_BASE + DATA_AT + offset;
}

static inline struct buffer readable(unsigned offset, uint32_t len)
{
	return (struct buffer){.addr = data(offset), .len = len};
}

static inline struct buffer writable(unsigned offset, uint32_t len)
{
	return (struct buffer){.addr = data(offset), .len = len, .write = true};
}

static inline int add_one(void)
{
	struct buffer b = writable(0, 64);

	return driver_add(&drv, &b, 1);
}

static inline int pop(void)
{
	return virtq_pop(&q, &chain);
}

#endif
