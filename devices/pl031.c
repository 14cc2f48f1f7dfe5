/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PL031 real-time clock [ARM DDI 0224C]: seconds in 32 bits, with an alarm.
 *
 * The clock is the host's UTC plus an offset that the guest sets by setting the clock; it counts
 * when the host's second changes. Modelled: all registers, the match and its interrupt. It runs
 * from the start, as firmware leaves it. Left out: the delay of a load until the next second, the
 * test registers. An alarm comes when the host's clock passes its time, whether by running or by
 * being set.
 */
#include "devices/pl031.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"

#include <pthread.h>

#define PL031_SIZE 0x1000

enum {
	RTCDR = 0x00,
	RTCMR = 0x04,
	RTCLR = 0x08,
	RTCCR = 0x0C,
	RTCIMSC = 0x10,
	RTCRIS = 0x14,
	RTCMIS = 0x18,
	RTCICR = 0x1C,
};

#define PL031_ID 0x00141031 /* RTCPeriphID3 to 0 */
#define CR_START 1
#define INT_RTC  1

struct pl031 {
	struct device dev;
	struct rtc_config cfg;
	pthread_mutex_t lock; /* guards all that follows, and the order of calls to irq_set */
	bool line;            /* level of the interrupt line */
	uint32_t offset;      /* guest's seconds minus the host's */
	uint32_t mr, lr, imsc, ris;
	bool armed;   /* RTCMR has not been met */
	time_t match; /* the host's second in which it will be */
};

static struct pl031 *to_pl031(struct device *dev)
{
	return container_of(dev, struct pl031, dev);
}

static void update_line(struct pl031 *r)
{
	const struct machine_services *services = &r->dev.machine->services;
	bool line = r->ris & r->imsc;

	if (line == r->line)
		return;
	r->line = line;
	services->irq_set(services->ctx, ARM64_SPI_RTC, line);
}

/* What becomes of an alarm that is set, or looked at, at the host's second NOW. */
static void meet(struct pl031 *r, time_t now)
{
	if (r->armed && now >= r->match) {
		r->armed = false;
		r->ris = INT_RTC;
	}
	if (r->armed && r->cfg.alarm)
		r->cfg.alarm(r->cfg.ctx, r->match);
}

/* RTCMR or the clock was set: the match is less than 2^32 seconds ahead, or now. */
static void arm(struct pl031 *r, time_t now)
{
	r->armed = true;
	r->match = now + (uint32_t)(r->mr - ((uint32_t)now + r->offset));
	meet(r, now);
}

static uint32_t reg_read(struct device *dev, uint64_t offset)
{
	struct pl031 *r = to_pl031(dev);

	switch (offset) {
	case RTCDR:
		return (uint32_t)rtc_now(&r->cfg).tv_sec + r->offset;
	case RTCMR:
		return r->mr;
	case RTCLR:
		return r->lr;
	case RTCCR:
		return CR_START;
	case RTCIMSC:
		return r->imsc;
	case RTCRIS:
		return r->ris;
	case RTCMIS:
		return r->ris & r->imsc;
	default:
		return primecell_id(PL031_ID, offset);
	}
}

static void reg_write(struct device *dev, uint64_t offset, uint32_t value)
{
	struct pl031 *r = to_pl031(dev);
	time_t now = rtc_now(&r->cfg).tv_sec;

	switch (offset) {
	case RTCMR:
		r->mr = value;
		arm(r, now);
		break;
	case RTCLR:
		r->lr = value;
		r->offset = value - (uint32_t)now;
		arm(r, now);
		break;
	case RTCIMSC:
		r->imsc = value & INT_RTC;
		break;
	case RTCICR:
		r->ris &= ~value;
		break;
	}
	update_line(r);
}

static uint64_t pl031_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct pl031 *r = to_pl031(dev);
	uint64_t value;

	(void)index;
	pthread_mutex_lock(&r->lock);
	value = wordwise_read(dev, offset, size, reg_read);
	pthread_mutex_unlock(&r->lock);
	return value;
}

static void pl031_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct pl031 *r = to_pl031(dev);

	(void)index;
	pthread_mutex_lock(&r->lock);
	wordwise_write(dev, offset, size, value, reg_write);
	pthread_mutex_unlock(&r->lock);
}

static void pl031_destroy(struct device *dev)
{
	pthread_mutex_destroy(&to_pl031(dev)->lock);
	device_free(dev);
}

static const struct device_class pl031_class = {
	.name = "pl031",
	.fdt_compatible = "arm,pl031",
	.read = pl031_read,
	.write = pl031_write,
	.destroy = pl031_destroy,
};

int pl031_create(struct machine *m, const struct rtc_config *cfg)
{
	struct device *dev;
	struct pl031 *r;
	int ret = device_create(m, &pl031_class, "RTC", sizeof(*r), &dev);

	if (ret)
		return ret;
	r = to_pl031(dev);
	pthread_mutex_init(&r->lock, NULL);
	r->cfg = *cfg;
	ret = machine_add_window(m, WINDOW_MMIO, ARM64_RTC_BASE, PL031_SIZE, dev, 0);
	return ret ? ret : machine_add_irq(m, dev, ARM64_SPI_RTC, true);
}

void rtc_alarm(const struct machine *m)
{
	struct device *dev = device_find(m, &pl031_class);
	struct pl031 *r;

	if (!dev)
		return;
	r = to_pl031(dev);
	pthread_mutex_lock(&r->lock);
	meet(r, rtc_now(&r->cfg).tv_sec);
	update_line(r);
	pthread_mutex_unlock(&r->lock);
}
