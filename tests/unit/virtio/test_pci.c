/* SPDX-License-Identifier: BSD-3-Clause */
/* The PCI transport, as a guest finds it by ECAM and BARs. */
#include "devices/pci/host.h"
#include "devices/pci/pci.h"
#include "devices/virtio/pci.h"
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/driver.h"
#include "vmm/device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <sys/eventfd.h>

#define QUEUES 3
#define SIZE   16
#define ALL_OK 15
#define V1     ((uint64_t)1 << VIRTIO_F_VERSION_1)

#define SERVED 2 /* a queue that somebody else works on */

/* What its server was told last to signal, and how often. */
static struct {
	int fd;
	unsigned changes;
	bool halted;
} server;

/* A device that writes "done" into each buffer, and has two words of configuration. */
static int echo_step(struct virtio_device *v, unsigned queue)
{
	struct virtq_chain c;
	int ret = virtio_pop(v, queue, &c);

	if (!ret)
		virtio_push(v, queue, &c, (uint32_t)virtq_chain_write(&c, 0, "done", 4));
	return ret;
}

static void echo_config_write(
	struct virtio_device *v, unsigned offset, unsigned size, uint64_t value)
{
	memcpy(v->config + offset, &value, size);
}

static int echo_call_changed(struct virtio_device *v, unsigned queue)
{
	ck_assert_uint_eq(queue, SERVED);
	server.fd = virtio_call_fd(v, queue);
	server.changes++;
	return 0;
}

static void echo_halt(struct virtio_device *v)
{
	(void)v;
	server.halted = true;
}

static void echo_destroy(struct virtio_device *v)
{
	virtio_fini(v);
	free(v);
}

static const struct virtio_class echo_class = {
	.name = "echo",
	.device_id = 42,
	.pci_class = 0x0780AB,
	.queue_step = echo_step,
	.config_write = echo_config_write,
	.call_changed = echo_call_changed,
	.halt = echo_halt,
	.destroy = echo_destroy,
};

static struct machine m;
static struct virtio_device *v;
static struct driver drv;
static unsigned devfn;
static bool lines[256];
static struct machine_msi_message messages[MACHINE_MSIS_MAX];
static bool msi_on[MACHINE_MSIS_MAX];
static struct machine_doorbell_place bells[MACHINE_DOORBELLS_MAX];
static bool bell_on[MACHINE_DOORBELLS_MAX];

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	ck_assert_ptr_eq(ctx, &m);
	ck_assert(lines[gsi] != asserted);
	lines[gsi] = asserted;
}

static int msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
{
	ck_assert_ptr_eq(ctx, &m);
	msi_on[index] = msg;
	if (msg)
		messages[index] = *msg;
	return 0;
}

static int doorbell_set(void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	ck_assert_ptr_eq(ctx, &m);
	bell_on[index] = place;
	if (place)
		bells[index] = *place;
	return 0;
}

static struct virtio_device *make_echo(unsigned config_size)
{
	const struct virtio_setup s = {.cls = &echo_class,
		.machine = &m,
		.config_size = config_size,
		.queues = QUEUES,
		.served = 1 << SERVED};
	struct virtio_device *echo = calloc(1, sizeof(*echo));

	ck_assert_ptr_nonnull(echo);
	ck_assert_int_eq(virtio_init(echo, &s), 0);
	return echo;
}

static void setup(void)
{
	const struct virtio_pci_config cfg = {.name = "VR00", .devfn = PCI_DEVFN(5, 0)};

	memset(lines, 0, sizeof(lines));
	memset(msi_on, 0, sizeof(msi_on));
	memset(bell_on, 0, sizeof(bell_on));
	ck_assert_int_eq(machine_init(&m, GUEST_ARM64, RAM_SIZE, 1), 0);
	ck_assert_int_eq(gmem_add(&m.gmem, RAM_BASE, RAM_SIZE, ram), 0);
	m.services = (struct machine_services){
		.ctx = &m, .irq_set = irq_set, .msi_set = msi_set, .doorbell_set = doorbell_set};
	ck_assert_int_eq(pci_host_create(&m), 0);
	v = make_echo(8);
	ck_assert_int_eq(virtio_pci_create(&m, &cfg, v), 0);
	devfn = cfg.devfn;
}

