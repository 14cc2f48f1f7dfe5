/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Console device [VIRTIO 1.2 5.3]: up to eight ports, each a pair of queues before a chardev, which
 * is what serial ports have, too. With VIRTIO_CONSOLE_F_MULTIPORT another pair carries messages
 * about the ports; without it port 0 is all there is. It is offered only where there is more than
 * one console, so that simple drivers do, too. VIRTIO_CONSOLE_F_SIZE and _F_EMERG_WRITE.
 *
 * Output: a request is copied into the chardev's ring, in several steps if it is long. A full ring
 * leaves the request where it is: Linux then waits. Once the reader is known to have stalled bytes
 * are dropped instead, except for channels, as devices/chardev.h has it.
 *
 * Input: the I/O thread puts bytes into a small ring, from which they go into the buffers that the
 * driver has given. A port that the guest has not opened takes none, nor one of which the driver
 * has yet to hear that its other side has come or gone: what one client sent is never taken for
 * another's.
 *
 * Messages for the driver are not queued but made from what it has not been told yet, so that a
 * driver that takes none costs nothing.
 *
 * In a message of RESIZE columns come before rows [VIRTIO 1.2 5.3.6.2]; many versions of Linux have
 * them the other way round. In the configuration, which is for the case of one console, there is
 * no doubt. Left out: PORT_REMOVE, as all ports stay.
 */
#include "devices/virtio/console.h"

#include "lib/util.h"

#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <string.h>

/* Bytes that one step moves. */
#define STEP_SIZE 4096

/* Bytes on their way to the driver; a power of two. */
#define INPUT_SIZE 4096

/* The queues [VIRTIO 1.2 5.3.2]: of port 0, of the messages, of the other ports. */
enum { QUEUE_MESSAGE_IN = 2, QUEUE_MESSAGE_OUT = 3 };

/* What the driver has yet to be told of a port, in this order. */
enum {
	TELL_ADD = 1 << 0,
	TELL_CONSOLE = 1 << 1,
	TELL_NAME = 1 << 2,
	TELL_CLOSED = 1 << 3, /* the other side went, whatever has come since */
	TELL_OPEN = 1 << 4,
	TELL_SIZE = 1 << 5,
};

struct console_port {
	struct virtio_console *console;
	struct chardev *chardev; /* NULL: there is no such port */
	const char *name;

	/* Guarded by the device's lock. */
	unsigned tell;
	bool ready;        /* the driver has it */
	bool told_open;    /* the driver thinks that the other side is open */
	bool guest_open;   /* somebody in the guest has it open */
	bool refused;      /* the I/O thread holds input */
	uint32_t out_done; /* bytes of the first request that are sent already */

	/* The I/O thread's. */
	struct ring input;
	uint8_t input_bytes[INPUT_SIZE];
};

struct virtio_console {
	struct virtio_device virtio;
	unsigned port_count;
	struct console_port ports[VIRTIO_CONSOLE_PORTS];
};

static struct virtio_console *to_console(struct virtio_device *v)
{
	return container_of(v, struct virtio_console, virtio);
}

static unsigned index_of(const struct console_port *p)
{
	return (unsigned)(p - p->console->ports);
}

static unsigned queue_in(unsigned port)
{
	return port ? 2 * port + 2 : 0;
}

static unsigned queue_out(unsigned port)
{
	return queue_in(port) + 1;
}

