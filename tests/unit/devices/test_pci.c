/* SPDX-License-Identifier: BSD-3-Clause */
/* The PCI bus of both architectures, as a guest finds it: configuration, BARs, INTx, MSI-X. */
#include "devices/pci/host.h"
#include "devices/pci/pci.h"
#include "devices/reset_port.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#define VENDOR 0x1234
#define DEVICE 0x5678

/* A function that writes down what happens to it. */
struct probe {
	struct pci_function f;
	unsigned bar, size;
	uint64_t offset, value;
	unsigned accesses;
	struct {
		unsigned calls;
		bool on;
		struct pci_place place;
	} placed[PCI_BARS];
	unsigned reads, writes; /* of configuration */
};

static struct fixture fx;

static struct {
	bool on;
	unsigned calls;
	struct machine_msi_message msg;
} msis[MACHINE_MSIS_MAX];

static int msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
{
	ck_assert_ptr_eq(ctx, &fx);
	msis[index].on = msg;
	msis[index].calls++;
	if (msg)
		msis[index].msg = *msg;
	return 0;
}

static struct {
	bool on;
	gpa_t base;
} memories[MACHINE_MEMORIES_MAX];

static int memory_set(void *ctx, unsigned index, const gpa_t *base)
{
	ck_assert_ptr_eq(ctx, &fx);
	memories[index].on = base;
	memories[index].base = base ? *base : 0;
	return 0;
}

static void setup_arch(enum guest_arch arch)
{
	memset(msis, 0, sizeof(msis));
	fixture_init_arch(&fx, arch, MACHINE_RAM_MIN);
	memset(memories, 0, sizeof(memories));
	fx.m.services.msi_set = msi_set;
	fx.m.services.memory_set = memory_set;
	ck_assert_int_eq(pci_host_create(&fx.m), 0);
}

static void setup(void)
{
	setup_arch(GUEST_X86_64);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

/* ---- the probe ---- */

static uint64_t probe_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct probe *p = container_of(dev, struct probe, f.dev);

	p->bar = index;
	p->offset = offset;
	p->size = size;
	p->accesses++;
	return 0x1122334455667788;
}

static void probe_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	probe_read(dev, index, offset, size);
	container_of(dev, struct probe, f.dev)->value = value;
}

static void probe_place(struct pci_function *f, unsigned bar, const struct pci_place *place)
{
	struct probe *p = container_of(f, struct probe, f);

	ck_assert(p->placed[bar].on != (place != NULL));
	p->placed[bar].calls++;
	p->placed[bar].on = place;
	if (place)
		p->placed[bar].place = *place;
}

static void probe_config_read(struct pci_function *f, unsigned offset, unsigned size)
{
	struct probe *p = container_of(f, struct probe, f);

	p->reads++;
	if (offset == 0xF8 && size == 4)
		pci_config_put(&f->config, 0xF8, 4, p->reads);
}

static void probe_config_written(struct pci_function *f, unsigned offset, unsigned size)
{
	(void)offset, (void)size;
	container_of(f, struct probe, f)->writes++;
}

static const struct device_class probe_class = {
	.name = "probe", .read = probe_read, .write = probe_write, .destroy = pci_function_free};
static const struct pci_ops probe_ops = {.place = probe_place,
	.config_read = probe_config_read,
	.config_written = probe_config_written};

static struct probe *make(void)
{
	const struct pci_setup s = {.cls = &probe_class,
		.name = "PROBE",
		.size = sizeof(struct probe),
		.ops = &probe_ops,
		.vendor = VENDOR,
		.device = DEVICE,
		.subsystem_vendor = 0x1AF4,
		.subsystem = 0x1100,
		.revision = 7,
		.class_code = 0x0280AB};
	struct pci_function *f;

	ck_assert_int_eq(pci_function_create(&fx.m, &s, &f), 0);
	return container_of(f, struct probe, f);
}

/* ---- the guest ---- */

static uint64_t ecam(unsigned devfn, unsigned offset)
{
	return fx.m.pci.ecam + devfn * 4096 + offset;
}

static uint32_t cfg_read(const struct probe *p, unsigned offset, unsigned size)
{
	return (uint32_t)fixture_load(&fx, ecam(p->f.devfn, offset), size);
}

static void cfg_write(const struct probe *p, unsigned offset, unsigned size, uint32_t value)
{
	fixture_store(&fx, ecam(p->f.devfn, offset), size, value);
}

static void command(const struct probe *p, uint32_t value)
{
	cfg_write(p, PCI_COMMAND, 2, value);
}

static bool claimed(enum window_space space, uint64_t address, unsigned size)
{
	uint64_t value;
	bool answered = machine_read(&fx.m, space, address, size, &value);

	if (!answered && size == 4)
		ck_assert_uint_eq(value, 0xFFFFFFFF);
	ck_assert(machine_write(&fx.m, space, address, size, 0) == answered);
	return answered;
}

static bool mem_claimed(uint64_t address)
{
	return claimed(WINDOW_MMIO, address, 4);
}

static uint32_t config1(uint32_t address, unsigned offset, unsigned size)
{
	fixture_out(&fx, 0xCF8, 4, address);
	return (uint32_t)fixture_in(&fx, (uint16_t)(0xCFC + offset), size);
}

