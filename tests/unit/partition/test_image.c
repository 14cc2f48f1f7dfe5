/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "partition/partition.h"
#include "tests/unit/unit.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

static char path[64];
static uint8_t image[64 * 1024];

/* A nameless file that can be opened by PATH until the test ends. */
static int create(void)
{
	int fd = memfd_create("image", 0);

	ck_assert_int_ge(fd, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd;
}

static void write_plain(size_t size)
{
	ck_assert_int_eq(write(create(), image, size), (ssize_t)size);
}

static void write_gzip(size_t size)
{
	gzFile gz = gzdopen(dup(create()), "wb");

	ck_assert_ptr_nonnull(gz);
	ck_assert_int_eq(gzwrite(gz, image, (unsigned)size), (int)size);
	ck_assert_int_eq(gzclose(gz), Z_OK);
}

START_TEST(linux_plain_or_compressed)
{
	memcpy(image + 0x202, "HdrS", 4);
	write_plain(sizeof(image));
	ck_assert(partition_image_is_linux(path));
	write_gzip(sizeof(image));
	ck_assert(partition_image_is_linux(path));
}
END_TEST

START_TEST(other_images)
{
	write_plain(sizeof(image));
	ck_assert(!partition_image_is_linux(path));
	memcpy(image,
		"\x7f"
		"ELF",
		4);
	write_plain(sizeof(image));
	ck_assert(!partition_image_is_linux(path));
	write_gzip(sizeof(image));
	ck_assert(!partition_image_is_linux(path));
	write_plain(0);
	ck_assert(!partition_image_is_linux(path));
	write_plain(1);
	ck_assert(!partition_image_is_linux(path));
}
END_TEST

START_TEST(no_image)
{
	ck_assert(!partition_image_is_linux("/nonexistent/vmlinuz"));
	ck_assert(!partition_image_is_linux("/proc"));
	ck_assert(!partition_image_is_linux("/dev/null"));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/image");
	TCase *t = tcase_create("image");

	tcase_add_test(t, linux_plain_or_compressed);
	tcase_add_test(t, other_images);
	tcase_add_test(t, no_image);
	suite_add_tcase(s, t);
	return s;
}