static void teardown(void)
{
	machine_fini(&m);
}

/* ---- the guest ---- */

static uint64_t load(gpa_t addr, unsigned size)
{
	uint64_t value;

	ck_assert(machine_read(&m, WINDOW_MMIO, addr, size, &value));
	return value;
}

static void store(gpa_t addr, unsigned size, uint64_t value)
{
	ck_assert(machine_write(&m, WINDOW_MMIO, addr, size, value));
}

static uint32_t cfg_in(unsigned offset, unsigned size)
{
	return (uint32_t)load(m.pci.ecam + devfn * 4096 + offset, size);
}

static void cfg_out(unsigned offset, unsigned size, uint32_t value)
{
	store(m.pci.ecam + devfn * 4096 + offset, size, value);
}

/* Where the structure of this type is; 0: there is none. */
static unsigned capability(unsigned id, unsigned type)
{
	unsigned at = cfg_in(0x34, 1), steps = 0;

	while (at && !(cfg_in(at, 1) == id && (id != 9 || cfg_in(at + 3, 1) == type))) {
		ck_assert_uint_lt(steps++, 16);
		at = cfg_in(at + 1, 1);
	}
	return at;
}

static gpa_t structure(unsigned type)
{
	unsigned at = capability(9, type);

	ck_assert_uint_ne(at, 0);
	return (cfg_in(0x10 + 4 * cfg_in(at + 4, 1), 4) & ~15u) + cfg_in(at + 8, 4);
}

static uint32_t common_in(unsigned offset, unsigned size)
{
	return (uint32_t)load(structure(VIRTIO_PCI_CAP_COMMON_CFG) + offset, size);
}

static void common_out(unsigned offset, unsigned size, uint32_t value)
{
	store(structure(VIRTIO_PCI_CAP_COMMON_CFG) + offset, size, value);
}

static void switch_on(void)
{
	cfg_out(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void out64(unsigned offset, uint64_t value)
{
	common_out(offset, 4, (uint32_t)value);
	common_out(offset + 4, 4, (uint32_t)(value >> 32));
}

static void negotiate(void)
{
	switch_on();
	common_out(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	common_out(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	common_out(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	common_out(VIRTIO_PCI_COMMON_GF, 4, 1);
	common_out(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_STATUS, 1), 11);
}

/* With queue INDEX, whose interrupts are VECTOR. */
static void start(unsigned index, unsigned vector)
{
	struct virtq_layout l;

	driver_init(&drv, V1, SIZE);
	l = driver_layout(&drv);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
	common_out(VIRTIO_PCI_COMMON_Q_SIZE, 2, SIZE);
	out64(VIRTIO_PCI_COMMON_Q_DESCLO, l.desc);
	out64(VIRTIO_PCI_COMMON_Q_AVAILLO, l.driver);
	out64(VIRTIO_PCI_COMMON_Q_USEDLO, l.device);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, vector);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_MSIX, 2), vector);
	common_out(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	common_out(VIRTIO_PCI_COMMON_STATUS, 1, ALL_OK);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_STATUS, 1), ALL_OK);
}

static gpa_t notify_place(unsigned index)
{
	unsigned multiplier = cfg_in(capability(9, VIRTIO_PCI_CAP_NOTIFY_CFG) + 16, 4);

	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
	return structure(VIRTIO_PCI_CAP_NOTIFY_CFG) +
	       common_in(VIRTIO_PCI_COMMON_Q_NOFF, 2) * (gpa_t)multiplier;
}

/* One request through queue INDEX, by way of the register, as where there is no doorbell. */
static void request(unsigned index)
{
	static const struct buffer b = {.addr = RAM_BASE + DATA_AT, .len = 4, .write = true};
	struct loop_watch *watch = &v->queues[index].kick;
	struct pollfd p = {.fd = watch->fd, .events = POLLIN};
	uint32_t len;
	unsigned id;

	ck_assert_int_ge(driver_add(&drv, &b, 1), 0);
	store(notify_place(index), 2, index);
	while (poll(&p, 1, 0) == 1)
		watch->ready(watch, POLLIN);
	ck_assert(driver_used(&drv, &id, &len));
	ck_assert_uint_eq(len, 4);
}

