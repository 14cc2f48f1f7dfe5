/* SPDX-License-Identifier: BSD-3-Clause */
/* The console device before chardevs, whose I/O thread is the test. */
#include "devices/virtio/console.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio/world.h"

#include <linux/virtio_console.h>

#define SIZE 64 /* entries of each queue */

/* Queue I has its parts from here, and memory for requests. */
#define QUEUE_AT(i)  (0x4000u * (i))
#define BUFFER_AT(i) (0x80000u + 0x10000u * (i))
#define BUFFER_SIZE  0x10000u
#define QUEUES       (2 * VIRTIO_CONSOLE_PORTS + 2)

/* Port 0 and 1, and the messages. */
enum { IN0, OUT0, MESSAGE_IN, MESSAGE_OUT, IN1, OUT1, IN2, OUT2 };

#define FEATURE(bit) ((uint64_t)1 << (bit))
#define MULTIPORT    FEATURE(VIRTIO_CONSOLE_F_MULTIPORT)

/* A driver of split queues; its requests are of one buffer. */
static struct queue {
	uint16_t avail, used, entry;
} queues[QUEUES];

static struct chardev chardevs[VIRTIO_CONSOLE_PORTS];

static void make(const char *const *names, unsigned count)
{
	struct virtio_console_setup cfg = {.port_count = count};
	struct virtio_device *v;

	world_init();
	for (unsigned i = 0; i < count; i++) {
		chardev_init(&chardevs[i], -1);
		cfg.ports[i] = (struct virtio_console_port_config){
			.chardev = &chardevs[i], .name = names[i]};
	}
	ck_assert_int_eq(virtio_console_create(&w.m, &cfg, &v), 0);
	world_add(v);
}

/* Consoles and a channel; one without multiport. */
static void make_one(void)
{
	make((const char *const[]){NULL}, 1);
}

static void make_three(void)
{
	make((const char *const[]){NULL, "org.example", NULL}, 3);
}

static void teardown(void)
{
	machine_fini(&w.m);
}

/* ---- the driver ---- */

