/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this host's KVM can do, in words, for those who may not see the machine layer. Found out by
 * running tiny guests (vmm/probe.h) in a process of their own, so that no failure of a strange KVM
 * reaches the caller.
 */
#ifndef PARTITION_PROBE_H
#define PARTITION_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_KVM_DEVICE "/dev/kvm"

enum host_kvm_access {
	HOST_KVM_USABLE,
	HOST_KVM_NO_DEVICE, /* nothing there, or nothing behind it */
	HOST_KVM_DENIED,
	HOST_KVM_BUSY, /* another hypervisor has the processor */
	HOST_KVM_WRONG_API,
	HOST_KVM_ERROR,
};

enum host_kvm_kind {
	HOST_KVM_NONE,       /* no access */
	HOST_KVM_UNUSABLE,   /* access, but not even the smallest guest runs, or too little is there
			      */
	HOST_KVM_SOFTWARE,   /* guests run, but instructions of ordinary kernels fail in KVM's
				emulator */
	HOST_KVM_RESTRICTED, /* guests run, but instructions of ordinary kernels fail for another
				reason */
	HOST_KVM_FULL,       /* unmodified kernels run */
};

struct host_kvm_cap {
	const char *name; /* static, as all text here that is not an array */
	const char *why;
	bool required;
	int value; /* 0: missing */
};

struct host_kvm_instruction {
	const char *name; /* or a step: "long mode" */
	bool tried;
	bool ok;
	bool emulation;   /* failed because KVM's emulator does not know it */
	char outcome[96]; /* what it ends in: "KVM_EXIT_INTERNAL_ERROR (emulation)" */
};

/* What this KVM is, beside what it can do: its interrupt controllers and the like. */
struct host_kvm_trait {
	const char *name;
	const char *why;
	bool there; /* as well as one could wish */
	char found[64];
};

#define HOST_KVM_CAPS_MAX         48
#define HOST_KVM_TRAITS_MAX       8
#define HOST_KVM_INSTRUCTIONS_MAX 64

struct host_kvm_report {
	enum host_kvm_access access;
	int error; /* errno behind ACCESS; 0 */
	int api_version;
	enum host_kvm_kind kind;
	unsigned cap_count;
	struct host_kvm_cap caps[HOST_KVM_CAPS_MAX];
	unsigned trait_count;
	struct host_kvm_trait traits[HOST_KVM_TRAITS_MAX];
	unsigned instruction_count;
	struct host_kvm_instruction instructions[HOST_KVM_INSTRUCTIONS_MAX];
	bool cpuid_changed; /* guests see other CPUID bits than KVM was told to show */
	uint64_t exit_ns;   /* an exit to user space and back; 0: not measured */
	uint64_t instructions_per_second; /* of kernel-mode code; 0: not measured */
};

/*
 * Probes DEVICE (HOST_KVM_DEVICE). Takes well under a second where all is well and at most
 * PARTITION_PROBE_MS. Forks: call it while single-threaded. 0 with *RET_REPORT whatever the host
 * is like; a negative errno when the process could not be made.
 */
#define PARTITION_PROBE_MS 20000
int partition_probe(const char *device, struct host_kvm_report *ret_report);

/*
 * Holds VMs that never run, for as long as this process lives: in an emulated machine, KVM then has
 * no reason to change the kernel's code while guests run (vmm/hold.h).
 */
void partition_hold_kvm(const char *device);

/* True when it was tried and did not do what it should. */
static inline bool host_kvm_failed(const struct host_kvm_instruction *it)
{
	return it->tried && !it->ok;
}

/* True when partitions, if only with freestanding images, can run. */
bool host_kvm_runs_partitions(const struct host_kvm_report *r);

/* "none", "unusable", "software", "restricted", "full". */
const char *host_kvm_kind_name(enum host_kvm_kind kind);

/* The KVM API version that this program was built for. */
unsigned partition_kvm_api_version(void);

#endif
