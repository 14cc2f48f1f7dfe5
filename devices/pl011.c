/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PL011 UART [ARM DDI 0183G], revision r1p1 with 16-byte FIFOs: the one of QEMU's `virt` board.
 *
 * Modelled: all registers, FIFOs with interrupt levels and without, the receive, transmit, receive
 * time-out, overrun and modem interrupts, loopback. The line takes no time: a byte is sent when it
 * is written, unless the back-end is full; the time-out comes at once, not after 32 bit periods.
 * As on `virt`, it sends and receives whatever UARTEN, TXE and RXE are: early consoles write to it
 * before any driver has enabled it.
 * Left out: baud rate and line format (kept, without effect), break, parity and framing errors,
 * IrDA, DMA, the test registers. The peer always has CTS, DSR and DCD on.
 */
#include "devices/pl011.h"

#include "devices/common.h"
#include "devices/fifo.h"
#include "lib/util.h"

#include <pthread.h>

#define PL011_SIZE 0x1000

enum {
	UARTDR = 0x000,
	UARTRSR_ECR = 0x004,
	UARTFR = 0x018,
	UARTILPR = 0x020,
	UARTIBRD = 0x024,
	UARTFBRD = 0x028,
	UARTLCR_H = 0x02C,
	UARTCR = 0x030,
	UARTIFLS = 0x034,
	UARTIMSC = 0x038,
	UARTRIS = 0x03C,
	UARTMIS = 0x040,
	UARTICR = 0x044,
	UARTDMACR = 0x048,
};

#define PL011_ID 0x00141011 /* UARTPeriphID3 to 0 */

#define DR_OE  0x800
#define RSR_OE 0x08

#define FR_CTS  0x001
#define FR_DSR  0x002
#define FR_DCD  0x004
#define FR_BUSY 0x008
#define FR_RXFE 0x010
#define FR_TXFF 0x020
#define FR_RXFF 0x040
#define FR_TXFE 0x080
#define FR_RI   0x100

#define LCR_FEN 0x10

#define CR_LBE   0x0080
#define CR_DTR   0x0400
#define CR_RTS   0x0800
#define CR_OUT1  0x1000
#define CR_OUT2  0x2000
#define CR_MASK  0xFF87
#define CR_RESET 0x0300 /* RXE, TXE */

#define IFLS_RESET 0x12 /* both at half full */

#define INT_RI  0x001
#define INT_CTS 0x002
#define INT_DCD 0x004
#define INT_DSR 0x008
#define INT_RX  0x010
#define INT_TX  0x020
#define INT_RT  0x040
#define INT_OE  0x400
#define INT_ALL 0x7FF

struct pl011 {
	struct device dev;
	struct chardev *chardev;
	uint32_t gsi;
	pthread_mutex_t lock; /* guards all that follows, and the order of calls to irq_set */
	bool line;            /* level of the interrupt line */
	bool overrun;         /* a byte was lost since UARTDR was read last */
	bool rx_refused;      /* the I/O thread holds input that did not fit */
	uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
	struct fifo rx; /* received, not read */
	struct fifo tx; /* written while the back-end was full */
};

static struct pl011 *to_pl011(struct device *dev)
{
	return container_of(dev, struct pl011, dev);
}

/* Without FIFOs there is one holding register in each direction. */
static unsigned fifo_depth(const struct pl011 *u)
{
	return u->lcr_h & LCR_FEN ? FIFO_SIZE : 1;
}

/* Bytes of a FIFO that a select field of UARTIFLS means; the reserved ones mean the most. */
static unsigned level_of(uint32_t select)
{
	static const uint8_t levels[8] = {2, 4, 8, 12, 14, 14, 14, 14};

	return levels[select & 7];
}

static unsigned rx_level(const struct pl011 *u)
{
	return u->lcr_h & LCR_FEN ? level_of(u->ifls >> 3) : 1;
}

static unsigned tx_level(const struct pl011 *u)
{
	return u->lcr_h & LCR_FEN ? level_of(u->ifls) : 0;
}

static void update_line(struct pl011 *u)
{
	const struct machine_services *services = &u->dev.machine->services;
	bool line = u->ris & u->imsc;

	if (line == u->line)
		return;
	u->line = line;
	services->irq_set(services->ctx, u->gsi, line);
}

/* ---- receiving ---- */