static void start(uint64_t features, unsigned count)
{
	negotiate(features);
	memset(ram, 0, sizeof(ram));
	for (unsigned i = 0; i < count; i++) {
		const struct virtq_layout layout = {.size = SIZE,
			.desc = RAM_BASE + QUEUE_AT(i),
			.driver = RAM_BASE + QUEUE_AT(i) + 0x1000,
			.device = RAM_BASE + QUEUE_AT(i) + 0x2000};

		queues[i] = (struct queue){0};
		out(VIRTIO_MMIO_QUEUE_SEL, i);
		write_layout(&layout);
		out(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	out(VIRTIO_MMIO_STATUS, ALL_OK);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
	run();
}

static uint8_t *buffer(unsigned q, unsigned offset)
{
	return at(BUFFER_AT(q) + offset);
}

/* A request of LEN bytes from OFFSET of the queue's memory. */
static void add(unsigned q, unsigned offset, uint32_t len, bool write)
{
	struct vring_desc *desc = at(QUEUE_AT(q));
	struct vring_avail *avail = at(QUEUE_AT(q) + 0x1000);
	uint16_t i = queues[q].entry++ % SIZE;

	desc[i] = (struct vring_desc){.addr = RAM_BASE + BUFFER_AT(q) + offset,
		.len = len,
		.flags = write ? VRING_DESC_F_WRITE : 0};
	avail->ring[queues[q].avail % SIZE] = i;
	__atomic_store_n(&avail->idx, ++queues[q].avail, __ATOMIC_RELEASE);
	ring(q);
}

/* Whether one came back, and how many bytes of it were written. */
static bool came_back(unsigned q, uint32_t *ret_len)
{
	const struct vring_used *used = at(QUEUE_AT(q) + 0x2000);

	if (used->idx == queues[q].used)
		return false;
	*ret_len = used->ring[queues[q].used++ % SIZE].len;
	return true;
}

static void expect_back(unsigned q, uint32_t len)
{
	uint32_t got;

	ck_assert(came_back(q, &got));
	ck_assert_uint_eq(got, len);
}

static void expect_none(unsigned q)
{
	uint32_t len;

	ck_assert(!came_back(q, &len));
}

static void expect_failed(void)
{
	run();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void say(unsigned port, uint16_t event, uint16_t value)
{
	const struct virtio_console_control control = {.id = port, .event = event, .value = value};

	memcpy(buffer(MESSAGE_OUT, 0), &control, sizeof(control));
	add(MESSAGE_OUT, 0, sizeof(control), false);
	run();
	expect_back(MESSAGE_OUT, 0);
}

/* The next message is this, and MORE after it. */
static void expect_message(
	unsigned port, uint16_t event, uint16_t value, const void *more, size_t size)
{
	struct virtio_console_control control;

	add(MESSAGE_IN, 0, 128, true);
	run();
	expect_back(MESSAGE_IN, (uint32_t)(sizeof(control) + size));
	memcpy(&control, buffer(MESSAGE_IN, 0), sizeof(control));
	ck_assert_uint_eq(control.id, port);
	ck_assert_uint_eq(control.event, event);
	ck_assert_uint_eq(control.value, value);
	if (size)
		ck_assert_mem_eq(buffer(MESSAGE_IN, sizeof(control)), more, size);
}

/* Nothing is to be told: a buffer stays where it is, and is there for the next message. */
static void expect_silence(void)
{
	add(MESSAGE_IN, 0, 128, true);
	run();
	expect_none(MESSAGE_IN);
	virtio_lock(w.v);
	queues[MESSAGE_IN].avail--;
	((struct vring_avail *)at(QUEUE_AT(MESSAGE_IN) + 0x1000))->idx--;
	queues[MESSAGE_IN].entry--;
	virtio_unlock(w.v);
}

/* Both sides know of port 1, a channel. */
static void open_channel(void)
{
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (unsigned i = 0; i < 3; i++)
		expect_message(i, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_message(1, VIRTIO_CONSOLE_PORT_NAME, 1, "org.example", 11);
	if (chardevs[1].open)
		expect_message(1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

/* ---- the I/O thread ---- */

static size_t give(unsigned port, const char *text)
{
	const struct chardev_front *front = &chardevs[port].front;
	size_t n = front->receive(front->ctx, (const uint8_t *)text, strlen(text));

	run();
	return n;
}

static void set_open(unsigned port, bool open)
{
	chardevs[port].open = open;
	chardevs[port].front.changed(chardevs[port].front.ctx);
	run();
}

/* What came out of PORT so far, taken. */
static const char *come_out(unsigned port)
{
	static char text[CHARDEV_TX_SIZE + 1];
	const uint8_t *data;
	size_t n, size = 0;

	while ((n = ring_peek(&chardevs[port].tx, &data)) != 0) {
		memcpy(text + size, data, n);
		size += n;
		chardev_tx_drop(&chardevs[port], n);
	}
	text[size] = '\0';
	run();
	return text;
}

/* ---- tests ---- */

START_TEST(one_console_is_simple)
{
	make_one();
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_ID), 3);
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES)&7,
		FEATURE(VIRTIO_CONSOLE_F_SIZE) | FEATURE(VIRTIO_CONSOLE_F_EMERG_WRITE));
	out(VIRTIO_MMIO_QUEUE_SEL, 2);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	start(0, 2);
	memcpy(buffer(OUT0, 0), "hello", 5);
	add(OUT0, 0, 5, false);
	run();
	expect_back(OUT0, 0);
	ck_assert_str_eq(come_out(0), "hello");
	ck_assert(w.line);

	ck_assert_uint_eq(give(0, "keys"), 4);
	expect_none(IN0);
	add(IN0, 0, 3, true);
	add(IN0, 16, 100, true);
	run();
	expect_back(IN0, 3);
	expect_back(IN0, 1);
	ck_assert_mem_eq(buffer(IN0, 0), "key", 3);
	ck_assert_mem_eq(buffer(IN0, 16), "s", 1);
}
END_TEST

START_TEST(many_ports)
{
	make_three();
	out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_DEVICE_FEATURES)&7, 7);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG + 4), 3);
	out(VIRTIO_MMIO_QUEUE_SEL, 7);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), VIRTQ_SIZE_MAX);
	out(VIRTIO_MMIO_QUEUE_SEL, 8);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	start(MULTIPORT, 8);
	expect_silence();
	open_channel();
	/* A console is open on both sides once it is one. */
	say(0, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_message(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, NULL, 0);
	expect_message(0, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	expect_silence();
	memcpy(buffer(OUT1, 0), "to port 1", 9);
	add(OUT1, 0, 9, false);
	memcpy(buffer(OUT2, 0), "to port 2", 9);
	add(OUT2, 0, 9, false);
	run();
	ck_assert_str_eq(come_out(0), "");
	ck_assert_str_eq(come_out(1), "to port 1");
	ck_assert_str_eq(come_out(2), "to port 2");
	ck_assert_uint_eq(give(1, "from 1"), 6);
	add(IN1, 0, 64, true);
	run();
	expect_back(IN1, 6);
	ck_assert_mem_eq(buffer(IN1, 0), "from 1", 6);
	/* Nobody in the guest has these open. */
	ck_assert_uint_eq(give(0, "from 0"), 0);
	ck_assert_uint_eq(give(2, "from 2"), 0);
}
END_TEST

/* A driver that knows of no ports has port 0. */
START_TEST(without_multiport)
{
	make_three();
	start(0, 2);
	ck_assert_uint_eq(give(0, "x"), 1);
	ck_assert_uint_eq(give(1, "x"), 0);
	add(IN0, 0, 8, true);
	run();
	expect_back(IN0, 1);
	set_open(1, false);
	set_open(1, true);
	memcpy(buffer(OUT0, 0), "out", 3);
	add(OUT0, 0, 3, false);
	run();
	ck_assert_str_eq(come_out(0), "out");
}
END_TEST

/* What one client sent comes before its end, and what the next one sends after its begin. */
START_TEST(clients_come_and_go)
{
	make_three();
	chardevs[1].open = false;
	start(MULTIPORT, 8);
	open_channel();
	expect_silence();
	set_open(1, true);
	ck_assert_uint_eq(give(1, "early"), 0); /* the driver has not heard of it yet */
	expect_message(1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	ck_assert_uint_eq(give(1, "first"), 5);
	set_open(1, false);
	set_open(1, true);
	ck_assert_uint_eq(give(1, "second"), 0);
	expect_silence(); /* there is input to come before it */
	add(IN1, 0, 64, true);
	run();
	expect_back(IN1, 5);
	expect_message(1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL, 0);
	ck_assert_uint_eq(give(1, "second"), 0);
	expect_message(1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	ck_assert_uint_eq(give(1, "second"), 6);
	add(IN1, 0, 64, true);
	run();
	expect_back(IN1, 6);
	/* Come and gone before anybody was told: nothing has happened. */
	set_open(1, false);
	expect_message(1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL, 0);
	set_open(1, true);
	set_open(1, false);
	expect_silence();
	/* The guest closes it. */
	set_open(1, true);
	expect_message(1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	ck_assert_uint_eq(give(1, "x"), 0);
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	ck_assert_uint_eq(give(1, "x"), 1);
}
END_TEST

static void fill(unsigned q, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		*buffer(q, i) = (uint8_t)(i * 7 + i / 251);
}

/* A reader that is slow holds up its port; nothing is lost or sent twice. */
START_TEST(a_full_ring_keeps_requests)
{
	uint32_t len, done = 0;
	const uint8_t *data;
	size_t n;

	make_one();
	start(0, 2);
	fill(OUT0, BUFFER_SIZE);
	add(OUT0, 0, BUFFER_SIZE, false);
	add(OUT0, 100, 1000, false);
	run();
	expect_back(OUT0, 0);
	expect_none(OUT0);
	while (done < BUFFER_SIZE) {
		n = min_u64(ring_peek(&chardevs[0].tx, &data), 999);
		ck_assert_uint_gt(n, 0);
		n = min_u64(n, BUFFER_SIZE - done);
		ck_assert_mem_eq(data, buffer(OUT0, done), n);
		done += (uint32_t)n;
		chardev_tx_drop(&chardevs[0], n);
		run();
	}
	ck_assert(came_back(OUT0, &len));
	n = ring_peek(&chardevs[0].tx, &data);
	ck_assert_uint_eq(n, 1000);
	ck_assert_mem_eq(data, buffer(OUT0, 100), n);
	ck_assert_uint_eq(atomic_load(&chardevs[0].dropped), 0);
}
END_TEST

START_TEST(a_stalled_reader_loses)
{
	make_one();
	start(0, 2);
	fill(OUT0, BUFFER_SIZE);
	add(OUT0, 0, BUFFER_SIZE, false);
	add(OUT0, 0, 5000, false);
	run();
	expect_back(OUT0, 0);
	expect_none(OUT0);
	chardev_set_stalled(&chardevs[0], true);
	run();
	expect_back(OUT0, 0);
	ck_assert_uint_eq(atomic_load(&chardevs[0].dropped), 5000);
}
END_TEST

/* Input is bounded, and asked for again. */
START_TEST(input_waits)
{
	char many[6000];
	size_t n;

	make_one();
	ck_assert_uint_eq(give(0, "too early"), 0);
	start(0, 2);
	memset(many, 'k', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	n = give(0, many);
	ck_assert_uint_gt(n, 1000);
	ck_assert_uint_lt(n, sizeof(many) - 1);
	ck_assert_uint_eq(give(0, many), 0);
	add(IN0, 0, 1000, true);
	run();
	expect_back(IN0, 1000);
	ck_assert_uint_eq(give(0, many), 1000);
}
END_TEST

START_TEST(emergency_writes)
{
	make_one();
	out(VIRTIO_MMIO_CONFIG + 8, 'E');
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), 0);
	ck_assert_str_eq(come_out(0), "E");
	out(VIRTIO_MMIO_CONFIG, 'x'); /* not writable */
	ck_assert_str_eq(come_out(0), "");
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG), 0);
}
END_TEST

static void resize(unsigned port, uint16_t columns, uint16_t rows)
{
	chardevs[port].columns = columns;
	chardevs[port].rows = rows;
	chardevs[port].front.changed(chardevs[port].front.ctx);
	run();
}

START_TEST(sizes)
{
	const uint16_t first[] = {132, 43}, second[] = {80, 25};

	make_one();
	resize(0, 132, 43);
	start(FEATURE(VIRTIO_CONSOLE_F_SIZE), 2);
	ck_assert(!w.line);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG), 43u << 16 | 132);
	resize(0, 80, 25);
	ck_assert_uint_eq(in(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	ck_assert_uint_eq(in(VIRTIO_MMIO_CONFIG), 25u << 16 | 80);
	machine_fini(&w.m);

	make_three();
	resize(0, 132, 43);
	start(MULTIPORT | FEATURE(VIRTIO_CONSOLE_F_SIZE), 8);
	expect_silence();
	say(0, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_message(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, NULL, 0);
	expect_message(0, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	expect_message(0, VIRTIO_CONSOLE_RESIZE, 1, first, sizeof(first));
	resize(0, 80, 25);
	expect_message(0, VIRTIO_CONSOLE_RESIZE, 1, second, sizeof(second));
	expect_silence();
}
END_TEST

START_TEST(messages_that_mean_nothing)
{
	make_three();
	start(MULTIPORT, 8);
	say(3, VIRTIO_CONSOLE_PORT_READY, 1);
	say(0xFFFFFFFF, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(1, 0x4711, 1);
	say(1, VIRTIO_CONSOLE_PORT_READY, 0);
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 0);
	add(MESSAGE_OUT, 0, 7, false); /* too short */
	run();
	expect_back(MESSAGE_OUT, 0);
	expect_silence();
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}
END_TEST

START_TEST(broken_requests)
{
	static const struct {
		unsigned queue;
		uint32_t len;
		bool write;
	} bad[] = {{OUT0, 8, true}, {MESSAGE_OUT, 8, true}, {IN0, 8, false}, {MESSAGE_IN, 8, false},
		{MESSAGE_IN, 7, true}, {IN0, 0, true}};

	make_three();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		start(MULTIPORT, 8);
		say(0, VIRTIO_CONSOLE_PORT_READY, 1);
		say(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
		if (bad[i].queue == IN0) {
			expect_message(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, NULL, 0);
			expect_message(0, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
			give(0, "x");
		}
		add(bad[i].queue, 0, bad[i].len, bad[i].write);
		expect_failed();
	}
}
END_TEST

/* A driver's life after another's: it is told everything, and no half of a request is left. */
START_TEST(reset)
{
	make_three();
	start(MULTIPORT, 8);
	open_channel();
	fill(OUT1, BUFFER_SIZE);
	add(OUT1, 0, BUFFER_SIZE, false);
	add(OUT1, 0, 10000, false);
	run();
	ck_assert_uint_eq(ring_used(&chardevs[1].tx), CHARDEV_TX_SIZE);
	start(MULTIPORT, 8);
	ck_assert_uint_eq(give(1, "x"), 0);
	come_out(1);
	expect_silence();
	open_channel();
	memcpy(buffer(OUT1, 0), "anew", 4);
	add(OUT1, 0, 4, false);
	run();
	ck_assert_str_eq(come_out(1), "anew");
	ck_assert_uint_eq(give(1, "x"), 1);
}
END_TEST

/* A port that is not there: its queues do nothing, and nobody hears of it. */
START_TEST(a_hole_among_the_ports)
{
	struct virtio_console_setup cfg = {.port_count = 3};
	struct virtio_device *v;

	world_init();
	chardev_init(&chardevs[0], -1);
	chardev_init(&chardevs[2], -1);
	cfg.ports[0].chardev = &chardevs[0];
	cfg.ports[2].chardev = &chardevs[2];
	ck_assert_int_eq(virtio_console_create(&w.m, &cfg, &v), 0);
	world_add(v);
	start(MULTIPORT, 8);
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect_message(0, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	expect_message(2, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_silence();
	add(OUT1, 0, 16, false);
	add(IN1, 0, 16, true);
	run();
	expect_none(OUT1);
	expect_none(IN1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ALL_OK);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("virtio/console");
	TCase *tc = tcase_create("console");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, one_console_is_simple);
	tcase_add_test(tc, many_ports);
	tcase_add_test(tc, without_multiport);
	tcase_add_test(tc, clients_come_and_go);
	tcase_add_test(tc, a_full_ring_keeps_requests);
	tcase_add_test(tc, a_stalled_reader_loses);
	tcase_add_test(tc, input_waits);
	tcase_add_test(tc, emergency_writes);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, messages_that_mean_nothing);
	tcase_add_test(tc, broken_requests);
	tcase_add_test(tc, reset);
	tcase_add_test(tc, a_hole_among_the_ports);
	suite_add_tcase(s, tc);
	return s;
}
