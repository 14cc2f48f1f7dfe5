/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI-X [PCI 3.0 6.8.2]. Each vector is an MSI of the machine, whose eventfd is written to
 * interrupt: KVM sends the message as the table has it, and a vector that is masked stays pending
 * because nobody reads the eventfd, which is what its bit in the PBA shows. A vector is masked by
 * its own bit, by the function's, and while the function may not write to memory (bus master).
 * Pending bits are cleared when MSI-X is turned on.
 *
 * The table's and the PBA's BAR: 4 KiB, the PBA in its upper half. The table takes aligned writes
 * of 4 and 8 bytes, which are all that is defined [6.8.2.6]; others are dropped.
 */
#include "devices/pci/bus.h"
#include "lib/event.h"
#include "lib/util.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define CAP_MSIX     0x11
#define CAP_SIZE     12
#define CONTROL      2 /* offsets in the capability */
#define TABLE        4
#define PBA          8
#define ENABLE       0x8000 /* in Message Control */
#define MASK_ALL     0x4000
#define BAR_SIZE     4096
#define PBA_OFFSET   2048
#define ENTRY_WORDS  4
#define VECTOR_MASK  0x1 /* in Vector Control */
#define ADDRESS_BITS 0xFFFFFFFC

enum { WORD_ADDRESS, WORD_ADDRESS_HIGH, WORD_DATA, WORD_CONTROL };

struct pci_msix {
	unsigned bar, capability, vectors; /* constant */
	unsigned msis[PCI_MSIX_VECTORS_MAX];
	int sources[PCI_MSIX_VECTORS_MAX]; /* MSIs, too; -1: none */
	atomic_bool enabled;               /* written under the bus's lock */

	pthread_mutex_t lock; /* guards the rest; outside of it is the bus's or none */
	bool open;            /* enabled, not masked as a whole, bus master */
	bool listening;       /* to the sources */
	uint32_t table[PCI_MSIX_VECTORS_MAX][ENTRY_WORDS];
};

int pci_function_add_msix(struct pci_function *f, unsigned bar, unsigned vectors)
{
	struct pci_config *c = &f->config;
	struct pci_msix *x;
	unsigned at;
	int ret;

	if (!vectors || vectors > PCI_MSIX_VECTORS_MAX)
		return -EINVAL;
	if (f->msix)
		return -EEXIST;
	ret = pci_function_add_bar(f, bar, PCI_BAR_MEM32, BAR_SIZE);
	if (!ret)
		ret = pci_function_add_capability(f, CAP_MSIX, CAP_SIZE, &at);
	if (ret)
		return ret;
	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->bar = bar;
	x->capability = at;
	x->vectors = vectors;
	pthread_mutex_init(&x->lock, NULL);
	f->msix = x;
	pci_config_set(c, at + CONTROL, 2, vectors - 1, ENABLE | MASK_ALL);
	pci_config_set(c, at + TABLE, 4, bar, 0);
	pci_config_set(c, at + PBA, 4, PBA_OFFSET | bar, 0);
	for (unsigned i = 0; !ret && i < vectors; i++) {
		x->table[i][WORD_CONTROL] = VECTOR_MASK;
		x->sources[i] = -1;
		ret = machine_add_msi(f->dev.machine, &x->msis[i]);
	}
	return ret;
}

void pci_msix_destroy(struct pci_function *f)
{
	if (!f->msix)
		return;
	pthread_mutex_destroy(&f->msix->lock);
	free(f->msix);
	f->msix = NULL;
}

bool pci_msix_owns_bar(const struct pci_function *f, unsigned bar)
{
	return f->msix && f->msix->bar == bar;
}

/* ---- interrupting ---- */

bool pci_msix_enabled(const struct pci_function *f)
{
	return f->msix && atomic_load(&f->msix->enabled);
}

int pci_msix_event_fd(const struct pci_function *f, unsigned vector)
{
	const struct pci_msix *x = f->msix;

	return x && vector < x->vectors ? f->dev.machine->msis[x->msis[vector]].event_fd : -1;
}

int pci_msix_share(struct pci_function *f, unsigned vector, int event_fd)
{
	if (!f->msix || vector >= f->msix->vectors)
		return -EINVAL;
	machine_share_msi(f->dev.machine, f->msix->msis[vector], event_fd);
	return 0;
}

int pci_msix_add_source(struct pci_function *f, unsigned vector, int event_fd)
{
	struct pci_msix *x = f->msix;
	unsigned index;
	int ret;

	if (!x || vector >= x->vectors)
		return -EINVAL;
	if (x->sources[vector] >= 0)
		return -EEXIST;
	ret = machine_add_msi(f->dev.machine, &index);
	if (ret)
		return ret;
	machine_share_msi(f->dev.machine, index, event_fd);
	x->sources[vector] = (int)index;
	return 0;
}

void pci_msix_signal(struct pci_function *f, unsigned vector)
{
	const uint64_t one = 1;
	int fd = pci_msix_event_fd(f, vector);

	/* When the eventfd is full, it is pending already. */
	if (fd >= 0)
		(void)!write(fd, &one, sizeof(one));
}

/* ---- masks ---- */

