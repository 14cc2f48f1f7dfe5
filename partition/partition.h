/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The partition layer, as cli/ and supervisor/ see it: nothing of vmm/ shows here.
 */
#ifndef PARTITION_PARTITION_H
#define PARTITION_PARTITION_H

#include "lib/diag.h"
#include "plan/plan.h"

#include <stdbool.h>

/*
 * The life of a partition process: what main() does when argv[0] is PARTITION_ARGV0
 * (partition/protocol.h). Its exit code.
 */
int partition_main(int argc, char **argv);

/*
 * Builds the partition as `run` would, from the files on this host, without KVM, and forgets it.
 * 0, or a negative errno with every reason in DIAGS, unless it is that a file cannot be read or is
 * empty: plan_check_files tells that.
 */
int partition_check(const struct plan_partition *p, struct diags *diags);

/* What this host's KVM runs. */
enum plan_arch partition_host_arch(void);

/*
 * Asks the KVM behind DEVICE for what P, which is for this host's architecture, wants of it, and
 * notes in DIAGS what it would get where that depends on the host. 0, or a negative errno, with a
 * reason in DIAGS unless the device cannot be opened.
 */
int partition_check_host(const struct plan_partition *p, const char *device, struct diags *diags);

/*
 * Whether the file is what a partition would load as a Linux bzImage or Image, compressed with gzip
 * or not; false also when it cannot be read.
 */
bool partition_image_is_linux(const char *path);
bool partition_image_fd_is_linux(int fd);

/* The most bytes that an ELF core of P can have. */
uint64_t partition_core_max(const struct plan_partition *p);

/* How long writing one may take, in nanoseconds. */
uint64_t partition_core_ns(const struct plan_partition *p);

/* False when the file is one for another architecture; true also when it cannot be read. */
bool partition_image_may_be_for(enum plan_arch arch, const char *path);

#endif
