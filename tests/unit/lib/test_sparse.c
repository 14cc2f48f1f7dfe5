/* SPDX-License-Identifier: BSD-3-Clause */
/* Files with holes: the same bytes however they come, and no room for the zeros. */
#include "tests/unit/unit.h"

#include "lib/sparse.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE (MIB)

static uint8_t bytes[SIZE], got[SIZE];

/* In pieces of PIECE bytes. What the file then is. */
static struct stat write_pieces(int fd, size_t piece)
{
	struct sparse s = {.fd = fd};
	struct stat st;

	for (size_t at = 0; at < SIZE; at += piece)
		ck_assert_int_eq(sparse_write(&s, bytes + at, min_u64(piece, SIZE - at)), 0);
	ck_assert_int_eq(sparse_finish(&s), 0);
	ck_assert_uint_eq(s.at, SIZE);
	ck_assert_int_eq(fstat(fd, &st), 0);
	return st;
}

START_TEST(pieces)
{
	static const size_t sizes[] = {1000, 4096, 5000, 65536, SIZE};

	memset(bytes + 20000, 0x55, 9000);
	bytes[SIZE / 2] = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		AUTO_CLOSE int fd = memfd_create("sparse", MFD_CLOEXEC);
		struct stat st = write_pieces(fd, sizes[i]);

		ck_assert_int_eq(st.st_size, SIZE); /* although it ends in a hole */
		ck_assert_int_le(st.st_blocks * 512, SIZE / 2);
		ck_assert_int_eq(pread(fd, got, SIZE, 0), SIZE);
		ck_assert_mem_eq(got, bytes, SIZE);
	}
}
END_TEST

START_TEST(failure)
{
	AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct sparse s = {.fd = fd};

	ck_assert_int_eq(sparse_write(&s, (const uint8_t *)"x", 1), -EBADF);
	ck_assert_int_eq(sparse_finish(&s), -EINVAL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/sparse");
	TCase *t = tcase_create("sparse");

	tcase_add_test(t, pieces);
	tcase_add_test(t, failure);
	suite_add_tcase(s, t);
	return s;
}
