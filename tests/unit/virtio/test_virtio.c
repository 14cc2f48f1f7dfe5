/* SPDX-License-Identifier: BSD-3-Clause */
/* The device without its type, by way of the MMIO transport. */
#include "devices/virtio/virtio.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/world.h"
#include "vmm/device.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define TYPE_FEATURE 5
#define QUEUES       3
#define CONFIG_SIZE  12
#define SIZE         16
#define PACKED       ((uint64_t)1 << VIRTIO_F_RING_PACKED)

/* Of the loop tests: split and packed. */
static const uint64_t formats[] = {0, PACKED};

/* A device that does what the test says. */
struct puppet {
	struct virtio_device virtio;
	int step_error; /* what a step gives instead of doing anything; 0: it does */
	bool hold;      /* requests are kept */
	bool endless;   /* steps take no request, and time */
	int activate_error;
	unsigned activated, resets, steps, writes;
	atomic_uint endless_steps;
	struct virtq_chain held[SIZE];
	unsigned held_count;
};

static struct puppet *puppet;
static struct driver drv;

static int puppet_step(struct virtio_device *v, unsigned queue)
{
	struct puppet *p = container_of(v, struct puppet, virtio);
	struct virtq_chain *c = &p->held[p->held_count];
	int ret;

	p->steps++;
	if (p->endless) {
		uint64_t until = monotonic_ns() + 5000;

		while (monotonic_ns() < until)
			;
		p->endless_steps++;
		return 0;
	}
	if (p->step_error)
		return p->step_error;
	ret = virtio_pop(v, queue, c);
	if (ret)
		return ret;
	if (p->hold)
		p->held_count++;
	else
		virtio_push(v, queue, c, (uint32_t)virtq_chain_write(c, 0, "done", 4));
	return 0;
}

static int puppet_activate(struct virtio_device *v)
{
	struct puppet *p = container_of(v, struct puppet, virtio);

	p->activated++;
	return p->activate_error;
}

static bool puppet_reset(struct virtio_device *v)
{
	struct puppet *p = container_of(v, struct puppet, virtio);

	p->resets++;
	return !p->held_count;
}

/* The first four bytes are writable. */
static void puppet_config_write(
	struct virtio_device *v, unsigned offset, unsigned size, uint64_t value)
{
	container_of(v, struct puppet, virtio)->writes++;
	ck_assert_uint_le(offset + size, CONFIG_SIZE);
	if (offset + size <= 4)
		memcpy(v->config + offset, &value, size);
}

static void puppet_destroy(struct virtio_device *v)
{
	virtio_fini(v);
	free(container_of(v, struct puppet, virtio));
	puppet = NULL;
}

static const struct virtio_class puppet_class = {
	.name = "puppet",
	.device_id = 42,
	.queue_step = puppet_step,
	.activate = puppet_activate,
	.reset = puppet_reset,
	.config_write = puppet_config_write,
	.destroy = puppet_destroy,
};

static void setup(void)
{
	const struct virtio_setup s = {
		.cls = &puppet_class,
		.machine = &w.m,
		.features = VIRTIO_FEATURE(TYPE_FEATURE),
		.config_size = CONFIG_SIZE,
		.queues = QUEUES,
	};

	world_init();
	puppet = calloc(1, sizeof(*puppet));
	ck_assert_ptr_nonnull(puppet);
	ck_assert_int_eq(virtio_init(&puppet->virtio, &s), 0);
	world_add(&puppet->virtio);
}

static void teardown(void)
{
	machine_fini(&w.m);
	ck_assert_ptr_null(puppet);
}

static int add(void)
{
	static const struct buffer b = {.addr = RAM_BASE + DATA_AT, .len = 8, .write = true};

	return driver_add(&drv, &b, 1);
}

static unsigned count_used(void)
{
	unsigned id, n = 0;
	uint32_t len;

	while (driver_used(&drv, &id, &len)) {
		ck_assert_uint_eq(len, 4);
		n++;
	}
	return n;
}

/* ---- registers ---- */

