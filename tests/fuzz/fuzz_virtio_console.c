/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console device behind MMIO registers, whose driver writes anything to them and to memory,
 * while the other sides of its ports come, go, send and read. All its queues are in the same
 * memory, so that one request is seen as one of each: output, input, messages. Eight bytes are a
 * step; one of them sets the device up as a driver that keeps the rules does.
 */
#include "devices/virtio/console.h"
#include "devices/virtio/mmio.h"
#include "tests/fuzz/virtio_guest.h"

#include <linux/virtio_mmio.h>
#include <stdlib.h>

#define BASE   0x0A000000
#define GSI    16
#define PORTS  3
#define QUEUES (2 * PORTS + 2)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static struct guest guest;
static struct loop *loop;
static struct loop_timer stop;
static struct chardev chardevs[PORTS];
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

static void set_up_queue(unsigned queue, uint16_t entries)
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

/* Without multiport there are two queues. */
static void set_up(const struct step *s)
{
	bool packed = s->index & 1, multiport = !(s->index & 8);
	uint16_t entries = packed ? s->len % VIRTQ_SIZE_MAX + 1 : 1 << s->len % 9;

	guest_init(&guest, packed, entries);
	out(VIRTIO_MMIO_STATUS, 4, 0);
	assert(!in(VIRTIO_MMIO_STATUS, 4) && !line);
	out(VIRTIO_MMIO_STATUS, 4, 3);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, (uint32_t)(s->index >> 1 & 3) << 28 | multiport << 1);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 1);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, 1 | packed << 2);
	out(VIRTIO_MMIO_STATUS, 4, 11);
	for (unsigned i = 0; i < (multiport ? QUEUES : 2); i++)
		set_up_queue(i, entries);
	out(VIRTIO_MMIO_STATUS, 4, 15);
	assert(in(VIRTIO_MMIO_STATUS, 4) == 15);
}

static void tell_changed(struct chardev *c)
{
	c->front.changed(c->front.ctx);
}

/* What the I/O thread has of a port's other side. */
static void other_side(const struct step *s)
{
	struct chardev *c = &chardevs[s->index % PORTS];
	static const uint8_t bytes[1024] = "input";
	const uint8_t *output;
	size_t n;

	switch (s->what & 7) {
	case 0:
		n = c->front.receive(c->front.ctx, bytes, s->len % sizeof(bytes));
		assert(n <= s->len % sizeof(bytes));
		break;
	case 1:
		c->open = s->flags & 1;
		tell_changed(c);
		break;
	case 2:
		c->rows = s->flags & 0xFF;
		c->columns = s->flags >> 8;
		tell_changed(c);
		break;
	case 3:
		chardev_set_stalled(c, s->flags & 1);
		break;
	default:
		n = ring_peek(&c->tx, &output);
		chardev_tx_drop(c, n < s->len ? n : s->len);
		break;
	}
}

static void step(const struct step *s)
{
	unsigned bytes = s->what & 0x80 ? 1u << (s->what >> 5 & 3) : 4;
	unsigned reg = s->index * 4u % (VIRTIO_MMIO_SIZE - 8);

	if (!(s->what & 8)) {
		guest_step(&guest, s);
		return;
	}
	if (s->what & 0x10) {
		other_side(s);
		return;
	}
	switch (s->what & 7) {
	case 0:
		set_up(s);
		break;
	case 1:
	case 2:
		out(VIRTIO_MMIO_QUEUE_NOTIFY, 4, s->index % QUEUES);
		run();
		break;
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
	case 7:
		run();
		break;
	}
}

static void make_device(void)
{
	static const char *const names[PORTS] = {NULL, "org.example.channel", NULL};
	const struct virtio_mmio_config mmio = {.name = "VR00", .base = BASE, .gsi = GSI};
	struct virtio_console_setup console = {.loop = loop, .port_count = PORTS};
	struct virtio_device *v;

	for (unsigned i = 0; i < PORTS; i++) {
		chardev_init(&chardevs[i], -1);
		console.ports[i] = (struct virtio_console_port_config){
			.chardev = &chardevs[i], .name = names[i]};
	}
	if (machine_init(&m, GUEST_ARM64, MACHINE_RAM_MIN, 1) ||
		gmem_add(&m.gmem, RAM_BASE, RAM_SIZE, guest_ram) ||
		virtio_console_create(&m, &console, &v) || virtio_mmio_create(&m, &mmio, v))
		abort();
	m.services = (struct machine_services){
		.ctx = &m, .irq_set = irq_set, .doorbell_set = doorbell_set};
	guest_init(&guest, false, 1);
	line = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	if (!loop && (loop_create_epoll(&loop) || loop_timer_init(loop, &stop, stop_loop)))
		abort();
	make_device();
	for (; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
	machine_fini(&m);
	return 0;
}
