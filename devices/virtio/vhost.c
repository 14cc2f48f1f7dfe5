/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/vhost.h"

#include "lib/event.h"
#include "lib/util.h"

#include <errno.h>
#include <linux/vhost.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#define NO_FD -1 /* VHOST_FILE_UNBIND */

const unsigned vhost_runtime_ioctls[] = {
	VHOST_SET_FEATURES,
	VHOST_SET_VRING_NUM,
	VHOST_SET_VRING_BASE,
	VHOST_SET_VRING_ADDR,
	VHOST_SET_VRING_KICK,
	VHOST_SET_VRING_CALL,
	VHOST_SET_VRING_ERR,
	0,
};

static int ask_kernel(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

int vhost_request(const struct vhost *h, unsigned long request, void *arg)
{
	return h->fd < 0 ? -EBADF : h->ask(h->fd, request, arg);
}

/* ---- birth and end ---- */

/* I/O thread: the kernel has met a ring that it cannot go on with. */
static void ring_failed(struct loop_watch *w, uint32_t revents)
{
	struct vhost *h = container_of(w, struct vhost, error);

	(void)revents;
	virtio_lock(h->device);
	/* Of a queue that was reset meanwhile nothing is wrong any more. */
	if (event_take(w->fd) && h->started)
		virtio_fail(h->device);
	virtio_unlock(h->device);
}

static int watch_errors(struct vhost *h)
{
	h->error.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	h->error.events = POLLIN;
	h->error.ready = ring_failed;
	if (h->error.fd < 0)
		return -errno;
	return h->device->loop ? loop_watch(h->device->loop, &h->error) : 0;
}

static int set_memory(const struct vhost *h)
{
	const struct gmem *g = &h->device->machine->gmem;
	AUTO_FREE struct vhost_memory *table =
		calloc(1, sizeof(*table) + GMEM_SLOTS_MAX * sizeof(table->regions[0]));

	if (!table)
		return -ENOMEM;
	for (; table->nregions < g->count; table->nregions++) {
		const struct gmem_slot *slot = &g->slots[table->nregions];

		table->regions[table->nregions] = (struct vhost_memory_region){
			.guest_phys_addr = slot->base,
			.memory_size = slot->size,
			.userspace_addr = (uintptr_t)slot->hva,
		};
	}
	return vhost_request(h, VHOST_SET_MEM_TABLE, table);
}

int vhost_init(struct vhost *h, const struct vhost_setup *s)
{
	uint64_t features = ~VIRTIO_FEATURE(VIRTIO_F_RING_PACKED);
	int ret = 0;

	*h = (struct vhost){
		.device = s->device,
		.fd = s->fd,
		.first = s->first,
		.count = s->count,
		.ask = s->ask ?: ask_kernel,
		.error = LOOP_WATCH_INIT,
	};
	if (h->fd >= 0) {
		ret = vhost_request(h, VHOST_SET_OWNER, NULL);
		if (!ret)
			ret = vhost_request(h, VHOST_GET_FEATURES, &features);
		if (!ret && !(features & VIRTIO_FEATURE(VIRTIO_F_VERSION_1)))
			ret = -EOPNOTSUPP;
		if (!ret)
			ret = set_memory(h);
		if (!ret)
			ret = watch_errors(h);
	}
	h->features = features;
	h->device->offered &= features | ~VIRTQ_FEATURES;
	return ret;
}

void vhost_fini(struct vhost *h)
{
	if (!h->device || h->fd < 0)
		return;
	if (h->device->loop)
		loop_unwatch(h->device->loop, &h->error);
	fd_close(&h->error.fd);
}

/* ---- start and stop ---- */

static int set_vring_fd(const struct vhost *h, unsigned long request, unsigned vring, int fd)
{
	struct vhost_vring_file file = {.index = vring, .fd = fd};

	return vhost_request(h, request, &file);
}

/* The areas are wholly in guest memory: virtio_queue_enable has seen to that. */
static int start_vring(const struct vhost *h, unsigned vring)
{
	const unsigned queue = h->first + vring;
	const struct virtio_queue *q = &h->device->queues[queue];
	struct vhost_vring_state size = {.index = vring, .num = q->size};
	struct vhost_vring_state base = {.index = vring};
	struct vhost_vring_addr addr = {
		.index = vring,
		.desc_user_addr = (uintptr_t)q->ring.desc,
		.avail_user_addr = (uintptr_t)q->ring.driver,
		.used_user_addr = (uintptr_t)q->ring.device,
	};
	int ret;

	if (!q->enabled)
		return -EINVAL;
	ret = vhost_request(h, VHOST_SET_VRING_NUM, &size);
	if (!ret)
		ret = vhost_request(h, VHOST_SET_VRING_BASE, &base);
	if (!ret)
		ret = vhost_request(h, VHOST_SET_VRING_ADDR, &addr);
	if (!ret)
		ret = set_vring_fd(h, VHOST_SET_VRING_ERR, vring, h->error.fd);
	if (!ret)
		ret = set_vring_fd(
			h, VHOST_SET_VRING_CALL, vring, virtio_call_fd(h->device, queue));
	if (!ret)
		ret = set_vring_fd(
			h, VHOST_SET_VRING_KICK, vring, virtio_kick_fd(h->device, queue));
	return ret;
}

int vhost_start(struct vhost *h)
{
	uint64_t features = h->device->accepted & h->features;
	int ret = vhost_request(h, VHOST_SET_FEATURES, &features);

	event_take(h->error.fd);
	h->started = true;
	for (unsigned i = 0; i < h->count && !ret; i++)
		ret = start_vring(h, i);
	if (ret)
		vhost_stop(h);
	return ret;
}

void vhost_stop(struct vhost *h)
{
	for (unsigned i = 0; i < h->count && h->started; i++) {
		set_vring_fd(h, VHOST_SET_VRING_KICK, i, NO_FD);
		set_vring_fd(h, VHOST_SET_VRING_CALL, i, NO_FD);
	}
	h->started = false;
}

int vhost_call_changed(struct vhost *h, unsigned queue)
{
	return h->started ? set_vring_fd(h, VHOST_SET_VRING_CALL, queue - h->first,
				    virtio_call_fd(h->device, queue))
			  : 0;
}
