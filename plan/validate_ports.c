/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: the names of channels, how many there are, and links, whose ends name each other. */
#include "plan/schema.h"

#include <ctype.h>
#include <string.h>

bool port_name_valid(const char *name)
{
	static const char *const more =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return isalnum((unsigned char)name[0]) && strspn(name, more) == strlen(name) &&
	       strlen(name) < PLAN_PORT_NAME_MAX;
}

/* How messages call port I of PART, and where it stands. */
#define END_TEXT_MAX (LOC_TEXT_MAX + 128)
static const char *end_text(const struct plan_partition *part, unsigned i, char buf[END_TEXT_MAX])
{
	char title[PLAN_PORT_TITLE_MAX], where[LOC_TEXT_MAX], safe[EXCERPT_MAX];

	snprintf(buf, END_TEXT_MAX, "%s of %s (%s)", plan_port_title(part, i, title),
		excerpt(part->name, safe), loc_text(&part->serial[i].loc, where));
	return buf;
}

/* What a link to serial port I of PART is written as. */
static const char *link_text(const struct plan_partition *part, unsigned i, char buf[EXCERPT_MAX])
{
	bool arm64 = part->arch == PLAN_ARCH_ARM64;

	snprintf(buf, EXCERPT_MAX, "link:%s.%s%u", part->name, arm64 ? "uart" : "com",
		arm64 ? i : i + 1);
	return buf;
}

static void validate_link(
	const struct plan *plan, unsigned at, unsigned i, const char *field, struct diags *diags)
{
	const struct plan_partition *part = &plan->partitions[at];
	const struct plan_port *port = &part->serial[i], *peer;
	unsigned other, other_port, back, back_port;
	char buf[EXCERPT_MAX], end[END_TEXT_MAX];

	if (!plan_link_find(plan, port, &other, &other_port)) {
		diag_error(diags, &port->loc, field,
			"there is no serial port \"%s\" in this plan; name one as PARTITION.PORT, "
			"such as linux.%s",
			excerpt(port->link, buf), part->arch == PLAN_ARCH_ARM64 ? "uart1" : "com2");
		return;
	}
	if (other == at) {
		diag_error(diags, &port->loc, field,
			"a link to the partition itself; name a serial port of another");
		return;
	}
	peer = &plan->partitions[other].serial[other_port];
	if (peer->kind == PLAN_PORT_LINK && plan_link_find(plan, peer, &back, &back_port) &&
		back == at && back_port == i)
		return;
	diag_error(diags, &port->loc, field,
		"%s, to which this links, does not link back; make it %s, or this something else",
		end_text(&plan->partitions[other], other_port, end), link_text(part, i, buf));
}

static void validate_name(
	const struct plan_partition *part, unsigned i, const char *field, struct diags *diags)
{
	const struct plan_port *port = plan_port(part, i);
	char label[PLAN_PORT_NAME_MAX], where[LOC_TEXT_MAX], buf[EXCERPT_MAX];

	if (!port_name_valid(port->name)) {
		diag_error(diags, &port->loc, field,
			"\"%s\" is not a port's name; use up to %d letters, digits and ., _, -, the "
			"first a letter or digit",
			excerpt(port->name, buf), PLAN_PORT_NAME_MAX - 1);
		return;
	}
	for (unsigned k = 0; k < PLAN_PORTS_MAX; k++) {
		const struct plan_port *other = plan_port(part, k);

		/* Of two names the later one is wrong; a name is never right before a console. */
		if (!other || k == i || (other->name && k > i) ||
			strcmp(plan_port_label(part, k, label), port->name) != 0)
			continue;
		diag_error(diags, &port->loc, field,
			"%s is what another port (%s) is called; use another name", port->name,
			loc_text(&other->loc, where));
		return;
	}
}

/* False when there are too many. */
static bool validate_count(const struct plan_partition *part, struct diags *diags)
{
	unsigned count = plan_device_port(part, part->device_count) - PLAN_SERIAL_PORTS;
	char field[PLAN_FIELD_MAX];

	if (count <= PLAN_CONSOLE_PORTS)
		return true;
	diag_error(diags, &part->locs[PLAN_KEY_DEVICES], plan_field(part, "devices", field),
		"its consoles have %u ports; all of them together may have %d", count,
		PLAN_CONSOLE_PORTS);
	return false;
}

void validate_ports(const struct plan *plan, struct diags *diags)
{
	char key[PLAN_PORT_KEY_MAX], field[PLAN_FIELD_MAX];

	for (unsigned at = 0; at < plan->partition_count; at++) {
		const struct plan_partition *part = &plan->partitions[at];

		if (!part->name || !validate_count(part, diags))
			continue;
		for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
			const struct plan_port *port = plan_port(part, i);

			if (!port)
				continue;
			plan_field(part, plan_port_key(part, i, key), field);
			if (port->kind == PLAN_PORT_LINK && i < PLAN_SERIAL_PORTS && port->link)
				validate_link(plan, at, i, field, diags);
			if (port->name)
				validate_name(part, i, field, diags);
		}
	}
}
