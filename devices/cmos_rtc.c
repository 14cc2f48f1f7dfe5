/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MC146818A real-time clock with 128 bytes of CMOS memory [Motorola MC146818A data sheet, 1984],
 * and in that memory the century and the memory sizes where PC firmware leaves them.
 *
 * The clock is the host's UTC plus an offset that the guest sets by setting the clock. Modelled:
 * BCD and binary, 12 and 24 hours, SET, UIP, the divider reset. Left out: alarm, periodic and
 * update interrupts and their flags (register C reads as 0; there is no interrupt line), daylight
 * saving, square wave.
 *
 * A time that the guest writes is kept as written until the clock runs again; the clock then goes
 * on from the date that it means (30 February is 1 or 2 March), day of the week included.
 */
#include "devices/cmos_rtc.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <pthread.h>

enum { PORT_INDEX, PORT_DATA, PORTS };

enum {
	RTC_SECONDS = 0x00,
	RTC_MINUTES = 0x02,
	RTC_HOURS = 0x04,
	RTC_DAY_OF_WEEK = 0x06, /* Sunday is 1 */
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0A,
	RTC_B = 0x0B,
	RTC_C = 0x0C,
	RTC_D = 0x0D,
	CMOS_BASE_MEMORY = 0x15,       /* KiB below 640 KiB, two bytes */
	CMOS_EXTENDED_MEMORY = 0x17,   /* KiB from 1 MiB up, two bytes */
	CMOS_EXTENDED_MEMORY_2 = 0x30, /* the same, as found by the self test */
	RTC_CENTURY = 0x32,
	CMOS_MEMORY_16M = 0x34, /* units of 64 KiB from 16 MiB to 4 GiB, two bytes */
	CMOS_MEMORY_4G = 0x5B,  /* units of 64 KiB from 4 GiB up, three bytes */
	CMOS_SIZE = 0x80,
};

#define A_UIP      0x80
#define A_DV_RESET 0x60 /* DV2 and DV1: the divider chain is held in reset */
#define A_POWER_ON 0x26 /* 32.768 kHz, 1024 Hz */
#define B_SET      0x80 /* the clock stands; the guest is setting it */
#define B_BINARY   0x04
#define B_24H      0x02
#define D_VRT      0x80 /* RAM and time are valid */
#define HOUR_PM    0x80

#define NS_PER_S 1000000000
/* UIP rises this long before an update. The update itself takes no time here. */
#define UIP_NS 244000

struct cmos_rtc {
	struct device dev;
	struct rtc_config cfg;
	pthread_mutex_t lock; /* guards what follows */
	uint8_t index;
	uint8_t regs[CMOS_SIZE];
	struct timespec offset; /* guest's time minus the host's */
};

static struct timespec guest_now(struct cmos_rtc *r)
{
	struct timespec now = rtc_now(&r->cfg);

	now.tv_sec += r->offset.tv_sec;
	now.tv_nsec += r->offset.tv_nsec;
	if (now.tv_nsec >= NS_PER_S) {
		now.tv_nsec -= NS_PER_S;
		now.tv_sec++;
	}
	return now;
}

static void guest_set(struct cmos_rtc *r, const struct timespec *to)
{
	struct timespec now = rtc_now(&r->cfg);

	r->offset.tv_sec = to->tv_sec - now.tv_sec;
	r->offset.tv_nsec = to->tv_nsec - now.tv_nsec;
	if (r->offset.tv_nsec < 0) {
		r->offset.tv_nsec += NS_PER_S;
		r->offset.tv_sec--;
	}
}

static bool divider_reset(const struct cmos_rtc *r)
{
	return (r->regs[RTC_A] & A_DV_RESET) == A_DV_RESET;
}

static bool clock_runs(const struct cmos_rtc *r)
{
	return !(r->regs[RTC_B] & B_SET) && !divider_reset(r);
}

static uint8_t encode(const struct cmos_rtc *r, unsigned value)
{
	return (uint8_t)(r->regs[RTC_B] & B_BINARY ? value : value / 10 << 4 | value % 10);
}

