/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of ports: serial ports, and those of virtio consoles. */
#include "plan/schema.h"

#include <sys/un.h>

const char *const port_words[] = {
	[PLAN_PORT_NONE] = "none",
	[PLAN_PORT_NULL] = "null",
	[PLAN_PORT_CONSOLE] = "console",
	[PLAN_PORT_PTY] = "pty",
	[PLAN_PORT_TESTDEV] = "testdev",
	NULL,
};

#define PORT(m) .offset = offsetof(struct plan_port, m)

/* clang-format off: it knows no tables in macros */

/* What both have: a mapping has exactly one of them. */
#define PORT_KEYS                                                                                     \
	{.name = "to",                                                                                \
		.type = KEY_ENUM,                                                                     \
		.nullable = true,                                                                     \
		PORT(kind),                                                                           \
		.names = port_words,                                                                  \
		.def_doc = "none",                                                                    \
		.help = "One of the words: `console`, `none`, `null`, `pty`, `testdev`."},            \
		{.name = "file",                                                                      \
			.type = KEY_PATH,                                                             \
			PORT(path),                                                                   \
			.def_doc = "none",                                                            \
			.help = "The file that takes the output; created, or emptied at the start."}, \
	{                                                                                             \
		.name = "socket", .type = KEY_PATH, PORT(path), .def_doc = "none",                    \
		.max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,                            \
		.help = "A Unix stream socket that is made at the start and removed at the end. One " \
			"client at a time is connected to the port."                                  \
	}

/* clang-format on */

const struct key serial_port_keys[] = {
	PORT_KEYS,
	{.name = "link",
		.type = KEY_STRING,
		PORT(link),
		.def_doc = "none",
		.help = "A serial port of another partition, such as `linux.com2` (arm64: "
			"`linux.uart1`), which links back to this one: what one sends the other "
			"receives."},
	{0},
};

const struct key console_port_keys[] = {
	PORT_KEYS,
	{.name = "name",
		.type = KEY_STRING,
		PORT(name),
		.nullable = true,
		.def_doc = "none",
		.help = "The port is not a console (/dev/hvc0) but a channel of bytes, which Linux has "
			"as /dev/virtio-ports/NAME: up to 63 letters, digits and `.`, `_`, `-`."},
	{0},
};

const struct key_list ports_list = {
	.count = offsetof(struct plan_device, console.port_count),
	.element_size = sizeof(struct plan_port),
	.element_loc = offsetof(struct plan_port, loc),
	.what = "ports",
	.example = "[console, {name: org.example.agent, socket: agent.sock}]",
};