static bool line(void)
{
	return lines[m.pci.gsis[5 % 4]]; /* INTA of device 5 */
}

static bool signalled(unsigned vector)
{
	struct pollfd p = {.fd = m.msis[vector].event_fd, .events = POLLIN};
	uint64_t count;

	return poll(&p, 1, 0) == 1 && read(p.fd, &count, sizeof(count)) == sizeof(count);
}

static void change_config(void)
{
	virtio_lock(v);
	virtio_config_changed(v);
	virtio_unlock(v);
}

/* ---- configuration space ---- */

START_TEST(identity)
{
	ck_assert_uint_eq(cfg_in(PCI_VENDOR_ID, 4), (0x1040 + 42) << 16 | 0x1AF4);
	ck_assert_uint_eq(cfg_in(PCI_SUBSYSTEM_VENDOR_ID, 4), (0x1040 + 42) << 16 | 0x1AF4);
	ck_assert_uint_eq(cfg_in(PCI_REVISION_ID, 4), 0x0780AB01);
	ck_assert_uint_eq(cfg_in(PCI_INTERRUPT_PIN, 1), 1);
	/* Configuration, and each queue. */
	ck_assert_uint_eq(cfg_in(capability(0x11, 0) + 2, 2) & 0x7FF, QUEUES);
}
END_TEST

START_TEST(structures)
{
	static const struct {
		unsigned type, size, length;
	} wanted[] = {{VIRTIO_PCI_CAP_COMMON_CFG, 16, 56}, {VIRTIO_PCI_CAP_NOTIFY_CFG, 20, 12},
		{VIRTIO_PCI_CAP_ISR_CFG, 16, 1}, {VIRTIO_PCI_CAP_DEVICE_CFG, 16, 8},
		{VIRTIO_PCI_CAP_PCI_CFG, 20, 0}};

	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		unsigned at = capability(9, wanted[i].type);

		ck_assert_uint_ne(at, 0);
		ck_assert_uint_eq(cfg_in(at + 2, 1), wanted[i].size);
		ck_assert_uint_eq(cfg_in(at + 12, 4), wanted[i].length);
		ck_assert_uint_eq(cfg_in(at + 8, 4) % 4, 0);
		ck_assert_uint_eq(cfg_in(at + 4, 1), 0);
		/* All but the access capability are read-only. */
		cfg_out(at + 8, 4, 0xABCD);
		ck_assert((cfg_in(at + 8, 4) == 0xABCD) ==
			  (wanted[i].type == VIRTIO_PCI_CAP_PCI_CFG));
	}
}
END_TEST

START_TEST(no_configuration)
{
	const struct virtio_pci_config cfg = {.name = "VR01", .devfn = PCI_DEVFN_ANY};

	ck_assert_int_eq(virtio_pci_create(&m, &cfg, make_echo(0)), 0);
	devfn = PCI_DEVFN(1, 0);
	ck_assert_uint_eq(cfg_in(PCI_VENDOR_ID, 2), 0x1AF4);
	ck_assert_uint_eq(capability(9, VIRTIO_PCI_CAP_DEVICE_CFG), 0);
	ck_assert_uint_ne(capability(9, VIRTIO_PCI_CAP_PCI_CFG), 0);
}
END_TEST

START_TEST(taken_places)
{
	const struct virtio_pci_config cfg = {.name = "VR01", .devfn = PCI_DEVFN(5, 0)};
	struct machine none;

	ck_assert_int_eq(virtio_pci_create(&m, &cfg, make_echo(8)), -EEXIST);
	ck_assert_int_eq(machine_init(&none, GUEST_ARM64, RAM_SIZE, 1), 0);
	ck_assert_int_eq(virtio_pci_create(&none, &cfg, make_echo(8)), -ENODEV);
	machine_fini(&none);
}
END_TEST

