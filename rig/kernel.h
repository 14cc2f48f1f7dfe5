/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel of the emulated machine: given, or out of Debian's archive, kept in a cache. */
#ifndef RIG_KERNEL_H
#define RIG_KERNEL_H

#include "plan/plan.h"

struct rig_kernel {
	char image[PATH_MAX];
	char modules[PATH_MAX]; /* the folder; empty: none */
};

/*
 * The kernel for ARCH that the cache has, got first with the host's apt if it has none: no root is
 * needed, nothing is installed. Tells its progress on standard error. 0, or a negative errno with
 * the reason in DIAGS.
 */
int rig_kernel_find(enum plan_arch arch, struct diags *diags, struct rig_kernel *ret_kernel);

/*
 * The folder of what is fetched: $BULKHEAD_CACHE, or $XDG_CACHE_HOME/bulkhead, or
 * ~/.cache/bulkhead. False: there is none.
 */
bool rig_cache_path(char ret_path[PATH_MAX]);

/*
 * The package that the newest kernel is in, which is what PACKAGE depends on: SHOWN is what
 * `apt-cache show` says of that. False: it does not say.
 */
bool rig_kernel_package(const char *shown, char *ret_name, size_t size);

#endif
