/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket device, and with it queues that the kernel serves; the kernel is made up. */
#include "devices/virtio/vsock.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/world.h"

#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_vsock.h>
#include <sys/eventfd.h>

#define CID    0x12345678
#define SIZE   16
#define FD     77 /* never used as one */
#define VRINGS 2

#define FEATURES                                                                                   \
	(V1 | (uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC |                                         \
		(uint64_t)1 << VIRTIO_RING_F_EVENT_IDX | (uint64_t)1 << VIRTIO_VSOCK_F_SEQPACKET | \
		(uint64_t)1 << VIRTIO_F_ACCESS_PLATFORM)

struct served {
	struct vhost_vring_addr addr;
	unsigned size, base;
	int kick, call, error;
};

/* What the kernel has been told. */
static struct kernel {
	bool owned, running;
	uint64_t known, features;
	uint64_t memory_base, memory_size, memory_at;
	struct served vrings[VRINGS];
	unsigned long fails; /* this request does */
	unsigned calls;
	void (*meanwhile)(void); /* called once, at the next request */
} k;

static struct loop *loop;
static struct driver drv;

static int set_vring(unsigned long request, void *arg)
{
	const struct vhost_vring_file *file = arg;
	const struct vhost_vring_state *state = arg;
	struct served *r;

	ck_assert_uint_lt(file->index, VRINGS);
	r = &k.vrings[file->index];
	/* While it serves a queue the kernel changes nothing of it but this. */
	if (request != VHOST_SET_VRING_CALL)
		ck_assert(!k.running);
	switch (request) {
	case VHOST_SET_VRING_NUM:
		r->size = state->num;
		break;
	case VHOST_SET_VRING_BASE:
		r->base = state->num;
		break;
	case VHOST_SET_VRING_ADDR:
		r->addr = *(struct vhost_vring_addr *)arg;
		break;
	case VHOST_SET_VRING_KICK:
		r->kick = file->fd;
		break;
	case VHOST_SET_VRING_CALL:
		r->call = file->fd;
		break;
	case VHOST_SET_VRING_ERR:
		r->error = file->fd;
		break;
	default:
		ck_abort_msg("request %lx", request);
	}
	return 0;
}

static int ask(int fd, unsigned long request, void *arg)
{
	const struct vhost_memory *memory = arg;
	void (*meanwhile)(void) = k.meanwhile;

	ck_assert_int_eq(fd, FD);
	k.calls++;
	k.meanwhile = NULL;
	if (meanwhile)
		meanwhile();
	if (request == k.fails)
		return -EFAULT;
	switch (request) {
	case VHOST_SET_OWNER:
		k.owned = true;
		return 0;
	case VHOST_GET_FEATURES:
		*(uint64_t *)arg = k.known;
		return 0;
	case VHOST_SET_FEATURES:
		k.features = *(uint64_t *)arg;
		return k.features & ~k.known ? -EOPNOTSUPP : 0;
	case VHOST_SET_MEM_TABLE:
		ck_assert_uint_eq(memory->nregions, 1);
		k.memory_base = memory->regions[0].guest_phys_addr;
		k.memory_size = memory->regions[0].memory_size;
		k.memory_at = memory->regions[0].userspace_addr;
		return 0;
	case VHOST_VSOCK_SET_RUNNING:
		k.running = *(int *)arg;
		return 0;
	default:
		return set_vring(request, arg);
	}
}

/* On another thread, as a vCPU: it gets the lock. */
static void *other_resets(void *arg)
{
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_ne(in(VIRTIO_MMIO_STATUS), 0);
	return arg;
}

static void *other_fails(void *arg)
{
	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	return arg;
}

static void on_other_thread(void *(*f)(void *arg))
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, f, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void meanwhile_resets(void)
{
	on_other_thread(other_resets);
}

static void meanwhile_fails(void)
{
	on_other_thread(other_fails);
}

static int create(struct virtio_device **ret_device)
{
	const struct vsock_config cfg = {.loop = loop, .vhost_fd = FD, .cid = CID, .ask = ask};

	return virtio_vsock_create(&w.m, &cfg, ret_device);
}

static void setup(void)
{
	struct virtio_device *v;

	k = (struct kernel){.known = FEATURES};
	for (unsigned i = 0; i < VRINGS; i++)
		k.vrings[i].kick = k.vrings[i].call = -1;
	world_init();
	ck_assert_int_eq(loop_create(&loop), 0);
	ck_assert_int_eq(create(&v), 0);
	world_add(v);
}

static void teardown(void)
{
	machine_fini(&w.m);
	loop_destroy(loop);
}

/* All queues use one place: the kernel is not going to read them. */
static void start(uint64_t features)
{
	struct virtq_layout layout;

	negotiate(features);
	driver_init(&drv, features | V1, SIZE);
	layout = driver_layout(&drv);
	for (unsigned i = 0; i < 3; i++) {
		out(VIRTIO_MMIO_QUEUE_SEL, i);
		write_layout(&layout);
		out(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	settle();
}

static void reset(void)
{
	out(VIRTIO_MMIO_STATUS, 0);
	settle();
}

static void expect_stopped(void)
{
	ck_assert(!k.running);
	for (unsigned i = 0; i < VRINGS; i++) {
		ck_assert_int_eq(k.vrings[i].kick, -1);
		ck_assert_int_eq(k.vrings[i].call, -1);
	}
}

START_TEST(what_it_is)
{
	uint32_t low;

	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_ID), 19);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG), CID);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 4), 0);
	out(VIRTIO_MMIO_QUEUE_SEL, 2);
	ck_assert_uint_ne(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	out(VIRTIO_MMIO_QUEUE_SEL, 3);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	low = in(VIRTIO_MMIO_DEVICE_FEATURES);
	ck_assert(low >> VIRTIO_VSOCK_F_SEQPACKET & 1);
	ck_assert(low >> VIRTIO_RING_F_EVENT_IDX & 1);
	/* Of the rest, what both know: version 1. */
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES), 1);
	ck_assert(k.owned);
	ck_assert_uint_eq(k.memory_base, RAM_BASE);
	ck_assert_uint_eq(k.memory_size, RAM_SIZE);
	ck_assert_uint_eq(k.memory_at, (uintptr_t)ram);
}
END_TEST

