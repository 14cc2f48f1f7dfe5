/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/virtio_internal.h"

#include "lib/event.h"
#include "lib/util.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>

/* Features of every device. */
#define COMMON_FEATURES (VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | VIRTQ_FEATURES)

/* How often the I/O thread stands back for vCPU threads, some of which may not run right now. */
#define STAND_BACK_MAX 100

/* ---- the lock ---- */

/*
 * A mutex goes to whoever comes first after it was released, which is the thread that released it
 * and is still awake: the I/O thread could work through all of a queue while a vCPU waits. So it
 * looks who waits.
 */
void virtio_lock(struct virtio_device *v)
{
	atomic_fetch_add(&v->wanted, 1);
	pthread_mutex_lock(&v->lock);
	atomic_fetch_sub(&v->wanted, 1);
}

static void lock_for_step(struct virtio_device *v)
{
	for (unsigned i = 0; i < STAND_BACK_MAX && atomic_load(&v->wanted); i++)
		sched_yield();
	pthread_mutex_lock(&v->lock);
}

void virtio_unlock(struct virtio_device *v)
{
	pthread_mutex_unlock(&v->lock);
}

/* ---- queues at work ---- */

int virtio_pop(struct virtio_device *v, unsigned queue, struct virtq_chain *ret_chain)
{
	return virtq_pop(&v->queues[queue].ring, ret_chain);
}

void virtio_unpop(struct virtio_device *v, unsigned queue, const struct virtq_chain *c)
{
	virtq_unpop(&v->queues[queue].ring, c);
}

void virtio_push(
	struct virtio_device *v, unsigned queue, const struct virtq_chain *c, uint32_t written)
{
	struct virtio_queue *q = &v->queues[queue];

	if (virtio_queue_is_live(q))
		virtq_push(&q->ring, c, written);
}

void virtio_push_all(
	struct virtio_device *v, unsigned queue, const struct virtq_used *used, unsigned count)
{
	struct virtio_queue *q = &v->queues[queue];

	if (virtio_queue_is_live(q))
		virtq_push_all(&q->ring, used, count);
}

void virtio_notify(struct virtio_device *v, unsigned queue)
{
	struct virtio_queue *q = &v->queues[queue];

	if (virtio_queue_is_live(q) && virtq_interrupt_needed(&q->ring))
		v->transport->queue_interrupt(v->transport_ctx, queue);
}

/*
 * It cannot fail: the eventfd's count is far from its limit, and then it is readable anyway. With a
 * server of ill will, which may have filled it and made it block, nothing is written to one that is
 * not empty: it is readable, too.
 */
void virtio_resume(struct virtio_device *v, unsigned queue)
{
	const struct virtio_queue *q = &v->queues[queue];
	struct pollfd p = {.fd = q->kick.fd, .events = POLLIN};

	if (!q->served || !v->foreign || poll(&p, 1, 0) == 0)
		eventfd_write(p.fd, 1);
}

/* One step of Q. False when there is nothing more to do for now. */
static bool queue_step(struct virtio_queue *q)
{
	struct virtio_device *v = q->device;

	if (!virtio_queue_is_live(q))
		return false;
	switch (v->cls->queue_step(v, virtio_queue_index(q))) {
	case 0:
		return true;
	case -EAGAIN:
		return virtq_kicks_start(&q->ring);
	case -EBUSY:
		return false;
	default:
		virtio_fail(v);
		return false;
	}
}

void virtio_work(struct virtio_device *v, unsigned queue)
{
	struct virtio_queue *q = &v->queues[queue];
	bool more = true;

	for (unsigned i = 0; i < VIRTIO_BATCH && more; i++) {
		lock_for_step(v);
		if (!i && virtio_queue_is_live(q))
			virtq_kicks_stop(&q->ring);
		more = queue_step(q);
		if (!more || i + 1 == VIRTIO_BATCH)
			virtio_notify(v, queue);
		virtio_unlock(v);
	}
	if (more)
		virtio_resume(v, queue);
}

/* I/O thread: the driver, or the device itself, says that there is work in a queue. */
static void queue_kicked(struct loop_watch *w, uint32_t revents)
{
	struct virtio_queue *q = container_of(w, struct virtio_queue, kick);

	(void)revents;
	event_take(w->fd);
	virtio_work(q->device, virtio_queue_index(q));
}

/* ---- queues that somebody else works on ---- */