START_TEST(identification)
{
	ck_assert_uint_eq(in(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	ck_assert_uint_eq(in(VIRTIO_MMIO_VERSION), 2);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_ID), 42);
	ck_assert_uint_eq(in(VIRTIO_MMIO_VENDOR_ID), 0x44484B42);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	/* No shared memory. */
	for (unsigned reg = VIRTIO_MMIO_SHM_LEN_LOW; reg <= VIRTIO_MMIO_SHM_BASE_HIGH; reg += 4)
		ck_assert_uint_eq(in(reg), UINT32_MAX);
	/* Registers to write, and none at all. */
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NOTIFY), 0);
	ck_assert_uint_eq(in(0x0FC - 4), 0);
	ck_assert_str_eq(w.m.devices[0]->cls->acpi_hid, "LNRO0005");
	ck_assert_str_eq(w.m.devices[0]->cls->fdt_compatible, "virtio,mmio");
	ck_assert(w.m.irqs[0].level);
}
END_TEST

/* Control registers take 32 bits at once and nothing else [VIRTIO 1.2 4.2.2.2]. */
START_TEST(widths)
{
	static const unsigned sizes[] = {1, 2, 8};
	uint64_t value;

	negotiate(0);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		ck_assert(machine_read(&w.m, WINDOW_MMIO, BASE, sizes[i], &value));
		ck_assert_uint_eq(value, 0);
		ck_assert(machine_write(&w.m, WINDOW_MMIO, BASE + VIRTIO_MMIO_STATUS, sizes[i], 0));
	}
	ck_assert(machine_read(&w.m, WINDOW_MMIO, BASE + 2, 4, &value));
	ck_assert_uint_eq(value, 0);
	ck_assert_uint_ne(in(VIRTIO_MMIO_STATUS), 0);
}
END_TEST

START_TEST(features_offered)
{
	static const uint32_t words[] = {1u << TYPE_FEATURE | 1u << VIRTIO_RING_F_INDIRECT_DESC |
						 1u << VIRTIO_RING_F_EVENT_IDX,
		1u << (VIRTIO_F_VERSION_1 - 32) | 1u << (VIRTIO_F_RING_PACKED - 32), 0, 0};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, i);
		ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES), words[i]);
	}
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, UINT32_MAX);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES), 0);
}
END_TEST

static bool negotiates(uint64_t features)
{
	write_features(features);
	out(VIRTIO_MMIO_STATUS, ALL_OK & ~VIRTIO_CONFIG_S_DRIVER_OK);
	return in(VIRTIO_MMIO_STATUS)&VIRTIO_CONFIG_S_FEATURES_OK;
}

