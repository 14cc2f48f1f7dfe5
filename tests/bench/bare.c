/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/bare.h"

#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE      (128ul << 20)
#define CPUID_ENTRIES 256
#define PORT_COM1     0x3F8
#define PORT_EXIT     0xF4

long bare_call(int fd, unsigned long request, void *arg, const char *what)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		err(EXIT_FAILURE, "%s", what);
	return ret;
}

/* Copies the segments of the ELF32 file PATH to RAM. Its entry. */
static uint32_t load(const char *path, uint8_t *ram)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf32_Phdr ph;
	Elf32_Ehdr eh;

	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		err(EXIT_FAILURE, "%s", path);
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		if (pread(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)) != sizeof(ph))
			err(EXIT_FAILURE, "%s", path);
		if (ph.p_type == PT_LOAD &&
			pread(fd, ram + ph.p_paddr, ph.p_filesz, ph.p_offset) != ph.p_filesz)
			err(EXIT_FAILURE, "%s", path);
	}
	close(fd);
	return eh.e_entry;
}

static int create_vm(int kvm, uint8_t *ram)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = RAM_SIZE, .userspace_addr = (uintptr_t)ram};
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	int vm = (int)bare_call(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");

	bare_call(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
	bare_call(vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
	bare_call(vm, KVM_CREATE_PIT2, &pit, "KVM_CREATE_PIT2");
	return vm;
}

/* What every guest but a few bytes of assembly needs: the processor that KVM offers. */
static void set_cpuid(int kvm, int vcpu)
{
	size_t size = sizeof(struct kvm_cpuid2) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2);
	struct kvm_cpuid2 *cpuid = calloc(1, size);

	if (!cpuid)
		err(EXIT_FAILURE, "memory");
	cpuid->nent = CPUID_ENTRIES;
	bare_call(kvm, KVM_GET_SUPPORTED_CPUID, cpuid, "KVM_GET_SUPPORTED_CPUID");
	bare_call(vcpu, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2");
	free(cpuid);
}

static void enter(int vcpu, uint32_t entry, uint32_t ebx)
{
	struct kvm_segment flat = {.limit = 0xFFFFFFFF,
		.selector = 0x10,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1};
	struct kvm_regs regs = {.rip = entry, .rax = 0x2BADB002, .rbx = ebx, .rflags = 2};
	struct kvm_sregs sregs;

	bare_call(vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.cr0 = 0x31; /* PE, ET, NE */
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.cs = flat;
	sregs.cs.type = 0xB;
	sregs.cs.selector = 8;
	bare_call(vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
	bare_call(vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

void bare_create(int kvm, const char *image, uint32_t ebx, struct bare *ret_bare)
{
	uint8_t *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct bare b;

	if (ram == MAP_FAILED)
		err(EXIT_FAILURE, "memory");
	b.vm = create_vm(kvm, ram);
	b.vcpu = (int)bare_call(b.vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	b.run = mmap(NULL,
		(size_t)bare_call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE"),
		PROT_READ | PROT_WRITE, MAP_SHARED, b.vcpu, 0);
	if (b.run == MAP_FAILED)
		err(EXIT_FAILURE, "struct kvm_run");
	set_cpuid(kvm, b.vcpu);
	enter(b.vcpu, load(image, ram), ebx);
	*ret_bare = b;
}

unsigned long bare_run(const struct bare *b)
{
	const struct kvm_run *state = b->run;

	for (unsigned long exits = 1;; exits++) {
		bare_call(b->vcpu, KVM_RUN, NULL, "KVM_RUN");
		if (state->exit_reason != KVM_EXIT_IO)
			errx(EXIT_FAILURE, "KVM exit %u", state->exit_reason);
		switch (state->io.port) {
		case PORT_COM1:
			if (write(STDOUT_FILENO, (uint8_t *)state + state->io.data_offset, 1) != 1)
				err(EXIT_FAILURE, "standard output");
			break;
		case PORT_EXIT:
			return exits;
		}
	}
}
