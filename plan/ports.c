/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ports of a partition that bytes come from and go to: its serial ports, then those of its
 * virtio consoles. Everybody numbers them in this order and calls them by these names.
 */
#include "plan/schema.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* The device that port I belongs to, and which of its ports that is; NULL: a serial port, or none.
 */
static const struct plan_device *device_of(
	const struct plan_partition *p, unsigned i, unsigned *ret_device, unsigned *ret_port)
{
	i -= PLAN_SERIAL_PORTS;
	for (unsigned d = 0; d < p->device_count; d++) {
		if (i < p->devices[d].console.port_count) {
			*ret_device = d;
			*ret_port = i;
			return &p->devices[d];
		}
		i -= p->devices[d].console.port_count;
	}
	return NULL;
}

const struct plan_port *plan_port(const struct plan_partition *p, unsigned i)
{
	const struct plan_device *d;
	const struct plan_port *port;
	unsigned device, at;

	if (i < PLAN_SERIAL_PORTS) {
		port = &p->serial[i];
	} else {
		d = device_of(p, i, &device, &at);
		port = d ? &d->console.ports[at] : NULL;
	}
	return port && port->kind != PLAN_PORT_NONE ? port : NULL;
}

unsigned plan_device_port(const struct plan_partition *p, unsigned device)
{
	unsigned first = PLAN_SERIAL_PORTS;

	for (unsigned i = 0; i < device; i++)
		first += p->devices[i].console.port_count;
	return first;
}

const char *plan_port_label(
	const struct plan_partition *p, unsigned i, char buf[PLAN_PORT_NAME_MAX])
{
	unsigned number = 0;

	if (i < PLAN_SERIAL_PORTS) {
		snprintf(buf, PLAN_PORT_NAME_MAX, "com%u", i + 1);
		return buf;
	}
	if (plan_port(p, i)->name) {
		snprintf(buf, PLAN_PORT_NAME_MAX, "%s", plan_port(p, i)->name);
		return buf;
	}
	/* Linux numbers consoles as it finds them: in this order, if slots are. */
	for (unsigned k = PLAN_SERIAL_PORTS; k < i; k++)
		number += plan_port(p, k) && !plan_port(p, k)->name;
	snprintf(buf, PLAN_PORT_NAME_MAX, "hvc%u", number);
	return buf;
}

int plan_port_find(const struct plan_partition *p, const char *label)
{
	char name[PLAN_PORT_NAME_MAX], number[16];

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		snprintf(number, sizeof(number), "%u", i + 1);
		if (plan_port(p, i) && (strcmp(number, label) == 0 ||
					       strcmp(plan_port_label(p, i, name), label) == 0))
			return (int)i;
	}
	return -1;
}

const char *plan_port_title(
	const struct plan_partition *p, unsigned i, char buf[PLAN_PORT_TITLE_MAX])
{
	char label[PLAN_PORT_NAME_MAX];

	if (i < PLAN_SERIAL_PORTS)
		snprintf(buf, PLAN_PORT_TITLE_MAX, p->arch == PLAN_ARCH_ARM64 ? "UART%u" : "COM%u",
			p->arch == PLAN_ARCH_ARM64 ? i : i + 1);
	else
		snprintf(buf, PLAN_PORT_TITLE_MAX, "%s%s", plan_port(p, i)->name ? "port " : "",
			plan_port_label(p, i, label));
	return buf;
}

const char *plan_port_key(const struct plan_partition *p, unsigned i, char buf[PLAN_PORT_KEY_MAX])
{
	unsigned device, port;

	if (i < PLAN_SERIAL_PORTS)
		snprintf(buf, PLAN_PORT_KEY_MAX, "serial.%u", i);
	else if (device_of(p, i, &device, &port))
		snprintf(buf, PLAN_PORT_KEY_MAX, "devices.%u.ports.%u", device, port);
	else
		buf[0] = '\0';
	return buf;
}

/* Who gives a partition a virtio console means to use it. */
int plan_port_main(const struct plan_partition *p)
{
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		unsigned at = (i + PLAN_SERIAL_PORTS) % PLAN_PORTS_MAX;
		const struct plan_port *port = plan_port(p, at);

		if (port && port->kind == PLAN_PORT_CONSOLE && !port->name)
			return (int)at;
	}
	return -1;
}

int plan_log_path(
	const char *dir, const struct plan_partition *p, unsigned i, char ret_path[PATH_MAX])
{
	char label[PLAN_PORT_NAME_MAX];
	int n = snprintf(
		ret_path, PATH_MAX, "%s/%s.%s.log", dir, p->name, plan_port_label(p, i, label));

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- links ---- */

/* The names that a link may have for a serial port, by its number. */
static bool find_serial(const char *text, unsigned *ret_port)
{
	static const char *const names[][PLAN_SERIAL_PORTS] = {
		{"com1", "com2"}, {"uart0", "uart1"}, {"0", "1"}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (unsigned port = 0; port < PLAN_SERIAL_PORTS; port++) {
			if (strcasecmp(text, names[i][port]) != 0)
				continue;
			*ret_port = port;
			return true;
		}
	}
	return false;
}

bool plan_link_find(const struct plan *plan, const struct plan_port *port, unsigned *ret_part,
	unsigned *ret_port)
{
	const char *dot = port->link ? strrchr(port->link, '.') : NULL;

	if (!dot || !find_serial(dot + 1, ret_port))
		return false;
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const char *name = plan->partitions[i].name;

		if (!name || strlen(name) != (size_t)(dot - port->link) ||
			strncmp(name, port->link, strlen(name)) != 0)
			continue;
		*ret_part = i;
		return true;
	}
	return false;
}