int virtio_kick_fd(const struct virtio_device *v, unsigned queue)
{
	return v->queues[queue].kick.fd;
}

int virtio_call_fd(const struct virtio_device *v, unsigned queue)
{
	return v->queues[queue].call_fd;
}

static void find_call(struct virtio_queue *q)
{
	struct virtio_device *v = q->device;
	const struct virtio_transport *t = v->transport;
	int fd =
		t->queue_event_fd ? t->queue_event_fd(v->transport_ctx, virtio_queue_index(q)) : -1;

	q->call_fd = fd >= 0 ? fd : q->call.fd;
}

void virtio_find_calls(struct virtio_device *v)
{
	for (unsigned i = 0; i < v->queue_count; i++) {
		if (v->queues[i].served)
			find_call(&v->queues[i]);
	}
}

void virtio_call_changed(struct virtio_device *v, unsigned queue)
{
	struct virtio_queue *q = &v->queues[queue];

	if (!q->served || !q->enabled || !(v->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	if (v->waits) {
		virtio_put_off(v, VIRTIO_DUE_CALLS);
	} else if (virtio_is_live(v)) {
		find_call(q);
		if (v->cls->call_changed(v, queue))
			virtio_fail(v);
	}
}

/* I/O thread: its server interrupts. */
static void queue_called(struct loop_watch *w, uint32_t revents)
{
	struct virtio_queue *q = container_of(w, struct virtio_queue, call);
	struct virtio_device *v = q->device;

	(void)revents;
	event_take(w->fd);
	lock_for_step(v);
	if (virtio_queue_is_live(q))
		v->transport->queue_interrupt(v->transport_ctx, virtio_queue_index(q));
	virtio_unlock(v);
}

/* ---- features ---- */

bool virtio_has(const struct virtio_device *v, unsigned bit)
{
	return v->accepted & VIRTIO_FEATURE(bit);
}

static uint32_t word_of(uint64_t features, uint32_t word)
{
	return word < 2 ? (uint32_t)(features >> (32 * word)) : 0;
}

uint32_t virtio_get_offered(const struct virtio_device *v, uint32_t word)
{
	return word_of(v->offered, word);
}

uint32_t virtio_get_accepted(const struct virtio_device *v, uint32_t word)
{
	return word_of(v->accepted, word);
}

/* Nothing is negotiated any more once FEATURES_OK is set [VIRTIO 1.2 3.1.1]. */
void virtio_set_accepted(struct virtio_device *v, uint32_t word, uint32_t bits)
{
	unsigned shift = 32 * (word & 1);

	if (word > 1 || v->resetting || v->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	v->accepted = (v->accepted & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)bits << shift;
}

/* ---- configuration ---- */

void virtio_config_changed(struct virtio_device *v)
{
	v->config_unseen = true;
	if (virtio_is_live(v))
		v->transport->config_interrupt(v->transport_ctx);
}

/*
 * The generation changes when a changed configuration is read, not when it changes: however often
 * it does, a driver that read old and new bytes sees two generations [VIRTIO 1.2 4.1.4.3.1].
 */
uint64_t virtio_config_read(struct virtio_device *v, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	if (v->config_unseen)
		v->config_generation++;
	v->config_unseen = false;
	if (offset < v->config_size)
		memcpy(&value, v->config + offset, min_u64(size, v->config_size - offset));
	return value;
}

void virtio_config_write(struct virtio_device *v, uint64_t offset, unsigned size, uint64_t value)
{
	if (!v->cls->config_write || offset >= v->config_size || size > v->config_size - offset)
		return;
	v->cls->config_write(v, (unsigned)offset, size, value);
}

/* ---- setting up queues ---- */

static void queue_switch(struct virtio_queue *q, bool on)
{
	struct virtio_device *v = q->device;

	if (q->enabled == on)
		return;
	q->enabled = on;
	v->transport->queue_switched(v->transport_ctx, virtio_queue_index(q), on);
}

void virtio_queue_reset(struct virtio_queue *q)
{
	queue_switch(q, false);
	q->ring = (struct virtq){0};
	q->size = q->device->queue_size_max;
	memset(q->areas, 0, sizeof(q->areas));
}

struct virtio_queue *virtio_queue(struct virtio_device *v, uint32_t index)
{
	return index < v->queue_count ? &v->queues[index] : NULL;
}

void virtio_queue_set_size(struct virtio_queue *q, uint16_t size)
{
	if (!q->enabled)
		q->size = size;
}

void virtio_queue_set_area(struct virtio_queue *q, enum virtio_area area, bool high, uint32_t value)
{
	unsigned shift = high ? 32 : 0;

	if (!q->enabled)
		q->areas[area] = (q->areas[area] & ~((uint64_t)UINT32_MAX << shift)) |
				 (uint64_t)value << shift;
}

void virtio_queue_enable(struct virtio_queue *q)
{
	struct virtio_device *v = q->device;
	const struct virtq_layout layout = {
		.size = q->size,
		.features = v->accepted,
		.desc = q->areas[VIRTIO_AREA_DESC],
		.driver = q->areas[VIRTIO_AREA_DRIVER],
		.device = q->areas[VIRTIO_AREA_DEVICE],
	};

	/* Before that it is not known what kind of queue it is. */
	if (q->enabled || v->resetting || !(v->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	/* Who serves it hears of it by activate, and of no other later [VIRTIO 1.2 3.1.1]. */
	if ((q->served && v->status & VIRTIO_CONFIG_S_DRIVER_OK) || q->size > v->queue_size_max ||
		virtq_init(&q->ring, &v->machine->gmem, &layout)) {
		virtio_fail(v);
		return;
	}
	queue_switch(q, true);
	virtio_resume(v, virtio_queue_index(q));
}

void virtio_queue_disable(struct virtio_queue *q)
{
	bool given = q->served && q->device->status & VIRTIO_CONFIG_S_DRIVER_OK;

	if (q->enabled && (q->ring.in_flight || given))
		virtio_fail(q->device);
	else
		queue_switch(q, false);
}

/* ---- birth and end ---- */

static int queue_init(struct virtio_device *v, struct virtio_queue *q)
{
	int ret = machine_add_doorbell(v->machine, &q->doorbell);

	if (ret)
		return ret;
	q->device = v;
	virtio_queue_reset(q);
	q->kick.fd = v->machine->doorbells[q->doorbell].event_fd;
	q->kick.events = POLLIN;
	q->kick.ready = queue_kicked;
	if (!v->loop)
		return 0;
	if (!q->served)
		return loop_watch(v->loop, &q->kick);
	q->call.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call.events = POLLIN;
	q->call.ready = queue_called;
	return q->call.fd < 0 ? -errno : loop_watch(v->loop, &q->call);
}

int virtio_init(struct virtio_device *v, const struct virtio_setup *s)
{
	int ret = 0;

	assert(s->queues <= VIRTIO_QUEUES_MAX && s->config_size <= VIRTIO_CONFIG_MAX);
	v->cls = s->cls;
	v->machine = s->machine;
	v->loop = s->loop;
	v->offered = s->features | COMMON_FEATURES;
	v->config_size = s->config_size;
	v->queue_size_max = s->queue_size ?: VIRTQ_SIZE_MAX;
	v->change = LOOP_WATCH_INIT;
	pthread_mutex_init(&v->lock, NULL);
	v->queues = calloc(s->queues, sizeof(*v->queues));
	if (!v->queues)
		return -ENOMEM;
	v->queue_count = s->queues;
	for (unsigned i = 0; i < s->queues; i++) {
		v->queues[i].kick = v->queues[i].call = LOOP_WATCH_INIT;
		v->queues[i].served = s->served >> i & 1;
	}
	for (unsigned i = 0; i < s->queues && !ret; i++)
		ret = queue_init(v, &v->queues[i]);
	return !ret && s->waits && v->loop ? virtio_watch_changes(v) : ret;
}

void virtio_fini(struct virtio_device *v)
{
	for (unsigned i = 0; v->loop && i < v->queue_count; i++) {
		loop_unwatch(v->loop, &v->queues[i].kick);
		loop_unwatch(v->loop, &v->queues[i].call);
		fd_close(&v->queues[i].call.fd);
	}
	if (v->loop)
		loop_unwatch(v->loop, &v->change);
	fd_close(&v->change.fd);
	free(v->queues);
	pthread_mutex_destroy(&v->lock);
}

void virtio_destroy(struct virtio_device *v)
{
	if (v)
		v->cls->destroy(v);
}

int virtio_start(struct virtio_device *v)
{
	return v->cls->start ? v->cls->start(v) : 0;
}

void virtio_attach(struct virtio_device *v, const struct virtio_transport *transport, void *ctx)
{
	v->transport = transport;
	v->transport_ctx = ctx;
}
