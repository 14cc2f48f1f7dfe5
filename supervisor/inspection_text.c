/* SPDX-License-Identifier: BSD-3-Clause */
/* An inspection as text for people, and as JSON for programs. */
#include "supervisor/inspection.h"

#include "lib/util.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* In the summary: vCPUs, exits and addresses that are told one by one. */
#define SUMMARY_VCPUS   4
#define SUMMARY_EXITS   3
#define SUMMARY_UNOWNED 3

/* A loop no longer than this is one place. */
#define LOOP_BYTES 256

/* ---- accesses ---- */

static const char *const space_names[SPACE_COUNT] = {
	[SPACE_PORT] = "port", [SPACE_MEMORY] = "address", [SPACE_CALL] = "call"};

/* Exits that are told as one: the same again and again, or a text, byte by byte. */
struct exit_group {
	unsigned first, count;
	bool is_text;
};

/* Of fewer, a text would be seen where there is none. */
#define TEXT_LENGTH_MIN 3

static bool is_text_byte(const struct message_access *a)
{
	return a->write && a->space != SPACE_CALL && a->value < 0x7F &&
	       (a->value >= ' ' || strchr("\r\n\t", (int)a->value)) && a->value;
}

static bool same_place(const struct message_access *a, const struct message_access *b)
{
	return a->address == b->address && a->space == b->space && a->size == b->size &&
	       a->write == b->write;
}

/* The group that starts with exit FIRST. */
static struct exit_group find_group(const struct message_vcpu *m, unsigned first)
{
	const struct message_access *list = m->last, *a = &list[first];
	unsigned text = 0, same = 1, letters = 0;

	while (first + text < m->last_count && same_place(a, &a[text]) && is_text_byte(&a[text]))
		letters += isalnum((int)a[text++].value) != 0;
	while (first + same < m->last_count && same_place(a, &a[same]) && a->value == a[same].value)
		same++;
	if (text >= TEXT_LENGTH_MIN && letters)
		return (struct exit_group){.first = first, .count = text, .is_text = true};
	return (struct exit_group){.first = first, .count = same};
}

static void print_text(const struct message_access *a, unsigned count, FILE *f)
{
	fputc('"', f);
	for (; count--; a++) {
		if (a->value < ' ')
			fprintf(f, "\\%c", a->value == '\r' ? 'r' : a->value == '\n' ? 'n' : 't');
		else
			fputc((int)a->value, f);
	}
	fputc('"', f);
}

/* "out 0x3f8: "ready\r\n"", "read 0x9000018, 4 bytes: 0x90 (12 times)". */
static void print_group(const struct message_vcpu *m, const struct exit_group *g, FILE *f)
{
	static const char *const verbs[SPACE_COUNT][2] = {[SPACE_PORT] = {"in", "out"},
		[SPACE_MEMORY] = {"read", "write"},
		[SPACE_CALL] = {"call", "call"}};
	const struct message_access *a = &m->last[g->first];

	fprintf(f, "%s 0x%" PRIx64, verbs[a->space][a->write != 0], a->address);
	if (g->is_text) {
		fputs(": ", f);
		print_text(a, g->count, f);
		return;
	}
	if (a->size > 1 && a->space != SPACE_CALL)
		fprintf(f, ", %u bytes", a->size);
	fprintf(f, ": 0x%" PRIx64, a->value);
	if (g->count > 1)
		fprintf(f, " (%u times)", g->count);
}

static unsigned find_groups(
	const struct message_vcpu *m, struct exit_group ret_groups[MESSAGE_EXITS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < m->last_count; i += ret_groups[count++].count)
		ret_groups[count] = find_group(m, i);
	return count;
}

/* In one line, the last MAX groups. */
static void summarise_exits(const struct message_vcpu *m, unsigned max, FILE *f)
{
	struct exit_group groups[MESSAGE_EXITS_MAX];
	unsigned count = find_groups(m, groups), first = count > max ? count - max : 0;

	for (unsigned i = first; i < count; i++) {
		fputs(i > first ? ", " : "", f);
		print_group(m, &groups[i], f);
	}
}