static bool is_multiport(const struct virtio_console *c)
{
	return virtio_has(&c->virtio, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* ---- messages for the driver ---- */

/* The port of which something is to be told next, and what that is: one bit; 0: nothing is. */
static unsigned next_to_tell(struct virtio_console *c, struct console_port **ret_port)
{
	for (unsigned i = 0; i < c->port_count; i++) {
		struct console_port *p = &c->ports[i];
		unsigned tell = p->tell;

		/* The other side's last words come before its end. */
		if (tell & TELL_CLOSED && ring_used(&p->input))
			tell &= ~(unsigned)(TELL_CLOSED | TELL_OPEN);
		if (!tell)
			continue;
		*ret_port = p;
		return tell & -tell;
	}
	return 0;
}

/* Has the I/O thread offer input that was refused. */
static void want_input(struct console_port *p)
{
	if (p->refused)
		chardev_kick(p->chardev);
	p->refused = false;
}

/* What is told is what is so now. */
static size_t make_message(struct console_port *p, unsigned what, uint8_t *buf, size_t size)
{
	struct virtio_console_control control = {.id = (uint32_t)index_of(p), .value = 1};
	const uint16_t window[2] = {p->chardev->columns, p->chardev->rows};
	const void *more = NULL;
	size_t more_size = 0;

	if (what == TELL_ADD) {
		control.event = VIRTIO_CONSOLE_PORT_ADD;
	} else if (what == TELL_CONSOLE) {
		control.event = VIRTIO_CONSOLE_CONSOLE_PORT;
	} else if (what == TELL_NAME) {
		control.event = VIRTIO_CONSOLE_PORT_NAME;
		more = p->name;
		more_size = strlen(p->name);
	} else if (what == TELL_SIZE) {
		control.event = VIRTIO_CONSOLE_RESIZE;
		more = window;
		more_size = sizeof(window);
	} else {
		control.event = VIRTIO_CONSOLE_PORT_OPEN;
		control.value = what == TELL_OPEN;
		p->told_open = what == TELL_OPEN;
	}
	p->tell &= ~what;
	more_size = min_u64(more_size, size - sizeof(control));
	memcpy(buf, &control, sizeof(control));
	if (more_size)
		memcpy(buf + sizeof(control), more, more_size);
	return sizeof(control) + more_size;
}

static int tell_step(struct virtio_console *c)
{
	uint8_t buf[sizeof(struct virtio_console_control) + 64];
	struct virtio_device *v = &c->virtio;
	struct console_port *p;
	struct virtq_chain chain;
	unsigned what = next_to_tell(c, &p);
	size_t size;
	int ret;

	if (!what)
		return -EBUSY;
	ret = virtio_pop(v, QUEUE_MESSAGE_IN, &chain);
	if (ret)
		return ret;
	if (chain.readable || chain.writable_size < sizeof(struct virtio_console_control))
		return -EBADMSG;
	size = make_message(p, what, buf, min_u64(sizeof(buf), chain.writable_size));
	virtq_chain_write(&chain, 0, buf, size);
	virtio_push(v, QUEUE_MESSAGE_IN, &chain, (uint32_t)size);
	want_input(p);
	return 0;
}

/* Without messages nobody is ready for one, and nothing is noted. */
static void tell(struct console_port *p, unsigned what)
{
	p->tell |= what;
	if (what)
		virtio_resume(&p->console->virtio, QUEUE_MESSAGE_IN);
}

/* ---- messages from the driver ---- */

/* Only consoles have a size. */
static bool has_window(const struct console_port *p)
{
	return !p->name && (p->chardev->rows || p->chardev->columns);
}

static void tell_all(struct console_port *p)
{
	p->ready = true;
	p->told_open = false;
	p->tell &= ~(unsigned)(TELL_CLOSED | TELL_OPEN);
	tell(p, (p->name ? TELL_NAME : TELL_CONSOLE) | (p->chardev->open ? TELL_OPEN : 0) |
			(has_window(p) ? TELL_SIZE : 0));
}

/* What it says of itself; a number that is no port's, or no message's, means nothing. */
static void heed(struct virtio_console *c, const struct virtio_console_control *control)
{
	struct console_port *p = control->id < c->port_count ? &c->ports[control->id] : NULL;

	if (control->event == VIRTIO_CONSOLE_DEVICE_READY && control->value) {
		for (unsigned i = 0; i < c->port_count; i++) {
			if (c->ports[i].chardev)
				tell(&c->ports[i], TELL_ADD);
		}
	}
	if (!p || !p->chardev)
		return;
	if (control->event == VIRTIO_CONSOLE_PORT_READY && control->value)
		tell_all(p);
	if (control->event == VIRTIO_CONSOLE_PORT_OPEN) {
		p->guest_open = control->value;
		want_input(p);
	}
}

static int heed_step(struct virtio_console *c)
{
	struct virtio_console_control control;
	struct virtq_chain chain;
	int ret = virtio_pop(&c->virtio, QUEUE_MESSAGE_OUT, &chain);

	if (ret)
		return ret;
	if (chain.writable)
		return -EBADMSG;
	if (virtq_chain_read(&chain, 0, &control, sizeof(control)) == sizeof(control))
		heed(c, &control);
	virtio_push(&c->virtio, QUEUE_MESSAGE_OUT, &chain, 0);
	return 0;
}

/* ---- output ---- */

/*
 * A part of the first request. One that does not end yet is put back: it will be seen again, as the
 * driver has it then, and what of it is sent already is not sent twice.
 */
static int out_step(struct console_port *p)
{
	struct virtio_device *v = &p->console->virtio;
	unsigned queue = queue_out(index_of(p));
	uint8_t bytes[STEP_SIZE];
	struct virtq_chain chain;
	size_t n, done = 0;
	int ret = virtio_pop(v, queue, &chain);

	if (ret)
		return ret;
	if (chain.writable)
		return -EBADMSG;
	n = virtq_chain_read(&chain, p->out_done, bytes, sizeof(bytes));
	if (n)
		done = chardev_write(p->chardev, bytes, n);
	p->out_done += (uint32_t)done;
	if (p->out_done < chain.readable_size) {
		virtio_unpop(v, queue, &chain);
		return done < n ? -EBUSY : 0;
	}
	p->out_done = 0;
	virtio_push(v, queue, &chain, 0);
	return 0;
}

/* I/O thread: there is room. */
static void port_drained(void *ctx)
{
	struct console_port *p = ctx;

	virtio_resume(&p->console->virtio, queue_out(index_of(p)));
}

/* ---- input ---- */

static int in_step(struct console_port *p)
{
	struct virtio_device *v = &p->console->virtio;
	unsigned queue = queue_in(index_of(p));
	struct virtq_chain chain;
	const uint8_t *bytes;
	size_t n;
	int ret;

	if (!ring_used(&p->input))
		return -EBUSY;
	ret = virtio_pop(v, queue, &chain);
	if (ret)
		return ret;
	if (chain.readable || !chain.writable_size)
		return -EBADMSG;
	n = ring_peek(&p->input, &bytes);
	n = virtq_chain_write(&chain, 0, bytes, n);
	ring_drop(&p->input, n);
	virtio_push(v, queue, &chain, (uint32_t)n);
	want_input(p);
	if (p->tell && !ring_used(&p->input))
		virtio_resume(v, QUEUE_MESSAGE_IN);
	return 0;
}

/* True when what comes now is for whom the guest thinks it is. */
static bool takes_input(const struct console_port *p)
{
	if (!is_multiport(p->console))
		return index_of(p) == 0 && p->console->virtio.status & VIRTIO_CONFIG_S_DRIVER_OK;
	return p->ready && p->guest_open && p->told_open == p->chardev->open &&
	       !(p->tell & TELL_CLOSED);
}

/* I/O thread. */
static size_t port_receive(void *ctx, const uint8_t *data, size_t n)
{
	struct console_port *p = ctx;
	struct virtio_device *v = &p->console->virtio;
	size_t taken = 0;

	virtio_lock(v);
	if (takes_input(p))
		taken = ring_push(&p->input, data, n);
	p->refused = taken < n;
	virtio_unlock(v);
	if (taken)
		virtio_resume(v, queue_in(index_of(p)));
	return taken;
}

/* ---- the other side ---- */

/* Under the lock. */
static void config_set_window(struct virtio_console *c)
{
	struct virtio_console_config *config = (void *)c->virtio.config;
	const struct chardev *chardev = c->ports[0].chardev;

	if (!chardev || (config->cols == chardev->columns && config->rows == chardev->rows))
		return;
	config->cols = chardev->columns;
	config->rows = chardev->rows;
	virtio_config_changed(&c->virtio);
	if (c->ports[0].ready && has_window(&c->ports[0]))
		tell(&c->ports[0], TELL_SIZE);
}

/* I/O thread: it has come or gone, or has another size. */
static void port_changed(void *ctx)
{
	struct console_port *p = ctx;
	struct virtio_console *c = p->console;

	virtio_lock(&c->virtio);
	if (index_of(p) == 0)
		config_set_window(c);
	if (p->ready && p->chardev->open && (!p->told_open || p->tell & TELL_CLOSED)) {
		tell(p, TELL_OPEN);
	} else if (p->ready && !p->chardev->open) {
		p->tell &= ~(unsigned)TELL_OPEN;
		tell(p, p->told_open ? TELL_CLOSED : 0);
	}
	virtio_unlock(&c->virtio);
}

/* ---- the device ---- */

static int console_step(struct virtio_device *v, unsigned queue)
{
	struct virtio_console *c = to_console(v);
	struct console_port *p = &c->ports[queue < QUEUE_MESSAGE_IN ? 0 : queue / 2 - 1];

	if (queue == QUEUE_MESSAGE_IN)
		return tell_step(c);
	if (queue == QUEUE_MESSAGE_OUT)
		return heed_step(c);
	/* Of a port that is not there nothing is taken, and nothing comes. */
	if (!p->chardev)
		return -EBUSY;
	return queue & 1 ? out_step(p) : in_step(p);
}

static int console_activate(struct virtio_device *v)
{
	want_input(&to_console(v)->ports[0]);
	return 0;
}

static bool console_reset(struct virtio_device *v)
{
	struct virtio_console *c = to_console(v);

	for (unsigned i = 0; i < c->port_count; i++) {
		struct console_port *p = &c->ports[i];

		p->tell = 0;
		p->ready = p->told_open = p->guest_open = false;
		p->out_done = 0;
		ring_drop(&p->input, ring_used(&p->input));
	}
	return true;
}

/* A character for port 0, before any queue is there, or when none works any more. */
static void console_config_write(
	struct virtio_device *v, unsigned offset, unsigned size, uint64_t value)
{
	const uint8_t byte = (uint8_t)value;

	(void)size;
	if (offset == offsetof(struct virtio_console_config, emerg_wr) &&
		to_console(v)->ports[0].chardev)
		chardev_put(to_console(v)->ports[0].chardev, byte);
}

static void console_destroy(struct virtio_device *v)
{
	virtio_fini(v);
	free(to_console(v));
}

static const struct virtio_class console_class = {
	.name = "virtio-console",
	.device_id = VIRTIO_ID_CONSOLE,
	.pci_class = 0x078000, /* communication controller, other */
	.queue_step = console_step,
	.activate = console_activate,
	.reset = console_reset,
	.config_write = console_config_write,
	.destroy = console_destroy,
};

static void port_init(
	struct virtio_console *c, unsigned i, const struct virtio_console_port_config *cfg)
{
	struct console_port *p = &c->ports[i];

	p->console = c;
	p->chardev = cfg->chardev;
	p->name = cfg->name;
	ring_init(&p->input, p->input_bytes, sizeof(p->input_bytes));
	if (p->chardev)
		p->chardev->front = (struct chardev_front){.ctx = p,
			.receive = port_receive,
			.drained = port_drained,
			.changed = port_changed};
}

int virtio_console_create(struct machine *m, const struct virtio_console_setup *cfg,
	struct virtio_device **ret_device)
{
	bool multiport = cfg->port_count > 1 || cfg->ports[0].name || !cfg->ports[0].chardev;
	const struct virtio_setup setup = {
		.cls = &console_class,
		.machine = m,
		.loop = cfg->loop,
		.features = VIRTIO_FEATURE(VIRTIO_CONSOLE_F_SIZE) |
			    VIRTIO_FEATURE(VIRTIO_CONSOLE_F_EMERG_WRITE) |
			    (multiport ? VIRTIO_FEATURE(VIRTIO_CONSOLE_F_MULTIPORT) : 0),
		.config_size = sizeof(struct virtio_console_config),
		.queues = multiport ? 2 * cfg->port_count + 2 : 2,
	};
	struct virtio_console *c = calloc(1, sizeof(*c));
	struct virtio_console_config *config;
	int ret;

	if (!c)
		return -ENOMEM;
	c->port_count = cfg->port_count;
	ret = virtio_init(&c->virtio, &setup);
	if (ret) {
		console_destroy(&c->virtio);
		return ret;
	}
	config = (void *)c->virtio.config;
	config->max_nr_ports = cfg->port_count;
	for (unsigned i = 0; i < cfg->port_count; i++)
		port_init(c, i, &cfg->ports[i]);
	*ret_device = &c->virtio;
	return 0;
}