/* ---- configuration ---- */

START_TEST(both_mechanisms_see_the_same)
{
	struct probe *p = make();

	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	ck_assert_uint_eq(p->f.devfn, PCI_DEVFN(1, 0));
	ck_assert_uint_eq(config1(0x80000000, 0, 4), 0x5AF08086);
	ck_assert_uint_eq(fixture_load(&fx, ecam(0, 0), 4), 0x5AF08086);
	for (unsigned at = 0; at < 0xF8; at += 4) {
		uint32_t word = cfg_read(p, at, 4);

		ck_assert_uint_eq(config1(0x80000800 | at, 0, 4), word);
		for (unsigned i = 0; i < 4; i++) {
			ck_assert_uint_eq(config1(0x80000800 | at, i, 1), word >> 8 * i & 0xFF);
			ck_assert_uint_eq(cfg_read(p, at + i, 1), word >> 8 * i & 0xFF);
		}
		ck_assert_uint_eq(config1(0x80000800 | at, 2, 2), word >> 16);
		ck_assert_uint_eq(cfg_read(p, at + 2, 2), word >> 16);
	}
	ck_assert_uint_eq(cfg_read(p, 0, 4), DEVICE << 16 | VENDOR);
	ck_assert_uint_eq(cfg_read(p, 8, 4), 0x0280AB07);
	ck_assert_uint_eq(cfg_read(p, 0x2C, 4), 0x11001AF4);
	ck_assert_uint_eq(fixture_load(&fx, ecam(p->f.devfn, 0), 8), 0x0000000056781234);
	ck_assert_uint_eq(cfg_read(p, 0x100, 4), 0);
	fixture_out(&fx, 0xCF8, 4, 0x8000080C);
	fixture_out(&fx, 0xCFC, 1, 0x5A);
	ck_assert_uint_eq(cfg_read(p, 0x0C, 4), 0x5A);
	fixture_store(&fx, ecam(p->f.devfn, 8), 8, UINT64_MAX);
	ck_assert_uint_eq(cfg_read(p, 0x08, 4), 0x0280AB07);
	ck_assert_uint_eq(cfg_read(p, 0x0C, 4), 0xFF);
	ck_assert_uint_gt(p->reads, 0);
	ck_assert_uint_eq(p->writes, 3);
	p->reads = 0;
	ck_assert_uint_eq(cfg_read(p, 0xF8, 4), 1);
	ck_assert_uint_eq(cfg_read(p, 0xF8, 4), 2);
}
END_TEST

START_TEST(nobody_is_all_ones)
{
	unsigned found = 0;

	for (uint32_t bdf = 0; bdf < 0x10000; bdf++)
		found += config1(0x80000000 | bdf << 8, 0, 4) != UINT32_MAX;
	ck_assert_uint_eq(found, 1);
	ck_assert_uint_eq(config1(0, 0, 4), UINT32_MAX);
	for (uint64_t at = 4096; at < X86_PCI_ECAM_SIZE; at += 4096 * 7)
		ck_assert_uint_eq(fixture_load(&fx, X86_PCI_ECAM_BASE + at, 4), UINT32_MAX);
	ck_assert_uint_eq(fixture_load(&fx, ecam(1, 0), 8), UINT64_MAX);
	fixture_store(&fx, ecam(1, 4), 4, 0xFFFF);
	ck_assert(!mem_claimed(X86_PCI_MEM32_BASE));
	ck_assert(!mem_claimed(X86_PCI_MEM64_BASE));
	ck_assert(!claimed(WINDOW_PORT, X86_PCI_IO_BASE, 1));
}
END_TEST

START_TEST(the_reset_port_is_between)
{
	ck_assert_int_eq(reset_port_create(&fx.m), 0);
	fixture_out(&fx, 0xCF8, 4, 0x80000000);
	outb(&fx, 0xCF9, 0x02);
	ck_assert_uint_eq(inb(&fx, 0xCF9), 0x02);
	ck_assert_uint_eq(fixture_in(&fx, 0xCF8, 4), 0x80000000);
	ck_assert_uint_eq(inb(&fx, 0xCF8), 0xFF);
	ck_assert_uint_eq(inb(&fx, 0xCFA), 0xFF);
	fixture_out(&fx, 0xCF9, 2, 0x0606);
	ck_assert_uint_eq(fx.ends, 0);
	outb(&fx, 0xCF9, 0x0E);
	ck_assert_uint_eq(fx.ends, 1);
	ck_assert_int_eq(fx.kind, END_RESET);
}
END_TEST

START_TEST(bits_cleared_by_ones)
{
	struct pci_config c = {0};

	pci_config_set(&c, 0x40, 4, 0x00FF00F0, 0x0000000F);
	c.clears[0x42] = 0x0F;
	pci_config_write(&c, 0x40, 4, 0xFFFF0003);
	ck_assert_uint_eq(pci_config_read(&c, 0x40, 4), 0x00F000F3);
	pci_config_write(&c, 0x40, 4, 0);
	ck_assert_uint_eq(pci_config_read(&c, 0x40, 4), 0x00F000F0);
}
END_TEST

