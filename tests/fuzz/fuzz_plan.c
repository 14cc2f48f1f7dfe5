/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan's text, and an override: what stands before the first NUL byte, if there is one. What
 * loads must replay from its printed form.
 */
#include "plan/plan.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct plan *load(const char *text, size_t size, const char *set)
{
	const struct plan_options options = {.overrides = &set, .override_count = set ? 1 : 0};
	struct plan *plan = NULL;
	struct diags diags;

	diags_init(&diags);
	if (plan_load_text("plan", "/plans", text, size, &options, &diags, &plan) !=
		(diags.errors ? -22 : 0))
		abort();
	diags_fini(&diags);
	return plan;
}

static char *print(const struct plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	plan_print_yaml(plan, f);
	fclose(f);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *nul = size ? memchr(text, '\0', size) : NULL;
	const char *set = nul ? text : NULL;
	size_t skip = nul ? (size_t)(nul - text) + 1 : 0;
	struct plan *plan = load(text + skip, size - skip, set);
	AUTO_FREE char *first = NULL, *second = NULL;

	if (!plan)
		return 0;
	first = print(plan);
	plan_destroy(plan);
	plan = load(first, strlen(first), NULL);
	if (!plan)
		abort();
	second = print(plan);
	plan_destroy(plan);
	if (strcmp(first, second) != 0)
		abort();
	return 0;
}
