/* SPDX-License-Identifier: BSD-3-Clause */
/* Network devices in a plan: defaults, what goes with what, and back from bytes. */
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define ONE(devices) "partitions:\n  a: {cpus: [1], memory: 64M, image: v, devices: " devices "}\n"
#define TWO(first, second)                                                                         \
	ONE(first) "  b: {cpus: [2], memory: 64M, image: v, devices: " second "}\n"

static const struct plan_net *net_of(const struct plan *plan, unsigned part, unsigned device)
{
	const struct plan_device *d = &plan->partitions[part].devices[device];

	ck_assert_int_eq(d->type, PLAN_DEVICE_NET);
	return &d->net;
}

START_TEST(defaults)
{
	struct plan *plan = unit_plan(TWO("[net, net]", "[net]"));
	struct plan *again = unit_plan(TWO("[net, net]", "[net]"));
	uint8_t mac[PLAN_MAC_SIZE];
	const struct plan_net *n = net_of(plan, 0, 0);

	ck_assert(!plan_net_is_tap(n));
	ck_assert_ptr_null(n->socket);
	ck_assert_ptr_null(n->forward);
	ck_assert_uint_eq(n->queues, 1);
	ck_assert_int_eq(n->vhost, PLAN_WISH_AUTO);
	/* Each its own, a station's, nobody's by right, and always the same. */
	ck_assert(plan_net_mac(n->mac, mac));
	ck_assert_uint_eq(mac[0], 0x02);
	ck_assert_str_ne(n->mac, net_of(plan, 0, 1)->mac);
	ck_assert_str_ne(n->mac, net_of(plan, 1, 0)->mac);
	ck_assert_str_eq(n->mac, net_of(again, 0, 0)->mac);
	plan_destroy(plan);
	plan_destroy(again);
}
END_TEST

START_TEST(address)
{
	static const char *const bad[] = {"", "02:00:00:00:00", "02:00:00:00:00:01:", "2:0:0:0:0:1",
		"02-00-00-00-00-01", "01:00:00:00:00:01", "00:00:00:00:00:00", "02:00:00:00:00:0g",
		"ff:ff:ff:ff:ff:ff", "02:00:00:00:00:1"};
	uint8_t mac[PLAN_MAC_SIZE] = {0};

	ck_assert(plan_net_mac("02:ab:CD:00:ff:10", mac));
	ck_assert_mem_eq(mac, "\x02\xAB\xCD\x00\xFF\x10", 6);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!plan_net_mac(bad[i], mac), "%s", bad[i]);
}
END_TEST

static const struct {
	const char *yaml, *message;
} bad[] = {
	{ONE("[{type: net, tap: a/b}]"),
		"devices.0.tap: \"a/b\" cannot be the name of a network interface"},
	{ONE("[{type: net, tap: a123456789012345}]"), "cannot be the name of a network interface"},
	{ONE("[{type: net, bridge: \"b r\"}]"), "devices.0.bridge: \"b r\" cannot be the name"},
	{ONE("[{type: net, tap: t, socket: /s}]"),
		"devices.0.socket: a network is behind a socket"},
	{ONE("[{type: net, tap: t, forward: \"1:2\"}]"), "devices.0.forward: ports are forwarded"},
	{ONE("[{type: net, forward: \"all\"}]"), "devices.0.forward: not a list of TCP ports"},
	{ONE("[{type: net, queues: 2}]"), "devices.0.queues: only a tap device has several"},
	{ONE("[{type: net, tap: t, queues: 5}]"), "devices.0.queues: 5 is too much"},
	{ONE("[{type: net, vhost: on}]"), "devices.0.vhost: the kernel serves tap devices only"},
	{ONE("[{type: net, mac: \"03:00:00:00:00:01\"}]"),
		"devices.0.mac: \"03:00:00:00:00:01\" is not the address of a station"},
	{TWO("[{type: net, tap: t}]", "[{type: net, tap: t}]"),
		"partitions.b.devices.0.tap: t is the tap device of net0 of partition a (p.yaml:2:"},
	{TWO("[{type: net, socket: /s}]", "[{type: net, socket: /s}]"),
		"partitions.b.devices.0.socket: net0 of partition a (p.yaml:2:"},
	{TWO("[{type: net, mac: \"02:00:00:00:00:0a\"}]",
		 "[{type: net, mac: \"02:00:00:00:00:0A\"}]"),
		"partitions.b.devices.0.mac: 02:00:00:00:00:0A is the address of net0 of partition a "
		"(p.yaml:2:"},
};

START_TEST(mistakes)
{
	unit_plan_refused(bad[_i].yaml, bad[_i].message);
}
END_TEST

START_TEST(as_bytes)
{
	struct plan *plan =
		unit_plan(ONE("[{type: net, tap: t, bridge: b, queues: 4, vhost: off, mac: "
			      "\"02:00:00:00:00:01\"}, {type: net, forward: \"1:2,3\"}, "
			      "{type: net, socket: /s}]"));
	struct plan_partition *got;

	got = unit_plan_sent(&plan->partitions[0]);
	ck_assert_uint_eq(got->device_count, 3);
	ck_assert_str_eq(got->devices[0].net.tap, "t");
	ck_assert_str_eq(got->devices[0].net.bridge, "b");
	ck_assert_str_eq(got->devices[0].net.mac, "02:00:00:00:00:01");
	ck_assert_uint_eq(got->devices[0].net.queues, 4);
	ck_assert_int_eq(got->devices[0].net.vhost, PLAN_WISH_OFF);
	ck_assert_str_eq(got->devices[1].net.forward, "1:2,3");
	ck_assert_ptr_null(got->devices[1].net.tap);
	ck_assert_str_eq(got->devices[2].net.socket, "/s");
	plan_partition_destroy(got);
	plan_destroy(plan);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/net");
	TCase *tc = tcase_create("net");

	tcase_add_test(tc, defaults);
	tcase_add_test(tc, address);
	tcase_add_loop_test(tc, mistakes, 0, ARRAY_SIZE(bad));
	tcase_add_test(tc, as_bytes);
	suite_add_tcase(s, tc);
	return s;
}
