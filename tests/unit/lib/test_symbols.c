/* SPDX-License-Identifier: BSD-3-Clause */
/* Symbols of this test itself and of lists; names in the backtraces of reports. */
#include "tests/unit/unit.h"

#include "lib/symbolise.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static struct symbols *load(const char *text)
{
	AUTO_CLOSE int fd = memfd_create("symbols", MFD_CLOEXEC);
	struct symbols *s;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(symbols_load(fd, &s), 0);
	return s;
}

static int refusal(const void *bytes, size_t size)
{
	AUTO_CLOSE int fd = memfd_create("symbols", MFD_CLOEXEC);
	struct symbols *s = NULL;
	int ret;

	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	ret = symbols_load(fd, &s);
	ck_assert_ptr_null(s);
	return ret;
}

static void is_at(const struct symbols *s, uint64_t address, const char *name, uint64_t offset)
{
	uint64_t got;
	const char *found = symbols_find(s, address, &got);

	if (!name) {
		ck_assert_ptr_null(found);
		return;
	}
	ck_assert_str_eq(found, name);
	ck_assert_uint_eq(got, offset);
}

static const char map[] = "ffffffff81000000 T _stext\n"
			  "ffffffff81000000 t __pfx_start\n"
			  "ffffffff81000040 t helper\n"
			  "ffffffff81000100 T panic\n"
			  "ffffffff81e00080 T entry_SYSCALL_64\n"
			  "ffffffff82000000 D data\n";

START_TEST(list)
{
	struct symbols *s = load(map);
	uint64_t at;

	is_at(s, 0xffffffff81000000, "_stext", 0);
	is_at(s, 0xffffffff8100003f, "_stext", 0x3f);
	is_at(s, 0xffffffff81000041, "helper", 1);
	is_at(s, 0xffffffff80ffffff, NULL, 0);
	is_at(s, 0xffffffffffffffff, NULL, 0);
	ck_assert(symbols_get(s, "panic", &at));
	ck_assert_uint_eq(at, 0xffffffff81000100);
	ck_assert(!symbols_get(s, "data", &at));
	symbols_free(s);
}
END_TEST

/* In an ELF file: a function of this program. */
START_TEST(elf)
{
	AUTO_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct symbols *s;
	uint64_t at;

	ck_assert_int_eq(symbols_load(fd, &s), 0);
	ck_assert(symbols_get(s, "unit_suite", &at));
	is_at(s, at, "unit_suite", 0);
	is_at(s, at + 1, "unit_suite", 1);
	symbols_free(s);
}
END_TEST

START_TEST(refused)
{
	static const uint8_t cut[] = {0x7F, 'E', 'L', 'F', 2, 1, 1};

	ck_assert_int_eq(refusal("", 0), -ENOENT);
	ck_assert_int_eq(refusal("hello\n", 6), -EINVAL);
	ck_assert_int_eq(refusal("12 D x\n", 7), -ENOENT);
	ck_assert_int_eq(refusal(cut, sizeof(cut)), -EINVAL);
}
END_TEST

static void named_is(const struct symbols *s, const char *text, const char *want)
{
	AUTO_FREE char *named = symbolise(text, s);

	ck_assert(symbolise_wanted(text));
	ck_assert_str_eq(named, want);
}

START_TEST(naming)
{
	struct symbols *s = load(map);

	named_is(s,
		"vCPU 0: died\n  backtrace:\n    ffffffff81000100\n    ffffffff81000100 ?\n"
		"    0000000000001234\n  more ffffffff81000100\n    ffffffff81000100\n",
		"vCPU 0: died\n  backtrace:\n    ffffffff81000100 panic+0x0\n"
		"    ffffffff81000100 ? helper+0xc0\n"
		"    0000000000001234\n  more ffffffff81000100\n    ffffffff81000100\n");
	/* A kernel that was moved by 0x1c000000. */
	named_is(s,
		"  backtrace, LSTAR at ffffffff9de00080, #DE at ffffffff9de00a00:\n"
		"    ffffffff9d000104\n    ffffffff9d000050",
		"  backtrace, LSTAR at ffffffff9de00080, #DE at ffffffff9de00a00:\n"
		"    ffffffff9d000104 panic+0x4\n    ffffffff9d000050 helper+0x10");
	/* A register that points elsewhere tells nothing. */
	named_is(s, "  backtrace, LSTAR at ffffffff9de00081:\n    ffffffff81000104\n",
		"  backtrace, LSTAR at ffffffff9de00081:\n    ffffffff81000104 panic+0x4\n");
	ck_assert(!symbolise_wanted("  backtraces\nbacktrace:\n"));
	symbols_free(s);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/symbols");
	TCase *t = tcase_create("symbols");

	tcase_add_test(t, list);
	tcase_add_test(t, elf);
	tcase_add_test(t, refused);
	tcase_add_test(t, naming);
	suite_add_tcase(s, t);
	return s;
}
