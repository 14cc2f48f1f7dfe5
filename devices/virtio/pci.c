/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio over PCI [VIRTIO 1.2 4.1]: a non-transitional device. BAR 0 has its structures, each in a
 * page of its own, BAR 1 the MSI-X table: a vector for configuration changes and one for each
 * queue, as far as there are so many. Without MSI-X it interrupts by INTA.
 *
 * Each queue has its own place to be notified at, which KVM hears for us.
 *
 * Left out: the legacy interface, shared memory regions, VIRTIO_F_NOTIFICATION_DATA.
 *
 * Locks: the bus's is outside the device's. Of devices/pci/, what is called here under the device's
 * lock takes neither.
 */
#include "devices/virtio/pci.h"

#include "devices/pci/pci.h"
#include "lib/util.h"

#include <errno.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include <sys/eventfd.h>

#define VENDOR           0x1AF4
#define DEVICE_BASE      0x1040 /* the type's number is added */
#define REVISION         1
#define CAP_ID_VENDOR    0x09
#define INTA             1
#define INTERRUPT_QUEUE  0x1 /* in ISR status */
#define INTERRUPT_CONFIG 0x2

enum { BAR_REGISTERS, BAR_MSIX };

/* The structures in BAR_REGISTERS. */
#define COMMON_AT         0x0000
#define ISR_AT            0x1000
#define CONFIG_AT         0x2000
#define NOTIFY_AT         0x3000
#define BAR_SIZE          0x4000
#define NOTIFY_MULTIPLIER 4 /* bytes from one queue's place to the next one's */

struct virtio_pci {
	struct pci_function function;
	struct virtio_device *virtio; /* owned; its lock guards what follows */
	unsigned vectors;             /* constant */
	unsigned access;              /* constant: offset of the capability that is a window */
	uint8_t isr;                  /* the line is the OR of its bits */
	uint16_t config_vector;
	uint16_t queue_vectors[VIRTIO_QUEUES_MAX];
	bool msix; /* it is on: what interrupts for queues is in queue_event_fd */
	uint32_t offered_sel, accepted_sel;
	uint16_t queue_sel;
	bool placed; /* BAR_REGISTERS is somewhere: */
	struct pci_place place;
};

static struct virtio_pci *to_pci(struct device *dev)
{
	return container_of(dev, struct virtio_pci, function.dev);
}

/* ---- notifications ---- */

static void doorbell_update(struct virtio_pci *t, unsigned queue)
{
	const struct machine_services *services = &t->function.dev.machine->services;
	const struct virtio_queue *q = &t->virtio->queues[queue];
	const struct machine_doorbell_place place = {
		.space = WINDOW_MMIO,
		.address = t->place.address + NOTIFY_AT + (uint64_t)queue * NOTIFY_MULTIPLIER,
	};

	services->doorbell_set(services->ctx, q->doorbell, q->enabled && t->placed ? &place : NULL);
}

static void queue_switched(void *ctx, unsigned queue, bool on)
{
	(void)on;
	doorbell_update(ctx, queue);
}

/* The guest has moved a BAR, or switched its decoding on or off. Under the bus's lock. */
static void bar_placed(struct pci_function *f, unsigned bar, const struct pci_place *place)
{
	struct virtio_pci *t = to_pci(&f->dev);

	if (bar != BAR_REGISTERS)
		return;
	virtio_lock(t->virtio);
	t->placed = place;
	if (place)
		t->place = *place;
	for (unsigned i = 0; i < t->virtio->queue_count; i++) {
		if (t->virtio->queues[i].enabled)
			doorbell_update(t, i);
	}
	virtio_unlock(t->virtio);
}

/* ---- interrupts [VIRTIO 1.2 4.1.5.3, 4.1.5.4] ---- */

static void set_isr(struct virtio_pci *t, uint8_t isr)
{
	t->isr = isr;
	pci_intx_set(&t->function, isr);
}

