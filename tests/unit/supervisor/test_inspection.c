/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/inspection.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct plan_partition plan;
static struct inspection *in;
static char *text;

static void setup(void)
{
	static char cmdline[] = "console=ttyS2";

	plan = (struct plan_partition){.arch = PLAN_ARCH_X86_64,
		.cmdline = cmdline,
		.cpus = {.vcpus = 2},
		.serial = {{.kind = PLAN_PORT_CONSOLE}}};
	in = inspection_create(&plan);
	ck_assert_ptr_nonnull(in);
	text = NULL;
}

static void teardown(void)
{
	inspection_destroy(in);
	free(text);
}

static struct message_vcpu vcpu(unsigned index, enum partition_vcpu_state state)
{
	return (struct message_vcpu){.vcpu = index,
		.state = state,
		.looks = 4,
		.pc = 0x1000,
		.pc_min = 0x1000,
		.pc_max = 0x1000,
		.ns = 30000000,
		.mode = "32-bit, ring 0"};
}

static bool take(const struct message_vcpu *m, const char *registers)
{
	uint8_t bytes[8192];
	size_t size = strlen(registers);

	memcpy(bytes, m, sizeof(*m));
	memcpy(bytes + sizeof(*m), registers, size);
	return inspection_take_vcpu(in, bytes, sizeof(*m) + size);
}

static void finish(const struct message_inspected *rest)
{
	ck_assert(inspection_take_rest(in, rest, sizeof(*rest)));
	ck_assert(in->complete);
}

static const char *printed(void (*print)(const struct inspection *in, FILE *f))
{
	size_t size;
	FILE *f;

	free(text);
	f = open_memstream(&text, &size);
	print(in, f);
	fclose(f);
	return text;
}

START_TEST(a_hang_in_words)
{
	struct message_vcpu m = vcpu(0, PARTITION_VCPU_HALTED);
	struct message_inspected rest = {0};
	json_t *o;

	for (unsigned i = 0; i < 3; i++)
		m.last[i] = (struct message_access){
			.address = 0x3E8, .value = 'x', .size = 1, .write = 1};
	m.last[3] = (struct message_access){
		.address = 0xB8000, .value = 0x720, .space = SPACE_MEMORY, .size = 2, .owned = 1};
	m.last_count = 4;
	ck_assert(take(&m, "  RIP 1000\n  code\n"));
	m = vcpu(1, PARTITION_VCPU_OFF);
	ck_assert(take(&m, ""));
	rest.unowned[0] = (struct message_unowned){
		.address = 0x3E8, .count = 412, .write = 1, .console = 1, .name = "COM3"};
	rest.unowned[1] =
		(struct message_unowned){.address = 0xFED00000, .count = 1, .space = SPACE_MEMORY};
	rest.ports[0] = (struct message_port){.driver = PORT_DRIVER_THERE};
	finish(&rest);
	ck_assert_str_eq(printed(inspection_summarise),
		"vCPU 0 halted with interrupts off at PC 0x1000; last exits: out 0x3e8: \"xxx\", read 0xb8000, 2 bytes: 0x720; used, but nobody owns: 0x3e8 (COM3, written "
		"412 times), 0xfed00000 (read 1 time); it writes to COM3 (port 0x3e8), which this "
		"partition lacks; console=ttyS2 names a device that this partition lacks (it has "
		"ttyS0); COM1 was set up, but nothing written to it");
	ck_assert_str_eq(printed(inspection_print),
		"vCPU 0 halted with interrupts off at PC 0x1000; 32-bit, ring 0, interrupts off; 0 "
		"exits in 30 ms\n"
		"  last exits, the latest at the end:\n"
		"    out 0x3e8: \"xxx\", which nobody owns\n"
		"    read 0xb8000, 2 bytes: 0x720\n"
		"  RIP 1000\n  code\n"
		"vCPU 1 was not started by the guest\n"
		"used by the guest, but nobody owns:\n"
		"    port 0x3e8 (COM3, written 412 times)\n"
		"    address 0xfed00000 (read 1 time)\n"
		"COM1: 0 bytes written, set up by a driver\n"
		"hint: it writes to COM3 (port 0x3e8), which this partition lacks\n"
		"hint: console=ttyS2 names a device that this partition lacks (it has ttyS0)\n"
		"hint: COM1 was set up, but nothing written to it\n");
	o = inspection_json(in);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "vcpus")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "unowned")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "hints")), 3);
	json_decref(o);
}
END_TEST

