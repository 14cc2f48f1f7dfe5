/* SPDX-License-Identifier: BSD-3-Clause */
/* The High Precision Event Timer: registers, one-shot and periodic timers, lines, the host's timer.
 */
#include "devices/testdev/hpet.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#define BASE    0xFED00000
#define CONF    (BASE + 0x10)
#define STATUS  (BASE + 0x20)
#define COUNTER (BASE + 0xF0)
#define T(n)    (BASE + 0x100 + 0x20 * (n))
#define CMP(n)  (T(n) + 8)

#define LEVEL    0x002
#define ENABLE   0x004
#define PERIODIC 0x008
#define SET      0x040
#define BITS32   0x100
#define ROUTE(n) ((n) << 9)

static struct fixture fx;
static uint64_t now;
static unsigned pit_off, pit_on;

static uint64_t clock_now(void *ctx)
{
	(void)ctx;
	return now;
}

static void pit_set(void *ctx, bool connected)
{
	ck_assert_ptr_eq(ctx, &fx);
	if (connected)
		pit_on++;
	else
		pit_off++;
}

static void setup(void)
{
	const struct hpet_config cfg = {.now = clock_now};

	fixture_init(&fx, MACHINE_RAM_MIN);
	fx.m.services.pit_set = pit_set;
	now = 5000;
	pit_off = pit_on = 0;
	ck_assert_int_eq(hpet_create(&fx.m, &cfg), 0);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

/* TICKS of 10 ns pass, and the host's timer comes. */
static void pass(uint64_t ticks)
{
	now += ticks * 10;
	hpet_expired(&fx.m);
}

static void set(gpa_t reg, uint64_t value)
{
	fixture_store(&fx, reg, 8, value);
}

static uint64_t get(gpa_t reg)
{
	return fixture_load(&fx, reg, 8);
}

START_TEST(after_reset)
{
	ck_assert_uint_eq(get(BASE), 0x009896808086A201);
	ck_assert_uint_eq(fixture_load(&fx, BASE + 4, 4), 10000000);
	ck_assert_uint_eq(get(CONF), 0);
	ck_assert_uint_eq(get(STATUS), 0);
	ck_assert_uint_eq(get(COUNTER), 0);
	for (unsigned n = 0; n < 3; n++) {
		ck_assert_uint_eq(get(T(n)), 0x0000E10400000030);
		ck_assert_uint_eq(get(CMP(n)), UINT64_MAX);
		ck_assert_uint_eq(get(T(n) + 16), 0);
	}
	ck_assert_uint_eq(get(T(3)), 0);
	ck_assert_uint_eq(get(BASE + 0x3F8), 0);
	/* What no register takes. */
	ck_assert_uint_eq(fixture_load(&fx, BASE, 1), 0);
	ck_assert_uint_eq(fixture_load(&fx, BASE + 4, 8), 0);
	fixture_store(&fx, CONF, 1, 1);
	fixture_store(&fx, CONF + 2, 4, UINT32_MAX);
	set(BASE, 0);
	set(T(3), UINT64_MAX);
	set(BASE + 0x3F8, UINT64_MAX);
	ck_assert_uint_eq(get(CONF), 0);
	set(CONF, UINT64_MAX);
	ck_assert_uint_eq(get(CONF), 3);
	set(T(0), UINT64_MAX); /* no route 31, no front side bus */
	ck_assert_uint_eq(get(T(0)), 0x0000E1040000017E);
}
END_TEST

START_TEST(counter_runs_and_stands)
{
	pass(100);
	ck_assert_uint_eq(get(COUNTER), 0);
	set(CONF, 1);
	pass(7);
	ck_assert_uint_eq(get(COUNTER), 7);
	set(CONF, 0);
	pass(100);
	ck_assert_uint_eq(get(COUNTER), 7);
	set(COUNTER, 0xFFFFFFFF);
	set(CONF, 1);
	pass(2);
	ck_assert_uint_eq(get(COUNTER), 0x100000001);
	ck_assert_uint_eq(fixture_load(&fx, COUNTER + 4, 4), 1);
	fixture_store(&fx, COUNTER + 4, 4, 5);
	ck_assert_uint_eq(get(COUNTER), 0x500000001);
}
END_TEST

START_TEST(one_shot_by_edge)
{
	set(CONF, 1);
	set(T(2), ENABLE | ROUTE(14));
	set(CMP(2), 50);
	pass(49);
	ck_assert_uint_eq(fx.edges[14], 0);
	pass(1);
	ck_assert_uint_eq(fx.edges[14], 1);
	ck_assert(!fx.line[14]);
	pass(100000);
	ck_assert_uint_eq(fx.edges[14], 1);
	ck_assert_uint_eq(get(STATUS), 0);
	ck_assert_uint_eq(get(CMP(2)), 50);
	/* A time that is over: at once. */
	set(CMP(2), 60);
	hpet_expired(&fx.m);
	ck_assert_uint_eq(fx.edges[14], 2);
	/* Turned off. */
	set(CMP(2), 200000);
	set(T(2), ROUTE(14));
	pass(300000);
	ck_assert_uint_eq(fx.edges[14], 2);
	/* Turned on again: that time is over, and the counter does not come there any more. */
	set(T(2), ENABLE | ROUTE(14));
	pass(300000);
	ck_assert_uint_eq(fx.edges[14], 2);
}
END_TEST

START_TEST(one_shot_of_32_bits_comes_again)
{
	set(CONF, 1);
	set(T(1), ENABLE | BITS32 | ROUTE(15));
	set(CMP(1), 0xF00000010);
	ck_assert_uint_eq(get(CMP(1)), 0x10);
	pass(0x10);
	ck_assert_uint_eq(fx.edges[15], 1);
	pass(0xFFFFFFFF);
	ck_assert_uint_eq(fx.edges[15], 1);
	pass(1);
	ck_assert_uint_eq(fx.edges[15], 2);
	pass(3 * ((uint64_t)1 << 32)); /* unseen for long: once */
	ck_assert_uint_eq(fx.edges[15], 3);
}
END_TEST

START_TEST(level)
{
	set(CONF, 1);
	set(T(0), ENABLE | LEVEL | ROUTE(2));
	set(CMP(0), 10);
	pass(10);
	ck_assert_uint_eq(get(STATUS), 1);
	ck_assert(fx.line[0]); /* pin 2 has the machine's line 0 */
	set(STATUS, 6);
	ck_assert(fx.line[0]);
	set(T(0), LEVEL | ROUTE(2)); /* the status stays */
	ck_assert(!fx.line[0]);
	set(T(0), ENABLE | LEVEL | ROUTE(2));
	ck_assert(fx.line[0]);
	set(CONF, 0);
	ck_assert(!fx.line[0]);
	set(CONF, 1);
	ck_assert(fx.line[0]);
	fixture_store(&fx, STATUS, 4, 1);
	ck_assert(!fx.line[0]);
	ck_assert_uint_eq(get(STATUS), 0);
}
END_TEST

START_TEST(two_on_a_line)
{
	set(CONF, 1);
	for (unsigned n = 0; n < 2; n++) {
		set(T(n), ENABLE | LEVEL | ROUTE(14));
		set(CMP(n), 10);
	}
	set(T(2), ENABLE | ROUTE(14));
	set(CMP(2), 20);
	pass(10);
	ck_assert_uint_eq(get(STATUS), 3);
	set(STATUS, 1);
	ck_assert(fx.line[14]);
	pass(10); /* the edge of the third is not seen */
	ck_assert_uint_eq(fx.edges[14], 1);
	set(STATUS, 2);
	ck_assert(!fx.line[14]);
}
END_TEST

/* As Linux does it: first when, then how often. */
START_TEST(periodic)
{
	set(T(0), ENABLE | PERIODIC | SET | ROUTE(14));
	set(CMP(0), 30);
	set(CMP(0), 100);
	ck_assert_uint_eq(get(T(0)) & SET, 0);
	ck_assert_uint_eq(get(CMP(0)), 30);
	set(CONF, 1);
	pass(30);
	ck_assert_uint_eq(fx.edges[14], 1);
	ck_assert_uint_eq(get(CMP(0)), 130);
	pass(99);
	ck_assert_uint_eq(fx.edges[14], 1);
	pass(1);
	ck_assert_uint_eq(fx.edges[14], 2);
	pass(1050); /* ten periods at once */
	ck_assert_uint_eq(fx.edges[14], 3);
	ck_assert_uint_eq(get(CMP(0)), 1230);
	pass(50);
	ck_assert_uint_eq(fx.edges[14], 4);
	/* Off, and on again later: it keeps its beat. */
	set(T(0), PERIODIC | ROUTE(14));
	pass(1000);
	set(T(0), ENABLE | PERIODIC | ROUTE(14));
	pass(99);
	ck_assert_uint_eq(fx.edges[14], 4);
	pass(1);
	ck_assert_uint_eq(fx.edges[14], 5);
}
END_TEST

/* One write does for both, and a period of 32 bits wraps. */
START_TEST(periodic_of_32_bits)
{
	set(COUNTER, 0xFFFFFFF0);
	set(T(0), ENABLE | PERIODIC | SET | BITS32 | ROUTE(14));
	set(CMP(0), 0x20);
	set(CONF, 1);
	pass(0x30);
	ck_assert_uint_eq(fx.edges[14], 1);
	ck_assert_uint_eq(get(CMP(0)), 0x40);
	pass(0x20);
	ck_assert_uint_eq(fx.edges[14], 2);
	/* No period at all. */
	set(T(0), ENABLE | PERIODIC | SET | BITS32 | ROUTE(14));
	set(CMP(0), 0);
	pass(1000);
	ck_assert_uint_eq(fx.edges[14], 3); /* over: once */
}
END_TEST

START_TEST(legacy_replacement)
{
	set(T(0), ENABLE | ROUTE(14));
	set(T(1), ENABLE | ROUTE(14));
	set(T(2), ENABLE | ROUTE(14));
	set(CONF, 3);
	ck_assert(pit_off == 1 && pit_on == 0);
	for (unsigned n = 0; n < 3; n++)
		set(CMP(n), 10);
	pass(10);
	ck_assert(fx.edges[0] == 1 && fx.edges[8] == 1 && fx.edges[14] == 1);
	set(CONF, 1);
	ck_assert(pit_off == 1 && pit_on == 1);
	/* A route that there is not leaves the one before. */
	set(T(0), ENABLE | ROUTE(3));
	ck_assert_uint_eq(get(T(0)) & 0x3E00, ROUTE(14));
}
END_TEST

START_TEST(unrouted)
{
	set(CONF, 1);
	set(T(0), ENABLE);
	set(T(1), ENABLE | LEVEL);
	set(CMP(0), 1);
	set(CMP(1), 1);
	pass(1);
	for (unsigned i = 0; i < FIXTURE_LINES; i++)
		ck_assert_uint_eq(fx.edges[i], 0);
	ck_assert_uint_eq(get(STATUS), 2);
}
END_TEST

START_TEST(far_away)
{
	set(CONF, 1);
	set(T(0), ENABLE | ROUTE(14));
	set(CMP(0), UINT64_MAX);
	pass((uint64_t)1 << 50);
	ck_assert_uint_eq(fx.edges[14], 0);
	set(COUNTER, UINT64_MAX - 5);
	pass(5);
	ck_assert_uint_eq(fx.edges[14], 1);
	set(T(0), ENABLE | PERIODIC | SET | ROUTE(14));
	set(CMP(0), UINT64_MAX);
	pass(100);
	ck_assert_uint_eq(fx.edges[14], 1);
}
END_TEST

static struct loop *loop;

static void edge(void *ctx, uint32_t gsi, bool asserted)
{
	fixture_irq_set(ctx, gsi, asserted);
	if (fx.edges[14] == 3)
		loop_stop(loop);
}

/* With the host's clock and timer; a period of 10 ns is no more than the loop can take. */
START_TEST(on_the_loop)
{
	struct hpet_config cfg = {0};
	uint64_t before;

	ck_assert_int_eq(loop_create(&loop), 0);
	cfg.loop = loop;
	machine_fini(&fx.m);
	fixture_init(&fx, MACHINE_RAM_MIN);
	fx.m.services.irq_set = edge;
	ck_assert_int_eq(hpet_create(&fx.m, &cfg), 0);
	set(CONF, 1);
	set(T(0), ENABLE | PERIODIC | SET | ROUTE(14));
	before = monotonic_ns();
	set(CMP(0), 1);
	unit_run_loop(loop, 5000000000);
	ck_assert_uint_eq(fx.edges[14], 3);
	ck_assert_uint_ge(monotonic_ns() - before, 200000);
	machine_fini(&fx.m);
	loop_destroy(loop);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/hpet");
	TCase *t = tcase_create("hpet");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, after_reset);
	tcase_add_test(t, counter_runs_and_stands);
	tcase_add_test(t, one_shot_by_edge);
	tcase_add_test(t, one_shot_of_32_bits_comes_again);
	tcase_add_test(t, level);
	tcase_add_test(t, two_on_a_line);
	tcase_add_test(t, periodic);
	tcase_add_test(t, periodic_of_32_bits);
	tcase_add_test(t, legacy_replacement);
	tcase_add_test(t, unrouted);
	tcase_add_test(t, far_away);
	tcase_add_test(t, on_the_loop);
	suite_add_tcase(s, t);
	return s;
}