START_TEST(features_negotiated)
{
	out(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	ck_assert(!negotiates(0)); /* a legacy driver */
	ck_assert(!negotiates(VIRTIO_FEATURE(TYPE_FEATURE)));
	ck_assert(!negotiates(V1 | VIRTIO_FEATURE(TYPE_FEATURE + 1))); /* not offered */
	ck_assert(!negotiates(V1 | VIRTIO_FEATURE(63)));
	ck_assert(negotiates(V1 | VIRTIO_FEATURE(TYPE_FEATURE)));
	ck_assert(virtio_has(w.v, TYPE_FEATURE));
	/* That is final. */
	write_features(0);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	out(VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	ck_assert_uint_eq(w.v->accepted, V1 | VIRTIO_FEATURE(TYPE_FEATURE));
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(w.v->accepted, 0);
	ck_assert(negotiates(V1));
	ck_assert(!virtio_has(w.v, TYPE_FEATURE));
}
END_TEST

START_TEST(status_bits)
{
	/* Too early. */
	out(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	ck_assert_uint_eq(puppet->activated, 0);
	/* Not the driver's; reserved. */
	out(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_NEEDS_RESET | 0x30);
	/* What is set stays. */
	ck_assert_uint_eq(
		in(VIRTIO_MMIO_STATUS), VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	write_features(V1);
	out(VIRTIO_MMIO_STATUS, ALL_OK); /* both at once */
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	ck_assert_uint_eq(puppet->activated, 1);
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	ck_assert_uint_eq(puppet->activated, 1);
	out(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FAILED);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_FAILED);
	ck_assert_uint_eq(puppet->resets, 0);
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	ck_assert_uint_eq(puppet->resets, 1);
}
END_TEST

START_TEST(activation_that_fails)
{
	puppet->activate_error = -EIO;
	negotiate(0);
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
}
END_TEST

START_TEST(queue_registers)
{
	struct virtq_layout layout;

	out(VIRTIO_MMIO_QUEUE_SEL, QUEUES);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	out(VIRTIO_MMIO_QUEUE_NUM, 4);
	out(VIRTIO_MMIO_QUEUE_SEL, QUEUES - 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), VIRTQ_SIZE_MAX);
	driver_init(&drv, 0, SIZE);
	layout = driver_layout(&drv);
	write_layout(&layout);
	/* What kind of queue it is, is not known yet. */
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
	negotiate(0);
	out(VIRTIO_MMIO_QUEUE_SEL, QUEUES - 1);
	write_layout(&layout);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK & ~VIRTIO_CONFIG_S_DRIVER_OK);
	/* Nothing of it is changed while it is in use. */
	out(VIRTIO_MMIO_QUEUE_NUM, 4);
	out(VIRTIO_MMIO_QUEUE_DESC_HIGH, 77);
	ck_assert_uint_eq(w.v->queues[QUEUES - 1].size, SIZE);
	ck_assert_uint_eq(w.v->queues[QUEUES - 1].areas[VIRTIO_AREA_DESC], RAM_BASE + DESC_AT);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	out(VIRTIO_MMIO_STATUS, 0);
	out(VIRTIO_MMIO_QUEUE_SEL, QUEUES - 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
	ck_assert_uint_eq(w.v->queues[QUEUES - 1].size, VIRTQ_SIZE_MAX);
	ck_assert_uint_eq(w.v->queues[QUEUES - 1].areas[VIRTIO_AREA_DESC], 0);
}
END_TEST

/* A queue that cannot be is not ready, and the device says that something is wrong. */
START_TEST(queues_that_cannot_be)
{
	static const struct virtq_layout good = {.size = SIZE,
		.desc = RAM_BASE + DESC_AT,
		.driver = RAM_BASE + DRIVER_AT,
		.device = RAM_BASE + DEVICE_AT};

	for (unsigned i = 0; i < 6; i++) {
		struct virtq_layout bad = good;

		switch (i) {
		case 0:
			bad.size = 0;
			break;
		case 1:
			bad.size = 48;
			break;
		case 2:
			bad.size = 2 * VIRTQ_SIZE_MAX;
			break;
		case 3:
			bad.desc = RAM_BASE + RAM_SIZE;
			break;
		case 4:
			bad.driver++;
			break;
		case 5:
			bad.device = UINT64_MAX - 3;
			break;
		}
		negotiate(0);
		out(VIRTIO_MMIO_QUEUE_SEL, 0);
		write_layout(&bad);
		out(VIRTIO_MMIO_QUEUE_READY, 1);
		ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS)&VIRTIO_CONFIG_S_NEEDS_RESET,
			VIRTIO_CONFIG_S_NEEDS_RESET);
		ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), 0); /* not before DRIVER_OK */
	}
	negotiate(0);
	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	write_layout(&good);
	out(VIRTIO_MMIO_QUEUE_NUM, 0x10000 | SIZE);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
}
END_TEST

START_TEST(doorbells)
{
	start_device(&drv, formats[_i], SIZE);
	ck_assert(w.bell_on[0]);
	ck_assert(!w.bell_on[1]);
	ck_assert_int_eq(w.bells[0].space, WINDOW_MMIO);
	ck_assert_uint_eq(w.bells[0].address, BASE + VIRTIO_MMIO_QUEUE_NOTIFY);
	ck_assert_uint_eq(w.bells[0].size, 4);
	ck_assert(w.bells[0].has_data);
	ck_assert_uint_eq(w.bells[0].data, 0);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert(!w.bell_on[0]);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert(w.bell_on[0]);
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert(!w.bell_on[0]);
	/* Where KVM has none. */
	ck_assert(!kicked(1));
	ring(1);
	ck_assert(kicked(1));
	ring(QUEUES);
	ring(UINT32_MAX);
}
END_TEST

/* ---- requests ---- */

