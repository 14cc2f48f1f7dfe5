/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/inspection.h"

#include "lib/text.h"
#include "lib/util.h"

#include <string.h>

struct inspection *inspection_create(const struct plan_partition *plan)
{
	struct inspection *in = calloc(1, sizeof(*in));

	if (in)
		in->plan = plan;
	return in;
}

void inspection_destroy(struct inspection *in)
{
	for (unsigned i = 0; in && i < PLAN_VCPUS_MAX; i++)
		free(in->vcpus[i].registers);
	free(in);
}

/* ---- what comes ---- */

/* Makes a field of SIZE bytes, at most 64, text that is safe to print. */
static void check_word(char *word, size_t size)
{
	char text[64];
	size_t n = strnlen(word, size - 1);

	text_sanitise_line((const uint8_t *)word, n, text);
	memcpy(word, text, strlen(text) + 1);
}

static bool check_access(const struct message_access *a)
{
	return a->space < SPACE_COUNT && a->size <= sizeof(a->value);
}

static bool check_vcpu(struct message_vcpu *m)
{
	if (m->state >= PARTITION_VCPU_STATES || m->last_count > MESSAGE_EXITS_MAX ||
		m->pc_min > m->pc_max)
		return false;
	for (unsigned i = 0; i < m->last_count; i++) {
		if (!check_access(&m->last[i]))
			return false;
	}
	check_word(m->mode, sizeof(m->mode));
	return true;
}

/* Lines, each made safe to print. NULL: there are none, or no memory. */
static char *take_lines(const uint8_t *bytes, size_t size)
{
	char *text = size ? malloc(size + 2) : NULL, *to = text;

	while (text && size) {
		const uint8_t *newline = memchr(bytes, '\n', size);
		size_t n = newline ? (size_t)(newline - bytes) : size;

		text_sanitise_line(bytes, n, to);
		to += strlen(to);
		*to++ = '\n';
		n += newline != NULL;
		bytes += n;
		size -= n;
	}
	if (text)
		*to = '\0';
	return text;
}

bool inspection_take_vcpu(struct inspection *in, const void *payload, size_t size)
{
	struct message_vcpu m;
	struct inspected_vcpu *v;

	if (size < sizeof(m) || in->complete)
		return false;
	memcpy(&m, payload, sizeof(m));
	if (m.vcpu >= in->plan->cpus.vcpus || m.vcpu >= PLAN_VCPUS_MAX || !check_vcpu(&m))
		return false;
	v = &in->vcpus[m.vcpu];
	if (v->there)
		return false;
	v->there = true;
	v->m = m;
	v->registers = take_lines((const uint8_t *)payload + sizeof(m), size - sizeof(m));
	return true;
}

bool inspection_check_unowned(struct message_unowned list[UNOWNED_MAX])
{
	for (unsigned i = 0; i < UNOWNED_MAX; i++) {
		if (list[i].space >= SPACE_COUNT)
			return false;
		check_word(list[i].name, sizeof(list[i].name));
	}
	return true;
}

bool inspection_take_rest(struct inspection *in, const void *payload, size_t size)
{
	if (size != sizeof(in->rest) || in->complete)
		return false;
	memcpy(&in->rest, payload, sizeof(in->rest));
	in->complete = inspection_check_unowned(in->rest.unowned);
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++)
		in->complete = in->complete && in->rest.ports[i].driver <= PORT_DRIVER_THERE;
	return in->complete;
}
