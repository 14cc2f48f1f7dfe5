/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads guest memory without making pages that nobody has touched. What the host has swapped out is
 * read like the rest.
 */
#ifndef VMM_PEEK_H
#define VMM_PEEK_H

#include "vmm/vm.h"

/*
 * N bytes at HVA, all of them in MEMORY: where they are, or, if looking there would make them, in
 * BUF, which has room for N. What cannot be read is zeros. Any thread.
 */
const void *peek(const struct vm_memory *memory, const uint8_t *hva, void *buf, size_t n);

#endif