/* With MSI-X there is a vector or nothing; NO_VECTOR is none that there could be. */
static void queue_interrupt(void *ctx, unsigned queue)
{
	struct virtio_pci *t = ctx;

	if (pci_msix_enabled(&t->function))
		pci_msix_signal(&t->function, t->queue_vectors[queue]);
	else
		set_isr(t, t->isr | INTERRUPT_QUEUE);
}

static int queue_event_fd(void *ctx, unsigned queue)
{
	const struct virtio_pci *t = ctx;
	unsigned vector = t->queue_vectors[queue];

	if (!t->msix)
		return -1;
	return t->virtio->foreign ? pci_msix_source_fd(&t->function, vector)
				  : pci_msix_event_fd(&t->function, vector);
}

static void config_interrupt(void *ctx)
{
	struct virtio_pci *t = ctx;

	set_isr(t, t->isr | INTERRUPT_CONFIG);
	if (pci_msix_enabled(&t->function))
		pci_msix_signal(&t->function, t->config_vector);
}

static void reset(void *ctx)
{
	struct virtio_pci *t = ctx;

	set_isr(t, 0);
	t->config_vector = VIRTIO_MSI_NO_VECTOR;
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		t->queue_vectors[i] = VIRTIO_MSI_NO_VECTOR;
	t->offered_sel = t->accepted_sel = 0;
	t->queue_sel = 0;
}

static const struct virtio_transport transport = {
	.queue_switched = queue_switched,
	.queue_interrupt = queue_interrupt,
	.queue_event_fd = queue_event_fd,
	.config_interrupt = config_interrupt,
	.reset = reset,
};

/* ---- common configuration [VIRTIO 1.2 4.1.4.3] ---- */

/* Bytes of the field that begins at OFFSET; the halves of one of 64 bits are fields. 0: none. */
static unsigned field_size(uint64_t offset)
{
	if (offset == VIRTIO_PCI_COMMON_STATUS || offset == VIRTIO_PCI_COMMON_CFGGENERATION)
		return 1;
	if (offset >= sizeof(struct virtio_pci_common_cfg))
		return 0;
	if (offset >= VIRTIO_PCI_COMMON_MSIX && offset < VIRTIO_PCI_COMMON_Q_DESCLO)
		return offset % 2 ? 0 : 2;
	return offset % 4 ? 0 : 4;
}

static uint32_t queue_field_read(
	const struct virtio_pci *t, const struct virtio_queue *q, uint64_t offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return q->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return t->queue_vectors[t->queue_sel];
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return q->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return t->queue_sel;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return (uint32_t)q->areas[VIRTIO_AREA_DESC];
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return (uint32_t)(q->areas[VIRTIO_AREA_DESC] >> 32);
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return (uint32_t)q->areas[VIRTIO_AREA_DRIVER];
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return (uint32_t)(q->areas[VIRTIO_AREA_DRIVER] >> 32);
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return (uint32_t)q->areas[VIRTIO_AREA_DEVICE];
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return (uint32_t)(q->areas[VIRTIO_AREA_DEVICE] >> 32);
	default:
		return 0;
	}
}

static uint32_t field_read(struct virtio_pci *t, uint64_t offset)
{
	struct virtio_device *v = t->virtio;
	const struct virtio_queue *q = virtio_queue(v, t->queue_sel);

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return t->offered_sel;
	case VIRTIO_PCI_COMMON_DF:
		return virtio_get_offered(v, t->offered_sel);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return t->accepted_sel;
	case VIRTIO_PCI_COMMON_GF:
		return virtio_get_accepted(v, t->accepted_sel);
	case VIRTIO_PCI_COMMON_MSIX:
		return t->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return v->queue_count;
	case VIRTIO_PCI_COMMON_STATUS:
		return virtio_get_status(v);
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return (uint8_t)v->config_generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return t->queue_sel;
	default:
		/* Of a queue that is not there: size 0, no vector. */
		if (!q)
			return offset == VIRTIO_PCI_COMMON_Q_MSIX ? VIRTIO_MSI_NO_VECTOR : 0;
		return queue_field_read(t, q, offset);
	}
}

