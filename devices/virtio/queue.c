/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/queue.h"

#include "devices/virtio/format.h"
#include "lib/util.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the rings are little-endian");
_Static_assert(sizeof(struct vring_desc) == VIRTQ_DESC_SIZE, "descriptor");
_Static_assert(sizeof(struct vring_packed_desc) == VIRTQ_DESC_SIZE, "packed descriptor");

/* ---- setting up ---- */

static int area_init(const struct gmem *g, gpa_t addr, uint64_t size, uint16_t align, uint8_t **ret)
{
	uint8_t *hva = gmem_slice(g, addr, size);

	if (addr % align)
		return -EINVAL;
	if (!hva)
		return -EFAULT;
	*ret = hva;
	return 0;
}

int virtq_init(struct virtq *q, const struct gmem *g, const struct virtq_layout *l)
{
	bool packed = l->features >> VIRTIO_F_RING_PACKED & 1;
	const struct virtq_format *f = packed ? &virtq_packed : &virtq_split;
	struct virtq new = {
		.format = f,
		.gmem = g,
		.size = l->size,
		.indirect = l->features >> VIRTIO_RING_F_INDIRECT_DESC & 1,
		.event_idx = l->features >> VIRTIO_RING_F_EVENT_IDX & 1,
		.avail_wrap = true,
		.used_wrap = true,
	};
	uint64_t driver_size = f->driver_size + (uint64_t)f->driver_entry * l->size;
	uint64_t device_size = f->device_size + (uint64_t)f->device_entry * l->size;
	int ret;

	if (!l->size || l->size > VIRTQ_SIZE_MAX)
		return -EINVAL;
	if (f->power_of_two && l->size & (l->size - 1))
		return -EINVAL;
	ret = area_init(
		g, l->desc, (uint64_t)VIRTQ_DESC_SIZE * l->size, VIRTQ_DESC_SIZE, &new.desc);
	if (!ret)
		ret = area_init(g, l->driver, driver_size, f->driver_align, &new.driver);
	if (!ret)
		ret = area_init(g, l->device, device_size, f->device_align, &new.device);
	if (!ret)
		*q = new;
	return ret;
}

/* ---- chains ---- */

int virtq_chain_add(
	const struct virtq *q, struct virtq_chain *c, gpa_t addr, uint32_t len, uint16_t flags)
{
	bool writable = flags & VRING_DESC_F_WRITE;
	unsigned at = c->readable + c->writable;
	void *hva;

	/* Nothing to access: whatever the address is. */
	if (!len)
		return 0;
	hva = gmem_slice(q->gmem, addr, len);
	if (!hva || at == VIRTQ_IOV_MAX)
		return -EBADMSG;
	/* Readable before writable [VIRTIO 1.2 2.7.4.2]; 2^32 bytes in all [2.7.5.2]. */
	if (!writable && c->writable)
		return -EBADMSG;
	if (len > UINT32_MAX - c->readable_size - c->writable_size)
		return -EBADMSG;
	c->iov[at] = (struct iovec){.iov_base = hva, .iov_len = len};
	if (writable) {
		c->writable++;
		c->writable_size += len;
	} else {
		c->readable++;
		c->readable_size += len;
	}
	return 0;
}

int virtq_indirect_table(const struct virtq *q, gpa_t addr, uint32_t len, const uint8_t **ret_table,
	unsigned *ret_entries)
{
	const uint8_t *table = gmem_slice(q->gmem, addr, len);

	if (!q->indirect || !table || !len || len % VIRTQ_DESC_SIZE)
		return -EBADMSG;
	if (len / VIRTQ_DESC_SIZE > VIRTQ_IOV_MAX)
		return -EBADMSG;
	*ret_table = table;
	*ret_entries = len / VIRTQ_DESC_SIZE;
	return 0;
}

unsigned virtq_iov_slice(
	const struct iovec *iov, unsigned count, size_t offset, size_t size, struct iovec *ret_iov)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count && size; i++) {
		size_t len;

		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		len = min_u64(size, iov[i].iov_len - offset);
		ret_iov[n++] = (struct iovec){
			.iov_base = (uint8_t *)iov[i].iov_base + offset, .iov_len = len};
		size -= len;
		offset = 0;
	}
	return n;
}

/* Copies between BUF and a part of a chain, out of BUF with TO_CHAIN. */
static size_t chain_copy(
	const struct iovec *iov, unsigned count, size_t offset, struct iovec buf, bool to_chain)
{
	size_t done = 0;

	for (unsigned i = 0; i < count && done < buf.iov_len; i++) {
		uint8_t *ours = (uint8_t *)buf.iov_base + done;
		uint8_t *guests;
		size_t len;

		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		guests = (uint8_t *)iov[i].iov_base + offset;
		len = min_u64(buf.iov_len - done, iov[i].iov_len - offset);
		if (to_chain)
			memcpy(guests, ours, len);
		else
			copy_once(ours, guests, len);
		done += len;
		offset = 0;
	}
	return done;
}

size_t virtq_chain_read(const struct virtq_chain *c, size_t offset, void *buf, size_t size)
{
	return chain_copy(c->iov, c->readable, offset,
		(struct iovec){.iov_base = buf, .iov_len = size}, false);
}

size_t virtq_chain_write(const struct virtq_chain *c, size_t offset, const void *buf, size_t size)
{
	return chain_copy(c->iov + c->readable, c->writable, offset,
		(struct iovec){.iov_base = (void *)buf, .iov_len = size}, true);
}

/* ---- operation ---- */

int virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	int ret;

	c->readable = c->writable = 0;
	c->readable_size = c->writable_size = 0;
	ret = q->format->pop(q, c);
	if (!ret)
		q->in_flight = (uint16_t)(q->in_flight + c->slots);
	return ret;
}

void virtq_unpop(struct virtq *q, const struct virtq_chain *c)
{
	assert(q->in_flight >= c->slots);
	q->in_flight = (uint16_t)(q->in_flight - c->slots);
	q->format->unpop(q, c);
}

void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written)
{
	const struct virtq_used used = {.id = c->id, .slots = c->slots, .written = written};

	assert(written <= c->writable_size);
	virtq_push_all(q, &used, 1);
}

void virtq_push_all(struct virtq *q, const struct virtq_used *used, unsigned count)
{
	unsigned slots = 0;

	for (unsigned i = 0; i < count; i++)
		slots += used[i].slots;
	assert(q->in_flight >= slots);
	q->format->push(q, used, count);
	q->in_flight = (uint16_t)(q->in_flight - slots);
	q->unsignalled = (uint16_t)min_u64(q->unsignalled + slots, UINT16_MAX);
}

/*
 * What was pushed must be visible before the driver's wish is read: a driver that asks for an
 * interrupt and then finds nothing new goes to sleep. Its own barrier is between these two steps.
 */
bool virtq_interrupt_needed(struct virtq *q)
{
	uint16_t n = q->unsignalled;

	if (!n)
		return false;
	q->unsignalled = 0;
	atomic_thread_fence(memory_order_seq_cst);
	return q->format->interrupt_needed(q, n);
}

void virtq_kicks_stop(struct virtq *q)
{
	q->format->kicks_stop(q);
}

/* The same the other way round: our wish must be visible before we find nothing new and sleep. */
bool virtq_kicks_start(struct virtq *q)
{
	q->format->kicks_start(q);
	atomic_thread_fence(memory_order_seq_cst);
	return q->format->pending(q);
}
