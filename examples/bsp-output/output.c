/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A BSP that drives an output of the platform into its safe state, and records how fast. The output
 * is what the plan gives under the name `output` or /dev/gpiochipN: line 0 of a GPIO character
 * device [linux/gpio.h, v2], high while all is well and low when safe; or a file, in which a record
 * of 64 bytes is overwritten.
 */
#include <bsp.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RECORD_SIZE 64
#define GPIO_LINE   0
#define CHIPS       8 /* names looked for: gpiochip0 and so on */

/* Set by the first bsp_init, before anything runs; -1: there is none. */
static int line_fd = -1; /* a requested GPIO line */
static int file_fd = -1;

static atomic_flag driven = ATOMIC_FLAG_INIT;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- the output ---- */

static int drive_line(bool high)
{
	struct gpio_v2_line_values v = {.bits = high, .mask = 1};

	return ioctl(line_fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &v) ? -errno : 0;
}

/* "WORD NUMBER", padded: a reader finds a whole record at any time. */
static int drive_file(const char *word, unsigned long long number)
{
	char record[RECORD_SIZE + 1];
	ssize_t n;

	snprintf(record, sizeof(record), "%-12s%-*llu\n", word, RECORD_SIZE - 13, number);
	n = pwrite(file_fd, record, RECORD_SIZE, 0);
	if (n < 0 && errno == ESPIPE) /* a pipe or a device */
		n = write(file_fd, record, RECORD_SIZE);
	return n == RECORD_SIZE ? 0 : n < 0 ? -errno : -EIO;
}

static int request_line(int chip)
{
	struct gpio_v2_line_request r = {
		.offsets = {GPIO_LINE},
		.num_lines = 1,
		.consumer = "bulkhead-bsp",
		.config = {.flags = GPIO_V2_LINE_FLAG_OUTPUT,
			.num_attrs = 1,
			.attrs = {{.attr = {.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, .values = 1},
				.mask = 1}}},
	};

	if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &r))
		return -errno;
	line_fd = r.fd;
	return 0;
}

static int find_chip(const struct bsp_context *ctx)
{
	int fd = -ENOENT;
	char name[16];

	for (unsigned i = 0; fd < 0 && i < CHIPS; i++) {
		snprintf(name, sizeof(name), "gpiochip%u", i);
		fd = ctx->file(ctx, name);
	}
	return fd;
}

/* ---- hooks ---- */

static int init(const struct bsp_context *ctx)
{
	int chip, ret;

	if (line_fd >= 0 || file_fd >= 0)
		return 0; /* an earlier core has done it */
	chip = find_chip(ctx);
	if (chip >= 0) {
		ret = request_line(chip);
		if (ret)
			return ctx->fail(ctx, "line %d of the GPIO device is not to be had: %s",
				GPIO_LINE, strerror(-ret));
		ctx->log(ctx, "line %d of the GPIO device is high", GPIO_LINE);
		return 0;
	}
	file_fd = ctx->file(ctx, "output");
	if (file_fd < 0)
		return ctx->fail(ctx,
			"there is no output to drive: give one under bsp.files, a file named "
			"`output` or /dev/gpiochipN, with access: read-write");
	ret = drive_file("operational", 0);
	return ret ? ctx->fail(ctx, "the output cannot be written: %s", strerror(-ret)) : 0;
}

static void fatal_error(const struct bsp_context *ctx)
{
	uint64_t done;
	int ret = 0;

	/* Whoever comes first; the others have nothing left to do. */
	if (!atomic_flag_test_and_set(&driven)) {
		ret = line_fd >= 0 ? drive_line(false)
				   : drive_file("safe", now_ns() - ctx->event_ns);
		done = now_ns();
		if (ret)
			ctx->log(ctx, "the output could not be driven: %s", strerror(-ret));
		else
			ctx->log(ctx, "the output was safe %llu ns after the event of %s",
				(unsigned long long)(done - ctx->event_ns), ctx->partition);
	}
	ctx->halt(ctx);
}

static void shutdown(const struct bsp_context *ctx)
{
	int ret = line_fd >= 0 ? drive_line(false) : drive_file("off", 0);

	if (ret)
		ctx->log(ctx, "the output could not be switched off: %s", strerror(-ret));
}

const struct bulkhead_bsp bulkhead_bsp = {
	.abi = BULKHEAD_BSP_ABI,
	.size = sizeof(bulkhead_bsp),
	.name = "output",
	.init = init,
	.fatal_error = fatal_error,
	.shutdown = shutdown,
};
