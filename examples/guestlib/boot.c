/* SPDX-License-Identifier: BSD-3-Clause */
/* The common part of the start, and what images may ask about how they were loaded. */
#include "arch.h"

struct boot boot = {.protocol = "none", .loader = ""};

/* From the architecture's entry code. */
_Noreturn void guest_start(void);

void guest_start(void)
{
	arch_init();
	guest_exit((unsigned)guest_main());
}

const char *cmdline(void)
{
	return boot.cmdline;
}

bool cmdline_get(const char *key, char *buf, size_t size)
{
	size_t n = strlen(key);

	for (const char *word = boot.cmdline; *word;) {
		const char *end = word;

		while (*end && *end != ' ')
			end++;
		if (strncmp(word, key, n) == 0 && word[n] == '=') {
			size_t length = (size_t)(end - (word + n + 1));

			if (length > size - 1)
				length = size - 1;
			memcpy(buf, word + n + 1, length);
			buf[length] = '\0';
			return true;
		}
		while (*end == ' ')
			end++;
		word = end;
	}
	return false;
}

/* The number at TEXT; *RET_END is what follows it. */
static uint64_t parse_number(const char *text, const char **ret_end)
{
	unsigned base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
	uint64_t v = 0;

	if (base == 16)
		text += 2;
	for (;; text++) {
		unsigned digit = base;

		if (*text >= '0' && *text <= '9')
			digit = (unsigned)(*text - '0');
		else if (*text >= 'a' && *text <= 'f')
			digit = (unsigned)(*text - 'a') + 10;
		else if (*text >= 'A' && *text <= 'F')
			digit = (unsigned)(*text - 'A') + 10;
		if (digit >= base)
			break;
		v = v * base + digit;
	}
	*ret_end = text;
	return v;
}

uint64_t cmdline_number(const char *key, uint64_t fallback)
{
	const char *end;
	char text[32];
	uint64_t v;

	if (!cmdline_get(key, text, sizeof(text)))
		return fallback;
	v = parse_number(text, &end);
	if (end == text || *end)
		panic("command line: %s=%s is not a number", key, text);
	return v;
}

uint64_t cmdline_time(const char *key, uint64_t fallback)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", NS_PER_US}, {"ms", NS_PER_MS}, {"s", NS_PER_S}};
	const char *end;
	char text[32];
	uint64_t v;

	if (!cmdline_get(key, text, sizeof(text)))
		return fallback;
	v = parse_number(text, &end);
	for (unsigned i = 0; end != text && i < ARRAY_SIZE(units); i++)
		if (strcmp(end, units[i].name) == 0)
			return v * units[i].ns;
	panic("command line: %s=%s is not a time such as 200ms", key, text);
}

bool memory_map(unsigned i, struct memory_range *ret_range)
{
	if (i >= boot.range_count)
		return false;
	*ret_range = boot.ranges[i];
	return true;
}

bool boot_module(unsigned i, struct boot_module *ret_module)
{
	if (i >= boot.module_count)
		return false;
	*ret_module = boot.modules[i];
	return true;
}

void delay_ns(uint64_t ns)
{
	uint64_t start = time_ns();

	while (time_ns() - start < ns)
		cpu_relax();
}
