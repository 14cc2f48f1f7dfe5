/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hypercalls of Bulkhead's: what the control page does (bulkhead/control.h), for arm64 guests, by
 * HVC under the SMC Calling Convention [ARM DEN 0028, SMCCC 1.5]. For guests and for Bulkhead
 * itself; freestanding, C99 or newer, no dependencies.
 *
 * W0 is a function of the vendor-specific hypervisor services, X1 and up its arguments; the answer
 * is in W0 to W3. Each has a form with 32-bit registers and one with 64-bit registers. A host
 * kernel may be too old for them: BULKHEAD_CALL_ID then gives SMCCC's NOT_SUPPORTED, and the
 * control page is there all the same. docs/hypercalls.md says more.
 */
#ifndef BULKHEAD_HYPERCALL_H
#define BULKHEAD_HYPERCALL_H

#define BULKHEAD_CALL32 0x8600B000 /* SMC32: arguments in W1 and up */
#define BULKHEAD_CALL64 0xC600B000 /* SMC64: arguments in X1 and up */

#define BULKHEAD_CALL_FUNCTIONS 0x100 /* reserved for Bulkhead from either on */

#define BULKHEAD_CALL_MAGIC   0x44484B42 /* BULKHEAD_CONTROL_MAGIC */
#define BULKHEAD_CALL_VERSION 1

/* To be added to BULKHEAD_CALL32 or BULKHEAD_CALL64. */
enum bulkhead_call {
	BULKHEAD_CALL_ID = 0,        /* W0 = BULKHEAD_CALL_MAGIC, W1 = BULKHEAD_CALL_VERSION */
	BULKHEAD_CALL_HEARTBEAT = 1, /* a beat */
	BULKHEAD_CALL_EXIT = 2,      /* (code) ends the partition; 0 success, else an error */
	BULKHEAD_CALL_LOG = 3,       /* (address, size) logs that memory: BULKHEAD_LOG_MAX bytes */
	/*
	 * W0 = 0, W1 = microseconds between two beats that are due or 0, W2 = a
	 * bulkhead_stop_request, W3 = the lock
	 */
	BULKHEAD_CALL_STATUS = 4,
	BULKHEAD_CALL_STOP_REPLY = 5, /* (a bulkhead_stop_reply) */
	BULKHEAD_CALL_LOCK = 6,       /* (1 take it, 0 give it back) */
};

/* W0 of those that have nothing else to say [SMCCC 1.5 7.1]. */
#define BULKHEAD_CALL_SUCCESS            0
#define BULKHEAD_CALL_NOT_SUPPORTED      (-1) /* no such function */
#define BULKHEAD_CALL_INVALID_PARAMETERS (-3) /* and nothing was done */

#endif