START_TEST(places_on_the_bus)
{
	struct probe *p[3];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = make();
	ck_assert_int_eq(pci_function_add(&p[0]->f, PCI_DEVFN(0, 0)), -EINVAL);
	ck_assert_int_eq(pci_function_add(&p[0]->f, PCI_DEVFN(0, 1)), -EINVAL);
	ck_assert_int_eq(pci_function_add(&p[0]->f, PCI_DEVFN(5, 1)), -EINVAL);
	ck_assert_int_eq(pci_function_add(&p[0]->f, 256), -EINVAL);
	ck_assert_int_eq(pci_function_add(&p[0]->f, PCI_DEVFN(5, 0)), 0);
	ck_assert_int_eq(pci_function_add(&p[1]->f, PCI_DEVFN(5, 0)), -EEXIST);
	ck_assert_uint_eq(cfg_read(p[0], PCI_HEADER_TYPE, 1), 0);
	ck_assert_int_eq(pci_function_add(&p[1]->f, PCI_DEVFN(5, 3)), 0);
	ck_assert_uint_eq(cfg_read(p[0], PCI_HEADER_TYPE, 1), 0x80);
	ck_assert_uint_eq(cfg_read(p[1], PCI_HEADER_TYPE, 1), 0);
	ck_assert_int_eq(pci_function_add(&p[2]->f, PCI_DEVFN(31, 0)), 0);
	for (unsigned device = 1; device < 31; device++) {
		struct probe *q;

		if (device == 5)
			continue;
		if (fx.m.device_count == MACHINE_DEVICES_MAX)
			break;
		q = make();
		ck_assert_int_eq(pci_function_add(&q->f, PCI_DEVFN_ANY),
			device < 30 ? 0 : -ENOSPC); /* with the bridge, 32 functions */
		if (device < 30)
			ck_assert_uint_eq(q->f.devfn, PCI_DEVFN(device, 0));
	}
}
END_TEST

START_TEST(no_bus)
{
	struct probe *p;

	machine_fini(&fx.m);
	fixture_init_arch(&fx, GUEST_X86_64, MACHINE_RAM_MIN);
	p = make();
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), -ENODEV);
	ck_assert_int_eq(reset_port_create(&fx.m), 0);
	outb(&fx, 0xCF9, 0x0E);
	ck_assert_uint_eq(fx.ends, 1);
}
END_TEST

START_TEST(capabilities)
{
	struct probe *p = make();
	unsigned at, vendor;

	ck_assert_uint_eq(pci_config_read(&p->f.config, PCI_STATUS, 2), 0);
	ck_assert_int_eq(pci_function_add_capability(&p->f, 0x09, 17, &vendor), 0);
	ck_assert_int_eq(pci_function_add_capability(&p->f, 0x01, 8, &at), 0);
	ck_assert_int_eq(pci_function_add_capability(&p->f, 0x01, 1, &at), -ENOSPC);
	ck_assert_int_eq(pci_function_add_capability(&p->f, 0x01, 256, &at), -ENOSPC);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	ck_assert_uint_eq(cfg_read(p, PCI_STATUS, 2), 0x10);
	ck_assert_uint_eq(cfg_read(p, PCI_CAPABILITIES, 4), 0x40);
	ck_assert_uint_eq(cfg_read(p, 0x40, 2), 0x5409);
	ck_assert_uint_eq(cfg_read(p, 0x54, 2), 0x0001);
	cfg_write(p, 0x40, 4, 0xFFFFFFFF);
	cfg_write(p, PCI_CAPABILITIES, 1, 0xFF);
	ck_assert_uint_eq(cfg_read(p, 0x40, 4), 0x5409);
	ck_assert_uint_eq(cfg_read(p, PCI_CAPABILITIES, 1), 0x40);
}
END_TEST

/* ---- BARs ---- */

START_TEST(bars_have_sizes)
{
	static const struct {
		unsigned bar;
		enum pci_bar_type type;
		uint64_t size;
		int ret;
	} bad[] = {
		{0, PCI_BAR_NONE, 4096, -EINVAL},
		{6, PCI_BAR_MEM32, 4096, -EINVAL},
		{5, PCI_BAR_MEM64, 4096, -EINVAL},
		{1, PCI_BAR_MEM32, 8, -EINVAL},
		{1, PCI_BAR_MEM32, 0, -EINVAL},
		{1, PCI_BAR_MEM32, 0x3000, -EINVAL},
		{1, PCI_BAR_MEM32, 0x100000000, -EINVAL},
		{1, PCI_BAR_IO, 512, -EINVAL},
		{0, PCI_BAR_MEM32, 4096, -EEXIST},
		{3, PCI_BAR_MEM32, 4096, -EEXIST}, /* the upper half of 2 */
		{1, PCI_BAR_MEM64, 4096, -EEXIST},
	};
	struct probe *p = make();

	ck_assert_int_eq(pci_function_add_bar(&p->f, 0, PCI_BAR_IO, 32), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 2, PCI_BAR_MEM64_PREFETCH, 8 * GIB), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(pci_function_add_bar(&p->f, bad[i].bar, bad[i].type, bad[i].size),
			bad[i].ret);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 1, PCI_BAR_MEM32, 0x10000), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 4, PCI_BAR_MEM64, 0x4000), 0);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(0), 4), 0xC001);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(1), 4), 0x80000000);
	ck_assert_uint_eq(fixture_load(&fx, ecam(p->f.devfn, PCI_BAR(2)), 8), 0x400000000C);
	ck_assert_uint_eq(fixture_load(&fx, ecam(p->f.devfn, PCI_BAR(4)), 8), 0x80010004);
	for (unsigned i = 0; i < PCI_BARS; i++)
		cfg_write(p, PCI_BAR(i), 4, 0xFFFFFFFF);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(0), 4), 0x0000FFE1);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(1), 4), 0xFFFF0000);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(2), 4), 0x0000000C);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(3), 4), 0xFFFFFFFE);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(4), 4), 0xFFFFC004);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(5), 4), 0xFFFFFFFF);
	command(p, 0xFFFF);
	ck_assert_uint_eq(cfg_read(p, PCI_COMMAND, 2), 0x0007);
	/* All ones are in the aperture of ports alone. */
	for (unsigned i = 0; i < PCI_BARS; i++)
		ck_assert(p->placed[i].on == !i);
}
END_TEST

