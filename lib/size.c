/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/size.h"

#include "lib/util.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* The first entry of a factor is the one that format_size writes; largest first. */
static const struct unit size_units[] = {
	{"T", GIB * 1024},
	{"TiB", GIB * 1024},
	{"G", GIB},
	{"GiB", GIB},
	{"M", MIB},
	{"MiB", MIB},
	{"K", KIB},
	{"KiB", KIB},
	{"", 1},
	{"B", 1},
};

static const struct unit duration_units[] = {
	{"h", 3600000000000},
	{"m", 60000000000},
	{"s", 1000000000},
	{"ms", 1000000},
	{"us", 1000},
	{"ns", 1},
};

/* Reads the integer at the start of TEXT; *RET_END is what follows it. */
static int parse_digits(
	const char *text, bool hex_allowed, uint64_t *ret_value, const char **ret_end)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long value;
	char *end;

	if (hex && !hex_allowed)
		return -EINVAL;
	if (hex ? !isxdigit((unsigned char)text[2]) : !isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, hex ? 16 : 10);
	if (errno == ERANGE)
		return -ERANGE;
	*ret_value = value;
	*ret_end = end;
	return 0;
}

int parse_u64(const char *text, uint64_t *ret_value)
{
	const char *end;
	uint64_t value;
	int ret = parse_digits(text, true, &value, &end);

	if (ret)
		return ret;
	if (*end)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

static int parse_quantity(
	const char *text, bool hex_allowed, const struct unit *units, size_t n, uint64_t *ret_value)
{
	const char *end;
	uint64_t value;
	int ret = parse_digits(text, hex_allowed, &value, &end);

	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(end, units[i].suffix) != 0)
			continue;
		if (__builtin_mul_overflow(value, units[i].factor, &value))
			return -ERANGE;
		*ret_value = value;
		return 0;
	}
	return -EINVAL;
}

int parse_size(const char *text, uint64_t *ret_bytes)
{
	return parse_quantity(text, true, size_units, ARRAY_SIZE(size_units), ret_bytes);
}

int parse_duration(const char *text, uint64_t *ret_ns)
{
	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	return parse_quantity(text, false, duration_units, ARRAY_SIZE(duration_units), ret_ns);
}

char *format_size(uint64_t bytes, char buf[QUANTITY_MAX])
{
	/* The last entry spells bytes "B"; the one before is the bare number. */
	size_t i = 0, last = ARRAY_SIZE(size_units) - 2;

	while (i < last && (bytes == 0 || bytes % size_units[i].factor != 0))
		i++;
	snprintf(buf, QUANTITY_MAX, "%" PRIu64 "%s", bytes / size_units[i].factor,
		size_units[i].suffix);
	return buf;
}

char *format_duration(uint64_t ns, char buf[QUANTITY_MAX])
{
	static const struct {
		uint64_t factor;
		const char *suffix;
	} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
	size_t i = 0;

	while (ns % units[i].factor != 0)
		i++;
	snprintf(buf, QUANTITY_MAX, "%" PRIu64 "%s", ns / units[i].factor, units[i].suffix);
	return buf;
}
