/* SPDX-License-Identifier: BSD-3-Clause */
/* INTx and MSI-X. */
#include "tests/unit/devices/pci_fixture.h"

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

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/pci_interrupts");
	TCase *t = tcase_create("pci");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, lines_are_swizzled_and_shared);
	tcase_add_test(t, intx_can_be_disabled);
	tcase_add_test(t, msix_table);
	tcase_add_test(t, msix_masks);
	tcase_add_test(t, msix_pending);
	tcase_add_test(t, msix_of_others);
	tcase_add_test(t, msix_silences_intx);
	tcase_add_test(t, msix_without);
	suite_add_tcase(s, t);
	return s;
}