START_TEST(bars_are_decoded)
{
	struct probe *p = make();
	uint64_t value;

	ck_assert_int_eq(pci_function_add_bar(&p->f, 0, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 1, PCI_BAR_IO, 16), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 4, PCI_BAR_MEM64, 0x10000), 0);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	ck_assert(!mem_claimed(0x80000000));
	command(p, PCI_COMMAND_MEMORY);
	ck_assert(!claimed(WINDOW_PORT, 0xC000, 1));
	ck_assert_uint_eq(fixture_load(&fx, 0x80000FFC, 4), 0x55667788);
	ck_assert_uint_eq(p->bar, 0);
	ck_assert_uint_eq(p->offset, 0xFFC);
	ck_assert_uint_eq(p->size, 4);
	ck_assert_uint_eq(fixture_load(&fx, 0x80010008, 8), 0x1122334455667788);
	ck_assert_uint_eq(p->bar, 4);
	fixture_store(&fx, 0x8001FFFF, 1, 0x5A);
	ck_assert_uint_eq(p->offset, 0xFFFF);
	ck_assert_uint_eq(p->value, 0x5A);
	ck_assert(!mem_claimed(0x80000FFE)); /* half of it is nowhere */
	ck_assert(!mem_claimed(0x80001000));
	ck_assert(!mem_claimed(0x80020000));
	command(p, PCI_COMMAND_IO);
	ck_assert(!mem_claimed(0x80000000));
	p->accesses = 0;
	ck_assert(claimed(WINDOW_PORT, 0xC00F, 1));
	ck_assert_uint_eq(p->bar, 1);
	ck_assert_uint_eq(p->offset, 15);
	ck_assert_uint_eq(p->accesses, 2);
	ck_assert(!claimed(WINDOW_PORT, 0xC00F, 2));
	/* Moved, by halves; only what is in an aperture is decoded. */
	command(p, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	cfg_write(p, PCI_BAR(4), 4, 0x10000);
	ck_assert(!mem_claimed(0x80010000));
	ck_assert(!p->placed[4].on);
	cfg_write(p, PCI_BAR(5), 4, 0x7F);
	ck_assert(mem_claimed(0x7F0001FFFC));
	ck_assert(p->placed[4].on);
	ck_assert_uint_eq(p->placed[4].place.address, 0x7F00010000);
	cfg_write(p, PCI_BAR(0), 4, 0xDFFFF000);
	ck_assert(mem_claimed(0xDFFFFFFC));
	cfg_write(p, PCI_BAR(0), 4, 0xE0000000); /* into ECAM */
	ck_assert(machine_read(&fx.m, WINDOW_MMIO, 0xE0000000, 4, &value));
	ck_assert_uint_eq(value, 0x5AF08086);
	cfg_write(p, PCI_BAR(0), 4, 0);
	cfg_write(p, PCI_BAR(1), 4, 0);
	ck_assert(!p->placed[0].on);
	ck_assert(!p->placed[1].on);
	ck_assert(!claimed(WINDOW_PORT, 0, 1));
}
END_TEST

