/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/testdev/chr_testdev.h"

#include "lib/util.h"

void chr_testdev_take(struct chr_testdev *t, uint8_t byte, const struct machine_services *services)
{
	if (byte >= '0' && byte <= '9') {
		t->number = (uint32_t)min_u64((uint64_t)t->number * 10 + byte - '0', UINT32_MAX);
		t->digits = true;
		return;
	}
	if (byte == 'q' && t->digits)
		services->end(services->ctx, END_EXIT_CODE, t->number, "chr-testdev");
	*t = (struct chr_testdev){0};
}

void chr_testdev_pump(struct chr_testdev *t, struct chardev *c, const struct machine *m)
{
	const uint8_t *data;
	size_t n, total = 0;

	/* A ring's worth at a time: a guest that goes on writing wakes the I/O thread again. */
	while (total < CHARDEV_TX_SIZE && (n = ring_peek(&c->tx, &data)) != 0) {
		for (size_t i = 0; i < n; i++)
			chr_testdev_take(t, data[i], &m->services);
		chardev_tx_drop(c, n);
		total += n;
	}
	if (ring_used(&c->tx))
		chardev_kick(c);
}
