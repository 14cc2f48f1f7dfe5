/* SPDX-License-Identifier: BSD-3-Clause */
#include "suite/match.h"

#include "lib/text.h"
#include "lib/util.h"

#include <errno.h>
#include <string.h>

/* How kernels say that they have given up; they mostly hang then. */
static const struct {
	const char *text;
	bool starts_line; /* elsewhere in a line, it may mean anything */
} panics[] = {
	{"Kernel panic - not syncing", false}, /* Linux */
	{"panic: ", true},                     /* the BSDs */
	{"Panic on CPU ", false},              /* Xen */
};

/* ---- patterns ---- */

static bool compile(const struct suite_pattern *p, regex_t *ret_regex)
{
	return !p->regex || regcomp(ret_regex, p->regex, REG_EXTENDED) == 0;
}

/* NULL without memory. *OK becomes false when one is no expression. */
static regex_t *compile_signs(const struct suite_sign *signs, unsigned count, bool *ok)
{
	regex_t *regexes = calloc(count + 1, sizeof(*regexes));

	for (unsigned i = 0; regexes && i < count; i++)
		*ok = compile(&signs[i].pattern, &regexes[i]) && *ok;
	return regexes;
}

static void free_signs(const struct suite_sign *signs, unsigned count, regex_t *regexes)
{
	for (unsigned i = 0; regexes && i < count; i++) {
		if (signs[i].pattern.regex)
			regfree(&regexes[i]);
	}
	free(regexes);
}

int matcher_init(struct matcher *m)
{
	const struct suite_expect *e = m->expect;
	bool ok = true;

	m->steps = calloc(e->step_count + 1, sizeof(*m->steps));
	m->forbids = compile_signs(e->forbids, e->forbid_count, &ok);
	m->skips = compile_signs(e->skips, e->skip_count, &ok);
	m->contains = compile_signs(e->contains, e->contain_count, &ok);
	m->contained = calloc(e->contain_count + 1, sizeof(*m->contained));
	if (!m->steps || !m->forbids || !m->skips || !m->contains || !m->contained)
		return -ENOMEM;
	for (unsigned i = 0; i < e->step_count; i++)
		ok = compile(&e->steps[i].pattern, &m->steps[i]) && ok;
	return ok ? 0 : -EINVAL;
}

void matcher_fini(struct matcher *m)
{
	for (unsigned i = 0; m->steps && i < m->expect->step_count; i++) {
		if (m->expect->steps[i].pattern.regex)
			regfree(&m->steps[i]);
	}
	free(m->steps);
	free_signs(m->expect->forbids, m->expect->forbid_count, m->forbids);
	free_signs(m->expect->skips, m->expect->skip_count, m->skips);
	free_signs(m->expect->contains, m->expect->contain_count, m->contains);
	free(m->contained);
	m->steps = m->forbids = m->skips = m->contains = NULL;
	m->contained = NULL;
}

static bool for_port(const struct suite_pattern *p, const struct match_port *port)
{
	return (!p->partition || strcmp(p->partition, port->partition) == 0) &&
	       (!p->port || strcmp(p->port, port->port) == 0);
}

/*
 * Looks for P in PORT's line behind FROM; ENDED: the guest has ended the line. True with the end of
 * what was found.
 */
static bool find(const struct suite_pattern *p, const regex_t *regex, const struct match_port *port,
	size_t from, bool ended, size_t *ret_end)
{
	regmatch_t at = {.rm_so = (regoff_t)from, .rm_eo = (regoff_t)port->size};
	int flags = REG_STARTEND | (from || port->cut ? REG_NOTBOL : 0) | (ended ? 0 : REG_NOTEOL);
	const char *found;

	if (!for_port(p, port) || from > port->size)
		return false;
	if (p->text) {
		found = memmem(port->line + from, port->size - from, p->text, strlen(p->text));
		if (found)
			*ret_end = (size_t)(found - port->line) + strlen(p->text);
		return found;
	}
	if (!p->regex || regexec(regex, port->line, 1, &at, flags))
		return false;
	*ret_end = (size_t)at.rm_eo;
	return true;
}