static int decode(const struct cmos_rtc *r, uint8_t reg)
{
	return r->regs[RTC_B] & B_BINARY ? reg : (reg >> 4) * 10 + (reg & 0x0F);
}

static uint8_t encode_hour(const struct cmos_rtc *r, unsigned hour)
{
	unsigned half = hour % 12 ? hour % 12 : 12;

	if (r->regs[RTC_B] & B_24H)
		return encode(r, hour);
	return encode(r, half) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct cmos_rtc *r)
{
	uint8_t reg = r->regs[RTC_HOURS];

	if (r->regs[RTC_B] & B_24H)
		return decode(r, reg);
	return decode(r, reg & (uint8_t)~HOUR_PM) % 12 + (reg & HOUR_PM ? 12 : 0);
}

/* Time registers from the clock. */
static void clock_to_regs(struct cmos_rtc *r)
{
	struct timespec now = guest_now(r);
	struct tm tm;
	unsigned year;

	if (!gmtime_r(&now.tv_sec, &tm))
		return;
	year = (unsigned)tm.tm_year + 1900;
	r->regs[RTC_SECONDS] = encode(r, (unsigned)tm.tm_sec);
	r->regs[RTC_MINUTES] = encode(r, (unsigned)tm.tm_min);
	r->regs[RTC_HOURS] = encode_hour(r, (unsigned)tm.tm_hour);
	r->regs[RTC_DAY_OF_WEEK] = encode(r, (unsigned)tm.tm_wday + 1);
	r->regs[RTC_DAY] = encode(r, (unsigned)tm.tm_mday);
	r->regs[RTC_MONTH] = encode(r, (unsigned)tm.tm_mon + 1);
	r->regs[RTC_YEAR] = encode(r, year % 100);
	r->regs[RTC_CENTURY] = encode(r, year / 100 % 100);
}

/* Clock from the time registers, NSEC into that second. */
static void regs_to_clock(struct cmos_rtc *r, long nsec)
{
	struct tm tm = {
		.tm_sec = decode(r, r->regs[RTC_SECONDS]),
		.tm_min = decode(r, r->regs[RTC_MINUTES]),
		.tm_hour = decode_hour(r),
		.tm_mday = decode(r, r->regs[RTC_DAY]),
		.tm_mon = decode(r, r->regs[RTC_MONTH]) - 1,
		.tm_year =
			decode(r, r->regs[RTC_CENTURY]) * 100 + decode(r, r->regs[RTC_YEAR]) - 1900,
	};
	struct timespec to = {.tv_sec = timegm(&tm), .tv_nsec = nsec};

	guest_set(r, &to);
}

/*
 * Registers A and B stop and start the clock. Setting SET leaves the divider chain running, so the
 * fraction of a second goes on; after a divider reset the first update comes 500 ms later.
 */
static void control_write(struct cmos_rtc *r, uint8_t reg, uint8_t value)
{
	bool ran = clock_runs(r), was_reset = divider_reset(r);
	long nsec = guest_now(r).tv_nsec;

	if (ran)
		clock_to_regs(r);
	r->regs[reg] = reg == RTC_A ? value & (uint8_t)~A_UIP : value;
	if (was_reset && !divider_reset(r))
		nsec = NS_PER_S / 2;
	if (!ran)
		regs_to_clock(r, nsec);
}

static bool is_time(uint8_t reg)
{
	return reg == RTC_SECONDS || reg == RTC_MINUTES || reg == RTC_HOURS ||
	       (reg >= RTC_DAY_OF_WEEK && reg <= RTC_YEAR) || reg == RTC_CENTURY;
}

static void data_write(struct cmos_rtc *r, uint8_t value)
{
	switch (r->index) {
	case RTC_A:
	case RTC_B:
		control_write(r, r->index, value);
		break;
	case RTC_C:
	case RTC_D:
		break; /* read-only */
	default:
		if (!is_time(r->index) || !clock_runs(r)) {
			r->regs[r->index] = value;
			break;
		}
		clock_to_regs(r);
		r->regs[r->index] = value;
		regs_to_clock(r, guest_now(r).tv_nsec);
		break;
	}
}

