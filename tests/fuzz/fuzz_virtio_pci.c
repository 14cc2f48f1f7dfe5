/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio device on the PCI bus, whose driver writes anything to its configuration space, to its
 * BARs and to memory, while the I/O thread works. The device does little: it echoes what it can
 * read. Eight bytes are a step; one of them sets it up as a driver that keeps the rules does.
 */
#include "devices/pci/host.h"
#include "devices/pci/pci.h"
#include "devices/virtio/pci.h"
#include "lib/util.h"
#include "tests/fuzz/virtio_guest.h"

#include <errno.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <stdlib.h>

#define QUEUES 2
#define DEVFN  PCI_DEVFN(1, 0)
#define HELD   4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static struct virtio_device *v;
static struct guest guest;
static bool lines[256];
static bool bells[QUEUES];

/* Requests that outlive their step, as a disk's do. */
static struct virtq_chain held[HELD];
static unsigned held_queues[HELD], held_count;
static bool resetting;

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	assert(ctx == &m && gsi < ARRAY_SIZE(lines) && lines[gsi] != asserted);
	lines[gsi] = asserted;
}

static int msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
{
	(void)msg;
	assert(ctx == &m && index < m.msi_count);
	return 0;
}

/* A queue that is not in use, or whose BAR is nowhere, has no doorbell. */
static int doorbell_set(void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	assert(ctx == &m && index < QUEUES);
	assert(!place || v->queues[index].enabled);
	assert(!place || place->address % 4 == 0);
	bells[index] = place;
	return 0;
}

/* ---- the device ---- */

static int echo_step(struct virtio_device *dev, unsigned queue)
{
	static struct virtq_chain c;
	uint8_t bytes[64];
	size_t n;
	int ret;

	assert(!resetting);
	if (held_count == HELD)
		return -EBUSY;
	ret = virtio_pop(dev, queue, &c);
	if (ret)
		return ret;
	n = virtq_chain_read(&c, 0, bytes, sizeof(bytes));
	if (n && bytes[0] & 1) {
		held[held_count] = c;
		held_queues[held_count++] = queue;
	} else if (n && bytes[0] & 2) {
		virtio_unpop(dev, queue, &c);
		return -EBUSY;
	} else {
		virtio_push(dev, queue, &c, (uint32_t)virtq_chain_write(&c, 0, bytes, n));
	}
	return 0;
}

static bool echo_reset(struct virtio_device *dev)
{
	(void)dev;
	resetting = held_count;
	return !resetting;
}

static void echo_config_write(
	struct virtio_device *dev, unsigned offset, unsigned size, uint64_t value)
{
	assert(offset + size <= dev->config_size);
	memcpy(dev->config + offset, &value, size);
}

static void echo_destroy(struct virtio_device *dev)
{
	virtio_fini(dev);
	free(dev);
}

static const struct virtio_class echo_class = {
	.name = "echo",
	.device_id = 42,
	.queue_step = echo_step,
	.reset = echo_reset,
	.config_write = echo_config_write,
	.destroy = echo_destroy,
};

/* One request that was held is over; and with the last one a reset. */
static void complete(void)
{
	const struct virtq_chain *c;
	unsigned queue;

	if (!held_count)
		return;
	c = &held[--held_count];
	queue = held_queues[held_count];
	virtio_lock(v);
	virtio_push(v, queue, c, (uint32_t)virtq_chain_write(c, 0, "done", 4));
	virtio_notify(v, queue);
	if (resetting && !held_count) {
		resetting = false;
		virtio_reset_done(v);
		assert(!virtio_get_status(v));
	}
	virtio_unlock(v);
	virtio_resume(v, queue);
}

/* The queues that were kicked get their turn. */
static void run(void)
{
	for (unsigned i = 0; i < QUEUES; i++) {
		struct loop_watch *w = &v->queues[i].kick;
		struct pollfd p = {.fd = w->fd, .events = POLLIN};

		if (poll(&p, 1, 0) == 1)
			w->ready(w, POLLIN);
	}
}

/* ---- the guest ---- */

static uint64_t load(gpa_t addr, unsigned size)
{
	uint64_t value;

	machine_read(&m, WINDOW_MMIO, addr, size, &value);
	assert(size == 8 || !(value >> 8 * size));
	return value;
}

static void store(gpa_t addr, unsigned size, uint64_t value)
{
	machine_write(&m, WINDOW_MMIO, addr, size, value);
}