/* A byte has come from the line, or in loopback from the transmitter. */
static bool rx_push(struct pl011 *u, uint8_t byte)
{
	if (!fifo_push(&u->rx, fifo_depth(u), byte))
		return false;
	if (u->lcr_h & LCR_FEN)
		u->ris |= INT_RT;
	if (u->rx.count >= rx_level(u))
		u->ris |= INT_RX;
	return true;
}

static void rx_clear(struct pl011 *u)
{
	fifo_clear(&u->rx);
	u->ris &= ~(uint32_t)(INT_RX | INT_RT);
}

static uint32_t dr_read(struct pl011 *u)
{
	uint32_t value = u->overrun ? DR_OE : 0;

	u->overrun = false;
	if (u->rx.count)
		value |= fifo_pop(&u->rx);
	if (!u->rx.count)
		u->ris &= ~(uint32_t)INT_RT;
	if (u->rx.count < rx_level(u))
		u->ris &= ~(uint32_t)INT_RX;
	return value;
}

/* ---- sending ---- */

/*
 * Moves what waits in the transmit FIFO to the back-end, as far as it takes it. The interrupt comes
 * from bytes that leave, not from a FIFO that has been empty all along [DDI 0183G 2.8.2].
 */
static void transmit(struct pl011 *u)
{
	bool sent = false;

	while (u->tx.count && chardev_put(u->chardev, u->tx.bytes[u->tx.head])) {
		fifo_pop(&u->tx);
		sent = true;
	}
	if (sent && u->tx.count <= tx_level(u))
		u->ris |= INT_TX;
}

static void dr_write(struct pl011 *u, uint8_t byte)
{
	if (u->cr & CR_LBE) {
		if (!rx_push(u, byte)) {
			u->overrun = true;
			u->rsr |= RSR_OE;
			u->ris |= INT_OE;
		}
		u->ris |= INT_TX;
		return;
	}
	/* A byte that the full FIFO cannot take is lost: the driver did not wait for TXFF. */
	fifo_push(&u->tx, fifo_depth(u), byte);
	if (u->tx.count > tx_level(u))
		u->ris &= ~(uint32_t)INT_TX;
	transmit(u);
}

/* ---- control ---- */

/* The modem inputs as UARTFR has them: in loopback they are the modem outputs. */
static uint32_t modem_inputs(uint32_t cr)
{
	if (!(cr & CR_LBE))
		return FR_CTS | FR_DSR | FR_DCD;
	return (cr & CR_RTS ? FR_CTS : 0) | (cr & CR_DTR ? FR_DSR : 0) |
	       (cr & CR_OUT1 ? FR_DCD : 0) | (cr & CR_OUT2 ? FR_RI : 0);
}

static void cr_write(struct pl011 *u, uint32_t value)
{
	uint32_t changed = modem_inputs(u->cr) ^ modem_inputs(value);

	u->cr = value & CR_MASK;
	u->ris |= (changed & FR_RI ? INT_RI : 0) | (changed & FR_CTS ? INT_CTS : 0) |
		  (changed & FR_DCD ? INT_DCD : 0) | (changed & FR_DSR ? INT_DSR : 0);
}

/* Switching the FIFOs on or off empties them. */
static void lcr_h_write(struct pl011 *u, uint32_t value)
{
	if ((value ^ u->lcr_h) & LCR_FEN) {
		rx_clear(u);
		fifo_clear(&u->tx);
	}
	u->lcr_h = value & 0xFF;
}

static uint32_t fr_read(const struct pl011 *u)
{
	return modem_inputs(u->cr) | (u->tx.count ? FR_BUSY : FR_TXFE) |
	       (u->tx.count >= fifo_depth(u) ? FR_TXFF : 0) | (u->rx.count ? 0 : FR_RXFE) |
	       (u->rx.count >= fifo_depth(u) ? FR_RXFF : 0);
}

/* ---- accesses ---- */

static uint32_t reg_read(struct device *dev, uint64_t offset)
{
	struct pl011 *u = to_pl011(dev);

	switch (offset) {
	case UARTDR:
		return dr_read(u);
	case UARTRSR_ECR:
		return u->rsr;
	case UARTFR:
		return fr_read(u);
	case UARTILPR:
		return u->ilpr;
	case UARTIBRD:
		return u->ibrd;
	case UARTFBRD:
		return u->fbrd;
	case UARTLCR_H:
		return u->lcr_h;
	case UARTCR:
		return u->cr;
	case UARTIFLS:
		return u->ifls;
	case UARTIMSC:
		return u->imsc;
	case UARTRIS:
		return u->ris;
	case UARTMIS:
		return u->ris & u->imsc;
	case UARTDMACR:
		return u->dmacr;
	default:
		return primecell_id(PL011_ID, offset);
	}
}

