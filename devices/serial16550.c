/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NS16550A UART, as on a PC's COM ports [National Semiconductor PC16550D, June 1995].
 *
 * Modelled: all registers, 16-byte FIFOs with trigger levels, the four interrupt sources and the
 * character time-out, loopback, overrun, OUT2 as the gate of the interrupt line. The line takes no
 * time: a byte is sent when it is written, unless the back-end is full; the time-out interrupt
 * comes at once, not after four character times.
 * Left out: baud rate and line format (kept, without effect), break, parity and framing errors,
 * DMA mode. The peer always has CTS, DSR and DCD on.
 */
#include "devices/serial16550.h"

#include "devices/common.h"
#include "devices/fifo.h"
#include "lib/util.h"

#include <pthread.h>

#define PORTS 8

enum {
	REG_RBR_THR, /* DLL when DLAB is set */
	REG_IER,     /* DLM when DLAB is set */
	REG_IIR_FCR,
	REG_LCR,
	REG_MCR,
	REG_LSR,
	REG_MSR,
	REG_SCR,
};

#define IER_ERBFI 0x01
#define IER_ETBEI 0x02
#define IER_ELSI  0x04
#define IER_EDSSI 0x08
#define IER_MASK  0x0F

/* Interrupt identification, by falling priority [PC16550D table 3]. */
#define IIR_LINE_STATUS 0x06
#define IIR_DATA        0x04
#define IIR_TIMEOUT     0x0C
#define IIR_THRE        0x02
#define IIR_MODEM       0x00
#define IIR_NONE        0x01
#define IIR_FIFO        0xC0

#define FCR_ENABLE   0x01
#define FCR_RESET_RX 0x02
#define FCR_RESET_TX 0x04
#define FCR_TRIGGER  0xC0

#define LCR_DLAB 0x80

#define DLL_RESET 1 /* 115200 baud, as firmware leaves it: boot code divides by it */

#define MCR_DTR  0x01
#define MCR_RTS  0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_MASK 0x1F

#define LSR_DR   0x01
#define LSR_OE   0x02
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_TERI 0x04
#define MSR_CTS  0x10
#define MSR_DSR  0x20
#define MSR_RI   0x40
#define MSR_DCD  0x80

struct serial16550 {
	struct device dev;
	struct chardev *chardev;
	uint32_t gsi;
	pthread_mutex_t lock; /* guards all that follows, and the order of calls to irq_set */
	bool line;            /* level of the interrupt line */
	bool thre_pending;    /* THRE has become true and nobody has been told yet */
	bool overrun;
	bool rx_refused; /* the I/O thread holds input that did not fit */
	uint8_t ier, fcr, lcr, mcr, msr_delta, scr, dll, dlm;
	struct fifo rx; /* received, not read */
	struct fifo tx; /* written while the back-end was full */
};

static struct serial16550 *to_serial(struct device *dev)
{
	return container_of(dev, struct serial16550, dev);
}

