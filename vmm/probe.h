/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What kind of KVM this host has, found out by running tiny guests in throwaway VMs: no CPUID bit
 * and no module name tells whether the instructions of an ordinary kernel run there. The guests are
 * the architecture's (vmm/<arch>/probe.c); each executes a few instructions and then reports a
 * value by an exit.
 */
#ifndef VMM_PROBE_H
#define VMM_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kvm_probe_outcome {
	KVM_PROBE_UNTRIED, /* the processor does not have the instruction, or we did not get there
			    */
	KVM_PROBE_RUNNING, /* started; whoever finds this afterwards knows where the prober died */
	KVM_PROBE_OK,
	KVM_PROBE_WRONG,   /* it ran on, but computed something else */
	KVM_PROBE_EXIT,    /* an exit that should not be; see exit_reason */
	KVM_PROBE_TIMEOUT, /* no exit within the time limit */
	KVM_PROBE_ERROR,   /* the VM could not be set up, or KVM_RUN failed; see error */
};

struct kvm_probe_case {
	const char *name; /* static text: the instruction, such as "cmpxchg16b" */
	enum kvm_probe_outcome outcome;
	int error;            /* errno, KVM_PROBE_ERROR */
	uint32_t exit_reason; /* KVM_EXIT_*, KVM_PROBE_EXIT */
	uint32_t suberror;    /* KVM_INTERNAL_ERROR_*, the low half of a hardware reason, or a wrong
				 result */
};

struct kvm_probe_cap {
	const char *name; /* static text, such as "KVM_CAP_IRQFD" */
	const char *why;  /* static text: what it is needed for */
	bool required;    /* no partition runs without it; arch_required_caps */
	int value;        /* of KVM_CHECK_EXTENSION; 0: missing */
};

/* What this KVM is beside its capabilities. */
struct kvm_probe_trait {
	const char *name; /* static text, such as "interrupt controller" */
	const char *why;  /* static text: what it is needed for */
	bool there;       /* as well as one could wish */
	char found[64];   /* "GICv3, GICv2" */
};

/* The KVM API that this program was built for: KVM_API_VERSION. */
#define KVM_PROBE_API_VERSION 12

#define KVM_PROBE_CASES_MAX  64
#define KVM_PROBE_CAPS_MAX   48
#define KVM_PROBE_TRAITS_MAX 8

/* Plain data: may be filled in by a forked child in shared memory. */
struct kvm_probe_report {
	int api_version;
	int create_error; /* errno of KVM_CREATE_VM; 0 */

	struct kvm_probe_cap caps[KVM_PROBE_CAPS_MAX];
	unsigned cap_count;
	struct kvm_probe_trait traits[KVM_PROBE_TRAITS_MAX];
	unsigned trait_count;
	/* cases[0] is the smallest guest there is: when it fails, nothing runs. */
	struct kvm_probe_case cases[KVM_PROBE_CASES_MAX];
	unsigned case_count;

	/* Guests see other CPUID bits than KVM was told to show. */
	bool cpuid_changed;

	/* Hints, 0 when not measured. */
	uint64_t exit_ns;                 /* one exit to user space and back */
	uint64_t instructions_per_second; /* of a small loop in the mode a kernel runs in */
};

/*
 * Probes the KVM that KVM_FD is open on and fills *REPORT as it goes, so that what is there is
 * valid at any moment. Blocks SIGALRM in the calling thread meanwhile and takes at most
 * KVM_PROBE_CASE_MS per guest. 0, or a negative errno when not even the first VM could be made.
 */
#define KVM_PROBE_CASE_MS 500
int kvm_probe(int kvm_fd, struct kvm_probe_report *report);

/* What the case ends in, in words: "KVM_EXIT_INTERNAL_ERROR (emulation)". Returns BUF. */
char *kvm_probe_describe(const struct kvm_probe_case *c, char *buf, size_t size);

/* True when the case failed because KVM's instruction emulator does not know the instruction. */
bool kvm_probe_is_emulation_failure(const struct kvm_probe_case *c);

/* ---- the architecture's part ---- */

/* Guest-physical memory of a probe guest: bytes from address 0 on. */
#define PROBE_MEMORY (128 * 1024)

/* What a guest reports when its processor does not have the instruction. */
#define PROBE_ABSENT 0x0ab5e700

/* A VM for one guest. */
struct probe_vm {
	int kvm_fd;
	int vm_fd;
	int vcpu_fd;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *memory; /* PROBE_MEMORY bytes */
};

struct probe_guest {
	const char *name;
	const uint8_t *code, *code_end;
	const uint8_t *handler; /* inside the code: where every exception goes; NULL: nowhere */
	unsigned mode;          /* the architecture's own */
	uint32_t result;        /* what it must report */
};

struct arch_probe_cap {
	unsigned cap; /* KVM_CAP_* */
	const char *name;
	const char *why;
};

extern const struct probe_guest arch_probe_guests[];
extern const unsigned arch_probe_guest_count;
extern const struct arch_probe_cap arch_probe_caps[];
extern const unsigned arch_probe_cap_count;

/* Fills in what there is to tell, and returns how many there are. */
unsigned arch_probe_traits(int kvm_fd, struct kvm_probe_trait ret_traits[KVM_PROBE_TRAITS_MAX]);

/* Whether KVM keeps a vCPU's CPUID as it is set; true also when that cannot be found out. */
bool arch_probe_cpuid_kept(int kvm_fd);

/* Endless exits of the cheapest kind; and a loop of ITERATIONS in the mode a kernel runs in. */
extern const struct probe_guest arch_probe_exit_guest;
extern const struct probe_guest arch_probe_loop_guest;
#define ARCH_PROBE_LOOP_INSTRUCTIONS 2 /* of one iteration */

/* What VM needs before its vCPU. 0 or a negative errno. */
int arch_probe_prepare(struct probe_vm *vm);

/*
 * Puts GUEST into the memory of VM and its registers to where it starts; ARGUMENT is the guest's,
 * if it takes one. 0 or a negative errno.
 */
int arch_probe_enter(struct probe_vm *vm, const struct probe_guest *guest, uint64_t argument);

/* True when the exit VM has just made is a guest's report; the value in *RET_RESULT. */
bool arch_probe_result(const struct probe_vm *vm, uint32_t *ret_result);

#endif