START_TEST(requests)
{
	negotiate(formats[_i]);
	start_queue(&drv, formats[_i], SIZE);
	add();
	add();
	ring(0);
	run();
	ck_assert_uint_eq(puppet->steps, 0); /* nothing before DRIVER_OK */
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	run();
	ck_assert_uint_eq(count_used(), 2);
	ck_assert_mem_eq(at(DATA_AT), "done", 4);
	ck_assert(w.line);
	ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	out(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	ck_assert(w.line);
	out(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	ck_assert(!w.line);
	/* Asked for again by now. */
	add();
	ck_assert(driver_wants_kick(&drv));
	ring(0);
	run();
	ck_assert_uint_eq(count_used(), 1);
	ck_assert_uint_eq(w.edges, 2);
	/* What is not wanted is not told. */
	out(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	driver_interrupts_off(&drv);
	add();
	ring(0);
	run();
	ck_assert_uint_eq(count_used(), 1);
	ck_assert(!w.line);
}
END_TEST

/* One interrupt for all that one turn has done; and after VIRTIO_BATCH steps others get theirs. */
START_TEST(batches)
{
	start_device(&drv, formats[_i], VIRTQ_SIZE_MAX);
	run();
	for (unsigned i = 0; i < VIRTIO_BATCH + 10; i++)
		add();
	ring(0);
	ck_assert(turn());
	ck_assert_uint_eq(count_used(), VIRTIO_BATCH);
	ck_assert(w.line);
	ck_assert_uint_eq(w.edges, 1);
	out(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	ck_assert(turn());
	ck_assert_uint_eq(count_used(), 10);
	ck_assert(w.line);
	ck_assert_uint_eq(w.edges, 2);
	ck_assert(!turn());
}
END_TEST

/* A device that can do no more is left alone until it says so. */
START_TEST(back_pressure)
{
	start_device(&drv, formats[_i], SIZE);
	run();
	puppet->step_error = -EBUSY;
	puppet->steps = 0;
	add();
	ck_assert(driver_wants_kick(&drv));
	ring(0);
	run();
	ck_assert_uint_eq(puppet->steps, 1);
	add();
	ck_assert(!driver_wants_kick(&drv));
	puppet->step_error = 0;
	virtio_resume(w.v, 0);
	run();
	ck_assert_uint_eq(count_used(), 2);
	add();
	ck_assert(driver_wants_kick(&drv));
}
END_TEST

START_TEST(requests_held)
{
	start_device(&drv, formats[_i], SIZE);
	puppet->hold = true;
	for (unsigned i = 0; i < 3; i++)
		add();
	ring(0);
	run();
	ck_assert_uint_eq(puppet->held_count, 3);
	ck_assert_uint_eq(count_used(), 0);
	ck_assert(!w.line);
	virtio_lock(w.v);
	virtio_push(w.v, 0, &puppet->held[1], 4);
	virtio_push(w.v, 0, &puppet->held[0], 4);
	virtio_notify(w.v, 0);
	virtio_unlock(w.v);
	ck_assert_uint_eq(count_used(), 2);
	ck_assert(w.line);
	/* Not to be taken away with a request in work. */
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
}
END_TEST

/* A reset with requests in work: the device is there again when they are over. */
START_TEST(reset_takes_time)
{
	start_device(&drv, formats[_i], SIZE);
	puppet->hold = true;
	add();
	ring(0);
	run();
	add();
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_ne(in(VIRTIO_MMIO_STATUS), 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
	/* Nothing is heard, neither of the driver nor of the queue. */
	out(VIRTIO_MMIO_STATUS, 0);
	out(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FAILED);
	write_features(0);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
	ring(0);
	run();
	ck_assert_uint_eq(puppet->held_count, 1);
	ck_assert_uint_eq(puppet->resets, 2); /* the first of negotiate */
	virtio_lock(w.v);
	virtio_push(w.v, 0, &puppet->held[0], 4);
	virtio_notify(w.v, 0);
	puppet->held_count = 0;
	virtio_reset_done(w.v);
	virtio_unlock(w.v);
	ck_assert_uint_eq(count_used(), 0);
	ck_assert(!w.line);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	puppet->hold = false;
	start_device(&drv, formats[_i], SIZE);
	add();
	ring(0);
	run();
	ck_assert_uint_eq(count_used(), 1);
}
END_TEST

/* ---- drivers that break the rules ---- */

START_TEST(malformed_ring)
{
	const struct buffer b = {.addr = 16, .len = 1};

	start_device(&drv, formats[_i], SIZE);
	add();
	driver_add(&drv, &b, 1);
	add();
	ring(0);
	run();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert_uint_eq(count_used(), 1);
	ck_assert_uint_eq(
		in(VIRTIO_MMIO_INTERRUPT_STATUS)&VIRTIO_MMIO_INT_CONFIG, VIRTIO_MMIO_INT_CONFIG);
	out(VIRTIO_MMIO_INTERRUPT_ACK, 3);
	/* It is told once, and does nothing any more. */
	puppet->steps = 0;
	ring(0);
	run();
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	run();
	ck_assert_uint_eq(puppet->steps, 0);
	ck_assert(!w.line);
	start_device(&drv, formats[_i], SIZE);
	add();
	ring(0);
	run();
	ck_assert_uint_eq(count_used(), 1);
}
END_TEST

START_TEST(reset_drops_interrupts)
{
	start_device(&drv, formats[_i], SIZE);
	add();
	ring(0);
	run();
	ck_assert(w.line);
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert(!w.line);
	ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}
END_TEST

/* ---- configuration ---- */

static uint64_t config_in(unsigned offset, unsigned size)
{
	uint64_t value = UINT64_MAX;

	ck_assert(
		machine_read(&w.m, WINDOW_MMIO, BASE + VIRTIO_MMIO_CONFIG + offset, size, &value));
	return value;
}

START_TEST(configuration)
{
	for (unsigned i = 0; i < CONFIG_SIZE; i++)
		w.v->config[i] = (uint8_t)(0x10 + i);
	ck_assert_uint_eq(config_in(0, 1), 0x10);
	ck_assert_uint_eq(config_in(2, 2), 0x1312);
	ck_assert_uint_eq(config_in(4, 4), 0x17161514);
	ck_assert_uint_eq(config_in(0, 8), 0x1716151413121110);
	/* There is nothing behind it. */
	ck_assert_uint_eq(config_in(8, 8), 0x1B1A1918);
	ck_assert_uint_eq(config_in(CONFIG_SIZE, 4), 0);
	ck_assert_uint_eq(config_in(0xF8, 8), 0);
	machine_write(&w.m, WINDOW_MMIO, BASE + VIRTIO_MMIO_CONFIG + 1, 1, 0xAB);
	machine_write(&w.m, WINDOW_MMIO, BASE + VIRTIO_MMIO_CONFIG + 8, 4, 0xAB);
	ck_assert_uint_eq(puppet->writes, 2);
	machine_write(&w.m, WINDOW_MMIO, BASE + VIRTIO_MMIO_CONFIG + 8, 8, 0xAB);
	machine_write(&w.m, WINDOW_MMIO, BASE + VIRTIO_MMIO_CONFIG + CONFIG_SIZE, 1, 0xAB);
	ck_assert_uint_eq(puppet->writes, 2);
	ck_assert_uint_eq(config_in(0, 4), 0x1312AB10);
	ck_assert_uint_eq(config_in(8, 4), 0x1B1A1918);
}
END_TEST

static void change(uint8_t value)
{
	virtio_lock(w.v);
	w.v->config[0] = value;
	virtio_config_changed(w.v);
	virtio_unlock(w.v);
}

START_TEST(config_generation)
{
	uint32_t before = in(VIRTIO_MMIO_CONFIG_GENERATION);

	config_in(0, 4);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG_GENERATION), before);
	change(1);
	ck_assert(!w.line); /* no driver yet */
	config_in(0, 1);
	ck_assert_uint_ne(in(VIRTIO_MMIO_CONFIG_GENERATION), before);
	/* However often it changes, and where it wraps in 8 bits. */
	before = in(VIRTIO_MMIO_CONFIG_GENERATION);
	for (unsigned i = 0; i < 256; i++)
		change((uint8_t)i);
	config_in(4, 4);
	ck_assert_uint_ne((uint8_t)in(VIRTIO_MMIO_CONFIG_GENERATION), (uint8_t)before);
	start_device(&drv, 0, SIZE);
	change(2);
	ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	ck_assert(w.line);
}
END_TEST

/* ---- threads ---- */

static atomic_bool io_stop;

/* Each on a processor of its own, where there are two: what wakes up there takes a while. */
static void pin(unsigned which)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all) || CPU_COUNT(&all) < 2)
		return;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &all) && !which--) {
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof(one), &one);
			return;
		}
	}
}

