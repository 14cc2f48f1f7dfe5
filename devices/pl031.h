/* SPDX-License-Identifier: BSD-3-Clause */
/* The real-time clock of the arm64 machine. */
#ifndef DEVICES_PL031_H
#define DEVICES_PL031_H

#include "devices/rtc.h"
#include "vmm/machine.h"

/* 0, or the errors of machine_add_device, machine_add_window and machine_add_irq. */
int pl031_create(struct machine *m, const struct rtc_config *cfg);

/* The time that cfg->alarm was told of has come for M, or another one. Any thread. */
void rtc_alarm(const struct machine *m);

#endif
