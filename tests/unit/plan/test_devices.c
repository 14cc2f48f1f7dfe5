/* SPDX-License-Identifier: BSD-3-Clause */
/* The devices of a plan: keys by type, names, slots, and back from bytes. */
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define PLAN(devices) "partitions:\n  a: {cpus: [1], memory: 64M, image: v, devices: " devices "}\n"

static void check(
	const struct plan_device *d, const char *name, enum plan_transport transport, unsigned slot)
{
	ck_assert_int_eq(d->type, PLAN_DEVICE_RNG);
	ck_assert_str_eq(d->name, name);
	ck_assert_int_eq(d->transport, transport);
	ck_assert_uint_eq(d->slot, slot);
}

START_TEST(names_and_slots_are_given)
{
	struct plan *plan =
		unit_plan(PLAN("[rng, {type: rng, slot: 1}, {type: rng, transport: mmio},"
			       " {type: rng, name: entropy}]"));
	const struct plan_partition *p = &plan->partitions[0];

	ck_assert_uint_eq(p->device_count, 4);
	check(&p->devices[0], "rng0", PLAN_TRANSPORT_PCI, 2);
	check(&p->devices[1], "rng1", PLAN_TRANSPORT_PCI, 1);
	check(&p->devices[2], "rng2", PLAN_TRANSPORT_MMIO, 0);
	check(&p->devices[3], "entropy", PLAN_TRANSPORT_PCI, 3);
	plan_destroy(plan);
}
END_TEST

START_TEST(none_by_default)
{
	struct plan *plan = unit_plan("partitions:\n  a: {cpus: [1], memory: 64M, image: v}\n");

	ck_assert_uint_eq(plan->partitions[0].device_count, 0);
	plan_destroy(plan);
}
END_TEST

static const struct {
	const char *yaml, *message;
} bad[] = {
	{PLAN("rng"), "partitions.a.devices: this is text; give a list"},
	{PLAN("[disk]"), "devices.0.type: unknown value \"disk\"; use rng, "},
	{PLAN("[{slot: 1}]"), "devices.0.type: missing; add this key"},
	{PLAN("[{type: [rng]}]"), "devices.0.type: this is a list"},
	{PLAN("[[rng]]"), "devices.0: this is a list; give a type, or a mapping"},
	{PLAN("[{type: rng, slots: 1}]"), "devices.0.slots: unknown key; did you mean slot?"},
	{PLAN("[{type: rng, slot: 0}]"), "devices.0.slot: 0 is too little"},
	{PLAN("[{type: rng, slot: 32}]"), "devices.0.slot: 32 is too much"},
	{PLAN("[{type: rng, slot: 3}, {type: rng, slot: 3}]"),
		"devices.1.slot: slot 3 is taken by rng0 (p.yaml:2:"},
	{PLAN("[{type: rng, slot: 3, transport: mmio}]"), "a slot is for PCI"},
	{PLAN("[{type: rng, name: x}, {type: rng, name: x}]"),
		"devices.1.name: \"x\" is the name of another device (p.yaml:2:"},
	{PLAN("[{type: rng, name: \"A B\"}]"), "devices.0.name: not a device's name"},
	{PLAN("[{type: rng, transport: isa}]"), "unknown value \"isa\"; use pci or mmio"},
	{PLAN("[rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, "
	      "rng]"),
		"17 devices; give at most 16"},
	{PLAN("[{type: rng, transport: mmio}, {type: rng, transport: mmio}, {type: rng, "
	      "transport: mmio}, {type: rng, transport: mmio}, {type: rng, transport: mmio}]"),
		"5 devices have transport: mmio; at most 4 may"},
	{PLAN("[{type: fs, path: /a}]"), "devices.0.tag: missing; add this key"},
	{PLAN("[{type: fs, tag: t}]"), "devices.0: nothing to share; give path: FOLDER"},
	{PLAN("[{type: fs, tag: t, path: /a, socket: /b}]"), "devices.0: path and socket;"},
	{PLAN("[{type: fs, tag: t, socket: /b, readonly: true}]"), "readonly with a socket;"},
	{PLAN("[{type: fs, tag: \"\", path: /a}]"), "devices.0.tag: 0 bytes; a tag has 1 to 36"},
	{PLAN("[{type: fs, tag: 1234567890123456789012345678901234567, path: /a}]"),
		"devices.0.tag: 37 bytes; a tag has 1 to 36"},
	{PLAN("[{type: fs, tag: t, path: /a}, {type: fs, tag: t, path: /b}]"),
		"devices.1.tag: fs0 (p.yaml:2:"},
	{PLAN("[vsock]"), "devices.0.cid: missing; add this key"},
	{PLAN("[{type: vsock, cid: 2}]"), "devices.0.cid: 2 is too little"},
	{PLAN("[{type: vsock, cid: 4294967295}]"), "devices.0.cid: 4294967295 is too much"},
	{PLAN("[{type: vsock, cid: 3}, {type: vsock, cid: 4}]"),
		"devices.1.cid: a second vsock beside vsock0 (p.yaml:2:"},
	{PLAN("[{type: vsock, cid: 3}]") "  b: {cpus: [2], memory: 64M, image: v, devices: [{type: "
					 "vsock, cid: 3}]}\n",
		"partitions.b.devices.0.cid: 3 is the cid of partition a (p.yaml:2:"},
	{"partitions:\n  a: {role: safety, contract: fusa, cpus: [1], memory: 64M, image: v, "
	 "devices: [rng]}\n",
		"the contract fusa has no devices but its own"},
};

START_TEST(refusals)
{
	unit_plan_refused(bad[_i].yaml, bad[_i].message);
}
END_TEST

START_TEST(through_bytes)
{
	struct plan *plan = unit_plan(PLAN(
		"[{type: rng, slot: 9}, {type: rng, transport: mmio}, "
		"{type: vsock, cid: 4294967294}, {type: fs, tag: t, path: /a, readonly: true}]"));
	struct plan_partition *got;

	got = unit_plan_sent(&plan->partitions[0]);
	ck_assert_uint_eq(got->device_count, 4);
	ck_assert_int_eq(got->devices[3].type, PLAN_DEVICE_FS);
	ck_assert_str_eq(got->devices[3].fs.tag, "t");
	ck_assert_str_eq(got->devices[3].fs.path, "/a");
	ck_assert_ptr_null(got->devices[3].fs.socket);
	ck_assert(got->devices[3].fs.readonly);
	ck_assert_int_eq(got->devices[2].type, PLAN_DEVICE_VSOCK);
	ck_assert_uint_eq(got->devices[2].vsock.cid, 4294967294);
	check(&got->devices[0], "rng0", PLAN_TRANSPORT_PCI, 9);
	check(&got->devices[1], "rng1", PLAN_TRANSPORT_MMIO, 0);
	plan_partition_destroy(got);
	plan_destroy(plan);
}
END_TEST

START_TEST(prints_what_replays)
{
	struct plan *plan = unit_plan(PLAN("[{type: rng, slot: 9}, {type: rng, transport: mmio}]"));
	char *first = unit_replay_plan(plan);

	ck_assert_ptr_nonnull(strstr(first, "{type: rng, name: rng0, slot: 9, transport: pci}"));
	ck_assert_ptr_nonnull(strstr(first, "slot: null, transport: mmio"));
	free(first);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/devices");
	TCase *t = tcase_create("devices");

	tcase_add_test(t, names_and_slots_are_given);
	tcase_add_test(t, none_by_default);
	tcase_add_loop_test(t, refusals, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(t, through_bytes);
	tcase_add_test(t, prints_what_replays);
	suite_add_tcase(s, t);
	return s;
}
