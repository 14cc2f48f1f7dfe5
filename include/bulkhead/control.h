/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control page: registers through which a guest talks to Bulkhead about its own partition.
 * For guests and for Bulkhead itself; freestanding, C99 or newer, no dependencies.
 *
 * The page is one page of MMIO, at an address for each architecture. On x86 its first 64 bytes are
 * I/O ports, too, from BULKHEAD_CONTROL_PORT on: register 0x08 is port 0x0B88. Registers are 32
 * bits wide and little-endian; each is read and written with one aligned access of 4 bytes. Other
 * accesses read as 0 and write nothing. docs/control-page.md says more.
 */
#ifndef BULKHEAD_CONTROL_H
#define BULKHEAD_CONTROL_H

#define BULKHEAD_CONTROL_ADDRESS_X86   0xFEDB0000
#define BULKHEAD_CONTROL_ADDRESS_ARM64 0x09FE0000
#define BULKHEAD_CONTROL_SIZE          0x1000
#define BULKHEAD_CONTROL_PORT          0x0B80 /* x86 */
#define BULKHEAD_CONTROL_PORTS         0x40

#define BULKHEAD_CONTROL_MAGIC   0x44484B42 /* "BKHD" in the order of bytes */
#define BULKHEAD_CONTROL_VERSION 2          /* 1 had no log */

#define BULKHEAD_LOG_MAX 256 /* bytes of a line */

/* Offsets of the registers. */
enum bulkhead_control_register {
	BULKHEAD_CONTROL_ID = 0x00,        /* read: BULKHEAD_CONTROL_MAGIC */
	BULKHEAD_CONTROL_ABI = 0x04,       /* read: BULKHEAD_CONTROL_VERSION */
	BULKHEAD_CONTROL_HEARTBEAT = 0x08, /* write anything: a beat; read: how many there were */
	BULKHEAD_CONTROL_WATCHDOG = 0x0C, /* read: a beat is due every so many us; 0: no watchdog */
	BULKHEAD_CONTROL_STOP = 0x10,     /* read: a bulkhead_stop_request; write: a reply */
	BULKHEAD_CONTROL_LOCK = 0x14,     /* 1: nobody is reconfigured while the guest runs */
	BULKHEAD_CONTROL_EXIT = 0x18,     /* write: ends the partition; 0 success, else an error */
	BULKHEAD_CONTROL_RESERVED = 0x1C, /* read: 0 */
	/* Where the text is that LOG_SIZE logs: guest-physical, the low and the high half. */
	BULKHEAD_CONTROL_LOG_ADDRESS = 0x20,
	BULKHEAD_CONTROL_LOG_ADDRESS_HIGH = 0x24,
	BULKHEAD_CONTROL_LOG_SIZE = 0x28, /* write: logs so many bytes; read: BULKHEAD_LOG_MAX */
};

/* STOP, when read. */
enum bulkhead_stop_request {
	BULKHEAD_STOP_NONE = 0,      /* nobody asks */
	BULKHEAD_STOP_REQUESTED = 1, /* somebody wants the run to stop, and waits for the reply */
};

/* STOP, when written. */
enum bulkhead_stop_reply {
	BULKHEAD_STOP_AGREE = 1,
	BULKHEAD_STOP_VETO = 2,
};

#endif