static void *io_thread(void *arg)
{
	(void)arg;
	pin(1);
	while (!atomic_load(&io_stop))
		turn();
	return NULL;
}

/* A vCPU gets at a register between two steps of a queue that never ends. */
START_TEST(vcpus_go_first)
{
	enum { TRIES = 100 };
	pthread_t thread;
	unsigned prompt = 0;

	start_device(&drv, 0, SIZE);
	puppet->endless = true;
	atomic_store(&io_stop, false);
	ring(0);
	ck_assert_int_eq(pthread_create(&thread, NULL, io_thread, NULL), 0);
	pin(0);
	while (!puppet->endless_steps)
		;
	for (unsigned i = 0; i < TRIES; i++) {
		unsigned before = puppet->endless_steps;

		ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
		prompt += puppet->endless_steps - before <= 2;
	}
	atomic_store(&io_stop, true);
	pthread_join(thread, NULL);
	/* Not all: this thread, too, may lose its processor. */
	ck_assert_uint_ge(prompt, TRIES / 2);
}
END_TEST

/* ---- places ---- */

START_TEST(taken_places)
{
	const struct virtio_setup s = {
		.cls = &puppet_class, .machine = &w.m, .queues = 1, .config_size = 0};
	const struct virtio_mmio_config window = {.name = "VR01", .base = BASE, .gsi = 17};
	const struct virtio_mmio_config line = {.name = "VR02", .base = BASE + 0x200, .gsi = GSI};
	const struct virtio_mmio_config *places[] = {&window, &line};

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		struct puppet *p = calloc(1, sizeof(*p));

		ck_assert_int_eq(virtio_init(&p->virtio, &s), 0);
		ck_assert_int_eq(virtio_mmio_create(&w.m, places[i], &p->virtio), -EEXIST);
	}
	virtio_destroy(NULL);
}
END_TEST

