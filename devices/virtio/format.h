/* SPDX-License-Identifier: BSD-3-Clause */
/* Between devices/virtio/queue.c and the two formats of rings. */
#ifndef DEVICES_VIRTIO_FORMAT_H
#define DEVICES_VIRTIO_FORMAT_H

#include "devices/virtio/queue.h"

#include <string.h>

struct virtq_format {
	bool power_of_two; /* the size must be one */
	/* Bytes of the driver and the device area, apart from those for each entry. */
	uint16_t driver_size, device_size;
	uint16_t driver_entry, device_entry;
	uint16_t driver_align, device_align;
	/* As their namesakes of queue.h. */
	int (*pop)(struct virtq *q, struct virtq_chain *c);
	void (*unpop)(struct virtq *q, const struct virtq_chain *c);
	void (*push)(struct virtq *q, const struct virtq_used *used, unsigned count); /* _all */
	/* N entries were pushed since the last time. */
	bool (*interrupt_needed)(const struct virtq *q, uint16_t n);
	void (*kicks_stop)(struct virtq *q);
	void (*kicks_start)(struct virtq *q);
	bool (*pending)(const struct virtq *q);
};

extern const struct virtq_format virtq_split;
extern const struct virtq_format virtq_packed;

/* Both formats have descriptors of this size, in rings and in indirect tables. */
#define VIRTQ_DESC_SIZE 16

/* Adds a buffer to C. 0 or -EBADMSG. */
int virtq_chain_add(
	const struct virtq *q, struct virtq_chain *c, gpa_t addr, uint32_t len, uint16_t flags);

/* The indirect table of [ADDR, ADDR + LEN): 0 with its descriptors, or -EBADMSG. */
int virtq_indirect_table(const struct virtq *q, gpa_t addr, uint32_t len, const uint8_t **ret_table,
	unsigned *ret_entries);

/*
 * Copies guest memory once: the compiler cannot tell that the copy does not change behind the asm
 * statement, so it does not go back to the original to read it again after a check.
 */
static inline void copy_once(void *dst, const void *src, size_t size)
{
	memcpy(dst, src, size);
	__asm__ volatile("" : : "r"(dst) : "memory");
}

#endif
