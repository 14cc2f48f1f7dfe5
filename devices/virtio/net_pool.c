/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/net_pool.h"

#include "devices/virtio/net_port.h"
#include "lib/util.h"

#include <errno.h>
#include <string.h>

void net_pool_clear(struct net_pool *p)
{
	p->chain_count = p->iov_count = 0;
	p->size = 0;
}

/* Room for any other one: all that a chain can have, which nobody knows before. */
static bool has_room(const struct net_pool *p, unsigned max)
{
	return p->chain_count < max && p->iov_count < NET_POOL_IOV - VIRTQ_IOV_MAX;
}

int net_pool_fill(
	struct net_pool *p, struct virtio_device *v, unsigned queue, unsigned max, size_t need)
{
	while (p->size < need && has_room(p, max)) {
		struct virtq_chain c;
		int ret = virtio_pop(v, queue, &c);

		if (ret)
			return ret;
		/* At least the header fits [VIRTIO 1.2 5.1.6.3.1]. */
		if (c.readable || c.writable_size < NET_HEADER_SIZE)
			return -EBADMSG;
		p->chains[p->chain_count++] = (struct net_pool_chain){.id = c.id,
			.slots = c.slots,
			.size = c.writable_size,
			.iov_count = c.writable};
		memcpy(p->iov + p->iov_count, c.iov, c.writable * sizeof(*c.iov));
		p->iov_count += c.writable;
		p->size += c.writable_size;
	}
	return 0;
}

/* Its last field, which whoever wrote the rest leaves alone. */
static void set_buffers(const struct iovec *iov, uint16_t count)
{
	size_t offset = offsetof(struct virtio_net_hdr_v1, num_buffers);

	for (unsigned byte = 0; byte < sizeof(count);) {
		if (offset >= iov->iov_len) {
			offset -= iov++->iov_len;
			continue;
		}
		((uint8_t *)iov->iov_base)[offset++] = (uint8_t)(count >> 8 * byte++);
	}
}

void net_pool_push(struct net_pool *p, struct virtio_device *v, unsigned queue, size_t size)
{
	struct virtq_used used[VIRTQ_SIZE_MAX];
	unsigned n = 0, iov_count = 0;

	for (; size; n++) {
		const struct net_pool_chain *c = &p->chains[n];

		used[n] = (struct virtq_used){.id = c->id,
			.slots = c->slots,
			.written = (uint32_t)min_u64(size, c->size)};
		size -= used[n].written;
		iov_count += c->iov_count;
		p->size -= c->size;
	}
	set_buffers(p->iov, (uint16_t)n);
	virtio_push_all(v, queue, used, n);
	p->chain_count -= n;
	p->iov_count -= iov_count;
	memmove(p->chains, p->chains + n, p->chain_count * sizeof(*p->chains));
	memmove(p->iov, p->iov + iov_count, p->iov_count * sizeof(*p->iov));
}
