/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Character back-end: devices/chardev.h says what it is for. Two flags pass between the threads
 * without a lock: "tx was empty" (the device then wakes the I/O thread) and `refused` (the I/O
 * thread then calls front.drained). Each side first stores its own half, then looks at the other's;
 * the full fences between the two make sure that at least one side sees the other, so that no
 * wake-up is lost.
 */
#include "devices/chardev.h"

#include <unistd.h>

void chardev_init(struct chardev *c, int wake_fd)
{
	pthread_mutex_init(&c->put_lock, NULL);
	ring_init(&c->tx, c->tx_bytes, sizeof(c->tx_bytes));
	c->wake_fd = wake_fd;
	atomic_init(&c->stalled, false);
	atomic_init(&c->refused, false);
	atomic_init(&c->dropped, 0);
	c->front = (struct chardev_front){0};
	c->open = true;
	c->columns = c->rows = 0;
}

size_t chardev_last(const struct chardev *c, uint8_t *buf, size_t size)
{
	size_t head = atomic_load(&c->tx.head);

	if (size > head)
		size = head;
	if (size > c->tx.size)
		size = c->tx.size;
	for (size_t i = 0; i < size; i++)
		buf[i] = c->tx.bytes[(head - size + i) & (c->tx.size - 1)];
	return size;
}

void chardev_kick(struct chardev *c)
{
	const uint64_t one = 1;

	/* EAGAIN means that a wake-up is pending already; nothing else can go wrong here. */
	if (c->wake_fd >= 0 && write(c->wake_fd, &one, sizeof(one)) < 0)
		return;
}

static size_t tx_push(struct chardev *c, const uint8_t *data, size_t n)
{
	size_t head = atomic_load_explicit(&c->tx.head, memory_order_relaxed);

	n = ring_push(&c->tx, data, n);
	if (!n)
		return 0;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&c->tx.tail, memory_order_relaxed) == head)
		chardev_kick(c);
	return n;
}

/* Under put_lock. */
static size_t write_locked(struct chardev *c, const uint8_t *data, size_t n)
{
	size_t done = tx_push(c, data, n);

	if (done == n)
		return n;
	atomic_store_explicit(&c->refused, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	/* The I/O thread may have made room, or given up, before it could see `refused`. */
	done += tx_push(c, data + done, n - done);
	if (done == n || !atomic_load_explicit(&c->stalled, memory_order_relaxed))
		return done;
	atomic_fetch_add_explicit(&c->dropped, n - done, memory_order_relaxed);
	return n;
}

size_t chardev_write(struct chardev *c, const uint8_t *data, size_t n)
{
	size_t taken;

	pthread_mutex_lock(&c->put_lock);
	taken = write_locked(c, data, n);
	pthread_mutex_unlock(&c->put_lock);
	return taken;
}

bool chardev_put(struct chardev *c, uint8_t byte)
{
	return chardev_write(c, &byte, 1);
}

void chardev_put_or_drop(struct chardev *c, uint8_t byte)
{
	if (!chardev_put(c, byte))
		atomic_fetch_add_explicit(&c->dropped, 1, memory_order_relaxed);
}

uint64_t chardev_written(const struct chardev *c)
{
	return atomic_load_explicit(&c->tx.head, memory_order_relaxed) +
	       atomic_load_explicit(&c->dropped, memory_order_relaxed);
}

static void call_drained(struct chardev *c)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_exchange_explicit(&c->refused, false, memory_order_relaxed) && c->front.drained)
		c->front.drained(c->front.ctx);
}

void chardev_tx_drop(struct chardev *c, size_t n)
{
	ring_drop(&c->tx, n);
	call_drained(c);
}

void chardev_set_stalled(struct chardev *c, bool stalled)
{
	atomic_store_explicit(&c->stalled, stalled, memory_order_relaxed);
	call_drained(c);
}
