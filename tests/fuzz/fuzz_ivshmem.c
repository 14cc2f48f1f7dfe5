/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared memory, driven by guests that do anything: two machines whose functions are the two peers
 * of a region of version 2, and of one of version 1. Configuration, BARs, MSI-X tables, registers;
 * between the steps the I/O threads do their part, and others ring. Twelve bytes are one step: what
 * to do, where, and a value. After each step what must always hold is looked at: states are those
 * of their owners, KVM listens to doorbells only when the guest wants it, bells are where the
 * registers are, and nothing that comes through a device writes shared memory.
 */
#include "devices/ivshmem.h"
#include "devices/pci/host.h"
#include "devices/pci/pci.h"
#include "include/bulkhead/ivshmem.h"
#include "lib/util.h"

#include <assert.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define STEP    12
#define PEERS   2
#define VECTORS 3
#define SIZE    0x2000
#define OUTPUT  0x1000
#define V2      PCI_DEVFN(1, 0)
#define V1      PCI_DEVFN(2, 0)
#define BELLS   (PEERS * VECTORS) /* of a function */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct side {
	struct machine m;
	struct loop *loop;
	struct loop_watch stop;
	bool msi_on[MACHINE_MSIS_MAX];
	bool bell_on[MACHINE_DOORBELLS_MAX];
	struct machine_doorbell_place bells[MACHINE_DOORBELLS_MAX];
} sides[PEERS];

/* The host's side, made once. */
static struct {
	bool made;
	int memory, memory_v1, files[PEERS], notices[PEERS], vectors[PEERS][VECTORS],
		vectors_v1[PEERS][VECTORS];
	uint8_t *maps[PEERS], *map, *map_v1;
} host;

/* ---- what a device asks of its machine ---- */

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	(void)ctx;
	(void)gsi;
	(void)asserted;
	abort(); /* there is no INTx */
}

static int msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
{
	struct side *s = ctx;

	assert(index < s->m.msi_count);
	s->msi_on[index] = msg;
	return 0;
}

static int doorbell_set(void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	struct side *s = ctx;

	assert(index < s->m.doorbell_count && s->bell_on[index] != (place != NULL));
	s->bell_on[index] = place;
	if (place)
		s->bells[index] = *place;
	return 0;
}

static int memory_set(void *ctx, unsigned index, const gpa_t *base)
{
	const struct side *s = ctx;

	(void)base;
	assert(index < s->m.memory_count);
	return 0;
}

/* ---- making it ---- */

static void check(int ret)
{
	if (ret < 0)
		abort();
}

static int make_file(size_t size, uint8_t **ret_map)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd);
	check(ftruncate(fd, (off_t)size));
	*ret_map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*ret_map == MAP_FAILED)
		abort();
	return fd;
}

static int make_event(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	check(fd);
	return fd;
}

static void stop_ready(struct loop_watch *w, uint32_t revents)
{
	struct side *s = container_of(w, struct side, stop);
	uint64_t count;

	(void)revents;
	(void)!read(w->fd, &count, sizeof(count));
	loop_stop(s->loop);
}

static void make_host(void)
{
	host.memory = make_file(SIZE, &host.map);
	host.memory_v1 = make_file(SIZE, &host.map_v1);
	for (unsigned i = 0; i < PEERS; i++) {
		host.files[i] = make_file(IVSHMEM_PAGE + OUTPUT, &host.maps[i]);
		host.notices[i] = make_event();
		for (unsigned v = 0; v < VECTORS; v++) {
			host.vectors[i][v] = make_event();
			host.vectors_v1[i][v] = make_event();
		}
		check(loop_create_epoll(&sides[i].loop));
		sides[i].stop = LOOP_WATCH_INIT;
		sides[i].stop.fd = make_event();
		sides[i].stop.events = POLLIN;
		sides[i].stop.ready = stop_ready;
		check(loop_watch(sides[i].loop, &sides[i].stop));
	}
	host.made = true;
}

