/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether code ends in a near call [SDM 2A, CALL]: then what follows it is a return address. With
 * or without prefixes; any length that fits will do. Pure: builds and is tested on every host.
 */
#ifndef VMM_X86_CALL_H
#define VMM_X86_CALL_H

#include "vmm/backtrace.h"

bool x86_ends_in_call(const uint8_t code[BACKTRACE_CODE]);

#endif
