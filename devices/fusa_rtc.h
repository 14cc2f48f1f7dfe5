/* SPDX-License-Identifier: BSD-3-Clause */
/* The fusa contract's real-time clock: a PC's, to read from only. Ports 0x70 and 0x71. */
#ifndef DEVICES_FUSA_RTC_H
#define DEVICES_FUSA_RTC_H

#include "devices/rtc.h"
#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and _window. */
int fusa_rtc_create(struct machine *m, const struct rtc_config *cfg);

#endif
