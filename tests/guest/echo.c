/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Console input by interrupt: sleeps until bytes come, gives each line back in brackets, and ends
 * at a line "quit". size=N instead takes N bytes and prints their sum; awake=1 waits without
 * sleeping.
 */
#include "check.h"

static void nothing(void)
{
}

static void (*wait)(void) = cpu_wait;

static uint8_t next_byte(void)
{
	int c = console_read();

	while (c < 0) {
		console_notify(nothing);
		wait();
		c = console_read();
	}
	return (uint8_t)c;
}

static int take(uint64_t size)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < size; i++)
		sum += next_byte();
	kprintf("%lu bytes, sum %lu\n", size, sum);
	return 0;
}

int guest_main(void)
{
	uint64_t size = cmdline_number("size", 0);
	char line[64];

	if (cmdline_number("awake", 0))
		wait = cpu_let_in;
	kprintf("ready\n");
	if (size)
		return take(size);
	for (;;) {
		unsigned n = 0;
		uint8_t c;

		while ((c = next_byte()) != '\n' && c != '\r')
			if (n < sizeof(line) - 1)
				line[n++] = (char)c;
		line[n] = '\0';
		kprintf("[%s]\n", line);
		if (strcmp(line, "quit") == 0)
			return 0;
	}
}
