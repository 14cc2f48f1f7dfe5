/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared memory, from both ends: two machines whose functions are peers of one region. */
#include "devices/ivshmem.h"
#include "devices/pci/host.h"
#include "devices/pci/pci.h"
#include "include/bulkhead/ivshmem.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define PEERS   3
#define VECTORS 2
#define SIZE    0x2000 /* of the read/write section */
#define OUTPUT  0x3000
#define SLOT    4
#define WAIT_NS 20000000

/* The function's BARs as the bus places them. */
#define REGISTERS (X86_PCI_MEM32_BASE)
#define ECAM      (X86_PCI_ECAM_BASE + ((uint64_t)SLOT << 15))

/* One machine of a peer. */
struct side {
	struct fixture fx;
	struct loop *loop;
	bool msi_on[MACHINE_MSIS_MAX];
	struct machine_doorbell_place bells[MACHINE_DOORBELLS_MAX];
	bool bell_on[MACHINE_DOORBELLS_MAX];
	bool memory_on[MACHINE_MEMORIES_MAX];
	bool no_bells; /* the host refuses them */
};

static struct side sides[PEERS];
static int memory_fd, files[PEERS], readers[PEERS], notices[PEERS], vectors[PEERS][VECTORS];

static struct side *side_of(void *ctx)
{
	return container_of(ctx, struct side, fx);
}

static int msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
{
	side_of(ctx)->msi_on[index] = msg;
	return 0;
}

static int doorbell_set(void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	struct side *s = side_of(ctx);

	if (s->no_bells)
		return -ENOSPC;
	s->bell_on[index] = place;
	if (place)
		s->bells[index] = *place;
	return 0;
}

static int memory_set(void *ctx, unsigned index, const gpa_t *base)
{
	side_of(ctx)->memory_on[index] = base;
	return 0;
}

static int make_file(size_t size, int *ret_reader)
{
	char path[32];
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret_reader = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(*ret_reader, 0);
	return fd;
}

