/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether the consoles that a command line asks a Linux kernel for [Linux
 * admin-guide/kernel-parameters, console=] are there. Names that other systems have for theirs say
 * nothing.
 */
#include "plan/schema.h"

#include <string.h>

/* A name of a family of devices, with a number behind it: those of P that are there. */
struct family {
	const char *name;
	bool (*has)(const struct plan_partition *p, unsigned number);
};

static bool has_serial(const struct plan_partition *p, enum plan_arch arch, unsigned number)
{
	return p->arch == arch && number < PLAN_SERIAL_PORTS && plan_port(p, number);
}

static bool has_16550(const struct plan_partition *p, unsigned number)
{
	return has_serial(p, PLAN_ARCH_X86_64, number);
}

static bool has_pl011(const struct plan_partition *p, unsigned number)
{
	return has_serial(p, PLAN_ARCH_ARM64, number);
}

static bool has_hvc(const struct plan_partition *p, unsigned number)
{
	char label[PLAN_PORT_NAME_MAX];

	snprintf(label, sizeof(label), "hvc%u", number);
	return plan_port_find(p, label) >= 0;
}

static bool has_display(const struct plan_partition *p, unsigned number)
{
	(void)p;
	(void)number;
	return false;
}

static const struct family families[] = {
	{"ttyS", has_16550},
	{"ttyAMA", has_pl011},
	{"hvc", has_hvc},
	{"tty", has_display},
};

/* Whether P has DEVICE; -1: it is none that is known. */
static int has_device(const struct plan_partition *p, const char *device, size_t size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
		size_t n = strlen(families[i].name);
		unsigned number = 0;

		if (size <= n || size > n + 3 || strncmp(device, families[i].name, n) != 0 ||
			strspn(device + n, "0123456789") != size - n)
			continue;
		for (; n < size; n++)
			number = 10 * number + (unsigned)(device[n] - '0');
		return families[i].has(p, number);
	}
	return -1;
}

/* The next word of *AT that starts with "console=", "earlycon=" or "earlyprintk=", up to the first
 * comma. NULL: there is none. */
static const char *next_console(const char **at, size_t *ret_size, bool *ret_early)
{
	static const char *const keys[] = {"console=", "earlycon=", "earlyprintk="};

	while (*(*at += strspn(*at, " \t"))) {
		const char *word = *at;
		size_t size = strcspn(word, " \t");

		*at += size;
		for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
			if (strncmp(word, keys[i], strlen(keys[i])) != 0)
				continue;
			*ret_size = strcspn(word, " \t,");
			*ret_early = i > 0;
			return word;
		}
	}
	return NULL;
}

/* " (it has ttyS0, hvc0)", or nothing. */
static void append_those_there(const struct plan_partition *p, char *text)
{
	size_t used = strlen(text);
	const char *before = " (it has ";

	for (unsigned i = 0; i + 1 < ARRAY_SIZE(families); i++) {
		for (unsigned n = 0; n < PLAN_PORTS_MAX && used < PLAN_CONSOLES_TEXT_MAX; n++) {
			if (!families[i].has(p, n))
				continue;
			used += (size_t)snprintf(text + used, PLAN_CONSOLES_TEXT_MAX - used,
				"%s%s%u", before, families[i].name, n);
			before = ", ";
		}
	}
	if (*before == ',' && used < PLAN_CONSOLES_TEXT_MAX)
		snprintf(text + used, PLAN_CONSOLES_TEXT_MAX - used, ")");
}

enum plan_consoles plan_consoles(
	const struct plan_partition *p, char ret_text[PLAN_CONSOLES_TEXT_MAX])
{
	const char *at = p->cmdline ?: "", *word;
	bool early, any = false, lacks = false;
	size_t size;

	*ret_text = '\0';
	while ((word = next_console(&at, &size, &early))) {
		const char *device = strchr(word, '=') + 1;
		int has = has_device(p, device, size - (size_t)(device - word));

		/* Who names one more has a use for what is not there. */
		any = any || (!early && has);
		lacks = lacks || (!early && !has);
		if (has || *ret_text)
			continue;
		snprintf(ret_text, PLAN_CONSOLES_TEXT_MAX,
			"%.*s names a device that this partition lacks", (int)min_u64(size, 40),
			word);
		append_those_there(p, ret_text);
	}
	return lacks && !any ? PLAN_CONSOLES_LACKING
	       : *ret_text   ? PLAN_CONSOLES_SOME
			     : PLAN_CONSOLES_FINE;
}

void plan_check_consoles(const struct plan *plan, struct diags *diags)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *p = &plan->partitions[i];
		char text[PLAN_CONSOLES_TEXT_MAX], field[PLAN_FIELD_MAX];

		if (plan_consoles(p, text) != PLAN_CONSOLES_LACKING)
			continue;
		diag_warning(diags, &p->locs[PLAN_KEY_CMDLINE], plan_field(p, "cmdline", field),
			"%s; its kernel's output would not show", text);
	}
}
