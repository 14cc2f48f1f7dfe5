/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtqueues, split and packed, with a driver that writes anything to memory between any two
 * operations of the device. The first two bytes choose features and size; eight bytes are a step.
 */
#include "tests/fuzz/virtio_guest.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gmem mem;
static struct guest guest;
static struct virtq_layout layout;
static struct virtq q;
/* Popped and not pushed, in the order of their coming. */
static struct virtq_chain held[VIRTQ_SIZE_MAX + 1];
static unsigned held_count;
static bool last_is_newest; /* the last of held was popped last */

static void set_up(void)
{
	if (virtq_init(&q, &mem, &layout))
		abort();
	held_count = 0;
	last_is_newest = false;
}

static void check_chain(struct virtq_chain *c)
{
	uint64_t sizes[2] = {0, 0};
	uint8_t byte = 0;

	assert(c->slots >= 1 && c->slots <= q.size && q.in_flight <= q.size);
	assert(c->readable <= VIRTQ_IOV_MAX && c->writable <= VIRTQ_IOV_MAX - c->readable);
	for (unsigned i = 0; i < c->readable + c->writable; i++) {
		const uint8_t *p = c->iov[i].iov_base;

		assert(c->iov[i].iov_len && p >= guest_ram);
		assert(c->iov[i].iov_len <= (size_t)(guest_ram + RAM_SIZE - p));
		sizes[i >= c->readable] += c->iov[i].iov_len;
	}
	assert(sizes[0] == c->readable_size && sizes[1] == c->writable_size);
	/* First and last bytes are there to be accessed, and nothing behind them. */
	if (c->readable_size) {
		assert(virtq_chain_read(c, 0, &byte, 1) == 1);
		assert(virtq_chain_read(c, c->readable_size - 1, &byte, 1) == 1);
	}
	assert(virtq_chain_read(c, c->readable_size, &byte, 1) == 0);
	if (c->writable_size)
		assert(virtq_chain_write(c, c->writable_size - 1, &byte, 1) == 1);
	assert(virtq_chain_write(c, c->writable_size, &byte, 1) == 0);
}

static void pop(void)
{
	struct virtq_chain *c = &held[held_count];

	assert(held_count <= q.size);
	switch (virtq_pop(&q, c)) {
	case 0:
		check_chain(c);
		held_count++;
		last_is_newest = true;
		assert(held_count <= q.size);
		break;
	case -EAGAIN:
		break;
	case -EBADMSG:
		set_up(); /* as after a reset, but with the memory as it is */
		break;
	default:
		abort();
	}
}

static void push(const struct step *s)
{
	unsigned i;

	if (!held_count)
		return;
	i = s->index % held_count;
	virtq_push(&q, &held[i], held[i].writable_size ? s->len % held[i].writable_size : 0);
	held_count--;
	if (i != held_count)
		held[i] = held[held_count];
	last_is_newest = false;
}

static void slice(const struct step *s)
{
	const struct virtq_chain *c = &held[0];
	static struct iovec out[VIRTQ_IOV_MAX];
	unsigned n;
	uint64_t total = 0;

	if (!held_count)
		return;
	n = virtq_iov_slice(c->iov, c->readable, s->offset, s->len, out);
	assert(n <= c->readable);
	for (unsigned i = 0; i < n; i++)
		total += out[i].iov_len;
	assert(total <= s->len && total <= c->readable_size);
}

static void device_step(const struct step *s)
{
	switch (s->what & 7) {
	case 0:
	case 1:
		pop();
		break;
	case 2:
		push(s);
		break;
	case 3:
		if (last_is_newest) {
			virtq_unpop(&q, &held[--held_count]);
			last_is_newest = false;
		}
		break;
	case 4:
		virtq_interrupt_needed(&q);
		break;
	case 5:
		virtq_kicks_stop(&q);
		break;
	case 6:
		virtq_kicks_start(&q);
		break;
	case 7:
		slice(s);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	if (size < 2)
		return 0;
	mem = (struct gmem){0};
	if (gmem_add(&mem, RAM_BASE, RAM_SIZE, guest_ram))
		abort();
	layout = (struct virtq_layout){
		.features = (uint64_t)(data[0] & 1) << VIRTIO_F_RING_PACKED |
			    (uint64_t)(data[0] >> 1 & 1) << VIRTIO_RING_F_INDIRECT_DESC |
			    (uint64_t)(data[0] >> 2 & 1) << VIRTIO_RING_F_EVENT_IDX,
		.size = data[0] & 1 ? data[1] + 1u : 1u << data[1] % 9,
		.desc = RAM_BASE + DESC_AT,
		.driver = RAM_BASE + DRIVER_AT,
		.device = RAM_BASE + DEVICE_AT,
	};
	guest_init(&guest, data[0] & 1, layout.size);
	set_up();
	for (data += 2, size -= 2; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		if (s.what & 8)
			device_step(&s);
		else
			guest_step(&guest, &s);
	}
	return 0;
}
