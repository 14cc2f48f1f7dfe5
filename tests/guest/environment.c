/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What test suites such as kvm-unit-tests give their images: arguments as the command line's words,
 * behind the file's name that multiboot puts in front; and an environment as the only module, or
 * the initial RAM disk, of lines NAME=VALUE. Prints them, one a line.
 */
#include "check.h"

#define NAME "environment.elf"

static void say(const char *what, const char *text, size_t size)
{
	kprintf("%s: ", what);
	for (size_t i = 0; i < size; i++)
		kprintf("%c", text[i]);
	kprintf("\n");
}

static unsigned words(const char *line, unsigned first)
{
	unsigned n = 0;

	while (*line) {
		const char *start = line;

		while (*line && *line != ' ')
			line++;
		if (line > start) {
			if (n++ >= first)
				say("argument", start, (size_t)(line - start));
		}
		while (*line == ' ')
			line++;
	}
	return n;
}

/* Whether the first word is the path of this file. */
static bool named(const char *line)
{
	size_t n = 0, own = sizeof(NAME) - 1;

	while (line[n] && line[n] != ' ')
		n++;
	return n >= own && memcmp(line + n - own, NAME, own) == 0;
}

static void environment(const char *text, size_t size)
{
	size_t start = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && text[i] != '\n')
			continue;
		if (i > start && text[start] != '#')
			say("environment", text + start, i - start);
		start = i + 1;
	}
}

int guest_main(void)
{
	struct boot_module m, second;
	bool one = boot_module(0, &m);

	check(words(cmdline(), named(cmdline())) > 0, "arguments");
	check(one && !boot_module(1, &second), "one environment, and nothing else");
	if (!one)
		return checks_failed();
	environment(m.data, m.size);
	/* By that its readers know that there are newlines between the lines. */
	check(!((const char *)m.data)[m.size], "a zero follows it");
	return checks_failed();
}
