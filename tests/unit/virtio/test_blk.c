/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/blk.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/world.h"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE    64
#define SECTORS 1024
#define SECTOR  512
#define TIME    30000000 /* nanoseconds that a round of the loop gets */

/* Where the driver has what it needs of a request. */
#define HEADER_AT DATA_AT
#define STATUS_AT (DATA_AT + 0x100)
#define RANGE_AT  (DATA_AT + 0x200)
#define BUFFER_AT (DATA_AT + 0x1000)

#define ALL_FEATURES                                                                               \
	((uint64_t)1 << VIRTIO_BLK_F_FLUSH | (uint64_t)1 << VIRTIO_BLK_F_DISCARD |                 \
		(uint64_t)1 << VIRTIO_BLK_F_WRITE_ZEROES | (uint64_t)1 << VIRTIO_BLK_F_CONFIG_WCE)

/* Of the loop tests: ways to the host. */
static const struct {
	bool no_uring, direct, pinned;
} ways[] = {{false, false, false}, {true, false, false}, {false, true, false}, {true, true, false},
	{false, false, true}};

static struct loop *loop;
static struct driver drv;
static int file, direct;
static unsigned notices;

static void noticed(void *ctx, const char *device, const char *text)
{
	(void)ctx;
	(void)text;
	ck_assert_str_eq(device, "blk0");
	notices++;
}

static const struct notice_sink sink = {.tell = noticed};

static struct virtio_blk_setup usual(int way)
{
	return (struct virtio_blk_setup){
		.loop = loop,
		.notice = {.sink = &sink, .device = "blk0"},
		.fd = file,
		.direct_fd = ways[way].direct ? direct : -1,
		.size = SECTORS * SECTOR + 17,
		.discard = true,
		.queues = 1,
		.serial = "serial-of-20-letters",
		.pinned = ways[way].pinned,
		.no_uring = ways[way].no_uring,
	};
}

static void make(const struct virtio_blk_setup *s)
{
	struct virtio_device *v;

	world_init();
	ck_assert_int_eq(virtio_blk_create(&w.m, s, &v), 0);
	world_add(v);
	ck_assert_int_eq(machine_start(&w.m), 0);
	memset(at(DATA_AT), 0, RAM_SIZE - DATA_AT);
}

static void setup(void)
{
	char path[] = "/var/tmp/bulkhead-blk.XXXXXX";
	uint8_t sector[SECTOR];

	notices = 0;
	ck_assert_int_eq(loop_create(&loop), 0);
	file = mkostemp(path, O_CLOEXEC);
	ck_assert_int_ge(file, 0);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	unlink(path);
	for (unsigned i = 0; i < SECTORS; i++) {
		memset(sector, (int)(i & 0xFF), sizeof(sector));
		ck_assert_int_eq(pwrite(file, sector, SECTOR, (off_t)i * SECTOR), SECTOR);
	}
}

static void teardown(void)
{
	machine_fini(&w.m);
	loop_destroy(loop);
	close(file);
	if (direct >= 0)
		close(direct);
}

static uint8_t sector_byte(unsigned sector)
{
	uint8_t byte;

	ck_assert_int_eq(pread(file, &byte, 1, (off_t)sector * SECTOR + 100), 1);
	return byte;
}

/* A request with SIZE bytes of data at BUFFER. What the device answered, or -1. */
static int ask(uint32_t type, uint64_t sector, gpa_t buffer, uint32_t size)
{
	const struct virtio_blk_outhdr header = {.type = type, .sector = sector};
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	const struct buffer all[] = {{.addr = RAM_BASE + HEADER_AT, .len = sizeof(header)},
		{.addr = RAM_BASE + buffer, .len = size, .write = in},
		{.addr = RAM_BASE + STATUS_AT, .len = 1, .write = true}};
	const struct buffer bare[] = {all[0], all[2]};
	uint32_t len;
	unsigned id;

	memcpy(at(HEADER_AT), &header, sizeof(header));
	*(uint8_t *)at(STATUS_AT) = 0xFF;
	ck_assert_int_ge(size ? driver_add(&drv, all, 3) : driver_add(&drv, bare, 2), 0);
	ring(0);
	for (unsigned i = 0; i < 100; i++) {
		unit_run_loop(loop, TIME / 10);
		if (driver_used(&drv, &id, &len))
			return *(uint8_t *)at(STATUS_AT);
	}
	return -1;
}

static int ask_range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	const struct virtio_blk_discard_write_zeroes range = {
		.sector = sector, .num_sectors = sectors, .flags = flags};

	memcpy(at(RANGE_AT), &range, sizeof(range));
	return ask(type, 0, RANGE_AT, sizeof(range));
}

