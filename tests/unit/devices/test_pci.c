/* SPDX-License-Identifier: BSD-3-Clause */
/* The PCI bus of both architectures, as a guest finds it: configuration. */
#include "devices/reset_port.h"
#include "tests/unit/devices/pci_fixture.h"

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
	suite_add_tcase(s, t);
	return s;
}
