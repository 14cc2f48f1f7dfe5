/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory: the only way from a GPA to bytes. Every access is checked against the slots, so a
 * guest-supplied address or length can at worst make a call fail. A slot is host memory that backs
 * one contiguous range of guest-physical addresses; an access must lie in one slot.
 *
 * The set of slots is fixed before the first vCPU runs; after that every function here may be
 * called from any thread. The guest may change the bytes at any time: copy once, then validate.
 */
#ifndef VMM_GMEM_H
#define VMM_GMEM_H

#include <stdbool.h>
#include <stdint.h>

/* A guest-physical address. */
typedef uint64_t gpa_t;

#define GMEM_SLOTS_MAX 8

struct gmem_slot {
	gpa_t base;
	uint64_t size; /* bytes */
	uint8_t *hva;  /* host virtual address of base; owned by whoever added it */
};

struct gmem {
	struct gmem_slot slots[GMEM_SLOTS_MAX];
	unsigned count;
};

/*
 * Adds a slot. 0; -EINVAL when it is empty, wraps or is not page-aligned; -EEXIST when it overlaps
 * another; -ENOSPC when all slots are taken.
 */
int gmem_add(struct gmem *g, gpa_t base, uint64_t size, void *hva);

/* The host address of [gpa, gpa + len), or NULL when it is not wholly inside one slot. */
void *gmem_slice(const struct gmem *g, gpa_t gpa, uint64_t len);

/* Copy between guest and host. 0, or -EFAULT when the range is not wholly inside one slot. */
int gmem_read(const struct gmem *g, gpa_t gpa, void *buf, uint64_t len);
int gmem_write(struct gmem *g, gpa_t gpa, const void *buf, uint64_t len);

/* Zeroes guest memory; as gmem_write. */
int gmem_zero(struct gmem *g, gpa_t gpa, uint64_t len);

#endif
