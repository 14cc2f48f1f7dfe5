/* SPDX-License-Identifier: BSD-3-Clause */
/* The network device on a real tap device, in a network of its own; where none can be made,
 * nothing. */
#include "devices/virtio/net.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/world.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE   16
#define PAIRS  2
#define BIT(f) ((uint64_t)1 << VIRTIO_NET_F_##f)

static struct loop *loop;
static struct driver drv;
static int fds[PAIRS];
static bool there;

static bool attach(int *ret_fd)
{
	struct ifreq r = {.ifr_name = "unit",
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE};
	int header = sizeof(struct virtio_net_hdr_v1);

	*ret_fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return *ret_fd >= 0 && !ioctl(*ret_fd, TUNSETIFF, &r) &&
	       !ioctl(*ret_fd, TUNSETVNETHDRSZ, &header);
}

static bool bring_up(void)
{
	struct ifreq r = {.ifr_name = "unit", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool ok = ioctl(fd, SIOCSIFFLAGS, &r) == 0;

	close(fd);
	return ok;
}

static void setup(void)
{
	struct virtio_net_setup s = {
		.backend = VIRTIO_NET_TAP, .pairs = PAIRS, .vhost_fds = {-1, -1, -1, -1}};
	struct virtio_device *v;

	there = !unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
	for (unsigned i = 0; i < PAIRS && there; i++)
		there = attach(&fds[i]);
	there = there && bring_up();
	if (!there)
		return;
	world_init();
	ck_assert_int_eq(loop_create(&loop), 0);
	s.loop = loop;
	memcpy(s.fds, fds, sizeof(fds));
	memcpy(s.mac, "\2\0\0\0\0\1", 6);
	ck_assert_int_eq(virtio_net_create(&w.m, &s, &v), 0);
	world_add(v);
}

static void teardown(void)
{
	if (!there)
		return;
	machine_fini(&w.m);
	loop_destroy(loop);
	for (unsigned i = 0; i < PAIRS; i++)
		close(fds[i]);
}

static void start_on(unsigned queue, uint64_t features)
{
	struct virtq_layout layout;

	negotiate(features);
	driver_init(&drv, features | V1, SIZE);
	layout = driver_layout(&drv);
	out(VIRTIO_MMIO_QUEUE_SEL, queue);
	write_layout(&layout);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	unit_run_loop(loop, 1000000);
}

static uint8_t set_pairs(unsigned queue, uint16_t count)
{
	const uint8_t bytes[4] = {VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
		(uint8_t)count, (uint8_t)(count >> 8)};
	const struct buffer b[2] = {{.addr = RAM_BASE + DATA_AT, .len = sizeof(bytes)},
		{.addr = RAM_BASE + DATA_AT + 100, .len = 1, .write = true}};
	uint32_t len;
	unsigned id;

	memcpy(at(DATA_AT), bytes, sizeof(bytes));
	*(uint8_t *)at(DATA_AT + 100) = 0xEE;
	ck_assert_int_ge(driver_add(&drv, b, 2), 0);
	ring(queue);
	unit_run_loop(loop, 1000000);
	ck_assert(driver_used(&drv, &id, &len));
	ck_assert_uint_eq(len, 1);
	return *(uint8_t *)at(DATA_AT + 100);
}

static bool in_use(unsigned pair)
{
	struct ifreq r = {0};

	ck_assert_int_eq(ioctl(fds[pair], TUNGETIFF, &r), 0);
	return !(r.ifr_flags & IFF_DETACH_QUEUE);
}

static bool can(const char *test)
{
	if (!there)
		printf("SKIP %s: no tap device can be made here\n", test);
	return there;
}

START_TEST(pairs)
{
	if (!can("pairs"))
		return;
	start_on(4, BIT(CTRL_VQ) | BIT(MQ));
	ck_assert(in_use(0) && !in_use(1));
	ck_assert_uint_eq(set_pairs(4, 2), VIRTIO_NET_OK);
	ck_assert(in_use(0) && in_use(1));
	ck_assert_uint_eq(set_pairs(4, 0), VIRTIO_NET_ERR);
	ck_assert_uint_eq(set_pairs(4, 3), VIRTIO_NET_ERR);
	ck_assert(in_use(1));
	ck_assert_uint_eq(set_pairs(4, 1), VIRTIO_NET_OK);
	ck_assert(!in_use(1));
	/* A driver that knows of one pair has the control queue behind it. */
	start_on(2, BIT(CTRL_VQ));
	ck_assert_uint_eq(set_pairs(2, 1), VIRTIO_NET_ERR);
}
END_TEST

/* What the kernel sends by itself when the interface comes up (IPv6's first words). */
START_TEST(frames)
{
	const struct buffer big = {.addr = RAM_BASE + DATA_AT, .len = 70000, .write = true};
	uint32_t len = 0;
	unsigned id;

	if (!can("frames"))
		return;
	start_on(0, BIT(GUEST_CSUM) | BIT(GUEST_TSO4) | BIT(GUEST_TSO6) | BIT(MRG_RXBUF));
	ck_assert_int_ge(driver_add(&drv, &big, 1), 0);
	ring(0);
	for (unsigned i = 0; i < 300 && !driver_used(&drv, &id, &len); i++)
		unit_run_loop(loop, 10000000);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	if (len) /* a kernel without IPv6 is silent */
		ck_assert_uint_ge(len, 12 + 14);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/net_tap");
	TCase *tc = tcase_create("tap");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, pairs);
	tcase_add_test(tc, frames);
	suite_add_tcase(s, tc);
	return s;
}