/* A device that could be made only in part. */
START_TEST(no_doorbell_left)
{
	struct virtio_setup s = {.cls = &puppet_class, .machine = &w.m, .queues = 2};
	struct puppet *p = calloc(1, sizeof(*p));
	unsigned index;

	while (w.m.doorbell_count < MACHINE_DOORBELLS_MAX - 1)
		ck_assert_int_eq(machine_add_doorbell(&w.m, &index), 0);
	ck_assert_int_eq(virtio_init(&p->virtio, &s), -ENOSPC);
	virtio_fini(&p->virtio);
	free(p);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/virtio");
	TCase *tc = tcase_create("virtio");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, identification);
	tcase_add_test(tc, widths);
	tcase_add_test(tc, features_offered);
	tcase_add_test(tc, features_negotiated);
	tcase_add_test(tc, status_bits);
	tcase_add_test(tc, activation_that_fails);
	tcase_add_test(tc, queue_registers);
	tcase_add_test(tc, queues_that_cannot_be);
	tcase_add_loop_test(tc, doorbells, 0, 2);
	tcase_add_loop_test(tc, requests, 0, 2);
	tcase_add_loop_test(tc, batches, 0, 2);
	tcase_add_loop_test(tc, back_pressure, 0, 2);
	tcase_add_loop_test(tc, requests_held, 0, 2);
	tcase_add_loop_test(tc, reset_takes_time, 0, 2);
	tcase_add_loop_test(tc, malformed_ring, 0, 2);
	tcase_add_loop_test(tc, reset_drops_interrupts, 0, 2);
	tcase_add_test(tc, configuration);
	tcase_add_test(tc, config_generation);
	tcase_add_test(tc, vcpus_go_first);
	tcase_add_test(tc, taken_places);
	tcase_add_test(tc, no_doorbell_left);
	suite_add_tcase(s, tc);
	return s;
}