START_TEST(places_are_told)
{
	struct probe *p = make();

	ck_assert_int_eq(pci_function_add_bar(&p->f, 2, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	command(p, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(p->placed[2].calls, 1);
	ck_assert(p->placed[2].on);
	ck_assert_int_eq(p->placed[2].place.space, WINDOW_MMIO);
	ck_assert_uint_eq(p->placed[2].place.address, 0x80000000);
	command(p, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	cfg_write(p, PCI_BAR(2), 4, 0x80000FFF); /* the same */
	ck_assert_uint_eq(p->placed[2].calls, 1);
	cfg_write(p, PCI_BAR(2), 4, 0x90000000);
	ck_assert_uint_eq(p->placed[2].calls, 3);
	ck_assert_uint_eq(p->placed[2].place.address, 0x90000000);
	command(p, 0);
	ck_assert_uint_eq(p->placed[2].calls, 4);
	ck_assert(!p->placed[2].on);
}
END_TEST

static int back(struct probe *p, unsigned bar, uint64_t offset, uint64_t size, void *hva)
{
	return pci_function_back_bar(&p->f, bar,
		&(struct pci_backing){
			.offset = offset, .size = size, .hva = hva, .readonly = true});
}

START_TEST(bars_of_memory)
{
	static uint8_t page[4096] __attribute__((aligned(4096)));
	struct probe *p = make();

	ck_assert_int_eq(pci_function_add_bar(&p->f, 0, PCI_BAR_IO, 64), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 2, PCI_BAR_MEM64, 0x2000), 0);
	ck_assert_int_eq(back(p, 0, 0, 4096, page), -EINVAL);
	ck_assert_int_eq(back(p, 1, 0, 4096, page), -EINVAL);
	ck_assert_int_eq(back(p, 6, 0, 4096, page), -EINVAL);
	ck_assert_int_eq(back(p, 2, 0, 0x3000, page), -EINVAL);
	ck_assert_int_eq(back(p, 2, 0x1000, 0x2000, page), -EINVAL);
	ck_assert_int_eq(back(p, 2, 0x3000, 0x1000, page), -EINVAL);
	ck_assert_int_eq(back(p, 2, 0x800, 0x1000, page), -EINVAL);
	ck_assert_int_eq(back(p, 2, 0, 4096, page + 1), -EINVAL);
	ck_assert_int_eq(back(p, 2, 0, 4096, page), 0);
	ck_assert_int_eq(back(p, 2, 0, 0x2000, page), -EEXIST);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	ck_assert(fx.m.memories[0].readonly);
	ck_assert(!memories[0].on);
	command(p, PCI_COMMAND_MEMORY);
	ck_assert(memories[0].on);
	ck_assert_uint_eq(memories[0].base, 0x80000000);
	ck_assert(!mem_claimed(0x80000000)); /* what read-only memory does not take */
	ck_assert(mem_claimed(0x80001000));
	cfg_write(p, PCI_BAR(3), 4, 0x40);
	ck_assert_uint_eq(memories[0].base, 0x4080000000);
	command(p, 0);
	ck_assert(!memories[0].on);
}
END_TEST

START_TEST(the_lowest_wins)
{
	struct probe *a = make(), *b = make();

	ck_assert_int_eq(pci_function_add_bar(&a->f, 0, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(pci_function_add_bar(&b->f, 0, PCI_BAR_MEM32, 0x10000), 0);
	ck_assert_int_eq(pci_function_add_bar(&b->f, 1, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(pci_function_add(&a->f, PCI_DEVFN(3, 0)), 0);
	ck_assert_int_eq(pci_function_add(&b->f, PCI_DEVFN(2, 0)), 0);
	command(a, PCI_COMMAND_MEMORY);
	command(b, PCI_COMMAND_MEMORY);
	cfg_write(b, PCI_BAR(0), 4, 0xA0000000);
	cfg_write(a, PCI_BAR(0), 4, 0xA0001000);
	cfg_write(b, PCI_BAR(1), 4, 0xA0002000);
	ck_assert(b->placed[0].on);
	ck_assert(!a->placed[0].on);
	ck_assert(!b->placed[1].on);
	ck_assert(mem_claimed(0xA0001000));
	ck_assert_uint_eq(a->accesses, 0);
	ck_assert_uint_eq(b->offset, 0x1000);
	command(b, 0); /* what it hid appears */
	ck_assert(a->placed[0].on);
	ck_assert(mem_claimed(0xA0001000));
	ck_assert_uint_eq(a->accesses, 2);
	command(b, PCI_COMMAND_MEMORY);
	ck_assert(!a->placed[0].on);
	cfg_write(a, PCI_BAR(0), 4, 0xA0010000);
	ck_assert(a->placed[0].on);
}
END_TEST

START_TEST(apertures_are_finite)
{
	struct probe *p = make(), *q = make();

	ck_assert_int_eq(pci_function_add_bar(&p->f, 0, PCI_BAR_MEM32, 1 * GIB), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 1, PCI_BAR_MEM64, 128 * GIB), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 3, PCI_BAR_MEM64, 256 * MIB), 0);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(0), 4), 0x80000000);
	ck_assert_uint_eq(fixture_load(&fx, ecam(p->f.devfn, PCI_BAR(1)), 8), 0x4000000004);
	ck_assert_uint_eq(fixture_load(&fx, ecam(p->f.devfn, PCI_BAR(3)), 8), 0x6000000004);
	ck_assert_int_eq(pci_function_add_bar(&q->f, 0, PCI_BAR_MEM32, 1 * GIB), 0);
	ck_assert_int_eq(pci_function_add(&q->f, PCI_DEVFN_ANY), -ENOSPC);
}
END_TEST

START_TEST(arm64_apertures)
{
	struct probe *p;

	machine_fini(&fx.m);
	setup_arch(GUEST_ARM64);
	p = make();
	ck_assert_uint_eq(fixture_load(&fx, 0x3F000000, 4), 0x00081B36);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 0, PCI_BAR_IO, 64), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 1, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(pci_function_add_bar(&p->f, 2, PCI_BAR_MEM64_PREFETCH, 256 * MIB), 0);
	pci_function_use_intx(&p->f, 1);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	command(p, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(cfg_read(p, PCI_BAR(0), 4), 0x0041);
	ck_assert(mem_claimed(0x3EFF0040));
	ck_assert_uint_eq(p->bar, 0);
	ck_assert_uint_eq(p->placed[0].place.address, 0x3EFF0040);
	ck_assert_int_eq(p->placed[0].place.space, WINDOW_MMIO);
	ck_assert(!mem_claimed(0x3EFF0080));
	cfg_write(p, PCI_BAR(0), 4, 0xFFC0);
	ck_assert(mem_claimed(0x3EFFFFFC));
	ck_assert(mem_claimed(0x10000FFC));
	ck_assert(mem_claimed(0x800FFFFFFC));
	pci_intx_set(&p->f, true);
	ck_assert(fx.line[3 + 1]);
	ck_assert_uint_eq(fixture_load(&fx, 0x3FFFF000, 4), UINT32_MAX); /* bus 15 */
}
END_TEST

/* ---- INTx ---- */

START_TEST(lines_are_swizzled_and_shared)
{
	struct probe *p[6];

	for (unsigned i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = make();
		pci_function_use_intx(&p[i]->f, 1 + i / 4);
		ck_assert_int_eq(pci_function_add(&p[i]->f, PCI_DEVFN_ANY), 0);
	}
	/* Devices 1 to 4 have INTA, 5 and 6 INTB: lines 1, 2, 3, 0; 2, 3. */
	ck_assert_uint_eq(cfg_read(p[0], PCI_INTERRUPT_LINE, 2), 0x0111);
	ck_assert_uint_eq(cfg_read(p[3], PCI_INTERRUPT_LINE, 2), 0x0110);
	ck_assert_uint_eq(cfg_read(p[4], PCI_INTERRUPT_LINE, 2), 0x0212);
	cfg_write(p[4], PCI_INTERRUPT_LINE, 2, 0x0ABC);
	ck_assert_uint_eq(cfg_read(p[4], PCI_INTERRUPT_LINE, 2), 0x02BC);
	pci_intx_set(&p[1]->f, true);
	pci_intx_set(&p[1]->f, true);
	pci_intx_set(&p[4]->f, true);
	ck_assert(fx.line[18] && !fx.line[16] && !fx.line[17] && !fx.line[19]);
	pci_intx_set(&p[1]->f, false);
	ck_assert(fx.line[18]);
	ck_assert_uint_eq(fx.edges[18], 1);
	pci_intx_set(&p[4]->f, false);
	ck_assert(!fx.line[18]);
	pci_intx_set(&p[3]->f, true);
	ck_assert(fx.line[16]);
}
END_TEST

START_TEST(intx_can_be_disabled)
{
	struct probe *p = make();

	pci_function_use_intx(&p->f, 1);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	ck_assert_uint_eq(cfg_read(p, PCI_STATUS, 2), 0);
	pci_intx_set(&p->f, true);
	ck_assert_uint_eq(cfg_read(p, PCI_COMMAND, 4), 0x00080000);
	command(p, PCI_COMMAND_INTX_DISABLE);
	ck_assert(!fx.line[17]);
	ck_assert_uint_eq(cfg_read(p, PCI_COMMAND, 4), 0x00080400);
	pci_intx_set(&p->f, false);
	ck_assert_uint_eq(cfg_read(p, PCI_STATUS, 1), 0);
	pci_intx_set(&p->f, true);
	ck_assert(!fx.line[17]);
	command(p, 0);
	ck_assert(fx.line[17]);
	cfg_write(p, PCI_STATUS, 2, 0xFFFF);
	ck_assert_uint_eq(cfg_read(p, PCI_STATUS, 2), 0x0008);
}
END_TEST

/* ---- MSI-X ---- */

#define TABLE 0x80000000

static struct probe *make_msix(unsigned vectors)
{
	struct probe *p = make();

	pci_function_use_intx(&p->f, 1);
	ck_assert_int_eq(pci_function_add_msix(&p->f, 1, vectors), 0);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	command(p, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return p;
}

static void program(unsigned vector, uint64_t address, uint32_t data, uint32_t mask)
{
	fixture_store(&fx, TABLE + 16 * vector, 8, address);
	fixture_store(&fx, TABLE + 16 * vector + 8, 4, data);
	fixture_store(&fx, TABLE + 16 * vector + 12, 4, mask);
}

START_TEST(msix_table)
{
	struct probe *p = make_msix(3);

	ck_assert_uint_eq(cfg_read(p, 0x40, 4), 0x00020011);
	ck_assert_uint_eq(cfg_read(p, 0x44, 4), 0x00000001);
	ck_assert_uint_eq(cfg_read(p, 0x48, 4), 0x00000801);
	cfg_write(p, 0x42, 2, 0xFFFF);
	ck_assert_uint_eq(cfg_read(p, 0x40, 4), 0xC0020011);
	cfg_write(p, 0x42, 2, 0);
	for (unsigned v = 0; v < 3; v++) {
		ck_assert_uint_eq(fixture_load(&fx, TABLE + 16 * v, 8), 0);
		ck_assert_uint_eq(fixture_load(&fx, TABLE + 16 * v + 8, 8), (uint64_t)1 << 32);
	}
	fixture_store(&fx, TABLE + 16, 8, UINT64_MAX);
	fixture_store(&fx, TABLE + 24, 8, UINT64_MAX);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 16, 8), 0xFFFFFFFFFFFFFFFC);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 24, 8), 0x00000001FFFFFFFF);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 29, 1), 0);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 24, 2), 0xFFFF);
	fixture_store(&fx, TABLE + 24, 1, 0); /* only whole words are written */
	fixture_store(&fx, TABLE + 24, 2, 0);
	fixture_store(&fx, TABLE + 26, 4, 0);
	fixture_store(&fx, TABLE + 20, 8, 0);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 24, 8), 0x00000001FFFFFFFF);
	fixture_store(&fx, TABLE + 48, 8, UINT64_MAX); /* past its end */
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 48, 8), 0);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 44, 8), 0);
	fixture_store(&fx, TABLE + 0x800, 8, UINT64_MAX);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x800, 8), 0);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x808, 8), 0);
	ck_assert_uint_eq(p->accesses, 0); /* the class has nothing to do with it */
	for (unsigned i = 0; i < 3; i++)
		ck_assert(!msis[i].on);
}
END_TEST

