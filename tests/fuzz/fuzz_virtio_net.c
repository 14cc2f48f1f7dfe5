/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network device behind MMIO registers, whose driver writes anything to them and to memory, and
 * behind which somebody sends anything: packets, where a socket of packets stands for a tap device,
 * or bytes of a stream. Eight bytes are a step; the first byte of all says what kind of device it
 * is. One step sets one of its queues up as a driver that keeps the rules does.
 */
#include "devices/virtio/mmio.h"
#include "devices/virtio/net.h"
#include "tests/fuzz/virtio_guest.h"

#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BASE 0x0A000000
#define GSI  16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static struct guest guest;
static struct loop *loop;
static struct loop_timer stop;
static int ends[VIRTIO_NET_PAIRS_MAX][2];
static unsigned pairs;
static bool line;

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	assert(ctx == &m && gsi == GSI && asserted != line);
	line = asserted;
}

static int doorbell_set(void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	assert(ctx == &m && index < m.doorbell_count);
	assert(!place || place->address == BASE + VIRTIO_MMIO_QUEUE_NOTIFY);
	return 0;
}

static void out(unsigned reg, unsigned size, uint64_t value)
{
	if (!machine_write(&m, WINDOW_MMIO, BASE + reg, size, value))
		abort();
}

static uint64_t in(unsigned reg, unsigned size)
{
	uint64_t value = 0;

	if (!machine_read(&m, WINDOW_MMIO, BASE + reg, size, &value))
		abort();
	assert(size == 8 || !(value >> 8 * size));
	return value;
}

static void stop_loop(struct loop_timer *t)
{
	loop_stop(t->loop);
}

static void run(void)
{
	loop_timer_start(&stop, 1);
	if (loop_run(loop))
		abort();
}

/* The driver takes no offload, which a socket does not have. */
static void set_up(const struct step *s)
{
	static const struct {
		unsigned reg;
		uint32_t value;
	} areas[] = {{VIRTIO_MMIO_QUEUE_DESC_LOW, RAM_BASE + DESC_AT},
		{VIRTIO_MMIO_QUEUE_AVAIL_LOW, RAM_BASE + DRIVER_AT},
		{VIRTIO_MMIO_QUEUE_USED_LOW, RAM_BASE + DEVICE_AT}};
	bool packed = s->index & 1, mergeable = s->index & 8, several = s->index & 16 && pairs > 1;
	uint16_t entries = packed ? s->len % VIRTQ_SIZE_MAX + 1 : 1 << s->len % 9;
	unsigned queues = pairs > 1 ? 2 * pairs + 1 : 2;

	guest_init(&guest, packed, entries);
	out(VIRTIO_MMIO_STATUS, 4, 0);
	assert(!in(VIRTIO_MMIO_STATUS, 4) && !line);
	out(VIRTIO_MMIO_STATUS, 4, 3);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4,
		(uint32_t)(s->index >> 1 & 3) << 28 |
			(uint32_t)mergeable << VIRTIO_NET_F_MRG_RXBUF |
			(several ? 1 << VIRTIO_NET_F_MQ | 1 << VIRTIO_NET_F_CTRL_VQ : 0));
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 1);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, 1 | packed << 2);
	out(VIRTIO_MMIO_STATUS, 4, 11);
	out(VIRTIO_MMIO_QUEUE_SEL, 4, s->flags % queues);
	out(VIRTIO_MMIO_QUEUE_NUM, 4, entries);
	for (unsigned i = 0; i < 3; i++)
		out(areas[i].reg, 4, areas[i].value);
	out(VIRTIO_MMIO_QUEUE_READY, 4, 1);
	out(VIRTIO_MMIO_STATUS, 4, 15);
	assert(in(VIRTIO_MMIO_QUEUE_READY, 4) == 1);
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
		out(VIRTIO_MMIO_QUEUE_NOTIFY, 4, s->index % 10);
		run();
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
	const struct virtio_mmio_config mmio = {.name = "VR00", .base = BASE, .gsi = GSI};
	int type = kind & 1 ? SOCK_STREAM : SOCK_SEQPACKET;
	struct virtio_device *v;

	pairs = s.pairs = 1;
	for (unsigned i = 0; i < pairs; i++) {
		if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends[i]))
			abort();
		s.fds[i] = ends[i][0];
	}
	if (machine_init(&m, GUEST_ARM64, MACHINE_RAM_MIN, 1) ||
		gmem_add(&m.gmem, RAM_BASE, RAM_SIZE, guest_ram) || virtio_net_create(&m, &s, &v) ||
		virtio_mmio_create(&m, &mmio, v))
		abort();
	m.services = (struct machine_services){
		.ctx = &m, .irq_set = irq_set, .doorbell_set = doorbell_set};
	guest_init(&guest, false, 1);
	line = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	if (!size)
		return 0;
	if (!loop && (loop_create_epoll(&loop) || loop_timer_init(loop, &stop, stop_loop)))
		abort();
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