static void print_exits(const struct message_vcpu *m, FILE *f)
{
	struct exit_group groups[MESSAGE_EXITS_MAX];
	unsigned count = find_groups(m, groups);

	for (unsigned i = 0; i < count; i++) {
		fputs("    ", f);
		print_group(m, &groups[i], f);
		fputs(m->last[groups[i].first].owned ? "\n" : ", which nobody owns\n", f);
	}
}

/* "0x3e8 (COM3, written 412 times)" */
static void print_unowned(const struct message_unowned *u, FILE *f)
{
	fprintf(f, "0x%" PRIx64 " (%s%s%s %" PRIu64 " time%s)", u->address, u->name,
		*u->name ? ", " : "", u->write ? "written" : "read", u->count,
		u->count == 1 ? "" : "s");
}

/* ---- vCPUs ---- */

static bool has_pc(const struct message_vcpu *m)
{
	return m->state == PARTITION_VCPU_RUNS || m->state == PARTITION_VCPU_HALTED ||
	       m->state == PARTITION_VCPU_UNKNOWN;
}

/* "spins at PC 0x100000" */
static void print_vcpu_state(const struct message_vcpu *m, FILE *f)
{
	static const char *const texts[PARTITION_VCPU_STATES] = {
		[PARTITION_VCPU_UNKNOWN] = "is in a state that KVM does not tell",
		[PARTITION_VCPU_OFF] = "was not started by the guest",
		[PARTITION_VCPU_DEAD] = "has met a fatal error and runs no more",
		[PARTITION_VCPU_SILENT] = "does not leave the guest when asked to",
	};
	bool still = m->looks > 1 && m->pc_max - m->pc_min <= LOOP_BYTES;

	if (m->state == PARTITION_VCPU_HALTED)
		fprintf(f, "%s",
			m->interrupts ? "is halted and waits for an interrupt,"
				      : "halted with interrupts off");
	else if (m->state == PARTITION_VCPU_RUNS)
		fprintf(f, "%s", !still ? "runs," : m->exits ? "loops" : "spins");
	else
		fputs(texts[m->state], f);
	if (!has_pc(m))
		return;
	if (m->state == PARTITION_VCPU_RUNS && still && m->pc_min != m->pc_max)
		fprintf(f, " at PC 0x%" PRIx64 " to 0x%" PRIx64, m->pc_min, m->pc_max);
	else
		fprintf(f, " at PC 0x%" PRIx64, m->pc);
}

/* vCPUs that have not been started say little, and those that only wait, little more. */
static bool is_dull(const struct inspected_vcpu *v)
{
	return !v->there || v->m.state == PARTITION_VCPU_OFF;
}

static void summarise_vcpus(const struct inspection *in, FILE *f)
{
	unsigned told = 0, more = 0;

	for (unsigned i = 0; i < in->plan->cpus.vcpus; i++) {
		const struct inspected_vcpu *v = &in->vcpus[i];

		if (is_dull(v) || told == SUMMARY_VCPUS) {
			more += !is_dull(v);
			continue;
		}
		fprintf(f, "%svCPU %u ", told++ ? ", " : "", i);
		print_vcpu_state(&v->m, f);
	}
	if (more)
		fprintf(f, ", and %u more", more);
	if (!told)
		fputs("no vCPU can be looked at", f);
}

/* ---- hints ---- */

/* Whether one before it in the list is of the same device. */
static bool told_before(const struct message_unowned list[UNOWNED_MAX], unsigned i)
{
	for (unsigned k = 0; k < i; k++) {
		if (list[k].count && list[k].console && strcmp(list[k].name, list[i].name) == 0)
			return true;
	}
	return false;
}

json_t *inspection_hints(
	const struct plan_partition *p, const struct message_unowned list[UNOWNED_MAX])
{
	json_t *hints = json_array();
	char text[PLAN_CONSOLES_TEXT_MAX];

	for (unsigned i = 0; i < UNOWNED_MAX; i++) {
		const struct message_unowned *u = &list[i];

		if (u->count && u->console && !told_before(list, i))
			json_array_append_new(
				hints, json_sprintf("it writes to %s (%s 0x%" PRIx64
						    "), which this partition lacks",
					       u->name, space_names[u->space], u->address));
	}
	if (plan_consoles(p, text) != PLAN_CONSOLES_FINE)
		json_array_append_new(hints, json_string(text));
	return hints;
}

