/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host bridge. PCI configuration mechanism 1 [PCI 3.0 3.2.2.3.2]: CONFIG_ADDRESS takes and
 * gives 4 bytes at once and nothing else; CONFIG_DATA reaches the register that it names. ECAM
 * [PCIe 5.0 7.2.2]: 4 KiB for each function. Bus 0 alone: a function that is not there, another
 * bus, or an address without its enable bit reads all-ones and drops writes. In an aperture an
 * access that no BAR claims is the machine's to judge.
 *
 * The bridge is that of the place's model, with no register but its identity: ACRN's (Intel's
 * Apollo Lake, revision 0x0b) on x86, that of QEMU's virt board on arm64. Left out: special cycles.
 */
#include "devices/pci/host.h"

#include "devices/common.h"
#include "devices/pci/bus.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

#define ECAM_BUS      20 /* bits of an ECAM address: bus above it, then device and function */
#define ECAM_FUNCTION 12

enum { WINDOW_ADDRESS, WINDOW_DATA, WINDOW_ECAM, WINDOW_APERTURES };

#define PORTS 4 /* of each window */

#define ADDRESS_ENABLE 0x80000000
#define ADDRESS_BITS   0x80FFFFFC /* the others are reserved, and 0 */

#define HOST_BRIDGE_CLASS 0x060000

struct pci_host {
	struct device dev;
	struct pci_bus bus;
	struct pci_function bridge;

	pthread_mutex_t lock; /* guards address */
	uint32_t address;     /* CONFIG_ADDRESS */

	struct device *lent; /* answers single bytes at lent_offset of WINDOW_ADDRESS; NULL: none */
	uint64_t lent_offset;
};

/* ---- configuration ---- */

/* A register of a function of the bus, or of none. */
struct target {
	bool exists;
	uint8_t devfn;
	unsigned offset;
};

/* What CONFIG_DATA + OFFSET stands for. */
static struct target target_of_ports(struct pci_host *h, uint64_t offset)
{
	uint32_t address;

	pthread_mutex_lock(&h->lock);
	address = h->address;
	pthread_mutex_unlock(&h->lock);
	return (struct target){
		.exists = (address & ADDRESS_ENABLE) && (address >> 16 & 0xFF) == 0,
		.devfn = (uint8_t)(address >> 8),
		.offset = (address & 0xFC) + (unsigned)offset,
	};
}

static struct target target_of_ecam(uint64_t offset)
{
	return (struct target){
		.exists = !(offset >> ECAM_BUS),
		.devfn = (uint8_t)(offset >> ECAM_FUNCTION),
		.offset = (unsigned)(offset % PCI_CONFIG_SIZE),
	};
}

/* Accesses are of at most 4 bytes [PCIe 5.0 7.2.2]: one of 8 is two. */
static uint64_t config_read(struct pci_host *h, struct target t, unsigned size)
{
	uint64_t value;

	if (!t.exists)
		return UINT64_MAX;
	value = pci_bus_config_read(&h->bus, t.devfn, t.offset, size > 4 ? 4 : size);
	if (size > 4)
		value |= (uint64_t)pci_bus_config_read(&h->bus, t.devfn, t.offset + 4, 4) << 32;
	return value;
}

static void config_write(struct pci_host *h, struct target t, unsigned size, uint64_t value)
{
	if (!t.exists)
		return;
	pci_bus_config_write(&h->bus, t.devfn, t.offset, size > 4 ? 4 : size, (uint32_t)value);
	if (size > 4)
		pci_bus_config_write(&h->bus, t.devfn, t.offset + 4, 4, (uint32_t)(value >> 32));
}

static bool is_lent(const struct pci_host *h, uint64_t offset, unsigned size)
{
	return h->lent && offset == h->lent_offset && size == 1;
}

static uint64_t address_read(struct pci_host *h, uint64_t offset, unsigned size)
{
	uint64_t value = UINT64_MAX;

	if (is_lent(h, offset, size))
		return h->lent->cls->read(h->lent, 0, 0, 1);
	pthread_mutex_lock(&h->lock);
	if (size == 4)
		value = h->address;
	pthread_mutex_unlock(&h->lock);
	return value;
}

static void address_write(struct pci_host *h, uint64_t offset, unsigned size, uint64_t value)
{
	if (is_lent(h, offset, size)) {
		h->lent->cls->write(h->lent, 0, 0, 1, value);
		return;
	}
	pthread_mutex_lock(&h->lock);
	if (size == 4)
		h->address = (uint32_t)value & ADDRESS_BITS;
	pthread_mutex_unlock(&h->lock);
}

/* ---- the device ---- */

static uint64_t pci_host_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct pci_host *h = container_of(dev, struct pci_host, dev);

	switch (index) {
	case WINDOW_ADDRESS:
		return address_read(h, offset, size);
	case WINDOW_DATA:
		return config_read(h, target_of_ports(h, offset), size);
	case WINDOW_ECAM:
		return config_read(h, target_of_ecam(offset), size);
	default:
		return pci_bus_read(&h->bus, index - WINDOW_APERTURES, offset, size);
	}
}

static void pci_host_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_host *h = container_of(dev, struct pci_host, dev);

	switch (index) {
	case WINDOW_ADDRESS:
		address_write(h, offset, size, value);
		break;
	case WINDOW_DATA:
		config_write(h, target_of_ports(h, offset), size, value);
		break;
	case WINDOW_ECAM:
		config_write(h, target_of_ecam(offset), size, value);
		break;
	default:
		pci_bus_write(&h->bus, index - WINDOW_APERTURES, offset, size, value);
	}
}

