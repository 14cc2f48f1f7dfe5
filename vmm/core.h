/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ELF core of a machine, as a stream of bytes [gABI 5]: ET_CORE of 64 bits whatever mode the
 * guest is in, with the vCPUs' notes. Each piece of guest memory is in the file once. A PT_LOAD has
 * it at its physical address; others show what the guest's page tables map of it, as QEMU's
 * dump-guest-memory does with paging, so that gdb finds a kernel's virtual addresses. These come
 * first: where both have an address, the guest's is meant.
 *
 * The guest must not run. One thread.
 */
#ifndef VMM_CORE_H
#define VMM_CORE_H

#include "vmm/machine.h"
#include "vmm/space.h"
#include "vmm/vm.h"

/* PT_LOADs of virtual addresses; more are left out. */
#define CORE_RUNS_MAX 16384

struct core_source {
	enum guest_arch arch;
	const struct gmem *gmem;
	const struct vm_memory *memory; /* which has all of GMEM */
	const struct space *space;      /* NULL: none is known */
	const void *notes;
	size_t notes_size;
};

struct core;

/* 0 or -ENOMEM; SOURCE is not needed any more, but its GMEM and MEMORY are. */
int core_create(const struct core_source *source, struct core **ret_core);
void core_destroy(struct core *core);

/* The size of the file, in bytes. */
uint64_t core_size(const struct core *core);

/* The next bytes, until the next call: how many, at *RET_BYTES; 0: that was all. */
size_t core_peek(struct core *core, const void **ret_bytes);

/* So many of them are written. */
void core_advance(struct core *core, size_t n);

#endif
