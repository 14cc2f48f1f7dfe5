/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans for arm64, and what a plan for one architecture cannot have of the other's. */
#include "lib/util.h"
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <string.h>

#define KEYS "cpus: [1], memory: 64M, image: i"

static const struct plan_options arm64_host = {.arch = PLAN_ARCH_ARM64};

/* The plan of YAML as a host of this architecture reads it; NULL, with complaints in TEXT. */
static struct plan *load_on(
	const struct plan_options *host, const char *yaml, char *ret_text, size_t size)
{
	struct plan *plan = NULL;
	struct diags diags;
	FILE *f = fmemopen(ret_text, size, "w");

	diags_init(&diags);
	plan_load_text("p.yaml", "/plans", yaml, strlen(yaml), host, &diags, &plan);
	diags_print(&diags, f, "");
	fclose(f);
	diags_fini(&diags);
	return plan;
}

START_TEST(a_plan_is_for_the_host_unless_it_says)
{
	char text[2048] = "";
	struct plan *plan = load_on(&arm64_host, "partitions: {a: {" KEYS "}}", text, sizeof(text));

	ck_assert_msg(plan != NULL, "%s", text);
	ck_assert_int_eq(plan->arch, PLAN_ARCH_ARM64);
	ck_assert_int_eq(plan->partitions[0].arch, PLAN_ARCH_ARM64);
	ck_assert_uint_eq(plan->partitions[0].load_address, PLAN_LOAD_ADDRESS_ARM64);
	ck_assert_uint_eq(plan->partitions[0].entry, PLAN_LOAD_ADDRESS_ARM64);
	plan_destroy(plan);
	/* Where the key stands does not matter. */
	plan = load_on(
		&arm64_host, "partitions: {a: {" KEYS "}}\narch: x86-64", text, sizeof(text));
	ck_assert_msg(plan != NULL, "%s", text);
	ck_assert_int_eq(plan->arch, PLAN_ARCH_X86_64);
	ck_assert_int_eq(plan->partitions[0].arch, PLAN_ARCH_X86_64);
	ck_assert_uint_eq(plan->partitions[0].load_address, PLAN_LOAD_ADDRESS_X86);
	plan_destroy(plan);
}
END_TEST

START_TEST(what_an_arm64_machine_has)
{
	struct plan *plan = unit_plan(
		"arch: arm64\npartitions:\n"
		"  a: {" KEYS ", nested: true, on_violation: serror, arm64: {gic: v2, "
		"its: off, pmu: on, sve: off, pauth: on, psci: 1.1, overlay: x.dtbo}}\n"
		"  b: {cpus: {count: 64}, memory: 2M, image: {path: i, type: arm64-image}}\n"
		"  c: {cpus: [2], memory: 2M, image: {path: i, entry: 0x50000000}}\n");
	const struct plan_partition *a = &plan->partitions[0], *b = &plan->partitions[1];

	ck_assert(a->nested);
	ck_assert_int_eq(a->on_violation, PLAN_VIOLATION_SERROR);
	ck_assert_int_eq(a->arm64.gic, PLAN_GIC_V2);
	ck_assert_int_eq(a->arm64.its, PLAN_WISH_OFF);
	ck_assert_int_eq(a->arm64.pmu, PLAN_WISH_ON);
	ck_assert_int_eq(a->arm64.sve, PLAN_WISH_OFF);
	ck_assert_int_eq(a->arm64.pauth, PLAN_WISH_ON);
	ck_assert_int_eq(a->arm64.psci, PLAN_PSCI_1_1);
	ck_assert_str_eq(a->arm64.overlay, "/plans/x.dtbo");
	ck_assert_uint_eq(a->locs[PLAN_KEY_OVERLAY].line, 3);
	ck_assert(!b->nested);
	ck_assert_int_eq(b->image_type, PLAN_IMAGE_ARM64);
	ck_assert_int_eq(b->arm64.gic, PLAN_GIC_AUTO);
	ck_assert_int_eq(b->arm64.its, PLAN_WISH_AUTO);
	ck_assert_int_eq(b->arm64.psci, PLAN_PSCI_AUTO);
	ck_assert_ptr_null(b->arm64.overlay);
	ck_assert_uint_eq(plan->partitions[2].load_address, PLAN_LOAD_ADDRESS_ARM64);
	ck_assert_uint_eq(plan->partitions[2].entry, 0x50000000);
	plan_destroy(plan);
}
END_TEST