START_TEST(msix_masks)
{
	struct probe *p = make_msix(2);

	program(0, 0xFEE01000, 0x41, 0);
	program(1, 0x1FEE02000, 0x42, 1);
	ck_assert(!msis[0].on && !msis[1].on);
	cfg_write(p, 0x43, 1, 0x80);
	ck_assert(pci_msix_enabled(&p->f));
	ck_assert(msis[0].on && !msis[1].on);
	ck_assert_uint_eq(msis[0].msg.address, 0xFEE01000);
	ck_assert_uint_eq(msis[0].msg.data, 0x41);
	ck_assert_uint_eq(msis[0].msg.device_id, PCI_DEVFN(1, 0));
	fixture_store(&fx, TABLE + 28, 4, 0xFFFFFFFE);
	ck_assert(msis[1].on);
	ck_assert_uint_eq(msis[1].msg.address, 0x1FEE02000);
	fixture_store(&fx, TABLE + 12, 4, 1);
	ck_assert(!msis[0].on && msis[1].on);
	fixture_store(&fx, TABLE + 12, 4, 0);
	cfg_write(p, 0x42, 2, 0xC000);
	ck_assert(!msis[0].on && !msis[1].on);
	ck_assert(pci_msix_enabled(&p->f));
	cfg_write(p, 0x42, 2, 0x8000);
	ck_assert(msis[0].on && msis[1].on);
	command(p, PCI_COMMAND_MEMORY);
	ck_assert(!msis[0].on && !msis[1].on);
	command(p, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert(msis[0].on && msis[1].on);
	msis[0].calls = msis[1].calls = 0;
	cfg_write(p, 0x42, 2, 0x8000);
	ck_assert_uint_eq(msis[0].calls + msis[1].calls, 0);
	cfg_write(p, 0x42, 2, 0);
	ck_assert(!msis[0].on && !msis[1].on);
	ck_assert(!pci_msix_enabled(&p->f));
}
END_TEST

START_TEST(msix_pending)
{
	struct probe *p = make_msix(64);
	uint64_t count;
	int fd;

	pci_msix_signal(&p->f, 5); /* before it is on: forgotten */
	cfg_write(p, 0x42, 2, 0x8000);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x800, 8), 0);
	pci_msix_signal(&p->f, 1);
	pci_msix_signal(&p->f, 63);
	pci_msix_signal(&p->f, 63);
	pci_msix_signal(&p->f, 64);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x800, 8), 0x8000000000000002);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x800, 4), 2);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x804, 4), 0x80000000);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x807, 1), 0x80);
	fd = pci_msix_event_fd(&p->f, 63);
	ck_assert_int_eq(read(fd, &count, sizeof(count)), sizeof(count));
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x800, 8), 2);
	ck_assert_int_eq(pci_msix_event_fd(&p->f, 64), -1);
	ck_assert_int_eq(pci_function_add_msix(&p->f, 2, 1), -EEXIST);
}
END_TEST

