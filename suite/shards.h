/* SPDX-License-Identifier: BSD-3-Clause */
/* Which shards of a test have left a report: one merged of them is complete with each, once. */
#ifndef SUITE_SHARDS_H
#define SUITE_SHARDS_H

#include "lib/diag.h"
#include "suite/report.h"

struct shards {
	struct shard *items; /* of the reports that say which shard they are */
	unsigned count;
};

/*
 * Notes which shard REPORT, one that report_merge has taken, is; PATH, its file, has to stay. One
 * that says nothing of shards is all of a test. 0, or -ENOMEM.
 */
int shards_add(struct shards *s, const json_t *report, const char *path);

/* Tells DIAGS of shards that are missing, there twice, or of tests with other numbers of them. */
void shards_check(struct shards *s, struct diags *diags);

void shards_fini(struct shards *s);

#endif
