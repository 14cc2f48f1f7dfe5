/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs: sizes, places, decoding, apertures; and while several vCPUs use them. */
#include "tests/unit/devices/pci_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

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
	Suite *s = suite_create("devices/pci_bars");
	TCase *t = tcase_create("pci");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, bars_have_sizes);
	tcase_add_test(t, bars_are_decoded);
	tcase_add_test(t, places_are_told);
	tcase_add_test(t, bars_of_memory);
	tcase_add_test(t, the_lowest_wins);
	tcase_add_test(t, apertures_are_finite);
	tcase_add_test(t, arm64_apertures);
	tcase_add_test(t, moved_under_use);
	suite_add_tcase(s, t);
	return s;
}
