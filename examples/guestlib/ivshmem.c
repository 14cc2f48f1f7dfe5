/* SPDX-License-Identifier: BSD-3-Clause */
/* [Jailhouse, Documentation/ivshmem-v2-specification.md] */
#include "ivshmem.h"

#include "mmio.h"
#include "pci.h"

static uint64_t read64(unsigned devfn, unsigned reg)
{
	return (uint64_t)pci_read32(devfn, reg + 4) << 32 | pci_read32(devfn, reg);
}

bool ivshmem_open(unsigned i, struct ivshmem *d)
{
	int devfn = pci_find(IVSHMEM_V2_VENDOR, IVSHMEM_V2_DEVICE, i);
	unsigned cap, msix;
	uint64_t memory;
	uint32_t table;

	if (devfn < 0)
		return false;
	d->devfn = (unsigned)devfn;
	cap = pci_capability(d->devfn, IVSHMEM_V2_CAP_ID);
	msix = pci_capability(d->devfn, PCI_CAP_MSIX);
	/* Memory that has no BAR is for machines that Bulkhead's is none of. */
	if (!cap || !msix ||
		pci_read8(d->devfn, cap + IVSHMEM_V2_CAP_LENGTH) != IVSHMEM_V2_CAP_SIZE)
		return false;
	d->protocol = IVSHMEM_V2_PROTOCOL(pci_read32(d->devfn, PCI_REVISION) >> 8);
	d->vectors = (pci_read16(d->devfn, msix + 2) & 0x7FF) + 1;
	d->registers = pci_enable_bar(d->devfn, IVSHMEM_BAR_REGISTERS);
	memory = pci_enable_bar(d->devfn, IVSHMEM_BAR_MEMORY);
	d->id = mmio_read32(d->registers + IVSHMEM_V2_ID);
	d->peers = mmio_read32(d->registers + IVSHMEM_V2_MAX_PEERS);
	table = pci_read32(d->devfn, cap + IVSHMEM_V2_CAP_STATE_TABLE);
	d->read_write_size = read64(d->devfn, cap + IVSHMEM_V2_CAP_READ_WRITE);
	d->output_size = read64(d->devfn, cap + IVSHMEM_V2_CAP_OUTPUT);
	d->states = (volatile uint32_t *)memory;
	d->read_write = d->read_write_size ? (uint8_t *)memory + table : NULL;
	d->outputs = (uint8_t *)memory + table + d->read_write_size;
	return true;
}

bool ivshmem_on(const struct ivshmem *d, unsigned vector, void (*handler)(void))
{
	return pci_msix_set(d->devfn, vector, handler);
}

void ivshmem_enable(const struct ivshmem *d, bool on)
{
	mmio_write32(
		d->registers + IVSHMEM_V2_INTERRUPT_CONTROL, on ? IVSHMEM_V2_INTERRUPT_ENABLE : 0);
}

void ivshmem_set_one_shot(const struct ivshmem *d, bool on)
{
	unsigned cap = pci_capability(d->devfn, IVSHMEM_V2_CAP_ID);

	pci_write8(d->devfn, cap + IVSHMEM_V2_CAP_CONTROL, on ? IVSHMEM_V2_CONTROL_ONE_SHOT : 0);
}

void ivshmem_ring(const struct ivshmem *d, unsigned peer, unsigned vector)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_write32(d->registers + IVSHMEM_DOORBELL, IVSHMEM_RING(peer, vector));
}

void ivshmem_set_state(const struct ivshmem *d, uint32_t state)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_write32(d->registers + IVSHMEM_V2_STATE, state);
}
