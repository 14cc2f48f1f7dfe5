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

#define MAY_BE(x86, arm64)                                                                         \
	ck_assert_int_eq(partition_image_may_be_for(PLAN_ARCH_X86_64, path), x86);                 \
	ck_assert_int_eq(partition_image_may_be_for(PLAN_ARCH_ARM64, path), arm64)

START_TEST(whose_it_is)
{
	static const struct {
		unsigned machine;
		bool x86, arm64;
	} machines[] = {{3, true, false}, {62, true, false}, {183, false, true}, {40, true, true}};

	write_plain(sizeof(image)); /* nothing known: raw */
	MAY_BE(true, true);
	memcpy(image + 0x202, "HdrS", 4);
	write_gzip(sizeof(image));
	MAY_BE(true, false);
	memset(image, 0, sizeof(image));
	memcpy(image + 56, "ARM\x64", 4);
	write_plain(sizeof(image));
	MAY_BE(false, true);
	ck_assert(partition_image_is_linux(path));
	write_gzip(sizeof(image));
	MAY_BE(false, true);
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		memset(image, 0, sizeof(image));
		memcpy(image, "\177ELF\2\1\1", 7);
		image[18] = (uint8_t)machines[i].machine;
		write_plain(sizeof(image));
		MAY_BE(machines[i].x86, machines[i].arm64);
		write_plain(19); /* cut off in the middle of it */
		MAY_BE(true, true);
	}
	strcpy(path, "/nonexistent/vmlinuz");
	MAY_BE(true, true);
}
END_TEST

START_TEST(no_image)
{
	ck_assert(!partition_image_fd_is_linux(-1));
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
	tcase_add_test(t, whose_it_is);
	tcase_add_test(t, no_image);
	suite_add_tcase(s, t);
	return s;
}