START_TEST(starts_and_stops)
{
	const uint64_t event_idx = (uint64_t)1 << VIRTIO_RING_F_EVENT_IDX;

	for (unsigned round = 0; round < 2; round++) {
		start(event_idx);
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
		ck_assert(k.running);
		ck_assert_uint_eq(k.features, V1 | event_idx);
		for (unsigned i = 0; i < VRINGS; i++) {
			const struct served *r = &k.vrings[i];

			ck_assert_uint_eq(r->size, SIZE);
			ck_assert_uint_eq(r->base, 0);
			ck_assert_ptr_eq((void *)(uintptr_t)r->addr.desc_user_addr, at(DESC_AT));
			ck_assert_ptr_eq((void *)(uintptr_t)r->addr.avail_user_addr, at(DRIVER_AT));
			ck_assert_ptr_eq((void *)(uintptr_t)r->addr.used_user_addr, at(DEVICE_AT));
			/* The doorbell is the kernel's: it has been told to look, nobody else. */
			ck_assert_int_eq(r->kick, w.v->queues[i].kick.fd);
			ck_assert(w.bell_on[i]);
			unit_run_loop(loop, 1000000);
			ck_assert(kicked(i));
		}
		ck_assert_int_ne(k.vrings[0].call, k.vrings[1].call);
		reset();
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
		expect_stopped();
	}
}
END_TEST

