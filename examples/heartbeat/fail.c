/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways for a partition to go wrong, at a given beat: fail=WAY@BEAT on the command line. */
#include "heartbeat.h"

#include "mmio.h"

#include <bulkhead/control.h>

static void undefined_instruction(uint32_t argument)
{
	(void)argument;
	cpu_undefined();
}

static void violation(uint32_t argument)
{
	mmio_write32(MMIO_NOWHERE, argument);
}

static void hang(uint32_t argument)
{
	(void)argument;
	irq_disable();
	for (;;)
		cpu_relax();
}

static void exit_with(uint32_t argument)
{
	control_write(BULKHEAD_CONTROL_EXIT, argument);
	guest_exit(argument);
}

static const struct way ways[] = {{"ud", undefined_instruction}, {"violation", violation},
	{"hang", hang}, {"exit", exit_with}, {NULL, NULL}};

static struct {
	void (*fail)(uint32_t argument);
	uint32_t argument;
	uint64_t beat; /* 0: never */
} plan;

/* The decimal number at TEXT; END is what must follow it. */
static uint64_t number(const char *text, char end, const char *whole)
{
	uint64_t v = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == text || *p != end)
		panic("fail=%s is not WAY@BEAT or exit:CODE@BEAT", whole);
	return v;
}

/* The way that the N characters at TEXT name, up to a colon or the end; NULL: none. */
static const struct way *way_find(const struct way *list, const char *text, size_t n)
{
	for (; list->name; list++) {
		size_t length = strlen(list->name);

		if (length <= n && strncmp(text, list->name, length) == 0 &&
			(text[length] == '@' || text[length] == ':'))
			return list;
	}
	return NULL;
}

void fail_init(void)
{
	const struct way *way;
	char text[48];
	const char *at;
	size_t n;

	if (!cmdline_get("fail", text, sizeof(text)))
		return;
	at = strstr(text, "@");
	plan.beat = number(at ? at + 1 : "", '\0', text);
	n = (size_t)(at - text);
	if (!(way = way_find(ways, text, n)) && !(way = way_find(machine_ways, text, n)))
		panic("fail=%s is no way to fail that this knows", text);
	plan.fail = way->fail;
	if (text[strlen(way->name)] == ':')
		plan.argument = (uint32_t)number(text + strlen(way->name) + 1, '@', text);
}

void fail_at(uint64_t beat)
{
	if (!plan.beat || beat != plan.beat)
		return;
	kprintf("heartbeat: failing on purpose at beat %lu\n", beat);
	plan.fail(plan.argument);
	kprintf("heartbeat: it did no harm\n");
}