/* Without FIFOs there is one holding register in each direction. */
static unsigned fifo_depth(const struct serial16550 *s)
{
	return s->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

static uint8_t interrupt_id(const struct serial16550 *s)
{
	static const uint8_t triggers[] = {1, 4, 8, 14};
	unsigned trigger = s->fcr & FCR_ENABLE ? triggers[s->fcr >> 6] : 1;

	if ((s->ier & IER_ELSI) && s->overrun)
		return IIR_LINE_STATUS;
	if ((s->ier & IER_ERBFI) && s->rx.count)
		return s->rx.count >= trigger ? IIR_DATA : IIR_TIMEOUT;
	if ((s->ier & IER_ETBEI) && s->thre_pending)
		return IIR_THRE;
	if ((s->ier & IER_EDSSI) && s->msr_delta)
		return IIR_MODEM;
	return IIR_NONE;
}

/* On a PC, OUT2 gates the interrupt line; loopback forces the OUT2 pin off. */
static void update_line(struct serial16550 *s)
{
	const struct machine_services *services = &s->dev.machine->services;
	bool gate = (s->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
	bool line = gate && interrupt_id(s) != IIR_NONE;

	if (line == s->line)
		return;
	s->line = line;
	services->irq_set(services->ctx, s->gsi, line);
}

/* After every change: the interrupt line, and input that waits for room. */
static void update(struct serial16550 *s)
{
	update_line(s);
	if (s->rx_refused && !s->rx.count && !(s->mcr & MCR_LOOP)) {
		s->rx_refused = false;
		chardev_kick(s->chardev);
	}
}

/* Moves what waits in the transmit FIFO to the back-end, as far as it takes it. */
static void transmit(struct serial16550 *s)
{
	if (!s->tx.count)
		return;
	while (s->tx.count && chardev_put(s->chardev, s->tx.bytes[s->tx.head]))
		fifo_pop(&s->tx);
	s->thre_pending = !s->tx.count;
}

static void thr_write(struct serial16550 *s, uint8_t byte)
{
	/*
	 * Writing clears the THRE interrupt and sending sets it again. The line must show the gap:
	 * interrupt controllers see edges, and the driver may have taken this one already without
	 * reading IIR.
	 */
	s->thre_pending = false;
	update_line(s);
	if (s->mcr & MCR_LOOP) {
		if (!fifo_push(&s->rx, fifo_depth(s), byte)) {
			s->overrun = true;
			/* A full FIFO keeps its bytes; RBR alone is overwritten. */
			if (!(s->fcr & FCR_ENABLE))
				s->rx.bytes[s->rx.head] = byte;
		}
		s->thre_pending = !s->tx.count;
		return;
	}
	/* A byte that the full FIFO cannot take is lost: the driver did not wait for THRE. */
	fifo_push(&s->tx, fifo_depth(s), byte);
	transmit(s);
}

static void fcr_write(struct serial16550 *s, uint8_t value)
{
	bool toggled = (value ^ s->fcr) & FCR_ENABLE;

	/* Switching the FIFOs on or off empties them; other bits count only with FCR0 = 1. */
	if (toggled || (value & (FCR_ENABLE | FCR_RESET_RX)) == (FCR_ENABLE | FCR_RESET_RX))
		fifo_clear(&s->rx);
	if (toggled || (value & (FCR_ENABLE | FCR_RESET_TX)) == (FCR_ENABLE | FCR_RESET_TX)) {
		s->thre_pending = s->thre_pending || s->tx.count;
		fifo_clear(&s->tx);
	}
	s->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
}

/* The upper half of MSR: the modem inputs, in loopback the modem outputs. */
static uint8_t modem_inputs(uint8_t mcr)
{
	if (!(mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uint8_t)((mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
			 (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void mcr_write(struct serial16550 *s, uint8_t value)
{
	uint8_t before = modem_inputs(s->mcr), after = modem_inputs(value);

	s->mcr = value & MCR_MASK;
	s->msr_delta |= ((before ^ after) & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4;
	if (before & ~after & MSR_RI)
		s->msr_delta |= MSR_TERI;
}

static void ier_write(struct serial16550 *s, uint8_t value)
{
	/* Enabling the THRE interrupt while THR is empty raises it, also when it was read before.
	 */
	if ((value & ~s->ier & IER_ETBEI) && !s->tx.count)
		s->thre_pending = true;
	s->ier = value & IER_MASK;
}

static void reg_write(struct device *dev, uint64_t offset, uint8_t value)
{
	struct serial16550 *s = to_serial(dev);
	bool dlab = s->lcr & LCR_DLAB;

	switch (offset) {
	case REG_RBR_THR:
		if (dlab)
			s->dll = value;
		else
			thr_write(s, value);
		break;
	case REG_IER:
		if (dlab)
			s->dlm = value;
		else
			ier_write(s, value);
		break;
	case REG_IIR_FCR:
		fcr_write(s, value);
		break;
	case REG_LCR:
		s->lcr = value;
		break;
	case REG_MCR:
		mcr_write(s, value);
		break;
	case REG_SCR:
		s->scr = value;
		break;
	default: /* LSR and MSR: writing is for factory tests */
		break;
	}
	update(s);
}

static uint8_t iir_read(struct serial16550 *s)
{
	uint8_t id = interrupt_id(s);

	if (id == IIR_THRE)
		s->thre_pending = false;
	return id | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t lsr_read(struct serial16550 *s)
{
	uint8_t value = (s->rx.count ? LSR_DR : 0) | (s->overrun ? LSR_OE : 0) |
			(s->tx.count ? 0 : LSR_THRE | LSR_TEMT);

	s->overrun = false;
	return value;
}

static uint8_t reg_read(struct device *dev, uint64_t offset)
{
	struct serial16550 *s = to_serial(dev);
	bool dlab = s->lcr & LCR_DLAB;
	uint8_t value = 0;

	switch (offset) {
	case REG_RBR_THR:
		if (dlab)
			value = s->dll;
		else if (s->rx.count)
			value = fifo_pop(&s->rx);
		break;
	case REG_IER:
		value = dlab ? s->dlm : s->ier;
		break;
	case REG_IIR_FCR:
		value = iir_read(s);
		break;
	case REG_LCR:
		value = s->lcr;
		break;
	case REG_MCR:
		value = s->mcr;
		break;
	case REG_LSR:
		value = lsr_read(s);
		break;
	case REG_MSR:
		value = modem_inputs(s->mcr) | s->msr_delta;
		s->msr_delta = 0;
		break;
	case REG_SCR:
		value = s->scr;
		break;
	}
	update(s);
	return value;
}

static uint64_t serial16550_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct serial16550 *s = to_serial(dev);
	uint64_t value;

	(void)index;
	pthread_mutex_lock(&s->lock);
	value = bytewise_read(dev, offset, size, reg_read);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void serial16550_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct serial16550 *s = to_serial(dev);

	(void)index;
	pthread_mutex_lock(&s->lock);
	bytewise_write(dev, offset, size, value, reg_write);
	pthread_mutex_unlock(&s->lock);
}

/* In loopback the receiver is off the line; what comes meanwhile is left with the I/O thread. */
static size_t serial16550_receive(void *ctx, const uint8_t *data, size_t n)
{
	struct serial16550 *s = ctx;
	size_t taken = 0;

	pthread_mutex_lock(&s->lock);
	while (!(s->mcr & MCR_LOOP) && taken < n && fifo_push(&s->rx, fifo_depth(s), data[taken]))
		taken++;
	s->rx_refused = taken < n;
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return taken;
}

static void serial16550_drained(void *ctx)
{
	struct serial16550 *s = ctx;

	pthread_mutex_lock(&s->lock);
	transmit(s);
	update_line(s);
	pthread_mutex_unlock(&s->lock);
}

/* A driver chooses a rate, a format, interrupts or FIFOs before it sends; simple code may not. */
static bool serial16550_in_use(void *ctx)
{
	struct serial16550 *s = ctx;
	bool used;

	pthread_mutex_lock(&s->lock);
	used = s->ier || s->fcr || s->lcr || s->mcr || s->dlm || s->dll != DLL_RESET;
	pthread_mutex_unlock(&s->lock);
	return used;
}

static void serial16550_destroy(struct device *dev)
{
	pthread_mutex_destroy(&to_serial(dev)->lock);
	device_free(dev);
}

static const struct device_class serial16550_class = {
	.name = "serial16550",
	.acpi_hid = "PNP0501",
	.fdt_compatible = "ns16550a",
	.read = serial16550_read,
	.write = serial16550_write,
	.destroy = serial16550_destroy,
};

int serial16550_create(struct machine *m, const struct serial16550_config *cfg)
{
	struct serial16550 *s;
	struct device *dev;
	int ret;

	ret = device_create(m, &serial16550_class, cfg->name, sizeof(*s), &dev);
	if (ret)
		return ret;
	s = to_serial(dev);
	pthread_mutex_init(&s->lock, NULL);
	s->chardev = cfg->chardev;
	s->gsi = cfg->gsi;
	s->dll = DLL_RESET;
	ret = machine_add_window(m, WINDOW_PORT, cfg->port, PORTS, dev, 0);
	if (!ret)
		ret = machine_add_irq(m, dev, cfg->gsi, false);
	if (ret)
		return ret;
	cfg->chardev->front = (struct chardev_front){.ctx = s,
		.receive = serial16550_receive,
		.drained = serial16550_drained,
		.in_use = serial16550_in_use};
	return 0;
}