/* What vCPUs write does not make them wait for the kernel; the last word counts. */
START_TEST(put_off)
{
	start(0);
	reset();
	negotiate(0);
	for (unsigned i = 0; i < 3; i++) {
		const struct virtq_layout layout = driver_layout(&drv);

		out(VIRTIO_MMIO_QUEUE_SEL, i);
		write_layout(&layout);
		out(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	k.calls = 0;
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	ck_assert_uint_eq(k.calls, 0);
	settle();
	ck_assert(k.running);
	k.calls = 0;
	out(VIRTIO_MMIO_STATUS, 0);
	/* Until the kernel uses the queues no more. */
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	ck_assert_uint_eq(k.calls, 0);
	settle();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	expect_stopped();
	/* Reset before it was started, and failed before. */
	negotiate(0);
	k.calls = 0;
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	settle();
	negotiate(0);
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	out(VIRTIO_MMIO_QUEUE_READY, 1); /* too late */
	settle();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert_uint_eq(k.calls, 0);
	start(0);
	ck_assert(k.running);
}
END_TEST

/* What happens while the I/O thread is with the kernel, which is without the lock. */
START_TEST(meanwhile)
{
	k.meanwhile = _i ? meanwhile_resets : meanwhile_fails;
	start(0);
	ck_assert_ptr_null(k.meanwhile);
	expect_stopped();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), _i ? 0 : ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	start(0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	ck_assert(k.running);
	/* While it is stopped: once is enough. */
	k.meanwhile = meanwhile_resets;
	reset();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	expect_stopped();
}
END_TEST

/* Without MSI-X the kernel interrupts by way of the I/O thread. */
START_TEST(interrupts)
{
	start(0);
	for (unsigned i = 0; i < VRINGS; i++) {
		ck_assert(!w.line);
		eventfd_write(k.vrings[i].call, 1);
		unit_run_loop(loop, 1000000);
		ck_assert(w.line);
		ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
		out(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	}
	eventfd_write(k.vrings[0].call, 1);
	out(VIRTIO_MMIO_STATUS, 0);
	unit_run_loop(loop, 1000000);
	ck_assert(!w.line);
}
END_TEST

/* The events' queue is ours; its buffers stay where they are. */
START_TEST(no_events)
{
	const struct buffer b = {.addr = RAM_BASE + DATA_AT, .len = 4, .write = true};
	uint32_t len;
	unsigned id;

	start(0);
	driver_add(&drv, &b, 1);
	ring(2);
	unit_run_loop(loop, 1000000);
	ck_assert(!kicked(2));
	ck_assert(!driver_used(&drv, &id, &len));
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}
END_TEST

START_TEST(malformed_ring)
{
	start(0);
	eventfd_write(k.vrings[1].error, 1);
	unit_run_loop(loop, 1000000);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	expect_stopped();
	start(0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	ck_assert(k.running);
	/* What was wrong before a reset is wrong no more. */
	eventfd_write(k.vrings[1].error, 1);
	reset();
	start(0);
	unit_run_loop(loop, 1000000);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}
END_TEST

/* A queue comes and goes with the others. */
START_TEST(queues_at_odd_times)
{
	struct virtq_layout layout;

	/* One is missing. */
	negotiate(0);
	driver_init(&drv, V1, SIZE);
	layout = driver_layout(&drv);
	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	write_layout(&layout);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	settle();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	expect_stopped();
	/* One is taken away. */
	start(0);
	out(VIRTIO_MMIO_QUEUE_SEL, 1);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	settle();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	expect_stopped();
	/* Before the start it may be. */
	negotiate(0);
	out(VIRTIO_MMIO_QUEUE_SEL, 1);
	write_layout(&layout);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK & ~VIRTIO_CONFIG_S_DRIVER_OK);
}
END_TEST

static const unsigned long needed[] = {VHOST_SET_FEATURES, VHOST_SET_VRING_NUM,
	VHOST_SET_VRING_BASE, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_ERR, VHOST_SET_VRING_CALL,
	VHOST_SET_VRING_KICK, VHOST_VSOCK_SET_RUNNING};

START_TEST(the_kernel_refuses)
{
	k.fails = needed[_i];
	start(0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	k.fails = 0;
	start(0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	ck_assert(k.running);
}
END_TEST

START_TEST(not_made)
{
	static const unsigned long first[] = {
		VHOST_SET_OWNER, VHOST_GET_FEATURES, VHOST_SET_MEM_TABLE};
	struct virtio_device *v;

	for (unsigned i = 0; i < ARRAY_SIZE(first); i++) {
		k.fails = first[i];
		ck_assert_int_eq(create(&v), -EFAULT);
	}
	k.fails = 0;
	k.known &= ~V1;
	ck_assert_int_eq(create(&v), -EOPNOTSUPP);
}
END_TEST

/* Only seen whether it can be: no loop, no kernel. */
START_TEST(dry)
{
	const struct vsock_config cfg = {.vhost_fd = -1, .cid = CID};
	struct virtio_device *v;

	ck_assert_int_eq(virtio_vsock_create(&w.m, &cfg, &v), 0);
	virtio_destroy(v);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/vsock");
	TCase *tc = tcase_create("vsock");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_it_is);
	tcase_add_test(tc, starts_and_stops);
	tcase_add_test(tc, put_off);
	tcase_add_loop_test(tc, meanwhile, 0, 2);
	tcase_add_test(tc, interrupts);
	tcase_add_test(tc, no_events);
	tcase_add_test(tc, malformed_ring);
	tcase_add_test(tc, queues_at_odd_times);
	tcase_add_loop_test(tc, the_kernel_refuses, 0, (int)ARRAY_SIZE(needed));
	tcase_add_test(tc, not_made);
	tcase_add_test(tc, dry);
	suite_add_tcase(s, tc);
	return s;
}