static void vector_update(struct pci_function *f, unsigned vector)
{
	const struct machine_services *services = &f->dev.machine->services;
	struct pci_msix *x = f->msix;
	const uint32_t *entry = x->table[vector];
	const struct machine_msi_message msg = {
		.address = (uint64_t)entry[WORD_ADDRESS_HIGH] << 32 | entry[WORD_ADDRESS],
		.data = entry[WORD_DATA],
		.device_id = f->devfn,
	};
	bool on = x->open && !(entry[WORD_CONTROL] & VECTOR_MASK);

	/* When KVM refuses the message, it goes nowhere: a guest's mistake. */
	services->msi_set(services->ctx, x->msis[vector], on ? &msg : NULL);
	if (x->sources[vector] >= 0)
		services->msi_set(services->ctx, (unsigned)x->sources[vector],
			on && x->listening ? &msg : NULL);
}

int pci_msix_source_fd(const struct pci_function *f, unsigned vector)
{
	const struct pci_msix *x = f->msix;
	int source = x && vector < x->vectors ? x->sources[vector] : -1;

	return source >= 0 ? f->dev.machine->msis[source].event_fd : -1;
}

static void drop_sources(struct pci_function *f)
{
	for (unsigned i = 0; i < f->msix->vectors; i++) {
		if (pci_msix_source_fd(f, i) >= 0)
			event_take(pci_msix_source_fd(f, i));
	}
}

static void drop_pending(struct pci_function *f)
{
	for (unsigned i = 0; i < f->msix->vectors; i++)
		event_take(pci_msix_event_fd(f, i));
	drop_sources(f);
}

void pci_msix_listen(struct pci_function *f, bool on)
{
	struct pci_msix *x = f->msix;

	pthread_mutex_lock(&x->lock);
	if (on && !x->listening)
		drop_sources(f);
	if (on != x->listening) {
		x->listening = on;
		for (unsigned i = 0; x->open && i < x->vectors; i++)
			vector_update(f, i);
	}
	pthread_mutex_unlock(&x->lock);
}

void pci_msix_update(struct pci_function *f)
{
	struct pci_msix *x = f->msix;
	uint32_t control, command;
	bool enabled, open;

	if (!x)
		return;
	control = pci_config_read(&f->config, x->capability + CONTROL, 2);
	command = pci_config_read(&f->config, PCI_COMMAND, 2);
	enabled = control & ENABLE;
	open = enabled && !(control & MASK_ALL) && (command & PCI_COMMAND_MASTER);
	pthread_mutex_lock(&x->lock);
	if (enabled && !atomic_load(&x->enabled))
		drop_pending(f);
	atomic_store(&x->enabled, enabled);
	if (open != x->open) {
		x->open = open;
		for (unsigned i = 0; i < x->vectors; i++)
			vector_update(f, i);
	}
	pthread_mutex_unlock(&x->lock);
}

/* ---- the BAR ---- */

/* The pending bits, all 64 that there can be. */
static uint64_t read_pba(const struct pci_function *f)
{
	struct pollfd fds[2 * PCI_MSIX_VECTORS_MAX];
	unsigned n = f->msix->vectors;
	uint64_t bits = 0;
	bool listening;

	pthread_mutex_lock(&f->msix->lock);
	listening = f->msix->listening;
	pthread_mutex_unlock(&f->msix->lock);
	for (unsigned i = 0; i < n; i++) {
		fds[i] = (struct pollfd){.fd = pci_msix_event_fd(f, i), .events = POLLIN};
		fds[n + i] = (struct pollfd){
			.fd = listening ? pci_msix_source_fd(f, i) : -1, .events = POLLIN};
	}
	if (poll(fds, 2 * n, 0) < 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		bits |= (uint64_t)(((fds[i].revents | fds[n + i].revents) & POLLIN) != 0) << i;
	return bits;
}

uint64_t pci_msix_read(struct pci_function *f, uint64_t offset, unsigned size)
{
	struct pci_msix *x = f->msix;
	const uint64_t table_size = x->vectors * sizeof(x->table[0]);
	uint64_t value = 0;

	if (offset >= PBA_OFFSET && offset < PBA_OFFSET + sizeof(value)) {
		value = read_pba(f) >> (8 * (offset - PBA_OFFSET));
	} else if (offset < table_size && size <= table_size - offset) {
		pthread_mutex_lock(&x->lock);
		/* Little-endian, as all hosts are. */
		memcpy(&value, (const uint8_t *)x->table + offset, size);
		pthread_mutex_unlock(&x->lock);
	}
	return value;
}

static void write_word(struct pci_msix *x, uint64_t offset, uint32_t value)
{
	static const uint32_t masks[ENTRY_WORDS] = {
		ADDRESS_BITS, UINT32_MAX, UINT32_MAX, VECTOR_MASK};
	unsigned word = offset / sizeof(uint32_t) % ENTRY_WORDS;

	x->table[offset / sizeof(x->table[0])][word] = value & masks[word];
}

void pci_msix_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_msix *x = f->msix;
	const unsigned vector = (unsigned)(offset / sizeof(x->table[0]));

	if (offset >= x->vectors * sizeof(x->table[0]) || size < sizeof(uint32_t) || offset % size)
		return;
	pthread_mutex_lock(&x->lock);
	write_word(x, offset, (uint32_t)value);
	if (size > sizeof(uint32_t))
		write_word(x, offset + sizeof(uint32_t), (uint32_t)(value >> 32));
	if (x->open)
		vector_update(f, vector);
	pthread_mutex_unlock(&x->lock);
}