/* What YAML that was printed says, printed again; as read on a host of the other architecture. */
START_TEST(plans_replay_on_any_host)
{
	static const char *const yaml[] = {
		"arch: arm64\npartitions: {a: {" KEYS "}}\n",
		"arch: arm64\npartitions: {a: {" KEYS ", arm64: {psci: '1.0', its: on}}}\n",
		"arch: arm64\npartitions: {a: {" KEYS ", arm64: {overlay: a b.dtbo}, nested: true, "
		"role: safety, status_page: {address: 0x9ff0000, irq: 223}}}\n",
		"arch: x86-64\npartitions: {a: {" KEYS "}}\n",
	};
	const struct plan_options hosts[] = {{.arch = PLAN_ARCH_X86_64}, arm64_host};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(yaml); i++) {
		char text[2][4096] = {"", ""}, complaints[2048] = "";
		struct plan *plan = unit_plan(yaml[i / 2]);
		FILE *f = fmemopen(text[0], sizeof(text[0]), "w");

		plan_print_yaml(plan, f);
		fclose(f);
		plan_destroy(plan);
		plan = load_on(&hosts[i % 2], text[0], complaints, sizeof(complaints));
		ck_assert_msg(plan != NULL, "%s", complaints);
		f = fmemopen(text[1], sizeof(text[1]), "w");
		plan_print_yaml(plan, f);
		fclose(f);
		plan_destroy(plan);
		ck_assert_str_eq(text[0], text[1]);
		ck_assert_int_eq(strstr(text[0], "\n    arm64: {gic:") != NULL, i / 2 < 3);
	}
}
END_TEST

START_TEST(it_reaches_the_partition_s_process)
{
	struct plan *plan =
		unit_plan("arch: arm64\npartitions: {a: {" KEYS ", nested: true, arm64: "
			  "{gic: v3, its: on, pmu: off, sve: on, pauth: off, psci: '1.3', "
			  "overlay: o}}}");
	struct plan_partition *p = NULL;
	AUTO_FREE void *buf = NULL;
	size_t size = 0;

	ck_assert_int_eq(plan_partition_encode(&plan->partitions[0], &buf, &size), 0);
	plan_destroy(plan);
	ck_assert_int_eq(plan_partition_decode(buf, size, &p), 0);
	ck_assert_int_eq(p->arch, PLAN_ARCH_ARM64);
	ck_assert(p->nested);
	ck_assert_int_eq(p->arm64.gic, PLAN_GIC_V3);
	ck_assert_int_eq(p->arm64.its, PLAN_WISH_ON);
	ck_assert_int_eq(p->arm64.pmu, PLAN_WISH_OFF);
	ck_assert_int_eq(p->arm64.sve, PLAN_WISH_ON);
	ck_assert_int_eq(p->arm64.pauth, PLAN_WISH_OFF);
	ck_assert_int_eq(p->arm64.psci, PLAN_PSCI_1_3);
	ck_assert_str_eq(p->arm64.overlay, "/plans/o");
	plan_partition_destroy(p);
}
END_TEST

static const struct {
	const char *top, *keys, *complaint;
} refused[] = {
	{"arch: arm\n", "", "p.yaml:1:7: arch: unknown value \"arm\"; use x86-64 or arm64\n"},
	{"", "arm64: {}",
		"p.yaml:2:48: partitions.a.arm64: the plan is for x86-64; remove it, or say arch: "
		"arm64\n"},
	{"", "on_violation: serror",
		"p.yaml:2:55: partitions.a.on_violation: there is no SError on x86-64, which the "
		"plan is for; use inject\n"},
	{"", "role: safety, status_page: {address: 0xfed80000, irq: 24}",
		"p.yaml:2:78: partitions.a.status_page.irq: 24 is too much; give an IOAPIC pin, at "
		"most 23\n"},
	{"", "nested: maybe",
		"p.yaml:2:49: partitions.a.nested: \"maybe\" is neither true nor false; write true "
		"or false without quotes\n"},
	{"arch: arm64\n", "arm64: ~",
		"p.yaml:3:48: partitions.a.arm64: no value; give a mapping, such as {gic: ...}\n"},
	{"arch: arm64\n", "arm64: v3",
		"p.yaml:3:48: partitions.a.arm64: this is no mapping; give a mapping, such as {gic: "
		"...}\n"},
	{"arch: arm64\n", "arm64: {gic: v4}",
		"p.yaml:3:54: partitions.a.arm64.gic: unknown value \"v4\"; use auto, v2 or v3\n"},
	{"arch: arm64\n", "arm64: {psci: 2.0}",
		"p.yaml:3:55: partitions.a.arm64.psci: unknown value \"2.0\"; use auto, 0.2, 1.0, "
		"1.1, 1.2 or 1.3\n"},
	{"arch: arm64\n", "arm64: {gic: v2, its: on}",
		"p.yaml:3:48: partitions.a.arm64.its: an ITS takes a GICv3, and arm64.gic is v2; "
		"use v3, or leave the ITS out\n"},
	{"arch: arm64\n", "contract: fusa",
		"p.yaml:3:51: partitions.a.contract: fusa is a contract of x86-64, and the plan is "
		"for arm64; use standard\n"},
	{"arch: arm64\n", "debug: true",
		"p.yaml:3:3: partitions.a.debug: only with contract: fusa, which is one of x86-64; "
		"leave it out\n"},
	{"arch: arm64\n", "modules: [m]",
		"p.yaml:3:50: partitions.a.modules: modules are for multiboot images, which are for "
		"x86-64; leave them out\n"},
	{"arch: arm64\n", "role: safety, status_page: {address: 0x9ff0000, irq: 224}",
		"p.yaml:3:94: partitions.a.status_page.irq: 224 is too much; give at most 223\n"},
};

