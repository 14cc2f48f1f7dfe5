/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lspci sees: the configuration space of a bus with a virtio device, and a function of every
 * kind of BAR, walked as it does. With LSPCI_DUMP set, it is also written to that file in the form
 * that `lspci -F` reads, which is what tests/golden/run-lspci gives to it.
 */
#include "devices/ivshmem.h"
#include "devices/pci/host.h"
#include "devices/pci/pci.h"
#include "devices/virtio/pci.h"
#include "devices/virtio/rng.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct fixture fx;

static int msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
{
	(void)ctx, (void)index, (void)msg;
	return 0;
}

static const struct device_class all_class = {.name = "all", .destroy = pci_function_free};

static void add_rng(void)
{
	const struct virtio_rng_config rng = {.entropy_fd = -1};
	const struct virtio_pci_config pci = {.name = "RNG", .devfn = PCI_DEVFN_ANY};
	struct virtio_device *v;

	ck_assert_int_eq(virtio_rng_create(&fx.m, &rng, &v), 0);
	ck_assert_int_eq(virtio_pci_create(&fx.m, &pci, v), 0);
}

static void add_all(void)
{
	const struct pci_setup s = {.cls = &all_class,
		.name = "ALL",
		.size = sizeof(struct pci_function),
		.vendor = 0x1B36,
		.device = 0x00FF,
		.class_code = 0x058000};
	struct pci_function *f;

	ck_assert_int_eq(pci_function_create(&fx.m, &s, &f), 0);
	ck_assert_int_eq(pci_function_add_bar(f, 0, PCI_BAR_MEM32, 1 * MIB), 0);
	ck_assert_int_eq(pci_function_add_msix(f, 1, 32), 0);
	ck_assert_int_eq(pci_function_add_bar(f, 2, PCI_BAR_MEM64_PREFETCH, 64 * MIB), 0);
	ck_assert_int_eq(pci_function_add_bar(f, 4, PCI_BAR_IO, 64), 0);
	pci_function_use_intx(f, 2);
	ck_assert_int_eq(pci_function_add(f, PCI_DEVFN(5, 0)), 0);
}

static uint64_t at(unsigned devfn, unsigned offset)
{
	return fx.m.pci.ecam + devfn * 4096 + offset;
}

/* Both versions of shared memory. */
static void add_ivshmem(void)
{
	struct ivshmem_config cfg = {.name = "IV2",
		.devfn = PCI_DEVFN(8, 0),
		.v2 = true,
		.id = 1,
		.peers = 3,
		.vectors = 2,
		.protocol = 0x4001,
		.size = 0x2000,
		.output = 0x3000};

	ck_assert_int_eq(ivshmem_create(&fx.m, &cfg), 0);
	cfg.name = "IV1";
	cfg.devfn = PCI_DEVFN(9, 0);
	cfg.v2 = false;
	ck_assert_int_eq(ivshmem_create(&fx.m, &cfg), 0);
}

/* As a driver leaves it. */
static void enable(unsigned devfn)
{
	unsigned cap = (unsigned)fixture_load(&fx, at(devfn, PCI_CAPABILITIES), 1);

	fixture_store(&fx, at(devfn, PCI_COMMAND), 2, 0x0407);
	for (unsigned n = 0; cap && n < 48; n++) {
		if (fixture_load(&fx, at(devfn, cap), 1) == 0x11)
			fixture_store(&fx, at(devfn, cap + 2), 2, 0x8000);
		cap = (unsigned)fixture_load(&fx, at(devfn, cap + 1), 1);
	}
}

static void setup(void)
{
	fixture_init_arch(&fx, GUEST_X86_64, MACHINE_RAM_MIN);
	fx.m.services.msi_set = msi_set;
	ck_assert_int_eq(pci_host_create(&fx.m), 0);
	add_rng();
	add_all();
	add_ivshmem();
	enable(PCI_DEVFN(1, 0));
	enable(PCI_DEVFN(5, 0));
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

/* Every capability is inside the first 256 bytes, aligned, and comes once in the list, which ends.
 */
START_TEST(capability_lists)
{
	for (unsigned devfn = 0; devfn < PCI_DEVFNS; devfn++) {
		bool seen[256] = {false};
		unsigned cap;

		if (fixture_load(&fx, at(devfn, 0), 4) == UINT32_MAX)
			continue;
		cap = (unsigned)fixture_load(&fx, at(devfn, PCI_CAPABILITIES), 1);
		ck_assert_uint_eq(
			cap != 0, (fixture_load(&fx, at(devfn, PCI_STATUS), 2) & 0x10) != 0);
		while (cap) {
			ck_assert_uint_ge(cap, 0x40);
			ck_assert_uint_eq(cap % 4, 0);
			ck_assert(!seen[cap]);
			seen[cap] = true;
			ck_assert_uint_ne(fixture_load(&fx, at(devfn, cap), 1), 0);
			cap = (unsigned)fixture_load(&fx, at(devfn, cap + 1), 1);
		}
		for (unsigned i = 0x100; i < 0x1000; i += 4)
			ck_assert_uint_eq(fixture_load(&fx, at(devfn, i), 4), 0);
	}
}
END_TEST

START_TEST(dump)
{
	const char *path = getenv("LSPCI_DUMP");
	FILE *f = path ? fopen(path, "w") : NULL;

	ck_assert_msg(!path || f, "%s", path);
	for (unsigned devfn = 0; f && devfn < PCI_DEVFNS; devfn++) {
		if (fixture_load(&fx, at(devfn, 0), 4) == UINT32_MAX)
			continue;
		fprintf(f, "00:%02x.%u -", PCI_DEVICE(devfn), devfn % 8);
		for (unsigned i = 0; i < PCI_CONFIG_LEGACY; i++) {
			if (i % 16 == 0)
				fprintf(f, "\n%02x:", i);
			fprintf(f, " %02x", (unsigned)fixture_load(&fx, at(devfn, i), 1));
		}
		fprintf(f, "\n\n");
	}
	if (f)
		ck_assert_int_eq(fclose(f), 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/lspci");
	TCase *t = tcase_create("lspci");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, capability_lists);
	tcase_add_test(t, dump);
	suite_add_tcase(s, t);
	return s;
}
