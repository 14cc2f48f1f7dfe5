/* SPDX-License-Identifier: BSD-3-Clause */
/* Who serves the folders that partitions share with the host: virtiofsd. */
#ifndef SUPERVISOR_SHARE_H
#define SUPERVISOR_SHARE_H

#include "supervisor/child_files.h"

/*
 * Starts a virtiofsd for the folder of a device of type fs, or connects to the one whose socket the
 * plan names. The socket to it, the caller's; -1 with an error in the child's diagnostics.
 */
int share_start(const struct opening *o);
int share_connect(const struct opening *o);

#endif
