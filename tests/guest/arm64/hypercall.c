/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bulkhead's hypercalls (docs/hypercalls.md), by HVC and SMC, with 32-bit and 64-bit registers; and
 * that a call changes no register but the first four. On the command line: watchdog=200ms, the
 * period that STATUS must show. Where the host's kernel does not pass them on, all of them are not
 * supported, and the control page is there all the same.
 */
#include "../check.h"
#include "arm64.h"

#include <bulkhead/control.h>
#include <bulkhead/hypercall.h>

#define UNKNOWN   (BULKHEAD_CALL_FUNCTIONS - 1)
#define NO_MEMORY 0x0B000000

static uint32_t insn; /* HVC or SMC */
static uint32_t base; /* BULKHEAD_CALL32 or 64 */
static volatile bool undefined;

static void on_undefined(struct trap_frame *f)
{
	undefined = true;
	f->pc += 4;
}

/* A call, and whether only X0 to X3 have changed. */
static bool call(unsigned function, uint64_t a1, uint64_t a2, uint32_t ret_w[4])
{
	static struct registers r, before;
	bool kept;

	memset(&r, 0x5A, sizeof(r));
	r.x[0] = base + function;
	r.x[1] = a1;
	r.x[2] = a2;
	before = r;
	execute(&r, insn);
	kept = memcmp(&r.x[4], &before.x[4], sizeof(r) - 4 * sizeof(r.x[0])) == 0;
	for (unsigned i = 0; i < 4; i++)
		ret_w[i] = (uint32_t)r.x[i];
	return kept;
}

static int32_t result(unsigned function, uint64_t a1, uint64_t a2)
{
	uint32_t w[4];

	call(function, a1, a2, w);
	return (int32_t)w[0];
}

static void check_status(void)
{
	uint32_t watchdog = (uint32_t)(cmdline_time("watchdog", 0) / NS_PER_US), w[4];
	uint32_t beats = control_read(BULKHEAD_CONTROL_HEARTBEAT);

	check(call(BULKHEAD_CALL_STATUS, 0, 0, w) && w[0] == 0 && w[1] == watchdog &&
			w[2] == BULKHEAD_STOP_NONE && w[3] == 0,
		"STATUS: watchdog %u us, no request to stop, no lock", w[1]);
	check(result(BULKHEAD_CALL_HEARTBEAT, 0, 0) == 0 &&
			control_read(BULKHEAD_CONTROL_HEARTBEAT) == beats + 1,
		"HEARTBEAT: counted");
	check(result(BULKHEAD_CALL_LOCK, 1, 0) == 0 && control_read(BULKHEAD_CONTROL_LOCK) == 1,
		"LOCK: taken");
	call(BULKHEAD_CALL_STATUS, 0, 0, w);
	check(w[3] == 1, "STATUS: the lock");
	check(result(BULKHEAD_CALL_LOCK, 0, 0) == 0 && control_read(BULKHEAD_CONTROL_LOCK) == 0,
		"LOCK: given back");
}

static void check_log(void)
{
	static const char text[] = "a line by hypercall";

	check(result(BULKHEAD_CALL_LOG, (uint64_t)text, sizeof(text) - 1) == 0, "LOG");
	check(result(BULKHEAD_CALL_LOG, (uint64_t)text, BULKHEAD_LOG_MAX + 1) ==
			BULKHEAD_CALL_INVALID_PARAMETERS,
		"LOG: too long");
	check(result(BULKHEAD_CALL_LOG, NO_MEMORY, 4) == BULKHEAD_CALL_INVALID_PARAMETERS,
		"LOG: not of memory");
}

static void check_calls(const char *by, unsigned bits)
{
	uint32_t w[4];
	bool kept;

	undefined = false;
	kept = call(BULKHEAD_CALL_ID, 0, 0, w);
	if (undefined || (int32_t)w[0] == BULKHEAD_CALL_NOT_SUPPORTED) {
		kprintf("host    hypercalls by %s, %u bits: %s\n", by, bits,
			undefined ? "an undefined instruction" : "not passed on by its kernel");
		check(control_present(), "the control page is there");
		return;
	}
	check(w[0] == BULKHEAD_CALL_MAGIC && w[1] == BULKHEAD_CALL_VERSION, "%s, %u bits: ID", by,
		bits);
	check(kept, "no other register has changed");
	check_status();
	check_log();
	check(result(BULKHEAD_CALL_LOCK, 2, 0) == BULKHEAD_CALL_INVALID_PARAMETERS,
		"LOCK: neither 0 nor 1");
	check(result(BULKHEAD_CALL_STOP_REPLY, 7, 0) == BULKHEAD_CALL_INVALID_PARAMETERS,
		"STOP_REPLY: no reply");
	check(result(UNKNOWN, 0, 0) == BULKHEAD_CALL_NOT_SUPPORTED, "an unknown function");
}

int guest_main(void)
{
	trap_set(EC_UNKNOWN, on_undefined);
	for (unsigned smc = 0; smc < 2; smc++) {
		insn = smc ? ENCODE("smc #0") : ENCODE("hvc #0");
		base = BULKHEAD_CALL32;
		check_calls(smc ? "SMC" : "HVC", 32);
		base = BULKHEAD_CALL64;
		check_calls(smc ? "SMC" : "HVC", 64);
	}
	return checks_failed();
}
