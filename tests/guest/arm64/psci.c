/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PSCI [DEN 0022 F.b] as far as a partition has it: version and features, the states of CPUs while
 * they come and go, and what is refused. cpus= says how many there are, psci= the version that is
 * wanted, in the form of PSCI_VERSION. how=suspend: the partition's sleep, and its end.
 */
#include "../check.h"
#include "arm64.h"

#define VERSION_1_0 0x10000
#define VERSION_1_1 0x10001
#define SMCCC_1_1   0x10001
#define TOS_NONE    2 /* MIGRATE_INFO_TYPE: no trusted OS that would be in the way */
#define NOBODY      0xFF00FFFFFF
#define UNKNOWN32   0x8400001F
#define UNKNOWN64   0xC400001F
#define ROUNDS      3
#define WAIT        (2 * NS_PER_S)
#define SLEEP       (20 * NS_PER_MS)
#define SLEEPER     1 /* the number that CPU 0 wakes up with */

static unsigned runs[CPUS_MAX];
static unsigned version;

static void check_features(void)
{
	static const struct {
		const char *name;
		uint32_t function;
	} functions[] = {{"PSCI_VERSION", PSCI_VERSION}, {"CPU_SUSPEND", PSCI_CPU_SUSPEND},
		{"CPU_OFF", PSCI_CPU_OFF}, {"CPU_ON", PSCI_CPU_ON},
		{"AFFINITY_INFO", PSCI_AFFINITY_INFO}, {"MIGRATE_INFO_TYPE", PSCI_MIGRATE_TYPE},
		{"SYSTEM_OFF", PSCI_SYSTEM_OFF}, {"SYSTEM_RESET", PSCI_SYSTEM_RESET},
		{"PSCI_FEATURES", PSCI_FEATURES}, {"SMCCC_VERSION", SMCCC_VERSION}};

	for (unsigned i = 0; i < ARRAY_SIZE(functions); i++)
		check(psci_call(PSCI_FEATURES, functions[i].function, 0, 0) >= 0, "there is %s",
			functions[i].name);
	check(psci_call(PSCI_FEATURES, UNKNOWN32, 0, 0) == PSCI_NOT_SUPPORTED,
		"no feature of an unknown function");
	check((psci_call(PSCI_FEATURES, PSCI_SYSTEM_RESET2, 0, 0) >= 0) == (version >= VERSION_1_1),
		"SYSTEM_RESET2 is there from PSCI 1.1 on");
	check(psci_call(SMCCC_VERSION, 0, 0, 0) >= SMCCC_1_1, "SMCCC version 0x%lx",
		psci_call(SMCCC_VERSION, 0, 0, 0));
}

static void check_version(void)
{
	uint64_t wanted = cmdline_number("psci", 0);

	version = (unsigned)psci_call(PSCI_VERSION, 0, 0, 0);
	check(version >= 2 && (!wanted || version == wanted), "PSCI %u.%u by %s", version >> 16,
		version & 0xFFFF, psci_by_smc() ? "SMC" : "HVC");
	check(dt_compatible(-1, version >= VERSION_1_0 ? "arm,psci-1.0" : "arm,psci-0.2") >= 0,
		"and the device tree says so");
	if (version >= VERSION_1_0)
		check_features();
	else
		check(psci_call(PSCI_FEATURES, PSCI_VERSION, 0, 0) == PSCI_NOT_SUPPORTED,
			"no PSCI_FEATURES before 1.0");
	check(psci_call(PSCI_MIGRATE_TYPE, 0, 0, 0) == TOS_NONE, "no trusted OS");
	check(psci_call(UNKNOWN32, 0, 0, 0) == PSCI_NOT_SUPPORTED &&
			psci_call(UNKNOWN64, 0, 0, 0) == PSCI_NOT_SUPPORTED,
		"unknown functions are not supported");
}

static int64_t state(unsigned cpu)
{
	return psci_call(PSCI_AFFINITY_INFO, cpu_mpidr(cpu), 0, 0);
}

static bool wait_state(unsigned cpu, int64_t wanted)
{
	uint64_t start = time_ns();

	while (state(cpu) != wanted)
		if (time_ns() - start > WAIT)
			return false;
	return true;
}

/* Waits until CPU has run N times, and then for its state. */
static bool wait_run(unsigned cpu, unsigned n, int64_t wanted)
{
	uint64_t start = time_ns();

	while (__atomic_load_n(&runs[cpu], __ATOMIC_SEQ_CST) < n)
		if (time_ns() - start > WAIT)
			return false;
	return wait_state(cpu, wanted) && runs[cpu] == n;
}