/* That nothing was said is what it explains. */
START_TEST(no_console)
{
	const struct message_inspected rest = {.ports = {{.said = (uint64_t)_i}}};

	in->lacks_console = true;
	finish(&rest);
	ck_assert_int_eq(strstr(printed(inspection_summarise), "names no console=") == NULL, _i);
}
END_TEST

START_TEST(states_in_words)
{
	static const struct {
		enum partition_vcpu_state state;
		bool interrupts;
		uint64_t pc_max, exits;
		const char *text;
	} cases[] = {
		{PARTITION_VCPU_RUNS, true, 0x1000, 0, "vCPU 0 spins at PC 0x1000; no exits"},
		{PARTITION_VCPU_RUNS, true, 0x1010, 0,
			"vCPU 0 spins at PC 0x1000 to 0x1010; no exits"},
		{PARTITION_VCPU_RUNS, true, 0x1010, 9,
			"vCPU 0 loops at PC 0x1000 to 0x1010; no exits"},
		{PARTITION_VCPU_RUNS, true, 0x9000, 0, "vCPU 0 runs, at PC 0x1000; no exits"},
		{PARTITION_VCPU_HALTED, true, 0x1000, 0,
			"vCPU 0 is halted and waits for an interrupt, at PC 0x1000; no exits"},
		{PARTITION_VCPU_DEAD, false, 0x1000, 0,
			"vCPU 0 has met a fatal error and runs no more; no exits"},
		{PARTITION_VCPU_SILENT, false, 0x1000, 0,
			"vCPU 0 does not leave the guest when asked to; no exits"},
	};
	struct message_vcpu m = vcpu(0, cases[_i].state);
	const struct message_inspected rest = {0};

	plan.cmdline = NULL;
	m.interrupts = cases[_i].interrupts;
	m.pc_max = cases[_i].pc_max;
	m.exits = cases[_i].exits;
	ck_assert(take(&m, ""));
	finish(&rest);
	ck_assert_str_eq(printed(inspection_summarise), cases[_i].text);
}
END_TEST

/* Exits that are alike, or a text, are told together. */
START_TEST(exits_in_words)
{
	static const char said[] = "ok\r\n";
	struct message_vcpu m = vcpu(0, PARTITION_VCPU_RUNS);
	const struct message_inspected rest = {0};

	plan.cmdline = NULL;
	for (const char *c = said; *c; c++)
		m.last[m.last_count++] = (struct message_access){.address = 0x9000000,
			.space = SPACE_MEMORY,
			.value = (uint64_t)*c,
			.size = 4,
			.write = 1};
	for (unsigned i = 0; i < 3; i++) /* no text: the interrupt controller's */
		m.last[m.last_count++] = (struct message_access){
			.address = 0x20, .value = 0x20, .size = 1, .write = 1};
	for (unsigned i = 0; i < 2; i++)
		m.last[m.last_count++] =
			(struct message_access){.address = 0x3FD, .value = 0x60, .size = 1};
	ck_assert(take(&m, ""));
	finish(&rest);
	ck_assert_str_eq(printed(inspection_summarise),
		"vCPU 0 spins at PC 0x1000; last exits: write 0x9000000: \"ok\\r\\n\", out 0x20: 0x20 "
		"(3 times), in 0x3fd: 0x60 (2 times)");
}
END_TEST

