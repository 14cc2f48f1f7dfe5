/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: serial ports and those of virtio consoles, their names and numbers, and links. */
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define A(keys)      "  a: {cpus: [1], memory: 64M, image: v" keys "}\n"
#define B(keys)      "  b: {cpus: [2], memory: 64M, image: v" keys "}\n"
#define TWO(a, b)    "partitions:\n" A(", serial: " a) B(", serial: " b)
#define PORTS(ports) "partitions:\n" A(", devices: [{type: console, ports: " ports "}]")

START_TEST(numbers_and_names)
{
	static const char *const labels[PLAN_PORTS_MAX] = {
		"com1", NULL, "hvc0", "org.example", "hvc1", NULL, "hvc2"};
	struct plan *plan = unit_plan("partitions:\n" A(
		", devices: [{type: console, ports: [console, {name: org.example, to: null}, pty, "
		"none]}, rng, console]"));
	const struct plan_partition *p = &plan->partitions[0];
	char buf[PLAN_PORT_NAME_MAX], title[PLAN_PORT_TITLE_MAX], key[PLAN_PORT_KEY_MAX];
	char path[PATH_MAX];

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		ck_assert_int_eq(plan_port(p, i) != NULL, labels[i] != NULL);
		if (!labels[i])
			continue;
		ck_assert_str_eq(plan_port_label(p, i, buf), labels[i]);
		ck_assert_int_eq(plan_port_find(p, labels[i]), (int)i);
	}
	ck_assert_int_eq(plan_port_find(p, "1"), 0);
	ck_assert_int_eq(plan_port_find(p, "3"), 2);
	ck_assert_int_eq(plan_port_find(p, "2"), -1);
	ck_assert_int_eq(plan_port_find(p, "com2"), -1);
	ck_assert_int_eq(plan_port_find(p, ""), -1);
	ck_assert_uint_eq(plan_device_port(p, 0), 2);
	ck_assert_uint_eq(plan_device_port(p, 2), 6);
	ck_assert_str_eq(plan_port_title(p, 0, title), "COM1");
	ck_assert_str_eq(plan_port_title(p, 3, title), "port org.example");
	ck_assert_str_eq(plan_port_title(p, 4, title), "hvc1");
	ck_assert_str_eq(plan_port_key(p, 1, key), "serial.1");
	ck_assert_str_eq(plan_port_key(p, 3, key), "devices.0.ports.1");
	ck_assert_str_eq(plan_port_key(p, 6, key), "devices.2.ports.0");
	ck_assert_int_eq(plan_log_path("d", p, 3, path), 0);
	ck_assert_str_eq(path, "d/a.org.example.log");
	/* Whoever has a virtio console on the run's console means it. */
	ck_assert_int_eq(plan_port_main(p), 2);
	plan_destroy(plan);

	plan = unit_plan("arch: arm64\npartitions:\n" A(", serial: [null, console]"));
	ck_assert_int_eq(plan_port_main(&plan->partitions[0]), 1);
	ck_assert_str_eq(plan_port_title(&plan->partitions[0], 1, title), "UART1");
	plan_destroy(plan);
	plan = unit_plan(PORTS("[{name: x, to: console}, pty]"));
	ck_assert_int_eq(plan_port_main(&plan->partitions[0]), 0);
	plan_destroy(plan);
	plan = unit_plan("partitions:\n" A(", serial: [none], devices: [rng]"));
	ck_assert_int_eq(plan_port_main(&plan->partitions[0]), -1);
	plan_destroy(plan);
}
END_TEST

static void check_port(
	const struct plan_port *port, enum plan_port_kind kind, const char *path, const char *name)
{
	ck_assert_int_eq(port->kind, kind);
	if (path)
		ck_assert_str_eq(port->path, path);
	else
		ck_assert_ptr_null(port->path);
	if (name)
		ck_assert_str_eq(port->name, name);
	else
		ck_assert_ptr_null(port->name);
}

START_TEST(ways_to_write_a_port)
{
	struct plan *plan =
		unit_plan(PORTS("[console, {to: null}, {to: none}, \"file:x y\", "
				"socket:s, {socket: /t, name: a.b-c_1}, {name: ~, to: pty}, "
				"{name: z, file: f}]"));
	const struct plan_device *d = &plan->partitions[0].devices[0];

	ck_assert_uint_eq(d->console.port_count, 8);
	check_port(&d->console.ports[0], PLAN_PORT_CONSOLE, NULL, NULL);
	check_port(&d->console.ports[1], PLAN_PORT_NULL, NULL, NULL);
	check_port(&d->console.ports[2], PLAN_PORT_NONE, NULL, NULL);
	check_port(&d->console.ports[3], PLAN_PORT_FILE, "/plans/x y", NULL);
	check_port(&d->console.ports[4], PLAN_PORT_SOCKET, "/plans/s", NULL);
	check_port(&d->console.ports[5], PLAN_PORT_SOCKET, "/t", "a.b-c_1");
	check_port(&d->console.ports[6], PLAN_PORT_PTY, NULL, NULL);
	check_port(&d->console.ports[7], PLAN_PORT_FILE, "/plans/f", "z");
	plan_destroy(plan);
}
END_TEST

