/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue of a tap device [Linux Documentation/networking/tuntap.rst] with virtio's own header
 * before each frame (IFF_VNET_HDR, TUNSETVNETHDRSZ of 12): the kernel reads and writes the guest's
 * buffers, nothing is copied here, and checksums and segmentation are left to whoever does them
 * best.
 */
#include "devices/virtio/net_port.h"
#include "lib/util.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

struct net_tap {
	struct net_port port;
	size_t plain_max;  /* bytes of a frame with its header that no offload has made longer */
	size_t frame_max;  /* ... and of one now */
	unsigned offloads; /* that are on */
	bool active;
};

static struct net_tap *to_tap(struct net_port *p)
{
	return container_of(p, struct net_tap, port);
}

static ssize_t tap_next(struct net_port *p)
{
	return (ssize_t)to_tap(p)->frame_max;
}

/*
 * A frame that is longer than ROOM shows by a byte more. EBADFD means that the device was removed.
 */
static ssize_t tap_receive(struct net_port *p, struct iovec *iov, unsigned count, size_t room)
{
	uint8_t beyond;
	ssize_t n;

	(void)room;
	iov[count] = (struct iovec){.iov_base = &beyond, .iov_len = 1};
	n = readv(p->fd, iov, (int)count + 1);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? -EAGAIN : errno == EBADFD ? -EPIPE : -EIO;
}

/* EIO: the interface is down; EINVAL: a header that makes no sense. Both are the frame's end. */
static int tap_send(struct net_port *p, const struct iovec *iov, unsigned count, size_t size)
{
	(void)size;
	if (writev(p->fd, iov, (int)count) >= 0)
		return 0;
	return errno == EAGAIN || errno == EINTR ? -EAGAIN : errno == EBADFD ? -EPIPE : -EIO;
}

static int tap_offloads(struct net_port *p, uint64_t features)
{
	static const struct {
		unsigned feature, flag;
	} flags[] = {
		{VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM},
		{VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4},
		{VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6},
		{VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN},
	};
	struct net_tap *t = to_tap(p);
	unsigned set = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		if (features >> flags[i].feature & 1)
			set |= flags[i].flag;
	}
	/* Segments are made of what has no checksum yet [VIRTIO 1.2 5.1.3.1]. */
	if (!(set & TUN_F_CSUM))
		set = 0;
	t->frame_max =
		set & (TUN_F_TSO4 | TUN_F_TSO6) ? NET_HEADER_SIZE + NET_FRAME_MAX : t->plain_max;
	if (set != t->offloads && ioctl(p->fd, TUNSETOFFLOAD, set))
		return -errno;
	t->offloads = set;
	return 0;
}

static int tap_activate(struct net_port *p, bool on)
{
	const struct ifreq request = {.ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE};
	struct net_tap *t = to_tap(p);

	if (t->active == on)
		return 0;
	if (ioctl(p->fd, TUNSETQUEUE, &request))
		return -errno;
	t->active = on;
	return 0;
}

static void tap_destroy(struct net_port *p)
{
	free(to_tap(p));
}

static const struct net_port_ops tap_ops = {
	.next = tap_next,
	.receive = tap_receive,
	.send = tap_send,
	.offloads = tap_offloads,
	.activate = tap_activate,
	.destroy = tap_destroy,
};

int net_tap_create(int fd, unsigned mtu, struct net_port **ret_port)
{
	struct net_tap *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->port = (struct net_port){.ops = &tap_ops, .fd = fd};
	/* With the tag of a VLAN. */
	t->plain_max = NET_HEADER_SIZE + ETH_HLEN + 4 + mtu;
	t->frame_max = t->plain_max;
	t->active = true;
	*ret_port = &t->port;
	return 0;
}