/* The other way to the registers [VIRTIO 1.2 4.1.4.9]: with memory decoding off. */
START_TEST(access_capability)
{
	const unsigned at = capability(9, VIRTIO_PCI_CAP_PCI_CFG);
	const unsigned data = at + 16;
	static const struct {
		uint32_t bar, offset, size;
	} nowhere[] = {{1, 0, 4}, {0, 0, 0}, {0, 0, 3}, {0, 0, 8}, {0, 2, 4}, {0, 0x4000, 4},
		{0, 0xFFFFFFFC, 4}};

	cfg_out(at + 8, 4, VIRTIO_PCI_COMMON_NUMQ);
	cfg_out(at + 12, 4, 2);
	ck_assert_uint_eq(cfg_in(data, 2), QUEUES);
	cfg_out(at + 8, 4, VIRTIO_PCI_COMMON_STATUS);
	cfg_out(at + 12, 4, 1);
	cfg_out(data, 1, 3);
	ck_assert_uint_eq(virtio_get_status(v), 3);
	ck_assert_uint_eq(cfg_in(data, 1), 3);
	for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++) {
		cfg_out(at + 4, 1, nowhere[i].bar);
		cfg_out(at + 8, 4, nowhere[i].offset);
		cfg_out(at + 12, 4, nowhere[i].size);
		cfg_out(data, 4, 0x12345678);
		ck_assert_uint_eq(cfg_in(data, 4), 0x12345678);
	}
	ck_assert_uint_eq(virtio_get_status(v), 3);
}
END_TEST

/* ---- common configuration ---- */

START_TEST(common_fields)
{
	switch_on();
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_NUMQ, 2), QUEUES);
	common_out(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_DFSELECT, 4), 1);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_DF, 4) & 1, 1);
	common_out(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	common_out(VIRTIO_PCI_COMMON_GF, 4, 5);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_GFSELECT, 4), 1);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_GF, 4), 5);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_MSIX, 2), 0xFFFF);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_SELECT, 2), 2);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_SIZE, 2), VIRTQ_SIZE_MAX);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_NOFF, 2), 2);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	/* The halves of wide fields, and both at once. */
	common_out(VIRTIO_PCI_COMMON_Q_DESCHI, 4, 0x12345678);
	common_out(VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x9ABCDEF0);
	ck_assert_uint_eq(
		load(structure(VIRTIO_PCI_CAP_COMMON_CFG) + VIRTIO_PCI_COMMON_Q_DESCLO, 8),
		0x123456789ABCDEF0);
	store(structure(VIRTIO_PCI_CAP_COMMON_CFG) + VIRTIO_PCI_COMMON_Q_USEDLO, 8,
		0x1122334455667788);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_USEDHI, 4), 0x11223344);
	ck_assert_uint_eq(v->queues[2].areas[VIRTIO_AREA_DEVICE], 0x1122334455667788);
	/* Of a queue that there is not. */
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, QUEUES);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xFFFF);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0xFFFF);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_NOFF, 2), 0);
}
END_TEST

/* A field is accessed by its own width [VIRTIO 1.2 4.1.3.1]. */
START_TEST(other_widths)
{
	negotiate();
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_STATUS, 4), 0);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_STATUS, 2), 0);
	common_out(VIRTIO_PCI_COMMON_MSIX, 4, 0);
	common_out(VIRTIO_PCI_COMMON_NUMQ + 1, 1, 0);
	common_out(VIRTIO_PCI_COMMON_STATUS, 2, 0);
	common_out(56, 4, 0xFFFF);
	ck_assert_uint_eq(common_in(56, 2), 0);
	ck_assert_uint_eq(common_in(0xFFC, 4), 0);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_STATUS, 1), 11);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_MSIX, 2), 0xFFFF);
}
END_TEST

START_TEST(vectors)
{
	switch_on();
	common_out(VIRTIO_PCI_COMMON_MSIX, 2, QUEUES);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_MSIX, 2), QUEUES);
	common_out(VIRTIO_PCI_COMMON_MSIX, 2, QUEUES + 1);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_MSIX, 2), 0xFFFF);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_MSIX, 2), 2);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0x800);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xFFFF);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	common_out(VIRTIO_PCI_COMMON_MSIX, 2, 1);
	common_out(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_MSIX, 2), 0xFFFF);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_SELECT, 2), 0);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xFFFF);
}
END_TEST

