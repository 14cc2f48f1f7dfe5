/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real-time clock of the fusa contract (docs/contract-fusa.md): the time registers of an
 * MC146818A in BCD and 24-hour form, the host's UTC; register B says so, D that it is valid, all
 * others are 0, and nothing can be written but the index, by a single byte. An access to an index
 * is one to a register, however wide: what is beyond the byte reads 0.
 *
 * Left out: whatever a write would do, alarms, interrupts, CMOS memory, the century.
 */
#include "devices/fusa_rtc.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <stdatomic.h>

enum { PORT_INDEX, PORT_DATA };

/* A 4-byte access to the data port has to lie in the window; ports after it are not answered. */
#define PORTS 5

#define INDEX_MASK 0x7F /* bit 7 is the PC's, to mask NMIs */

#define B_24H 0x02
#define D_VRT 0x80 /* the time is valid */

struct fusa_rtc {
	struct device dev;
	struct rtc_config cfg;
	_Atomic uint8_t index;
};

static uint8_t bcd(int value)
{
	return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static uint8_t reg_read(struct fusa_rtc *r)
{
	struct timespec now = rtc_now(&r->cfg);
	struct tm tm;

	if (!gmtime_r(&now.tv_sec, &tm))
		return 0;
	switch (atomic_load(&r->index)) {
	case 0x00:
		return bcd(tm.tm_sec);
	case 0x02:
		return bcd(tm.tm_min);
	case 0x04:
		return bcd(tm.tm_hour);
	case 0x06:
		return bcd(tm.tm_wday + 1);
	case 0x07:
		return bcd(tm.tm_mday);
	case 0x08:
		return bcd(tm.tm_mon + 1);
	case 0x09:
		return bcd(tm.tm_year % 100);
	case 0x0B:
		return B_24H;
	case 0x0D:
		return D_VRT;
	default:
		return 0;
	}
}

static uint64_t fusa_rtc_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)index;
	(void)size;
	if (offset == PORT_INDEX)
		return 0;
	return offset == PORT_DATA ? reg_read(container_of(dev, struct fusa_rtc, dev)) : UINT64_MAX;
}

static void fusa_rtc_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	(void)index;
	if (offset == PORT_INDEX && size == 1)
		atomic_store(&container_of(dev, struct fusa_rtc, dev)->index,
			(uint8_t)(value & INDEX_MASK));
}

static const struct device_class fusa_rtc_class = {
	.name = "fusa_rtc",
	.read = fusa_rtc_read,
	.write = fusa_rtc_write,
	.destroy = device_free,
};

int fusa_rtc_create(struct machine *m, const struct rtc_config *cfg)
{
	struct device *dev;
	int ret = device_create(m, &fusa_rtc_class, "RTC", sizeof(struct fusa_rtc), &dev);

	if (ret)
		return ret;
	container_of(dev, struct fusa_rtc, dev)->cfg = *cfg;
	return machine_add_window(m, WINDOW_PORT, X86_PORT_RTC, PORTS, dev, 0);
}