static uint8_t data_read(struct cmos_rtc *r)
{
	if (clock_runs(r) && r->index == RTC_A)
		return r->regs[RTC_A] | (guest_now(r).tv_nsec >= NS_PER_S - UIP_NS ? A_UIP : 0);
	if (clock_runs(r) && is_time(r->index))
		clock_to_regs(r);
	return r->regs[r->index];
}

static uint8_t reg_read(struct device *dev, uint64_t offset)
{
	/* The index cannot be read back on a PC. */
	return offset == PORT_DATA ? data_read(container_of(dev, struct cmos_rtc, dev)) : 0xFF;
}

static void reg_write(struct device *dev, uint64_t offset, uint8_t value)
{
	struct cmos_rtc *r = container_of(dev, struct cmos_rtc, dev);

	/* Bit 7 of the index masks NMIs on a PC; there are none to mask. */
	if (offset == PORT_INDEX)
		r->index = value % CMOS_SIZE;
	else
		data_write(r, value);
}

static uint64_t cmos_rtc_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct cmos_rtc *r = container_of(dev, struct cmos_rtc, dev);
	uint64_t value;

	(void)index;
	pthread_mutex_lock(&r->lock);
	value = bytewise_read(dev, offset, size, reg_read);
	pthread_mutex_unlock(&r->lock);
	return value;
}

static void cmos_rtc_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct cmos_rtc *r = container_of(dev, struct cmos_rtc, dev);

	(void)index;
	pthread_mutex_lock(&r->lock);
	bytewise_write(dev, offset, size, value, reg_write);
	pthread_mutex_unlock(&r->lock);
}

static void cmos_rtc_destroy(struct device *dev)
{
	pthread_mutex_destroy(&container_of(dev, struct cmos_rtc, dev)->lock);
	device_free(dev);
}

/* Little-endian, at most what BYTES bytes can say. */
static void nvram_put(struct cmos_rtc *r, unsigned at, unsigned bytes, uint64_t value)
{
	value = min_u64(value, ((uint64_t)1 << (8 * bytes)) - 1);
	for (unsigned i = 0; i < bytes; i++)
		r->regs[at + i] = (uint8_t)(value >> (8 * i));
}

static void nvram_put_memory(struct cmos_rtc *r, const struct machine *m)
{
	uint64_t low_end = machine_ram_end_low(m), high = 0;
	uint64_t above_1m = low_end > MIB ? low_end - MIB : 0;
	uint64_t above_16m = low_end > 16 * MIB ? low_end - 16 * MIB : 0;

	for (unsigned i = 0; i < m->range_count; i++) {
		if (m->ranges[i].type == RANGE_RAM && m->ranges[i].base >= X86_ABOVE_4G)
			high += m->ranges[i].size;
	}
	nvram_put(r, CMOS_BASE_MEMORY, 2, X86_LOW_RAM_END / KIB);
	nvram_put(r, CMOS_EXTENDED_MEMORY, 2, above_1m / KIB);
	nvram_put(r, CMOS_EXTENDED_MEMORY_2, 2, above_1m / KIB);
	nvram_put(r, CMOS_MEMORY_16M, 2, above_16m / (64 * KIB));
	nvram_put(r, CMOS_MEMORY_4G, 3, high / (64 * KIB));
}

static const struct device_class cmos_rtc_class = {
	.name = "cmos_rtc",
	.acpi_hid = "PNP0B00",
	.read = cmos_rtc_read,
	.write = cmos_rtc_write,
	.destroy = cmos_rtc_destroy,
};

int cmos_rtc_create(struct machine *m, const struct rtc_config *cfg)
{
	struct device *dev;
	struct cmos_rtc *r;
	int ret = device_create(m, &cmos_rtc_class, "RTC", sizeof(*r), &dev);

	if (ret)
		return ret;
	r = container_of(dev, struct cmos_rtc, dev);
	pthread_mutex_init(&r->lock, NULL);
	r->cfg = *cfg;
	r->regs[RTC_A] = A_POWER_ON;
	r->regs[RTC_B] = B_24H;
	r->regs[RTC_D] = D_VRT;
	nvram_put_memory(r, m);
	return machine_add_window(m, WINDOW_PORT, X86_PORT_RTC, PORTS, dev, 0);
}
