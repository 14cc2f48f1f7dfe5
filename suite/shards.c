/* SPDX-License-Identifier: BSD-3-Clause */
#include "suite/shards.h"

#include <errno.h>
#include <stdlib.h>

struct shard {
	struct report_shard part;
	const char *path;
	unsigned order; /* in which they were given */
};

int shards_add(struct shards *s, const json_t *report, const char *path)
{
	struct shard shard = {.path = path, .order = s->count};
	struct shard *items;

	if (!report_get_shard(report, &shard.part))
		return 0;
	items = reallocarray(s->items, s->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[s->count++] = shard;
	s->items = items;
	return 0;
}

/* Whether all are parts of a test that was made into the same number of them. */
static bool check_totals(const struct shards *s, struct diags *diags)
{
	bool same = true;

	for (unsigned i = 1; i < s->count; i++) {
		const struct shard *a = &s->items[0], *b = &s->items[i];

		if (a->part.total == b->part.total)
			continue;
		same = false;
		diag_error(diags, &(struct diag_loc){.file = b->path}, NULL,
			"it is shard %u of %u, but %s is one of %u; merge what one test has left",
			b->part.index, b->part.total, a->path, a->part.total);
	}
	return same;
}

static int compare(const void *a, const void *b)
{
	const struct shard *x = a, *y = b;

	if (x->part.index != y->part.index)
		return x->part.index < y->part.index ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void tell_missing(unsigned first, unsigned last, unsigned total, struct diags *diags)
{
	if (first == last)
		diag_error(diags, NULL, NULL,
			"shard %u of %u is missing; give its report, too, or run --shard %u/%u again",
			first, total, first, total);
	else
		diag_error(diags, NULL, NULL,
			"shards %u to %u of %u are missing; give their reports, too, or run them again",
			first, last, total);
}

void shards_check(struct shards *s, struct diags *diags)
{
	unsigned seen = 0, total = s->count ? s->items[0].part.total : 0;

	if (!check_totals(s, diags))
		return;
	if (s->count)
		qsort(s->items, s->count, sizeof(*s->items), compare);
	for (unsigned i = 0; i < s->count; i++) {
		const struct shard *shard = &s->items[i];

		if (shard->part.index == seen)
			diag_error(diags, &(struct diag_loc){.file = shard->path}, NULL,
				"it is shard %u of %u, and so is %s; give each once", seen, total,
				s->items[i - 1].path);
		else if (shard->part.index > seen + 1)
			tell_missing(seen + 1, shard->part.index - 1, total, diags);
		seen = shard->part.index;
	}
	if (seen < total)
		tell_missing(seen + 1, total, total, diags);
}

void shards_fini(struct shards *s)
{
	free(s->items);
	*s = (struct shards){0};
}
