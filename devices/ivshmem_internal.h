/* SPDX-License-Identifier: BSD-3-Clause */
/* The ivshmem function, between ivshmem.c, which is what it does, and ivshmem_create.c, its making.
 */
#ifndef DEVICES_IVSHMEM_INTERNAL_H
#define DEVICES_IVSHMEM_INTERNAL_H

#include "devices/ivshmem.h"
#include "devices/pci/pci.h"
#include "lib/util.h"

struct ivshmem;

/* One-shot mode: a vector's eventfd, while the I/O thread listens to it. */
struct ivshmem_source {
	struct ivshmem *dev;
	unsigned vector;
	struct loop_watch watch;
};

struct ivshmem {
	struct pci_function f;
	struct ivshmem_config cfg; /* without what it borrowed */
	unsigned first_bell;       /* machine doorbell of peer 0's vector 0; the others follow */
	struct loop *loop;         /* NULL: it does not run */
	/*
	 * All of the memory, as the guest has it; and behind it, where it does not look, the pages
	 * of the peers.
	 */
	uint8_t *memory;
	size_t mapped; /* bytes */
	uint64_t size; /* of the memory alone */

	/* Version 2. */
	unsigned capability;
	_Atomic uint32_t *table; /* the guest's; written under the lock, or by the I/O thread */
	struct ivshmem_peer_page *pages[IVSHMEM_PEERS_MAX];
	int notices[IVSHMEM_PEERS_MAX]; /* those of others; -1 */
	struct loop_watch notice;       /* its own */
	struct loop_timer pause;        /* until the next look */
	struct loop_watch rearm;        /* the guest has changed how it is interrupted */
	struct ivshmem_source sources[IVSHMEM_VECTORS_MAX];

	/* Inside of the bus's, outside of that of MSI-X. Guards the rest. */
	pthread_mutex_t lock;
	uint32_t state;
	bool enabled, one_shot;
	uint32_t intrmask; /* version 1 */
};

static inline struct ivshmem *to_ivshmem(struct pci_function *f)
{
	return container_of(f, struct ivshmem, f);
}

extern const struct device_class ivshmem_class;
extern const struct pci_ops ivshmem_ops;

/* Has the I/O thread do its part for version 2, with the descriptors of C. 0 or a negative errno.
 */
int ivshmem_watch(struct ivshmem *d, const struct ivshmem_config *c);

/* Where the first source's watch calls. */
void ivshmem_source_ready(struct loop_watch *w, uint32_t revents);

/* A descriptor of one's own for FD's file, or a negative errno. */
int ivshmem_copy_fd(int fd);

#endif
