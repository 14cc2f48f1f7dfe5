/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "rig/cpio.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct entry {
	char name[64];
	unsigned mode, size, major, minor;
	const char *bytes;
};

/* The number in field I of a header, behind its magic. */
static unsigned field(const char *at, unsigned i)
{
	char text[9] = "";

	memcpy(text, at + 6 + 8 * (size_t)i, 8);
	return (unsigned)strtoul(text, NULL, 16);
}

/* Reads the entry at *AT, as the kernel does, and moves on. */
static void read_entry(const char *archive, size_t *at, struct entry *ret)
{
	const char *h = archive + *at;
	size_t name;

	ck_assert_int_eq(memcmp(h, "070701", 6), 0);
	name = field(h, 11);
	ck_assert_uint_lt(name, sizeof(ret->name));
	ret->mode = field(h, 1);
	ret->size = field(h, 6);
	ret->major = field(h, 9);
	ret->minor = field(h, 10);
	memcpy(ret->name, h + 110, name);
	*at = align_up(*at + 110 + name, 4);
	ret->bytes = archive + *at;
	*at = align_up(*at + ret->size, 4);
}

START_TEST(entries)
{
	char *archive = NULL;
	size_t size = 0, at = 0;
	struct cpio c = {.f = open_memstream(&archive, &size)};
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct entry e;

	ck_assert_int_eq(write(fd, "12345", 5), 5);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	fchmod(fd, 0750);
	cpio_folder(&c, "/etc");
	cpio_device(&c, "/dev/console", 5, 1);
	cpio_bytes(&c, "/etc/abc", "xyz", 3);
	cpio_file(&c, "/file", fd);
	ck_assert_int_eq(cpio_finish(&c), 0);
	fclose(c.f);
	ck_assert_uint_eq(size, c.size);

	read_entry(archive, &at, &e);
	ck_assert_str_eq(e.name, "etc");
	ck_assert_uint_eq(e.mode, S_IFDIR | 0755);
	read_entry(archive, &at, &e);
	ck_assert_str_eq(e.name, "dev/console");
	ck_assert_uint_eq(e.mode & S_IFMT, S_IFCHR);
	ck_assert_uint_eq(e.major, 5);
	ck_assert_uint_eq(e.minor, 1);
	read_entry(archive, &at, &e);
	ck_assert_str_eq(e.name, "etc/abc");
	ck_assert_uint_eq(e.size, 3);
	ck_assert_int_eq(memcmp(e.bytes, "xyz", 3), 0);
	read_entry(archive, &at, &e);
	ck_assert_str_eq(e.name, "file");
	ck_assert_uint_eq(e.mode, S_IFREG | 0750);
	ck_assert_int_eq(memcmp(e.bytes, "12345", 5), 0);
	read_entry(archive, &at, &e);
	ck_assert_str_eq(e.name, "TRAILER!!!");
	ck_assert_uint_eq(at, size);
	close(fd);
	free(archive);
}
END_TEST

/* 4 GiB and more have no place in a header. */
START_TEST(too_large)
{
	char *archive = NULL;
	size_t size = 0;
	struct cpio c = {.f = open_memstream(&archive, &size)};
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, (off_t)4 << 30), 0);
	cpio_file(&c, "/file", fd);
	ck_assert_int_eq(cpio_finish(&c), -EFBIG);
	fclose(c.f);
	close(fd);
	free(archive);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("rig/cpio");
	TCase *t = tcase_create("cpio");

	tcase_add_test(t, entries);
	tcase_add_test(t, too_large);
	suite_add_tcase(s, t);
	return s;
}
