/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of cores: their bytes, their holes, and what is refused. */
#include "tests/unit/unit.h"

#include "lib/corefile.h"
#include "lib/util.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SIZE (3 * MIB)

static uint8_t *core;

static void setup(void)
{
	Elf64_Ehdr e = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64},
		.e_phoff = sizeof(e),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1};
	Elf64_Phdr h = {.p_type = PT_LOAD, .p_offset = 8192, .p_filesz = SIZE - 8192};

	core = calloc(1, SIZE);
	memcpy(core, &e, sizeof(e));
	memcpy(core + sizeof(e), &h, sizeof(h));
	memset(core + MIB - 2048, 0x55, 4096);
}

static void teardown(void)
{
	free(core);
}

/* The first HEAD bytes at hand, then up to SIZE from a file; at most MAX. */
static int receive_max(size_t head, size_t size, uint64_t max, int out, uint64_t *ret_size)
{
	AUTO_CLOSE int in = memfd_create("in", MFD_CLOEXEC);

	ck_assert_int_eq(pwrite(in, core + head, size - head, 0), (ssize_t)(size - head));
	return corefile_receive(
		&(struct corefile_source){.head = core, .head_size = head, .in = in, .max = max},
		out, ret_size);
}

static int receive(size_t head, size_t size, int out, uint64_t *ret_size)
{
	return receive_max(head, size, SIZE, out, ret_size);
}

START_TEST(whole)
{
	static const size_t heads[] = {0, 1, 5000};

	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
		AUTO_CLOSE int out = memfd_create("out", MFD_CLOEXEC);
		AUTO_FREE uint8_t *got = malloc(SIZE);
		uint64_t size = 0;
		struct stat st;

		ck_assert_int_eq(receive(heads[i], SIZE, out, &size), 0);
		ck_assert_uint_eq(size, SIZE);
		ck_assert_int_eq(pread(out, got, SIZE, 0), SIZE);
		ck_assert_mem_eq(got, core, SIZE);
		ck_assert_int_eq(fstat(out, &st), 0);
		ck_assert_int_eq(st.st_size, SIZE);
		ck_assert_int_le(st.st_blocks * 512, SIZE / 2);
	}
}
END_TEST

START_TEST(refused)
{
	AUTO_CLOSE int out = memfd_create("out", MFD_CLOEXEC);
	uint64_t size = 77;

	ck_assert_int_eq(receive(0, SIZE - 1, out, &size), -ENODATA);
	ck_assert_int_eq(receive(0, 0, out, &size), -ENODATA);
	core[1] = 'X';
	ck_assert_int_eq(receive(0, SIZE, out, &size), -ENODATA);
	ck_assert_int_eq(corefile_receive(
				 &(struct corefile_source){
					 .head = core, .head_size = 100, .in = -1, .max = SIZE},
				 out, &size),
		-EBADF);
	ck_assert_uint_eq(size, 77);
}
END_TEST

/* What is beyond the most that there can be is not written, be it at hand, a hole or neither. */
START_TEST(too_much)
{
	static const uint64_t most[] = {0, 4999, MIB - 1, MIB, SIZE - 1};

	for (unsigned i = 0; i < ARRAY_SIZE(most); i++) {
		AUTO_CLOSE int out = memfd_create("out", MFD_CLOEXEC);
		uint64_t size = 77;
		struct stat st;

		ck_assert_int_eq(receive_max(5000, SIZE, most[i], out, &size), -EFBIG);
		ck_assert_uint_eq(size, 77);
		ck_assert_int_eq(fstat(out, &st), 0);
		ck_assert_uint_le((uint64_t)st.st_size, most[i]);
	}
}
END_TEST

/* A stream without end. */
START_TEST(endless)
{
	AUTO_CLOSE int in = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int out = memfd_create("out", MFD_CLOEXEC);
	uint64_t size;

	ck_assert_int_eq(corefile_receive(
				 &(struct corefile_source){
					 .head = core, .head_size = 100, .in = in, .max = SIZE},
				 out, &size),
		-EFBIG);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/corefile");
	TCase *t = tcase_create("corefile");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, whole);
	tcase_add_test(t, refused);
	tcase_add_test(t, too_much);
	tcase_add_test(t, endless);
	suite_add_tcase(s, t);
	return s;
}