/* Of many vCPUs the summary tells a few. */
START_TEST(many_vcpus)
{
	const struct message_inspected rest = {0};

	plan.cmdline = NULL;
	plan.cpus.vcpus = PLAN_VCPUS_MAX;
	for (unsigned i = 0; i < PLAN_VCPUS_MAX; i++) {
		struct message_vcpu m = vcpu(i, i == 3 ? PARTITION_VCPU_OFF : PARTITION_VCPU_RUNS);

		ck_assert(take(&m, ""));
	}
	finish(&rest);
	ck_assert_str_eq(printed(inspection_summarise),
		"vCPU 0 spins at PC 0x1000, vCPU 1 spins at PC 0x1000, vCPU 2 spins at PC 0x1000, "
		"vCPU 4 spins at PC 0x1000, and 59 more; no exits");
}
END_TEST

/* What a process that lies may say. */
START_TEST(lies_are_refused)
{
	struct message_vcpu m = vcpu(0, PARTITION_VCPU_RUNS);
	struct message_inspected rest = {0};

	m.vcpu = 2;
	ck_assert(!take(&m, ""));
	m = vcpu(0, PARTITION_VCPU_STATES);
	ck_assert(!take(&m, ""));
	m = vcpu(0, PARTITION_VCPU_RUNS);
	m.last_count = MESSAGE_EXITS_MAX + 1;
	ck_assert(!take(&m, ""));
	m.last_count = 1;
	m.last[0].space = SPACE_COUNT;
	ck_assert(!take(&m, ""));
	m.last[0] = (struct message_access){.size = 9};
	ck_assert(!take(&m, ""));
	m = vcpu(0, PARTITION_VCPU_RUNS);
	m.pc_min = 0x2000;
	ck_assert(!take(&m, ""));
	m = vcpu(0, PARTITION_VCPU_RUNS);
	ck_assert(!inspection_take_vcpu(in, &m, sizeof(m) - 1));
	ck_assert(take(&m, ""));
	ck_assert(!take(&m, "")); /* twice */
	ck_assert(!inspection_take_rest(in, &rest, sizeof(rest) - 1));
	rest.ports[1].driver = PORT_DRIVER_THERE + 1;
	ck_assert(!inspection_take_rest(in, &rest, sizeof(rest)));
	rest.ports[1].driver = 0;
	rest.unowned[UNOWNED_MAX - 1].space = SPACE_COUNT;
	ck_assert(!inspection_take_rest(in, &rest, sizeof(rest)));
	rest.unowned[UNOWNED_MAX - 1].space = 0;
	finish(&rest);
	m = vcpu(1, PARTITION_VCPU_RUNS);
	ck_assert(!take(&m, ""));
	ck_assert(!inspection_take_rest(in, &rest, sizeof(rest)));
}
END_TEST

/* Text without ends, escapes, and bytes that are none. */
START_TEST(text_is_made_safe)
{
	struct message_vcpu m = vcpu(0, PARTITION_VCPU_RUNS);
	struct message_inspected rest = {0};

	memset(m.mode, 'm', sizeof(m.mode));
	ck_assert(take(&m, "a\033[2Jb\n\n\xFF\xFE end"));
	memset(rest.unowned[0].name, '\x1B', sizeof(rest.unowned[0].name));
	rest.unowned[0].count = 1;
	finish(&rest);
	ck_assert_str_eq(in->vcpus[0].registers, "a?[2Jb\n\n?? end\n");
	ck_assert_uint_eq(strlen(in->vcpus[0].m.mode), MESSAGE_MODE_MAX - 1);
	ck_assert_uint_eq(strlen(in->rest.unowned[0].name), UNOWNED_NAME_MAX - 1);
	ck_assert_int_eq(in->rest.unowned[0].name[0], '?');
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/inspection");
	TCase *tc = tcase_create("inspection");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_hang_in_words);
	tcase_add_loop_test(tc, no_console, 0, 2);
	tcase_add_loop_test(tc, no_console, 0, 2);
	tcase_add_loop_test(tc, states_in_words, 0, 7);
	tcase_add_test(tc, exits_in_words);
	tcase_add_test(tc, many_vcpus);
	tcase_add_test(tc, lies_are_refused);
	tcase_add_test(tc, text_is_made_safe);
	suite_add_tcase(s, tc);
	return s;
}