static void add(struct side *s, unsigned id, bool v2)
{
	int32_t fds[1 + 2 * PEERS + BELLS], *fd = fds;
	const struct ivshmem_config cfg = {.name = v2 ? "IV2" : "IV1",
		.devfn = v2 ? V2 : V1,
		.v2 = v2,
		.id = id,
		.peers = PEERS,
		.vectors = VECTORS,
		.size = SIZE,
		.output = v2 ? OUTPUT : 0,
		.readonly = !v2 && id,
		.loop = s->loop,
		.fds = fds};

	*fd++ = v2 ? host.memory : host.memory_v1;
	for (unsigned i = 0; v2 && i < PEERS; i++)
		*fd++ = host.files[i];
	for (unsigned i = 0; v2 && i < PEERS; i++)
		*fd++ = host.notices[i];
	for (unsigned i = 0; i < BELLS; i++)
		*fd++ = (v2 ? host.vectors : host.vectors_v1)[i / VECTORS][i % VECTORS];
	check(ivshmem_create(&s->m, &cfg));
}

static void drain(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

static void make(struct side *s, unsigned id, enum guest_arch arch)
{
	drain(host.notices[id]);
	for (unsigned v = 0; v < VECTORS; v++) {
		drain(host.vectors[id][v]);
		drain(host.vectors_v1[id][v]);
	}
	memset(host.maps[id], 0, IVSHMEM_PAGE);
	memset(s->msi_on, 0, sizeof(s->msi_on));
	memset(s->bell_on, 0, sizeof(s->bell_on));
	memset(&s->m, 0, sizeof(s->m));
	check(machine_init(&s->m, arch, MACHINE_RAM_MIN, 1));
	check(pci_host_create(&s->m));
	s->m.services = (struct machine_services){.ctx = s,
		.irq_set = irq_set,
		.msi_set = msi_set,
		.doorbell_set = doorbell_set,
		.memory_set = memory_set};
	add(s, id, true);
	add(s, id, false);
}

/* ---- the guests ---- */

static uint64_t get(const uint8_t *s, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)s[i] << (8 * i);
	return v;
}

static uint32_t config(const struct side *s, unsigned devfn, unsigned reg)
{
	uint64_t v;

	machine_read(&s->m, WINDOW_MMIO, s->m.pci.ecam + (devfn << 12) + reg, 4, &v);
	return (uint32_t)v;
}

/* Where a BAR says that it is; it may be decoded nowhere. */
static uint64_t bar(const struct side *s, unsigned devfn, unsigned n)
{
	uint32_t low = config(s, devfn, PCI_BAR(n));
	uint64_t high = (low & 6) == 4 ? config(s, devfn, PCI_BAR(n + 1)) : 0;

	return high << 32 | (low & ~0xFu);
}

static void access_memory(struct side *s, uint64_t at, const uint8_t *in)
{
	unsigned size = 1u << (in[0] >> 3 & 3);
	uint64_t value;

	if (in[0] & 0x80) {
		machine_write(&s->m, WINDOW_MMIO, at, size, get(in + 4, 8));
	} else {
		machine_read(&s->m, WINDOW_MMIO, at, size, &value);
		assert(size == 8 || !(value >> (8 * size)));
	}
}

static void run_loop(struct side *s)
{
	const uint64_t one = 1;

	(void)!write(s->stop.fd, &one, sizeof(one));
	check(loop_run(s->loop));
}

