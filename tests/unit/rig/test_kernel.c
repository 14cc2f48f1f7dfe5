/* SPDX-License-Identifier: BSD-3-Clause */
/* What is read of packages: the newest kernel's name, and what its modules are and depend on. */
#include "lib/util.h"
#include "rig/kernel.h"
#include "rig/modules.h"
#include "rig/tail.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

START_TEST(package)
{
	char name[64];

	ck_assert(rig_kernel_package("Package: linux-image-cloud-arm64\nVersion: 6.1.192-2\n"
				     "Depends: linux-image-6.1.0-56-cloud-arm64 (= 6.1.192-2)\n"
				     "Size: 1460\n",
		name, sizeof(name)));
	ck_assert_str_eq(name, "linux-image-6.1.0-56-cloud-arm64");
	ck_assert(rig_kernel_package(
		"P: x\nDepends: kmod, linux-image-7-arm64 | x\n", name, sizeof(name)));
	ck_assert_str_eq(name, "linux-image-7-arm64");
	ck_assert(!rig_kernel_package("Package: linux-image-cloud-arm64\n", name, sizeof(name)));
	ck_assert(!rig_kernel_package(
		"P: x\nDepends: kmod\nSuggests: linux-image-9\n", name, sizeof(name)));
	ck_assert(!rig_kernel_package("P: x\nDepends: linux-image-7-arm64\n", name, 8));
}
END_TEST

START_TEST(cache)
{
	char path[PATH_MAX];

	setenv("BULKHEAD_CACHE", "/c", 1);
	setenv("XDG_CACHE_HOME", "/x", 1);
	setenv("HOME", "/h", 1);
	ck_assert(rig_cache_path(path));
	ck_assert_str_eq(path, "/c");
	unsetenv("BULKHEAD_CACHE");
	ck_assert(rig_cache_path(path));
	ck_assert_str_eq(path, "/x/bulkhead");
	unsetenv("XDG_CACHE_HOME");
	ck_assert(rig_cache_path(path));
	ck_assert_str_eq(path, "/h/.cache/bulkhead");
	unsetenv("HOME");
	ck_assert(!rig_cache_path(path));
}
END_TEST

START_TEST(modules)
{
	static const char text[] = "\177ELF\0license=GPL\0depends=kvm,irqbypass\0name=x";
	static const char cut[] = "\0depends=kv";
	size_t size = 0;
	const char *depends = module_depends(text, sizeof(text), &size);

	ck_assert_ptr_nonnull(depends);
	ck_assert_uint_eq(size, strlen("kvm,irqbypass"));
	ck_assert_int_eq(memcmp(depends, "kvm,irqbypass", size), 0);
	ck_assert_ptr_nonnull(module_depends(cut, sizeof(cut) - 1, &size));
	ck_assert_uint_eq(size, 2);
	ck_assert_ptr_null(module_depends(text, 10, &size));
	ck_assert(module_is("kvm-amd.ko", "kvm_amd"));
	ck_assert(module_is("kvm_amd.ko.xz", "kvm-amd"));
	ck_assert(!module_is("kvm.ko", "kvm_amd"));
	ck_assert(!module_is("kvm-amd.ko", "kvm"));
	ck_assert(!module_is("kvm.ko.old", "kvm"));
}
END_TEST

/* Of many lines the last are left, without those that nobody wants. */
START_TEST(tail)
{
	struct tail *t = calloc(1, sizeof(*t));
	char line[64], *said = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&said, &size);

	for (unsigned i = 0; i < 2000; i++) {
		int n = snprintf(line, sizeof(line), "line %u%s\r\n", i, i == 1998 ? " TCG" : "");

		tail_add(t, line, (size_t)n);
	}
	tail_add(t, "unfinished\0x", 12);
	ck_assert(tail_has(t, "line 1999"));
	ck_assert(!tail_has(t, "line 100\r"));
	tail_print(t, 4, "> ", "TCG", f);
	fclose(f);
	ck_assert_str_eq(said, "> line 1997\n> line 1999\n> unfinished x\n");
	free(said);
	free(t);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("rig/kernel");
	TCase *t = tcase_create("kernel");

	tcase_add_test(t, package);
	tcase_add_test(t, cache);
	tcase_add_test(t, modules);
	tcase_add_test(t, tail);
	suite_add_tcase(s, t);
	return s;
}