/* A vector that there is not becomes none, by which the driver knows [VIRTIO 1.2 4.1.5.1.2.1]. */
static uint16_t vector_of(const struct virtio_pci *t, uint32_t value)
{
	return value < t->vectors ? (uint16_t)value : VIRTIO_MSI_NO_VECTOR;
}

static void queue_field_write(
	struct virtio_pci *t, struct virtio_queue *q, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		virtio_queue_set_size(q, (uint16_t)value);
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		t->queue_vectors[t->queue_sel] = vector_of(t, value);
		virtio_call_changed(t->virtio, t->queue_sel);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		/* A driver must not write 0. */
		if (value == 1)
			virtio_queue_enable(q);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		virtio_queue_set_area(q, VIRTIO_AREA_DESC, offset & 4, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		virtio_queue_set_area(q, VIRTIO_AREA_DRIVER, offset & 4, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		virtio_queue_set_area(q, VIRTIO_AREA_DEVICE, offset & 4, value);
		break;
	}
}

static void field_write(struct virtio_pci *t, uint64_t offset, uint32_t value)
{
	struct virtio_device *v = t->virtio;
	struct virtio_queue *q = virtio_queue(v, t->queue_sel);

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		t->offered_sel = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		t->accepted_sel = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		virtio_set_accepted(v, t->accepted_sel, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		t->config_vector = vector_of(t, value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_set_status(v, (uint8_t)value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		t->queue_sel = (uint16_t)value;
		break;
	default:
		if (q)
			queue_field_write(t, q, offset, value);
	}
}

/* ---- BAR_REGISTERS ---- */

static uint64_t common_read(struct virtio_pci *t, uint64_t offset, unsigned size)
{
	uint64_t value;

	/* 8 bytes are the halves of a field of 64 bits. */
	if (size == 8 && field_size(offset) == 4) {
		value = field_read(t, offset);
		return value | (uint64_t)field_read(t, offset + 4) << 32;
	}
	return field_size(offset) == size ? field_read(t, offset) : 0;
}

static void common_write(struct virtio_pci *t, uint64_t offset, unsigned size, uint64_t value)
{
	if (size == 8 && field_size(offset) == 4) {
		field_write(t, offset, (uint32_t)value);
		field_write(t, offset + 4, (uint32_t)(value >> 32));
	} else if (field_size(offset) == size) {
		field_write(t, offset, (uint32_t)value);
	}
}

static uint64_t registers_read(struct virtio_pci *t, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	virtio_lock(t->virtio);
	if (offset < ISR_AT) {
		value = common_read(t, offset, size);
	} else if (offset == ISR_AT) {
		value = t->isr;
		set_isr(t, 0);
	} else if (offset >= CONFIG_AT && offset < NOTIFY_AT) {
		value = virtio_config_read(t->virtio, offset - CONFIG_AT, size);
	}
	virtio_unlock(t->virtio);
	return value;
}

static void registers_write(struct virtio_pci *t, uint64_t offset, unsigned size, uint64_t value)
{
	uint64_t queue = (offset - NOTIFY_AT) / NOTIFY_MULTIPLIER;

	virtio_lock(t->virtio);
	if (offset < ISR_AT)
		common_write(t, offset, size, value);
	else if (offset >= CONFIG_AT && offset < NOTIFY_AT)
		virtio_config_write(t->virtio, offset - CONFIG_AT, size, value);
	else if (offset >= NOTIFY_AT && queue < t->virtio->queue_count)
		virtio_resume(t->virtio, (unsigned)queue);
	virtio_unlock(t->virtio);
}

static uint64_t bar_read(struct device *dev, unsigned bar, uint64_t offset, unsigned size)
{
	(void)bar;
	return registers_read(to_pci(dev), offset, size);
}

static void bar_write(
	struct device *dev, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	(void)bar;
	registers_write(to_pci(dev), offset, size, value);
}

/* ---- configuration space ---- */

/* Where the access capability's window is [VIRTIO 1.2 4.1.4.9]. False: nowhere. */
static bool access_window(const struct virtio_pci *t, uint64_t *ret_offset, unsigned *ret_size)
{
	const struct pci_config *c = &t->function.config;
	uint32_t bar = pci_config_read(c, t->access + VIRTIO_PCI_CAP_BAR, 1);
	uint32_t offset = pci_config_read(c, t->access + VIRTIO_PCI_CAP_OFFSET, 4);
	uint32_t size = pci_config_read(c, t->access + VIRTIO_PCI_CAP_LENGTH, 4);

	if (bar != BAR_REGISTERS || (size != 1 && size != 2 && size != 4))
		return false;
	if (offset % size || offset >= BAR_SIZE)
		return false;
	*ret_offset = offset;
	*ret_size = size;
	return true;
}

static bool touches_window(const struct virtio_pci *t, unsigned offset, unsigned size)
{
	return ranges_overlap(
		offset, size, t->access + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data), 4);
}

static void config_read(struct pci_function *f, unsigned offset, unsigned size)
{
	struct virtio_pci *t = to_pci(&f->dev);
	uint64_t at;
	unsigned n;

	if (touches_window(t, offset, size) && access_window(t, &at, &n))
		pci_config_put(&f->config,
			t->access + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data), n,
			(uint32_t)registers_read(t, at, n));
}

static void msix_switched(struct virtio_pci *t)
{
	virtio_lock(t->virtio);
	t->msix = !t->msix;
	for (unsigned i = 0; i < t->virtio->queue_count; i++)
		virtio_call_changed(t->virtio, i);
	virtio_unlock(t->virtio);
}

static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
	struct virtio_pci *t = to_pci(&f->dev);
	uint64_t at;
	unsigned n;

	/* Both change under the bus's lock alone. */
	if (t->msix != pci_msix_enabled(f))
		msix_switched(t);
	if (touches_window(t, offset, size) && access_window(t, &at, &n))
		registers_write(t, at, n,
			pci_config_read(&f->config,
				t->access + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data), n));
}

