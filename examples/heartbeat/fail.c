/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways for a partition to go wrong, at a given beat: fail=WAY@BEAT on the command line. */
#include "heartbeat.h"

#include "x86.h"

#include <bulkhead/control.h>

/* Addresses of the standard machine that nobody has. */
#define NOWHERE      0x90000000
#define PORT_NOWHERE 0x1234

static void triple_fault(uint32_t argument)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = {0, 0};

	(void)argument;
	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void undefined_instruction(uint32_t argument)
{
	(void)argument;
	__asm__ volatile("ud2");
}

static void violation(uint32_t argument)
{
	mmio_write32(NOWHERE, argument);
}

static void port_violation(uint32_t argument)
{
	outl(PORT_NOWHERE, argument);
}

/* No monitor can fetch instructions from where no memory is. */
static void internal_error(uint32_t argument)
{
	(void)argument;
	((void (*)(void))(uintptr_t)NOWHERE)();
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

static const struct {
	const char *name;
	void (*fail)(uint32_t argument);
} ways[] = {{"triple", triple_fault}, {"ud", undefined_instruction}, {"violation", violation},
	{"port-violation", port_violation}, {"internal", internal_error}, {"hang", hang},
	{"exit", exit_with}};

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

void fail_init(void)
{
	char text[48];
	const char *at;
	size_t n;

	if (!cmdline_get("fail", text, sizeof(text)))
		return;
	at = strstr(text, "@");
	plan.beat = number(at ? at + 1 : "", '\0', text);
	n = (size_t)(at - text);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t length = strlen(ways[i].name);

		if (length > n || strncmp(text, ways[i].name, length) != 0 ||
			(text[length] != '@' && text[length] != ':'))
			continue;
		plan.fail = ways[i].fail;
		if (text[length] == ':')
			plan.argument = (uint32_t)number(text + length + 1, '@', text);
	}
	if (!plan.fail)
		panic("fail=%s is no way to fail that this knows", text);
}

void fail_at(uint64_t beat)
{
	if (!plan.beat || beat != plan.beat)
		return;
	kprintf("heartbeat: failing on purpose at beat %lu\n", beat);
	plan.fail(plan.argument);
	kprintf("heartbeat: it did no harm\n");
}