static bool pci_host_claims(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct pci_host *h = container_of(dev, struct pci_host, dev);

	return index < WINDOW_APERTURES ||
	       pci_bus_claims(&h->bus, index - WINDOW_APERTURES, offset, size);
}

static void pci_host_destroy(struct device *dev)
{
	struct pci_host *h = container_of(dev, struct pci_host, dev);

	pthread_mutex_destroy(&h->lock);
	pci_bus_fini(&h->bus);
	free(h);
}

static const struct device_class pci_host_class = {
	.name = "pci_host",
	.read = pci_host_read,
	.write = pci_host_write,
	.claims = pci_host_claims,
	.destroy = pci_host_destroy,
};

struct pci_bus *pci_bus_of(const struct machine *m)
{
	return m->pci.host ? &container_of(m->pci.host, struct pci_host, dev)->bus : NULL;
}

void pci_host_lend_port(struct machine *m, uint16_t port, struct device *dev)
{
	struct pci_host *h = container_of(m->pci.host, struct pci_host, dev);

	h->lent = dev;
	h->lent_offset = port - X86_PORT_PCI_ADDR;
}

/* ---- its making ---- */

static const struct pci_setup x86_bridge = {
	.vendor = 0x8086, .device = 0x5AF0, .revision = 0x0B, .class_code = HOST_BRIDGE_CLASS};
static const struct pci_setup arm64_bridge = {
	.vendor = 0x1B36, .device = 0x0008, .class_code = HOST_BRIDGE_CLASS};

static const struct machine_pci x86_pci = {
	.ecam = X86_PCI_ECAM_BASE,
	.buses = 1,
	.apertures =
		{
			[MACHINE_PCI_IO] = {WINDOW_PORT, X86_PCI_IO_BASE, X86_PCI_IO_BASE,
				X86_PCI_IO_SIZE},
			[MACHINE_PCI_MEM32] = {WINDOW_MMIO, X86_PCI_MEM32_BASE, X86_PCI_MEM32_BASE,
				X86_PCI_MEM32_SIZE},
			[MACHINE_PCI_MEM64] = {WINDOW_MMIO, X86_PCI_MEM64_BASE, X86_PCI_MEM64_BASE,
				X86_PCI_MEM64_SIZE},
		},
	.gsis = {X86_PCI_GSI, X86_PCI_GSI + 1, X86_PCI_GSI + 2, X86_PCI_GSI + 3},
};

static const struct machine_pci arm64_pci = {
	.ecam = ARM64_PCI_ECAM_BASE,
	.buses = 1,
	.apertures =
		{
			[MACHINE_PCI_IO] = {WINDOW_MMIO, ARM64_PCI_IO_BASE, 0, ARM64_PCI_IO_SIZE},
			[MACHINE_PCI_MEM32] = {WINDOW_MMIO, ARM64_PCI_MEM32_BASE,
				ARM64_PCI_MEM32_BASE, ARM64_PCI_MEM32_SIZE},
			[MACHINE_PCI_MEM64] = {WINDOW_MMIO, ARM64_PCI_MEM64_BASE,
				ARM64_PCI_MEM64_BASE, ARM64_PCI_MEM64_SIZE},
		},
	.gsis = {ARM64_SPI_PCI, ARM64_SPI_PCI + 1, ARM64_SPI_PCI + 2, ARM64_SPI_PCI + 3},
};

static int add_ports(struct machine *m, struct device *dev)
{
	int ret = machine_add_window(m, WINDOW_PORT, X86_PORT_PCI_ADDR, PORTS, dev, WINDOW_ADDRESS);

	return ret ? ret
		   : machine_add_window(m, WINDOW_PORT, X86_PORT_PCI_DATA, PORTS, dev, WINDOW_DATA);
}

/* What a bus with functions has: ECAM, whose other buses are empty, apertures, lines. */
static int add_places(struct machine *m, struct device *dev)
{
	bool arm64 = m->arch == GUEST_ARM64;
	int ret;

	m->pci = arm64 ? arm64_pci : x86_pci;
	m->pci.host = dev;
	ret = machine_add_window(m, WINDOW_MMIO, m->pci.ecam,
		arm64 ? ARM64_PCI_ECAM_SIZE : X86_PCI_ECAM_SIZE, dev, WINDOW_ECAM);
	for (unsigned i = 0; !ret && i < MACHINE_PCI_SPACES; i++) {
		const struct machine_pci_aperture *a = &m->pci.apertures[i];

		ret = machine_add_window(m, a->window, a->base, a->size, dev, WINDOW_APERTURES + i);
	}
	for (unsigned i = 0; !ret && i < MACHINE_PCI_LINES; i++)
		ret = machine_add_irq(m, dev, m->pci.gsis[i], true);
	return ret;
}

int pci_host_create(struct machine *m)
{
	bool x86 = m->arch == GUEST_X86_64;
	struct device *dev;
	struct pci_host *h;
	int ret = device_create(m, &pci_host_class, "PCI0", sizeof(*h), &dev);

	if (ret)
		return ret;
	h = container_of(dev, struct pci_host, dev);
	pthread_mutex_init(&h->lock, NULL);
	pci_bus_init(&h->bus, m);
	pci_function_init(&h->bridge, x86 ? &x86_bridge : &arm64_bridge);
	pci_bus_attach(&h->bus, &h->bridge, PCI_DEVFN(0, 0));
	if (x86)
		ret = add_ports(m, dev);
	if (!ret && !machine_is_fusa(m))
		ret = add_places(m, dev);
	return ret;
}