START_TEST(links)
{
	static const char *const names[] = {"a.com2", "a.1", "a.uart1", "a.COM2"};
	unsigned part, port;

	for (unsigned i = 0; i < 4; i++) {
		char yaml[512];
		struct plan *plan;

		snprintf(yaml, sizeof(yaml), TWO("[console, {link: b.com1}]", "[\"link:%s\"]"),
			names[i]);
		plan = unit_plan(yaml);
		ck_assert(plan_link_find(plan, &plan->partitions[0].serial[1], &part, &port));
		ck_assert_uint_eq(part, 1);
		ck_assert_uint_eq(port, 0);
		ck_assert(plan_link_find(plan, &plan->partitions[1].serial[0], &part, &port));
		ck_assert_uint_eq(part, 0);
		ck_assert_uint_eq(port, 1);
		plan_destroy(plan);
	}
}
END_TEST

static const struct {
	const char *yaml, *message;
} bad[] = {
	{TWO("[\"link:b.com1\"]", "[console]"), "partitions.a.serial.0: COM1 of b (p.yaml:3:"},
	{TWO("[\"link:b.com1\"]", "[\"link:a.com2\", console]"),
		"partitions.a.serial.0: COM1 of b (p.yaml:3:"},
	{TWO("[\"link:b.com1\"]", "[\"link:a.com2\", console]"),
		"partitions.b.serial.0: COM2 of a (p.yaml:2:"},
	{TWO("[\"link:b.com1\", \"link:b.com1\"]", "[\"link:a.com1\"]"),
		"partitions.a.serial.1: COM1 of b (p.yaml:3:"},
	{TWO("[\"link:b.com1\"]", "[console]"), "make it link:a.com1, or this something else"},
	{TWO("[\"link:a.com2\", \"link:a.com1\"]", "[console]"),
		"partitions.a.serial.0: a link to the partition itself"},
	{TWO("[\"link:c.com1\"]", "[console]"), "there is no serial port \"c.com1\" in this plan"},
	{TWO("[\"link:b.com3\"]", "[console]"), "there is no serial port \"b.com3\" in this plan"},
	{TWO("[\"link:b\"]", "[console]"), "there is no serial port \"b\" in this plan"},
	{TWO("[\"link:\"]", "[console]"), "there is no serial port \"\" in this plan"},
	{PORTS("[{link: b.com1}]"), "devices.0.ports.0.link: unknown key; use to, file, socket"},
	{PORTS("[{name: x}]"), "devices.0.ports.0: no key says where its bytes go"},
	{PORTS("[{to: pty, socket: s}]"), "devices.0.ports.0: several keys say where"},
	{PORTS("[{name: \"a b\", to: pty}]"), "\"a b\" is not a port's name"},
	{PORTS("[{name: \"\", to: pty}]"), "\"\" is not a port's name"},
	{PORTS("[{name: x, to: pty}, {name: x, to: pty}]"),
		"devices.0.ports.1: x is what another port (p.yaml:2:"},
	{PORTS("[{name: hvc0, to: pty}, pty]"),
		"devices.0.ports.0: hvc0 is what another port (p.yaml:2:"},
	{PORTS("[]"), "devices.0.ports: no port is listed"},
	{PORTS("pty"), "devices.0.ports: this is text; give a list"},
	{PORTS("[tty]"), "unknown port \"tty\"; use console, none, null, pty, file:PATH or"},
	{PORTS("[pty, pty, pty, pty, pty, pty, pty, pty, pty]"), "9 ports; give at most 8"},
	{PORTS("[\"socket:\"]"), "ports.0: the path names no file"},
	{PORTS("[socket:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]"),
		"one of a socket has at most 107"},
	{"partitions:\n" A(", devices: [{type: console, ports: [pty, pty, pty, pty, pty]}, {type: "
			   "console, ports: [pty, pty, pty, pty]}]"),
		"partitions.a.devices: its consoles have 9 ports"},
};

START_TEST(refusals)
{
	unit_plan_refused(bad[_i].yaml, bad[_i].message);
}
END_TEST

START_TEST(through_bytes_and_text)
{
	struct plan *plan = unit_plan("partitions:\n" A(
		", serial: [null, link:b.com1], devices: [{type: console, ports: [console, {name: x, "
		"socket: s}, {name: y, to: null}]}]") B(", serial: [link:a.com2]"));
	struct plan_partition *got;
	char *first;

	got = unit_plan_sent(&plan->partitions[0]);
	ck_assert_str_eq(got->serial[1].link, "b.com1");
	check_port(&got->devices[0].console.ports[1], PLAN_PORT_SOCKET, "/plans/s", "x");
	ck_assert_int_eq(plan_port_main(got), 2);
	plan_partition_destroy(got);

	first = unit_replay_plan(plan);
	ck_assert_ptr_nonnull(strstr(first, "link: b.com1"));
	ck_assert_ptr_nonnull(strstr(first,
		"ports: [console, {name: x, socket: /plans/s}, {name: \"y\", to: \"null\"}]"));
	free(first);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/ports");
	TCase *t = tcase_create("ports");

	tcase_add_test(t, numbers_and_names);
	tcase_add_test(t, ways_to_write_a_port);
	tcase_add_test(t, links);
	tcase_add_loop_test(t, refusals, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(t, through_bytes_and_text);
	suite_add_tcase(s, t);
	return s;
}