static const struct pci_ops ops = {
	.place = bar_placed,
	.config_read = config_read,
	.config_written = config_written,
};

/* The capability that says where a structure is [VIRTIO 1.2 4.1.4]. 0 or -ENOSPC. */
static int add_structure(
	struct pci_function *f, const struct virtio_pci_cap *s, unsigned *ret_offset)
{
	struct pci_config *c = &f->config;
	unsigned at;
	int ret = pci_function_add_capability(f, CAP_ID_VENDOR, s->cap_len, &at);

	if (ret)
		return ret;
	pci_config_set(c, at + VIRTIO_PCI_CAP_LEN, 1, s->cap_len, 0);
	pci_config_set(c, at + VIRTIO_PCI_CAP_CFG_TYPE, 1, s->cfg_type, 0);
	pci_config_set(c, at + VIRTIO_PCI_CAP_BAR, 1, s->bar, 0);
	pci_config_set(c, at + VIRTIO_PCI_CAP_OFFSET, 4, s->offset, 0);
	pci_config_set(c, at + VIRTIO_PCI_CAP_LENGTH, 4, s->length, 0);
	*ret_offset = at;
	return 0;
}

static int add_structures(struct virtio_pci *t)
{
	const struct virtio_device *v = t->virtio;
	const struct virtio_pci_cap structures[] = {
		{.cfg_type = VIRTIO_PCI_CAP_COMMON_CFG,
			.cap_len = sizeof(struct virtio_pci_cap),
			.offset = COMMON_AT,
			.length = sizeof(struct virtio_pci_common_cfg)},
		{.cfg_type = VIRTIO_PCI_CAP_NOTIFY_CFG,
			.cap_len = sizeof(struct virtio_pci_notify_cap),
			.offset = NOTIFY_AT,
			.length = v->queue_count * NOTIFY_MULTIPLIER},
		{.cfg_type = VIRTIO_PCI_CAP_ISR_CFG,
			.cap_len = sizeof(struct virtio_pci_cap),
			.offset = ISR_AT,
			.length = 1},
		{.cfg_type = VIRTIO_PCI_CAP_PCI_CFG, .cap_len = sizeof(struct virtio_pci_cfg_cap)},
		{.cfg_type = VIRTIO_PCI_CAP_DEVICE_CFG,
			.cap_len = sizeof(struct virtio_pci_cap),
			.offset = CONFIG_AT,
			.length = v->config_size},
	};
	struct pci_config *c = &t->function.config;
	/* The last one only if the device has such a thing. */
	unsigned count = ARRAY_SIZE(structures) - !v->config_size;
	unsigned at;
	int ret = 0;

	for (unsigned i = 0; i < count && !ret; i++) {
		ret = add_structure(&t->function, &structures[i], &at);
		if (ret)
			break;
		if (structures[i].cfg_type == VIRTIO_PCI_CAP_NOTIFY_CFG)
			pci_config_set(c, at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4, NOTIFY_MULTIPLIER, 0);
		if (structures[i].cfg_type == VIRTIO_PCI_CAP_PCI_CFG)
			t->access = at;
	}
	pci_config_set(c, t->access + VIRTIO_PCI_CAP_BAR, 1, 0, UINT8_MAX);
	pci_config_set(c, t->access + VIRTIO_PCI_CAP_OFFSET, 4, 0, UINT32_MAX);
	pci_config_set(c, t->access + VIRTIO_PCI_CAP_LENGTH, 4, 0, UINT32_MAX);
	pci_config_set(
		c, t->access + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data), 4, 0, UINT32_MAX);
	return ret;
}

