/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket device [VIRTIO 1.2 5.10]: queues for receiving, for sending, and for events. The first two
 * are the host kernel's (vhost_vsock), who has the sockets on its side; the last would tell of a
 * guest that was moved to another host, which none is: its buffers wait forever.
 */
#include "devices/virtio/vsock.h"

#include "lib/util.h"

#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <string.h>

#define RX     0
#define SERVED 2 /* RX and TX */
#define QUEUES 3

const unsigned virtio_vsock_runtime_ioctls[] = {VHOST_VSOCK_SET_RUNNING, 0};

struct virtio_vsock {
	struct virtio_device virtio;
	struct vhost vhost;
};

static struct virtio_vsock *to_vsock(struct virtio_device *v)
{
	return container_of(v, struct virtio_vsock, virtio);
}

/* The event queue's; nothing ever happens there. */
static int vsock_step(struct virtio_device *v, unsigned queue)
{
	(void)v;
	(void)queue;
	return -EBUSY;
}

static int set_running(const struct virtio_vsock *s, int on)
{
	return vhost_request(&s->vhost, VHOST_VSOCK_SET_RUNNING, &on);
}

static int vsock_activate(struct virtio_device *v)
{
	struct virtio_vsock *s = to_vsock(v);
	int ret = vhost_start(&s->vhost);

	return ret ? ret : set_running(s, 1);
}

/* When it returns, the kernel uses the queues no more. */
static void vsock_halt(struct virtio_device *v)
{
	struct virtio_vsock *s = to_vsock(v);

	if (!s->vhost.started)
		return;
	set_running(s, 0);
	vhost_stop(&s->vhost);
}

static bool vsock_reset(struct virtio_device *v)
{
	vsock_halt(v);
	return true;
}

static int vsock_call_changed(struct virtio_device *v, unsigned queue)
{
	return vhost_call_changed(&to_vsock(v)->vhost, queue);
}

static void vsock_destroy(struct virtio_device *v)
{
	vhost_fini(&to_vsock(v)->vhost);
	virtio_fini(v);
	free(to_vsock(v));
}

static const struct virtio_class vsock_class = {
	.name = "virtio-vsock",
	.device_id = VIRTIO_ID_VSOCK,
	.pci_class = 0x078000, /* communication controller, other */
	.queue_step = vsock_step,
	.activate = vsock_activate,
	.reset = vsock_reset,
	.call_changed = vsock_call_changed,
	.halt = vsock_halt,
	.destroy = vsock_destroy,
};

int virtio_vsock_create(
	struct machine *m, const struct vsock_config *cfg, struct virtio_device **ret_device)
{
	const struct virtio_vsock_config config = {.guest_cid = cfg->cid};
	const struct virtio_setup setup = {
		.cls = &vsock_class,
		.machine = m,
		.loop = cfg->loop,
		.config_size = sizeof(config),
		.queues = QUEUES,
		.served = ((uint64_t)1 << SERVED) - 1,
		.waits = true,
	};
	struct virtio_vsock *s = calloc(1, sizeof(*s));
	struct vhost_setup vhost = {
		.fd = cfg->vhost_fd, .first = RX, .count = SERVED, .ask = cfg->ask};
	int ret;

	if (!s)
		return -ENOMEM;
	vhost.device = &s->virtio;
	ret = virtio_init(&s->virtio, &setup);
	if (!ret)
		ret = vhost_init(&s->vhost, &vhost);
	if (ret) {
		vsock_destroy(&s->virtio);
		return ret;
	}
	memcpy(s->virtio.config, &config, sizeof(config));
	s->virtio.offered |= s->vhost.features & VIRTIO_FEATURE(VIRTIO_VSOCK_F_SEQPACKET);
	*ret_device = &s->virtio;
	return 0;
}