/* Runs once, and is off. */
static void run_once(unsigned cpu)
{
	__atomic_fetch_add(&runs[cpu], 1, __ATOMIC_SEQ_CST);
	psci_call(PSCI_CPU_OFF, 0, 0, 0);
	kprintf("FAILED  cpu %u: CPU_OFF has returned\n", cpu);
	guest_exit(1);
}

static void stay(unsigned cpu)
{
	__atomic_fetch_add(&runs[cpu], 1, __ATOMIC_SEQ_CST);
}

static void check_refusals(void)
{
	check(state(0) == PSCI_ON, "this CPU is on");
	check(psci_call(PSCI_CPU_ON, cpu_mpidr(0), (uint64_t)secondary_start, 0) == PSCI_ALREADY_ON,
		"and cannot be started");
	check(psci_call(PSCI_CPU_ON, NOBODY, (uint64_t)secondary_start, 0) == PSCI_INVALID,
		"nor can one that is not there");
	check(psci_call(PSCI_AFFINITY_INFO, NOBODY, 0, 0) == PSCI_INVALID,
		"which has no state, either");
	check(psci_call(PSCI_AFFINITY_INFO, cpu_mpidr(0), 7, 0) == PSCI_INVALID,
		"there is no affinity level 7");
}

static void check_cpus(void)
{
	unsigned cpus = cpu_count(), good = 0;

	check(cpus == cmdline_number("cpus", 1), "%u CPUs", cpus);
	for (unsigned cpu = 1; cpu < cpus; cpu++)
		good += state(cpu) == PSCI_OFF;
	check(good == cpus - 1, "%u others are off", good);
	good = 0;
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned cpu = 1; cpu < cpus; cpu++)
			good += cpu_on(cpu, run_once) == PSCI_SUCCESS &&
				wait_state(cpu, PSCI_OFF) && runs[cpu] == round + 1;
	check(good == ROUNDS * (cpus - 1), "%u times one came and went", good);
	good = 0;
	for (unsigned cpu = 1; cpu < cpus; cpu++)
		good += cpu_on(cpu, stay) == PSCI_SUCCESS && wait_run(cpu, ROUNDS + 1, PSCI_ON) &&
			cpu_on(cpu, stay) == PSCI_ALREADY_ON;
	check(good == cpus - 1, "%u stay, and cannot be started twice", good);
}

static void nothing(void)
{
}

/* A CPU's sleep, of which only the shallowest is known: it ends like WFI. */
static void check_suspend(void)
{
	uint64_t start = time_ns();

	timer_once(SLEEP, nothing);
	check(psci_call(PSCI_CPU_SUSPEND, 0, (uint64_t)secondary_start, 0) == PSCI_SUCCESS,
		"CPU_SUSPEND");
	check(time_ns() - start < WAIT, "and woken up after %lu us",
		(time_ns() - start) / NS_PER_US);
	cpu_let_in();
	timer_stop();
}

/* ---- SYSTEM_SUSPEND ---- */

static uint64_t slept;

/* On CPU 0 again, as CPU SLEEPER: nothing of it is as it was but its memory. */
static void wake_up(unsigned cpu)
{
	uint64_t ns = time_ns() - slept;

	check(cpu == SLEEPER && entry_states[cpu].x[0] == SLEEPER,
		"woken up where it was asked for");
	check((entry_states[cpu].sctlr & 1) == 0 && entry_states[cpu].daif == 0x3C0,
		"MMU off, exceptions masked");
	check(ns >= SLEEP && ns < WAIT, "slept for %lu us", ns / NS_PER_US);
	guest_exit(checks_failed() != 0);
}

static void suspend(void)
{
	int64_t result;

	if (psci_call(PSCI_FEATURES, PSCI_SYSTEM_SUSPEND, 0, 0) == PSCI_NOT_SUPPORTED) {
		kprintf("host    there is no SYSTEM_SUSPEND\n");
		return;
	}
	cpu_prepare(SLEEPER, wake_up);
	slept = time_ns();
	timer_once(SLEEP, nothing);
	result = psci_call(PSCI_SYSTEM_SUSPEND, (uint64_t)secondary_start, SLEEPER, 0);
	check(false, "SYSTEM_SUSPEND has returned %ld", result);
}

int guest_main(void)
{
	char how[16] = "";

	cmdline_get("how", how, sizeof(how));
	if (strcmp(how, "suspend") == 0) {
		suspend();
		return checks_failed();
	}
	check_version();
	check_refusals();
	check_cpus();
	check_suspend();
	return checks_failed();
}
