/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether code ends in a call: BL, BLR and BLR's forms with authentication [Arm ARM DDI 0487 C6.2].
 * Pure: builds and is tested on every host.
 */
#ifndef VMM_ARM64_CALL_H
#define VMM_ARM64_CALL_H

#include "vmm/backtrace.h"

bool arm64_ends_in_call(const uint8_t code[BACKTRACE_CODE]);

#endif