START_TEST(what_it_is)
{
	const struct virtio_blk_setup s = usual(0);

	make(&s);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_ID), 2);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG), SECTORS); /* whole ones */
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 4), 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 12), 254);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 20), 512);
	out(VIRTIO_MMIO_QUEUE_SEL, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES)&0xFFFFFF,
		1 << VIRTIO_BLK_F_SEG_MAX | 1 << VIRTIO_BLK_F_BLK_SIZE |
			1 << VIRTIO_BLK_F_TOPOLOGY | ALL_FEATURES);
}
END_TEST

START_TEST(reads_and_writes)
{
	const struct virtio_blk_setup s = usual(_i);

	make(&s);
	start_device(&drv, ALL_FEATURES, SIZE);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 3, BUFFER_AT, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(*(uint8_t *)at(BUFFER_AT + 511), 3);
	ck_assert_uint_eq(*(uint8_t *)at(BUFFER_AT + 512), 0);
	/* Aligned for O_DIRECT, and not. */
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 8, BUFFER_AT, 4096), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(*(uint8_t *)at(BUFFER_AT + 4095), 15);
	memset(at(BUFFER_AT), 0xA5, 8192);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_OUT, 16, BUFFER_AT, 4096), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_OUT, 31, BUFFER_AT + 5, 1024), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(sector_byte(15), 15);
	ck_assert_uint_eq(sector_byte(16), 0xA5);
	ck_assert_uint_eq(sector_byte(23), 0xA5);
	ck_assert_uint_eq(sector_byte(24), 24);
	ck_assert_uint_eq(sector_byte(32), 0xA5);
	ck_assert_uint_eq(sector_byte(33), 33);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(notices, 0);
}
END_TEST

/* Header, data and status in pieces of any kind [VIRTIO 1.2 2.7.4.2]. */
START_TEST(any_framing)
{
	const struct virtio_blk_setup s = usual(_i);
	const struct virtio_blk_outhdr header = {.type = VIRTIO_BLK_T_OUT, .sector = 5};
	const struct buffer out_pieces[] = {{.addr = RAM_BASE + HEADER_AT, .len = 7},
		{.addr = RAM_BASE + HEADER_AT + 7, .len = 9 + 100},
		{.addr = RAM_BASE + BUFFER_AT, .len = 412},
		{.addr = RAM_BASE + STATUS_AT, .len = 1, .write = true}};
	const struct virtio_blk_outhdr header_in = {.type = VIRTIO_BLK_T_IN, .sector = 7};
	const struct buffer in_pieces[] = {{.addr = RAM_BASE + HEADER_AT, .len = sizeof(header)},
		{.addr = RAM_BASE + BUFFER_AT, .len = 11, .write = true},
		{.addr = RAM_BASE + BUFFER_AT + 11, .len = 502, .write = true}};
	uint32_t len;
	unsigned id;

	make(&s);
	start_device(&drv, ALL_FEATURES, SIZE);
	memcpy(at(HEADER_AT), &header, sizeof(header));
	memset(at(HEADER_AT + 16), 0x11, 100);
	memset(at(BUFFER_AT), 0x22, 412);
	*(uint8_t *)at(STATUS_AT) = 0xFF;
	driver_add(&drv, out_pieces, 4);
	ring(0);
	unit_run_loop(loop, TIME);
	ck_assert(driver_used(&drv, &id, &len));
	ck_assert_uint_eq(*(uint8_t *)at(STATUS_AT), 0);
	ck_assert_uint_eq(sector_byte(5), 0x22);
	memcpy(at(HEADER_AT), &header_in, sizeof(header_in));
	*(uint8_t *)at(BUFFER_AT + 512) = 0xFF;
	driver_add(&drv, in_pieces, 3);
	ring(0);
	unit_run_loop(loop, TIME);
	ck_assert(driver_used(&drv, &id, &len));
	ck_assert_uint_eq(len, 513);
	ck_assert_uint_eq(*(uint8_t *)at(BUFFER_AT + 511), 7);
	ck_assert_uint_eq(*(uint8_t *)at(BUFFER_AT + 512), 0);
}
END_TEST

START_TEST(ends_of_the_disk)
{
	const struct virtio_blk_setup s = usual(0);

	make(&s);
	start_device(&drv, ALL_FEATURES, SIZE);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, SECTORS - 1, BUFFER_AT, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, SECTORS - 1, BUFFER_AT, 1024), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_OUT, SECTORS, BUFFER_AT, SECTOR), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_OUT, UINT64_MAX, BUFFER_AT, SECTOR), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(
		ask(VIRTIO_BLK_T_OUT, UINT64_MAX >> 9, BUFFER_AT, SECTOR), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 0, BUFFER_AT, 100), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 0, 0, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(ask(99, 0, BUFFER_AT, SECTOR), VIRTIO_BLK_S_UNSUPP);
	ck_assert_int_eq(ask_range(VIRTIO_BLK_T_DISCARD, SECTORS - 1, 2, 0), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(ask_range(VIRTIO_BLK_T_DISCARD, 0, UINT32_MAX, 0), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(ask_range(VIRTIO_BLK_T_DISCARD, 0, 8, 1), VIRTIO_BLK_S_UNSUPP);
	ck_assert_int_eq(ask_range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 2), VIRTIO_BLK_S_UNSUPP);
	/* None of that is worth a word: a guest could say it again and again. */
	ck_assert_uint_eq(notices, 0);
}
END_TEST

