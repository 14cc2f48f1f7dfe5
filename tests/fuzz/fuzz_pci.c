/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PCI bus of both architectures, with functions of all kinds of BARs, driven by a guest that
 * does anything: configuration by mechanism 1 and ECAM, apertures, MSI-X tables. Between its steps
 * the I/O thread interrupts. Twelve bytes are one step: what to do, where, and a value. After each
 * step what must always hold is looked at: BARs that are decoded lie apart and inside an aperture,
 * lines are the OR of their functions, messages are sent as the tables say.
 */
#include "devices/pci/bus.h"
#include "devices/pci/host.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <assert.h>
#include <string.h>

#define STEP      12
#define FUNCTIONS 5
#define VECTORS   3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A function as a device has it, and what the bus has told it. */
struct toy {
	struct pci_function f;
	bool placed[PCI_BARS];
	struct pci_place place[PCI_BARS];
	bool intx;
};

static struct {
	struct machine m;
	struct toy *toys[FUNCTIONS];
	bool line[64];
	bool msi_on[MACHINE_MSIS_MAX];
	struct machine_msi_message message[MACHINE_MSIS_MAX];
	bool memory_on;
	gpa_t memory_base;
} w;

/* Behind a BAR of one function; no guest is there to see it. */
#define MEMORY_SIZE     8192
#define MEMORY_FUNCTION 3
#define MEMORY_BAR      5
static uint8_t memory[MEMORY_SIZE] __attribute__((aligned(4096)));

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	assert(ctx == &w && gsi < ARRAY_SIZE(w.line) && w.line[gsi] != asserted);
	w.line[gsi] = asserted;
}

static int msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
{
	assert(ctx == &w && index < w.m.msi_count);
	w.msi_on[index] = msg;
	if (msg)
		w.message[index] = *msg;
	return 0;
}

static int memory_set(void *ctx, unsigned index, const gpa_t *base)
{
	assert(ctx == &w && !index && w.memory_on != (base != NULL));
	w.memory_on = base;
	if (base)
		w.memory_base = *base;
	return 0;
}

static uint64_t toy_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct toy *t = container_of(dev, struct toy, f.dev);

	assert(index < PCI_BARS && t->placed[index] && !pci_msix_owns_bar(&t->f, index));
	assert(size <= t->f.bars[index].size && offset <= t->f.bars[index].size - size);
	return offset;
}

static void toy_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	(void)value;
	toy_read(dev, index, offset, size);
}

static void toy_place(struct pci_function *f, unsigned bar, const struct pci_place *place)
{
	struct toy *t = container_of(f, struct toy, f);

	assert(bar < PCI_BARS && f->bars[bar].type && t->placed[bar] != (place != NULL));
	t->placed[bar] = place;
	if (place)
		t->place[bar] = *place;
}

static const struct device_class toy_class = {
	.name = "toy", .read = toy_read, .write = toy_write, .destroy = pci_function_free};
static const struct pci_ops toy_ops = {.place = toy_place};

static void check(int ret)
{
	if (ret)
		abort();
}

static void make(unsigned i)
{
	static const int places[FUNCTIONS] = {
		PCI_DEVFN_ANY, PCI_DEVFN(1, 3), PCI_DEVFN(31, 0), PCI_DEVFN_ANY, PCI_DEVFN_ANY};
	const struct pci_setup s = {.cls = &toy_class,
		.name = "TOY",
		.size = sizeof(struct toy),
		.ops = &toy_ops,
		.vendor = 0x1AF4,
		.device = (uint16_t)(0x1100 + i)};
	struct pci_function *f;

	check(pci_function_create(&w.m, &s, &f));
	w.toys[i] = container_of(f, struct toy, f);
	if (i % 2 == 0) {
		check(pci_function_add_bar(f, 0, PCI_BAR_IO, 16u << i));
		check(pci_function_add_msix(f, 1, i ? VECTORS : PCI_MSIX_VECTORS_MAX / 2));
	} else {
		check(pci_function_add_bar(f, 0, PCI_BAR_MEM32, 16));
		check(pci_function_add_bar(f, 5, PCI_BAR_MEM32, 1 * MIB));
	}
	check(pci_function_add_bar(f, 2, i == 3 ? PCI_BAR_MEM64_PREFETCH : PCI_BAR_MEM64,
		i == 3 ? 1 * GIB : 16 * KIB));
	if (i == MEMORY_FUNCTION)
		check(pci_function_back_bar(f, MEMORY_BAR,
			&(struct pci_backing){
				.size = MEMORY_SIZE, .hva = memory, .readonly = true}));
	pci_function_use_intx(f, 1 + i % 4);
	check(pci_function_add(f, places[i]));
}

/* ---- what always holds ---- */

static bool in_aperture(const struct pci_place *p, uint64_t size)
{
	for (unsigned i = 0; i < MACHINE_PCI_SPACES; i++) {
		const struct machine_pci_aperture *a = &w.m.pci.apertures[i];

		if (a->window == p->space && p->address >= a->base && size <= a->size &&
			p->address - a->base <= a->size - size)
			return true;
	}
	return false;
}

static void check_apart(const struct toy *t, unsigned bar)
{
	const struct pci_place *p = &t->place[bar];

	for (unsigned i = 0; i < FUNCTIONS * PCI_BARS; i++) {
		const struct toy *o = w.toys[i / PCI_BARS];
		unsigned b = i % PCI_BARS;

		if ((o == t && b == bar) || !o->placed[b] || o->place[b].space != p->space)
			continue;
		assert(!ranges_overlap(
			p->address, t->f.bars[bar].size, o->place[b].address, o->f.bars[b].size));
	}
}