/* ---- birth and end ---- */

/* What another process interrupts by; the vectors' own eventfds are ours alone, who write to them.
 */
static int add_sources(struct virtio_pci *t)
{
	int ret = 0;

	for (unsigned i = 0; i < t->vectors && !ret; i++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		ret = fd < 0 ? -errno : pci_msix_add_source(&t->function, i, fd);
		if (ret)
			fd_close(&fd);
	}
	if (!ret)
		pci_msix_listen(&t->function, true);
	return ret;
}

static int pci_start(struct device *dev)
{
	return virtio_start(to_pci(dev)->virtio);
}

static void pci_destroy(struct device *dev)
{
	virtio_destroy(to_pci(dev)->virtio);
	pci_function_free(dev);
}

static const struct device_class pci_class = {
	.name = "virtio-pci",
	.read = bar_read,
	.write = bar_write,
	.start = pci_start,
	.destroy = pci_destroy,
};

int virtio_pci_create(
	struct machine *m, const struct virtio_pci_config *cfg, struct virtio_device *v)
{
	const struct pci_setup setup = {
		.cls = &pci_class,
		.name = cfg->name,
		.size = sizeof(struct virtio_pci),
		.ops = &ops,
		.vendor = VENDOR,
		.device = DEVICE_BASE + v->cls->device_id,
		.subsystem_vendor = VENDOR,
		.subsystem = DEVICE_BASE + v->cls->device_id,
		.revision = REVISION,
		.class_code = v->cls->pci_class,
	};
	struct pci_function *f;
	struct virtio_pci *t;
	int ret = pci_function_create(m, &setup, &f);

	if (ret) {
		virtio_destroy(v);
		return ret;
	}
	t = to_pci(&f->dev);
	t->virtio = v;
	t->vectors = (unsigned)min_u64(v->queue_count + 1, PCI_MSIX_VECTORS_MAX);
	reset(t);
	virtio_attach(v, &transport, t);
	pci_function_use_intx(f, INTA);
	ret = pci_function_add_bar(f, BAR_REGISTERS, PCI_BAR_MEM32, BAR_SIZE);
	if (!ret)
		ret = add_structures(t);
	if (!ret)
		ret = pci_function_add_msix(f, BAR_MSIX, t->vectors);
	if (!ret && v->foreign)
		ret = add_sources(t);
	return ret ? ret : pci_function_add(f, cfg->devfn);
}
