/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a case expects: whether it can be, and its defaults.
 */
#include "suite/schema.h"

#include "lib/exitcode.h"
#include "lib/util.h"

#include <regex.h>
#include <string.h>

#define DEFAULT_OUTPUT (16 * MIB)

/* What expressions may cost to compile. */
#define REGEX_TEXT_MAX    512
#define REGEX_REPEATS_MAX 256

/*
 * The C library writes repetitions out: of {1000} in {1000} it would make a million. True when TEXT
 * does not multiply beyond REGEX_REPEATS_MAX.
 */
static bool repeats_bounded(const char *text)
{
	unsigned long product = 1;

	while ((text = strchr(text, '{')) != NULL) {
		unsigned long first = strtoul(++text, NULL, 10), last = first;
		const char *comma = text + strspn(text, "0123456789");

		if (*comma == ',')
			last = strtoul(comma + 1, NULL, 10);
		if (first > REGEX_REPEATS_MAX || last > REGEX_REPEATS_MAX)
			return false;
		product *= max_u64(max_u64(first, last), 1);
		if (product > REGEX_REPEATS_MAX)
			return false;
	}
	return true;
}

static void check_regex(
	struct diags *diags, const char *text, const struct diag_loc *loc, const char *field)
{
	char why[128];
	regex_t r;
	int ret;

	if (!text)
		return;
	if (strlen(text) > REGEX_TEXT_MAX || !repeats_bounded(text)) {
		diag_error(diags, loc, field,
			"an expression of more than %d bytes, or of more than %d repetitions in "
			"braces; shorten it",
			REGEX_TEXT_MAX, REGEX_REPEATS_MAX);
		return;
	}
	ret = regcomp(&r, text, REG_EXTENDED | REG_NOSUB);
	if (!ret) {
		regfree(&r);
		return;
	}
	regerror(ret, &r, why, sizeof(why));
	diag_error(
		diags, loc, field, "not a POSIX extended regular expression: %s; correct it", why);
}

static bool is_console(const struct plan_partition *p, unsigned port)
{
	return plan_port(p, port) && plan_port(p, port)->kind == PLAN_PORT_CONSOLE;
}

/* Whether the plan has such a console. */
static void check_place(struct diags *diags, const struct suite_pattern *p, const struct plan *plan,
	const struct diag_loc *loc, const char *field)
{
	bool named = false, found = false;
	char buf[EXCERPT_MAX];

	for (unsigned i = 0; plan && i < plan->partition_count; i++) {
		const struct plan_partition *part = &plan->partitions[i];

		if (p->partition && strcmp(p->partition, part->name) != 0)
			continue;
		named = true;
		for (unsigned s = 0; s < PLAN_PORTS_MAX; s++)
			found = found ||
				(is_console(part, s) &&
					(!p->port || plan_port_find(part, p->port) == (int)s));
	}
	if (!plan || found)
		return;
	if (!named)
		diag_error(diags, loc, field, "the plan has no partition %s; name one that it has",
			excerpt(p->partition, buf));
	else
		diag_error(diags, loc, field,
			"the plan has no such port that is a console; see serial and devices in it");
}

static void check_pattern(struct diags *diags, const struct suite_pattern *p,
	const struct plan *plan, const struct diag_loc *loc, const char *field)
{
	if (p->text && p->regex)
		diag_error(diags, loc, field, "both a text and a regex; remove one of the two");
	if (p->text && !*p->text)
		diag_error(diags, loc, field, "an empty text is everywhere; give one");
	check_regex(diags, p->regex, loc, field);
	check_place(diags, p, plan, loc, field);
}

/* PLAN is NULL where no console is meant. */
static void check_signs(struct diags *diags, const struct suite_sign *signs, unsigned count,
	const struct plan *plan, const char *field)
{
	for (unsigned i = 0; i < count; i++) {
		const struct suite_sign *s = &signs[i];

		check_pattern(diags, &s->pattern, plan, &s->loc, field);
		if (!s->pattern.text && !s->pattern.regex)
			diag_error(
				diags, &s->loc, field, "nothing is looked for; give text or regex");
	}
}

void check_expect(struct suite_case *c, struct diags *diags)
{
	struct suite_expect *e = &c->expect;

	for (unsigned i = 0; i < e->step_count; i++) {
		struct suite_step *s = &e->steps[i];

		check_pattern(diags, &s->pattern, c->plan, &s->loc, "cases.expect.console");
		if (!s->pattern.text && !s->pattern.regex && !s->send)
			diag_error(diags, &s->loc, "cases.expect.console",
				"nothing is looked for or sent; give text, regex or send");
		if (s->within_ns > c->timeout_ns)
			diag_error(diags, &s->loc, "cases.expect.console",
				"the case is over before it is late; give a longer timeout");
	}
	check_signs(diags, e->forbids, e->forbid_count, c->plan, "cases.expect.forbid");
	check_signs(diags, e->contains, e->contain_count, c->plan, "cases.expect.contains");
	check_signs(diags, e->messages, e->message_count, NULL, "cases.expect.messages");
	check_signs(diags, e->skips, e->skip_count, c->plan, "cases.expect.skip");
	check_regex(diags, e->fatal, &e->fatal_loc, "cases.expect.fatal");
	if (e->stop && !e->step_count)
		diag_error(diags, &c->loc, "cases.expect.stop",
			"there is nothing after which it could stop; give console");
	if (e->guest_code && !e->exit_code_loc.file)
		e->exit_code = BH_EXIT_GUEST_FAILED;
	if (!e->max_output)
		e->max_output = DEFAULT_OUTPUT;
}
