/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a partition process has told of its guest (MSG_INSPECT): checked, for it handles guest
 * input, and made into text and JSON. Knows nothing of the run.
 */
#ifndef SUPERVISOR_INSPECTION_H
#define SUPERVISOR_INSPECTION_H

#include "partition/protocol.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct inspected_vcpu {
	bool there;
	struct message_vcpu m;
	char *registers; /* lines; NULL: none */
};

struct inspection {
	const struct plan_partition *plan;
	bool lacks_console; /* its image is a Linux kernel that is told of no console */
	bool complete;
	struct message_inspected rest;
	struct inspected_vcpu vcpus[PLAN_VCPUS_MAX]; /* as many as the plan has */
};

/* NULL when there is no memory. */
struct inspection *inspection_create(const struct plan_partition *plan);
void inspection_destroy(struct inspection *in);

/* MSG_VCPU and MSG_INSPECTED. False: the partition may not say that, or not now. */
bool inspection_take_vcpu(struct inspection *in, const void *payload, size_t size);
bool inspection_take_rest(struct inspection *in, const void *payload, size_t size);

/* Makes LIST, as it came, such that the rest of this file takes it. False: that cannot be. */
bool inspection_check_unowned(struct message_unowned list[UNOWNED_MAX]);

/* In one line what the guest is at and what may be wrong with it. Of a complete inspection. */
void inspection_summarise(const struct inspection *in, FILE *f);

/* All of it, in lines. */
void inspection_print(const struct inspection *in, FILE *f);

/* The same as an object. */
json_t *inspection_json(const struct inspection *in);

/*
 * What the addresses that P's guest has used, and its command line, say about an output that does
 * not show: a list of texts, perhaps empty.
 */
json_t *inspection_hints(
	const struct plan_partition *p, const struct message_unowned list[UNOWNED_MAX]);

/* LIST as an array. */
json_t *inspection_unowned_json(const struct message_unowned list[UNOWNED_MAX]);

#endif
