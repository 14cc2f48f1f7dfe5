/* SPDX-License-Identifier: BSD-3-Clause */
/* The ports and memory of QEMU's pc-testdev. */
#ifndef DEVICES_TESTDEV_TEST_PORTS_H
#define DEVICES_TESTDEV_TEST_PORTS_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and machine_add_window. */
int test_ports_create(struct machine *m);

#endif
