/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The least that runs a guest on KVM with what our x86 machine has of KVM's own: its interrupt
 * controllers and PIT, one memory slot, one vCPU with the CPUID that KVM offers, in protected mode.
 * No isolation, no checks of the image: a measure, not a monitor. What fails ends the program.
 */
#ifndef TESTS_BENCH_BARE_H
#define TESTS_BENCH_BARE_H

#include <linux/kvm.h>
#include <stdint.h>

struct bare {
	int vm, vcpu;
	struct kvm_run *run;
};

/* ioctl; WHAT is for the message. */
long bare_call(int fd, unsigned long request, void *arg, const char *what);

/* A VM with the ELF32 file IMAGE in its memory, which finds EBX in that register. */
void bare_create(int kvm, const char *image, uint32_t ebx, struct bare *ret_bare);

/*
 * Runs it until the guest writes to the exit port; COM1 goes to standard output. The exits to user
 * space that this took.
 */
unsigned long bare_run(const struct bare *b);

#endif