START_TEST(holes)
{
	const struct virtio_blk_setup s = usual(_i);
	struct stat before, after;

	make(&s);
	start_device(&drv, ALL_FEATURES, SIZE);
	ck_assert_int_eq(fdatasync(file), 0);
	ck_assert_int_eq(fstat(file, &before), 0);
	ck_assert_int_eq(ask_range(VIRTIO_BLK_T_DISCARD, 64, 128, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(ask_range(VIRTIO_BLK_T_WRITE_ZEROES, 256, 3, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(ask_range(VIRTIO_BLK_T_WRITE_ZEROES, 512, 64, 1), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(fstat(file, &after), 0);
	ck_assert_int_lt(after.st_blocks, before.st_blocks);
	ck_assert_int_eq(after.st_size, before.st_size);
	ck_assert_uint_eq(sector_byte(63), 63);
	ck_assert_uint_eq(sector_byte(64), 0);
	ck_assert_uint_eq(sector_byte(191), 0);
	ck_assert_uint_eq(sector_byte(192), 192);
	ck_assert_uint_eq(sector_byte(257), 0);
	ck_assert_uint_eq(sector_byte(258), 0);
	ck_assert_uint_eq(sector_byte(259), 3);
	ck_assert_uint_eq(sector_byte(575), 0);
}
END_TEST

START_TEST(readonly)
{
	struct virtio_blk_setup s = usual(0);

	s.readonly = true;
	make(&s);
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert(in(VIRTIO_MMIO_DEVICE_FEATURES)&1 << VIRTIO_BLK_F_RO);
	ck_assert(!(in(VIRTIO_MMIO_DEVICE_FEATURES)&1 << VIRTIO_BLK_F_DISCARD));
	start_device(
		&drv, (uint64_t)1 << VIRTIO_BLK_F_RO | (uint64_t)1 << VIRTIO_BLK_F_FLUSH, SIZE);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 9, BUFFER_AT, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_OUT, 9, BUFFER_AT + 512, SECTOR), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(ask_range(VIRTIO_BLK_T_DISCARD, 8, 8, 0), VIRTIO_BLK_S_UNSUPP);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(sector_byte(9), 9);
}
END_TEST

START_TEST(serial_number)
{
	const struct virtio_blk_setup s = usual(0);

	make(&s);
	start_device(&drv, ALL_FEATURES, SIZE);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_GET_ID, 0, BUFFER_AT, 20), VIRTIO_BLK_S_OK);
	ck_assert_mem_eq(at(BUFFER_AT), "serial-of-20-letters", 20);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_GET_ID, 0, BUFFER_AT, 19), VIRTIO_BLK_S_IOERR);
}
END_TEST

/* The file got shorter meanwhile: errors of the disk, told of once. */
START_TEST(host_errors)
{
	const struct virtio_blk_setup s = usual(_i);

	make(&s);
	start_device(&drv, ALL_FEATURES, SIZE);
	ck_assert_int_eq(ftruncate(file, 100 * SECTOR), 0);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 200, BUFFER_AT, SECTOR), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 99, BUFFER_AT, 1024), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(notices, 1);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 99, BUFFER_AT, SECTOR), VIRTIO_BLK_S_OK);
}
END_TEST

/* A driver without flushes, or with the cache turned off: what is written is written. */
START_TEST(write_through)
{
	const struct virtio_blk_setup s = usual(_i);

	make(&s);
	start_device(&drv, 0, SIZE);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 32) & 0xFF, 0);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_OUT, 9, BUFFER_AT, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(sector_byte(9), 0);
	start_device(&drv, ALL_FEATURES, SIZE);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 32) & 0xFF, 1);
	machine_write(&w.m, WINDOW_MMIO, BASE + VIRTIO_MMIO_CONFIG + 32, 1, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 32) & 0xFF, 0);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_OUT, 10, BUFFER_AT, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(sector_byte(10), 0);
}
END_TEST