START_TEST(device_configuration)
{
	gpa_t at;

	switch_on();
	at = structure(VIRTIO_PCI_CAP_DEVICE_CFG);
	store(at + 4, 2, 0xBEEF);
	ck_assert_uint_eq(load(at, 8), 0xBEEF00000000);
	ck_assert_uint_eq(load(at + 8, 4), 0);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_CFGGENERATION, 1), 0);
	change_config();
	load(at, 1);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_CFGGENERATION, 1), 1);
}
END_TEST

/* ---- notifications ---- */

START_TEST(doorbells)
{
	gpa_t bar;

	negotiate();
	start(1, 0xFFFF);
	bar = cfg_in(0x10, 4);
	ck_assert(bell_on[1]);
	ck_assert(!bell_on[0] && !bell_on[2]);
	ck_assert_int_eq(bells[1].space, WINDOW_MMIO);
	ck_assert_uint_eq(bells[1].address, notify_place(1));
	ck_assert_uint_eq(bells[1].size, 0);
	ck_assert(!bells[1].has_data);
	/* It goes where the BAR goes, or nowhere. */
	cfg_out(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	ck_assert(!bell_on[1]);
	cfg_out(0x10, 4, (uint32_t)bar + 0x100000);
	switch_on();
	ck_assert(bell_on[1]);
	ck_assert_uint_eq(bells[1].address, bar + 0x100000 + 0x3000 + 4);
	request(1);
	common_out(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	ck_assert(!bell_on[1]);
	/* Of a queue that there is not. */
	store(notify_place(0) + 4 * QUEUES, 2, 0);
}
END_TEST

START_TEST(never_disabled)
{
	negotiate();
	start(0, 0xFFFF);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	common_out(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	ck_assert_uint_eq(common_in(VIRTIO_PCI_COMMON_STATUS, 1), ALL_OK);
}
END_TEST

/* ---- interrupts ---- */

START_TEST(intx)
{
	negotiate();
	start(0, 0xFFFF);
	ck_assert(!line());
	request(0);
	ck_assert(line());
	ck_assert_uint_eq(cfg_in(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
	change_config();
	ck_assert_uint_eq(load(structure(VIRTIO_PCI_CAP_ISR_CFG), 1), 3);
	ck_assert(!line());
	ck_assert_uint_eq(load(structure(VIRTIO_PCI_CAP_ISR_CFG), 1), 0);
	request(0);
	ck_assert(line());
	cfg_out(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	ck_assert(!line());
	switch_on();
	ck_assert(line());
	common_out(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	ck_assert(!line());
	for (unsigned i = 0; i <= QUEUES; i++)
		ck_assert(!signalled(i));
}
END_TEST

static void msix_on(void)
{
	cfg_out(capability(0x11, 0) + 2, 2, 0x8000);
}

START_TEST(msix)
{
	negotiate();
	msix_on();
	common_out(VIRTIO_PCI_COMMON_MSIX, 2, 0);
	start(1, 2);
	request(1);
	ck_assert(signalled(2));
	ck_assert(!signalled(0) && !signalled(1) && !signalled(3));
	ck_assert(!line());
	ck_assert_uint_eq(load(structure(VIRTIO_PCI_CAP_ISR_CFG), 1), 0);
	change_config();
	ck_assert(signalled(0));
	ck_assert(!line());
	ck_assert(!signalled(2));
	/* No vector, no interrupt. */
	common_out(VIRTIO_PCI_COMMON_MSIX, 2, 0xFFFF);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0xFFFF);
	request(1);
	change_config();
	for (unsigned i = 0; i <= QUEUES; i++)
		ck_assert(!signalled(i));
	ck_assert(!line());
}
END_TEST

/* Who serves a queue interrupts by the vector's eventfd, whichever that is at the time. */
START_TEST(served_queue)
{
	server.changes = 0;
	server.halted = false;
	negotiate();
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, SERVED);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	start(SERVED, 1);
	ck_assert_uint_eq(server.changes, 0); /* it is told at the start */
	ck_assert_int_eq(virtio_call_fd(v, SERVED), v->queues[SERVED].call.fd);
	msix_on();
	ck_assert_uint_eq(server.changes, 1);
	ck_assert_int_eq(server.fd, m.msis[1].event_fd);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, SERVED);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	ck_assert_uint_eq(server.changes, 2);
	ck_assert_int_eq(server.fd, m.msis[3].event_fd);
	cfg_out(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(server.changes, 2);
	cfg_out(capability(0x11, 0) + 2, 2, 0);
	ck_assert_uint_eq(server.changes, 3);
	ck_assert_int_eq(server.fd, v->queues[SERVED].call.fd);
	ck_assert(!server.halted);
	/* None is set up that its server would not hear of. */
	common_out(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	negotiate();
	start(0, 1);
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, SERVED);
	common_out(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	ck_assert_uint_eq(
		common_in(VIRTIO_PCI_COMMON_STATUS, 1), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert(server.halted);
}
END_TEST

/* What a process can make block is a file of its own, from which nobody reads so that he waits. */
START_TEST(foreign_server)
{
	const struct virtio_pci_config cfg = {.name = "VR01", .devfn = PCI_DEVFN(6, 0)};
	gpa_t pba;
	int fd;

	v = make_echo(8);
	v->foreign = true;
	ck_assert_int_eq(virtio_pci_create(&m, &cfg, v), 0);
	devfn = cfg.devfn;
	negotiate();
	common_out(VIRTIO_PCI_COMMON_Q_SELECT, 2, SERVED);
	common_out(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	start(SERVED, 1);
	msix_on();
	fd = virtio_call_fd(v, SERVED);
	pba = (cfg_in(0x14, 4) & ~(gpa_t)15) + 2048;
	/* Behind the vectors' own, those of the device before it, too. */
	ck_assert_int_eq(fd, m.msis[2 * (QUEUES + 1) + 1].event_fd);
	ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
	ck_assert_int_eq(fcntl(v->queues[SERVED].kick.fd, F_SETFL, 0), 0);
	eventfd_write(fd, 1);
	ck_assert_uint_eq(load(pba, 8), 1 << 1);
	/* Turned off and on it pends no more; empty ones are looked at, too. */
	cfg_out(capability(0x11, 0) + 2, 2, 0);
	msix_on();
	ck_assert_uint_eq(load(pba, 8), 0);
	/* A doorbell that it has filled is not waited for. */
	eventfd_write(v->queues[SERVED].kick.fd, UINT64_MAX - 2);
	virtio_resume(v, SERVED);
}
END_TEST

START_TEST(broken_driver)
{
	const struct buffer b = {.addr = 16, .len = 1};
	struct loop_watch *watch = &v->queues[0].kick;

	negotiate();
	msix_on();
	common_out(VIRTIO_PCI_COMMON_MSIX, 2, 3);
	start(0, 1);
	driver_add(&drv, &b, 1);
	store(notify_place(0), 2, 0);
	watch->ready(watch, POLLIN);
	ck_assert_uint_eq(
		common_in(VIRTIO_PCI_COMMON_STATUS, 1), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert(signalled(3));
	ck_assert(!signalled(1));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/pci");
	TCase *tc = tcase_create("pci");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, identity);
	tcase_add_test(tc, structures);
	tcase_add_test(tc, no_configuration);
	tcase_add_test(tc, taken_places);
	tcase_add_test(tc, access_capability);
	tcase_add_test(tc, common_fields);
	tcase_add_test(tc, other_widths);
	tcase_add_test(tc, vectors);
	tcase_add_test(tc, device_configuration);
	tcase_add_test(tc, doorbells);
	tcase_add_test(tc, never_disabled);
	tcase_add_test(tc, intx);
	tcase_add_test(tc, msix);
	tcase_add_test(tc, served_queue);
	tcase_add_test(tc, foreign_server);
	tcase_add_test(tc, broken_driver);
	suite_add_tcase(s, tc);
	return s;
}