static void make_host_side(void)
{
	int unused;

	memory_fd = make_file(SIZE, &unused);
	for (unsigned i = 0; i < PEERS; i++) {
		files[i] = make_file(IVSHMEM_PAGE + OUTPUT, &readers[i]);
		notices[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		for (unsigned v = 0; v < VECTORS; v++)
			vectors[i][v] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
}

static struct side *make(unsigned id)
{
	int32_t fds[1 + 2 * PEERS + PEERS * VECTORS];
	struct side *s = &sides[id];
	const struct ivshmem_config cfg = {
		.name = "IVS",
		.devfn = PCI_DEVFN(SLOT, 0),
		.v2 = true,
		.id = id,
		.peers = PEERS,
		.vectors = VECTORS,
		.protocol = 0x4001,
		.size = SIZE,
		.output = OUTPUT,
		.loop = s->loop,
		.fds = fds,
	};

	fds[0] = memory_fd;
	for (unsigned i = 0; i < PEERS; i++) {
		fds[1 + i] = i == id ? files[i] : readers[i];
		fds[1 + PEERS + i] = notices[i];
		for (unsigned v = 0; v < VECTORS; v++)
			fds[1 + 2 * PEERS + i * VECTORS + v] = vectors[i][v];
	}
	ck_assert_int_eq(ivshmem_create(&s->fx.m, &cfg), 0);
	return s;
}

static void side_init(struct side *s)
{
	memset(s, 0, sizeof(*s));
	fixture_init_arch(&s->fx, GUEST_X86_64, MACHINE_RAM_MIN);
	s->fx.m.services.ctx = &s->fx;
	s->fx.m.services.msi_set = msi_set;
	s->fx.m.services.doorbell_set = doorbell_set;
	s->fx.m.services.memory_set = memory_set;
	ck_assert_int_eq(pci_host_create(&s->fx.m), 0);
	ck_assert_int_eq(loop_create_epoll(&s->loop), 0);
}

static void setup(void)
{
	make_host_side();
	for (unsigned i = 0; i < PEERS; i++)
		side_init(&sides[i]);
}

static void teardown(void)
{
	for (unsigned i = 0; i < PEERS; i++) {
		machine_fini(&sides[i].fx.m);
		loop_destroy(sides[i].loop);
		close(files[i]);
		close(readers[i]);
		close(notices[i]);
		for (unsigned v = 0; v < VECTORS; v++)
			close(vectors[i][v]);
	}
	close(memory_fd);
}

/* ---- the guest ---- */

static uint32_t config(struct side *s, unsigned reg, unsigned size)
{
	return (uint32_t)fixture_load(&s->fx, ECAM + reg, size);
}

static unsigned capability(struct side *s, uint8_t id)
{
	unsigned at = config(s, PCI_CAPABILITIES, 1);

	while (at && config(s, at, 1) != id)
		at = config(s, at + 1, 1);
	return at;
}

static uint32_t in(struct side *s, unsigned reg)
{
	return (uint32_t)fixture_load(&s->fx, REGISTERS + reg, 4);
}

static void out(struct side *s, unsigned reg, uint32_t value)
{
	fixture_store(&s->fx, REGISTERS + reg, 4, value);
}

/* Memory and bus master on, MSI-X on, all vectors through. */
static void turn_on(struct side *s)
{
	uint64_t table = config(s, PCI_BAR(1), 4);

	fixture_store(&s->fx, ECAM + PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	fixture_store(&s->fx, ECAM + capability(s, 0x11) + 2, 2, 0x8000);
	for (unsigned v = 0; v < VECTORS; v++)
		fixture_store(&s->fx, table + 16 * v + 12, 4, 0);
}

/* MSIs: first those of the device itself, then those that others ring. */
static int own_fd(struct side *s, unsigned vector)
{
	return s->fx.m.msis[vector].event_fd;
}

static bool signalled(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
}

static void run(struct side *s)
{
	unit_run_loop(s->loop, WAIT_NS);
}

static _Atomic uint32_t *table(struct side *s)
{
	return s->fx.m.memories[0].hva;
}

/* ---- tests ---- */

START_TEST(what_it_is)
{
	struct side *s = make(1);
	unsigned cap = capability(s, 0x09);

	ck_assert_uint_eq(config(s, 0, 4), 0x4106110A);
	ck_assert_uint_eq(config(s, PCI_REVISION_ID, 4), 0xFF400100);
	ck_assert_uint_eq(config(s, PCI_INTERRUPT_PIN, 1), 0);
	ck_assert_uint_eq(config(s, PCI_STATUS, 2), 0x10);
	ck_assert_uint_eq(config(s, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x4106110A);
	ck_assert_uint_ne(cap, 0);
	ck_assert_uint_eq(config(s, cap + 2, 1), 0x18);
	ck_assert_uint_eq(config(s, cap + 3, 1), 0);
	ck_assert_uint_eq(config(s, cap + 4, 4), 0x1000);
	ck_assert_uint_eq(config(s, cap + 8, 4), SIZE);
	ck_assert_uint_eq(config(s, cap + 12, 4), 0);
	ck_assert_uint_eq(config(s, cap + 16, 4), OUTPUT);
	ck_assert_uint_eq(config(s, cap + 20, 4), 0);
	ck_assert_uint_eq(config(s, capability(s, 0x11) + 2, 2), VECTORS - 1);
	/* 0x1000 + 0x2000 + 3 * 0x3000 in a BAR of 64 bits, prefetchable. */
	fixture_store(&s->fx, ECAM + PCI_BAR(2), 4, UINT32_MAX);
	ck_assert_uint_eq(config(s, PCI_BAR(2), 4), 0xFFFF000C);
	for (unsigned i = 0; i < 8; i++)
		fixture_store(&s->fx, ECAM + cap + i, 1, 0xFF);
	ck_assert_uint_eq(config(s, cap + 3, 1), 1); /* one-shot, and nothing else */
	ck_assert_uint_eq(config(s, cap + 4, 4), 0x1000);
}
END_TEST

START_TEST(registers)
{
	struct side *s = make(2);

	turn_on(s);
	ck_assert_uint_eq(in(s, 0), 2);
	ck_assert_uint_eq(in(s, 4), PEERS);
	ck_assert_uint_eq(in(s, 8), 0);
	ck_assert_uint_eq(in(s, 0xC), 0);
	ck_assert_uint_eq(in(s, 0x10), 0);
	ck_assert_uint_eq(in(s, 0x14), 0);
	ck_assert_uint_eq(in(s, 0xFFC), 0);
	for (unsigned reg = 0; reg < 0x20; reg += 4) {
		if (reg != 0xC)
			out(s, reg, UINT32_MAX);
	}
	ck_assert_uint_eq(in(s, 0), 2);
	ck_assert_uint_eq(in(s, 4), PEERS);
	ck_assert_uint_eq(in(s, 8), 1);
	ck_assert_uint_eq(in(s, 0x10), UINT32_MAX);
	/* Aligned accesses of 32 bits, and no others. */
	ck_assert_uint_eq(fixture_load(&s->fx, REGISTERS + 4, 2), 0);
	ck_assert_uint_eq(fixture_load(&s->fx, REGISTERS, 8), 0);
	ck_assert_uint_eq(fixture_load(&s->fx, REGISTERS + 2, 4), 0);
	fixture_store(&s->fx, REGISTERS + 0x10, 1, 7);
	fixture_store(&s->fx, REGISTERS + 0x10, 8, 7);
	ck_assert_uint_eq(in(s, 0x10), UINT32_MAX);
}
END_TEST

/* What each may write, also its process. */
START_TEST(sections)
{
	static const struct {
		uint64_t size;
		bool readonly;
	} wanted[PEERS][5] = {
		{{0x1000, true}, {SIZE, false}, {OUTPUT, false}, {2 * OUTPUT, true}},
		{{0x1000, true}, {SIZE, false}, {OUTPUT, true}, {OUTPUT, false}, {OUTPUT, true}},
		{{0x1000, true}, {SIZE, false}, {2 * OUTPUT, true}, {OUTPUT, false}},
	};
	uint8_t *base[PEERS];

	for (unsigned i = 0; i < PEERS; i++) {
		const struct machine *m = &make(i)->fx.m;

		base[i] = m->memories[0].hva;
		for (unsigned k = 0, at = 0; k < m->memory_count; k++) {
			ck_assert_uint_eq(m->memories[k].size, wanted[i][k].size);
			ck_assert_int_eq(m->memories[k].readonly, wanted[i][k].readonly);
			ck_assert_ptr_eq(m->memories[k].hva, base[i] + at);
			at += (unsigned)m->memories[k].size;
		}
		ck_assert_uint_eq(m->memory_count, i == 1 ? 5 : 4);
	}
	base[0][0x1000] = 'w';
	ck_assert_int_eq(base[2][0x1000], 'w');
	base[2][0x2FFF] = 'x';
	ck_assert_int_eq(base[1][0x2FFF], 'x');
	for (unsigned i = 0; i < PEERS; i++)
		base[i][0x3000 + i * OUTPUT] = (uint8_t)('0' + i);
	for (unsigned i = 0; i < PEERS; i++) {
		for (unsigned k = 0; k < PEERS; k++) {
			uint8_t *output = base[i] + 0x3000 + (size_t)k * OUTPUT;

			ck_assert_int_eq(output[0], '0' + (int)k);
			ck_assert_int_eq(
				mprotect(output, OUTPUT, PROT_READ | PROT_WRITE), i == k ? 0 : -1);
		}
	}
}
END_TEST

/* A write that memory does not take is a violation where it takes reads. */
START_TEST(writes_to_what_is_readonly)
{
	struct side *s = make(0);
	uint64_t base, value;

	turn_on(s);
	base = config(s, PCI_BAR(2), 4) & ~0xFu;
	ck_assert(s->memory_on[0] && s->memory_on[3]);
	ck_assert(!machine_write(&s->fx.m, WINDOW_MMIO, base, 4, 1));
	ck_assert(!machine_write(&s->fx.m, WINDOW_MMIO, base + 0x3000 + OUTPUT, 4, 1));
	/* Behind the last section the BAR goes on. */
	ck_assert(machine_write(&s->fx.m, WINDOW_MMIO, base + 0xC000, 4, 1));
	ck_assert(machine_read(&s->fx.m, WINDOW_MMIO, base + 0xC000, 4, &value));
	ck_assert_uint_eq(value, 0);
	fixture_store(&s->fx, ECAM + PCI_COMMAND, 2, 0);
	ck_assert(!s->memory_on[0] && !s->memory_on[3]);
}
END_TEST

START_TEST(states)
{
	struct side *a = make(0), *b = make(1);

	turn_on(a);
	turn_on(b);
	out(a, IVSHMEM_V2_STATE, 5);
	ck_assert_uint_eq(table(a)[0], 5);
	ck_assert_uint_eq(table(b)[0], 0);
	run(b);
	ck_assert_uint_eq(table(b)[0], 5);
	ck_assert(!signalled(own_fd(b, 0))); /* its interrupts are off */
	out(b, IVSHMEM_V2_INTERRUPT_CONTROL, 1);
	out(a, IVSHMEM_V2_STATE, 5);
	run(b);
	ck_assert(!signalled(own_fd(b, 0))); /* that is no change */
	out(a, IVSHMEM_V2_STATE, 6);
	run(b);
	ck_assert_uint_eq(table(b)[0], 6);
	ck_assert(signalled(own_fd(b, 0)));
	ck_assert(!signalled(own_fd(b, 1)));
	ck_assert(!signalled(notices[0])); /* nobody has to tell itself */
	/* A notice without anything new is nothing. */
	signal_fd(notices[1]);
	run(b);
	ck_assert(!signalled(own_fd(b, 0)));
}
END_TEST

/* A process that lies: it cannot write another's page, and what is in its own is copied. */
START_TEST(states_are_their_owners)
{
	struct side *a = make(0), *b = make(1);
	uint32_t lie = 77;

	turn_on(a);
	turn_on(b);
	out(b, IVSHMEM_V2_STATE, 3);
	ck_assert_int_lt(pwrite(readers[1], &lie, sizeof(lie), 0), 0);
	ck_assert_int_eq(pwrite(files[0], &lie, sizeof(lie), 0), sizeof(lie));
	signal_fd(notices[1]);
	run(b);
	ck_assert_uint_eq(table(b)[0], 77);
	ck_assert_uint_eq(table(b)[1], 3);
	/* The supervisor does it, when a's process is gone. */
	lie = 0;
	ck_assert_int_eq(pwrite(files[0], &lie, sizeof(lie), 0), sizeof(lie));
	signal_fd(notices[1]);
	run(b);
	ck_assert_uint_eq(table(b)[0], 0);
}
END_TEST

/* One that comes later finds the states of those that are there. */
START_TEST(who_comes_later)
{
	struct side *a = make(0), *b;

	turn_on(a);
	out(a, IVSHMEM_V2_STATE, 9);
	b = make(1);
	ck_assert_uint_eq(table(b)[0], 9);
}
END_TEST

START_TEST(doorbells)
{
	struct side *a = make(0);
	const struct machine *m = &a->fx.m;

	ck_assert_uint_eq(m->doorbell_count, PEERS * VECTORS);
	turn_on(a);
	for (unsigned i = 0; i < PEERS * VECTORS; i++) {
		ck_assert(a->bell_on[i]);
		ck_assert_int_eq(a->bells[i].space, WINDOW_MMIO);
		ck_assert_uint_eq(a->bells[i].address, REGISTERS + 0xC);
		ck_assert_uint_eq(a->bells[i].size, 4);
		ck_assert(a->bells[i].has_data);
		ck_assert_uint_eq(a->bells[i].data, i / VECTORS << 16 | i % VECTORS);
		/* KVM writes to the vector of that peer. */
		signal_fd(m->doorbells[i].event_fd);
		ck_assert(signalled(vectors[i / VECTORS][i % VECTORS]));
	}
	fixture_store(&a->fx, ECAM + PCI_COMMAND, 2, 0);
	for (unsigned i = 0; i < PEERS * VECTORS; i++)
		ck_assert(!a->bell_on[i]);
}
END_TEST

/* The host has no more of them: the process does it itself. */
START_TEST(doorbells_that_kvm_refuses)
{
	struct side *a = make(0);

	a->no_bells = true;
	turn_on(a);
	out(a, IVSHMEM_DOORBELL, IVSHMEM_RING(2, 1));
	ck_assert(signalled(vectors[2][1]));
	out(a, IVSHMEM_DOORBELL, IVSHMEM_RING(PEERS, 0));
	out(a, IVSHMEM_DOORBELL, IVSHMEM_RING(1, VECTORS));
	out(a, IVSHMEM_DOORBELL, UINT32_MAX);
	for (unsigned i = 0; i < PEERS * VECTORS; i++)
		ck_assert(!signalled(vectors[i / VECTORS][i % VECTORS]));
}
END_TEST

/* KVM listens to the others' doorbells while interrupts are on, and nobody else does. */
START_TEST(interrupt_control)
{
	struct side *a = make(0);

	turn_on(a);
	ck_assert(a->msi_on[0] && a->msi_on[1]);
	ck_assert(!a->msi_on[VECTORS] && !a->msi_on[VECTORS + 1]);
	signal_fd(vectors[0][1]);
	out(a, IVSHMEM_V2_INTERRUPT_CONTROL, 1);
	ck_assert(a->msi_on[VECTORS] && a->msi_on[VECTORS + 1]);
	ck_assert(!signalled(vectors[0][1])); /* what came before is lost */
	signal_fd(vectors[0][1]);
	run(a);
	ck_assert(signalled(vectors[0][1])); /* is KVM's */
	ck_assert(!signalled(own_fd(a, 1)));
	out(a, IVSHMEM_V2_INTERRUPT_CONTROL, 0);
	ck_assert(!a->msi_on[VECTORS] && !a->msi_on[VECTORS + 1]);
}
END_TEST

START_TEST(masked_vectors_are_pending)
{
	struct side *a = make(0);
	uint64_t bar = config(a, PCI_BAR(1), 4);

	turn_on(a);
	out(a, IVSHMEM_V2_INTERRUPT_CONTROL, 1);
	fixture_store(&a->fx, bar + 16 + 12, 4, 1);
	ck_assert(!a->msi_on[1] && !a->msi_on[VECTORS + 1]);
	ck_assert(a->msi_on[0] && a->msi_on[VECTORS]);
	signal_fd(vectors[0][1]);
	ck_assert_uint_eq(fixture_load(&a->fx, bar + 0x800, 8), 2);
	fixture_store(&a->fx, bar + 16 + 12, 4, 0);
	ck_assert(a->msi_on[1] && a->msi_on[VECTORS + 1]);
	/* While it does not listen to others, what they do is not pending. */
	out(a, IVSHMEM_V2_INTERRUPT_CONTROL, 0);
	ck_assert_uint_eq(fixture_load(&a->fx, bar + 0x800, 8), 0);
}
END_TEST

START_TEST(one_shot)
{
	struct side *a = make(0);
	uint64_t control;

	turn_on(a);
	control = ECAM + capability(a, 0x09) + 3;
	fixture_store(&a->fx, control, 1, 1);
	signal_fd(vectors[0][0]);
	run(a);
	ck_assert(!signalled(own_fd(a, 0)));
	out(a, IVSHMEM_V2_INTERRUPT_CONTROL, 1);
	ck_assert(!a->msi_on[VECTORS] && !a->msi_on[VECTORS + 1]);
	run(a);
	ck_assert(!signalled(own_fd(a, 0))); /* it came before */
	signal_fd(vectors[0][1]);
	run(a);
	ck_assert(signalled(own_fd(a, 1)));
	ck_assert_uint_eq(in(a, IVSHMEM_V2_INTERRUPT_CONTROL), 0);
	signal_fd(vectors[0][1]);
	run(a);
	ck_assert(!signalled(own_fd(a, 1)));
	out(a, IVSHMEM_V2_INTERRUPT_CONTROL, 1);
	run(a);
	ck_assert(!signalled(own_fd(a, 1)));
	signal_fd(vectors[0][0]);
	run(a);
	ck_assert(signalled(own_fd(a, 0)));
	/* State changes are such interrupts, too. */
	out(a, IVSHMEM_V2_INTERRUPT_CONTROL, 1);
	signal_fd(notices[0]);
	run(a);
	ck_assert_uint_eq(in(a, IVSHMEM_V2_INTERRUPT_CONTROL), 1); /* nothing has changed */
	turn_on(make(1));
	out(&sides[1], IVSHMEM_V2_STATE, 1);
	run(a);
	ck_assert(signalled(own_fd(a, 0)));
	ck_assert_uint_eq(in(a, IVSHMEM_V2_INTERRUPT_CONTROL), 0);
	/* And back: KVM listens again. */
	out(a, IVSHMEM_V2_INTERRUPT_CONTROL, 1);
	fixture_store(&a->fx, control, 1, 0);
	run(a);
	ck_assert(a->msi_on[VECTORS] && a->msi_on[VECTORS + 1]);
	signal_fd(vectors[0][1]);
	run(a);
	ck_assert(signalled(vectors[0][1]));
	ck_assert_uint_eq(in(a, IVSHMEM_V2_INTERRUPT_CONTROL), 1);
}
END_TEST

static struct ivshmem_config v1_config(unsigned id, const int32_t *fds)
{
	return (struct ivshmem_config){.name = "IVS",
		.devfn = PCI_DEVFN(SLOT, 0),
		.id = id,
		.peers = 2,
		.vectors = 1,
		.size = SIZE,
		.readonly = id == 1,
		.loop = sides[id].loop,
		.fds = fds};
}

START_TEST(version_1)
{
	int32_t fds[] = {memory_fd, vectors[0][0], vectors[1][0]};
	struct ivshmem_config cfg = v1_config(1, fds);
	struct side *s = &sides[1];
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory_fd);
	fds[0] = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(ivshmem_create(&s->fx.m, &cfg), 0);
	close(fds[0]);
	ck_assert_uint_eq(config(s, 0, 4), 0x11101AF4);
	ck_assert_uint_eq(config(s, PCI_REVISION_ID, 4), 0x05000001);
	ck_assert_uint_eq(capability(s, 0x09), 0);
	ck_assert_uint_eq(s->fx.m.memory_count, 1);
	ck_assert(s->fx.m.memories[0].readonly);
	ck_assert_uint_eq(s->fx.m.memories[0].size, SIZE);
	turn_on(s);
	ck_assert(s->msi_on[0] && s->msi_on[1]);
	out(s, IVSHMEM_V1_INTRMASK, 0x55);
	ck_assert_uint_eq(in(s, IVSHMEM_V1_INTRMASK), 0x55);
	out(s, IVSHMEM_V1_INTRSTATUS, 1);
	ck_assert_uint_eq(in(s, IVSHMEM_V1_INTRSTATUS), 0);
	ck_assert_uint_eq(in(s, IVSHMEM_V1_IVPOSITION), 1);
	ck_assert_uint_eq(in(s, 0x10), 0);
	ck_assert(s->bell_on[0] && s->bell_on[1]);
	ck_assert_uint_eq(s->bells[0].data, 0);
	signal_fd(s->fx.m.doorbells[0].event_fd);
	ck_assert(signalled(vectors[0][0]));
}
END_TEST

START_TEST(to_be_looked_at_alone)
{
	struct ivshmem_config cfg = v1_config(0, NULL);

	cfg.loop = NULL;
	cfg.v2 = true;
	cfg.output = OUTPUT;
	ck_assert_int_eq(ivshmem_create(&sides[0].fx.m, &cfg), 0);
	turn_on(&sides[0]);
	out(&sides[0], IVSHMEM_V2_STATE, 4);
	out(&sides[0], IVSHMEM_V2_INTERRUPT_CONTROL, 1);
	out(&sides[0], IVSHMEM_DOORBELL, 0);
	ck_assert_uint_eq(table(&sides[0])[0], 4);
}
END_TEST

START_TEST(what_is_no_region)
{
	struct machine *m = &sides[0].fx.m;
	struct ivshmem_config good = v1_config(0, NULL), bad;

	good.loop = NULL;
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		bad = good;                                                                        \
		change;                                                                            \
		ck_assert_int_eq(ivshmem_create(m, &bad), -EINVAL);                                \
	} while (0)
	REFUSED(bad.peers = 1);
	REFUSED(bad.peers = IVSHMEM_PEERS_MAX + 1);
	REFUSED(bad.id = 2);
	REFUSED(bad.vectors = 0);
	REFUSED(bad.vectors = IVSHMEM_VECTORS_MAX + 1);
	REFUSED(bad.size = 0);
	REFUSED(bad.size = 0x800);
	REFUSED(bad.size = UINT64_MAX & ~(uint64_t)0xFFF);
	REFUSED(bad.loop = sides[0].loop);
	ck_assert_uint_eq(m->device_count, 1); /* the host bridge */
	good.peers = IVSHMEM_PEERS_MAX;
	good.vectors = IVSHMEM_VECTORS_MAX;
	ck_assert_int_eq(ivshmem_create(m, &good), 0);
	ck_assert_int_eq(ivshmem_create(m, &good), -EEXIST); /* its place is taken */
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/ivshmem");
	TCase *t = tcase_create("ivshmem");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_it_is);
	tcase_add_test(t, registers);
	tcase_add_test(t, sections);
	tcase_add_test(t, writes_to_what_is_readonly);
	tcase_add_test(t, states);
	tcase_add_test(t, states_are_their_owners);
	tcase_add_test(t, who_comes_later);
	tcase_add_test(t, doorbells);
	tcase_add_test(t, doorbells_that_kvm_refuses);
	tcase_add_test(t, interrupt_control);
	tcase_add_test(t, masked_vectors_are_pending);
	tcase_add_test(t, one_shot);
	tcase_add_test(t, version_1);
	tcase_add_test(t, to_be_looked_at_alone);
	tcase_add_test(t, what_is_no_region);
	suite_add_tcase(s, t);
	return s;
}