static gpa_t config_at(unsigned offset)
{
	return m.pci.ecam + DEVFN * 4096 + offset;
}

static gpa_t bar_at(unsigned bar)
{
	return load(config_at(PCI_BAR(bar)), 4) & ~(gpa_t)15;
}

static void set_up(const struct step *s)
{
	static const uint32_t areas[] = {
		RAM_BASE + DESC_AT, RAM_BASE + DRIVER_AT, RAM_BASE + DEVICE_AT};
	bool packed = s->index & 1;
	uint16_t entries = packed ? s->len % VIRTQ_SIZE_MAX + 1 : 1 << s->len % 9;
	gpa_t common;

	while (held_count)
		complete();
	guest_init(&guest, packed, entries);
	store(config_at(PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	store(config_at(PCI_BAR(1)), 4, 0x20008000);
	store(config_at(PCI_BAR(0)), 4, 0x20000000);
	common = bar_at(0);
	store(common + VIRTIO_PCI_COMMON_STATUS, 1, 0);
	store(common + VIRTIO_PCI_COMMON_STATUS, 1, 3);
	store(common + VIRTIO_PCI_COMMON_GF, 4, (uint32_t)(s->index >> 1 & 3) << 28);
	store(common + VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	store(common + VIRTIO_PCI_COMMON_GF, 4, 1 | packed << 2);
	store(common + VIRTIO_PCI_COMMON_STATUS, 1, 11);
	store(common + VIRTIO_PCI_COMMON_Q_SELECT, 2, s->index >> 3 & 1);
	store(common + VIRTIO_PCI_COMMON_Q_SIZE, 2, entries);
	for (unsigned i = 0; i < 3; i++)
		store(common + VIRTIO_PCI_COMMON_Q_DESCLO + 8 * i, 8, areas[i]);
	store(common + VIRTIO_PCI_COMMON_Q_MSIX, 2, s->index >> 4);
	store(common + VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	store(common + VIRTIO_PCI_COMMON_STATUS, 1, 15);
	assert(load(common + VIRTIO_PCI_COMMON_STATUS, 1) == 15);
	assert(load(common + VIRTIO_PCI_COMMON_Q_ENABLE, 2) == 1 && bells[s->index >> 3 & 1]);
}

static void step(const struct step *s)
{
	unsigned bytes = 1u << (s->what >> 4 & 3);
	unsigned offset = s->index * 4u + (s->what >> 6);
	unsigned structure = s->offset % 4 * 0x1000;

	if (!(s->what & 8)) {
		guest_step(&guest, s);
		return;
	}
	switch (s->what & 7) {
	case 0:
		set_up(s);
		break;
	case 1:
		run();
		break;
	case 2:
		complete();
		break;
	case 3:
		load(config_at(offset % 4088), bytes);
		break;
	case 4:
		store(config_at(offset % 4088), bytes, (uint64_t)s->flags << 16 | s->len);
		break;
	case 5:
		load(bar_at(0) + structure + offset, bytes);
		break;
	case 6:
		store(bar_at(0) + structure + offset, bytes, (uint64_t)s->flags << 16 | s->len);
		break;
	case 7:
		store(bar_at(1) + offset, bytes, (uint64_t)s->flags << 16 | s->len);
		break;
	}
}

static void make_device(void)
{
	const struct virtio_setup setup = {
		.cls = &echo_class, .machine = &m, .config_size = 24, .queues = QUEUES};
	const struct virtio_pci_config cfg = {.name = "VR00", .devfn = DEVFN};

	memset(lines, 0, sizeof(lines));
	memset(bells, 0, sizeof(bells));
	held_count = 0;
	resetting = false;
	v = calloc(1, sizeof(*v));
	if (!v || machine_init(&m, GUEST_ARM64, MACHINE_RAM_MIN, 1) ||
		gmem_add(&m.gmem, RAM_BASE, RAM_SIZE, guest_ram) || pci_host_create(&m) ||
		virtio_init(v, &setup) || virtio_pci_create(&m, &cfg, v))
		abort();
	m.services = (struct machine_services){
		.ctx = &m, .irq_set = irq_set, .msi_set = msi_set, .doorbell_set = doorbell_set};
	guest_init(&guest, false, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	make_device();
	for (; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
	machine_fini(&m);
	return 0;
}
