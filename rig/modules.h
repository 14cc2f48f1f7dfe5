/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel modules out of a kernel package's folder, in the order in which they can be loaded. */
#ifndef RIG_MODULES_H
#define RIG_MODULES_H

#include "lib/diag.h"
#include "rig/cpio.h"

/*
 * Writes the modules called NAMES (NULL-terminated), after those that they depend on, from below
 * DIR into C as FOLDER/NN-NAME.ko, decompressed. One that is not there is left out: a kernel may
 * have it built in. Problems are in DIAGS.
 */
void modules_write(const char *dir, const char *const *names, const char *folder, struct cpio *c,
	struct diags *diags);

/*
 * The names of what the module of SIZE bytes at BYTES depends on, separated by commas, inside it;
 * *RET_SIZE is their length. NULL when it does not say.
 */
const char *module_depends(const char *bytes, size_t size, size_t *ret_size);

/* Whether FILE, the last part of a path, is the module NAME: "-" and "_" are the same in it. */
bool module_is(const char *file, const char *name);

#endif