/* What the ports themselves say of it. */
static void hint_ports(const struct inspection *in, json_t *hints)
{
	char title[PLAN_PORT_TITLE_MAX];

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct message_port *port = &in->rest.ports[i];

		if (!plan_port(in->plan, i))
			continue;
		plan_port_title(in->plan, i, title);
		if (port->held)
			json_array_append_new(hints,
				json_sprintf("%s waits for a reader that does not read", title));
		else if (!port->said && port->driver == PORT_DRIVER_THERE)
			json_array_append_new(hints,
				json_sprintf("%s was set up, but nothing written to it", title));
	}
}

static bool lacks_console(const struct inspection *in)
{
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		if (in->rest.ports[i].said)
			return false;
	}
	return in->lacks_console;
}

static json_t *all_hints(const struct inspection *in)
{
	json_t *hints = inspection_hints(in->plan, in->rest.unowned);

	hint_ports(in, hints);
	if (lacks_console(in))
		json_array_append_new(hints,
			json_string(
				"its command line names no console=, without which a Linux kernel "
				"shows nothing, such as console=ttyS0"));
	return hints;
}

/* ---- text ---- */

/* The vCPU whose exits tell most: the first that has any. */
static const struct message_vcpu *talker(const struct inspection *in)
{
	for (unsigned i = 0; i < in->plan->cpus.vcpus; i++) {
		if (in->vcpus[i].there && in->vcpus[i].m.last_count)
			return &in->vcpus[i].m;
	}
	return NULL;
}

void inspection_summarise(const struct inspection *in, FILE *f)
{
	const struct message_vcpu *m = talker(in);
	json_t *hints = all_hints(in), *hint;
	size_t i;

	summarise_vcpus(in, f);
	if (m) {
		fputs("; last exits: ", f);
		summarise_exits(m, SUMMARY_EXITS, f);
	} else {
		fputs("; no exits", f);
	}
	for (i = 0; i < SUMMARY_UNOWNED && in->rest.unowned[i].count; i++) {
		fputs(i ? ", " : "; used, but nobody owns: ", f);
		print_unowned(&in->rest.unowned[i], f);
	}
	json_array_foreach(hints, i, hint)
	{
		fprintf(f, "; %s", json_string_value(hint));
	}
	json_decref(hints);
}

static void print_vcpu(const struct inspected_vcpu *v, unsigned index, FILE *f)
{
	const struct message_vcpu *m = &v->m;

	fprintf(f, "vCPU %u ", index);
	print_vcpu_state(m, f);
	if (has_pc(m))
		fprintf(f, "; %s, interrupts %s; %" PRIu64 " exits in %" PRIu64 " ms", m->mode,
			m->interrupts ? "on" : "off", m->exits, m->ns / 1000000);
	fputc('\n', f);
	if (m->last_count) {
		fputs("  last exits, the latest at the end:\n", f);
		print_exits(m, f);
	}
	fputs(v->registers ?: "", f);
}

static void print_ports(const struct inspection *in, FILE *f)
{
	static const char *const drivers[] = {[PORT_DRIVER_UNKNOWN] = "",
		[PORT_DRIVER_NONE] = ", not set up by a driver",
		[PORT_DRIVER_THERE] = ", set up by a driver"};
	char title[PLAN_PORT_TITLE_MAX];

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct message_port *port = &in->rest.ports[i];

		if (!plan_port(in->plan, i))
			continue;
		fprintf(f, "%s: %" PRIu64 " bytes written%s%s\n",
			plan_port_title(in->plan, i, title), port->said, drivers[port->driver],
			port->held ? ", its reader does not read" : "");
	}
}

