/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions of shared memory: their keys, what becomes of them in partitions, what is refused. */
#include "lib/util.h"
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PART(name, more) "  " name ": {cpus: {count: 1}, memory: 64M, image: v" more "}\n"
#define TWO              "partitions:\n" PART("a", "") PART("b", "")
#define REGION(keys)     TWO "shared:\n  r: {" keys "}\n"
#define V2(keys)         REGION("type: ivshmem-v2, " keys)
#define V1(keys)         REGION("type: ivshmem-v1, " keys)

START_TEST(defaults)
{
	struct plan *plan = unit_plan(V2("peers: [b, a]"));
	const struct plan_region *r = plan_region_find(plan, "r");
	const struct plan_device *d;

	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_null(plan_region_find(plan, "s"));
	ck_assert_int_eq(r->type, PLAN_REGION_IVSHMEM_V2);
	ck_assert_uint_eq(r->size, 0);
	ck_assert_uint_eq(r->output, 64 * KIB);
	ck_assert_uint_eq(r->vectors, 2);
	ck_assert_uint_eq(r->protocol, 0);
	ck_assert_int_eq(plan_region_peer(r, &plan->partitions[0]), 1);
	ck_assert_int_eq(plan_region_peer(r, &plan->partitions[1]), 0);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(plan->partitions[i].device_count, 1);
		d = &plan->partitions[i].devices[0];
		ck_assert_int_eq(d->type, PLAN_DEVICE_IVSHMEM);
		ck_assert_str_eq(d->name, "ivshmem0");
		ck_assert_str_eq(d->ivshmem.region, "r");
		ck_assert_uint_eq(d->slot, 1);
		ck_assert_uint_eq(d->ivshmem.end.id, 1 - i);
		ck_assert_uint_eq(d->ivshmem.end.peers, 2);
		ck_assert_uint_eq(d->ivshmem.end.output, 64 * KIB);
		/* The section, two files, two notices, two vectors of two peers. */
		ck_assert_uint_eq(plan_region_fds(&d->ivshmem.end), 5 + 2 * 2);
	}
	plan_destroy(plan);
}
END_TEST

/* Behind the devices that the plan lists, unless it lists them, too. */
START_TEST(where_devices_go)
{
	struct plan *plan = unit_plan(
		"shared:\n"
		"  r: {type: ivshmem-v2, peers: [a, b], protocol: 0x4001, vectors: 16}\n"
		"  s: {type: ivshmem-v1, peers: [a, b], size: 2M, readers: [b]}\n"
		"partitions:\n" PART("a", ", devices: [rng, {type: ivshmem, region: s, slot: 1}]")
			PART("b", ""));
	const struct plan_partition *a = &plan->partitions[0], *b = &plan->partitions[1];

	ck_assert_uint_eq(a->device_count, 3);
	ck_assert_uint_eq(a->devices[0].slot, 2);
	ck_assert_str_eq(a->devices[1].ivshmem.region, "s");
	ck_assert_uint_eq(a->devices[1].slot, 1);
	ck_assert_str_eq(a->devices[1].name, "ivshmem0");
	ck_assert_str_eq(a->devices[2].ivshmem.region, "r");
	ck_assert_uint_eq(a->devices[2].slot, 3);
	ck_assert_str_eq(a->devices[2].name, "ivshmem1");
	ck_assert_uint_eq(a->devices[2].ivshmem.end.protocol, 0x4001);
	ck_assert_uint_eq(a->devices[2].ivshmem.end.vectors, 16);
	ck_assert(!a->devices[1].ivshmem.end.readonly);
	ck_assert_uint_eq(b->device_count, 2);
	ck_assert_str_eq(b->devices[0].ivshmem.region, "r");
	ck_assert(b->devices[1].ivshmem.end.readonly);
	ck_assert_uint_eq(b->devices[1].ivshmem.end.size, 2 * MIB);
	ck_assert_int_eq(b->devices[1].ivshmem.end.type, PLAN_REGION_IVSHMEM_V1);
	ck_assert_uint_eq(plan_region_fds(&b->devices[1].ivshmem.end), 1 + 2 * 2);
	plan_destroy(plan);
}
END_TEST