const char *step_text(const struct suite_step *step, char buf[EXCERPT_ROOM])
{
	const struct suite_pattern *p = &step->pattern;

	if (step->name)
		snprintf(buf, EXCERPT_ROOM, "%s", step->name);
	else if (p->text)
		snprintf(buf, EXCERPT_ROOM, "\"%s\"", p->text);
	else if (p->regex)
		snprintf(buf, EXCERPT_ROOM, "/%s/", p->regex);
	else
		snprintf(buf, EXCERPT_ROOM, "sending \"%s\"", step->send);
	return buf;
}

const char *sign_text(const struct suite_sign *sign, char buf[EXCERPT_ROOM])
{
	const struct suite_pattern *p = &sign->pattern;

	snprintf(buf, EXCERPT_ROOM, p->text ? "\"%s\"" : "/%s/", p->text ?: p->regex);
	return buf;
}

/* ---- lines ---- */

static void sanitised(const struct match_port *port, char buf[EXCERPT_ROOM])
{
	text_sanitise_line((const uint8_t *)port->line, min_u64(port->size, EXCERPT_ROOM - 1), buf);
}

/* Steps that send without waiting for anything. */
static void pass_sends(struct matcher *m)
{
	const struct suite_expect *e = m->expect;

	while (m->step < e->step_count && !e->steps[m->step].pattern.text &&
		!e->steps[m->step].pattern.regex)
		m->matched(m->ctx, &e->steps[m->step++], m->last);
}

/* Whether the step S has shown as often as it has to, with this time. */
static bool shown_enough(struct matcher *m, const struct suite_step *s)
{
	if (++m->shown < s->times)
		return false;
	m->shown = 0;
	return true;
}

static void match_steps(struct matcher *m, struct match_port *port, bool ended)
{
	const struct suite_expect *e = m->expect;
	size_t end;

	while (m->step < e->step_count) {
		const struct suite_step *s = &e->steps[m->step];

		if (!find(&s->pattern, &m->steps[m->step], port, port->from, ended, &end))
			return;
		/* An empty match is found once: the next step looks on behind it. */
		port->from = end;
		m->last = port;
		if (!shown_enough(m, s))
			continue;
		m->step++;
		m->matched(m->ctx, s, port);
		pass_sends(m);
	}
}

static void match_contains(struct matcher *m, const struct match_port *port, bool ended)
{
	const struct suite_expect *e = m->expect;
	size_t end;

	for (unsigned i = 0; i < e->contain_count; i++) {
		if (!m->contained[i])
			m->contained[i] = find(
				&e->contains[i].pattern, &m->contains[i], port, 0, ended, &end);
	}
}

static void match_skips(struct matcher *m, const struct match_port *port, bool ended)
{
	const struct suite_expect *e = m->expect;
	size_t end;

	for (unsigned i = 0; !*m->skip_line && i < e->skip_count; i++) {
		if (find(&e->skips[i].pattern, &m->skips[i], port, 0, ended, &end))
			sanitised(port, m->skip_line);
	}
}

static void match_forbids(struct matcher *m, const struct match_port *port, bool ended)
{
	const struct suite_expect *e = m->expect;
	size_t end;

	for (unsigned i = 0; !*m->forbidden && i < e->forbid_count; i++) {
		if (!find(&e->forbids[i].pattern, &m->forbids[i], port, 0, ended, &end))
			continue;
		sign_text(&e->forbids[i], m->forbidden);
		sanitised(port, m->forbidden_line);
	}
	for (unsigned i = 0; m->panics && !*m->forbidden && i < ARRAY_SIZE(panics); i++) {
		const char *text = panics[i].text;
		const char *found = memmem(port->line, port->size, text, strlen(text));
		bool at_start = found == port->line && !port->cut;

		if (!found || (panics[i].starts_line && !at_start))
			continue;
		snprintf(m->forbidden, sizeof(m->forbidden), "%s", text);
		m->panicked = true;
		sanitised(port, m->forbidden_line);
	}
}

static void match_signs(struct matcher *m, const struct match_port *port, bool ended)
{
	match_forbids(m, port, ended);
	match_contains(m, port, ended);
	match_skips(m, port, ended);
}

static void line_ends(struct matcher *m, struct match_port *port)
{
	while (port->size && port->line[port->size - 1] == '\r')
		port->size--;
	match_steps(m, port, true);
	match_signs(m, port, true);
	port->size = port->from = 0;
	port->cut = false;
}

