/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/device_calls.h"

#include "lib/util.h"

/*
 * One list for each type of device, in a table by enum plan_device_type; types that take nothing
 * more have none. Each rule says what it is for. Of a call that has rules for some arguments here
 * or in lockdown.c (ioctl, fcntl) all rules are such.
 */
struct call_list {
	const struct sandbox_rule *rules;
	size_t count;
};

static const struct call_list call_lists[] = {
	[PLAN_DEVICE_RNG] = {NULL, 0}, /* read */
};

static bool has_device(const struct plan_partition *p, enum plan_device_type type)
{
	for (unsigned i = 0; i < p->device_count; i++) {
		if (p->devices[i].type == type)
			return true;
	}
	return false;
}

int device_calls_add(const struct plan_partition *p, struct sandbox_filter *filter)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < ARRAY_SIZE(call_lists); i++) {
		if (call_lists[i].count && has_device(p, i))
			ret = sandbox_filter_add(filter, call_lists[i].rules, call_lists[i].count);
	}
	return ret;
}