/* Both places are named. */
static const struct {
	const char *yaml, *message;
} bad[] = {
	{TWO "shared: [r]\n", "shared: this is a list; give a mapping, such as NAME: {type:"},
	{TWO "shared:\n  r: x\n",
		"shared.r.type: unknown value \"x\"; use ivshmem-v2 or ivshmem-v1"},
	{REGION("peers: [a, b]"), "shared.r.type: missing; add this key"},
	{REGION("type: ivshmem, peers: [a, b]"), "use ivshmem-v2 or ivshmem-v1"},
	{V2("vectors: 2"), "shared.r.peers: missing"},
	{V2("peers: a"), "shared.r.peers: this is text; give a list, such as [rt, linux]"},
	{V2("peers: []"), "shared.r.peers: no peer of a region"},
	{V2("peers: [a]"), "p.yaml:5:3: shared.r.peers: one peer of a region"},
	{V2("peers: [a, b, a]"),
		"shared.r.peers.2: partition a is listed twice, first at p.yaml:5:33; remove"},
	{V2("peers: [a, c]"), "p.yaml:5:36: shared.r.peers.1: the plan has no partition \"c\""},
	{V2("peers: [a, b, a, a, a, a, a, a, a, a, a, a, a]"), "13 partitions; give at most 12"},
	{V2("peers: [a, b], size: 1M"), "shared.r.size: unknown key"},
	{V2("peers: [a, b], readers: [a]"), "shared.r.readers: unknown key"},
	{V2("peers: [a, b], output: 100"), "shared.r.output: 100 is not a multiple of 4K"},
	{V2("peers: [a, b], output: 65M"), "shared.r.output: 65M is too much; give at most 64M"},
	{V2("peers: [a, b], read_write: 1G"), "is too much; give at most 512M"},
	{V2("peers: [a, b], protocol: 0x10000"), "shared.r.protocol: 0x10000 is too much"},
	{V2("peers: [a, b], vectors: 17"), "shared.r.vectors: 17 is too much"},
	{V2("peers: [a, b], vectors: 0"), "shared.r.vectors: 0 is too little"},
	{V1("peers: [a, b]"), "shared.r.size: missing"},
	{V1("peers: [a, b], size: 3M"), "shared.r.size: 3M is no power of two"},
	{V1("peers: [a, b], size: 1M, output: 4K"), "shared.r.output: unknown key"},
	{V1("peers: [a, b], size: 1M, readers: [c]"),
		"shared.r.readers.0: partition c is none of its peers (p.yaml:5:3)"},
	{V1("peers: [a, b], size: 1M, readers: [a, a]"),
		"shared.r.readers.1: partition a is listed twice, first at p.yaml:5:60"},
	{V1("peers: [a, b], size: 1M, readers: [a, b]"), "shared.r.readers: all of its peers may"},
	{TWO "shared:\n  R 1: {type: ivshmem-v2, peers: [a, b]}\n", "not a region's name"},
	{TWO "shared:\n  r: {type: ivshmem-v2, peers: [a, b]}\n"
	     "  r: {type: ivshmem-v2, peers: [a, b]}\n",
		"shared.r: given twice"},
	{"partitions:\n" PART("a", ", devices: [ivshmem]"), "devices.0.region: missing"},
	{"partitions:\n" PART("a", ", devices: [{type: ivshmem, region: q}]"),
		"partitions.a.devices.0.region: `shared` has no region \"q\""},
	{"shared: {r: {type: ivshmem-v2, peers: [a, b]}}\n"
	 "partitions:\n" PART("a", "") PART("b", "")
			PART("c", ", devices: [{type: ivshmem, region: r}]"),
		"partitions.c.devices.0.region: this partition is none of the peers of r "
		"(p.yaml:1:10)"},
	{"shared: {r: {type: ivshmem-v2, peers: [a, b]}}\npartitions:\n" PART("b", "") PART(
		 "a", ", devices: [{type: ivshmem, region: r}, {type: ivshmem, region: r}]"),
		"partitions.a.devices.1.region: r has a device here already, ivshmem0 (p.yaml:4:"},
	{"shared: {r: {type: ivshmem-v2, peers: [a, b]}}\npartitions:\n" PART("b", "") PART("a",
		 ", devices: [rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng, rng,"
		 " rng, rng]"),
		"partitions.a.devices: 17 devices with those of the regions of `shared`"},
	{"shared: {r: {type: ivshmem-v2, peers: [a, b]}}\npartitions:\n" PART(
		 "b", "") "  a: {role: safety, contract: fusa, cpus: [1], memory: 64M, image: v}\n",
		"shared.r.peers.0: partition a has contract: fusa (p.yaml:4:"},
};