/* Makes room in a line that does not end. */
static void line_shift(struct matcher *m, struct match_port *port)
{
	size_t half = MATCH_LINE_MAX / 2;

	match_steps(m, port, false);
	match_signs(m, port, false);
	memmove(port->line, port->line + half, port->size - half);
	port->size -= half;
	port->from -= min_u64(port->from, half);
	port->cut = true;
}

void match_port_note(struct match_port *port, const char *bytes, size_t size)
{
	uint64_t at = port->total;

	port->total += size;
	if (size > MATCH_TAIL_MAX) {
		at += size - MATCH_TAIL_MAX;
		bytes += size - MATCH_TAIL_MAX;
		size = MATCH_TAIL_MAX;
	}
	while (size) {
		size_t offset = at % MATCH_TAIL_MAX;
		size_t n = min_u64(size, MATCH_TAIL_MAX - offset);

		memcpy(port->tail + offset, bytes, n);
		at += n;
		bytes += n;
		size -= n;
	}
}

void matcher_start(struct matcher *m, const struct match_port *first)
{
	if (!m->last)
		m->last = first;
	pass_sends(m);
}

void matcher_feed(struct matcher *m, struct match_port *port, const char *bytes, size_t size)
{
	match_port_note(port, bytes, size);
	while (size) {
		const char *newline = memchr(bytes, '\n', size);
		size_t n = newline ? (size_t)(newline - bytes) : size;

		/* Some kernels end lines with a line feed, then a carriage return. */
		if (*bytes == '\r' && !port->size && !port->cut) {
			bytes++;
			size--;
			continue;
		}
		n = min_u64(n, MATCH_LINE_MAX - port->size);
		memcpy(port->line + port->size, bytes, n);
		port->size += n;
		bytes += n;
		size -= n;
		if (size && *bytes == '\n') {
			line_ends(m, port);
			bytes++;
			size--;
		} else if (port->size == MATCH_LINE_MAX) {
			line_shift(m, port);
		}
	}
	if (port->size)
		match_steps(m, port, false);
}

void matcher_finish(struct matcher *m, struct match_port *port)
{
	if (port->size)
		line_ends(m, port);
}

/* ---- other texts ---- */

/* TEXT is searched line by line, or an expression could reach over several. */
bool match_text(const struct suite_pattern *p, const char *text, char ret_line[EXCERPT_ROOM])
{
	AUTO_FREE struct match_port *line = calloc(1, sizeof(*line));
	bool found = false;
	regex_t regex;
	size_t end;

	if (!line || !compile(p, &regex))
		return false;
	line->partition = p->partition ?: "";
	snprintf(line->port, sizeof(line->port), "%s", p->port ?: "");
	while (!found && *text) {
		size_t n = strcspn(text, "\n");

		line->size = min_u64(n, MATCH_LINE_MAX);
		memcpy(line->line, text, line->size);
		found = find(p, &regex, line, 0, true, &end);
		text += n + (text[n] == '\n');
	}
	if (found)
		sanitised(line, ret_line);
	if (p->regex)
		regfree(&regex);
	return found;
}

/* ---- the tail ---- */

char *match_port_tail(const struct match_port *port, unsigned lines)
{
	size_t size = min_u64(port->total, MATCH_TAIL_MAX), used = 0, start;
	AUTO_FREE char *raw = malloc(size + 1);
	char *out = malloc(size * 3 + lines + 1);

	if (!raw || !out || !size) {
		free(out);
		return NULL;
	}
	for (size_t i = 0; i < size; i++)
		raw[i] = port->tail[(port->total - size + i) % MATCH_TAIL_MAX];
	while (size && (raw[size - 1] == '\n' || raw[size - 1] == '\r'))
		size--;
	for (start = size; start && lines; start--) {
		if (raw[start - 1] == '\n' && !--lines)
			break;
	}
	while (start < size) {
		const char *newline = memchr(raw + start, '\n', size - start);
		size_t n = newline ? (size_t)(newline - raw) - start : size - start;
		size_t from = start, text = n;

		while (text && raw[from + text - 1] == '\r')
			text--;
		for (; text && raw[from] == '\r'; text--)
			from++;
		text_sanitise_line((const uint8_t *)raw + from, text, out + used);
		used += strlen(out + used);
		start += n + (newline != NULL);
		if (start < size)
			out[used++] = '\n';
	}
	out[used] = '\0';
	return out;
}