START_TEST(msix_of_others)
{
	struct probe *p = make_msix(2);
	int fd = eventfd(3, EFD_CLOEXEC | EFD_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pci_msix_share(&p->f, 2, fd), -EINVAL);
	ck_assert_int_eq(pci_msix_share(&p->f, 1, fd), 0);
	ck_assert_int_eq(pci_msix_event_fd(&p->f, 1), fd);
	ck_assert_uint_eq(fixture_load(&fx, TABLE + 0x800, 8), 2);
}
END_TEST

START_TEST(msix_silences_intx)
{
	struct probe *p = make_msix(1);

	pci_intx_set(&p->f, true);
	ck_assert(fx.line[17]);
	cfg_write(p, 0x42, 2, 0x8000);
	ck_assert(!fx.line[17]);
	cfg_write(p, 0x42, 2, 0);
	ck_assert(fx.line[17]);
}
END_TEST

START_TEST(msix_without)
{
	struct probe *p = make();

	ck_assert_int_eq(pci_function_add_msix(&p->f, 1, 0), -EINVAL);
	ck_assert_int_eq(pci_function_add_msix(&p->f, 1, 65), -EINVAL);
	ck_assert_int_eq(pci_function_add(&p->f, PCI_DEVFN_ANY), 0);
	ck_assert(!pci_msix_enabled(&p->f));
	ck_assert_int_eq(pci_msix_event_fd(&p->f, 0), -1);
	pci_msix_signal(&p->f, 0);
	pci_intx_set(&p->f, true); /* it has no pin */
	ck_assert_uint_eq(cfg_read(p, PCI_STATUS, 2), 0);
}
END_TEST

