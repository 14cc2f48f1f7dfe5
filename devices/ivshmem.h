/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One partition's end of a region of memory that partitions share: include/bulkhead/ivshmem.h has
 * the registers.
 */
#ifndef DEVICES_IVSHMEM_H
#define DEVICES_IVSHMEM_H

#include "lib/loop.h"
#include "vmm/machine.h"

#define IVSHMEM_PEERS_MAX   12
#define IVSHMEM_VECTORS_MAX 16

/* Of the state table, and of what is before the output section in a peer's file. */
#define IVSHMEM_PAGE 4096

/*
 * The first page of a peer's file: only its process, and the supervisor once that is gone, can
 * write it. Guests do not see it.
 */
struct ivshmem_peer_page {
	_Atomic uint32_t state;
};

struct ivshmem_config {
	const char *name; /* as that of any device */
	int devfn;
	bool v2;
	unsigned id, peers; /* which peer this is, of how many */
	unsigned vectors;   /* of each peer */
	uint16_t protocol;  /* version 2 */
	uint64_t size;   /* bytes: of the memory, or the read/write section, which may have none */
	uint64_t output; /* version 2, bytes: of an output section; may be 0 */
	bool readonly;   /* version 1: this peer may not write the memory */
	/*
	 * The I/O thread's, and descriptors, borrowed: of the memory or read/write section (-1: it
	 * has no size); version 2: of each peer's file (a struct ivshmem_peer_page, then its output
	 * section), then of each peer's notice (an eventfd that tells its process that states have
	 * changed); last, for each peer, the eventfds that are its vectors. Both NULL: it will not
	 * run.
	 */
	struct loop *loop;
	const int32_t *fds;
};

/*
 * Makes the function and puts it on the bus of M, which owns it from here on, also when a later
 * step fails. 0; -EINVAL when the configuration has no such device; else what mmap, mlock or the
 * machine say.
 */
int ivshmem_create(struct machine *m, const struct ivshmem_config *cfg);

#endif