static void reg_write(struct device *dev, uint64_t offset, uint32_t value)
{
	struct pl011 *u = to_pl011(dev);

	switch (offset) {
	case UARTDR:
		dr_write(u, (uint8_t)value);
		break;
	case UARTRSR_ECR:
		u->rsr = 0;
		break;
	case UARTILPR:
		u->ilpr = value & 0xFF;
		break;
	case UARTIBRD:
		u->ibrd = value & 0xFFFF;
		break;
	case UARTFBRD:
		u->fbrd = value & 0x3F;
		break;
	case UARTLCR_H:
		lcr_h_write(u, value);
		break;
	case UARTCR:
		cr_write(u, value);
		break;
	case UARTIFLS:
		u->ifls = value & 0x3F;
		break;
	case UARTIMSC:
		u->imsc = value & INT_ALL;
		break;
	case UARTICR:
		u->ris &= ~value;
		break;
	case UARTDMACR:
		u->dmacr = value & 7;
		break;
	}
}

/* After every access: the interrupt line, and input that waits for room. */
static void update(struct pl011 *u)
{
	update_line(u);
	if (u->rx_refused && !u->rx.count && !(u->cr & CR_LBE)) {
		u->rx_refused = false;
		chardev_kick(u->chardev);
	}
}

static uint64_t pl011_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct pl011 *u = to_pl011(dev);
	uint64_t value;

	(void)index;
	pthread_mutex_lock(&u->lock);
	value = wordwise_read(dev, offset, size, reg_read);
	update(u);
	pthread_mutex_unlock(&u->lock);
	return value;
}

static void pl011_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct pl011 *u = to_pl011(dev);

	(void)index;
	pthread_mutex_lock(&u->lock);
	wordwise_write(dev, offset, size, value, reg_write);
	update(u);
	pthread_mutex_unlock(&u->lock);
}

/* In loopback the receiver is off the line; what comes meanwhile is left with the I/O thread. */
static size_t pl011_receive(void *ctx, const uint8_t *data, size_t n)
{
	struct pl011 *u = ctx;
	size_t taken = 0;

	pthread_mutex_lock(&u->lock);
	while (!(u->cr & CR_LBE) && taken < n && rx_push(u, data[taken]))
		taken++;
	u->rx_refused = taken < n;
	update_line(u);
	pthread_mutex_unlock(&u->lock);
	return taken;
}

static void pl011_drained(void *ctx)
{
	struct pl011 *u = ctx;

	pthread_mutex_lock(&u->lock);
	transmit(u);
	update_line(u);
	pthread_mutex_unlock(&u->lock);
}

static bool pl011_in_use(void *ctx)
{
	struct pl011 *u = ctx;
	bool used;

	pthread_mutex_lock(&u->lock);
	used = u->cr != CR_RESET || u->lcr_h || u->imsc || u->ibrd;
	pthread_mutex_unlock(&u->lock);
	return used;
}

static void pl011_destroy(struct device *dev)
{
	pthread_mutex_destroy(&to_pl011(dev)->lock);
	device_free(dev);
}

static const struct device_class pl011_class = {
	.name = "pl011",
	.fdt_compatible = "arm,pl011",
	.read = pl011_read,
	.write = pl011_write,
	.destroy = pl011_destroy,
};

int pl011_create(struct machine *m, const struct pl011_config *cfg)
{
	struct device *dev;
	struct pl011 *u;
	int ret = device_create(m, &pl011_class, cfg->name, sizeof(*u), &dev);

	if (ret)
		return ret;
	u = to_pl011(dev);
	pthread_mutex_init(&u->lock, NULL);
	u->chardev = cfg->chardev;
	u->gsi = cfg->gsi;
	u->cr = CR_RESET;
	u->ifls = IFLS_RESET;
	ret = machine_add_window(m, WINDOW_MMIO, cfg->base, PL011_SIZE, dev, 0);
	if (!ret)
		ret = machine_add_irq(m, dev, cfg->gsi, true);
	if (ret)
		return ret;
	cfg->chardev->front = (struct chardev_front){.ctx = u,
		.receive = pl011_receive,
		.drained = pl011_drained,
		.in_use = pl011_in_use};
	return 0;
}