static void check_lines(void)
{
	bool want[MACHINE_PCI_LINES] = {false};

	for (unsigned i = 0; i < FUNCTIONS; i++) {
		const struct pci_function *f = &w.toys[i]->f;
		uint32_t command = pci_config_read(&f->config, PCI_COMMAND, 2);

		if (w.toys[i]->intx && !(command & PCI_COMMAND_INTX_DISABLE) &&
			!pci_msix_enabled(f))
			want[(PCI_DEVICE(f->devfn) + f->pin - 1u) % MACHINE_PCI_LINES] = true;
	}
	for (unsigned i = 0; i < MACHINE_PCI_LINES; i++)
		assert(w.line[w.m.pci.gsis[i]] == want[i]);
}

static void check_all(void)
{
	const struct toy *owner;

	for (unsigned i = 0; i < FUNCTIONS; i++) {
		const struct toy *t = w.toys[i];

		for (unsigned bar = 0; bar < PCI_BARS; bar++) {
			if (!t->placed[bar])
				continue;
			assert(in_aperture(&t->place[bar], t->f.bars[bar].size));
			check_apart(t, bar);
		}
	}
	check_lines();
	owner = w.toys[MEMORY_FUNCTION];
	assert(w.memory_on == owner->placed[MEMORY_BAR]);
	assert(!w.memory_on || w.memory_base == owner->place[MEMORY_BAR].address);
}

/* MSIs of a function that is not enabled, or may not write to memory, are off. */
static void check_msis(void)
{
	unsigned first = 0;

	for (unsigned i = 0; i < FUNCTIONS; i += 2) {
		const struct pci_function *f = &w.toys[i]->f;
		uint32_t command = pci_config_read(&f->config, PCI_COMMAND, 2);
		unsigned count = i ? VECTORS : PCI_MSIX_VECTORS_MAX / 2;

		for (unsigned v = first; v < first + count; v++) {
			assert(!w.msi_on[v] ||
				(pci_msix_enabled(f) && (command & PCI_COMMAND_MASTER) &&
					w.message[v].device_id == f->devfn));
		}
		first += count;
	}
	assert(first == w.m.msi_count);
}

/* ---- the guest ---- */

static uint64_t get(const uint8_t *s, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)s[i] << (8 * i);
	return v;
}

static void access_memory(enum window_space space, uint64_t at, unsigned size, const uint8_t *s)
{
	uint64_t value;

	if (s[0] & 0x80) {
		machine_write(&w.m, space, at, size, get(s + 4, 8));
	} else {
		machine_read(&w.m, space, at, size, &value);
		assert(size == 8 || !(value >> (8 * size)));
	}
}

/* A BAR that is decoded, or where it might be: near the apertures' starts. */
static struct pci_place somewhere(const uint8_t *s)
{
	const struct toy *t = w.toys[s[1] % FUNCTIONS];
	unsigned bar = s[1] / FUNCTIONS % PCI_BARS;
	const struct machine_pci_aperture *a = &w.m.pci.apertures[s[1] % MACHINE_PCI_SPACES];
	struct pci_place p = {.space = a->window, .address = a->base};

	if (t->placed[bar])
		p = t->place[bar];
	p.address += get(s + 2, 2);
	return p;
}

static void step(const uint8_t s[STEP])
{
	static const uint8_t sizes[] = {1, 2, 4, 8};
	unsigned size = sizes[s[0] >> 3 & 3];
	/* Half of the functions are there for sure. */
	uint64_t devfn = s[1] & 1 ? w.toys[(s[1] >> 1) % FUNCTIONS]->f.devfn : s[1];
	struct toy *t = w.toys[s[1] % FUNCTIONS];
	struct pci_place p;

	switch (s[0] & 7) {
	case 0:
	case 1:
		access_memory(WINDOW_MMIO, w.m.pci.ecam + (devfn << 12) + (get(s + 2, 2) & 0xFF),
			size, s);
		break;
	case 2:
		access_memory(WINDOW_MMIO, w.m.pci.ecam + get(s + 1, 3), size, s);
		break;
	case 3:
		machine_write(&w.m, WINDOW_PORT, X86_PORT_PCI_ADDR, 4,
			0x80000000 | devfn << 8 | (s[2] & 0xFC));
		access_memory(WINDOW_PORT, X86_PORT_PCI_DATA + (s[2] & 3), size, s);
		break;
	case 4:
		machine_write(&w.m, WINDOW_PORT, X86_PORT_PCI_ADDR, size, get(s + 4, 8));
		break;
	case 5:
		p = somewhere(s);
		access_memory(p.space, p.address, size, s);
		break;
	case 6:
		t->intx = s[2] & 1;
		pci_intx_set(&t->f, t->intx);
		break;
	case 7:
		pci_msix_signal(&t->f, s[2]);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	memset(&w, 0, sizeof(w));
	check(machine_init(&w.m, *data & 1 ? GUEST_ARM64 : GUEST_X86_64, MACHINE_RAM_MIN, 1));
	check(pci_host_create(&w.m));
	for (unsigned i = 0; i < FUNCTIONS; i++)
		make(i);
	w.m.services = (struct machine_services){
		.ctx = &w, .irq_set = irq_set, .msi_set = msi_set, .memory_set = memory_set};
	for (data++, size--; size >= STEP; data += STEP, size -= STEP) {
		step(data);
		check_all();
		check_msis();
	}
	machine_fini(&w.m);
	return 0;
}