START_TEST(refusals)
{
	unit_plan_refused(bad[_i].yaml, bad[_i].message);
}
END_TEST

/* Sixteen vectors of twelve peers are 192 doorbells; a second such region is too much. */
START_TEST(doorbells_are_bounded)
{
	char yaml[4096];
	int n = snprintf(yaml, sizeof(yaml), "partitions:\n");

	for (int i = 0; i < PLAN_PEERS_MAX; i++)
		n += snprintf(yaml + n, sizeof(yaml) - (size_t)n,
			"  p%d: {cpus: {count: 1}, memory: 64M, image: v}\n", i);
	n += snprintf(yaml + n, sizeof(yaml) - (size_t)n,
		"shared:\n"
		"  r: &r {type: ivshmem-v2, vectors: 16, peers: [p0, p1, p2, p3, p4, p5, p6, p7, p8,"
		" p9, p10, p11]}\n");
	plan_destroy(unit_plan(yaml));
	snprintf(yaml + n, sizeof(yaml) - (size_t)n, "  s: *r\n");
	unit_plan_refused(yaml, "partitions.p3.devices: 384 doorbells");
}
END_TEST

START_TEST(through_bytes)
{
	struct plan *plan = unit_plan(V1("peers: [a, b], size: 1M, readers: [b], vectors: 3"));
	struct plan_partition *got;
	struct plan_region_end *e;
	size_t size;
	void *bytes;

	got = unit_plan_sent(&plan->partitions[1]);
	ck_assert_uint_eq(got->device_count, 1);
	e = &got->devices[0].ivshmem.end;
	ck_assert_str_eq(got->devices[0].ivshmem.region, "r");
	ck_assert_int_eq(e->type, PLAN_REGION_IVSHMEM_V1);
	ck_assert_uint_eq(e->id, 1);
	ck_assert_uint_eq(e->peers, 2);
	ck_assert_uint_eq(e->vectors, 3);
	ck_assert_uint_eq(e->size, 1 * MIB);
	ck_assert(e->readonly);
	plan_partition_destroy(got);
	/* Whoever sends it is not believed. */
	e = &plan->partitions[1].devices[0].ivshmem.end;
	e->id = e->peers;
	ck_assert_int_eq(plan_partition_encode(&plan->partitions[1], &bytes, &size), -EINVAL);
	plan_destroy(plan);
}
END_TEST

START_TEST(prints_what_replays)
{
	struct plan *plan = unit_plan(V1("peers: [a, b], size: 1M, readers: [b]"));
	char *first = unit_replay_plan(plan);

	ck_assert_ptr_nonnull(strstr(first, "shared:\n  r:\n    type: ivshmem-v1\n"));
	ck_assert_ptr_nonnull(strstr(first, "\n    peers: [a, b]\n"));
	ck_assert_ptr_nonnull(strstr(first, "\n    readers: [b]\n"));
	ck_assert_ptr_nonnull(strstr(first, "{type: ivshmem, name: ivshmem0, slot: 1, region: r}"));
	free(first);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/shared");
	TCase *t = tcase_create("shared");

	tcase_add_test(t, defaults);
	tcase_add_test(t, where_devices_go);
	tcase_add_loop_test(t, refusals, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(t, doorbells_are_bounded);
	tcase_add_test(t, through_bytes);
	tcase_add_test(t, prints_what_replays);
	suite_add_tcase(s, t);
	return s;
}
