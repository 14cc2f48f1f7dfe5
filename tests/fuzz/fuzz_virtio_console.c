/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console device behind MMIO registers, whose driver writes anything to them and to memory,
 * while the other sides of its ports come, go, send and read. All its queues are in the same
 * memory, so that one request is seen as one of each: output, input, messages. Eight bytes are a
 * step; one of them sets the device up as a driver that keeps the rules does.
 */
#include "devices/virtio/console.h"
#include "tests/fuzz/virtio_world.h"

#include <linux/virtio_console.h>

#define PORTS  3
#define QUEUES (2 * PORTS + 2)

static struct chardev chardevs[PORTS];

/* Without multiport there are two queues. */
static void set_up(const struct step *s)
{
	bool multiport = !(s->index & 8);
	uint16_t entries = world_negotiate(s, (uint32_t)multiport << VIRTIO_CONSOLE_F_MULTIPORT);

	for (unsigned i = 0; i < (multiport ? QUEUES : 2); i++)
		world_queue(i, entries);
	world_live();
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
	if (!(s->what & 8))
		guest_step(&guest, s);
	else if (s->what & 0x10)
		other_side(s);
	else if ((s->what & 7) == 0)
		set_up(s);
	else if ((s->what & 7) < 3)
		world_notify(s->index % QUEUES);
	else
		world_access(s);
}

static void make_device(void)
{
	static const char *const names[PORTS] = {NULL, "org.example.channel", NULL};
	struct virtio_console_setup console = {.loop = loop, .port_count = PORTS};
	struct virtio_device *v;

	for (unsigned i = 0; i < PORTS; i++) {
		chardev_init(&chardevs[i], -1);
		console.ports[i] = (struct virtio_console_port_config){
			.chardev = &chardevs[i], .name = names[i]};
	}
	if (virtio_console_create(&m, &console, &v))
		abort();
	world_add(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	world_init();
	make_device();
	for (; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
	machine_fini(&m);
	return 0;
}