START_TEST(what_is_the_other_architecture_s_is_refused)
{
	char yaml[512], text[2048] = "";

	snprintf(yaml, sizeof(yaml), "%spartitions:\n  a: {" KEYS ", %s}\n", refused[_i].top,
		refused[_i].keys);
	ck_assert_ptr_null(unit_load_plan(yaml, text, sizeof(text)));
	ck_assert_str_eq(text, refused[_i].complaint);
}
END_TEST

START_TEST(image_types)
{
	static const struct {
		const char *arch, *type;
		bool fits;
	} cases[] = {{"x86-64", "bzimage", true}, {"x86-64", "multiboot", true},
		{"x86-64", "arm64-image", false}, {"x86-64", "elf", true}, {"arm64", "elf", true},
		{"arm64", "raw", true}, {"arm64", "arm64-image", true}, {"arm64", "bzimage", false},
		{"arm64", "multiboot", false}, {"arm64", "multiboot2", false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char yaml[512], text[2048] = "", complaint[512] = "";
		struct plan *plan;

		snprintf(yaml, sizeof(yaml),
			"arch: %s\npartitions: {a: {cpus: [1], memory: 64M, image: {path: i, type: "
			"%s}}}",
			cases[i].arch, cases[i].type);
		plan = unit_load_plan(yaml, text, sizeof(text));
		if (!cases[i].fits)
			snprintf(complaint, sizeof(complaint),
				"p.yaml:2:56: partitions.a.image.type: there are no images of type "
				"%s for %s, which the plan is for; use another, or change arch\n",
				cases[i].type, cases[i].arch);
		ck_assert_int_eq(plan != NULL, cases[i].fits);
		ck_assert_str_eq(text, complaint);
		plan_destroy(plan);
	}
}
END_TEST

START_TEST(a_gicv2_has_eight_vcpus)
{
	char text[2048] = "";

	plan_destroy(
		unit_plan("arch: arm64\npartitions: {a: {cpus: {count: 8}, memory: 64M, image: i, "
			  "arm64: {gic: v2}}}"));
	ck_assert_ptr_null(unit_load_plan("arch: arm64\npartitions: {a: {cpus: {count: 9}, memory: "
					  "64M, image: i, arm64: {gic: v2}}}",
		text, sizeof(text)));
	ck_assert_str_eq(text,
		"p.yaml:2:66: partitions.a.arm64.gic: a GICv2 has 8 vCPUs at most, and the "
		"partition has 9; use v3, or give it fewer\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/arch");
	TCase *t = tcase_create("arch");

	tcase_add_test(t, a_plan_is_for_the_host_unless_it_says);
	tcase_add_test(t, what_an_arm64_machine_has);
	tcase_add_test(t, plans_replay_on_any_host);
	tcase_add_test(t, it_reaches_the_partition_s_process);
	tcase_add_loop_test(t, what_is_the_other_architecture_s_is_refused, 0, ARRAY_SIZE(refused));
	tcase_add_test(t, image_types);
	tcase_add_test(t, a_gicv2_has_eight_vcpus);
	suite_add_tcase(s, t);
	return s;
}
