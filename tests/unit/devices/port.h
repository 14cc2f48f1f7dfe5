/* SPDX-License-Identifier: BSD-3-Clause */
/* A serial port in the machine of fixture.h, and the other side of its line. For one test each. */
#ifndef TESTS_UNIT_DEVICES_PORT_H
#define TESTS_UNIT_DEVICES_PORT_H

#include "devices/chardev.h"
#include "tests/unit/devices/fixture.h"

static struct fixture fx;
static struct chardev chr;

static void teardown(void)
{
	machine_fini(&fx.m);
}

static size_t receive(const char *text)
{
	return chr.front.receive(chr.front.ctx, (const uint8_t *)text, strlen(text));
}

/* All that was sent, as text. */
static const char *sent(void)
{
	static char text[2 * CHARDEV_TX_SIZE]; /* draining lets the port send more */
	const uint8_t *data;
	size_t n, total = 0;

	while ((n = ring_peek(&chr.tx, &data))) {
		memcpy(text + total, data, n);
		total += n;
		chardev_tx_drop(&chr, n);
	}
	text[total] = 0;
	return text;
}

static void stuff_ring(void)
{
	while (ring_free(&chr.tx))
		ck_assert(chardev_put(&chr, '.'));
}

#endif
