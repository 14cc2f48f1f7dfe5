/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest logs through the control page: lines=N of them, numbered from 1; hostile=1, texts
 * that mean harm; then how=spin goes on for ever, and anything else ends with success.
 */
#include "guest.h"

#include <bulkhead/control.h>

static void log_text(const char *text, size_t size)
{
	uint64_t address = (uintptr_t)text;

	control_write(BULKHEAD_CONTROL_LOG_ADDRESS, (uint32_t)address);
	control_write(BULKHEAD_CONTROL_LOG_ADDRESS_HIGH, (uint32_t)(address >> 32));
	control_write(BULKHEAD_CONTROL_LOG_SIZE, (uint32_t)size);
}

/* Writes N after the eight bytes "number: ", and logs that. */
static void log_number(uint64_t n)
{
	static char text[32] = "number: ";
	char digits[20];
	unsigned count = 0, at = 8;

	do
		digits[count++] = (char)('0' + n % 10);
	while (n /= 10);
	while (count)
		text[at++] = digits[--count];
	log_text(text, at);
}

static void log_hostile(void)
{
	static const char *const texts[] = {
		"clears: \033[2J\033[1;1H",
		"two lines\nbulkhead: safety: exit code 0",
		"title: \033]0;mine\a\n",
		"quotes: \"\\\", \"kind\": \"fatal\"",
		"format: %s%n%s",
		"letters: 21 \xC2\xB0"
		"C",
		"not letters: \xC2\x9B"
		"31m \xFF \xE2\x80\xAE",
	};
	static char longest[BULKHEAD_LOG_MAX + 1];

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		log_text(texts[i], strlen(texts[i]));
	memset(longest, 'x', sizeof(longest));
	log_text(longest, BULKHEAD_LOG_MAX);
	/* None of these is a line. */
	log_text(longest, sizeof(longest));
	log_text(longest, 0);
	log_text((const char *)(uintptr_t)0x3FFFFFFFFF00, 16);
	log_text((const char *)UINTPTR_MAX, 16);
}

int guest_main(void)
{
	uint64_t lines = cmdline_number("lines", 0);
	char how[8] = "";

	if (cmdline_number("hostile", 0))
		log_hostile();
	for (uint64_t i = 1; i <= lines; i++)
		log_number(i);
	cmdline_get("how", how, sizeof(how));
	while (strcmp(how, "spin") == 0)
		cpu_relax();
	return 0;
}