static void step(const uint8_t in[STEP])
{
	struct side *s = &sides[in[0] >> 5 & 1];
	unsigned devfn = in[1] & 1 ? V1 : V2;
	uint64_t offset = get(in + 2, 2);
	const uint64_t one = 1;

	switch (in[0] & 7) {
	case 0:
		access_memory(s, s->m.pci.ecam + (devfn << 12) + (offset & 0xFF), in);
		break;
	case 1: /* as a driver begins */
		machine_write(
			&s->m, WINDOW_MMIO, s->m.pci.ecam + (devfn << 12) + PCI_COMMAND, 2, 6);
		machine_write(&s->m, WINDOW_MMIO,
			s->m.pci.ecam + (devfn << 12) + (devfn == V2 ? 0x5A : 0x42), 2,
			get(in + 4, 2) | 0x8000);
		break;
	case 2:
		access_memory(s, bar(s, devfn, IVSHMEM_BAR_REGISTERS) + (offset & 0x1F), in);
		break;
	case 3:
		access_memory(s, bar(s, devfn, IVSHMEM_BAR_REGISTERS) + (offset & 0xFFF), in);
		break;
	case 4:
		access_memory(s, bar(s, devfn, IVSHMEM_BAR_MSIX) + (offset & 0xFFF), in);
		break;
	case 5:
		access_memory(s, bar(s, devfn, IVSHMEM_BAR_MEMORY) + offset, in);
		break;
	case 6:
		run_loop(s);
		break;
	case 7: /* somebody rings, or tells of nothing */
		(void)!write(in[1] & 2 ? host.notices[in[1] & 1]
				       : host.vectors[in[1] & 1][in[2] % VECTORS],
			&one, sizeof(one));
		break;
	}
}

/* ---- what always holds ---- */

static bool is_zero(const uint8_t *p, size_t size)
{
	return !*p && memcmp(p, p + 1, size - 1) == 0;
}

static void check_side(const struct side *s, unsigned id)
{
	uint32_t command = config(s, V2, PCI_COMMAND), control = config(s, V2, 0x40) >> 24;
	uint32_t msix = config(s, V2, 0x58) >> 16;
	uint64_t at = bar(s, V2, IVSHMEM_BAR_REGISTERS), state, enabled;
	const _Atomic uint32_t *table = s->m.memories[0].hva;
	const struct ivshmem_peer_page *page = (const void *)host.maps[id];
	bool open = (msix & 0x8000) && !(msix & 0x4000) && (command & PCI_COMMAND_MASTER);

	assert(atomic_load(&table[id]) == atomic_load(&page->state));
	for (unsigned i = 0; i < BELLS; i++) {
		assert(!s->bell_on[i] || s->bells[i].address == at + IVSHMEM_DOORBELL);
		assert(!s->bell_on[i] ||
			s->bells[i].data == IVSHMEM_RING(i / VECTORS, i % VECTORS));
		assert(s->bell_on[i] == s->bell_on[0]);
	}
	for (unsigned v = 0; v < 2 * VECTORS; v++)
		assert(open || !s->msi_on[v]);
	if (!s->bell_on[0])
		return;
	machine_read(&s->m, WINDOW_MMIO, at + IVSHMEM_V2_STATE, 4, &state);
	machine_read(&s->m, WINDOW_MMIO, at + IVSHMEM_V2_INTERRUPT_CONTROL, 4, &enabled);
	assert(state == atomic_load(&page->state) && enabled <= 1);
	for (unsigned v = VECTORS; v < 2 * VECTORS; v++)
		assert(!s->msi_on[v] || (enabled && !(control & IVSHMEM_V2_CONTROL_ONE_SHOT)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (!host.made)
		make_host();
	for (unsigned i = 0; i < PEERS; i++)
		make(&sides[i], i, *data >> i & 1 ? GUEST_ARM64 : GUEST_X86_64);
	for (data++, size--; size >= STEP; data += STEP, size -= STEP) {
		step(data);
		for (unsigned i = 0; i < PEERS; i++)
			check_side(&sides[i], i);
	}
	for (unsigned i = 0; i < PEERS; i++) {
		assert(is_zero(host.maps[i] + IVSHMEM_PAGE, OUTPUT));
		machine_fini(&sides[i].m);
	}
	assert(is_zero(host.map, SIZE) && is_zero(host.map_v1, SIZE));
	return 0;
}