void inspection_print(const struct inspection *in, FILE *f)
{
	json_t *hints = all_hints(in), *hint;
	size_t i;

	for (i = 0; i < in->plan->cpus.vcpus; i++) {
		if (in->vcpus[i].there)
			print_vcpu(&in->vcpus[i], (unsigned)i, f);
	}
	if (in->rest.unowned[0].count)
		fputs("used by the guest, but nobody owns:\n", f);
	for (i = 0; i < UNOWNED_MAX && in->rest.unowned[i].count; i++) {
		fprintf(f, "    %s ", space_names[in->rest.unowned[i].space]);
		print_unowned(&in->rest.unowned[i], f);
		fputc('\n', f);
	}
	print_ports(in, f);
	json_array_foreach(hints, i, hint)
	{
		fprintf(f, "hint: %s\n", json_string_value(hint));
	}
	json_decref(hints);
}

/* ---- JSON ---- */

static json_t *number(uint64_t value)
{
	/* JSON's integers are signed here: what does not fit is text. */
	return value > INT64_MAX ? json_sprintf("0x%" PRIx64, value)
				 : json_integer((json_int_t)value);
}

static json_t *access_json(const struct message_access *a)
{
	return json_pack("{s:s, s:o, s:i, s:b, s:o, s:b}", "space", space_names[a->space],
		"address", number(a->address), "size", (int)a->size, "write", a->write != 0,
		"value", number(a->value), "owned", a->owned != 0);
}

static json_t *vcpu_json(const struct inspected_vcpu *v, unsigned index)
{
	static const char *const names[PARTITION_VCPU_STATES] = {
		[PARTITION_VCPU_UNKNOWN] = "unknown",
		[PARTITION_VCPU_RUNS] = "running",
		[PARTITION_VCPU_HALTED] = "halted",
		[PARTITION_VCPU_OFF] = "off",
		[PARTITION_VCPU_DEAD] = "dead",
		[PARTITION_VCPU_SILENT] = "no-answer",
	};
	const struct message_vcpu *m = &v->m;
	json_t *exits = json_array(), *o;

	for (unsigned i = 0; i < m->last_count; i++)
		json_array_append_new(exits, access_json(&m->last[i]));
	o = json_pack("{s:i, s:s, s:o}", "vcpu", (int)index, "state", names[m->state], "last_exits",
		exits);
	if (has_pc(m))
		json_object_update_new(
			o, json_pack("{s:b, s:s, s:o, s:o, s:o, s:o, s:o}", "interrupts",
				   m->interrupts != 0, "mode", m->mode, "pc", number(m->pc),
				   "pc_min", number(m->pc_min), "pc_max", number(m->pc_max),
				   "exits", number(m->exits), "ns", number(m->ns)));
	if (v->registers)
		json_object_set_new(o, "registers", json_string(v->registers));
	return o;
}

json_t *inspection_unowned_json(const struct message_unowned list[UNOWNED_MAX])
{
	json_t *array = json_array();

	for (unsigned i = 0; i < UNOWNED_MAX && list[i].count; i++)
		json_array_append_new(array,
			json_pack("{s:s, s:o, s:b, s:o, s:o}", "space", space_names[list[i].space],
				"address", number(list[i].address), "write", list[i].write != 0,
				"count", number(list[i].count), "name",
				*list[i].name ? json_string(list[i].name) : json_null()));
	return array;
}

static json_t *ports_json(const struct inspection *in)
{
	json_t *array = json_array();
	char label[PLAN_PORT_NAME_MAX];

	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct message_port *port = &in->rest.ports[i];
		json_t *o;

		if (!plan_port(in->plan, i))
			continue;
		o = json_pack("{s:s, s:o, s:b}", "port", plan_port_label(in->plan, i, label),
			"written", number(port->said), "held", port->held != 0);
		if (port->driver != PORT_DRIVER_UNKNOWN)
			json_object_set_new(
				o, "driver", json_boolean(port->driver == PORT_DRIVER_THERE));
		json_array_append_new(array, o);
	}
	return array;
}

json_t *inspection_json(const struct inspection *in)
{
	json_t *vcpus = json_array();

	for (unsigned i = 0; i < in->plan->cpus.vcpus; i++) {
		if (in->vcpus[i].there)
			json_array_append_new(vcpus, vcpu_json(&in->vcpus[i], i));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "vcpus", vcpus, "unowned",
		inspection_unowned_json(in->rest.unowned), "ports", ports_json(in), "hints",
		all_hints(in));
}