/* ---- several vCPUs ---- */

/* Until the readers have seen it, but not for ever. */
#define ROUNDS     2000
#define ROUNDS_MAX 1000000
#define PLACE0     0x80004000
#define PLACE1     0x80008000

static struct probe *crowd;
static atomic_bool crowd_done;

/* A device that has a lock of its own would take it; this one has nothing to guard. */
static uint64_t calm_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)dev, (void)size;
	return index << 16 | offset;
}

static const struct device_class calm_class = {
	.name = "calm", .read = calm_read, .destroy = pci_function_free};

static void *reader(void *arg)
{
	atomic_uint *seen = arg;
	uint64_t value;

	while (!atomic_load(&crowd_done)) {
		for (unsigned i = 0; i < 2; i++) {
			if (!machine_read(
				    &fx.m, WINDOW_MMIO, (i ? PLACE1 : PLACE0) + 0x10, 4, &value))
				continue;
			/* All-ones: it went away between the look for it and the access. */
			if (value != 0x20010 && value != UINT32_MAX)
				return arg;
			if (value == 0x20010)
				atomic_fetch_add(seen, 1);
		}
	}
	return NULL;
}

static void *interrupter(void *arg)
{
	(void)arg;
	while (!atomic_load(&crowd_done)) {
		pci_intx_set(&crowd->f, true);
		pci_msix_signal(&crowd->f, 0);
		pci_intx_set(&crowd->f, false);
	}
	return NULL;
}

/* One moves a BAR and turns things on and off while others use it. */
START_TEST(moved_under_use)
{
	const struct pci_setup s = {
		.cls = &calm_class, .name = "CALM", .size = sizeof(struct probe)};
	pthread_t readers[2], interrupts;
	atomic_uint seen[2] = {0, 0};
	struct pci_function *f;
	void *failed;

	ck_assert_int_eq(pci_function_create(&fx.m, &s, &f), 0);
	crowd = container_of(f, struct probe, f);
	ck_assert_int_eq(pci_function_add_bar(f, 2, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(pci_function_add_msix(f, 1, 2), 0);
	pci_function_use_intx(f, 1);
	ck_assert_int_eq(pci_function_add(f, PCI_DEVFN_ANY), 0);
	atomic_store(&crowd_done, false);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, reader, &seen[i]), 0);
	ck_assert_int_eq(pthread_create(&interrupts, NULL, interrupter, NULL), 0);
	for (unsigned i = 0; i < ROUNDS || (i < ROUNDS_MAX && !(seen[0] && seen[1])); i++) {
		cfg_write(crowd, PCI_BAR(2), 4, i % 2 ? PLACE0 : PLACE1);
		command(crowd, i % 8 ? PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER : 0);
		cfg_write(crowd, 0x42, 2, i % 16 < 4 ? 0x8000 : 0);
	}
	atomic_store(&crowd_done, true);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(readers[i], &failed);
		ck_assert_ptr_null(failed);
		ck_assert_uint_gt(seen[i], 0);
	}
	pthread_join(interrupts, NULL);
	ck_assert(!fx.line[17]);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/pci");
	TCase *t = tcase_create("pci");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, both_mechanisms_see_the_same);
	tcase_add_test(t, nobody_is_all_ones);
	tcase_add_test(t, the_reset_port_is_between);
	tcase_add_test(t, bits_cleared_by_ones);
	tcase_add_test(t, places_on_the_bus);
	tcase_add_test(t, no_bus);
	tcase_add_test(t, capabilities);
	tcase_add_test(t, bars_have_sizes);
	tcase_add_test(t, bars_are_decoded);
	tcase_add_test(t, places_are_told);
	tcase_add_test(t, bars_of_memory);
	tcase_add_test(t, the_lowest_wins);
	tcase_add_test(t, apertures_are_finite);
	tcase_add_test(t, arm64_apertures);
	tcase_add_test(t, lines_are_swizzled_and_shared);
	tcase_add_test(t, intx_can_be_disabled);
	tcase_add_test(t, msix_table);
	tcase_add_test(t, msix_masks);
	tcase_add_test(t, msix_pending);
	tcase_add_test(t, msix_of_others);
	tcase_add_test(t, msix_silences_intx);
	tcase_add_test(t, msix_without);
	tcase_add_test(t, moved_under_use);
	suite_add_tcase(s, t);
	return s;
}
