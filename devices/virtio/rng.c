/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entropy device [VIRTIO 1.2 5.4]: one queue of buffers, which are filled with random bytes.
 *
 * The bytes are the kernel's, read from a descriptor: nothing is opened, and no system call but
 * read is needed, after the partition is locked down. They never run out; but a guest that asks
 * without end must not make the I/O thread work without end, so that it gets a budget of bytes for
 * each period and then waits. The same goes for a host whose generator is not ready yet.
 */
#include "devices/virtio/rng.h"

#include "lib/util.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <string.h>

/* Of one request: more than drivers ask for at once; a longer buffer is filled in part. */
#define STEP_SIZE 1024

/* 1 MiB/s: a small part of one core, and far more than a guest's pool takes in. */
#define PERIOD_NS ((uint64_t)62500000)
#define BUDGET    ((uint32_t)65536)

struct virtio_rng {
	struct virtio_device virtio;
	int entropy_fd;
	uint32_t budget; /* bytes left of this period; guarded by the device's lock */
	struct loop_timer period;
};

static struct virtio_rng *to_rng(struct virtio_device *v)
{
	return container_of(v, struct virtio_rng, virtio);
}

static void period_expired(struct loop_timer *t)
{
	struct virtio_rng *r = container_of(t, struct virtio_rng, period);

	virtio_lock(&r->virtio);
	r->budget = BUDGET;
	virtio_unlock(&r->virtio);
	virtio_resume(&r->virtio, 0);
}

/* Fills up to SIZE bytes of C. How many; 0 when there are none to be had now. */
static uint32_t fill(struct virtio_rng *r, const struct virtq_chain *c, size_t size)
{
	uint8_t bytes[STEP_SIZE];
	ssize_t n = read(r->entropy_fd, bytes, size);

	if (n <= 0)
		return 0;
	virtq_chain_write(c, 0, bytes, (size_t)n);
	explicit_bzero(bytes, (size_t)n);
	return (uint32_t)n;
}

/* A period begins with the first bytes that are given in it. */
static int rng_step(struct virtio_device *v, unsigned queue)
{
	struct virtio_rng *r = to_rng(v);
	struct virtq_chain c;
	uint32_t n;
	int ret;

	if (!r->budget)
		return -EBUSY;
	ret = virtio_pop(v, queue, &c);
	if (ret)
		return ret;
	/* No readable buffers, and room for a byte [VIRTIO 1.2 5.4.6]. */
	if (c.readable || !c.writable_size)
		return -EBADMSG;
	if (!loop_timer_running(&r->period))
		loop_timer_start(&r->period, PERIOD_NS);
	n = fill(r, &c, min_u64(min_u64(c.writable_size, STEP_SIZE), r->budget));
	if (!n) {
		virtio_unpop(v, queue, &c);
		r->budget = 0;
		return -EBUSY;
	}
	r->budget -= n;
	virtio_push(v, queue, &c, n);
	return 0;
}

static void rng_destroy(struct virtio_device *v)
{
	loop_timer_fini(&to_rng(v)->period);
	virtio_fini(v);
	free(to_rng(v));
}

static const struct virtio_class rng_class = {
	.name = "virtio-rng",
	.device_id = VIRTIO_ID_RNG,
	.pci_class = 0xFF0000, /* fits no other */
	.queue_step = rng_step,
	.destroy = rng_destroy,
};

int virtio_rng_create(
	struct machine *m, const struct virtio_rng_config *cfg, struct virtio_device **ret_device)
{
	const struct virtio_setup setup = {
		.cls = &rng_class, .machine = m, .loop = cfg->loop, .queues = 1};
	struct virtio_rng *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	r->entropy_fd = cfg->entropy_fd;
	r->budget = BUDGET;
	ret = virtio_init(&r->virtio, &setup);
	if (!ret && cfg->loop)
		ret = loop_timer_init(cfg->loop, &r->period, period_expired);
	if (ret)
		rng_destroy(&r->virtio);
	else
		*ret_device = &r->virtio;
	return ret;
}
