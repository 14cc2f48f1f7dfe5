/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SUPERVISOR_DISK_H
#define SUPERVISOR_DISK_H

#include "supervisor/child_files.h"

/* Opens and locks what is behind a disk. What cannot be is an error in the diags. */
void disk_open(struct opening *o);

/* Whether somebody has a disk of P that keeps a start from opening it. */
bool disks_taken(const struct plan_partition *p);

#endif
