/* SPDX-License-Identifier: BSD-3-Clause */
/* A PC's real-time clock and CMOS memory, ports 0x70 and 0x71. */
#ifndef DEVICES_CMOS_RTC_H
#define DEVICES_CMOS_RTC_H

#include "devices/rtc.h"
#include "vmm/machine.h"

/* The memory sizes come from M's RAM. 0, or the errors of machine_add_device and _window. */
int cmos_rtc_create(struct machine *m, const struct rtc_config *cfg);

#endif