START_TEST(broken_requests)
{
	const struct virtio_blk_setup s = usual(0);
	const struct buffer no_status = {.addr = RAM_BASE + HEADER_AT, .len = 16};
	const struct buffer short_header[] = {{.addr = RAM_BASE + HEADER_AT, .len = 15},
		{.addr = RAM_BASE + STATUS_AT, .len = 1, .write = true}};

	make(&s);
	for (unsigned i = 0; i < 2; i++) {
		start_device(&drv, ALL_FEATURES, SIZE);
		driver_add(&drv, i ? short_header : &no_status, i ? 2 : 1);
		ring(0);
		unit_run_loop(loop, TIME);
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	}
	start_device(&drv, ALL_FEATURES, SIZE);
	ck_assert_int_eq(ask(VIRTIO_BLK_T_IN, 3, BUFFER_AT, SECTOR), VIRTIO_BLK_S_OK);
}
END_TEST

/* More requests than go to the host at a time: all come back. */
START_TEST(many)
{
	const struct virtio_blk_setup s = usual(_i);
	unsigned added = 0, done = 0;

	make(&s);
	start_device(&drv, ALL_FEATURES | (uint64_t)1 << VIRTIO_RING_F_EVENT_IDX, 256);
	for (unsigned round = 0; round < 200 && done < 600; round++) {
		uint32_t len;
		unsigned id;

		while (added < 600) {
			const struct virtio_blk_outhdr header = {
				.type = VIRTIO_BLK_T_IN, .sector = added};
			unsigned slot = added % 256;
			const struct buffer b[] = {
				{.addr = RAM_BASE + BUFFER_AT + slot * 1024, .len = 16},
				{.addr = RAM_BASE + BUFFER_AT + slot * 1024 + 16,
					.len = 513,
					.write = true}};

			if (drv.free < 2)
				break;
			memcpy(at(BUFFER_AT + slot * 1024), &header, sizeof(header));
			ck_assert_int_ge(driver_add(&drv, b, 2), 0);
			added++;
		}
		ring(0);
		unit_run_loop(loop, TIME / 10);
		while (driver_used(&drv, &id, &len)) {
			ck_assert_uint_eq(len, 513);
			done++;
		}
	}
	ck_assert_uint_eq(done, 600);
}
END_TEST

/* The reset is over when nothing touches the guest's memory any more, and not before. */
START_TEST(reset_with_requests_in_work)
{
	const struct virtio_blk_setup s = usual(_i);
	const struct virtio_blk_outhdr header = {.type = VIRTIO_BLK_T_IN, .sector = 40};
	const struct buffer b[] = {{.addr = RAM_BASE + HEADER_AT, .len = 16},
		{.addr = RAM_BASE + BUFFER_AT, .len = 0x10000, .write = true},
		{.addr = RAM_BASE + STATUS_AT, .len = 1, .write = true}};

	make(&s);
	for (unsigned round = 0; round < 20; round++) {
		start_device(&drv, ALL_FEATURES, SIZE);
		memcpy(at(HEADER_AT), &header, sizeof(header));
		for (unsigned i = 0; i < 10; i++)
			driver_add(&drv, b, 3);
		ring(0);
		unit_run_loop(loop, 1 + round * 10000);
		out(VIRTIO_MMIO_STATUS, 0);
		for (unsigned i = 0; i < 100 && in(VIRTIO_MMIO_STATUS); i++)
			unit_run_loop(loop, TIME / 10);
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
		memset(at(BUFFER_AT), 0x77, 0x10000);
		unit_run_loop(loop, 1000000);
		ck_assert_uint_eq(*(uint8_t *)at(BUFFER_AT), 0x77);
		ck_assert_uint_eq(*(uint8_t *)at(BUFFER_AT + 0xFFFF), 0x77);
	}
}
END_TEST

/* Only seen whether it can be: no loop, no file. */
START_TEST(dry)
{
	const struct virtio_blk_setup s = {.fd = -1, .direct_fd = -1, .queues = 8};
	struct virtio_device *v;

	world_init();
	ck_assert_int_eq(virtio_blk_create(&w.m, &s, &v), 0);
	virtio_destroy(v);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/blk");
	TCase *tc = tcase_create("blk");
	const int all = (int)ARRAY_SIZE(ways);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, what_it_is);
	tcase_add_loop_test(tc, reads_and_writes, 0, all);
	tcase_add_loop_test(tc, any_framing, 0, all);
	tcase_add_test(tc, ends_of_the_disk);
	tcase_add_loop_test(tc, holes, 0, all);
	tcase_add_test(tc, readonly);
	tcase_add_test(tc, serial_number);
	tcase_add_loop_test(tc, host_errors, 0, all);
	tcase_add_loop_test(tc, write_through, 0, all);
	tcase_add_test(tc, broken_requests);
	tcase_add_loop_test(tc, many, 0, all);
	tcase_add_loop_test(tc, reset_with_requests_in_work, 0, all);
	tcase_add_test(tc, dry);
	suite_add_tcase(s, tc);
	return s;
}
