/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Uses a disk as fio's verifying jobs do, past the page cache:
 *
 *   disk check DISK          writes blocks in a mixed order, flushes, compares what it reads
 *   disk write DISK          writes block after block, flushes each, then prints its number;
 *                            without end
 *   disk verify DISK LAST    the blocks 1 to LAST are those that `write` has written
 */
#define _GNU_SOURCE /* O_DIRECT */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK  4096
#define BLOCKS 256 /* of a check */
#define STRIDE 77  /* has no divisor in common with them */

static uint64_t block[BLOCK / 8] __attribute__((aligned(BLOCK)));

static int fail(const char *what, const char *path, uint64_t number)
{
	fprintf(stderr, "disk: %s: %s %llu: %s\n", path, what, (unsigned long long)number,
		strerror(errno));
	return 1;
}

static uint64_t word(uint64_t number, unsigned i)
{
	return (number << 32 | i) * 0x9E3779B97F4A7C15;
}

static int put(int fd, uint64_t number)
{
	for (unsigned i = 0; i < BLOCK / 8; i++)
		block[i] = word(number, i);
	return pwrite(fd, block, BLOCK, (off_t)(number * BLOCK)) == BLOCK ? 0 : -1;
}

static int compare(int fd, uint64_t number)
{
	memset(block, 0, BLOCK);
	errno = 0;
	if (pread(fd, block, BLOCK, (off_t)(number * BLOCK)) != BLOCK)
		return -1;
	for (unsigned i = 0; i < BLOCK / 8; i++) {
		if (block[i] != word(number, i))
			return -1;
	}
	return 0;
}

static int check(int fd, const char *path)
{
	for (uint64_t i = 0; i < BLOCKS; i++) {
		if (put(fd, i * STRIDE % BLOCKS))
			return fail("writing", path, i);
	}
	if (fdatasync(fd))
		return fail("flushing", path, 0);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		if (compare(fd, i))
			return fail("comparing", path, i);
	}
	printf("disk: %s: %d blocks written and read\n", path, BLOCKS);
	return 0;
}

static int write_all(int fd, const char *path)
{
	for (uint64_t i = 1;; i++) {
		if (put(fd, i))
			return fail("writing", path, i);
		if (fdatasync(fd))
			return fail("flushing", path, i);
		printf("disk: %s: flushed %llu\n", path, (unsigned long long)i);
		fflush(stdout);
	}
}

static int verify(int fd, const char *path, uint64_t last)
{
	for (uint64_t i = 1; i <= last; i++) {
		if (compare(fd, i))
			return fail("comparing", path, i);
	}
	printf("disk: %s: all %llu blocks are there\n", path, (unsigned long long)last);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = argc < 3 ? -1 : open(argv[2], O_RDWR | O_DIRECT);

	if (fd < 0)
		return fail("opening", argc < 3 ? "no disk" : argv[2], 0);
	if (strcmp(argv[1], "write") == 0)
		return write_all(fd, argv[2]);
	if (strcmp(argv[1], "verify") == 0 && argc == 4)
		return verify(fd, argv[2], strtoull(argv[3], NULL, 10));
	return check(fd, argv[2]);
}
