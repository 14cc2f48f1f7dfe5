/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network device behind MMIO registers, whose driver writes anything to them and to memory, and
 * behind which somebody sends anything: packets, where a socket of packets stands for a tap device,
 * or bytes of a stream. Eight bytes are a step; the first byte of all says what kind of device it
 * is. One step sets one of its queues up as a driver that keeps the rules does.
 */
#include "devices/virtio/net.h"
#include "tests/fuzz/virtio_world.h"

#include <linux/virtio_net.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[VIRTIO_NET_PAIRS_MAX][2];
static unsigned pairs;

/* The driver takes no offload, which a socket does not have. */
static void set_up(const struct step *s)
{
	bool mergeable = s->index & 8, several = s->index & 16 && pairs > 1;
	unsigned queues = pairs > 1 ? 2 * pairs + 1 : 2;
	uint32_t features = (uint32_t)mergeable << VIRTIO_NET_F_MRG_RXBUF;

	if (several)
		features |= 1 << VIRTIO_NET_F_MQ | 1 << VIRTIO_NET_F_CTRL_VQ;
	world_queue(s->flags % queues, world_negotiate(s, features));
	world_live();
}

/* What comes from outside: the guest's memory serves as a supply of bytes, after a few of ours. */
static void send_something(const struct step *s)
{
	uint8_t bytes[4096 + 8];
	size_t size = s->offset % 4096;

	memcpy(bytes, guest_ram + s->flags % (RAM_SIZE - 4096), size);
	if (s->what & 0x40) { /* a length in front, as a stream has it */
		memmove(bytes + 4, bytes, size);
		bytes[0] = bytes[1] = 0;
		bytes[2] = (uint8_t)(s->len >> 8);
		bytes[3] = (uint8_t)s->len;
		size += 4;
	}
	(void)!send(ends[s->index % pairs][1], bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void read_some(const struct step *s)
{
	uint8_t bytes[4096];

	for (unsigned i = 0; i < (s->len & 15u); i++)
		(void)!recv(ends[s->index % pairs][1], bytes, s->offset % 4096, MSG_DONTWAIT);
}

static void access_register(const struct step *s)
{
	unsigned bytes = s->what & 0x80 ? 1u << (s->what >> 5 & 3) : 4;
	unsigned reg = s->index * 4u % (VIRTIO_MMIO_SIZE - 8);

	if (s->flags & 1)
		in(reg, bytes);
	else if (reg == VIRTIO_MMIO_DRIVER_FEATURES)
		out(reg, bytes, s->len & 0x18000); /* no offload */
	else
		out(reg, bytes, s->flags & 2 ? s->len & 0xFF : (uint64_t)s->offset << 16 | s->len);
}

static void step(const struct step *s)
{
	if (!(s->what & 8)) {
		guest_step(&guest, s);
		return;
	}
	switch (s->what & 7) {
	case 0:
		set_up(s);
		break;
	case 1:
	case 2:
		world_notify(s->index % 10);
		break;
	case 3:
		send_something(s);
		break;
	case 4:
		read_some(s);
		break;
	case 5:
		access_register(s);
		break;
	case 6:
		if (s->len == 0xFFFF)
			shutdown(ends[s->index % pairs][1], SHUT_RDWR);
		break;
	case 7:
		run();
		break;
	}
}

static void make_device(uint8_t kind)
{
	struct virtio_net_setup s = {.loop = loop,
		.backend = kind & 1 ? VIRTIO_NET_STREAM : VIRTIO_NET_TAP,
		.mtu = kind & 2 ? 1500 : 0,
		.vhost_fds = {-1, -1, -1, -1}};
	int type = kind & 1 ? SOCK_STREAM : SOCK_SEQPACKET;
	struct virtio_device *v;

	pairs = s.pairs = 1;
	for (unsigned i = 0; i < pairs; i++) {
		if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends[i]))
			abort();
		s.fds[i] = ends[i][0];
	}
	if (virtio_net_create(&m, &s, &v))
		abort();
	world_add(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	if (!size)
		return 0;
	world_init();
	make_device(data[0]);
	for (data++, size--; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
	machine_fini(&m);
	for (unsigned i = 0; i < pairs; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	return 0;
}
