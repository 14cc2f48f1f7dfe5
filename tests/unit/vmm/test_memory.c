/* SPDX-License-Identifier: BSD-3-Clause */
/* What is behind a guest's RAM: pages of the host's choice or a file. */
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/vm.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#define RAM  (16 * MIB)
#define HUGE (2 * MIB)

static struct machine m;
static struct vm_memory memory;

static void setup(void)
{
	ck_assert_int_eq(machine_init(&m, GUEST_X86_64, RAM, 1), 0);
	memory = (struct vm_memory){.fd = -1};
}

static void teardown(void)
{
	vm_memory_destroy(&memory);
	ck_assert_ptr_null(memory.hva);
	ck_assert_int_eq(memory.fd, -1);
	machine_fini(&m);
}

static void create(unsigned flags)
{
	const char *what = "";

	ck_assert_msg(vm_memory_create(&m, VM_PAGES_ANY, flags, &memory, &what) == 0, "%s", what);
	ck_assert_uint_eq(memory.size, RAM);
}

/* Field NAME of the mapping that begins at AT, as /proc/self/smaps has it. */
static void smaps_field(const uint8_t *at, const char *name, char *ret_line, size_t size)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/self/smaps", "re");
	bool here = false;
	char line[512];
	uintptr_t start, end;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			here = start == (uintptr_t)at;
		} else if (here && !strncmp(line, name, strlen(name))) {
			snprintf(ret_line, size, "%s", line);
			return;
		}
	}
	ck_abort_msg("no mapping at %p with %s", (const void *)at, name);
}

START_TEST(pages_of_the_host)
{
	char line[512];
	uint8_t *low;

	create(0);
	ck_assert_int_eq(memory.fd, -1);
	ck_assert_uint_eq((uintptr_t)memory.hva % HUGE, 0);
	low = gmem_slice(&m.gmem, 0x1000, 0x1000);
	ck_assert_ptr_eq(low, memory.hva + 0x1000);
	for (unsigned i = 0; i < 0x1000; i++)
		ck_assert_uint_eq(low[i], 0);
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK))
		return;
	smaps_field(memory.hva + HUGE, "VmFlags:", line, sizeof(line));
	ck_assert_msg(strstr(line, " hg") != NULL, "no huge pages are wished for: %s", line);
	/* What a small image touches is not worth one. */
	smaps_field(memory.hva, "VmFlags:", line, sizeof(line));
	ck_assert_msg(strstr(line, " nh") != NULL, "huge pages from the first byte on: %s", line);
}
END_TEST

START_TEST(a_file_for_others)
{
	uint8_t *theirs;

	create(VM_MEMORY_SHARED);
	ck_assert_int_ge(memory.fd, 0);
	theirs = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0);
	ck_assert_ptr_ne(theirs, MAP_FAILED);
	memory.hva[HUGE + 5] = 42;
	ck_assert_uint_eq(theirs[HUGE + 5], 42);
	theirs[0] = 43;
	ck_assert_uint_eq(memory.hva[0], 43);
	munmap(theirs, RAM);
}
END_TEST

/* The sanitizers' mlock does nothing. */
#ifndef __SANITIZE_ADDRESS__
START_TEST(locked)
{
	const char *what;
	uint64_t kib = 0;
	char line[512];

	if (vm_memory_create(&m, VM_PAGES_ANY, VM_MEMORY_LOCKED, &memory, &what)) {
		ck_assert_str_eq(what, "mlock of guest memory"); /* as much is not allowed here */
		ck_assert_ptr_null(memory.hva);
		return;
	}
	smaps_field(memory.hva, "Rss:", line, sizeof(line));
	ck_assert_int_eq(sscanf(line, "Rss: %" SCNu64, &kib), 1);
	ck_assert_uint_eq(kib, RAM / KIB);
}
END_TEST
#endif

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/memory");
	TCase *t = tcase_create("memory");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, pages_of_the_host);
	tcase_add_test(t, a_file_for_others);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(t, locked);
#endif
	suite_add_tcase(s, t);
	return s;
}
