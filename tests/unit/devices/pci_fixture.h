/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine with a PCI bus, a function that writes down what happens to it, and a guest's way to
 * both. */
#ifndef TESTS_UNIT_DEVICES_PCI_FIXTURE_H
#define TESTS_UNIT_DEVICES_PCI_FIXTURE_H

#include "devices/pci/host.h"
#include "devices/pci/pci.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
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

static inline int msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
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

static inline int memory_set(void *ctx, unsigned index, const gpa_t *base)
{
	ck_assert_ptr_eq(ctx, &fx);
	memories[index].on = base;
	memories[index].base = base ? *base : 0;
	return 0;
}

static inline void setup_arch(enum guest_arch arch)
{
	memset(msis, 0, sizeof(msis));
	fixture_init_arch(&fx, arch, MACHINE_RAM_MIN);
	memset(memories, 0, sizeof(memories));
	fx.m.services.msi_set = msi_set;
	fx.m.services.memory_set = memory_set;
	ck_assert_int_eq(pci_host_create(&fx.m), 0);
}

static inline void setup(void)
{
	setup_arch(GUEST_X86_64);
}

static inline void teardown(void)
{
	machine_fini(&fx.m);
}

/* ---- the probe ---- */

static inline uint64_t probe_read(
	struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct probe *p = container_of(dev, struct probe, f.dev);

	p->bar = index;
	p->offset = offset;
	p->size = size;
	p->accesses++;
	return 0x1122334455667788;
}

static inline void probe_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	probe_read(dev, index, offset, size);
	container_of(dev, struct probe, f.dev)->value = value;
}

static inline void probe_place(struct pci_function *f, unsigned bar, const struct pci_place *place)
{
	struct probe *p = container_of(f, struct probe, f);

	ck_assert(p->placed[bar].on != (place != NULL));
	p->placed[bar].calls++;
	p->placed[bar].on = place;
	if (place)
		p->placed[bar].place = *place;
}

static inline void probe_config_read(struct pci_function *f, unsigned offset, unsigned size)
{
	struct probe *p = container_of(f, struct probe, f);

	p->reads++;
	if (offset == 0xF8 && size == 4)
		pci_config_put(&f->config, 0xF8, 4, p->reads);
}

static inline void probe_config_written(struct pci_function *f, unsigned offset, unsigned size)
{
	(void)offset, (void)size;
	container_of(f, struct probe, f)->writes++;
}

static const struct device_class probe_class = {
	.name = "probe", .read = probe_read, .write = probe_write, .destroy = pci_function_free};
static const struct pci_ops probe_ops = {.place = probe_place,
	.config_read = probe_config_read,
	.config_written = probe_config_written};

static inline struct probe *make(void)
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

static inline uint64_t ecam(unsigned devfn, unsigned offset)
{
	return fx.m.pci.ecam + devfn * 4096 + offset;
}

static inline uint32_t cfg_read(const struct probe *p, unsigned offset, unsigned size)
{
	return (uint32_t)fixture_load(&fx, ecam(p->f.devfn, offset), size);
}

static inline void cfg_write(const struct probe *p, unsigned offset, unsigned size, uint32_t value)
{
	fixture_store(&fx, ecam(p->f.devfn, offset), size, value);
}

static inline void command(const struct probe *p, uint32_t value)
{
	cfg_write(p, PCI_COMMAND, 2, value);
}

static inline bool claimed(enum window_space space, uint64_t address, unsigned size)
{
	uint64_t value;
	bool answered = machine_read(&fx.m, space, address, size, &value);

	if (!answered && size == 4)
		ck_assert_uint_eq(value, 0xFFFFFFFF);
	ck_assert(machine_write(&fx.m, space, address, size, 0) == answered);
	return answered;
}

static inline bool mem_claimed(uint64_t address)
{
	return claimed(WINDOW_MMIO, address, 4);
}

static inline uint32_t config1(uint32_t address, unsigned offset, unsigned size)
{
	fixture_out(&fx, 0xCF8, 4, address);
	return (uint32_t)fixture_in(&fx, (uint16_t)(0xCFC + offset), size);
}

#endif
