/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The probe guests of x86: instructions that an ordinary 64-bit kernel executes in ring 0, each in
 * a guest of its own in long mode with paging [SDM 3A 9.8.5], and one guest in real mode. A guest
 * reports by a 4-byte write of EAX to REPORT_PORT.
 *
 * Left out: what only user space executes (AVX and the like), and what needs an interrupt.
 */
#include "vmm/probe.h"
#include "lib/util.h"
#include "vmm/x86/x86.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#define STR_(x) #x
#define STR(x)  STR_(x)

#define REPORT_PORT 0xe9
#define GOOD        0x600d

/* ---- where things are in a guest's memory ---- */

#define GPA_GDT     0x1000
#define GPA_IDT     0x2000
#define GPA_PML4    0x3000
#define GPA_PDPT    0x4000
#define GPA_PD      0x5000
#define GPA_TSS     0x6000
#define GPA_CODE    0x8000 /* CODE_MAX bytes */
#define GPA_SCRATCH 0xa000 /* zeroed; 4 KiB, the guest's to use */
#define GPA_STACK   0x10000

#define CODE_MAX 0x1000
#define TSS_ADDR 0xfffbd000 /* KVM's, see KVM_SET_TSS_ADDR */

#define IOAPIC_PINS 24

/* Selectors, in the order that SYSCALL and SYSRET want [SDM 3A 5.8.8]. */
#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS  0x30

static const uint64_t gdt[] = {
	0,
	0x00af9b000000ffff, /* SEL_CODE: 64-bit, ring 0 */
	0x00cf93000000ffff, /* SEL_DATA: ring 0 */
	0x00cffb000000ffff, /* 0x18: 32-bit code, ring 3; SYSRET counts from here */
	0x00cff3000000ffff, /* 0x20: data, ring 3 */
	0x00affb000000ffff, /* 0x28: 64-bit code, ring 3 */
	0x0000890060000067, /* SEL_TSS: an available 64-bit TSS at GPA_TSS, two entries long */
	0,
};

/* ---- the guests ---- */

enum mode { REAL_MODE, LONG_MODE };

/*
 * Assembles BODY into read-only data as code_NAME. At its start RDI points to the scratch page,
 * RSP to the stack's end, RSI is the argument, and the other general registers are 0.
 */
#define ASSEMBLE(name, bits, body)                                                                 \
	extern const uint8_t code_##name[], code_##name##_end[];                                   \
	__asm__(".pushsection .rodata\n.code" #bits "\ncode_" #name ":\n" body "\ncode_" #name     \
		"_end:\n.code64\n.popsection\n")

#define REPORT        "out %eax, $" STR(REPORT_PORT) "\n9: hlt\njmp 9b\n"
#define REPORT_ABSENT "mov $" STR(PROBE_ABSENT) ", %eax\n" REPORT
#define REPORT_GOOD   "mov $" STR(GOOD) ", %eax\n" REPORT

/* BODY leaves the value to report in EAX; or any value, with WORKS. */
#define VALUE(name, body) ASSEMBLE(name, 64, body "\n" REPORT)
#define WORKS(name, body) ASSEMBLE(name, 64, body "\n" REPORT_GOOD)

/*
 * To be put before a body: looks into CPUID as a kernel does, because what the guest sees there
 * counts, which is not always what KVM was told to show. Without the feature the guest reports so.
 */
#define NEEDS(leaf, subleaf, reg, bit)                                                             \
	"mov $" #leaf ", %eax\nmov $" #subleaf ", %ecx\ncpuid\nbt $" #bit ", %" #reg               \
	"\njc 5f\n" REPORT_ABSENT                                                                  \
	"5: xor %eax, %eax\nxor %ebx, %ebx\nxor %ecx, %ecx\nxor %edx, %edx\n"
#define SET_CR4(bits) "mov %cr4, %rax\nor $" #bits ", %eax\nmov %rax, %cr4\nxor %eax, %eax\n"
#define NEEDS_XSAVE   NEEDS(1, 0, ecx, 26) SET_CR4(0x40000) /* OSXSAVE */
#define NEEDS_XSAVES  NEEDS(0xd, 1, eax, 3) SET_CR4(0x40000)

/* BODY raises an exception; HANDLER gets it and leaves a value in EAX. */
#define RAISES(name, body, handler)                                                                \
	extern const uint8_t handler_##name[];                                                     \
	ASSEMBLE(name, 64,                                                                         \
		body "\nmov $0xbad, %eax\n" REPORT "handler_" #name ":\n" handler "\n" REPORT)

ASSEMBLE(real_mode, 16, REPORT_GOOD);
ASSEMBLE(exits, 16, "1: out %al, $0x80\njmp 1b");
VALUE(loop, "1: dec %esi\njnz 1b\nmov %esi, %eax");
WORKS(long_mode, "nopl (%rax)");

/* Interrupts and exceptions, changes of ring and segment. */
RAISES(int3, "int3", "mov $" STR(GOOD) ", %eax");
RAISES(ud2, "ud2", "mov $" STR(GOOD) ", %eax");
RAISES(page_fault, "mov $0x7ffff000, %eax\nmov (%rax), %ebx", "mov %cr2, %rax");
WORKS(iretq, "mov %rsp, %rcx\nmov %ss, %eax\npush %rax\npush %rcx\npushfq\nmov %cs, %eax\n"
	     "push %rax\nlea 1f(%rip), %rax\npush %rax\niretq\n1:");
RAISES(iretq_back, "ud2\nmov $" STR(GOOD) ", %eax\n" REPORT, "addq $2, (%rsp)\niretq");
WORKS(lretq, "mov %cs, %eax\npush %rax\nlea 1f(%rip), %rax\npush %rax\nlretq\n1:");
/* STAR, LSTAR, SFMASK; to ring 3 and back. */
WORKS(sysretq, "mov $0xc0000081, %ecx\nmov $0x180008, %edx\nwrmsr\n"
	       "inc %ecx\nlea 2f(%rip), %rax\nxor %edx, %edx\nwrmsr\n"
	       "mov $0xc0000084, %ecx\nxor %eax, %eax\nwrmsr\n"
	       "lea 1f(%rip), %rcx\nmov $2, %r11d\nsysretq\n1: syscall\n2:");
VALUE(swapgs, "mov $0xc0000102, %ecx\nmov $0x1234, %eax\nwrmsr\nswapgs\n"
	      "dec %ecx\nrdmsr");
WORKS(mov_ss, "mov %ss, %eax\nmov %eax, %ss\nmov %eax, %ds");
VALUE(popfq, "push $0x202\npopfq\ncli\npushfq\npop %rax"); /* bit 1 is always set */

/* System registers and tables. */
VALUE(rdmsr, "mov $0xc0000080, %ecx\nrdmsr\nand $0x500, %eax"); /* EFER.LMA, LME */
VALUE(wrmsr, "mov $0xc0000102, %ecx\nmov $0x5678, %eax\nwrmsr\nxor %eax, %eax\nrdmsr");
WORKS(mov_cr0, "mov %cr0, %rax\nmov %rax, %cr0\nclts");
WORKS(mov_cr3, "mov %cr3, %rax\nmov %rax, %cr3");
WORKS(mov_cr4, "mov %cr4, %rax\nor $0x80, %eax\nmov %rax, %cr4"); /* PGE */
WORKS(mov_cr8, "mov %cr8, %rax\nmov %rax, %cr8");
WORKS(mov_dr7, "mov %dr7, %rax\nmov %rax, %dr7");
WORKS(lgdt, "sgdt (%rdi)\nlgdt (%rdi)");
WORKS(lidt, "sidt (%rdi)\nlidt (%rdi)");
WORKS(ltr, "mov $" STR(SEL_TSS) ", %eax\nltr %ax");
WORKS(lldt, "lldt %ax");
WORKS(invlpg, "invlpg (%rdi)");
WORKS(invpcid, NEEDS(7, 0, ebx, 10) "mov $2, %eax\ninvpcid (%rdi), %rax");
WORKS(wbinvd, "wbinvd");
WORKS(cpuid, "cpuid");
WORKS(rdtsc, "rdtsc");
WORKS(rdtscp, NEEDS(0x80000001, 0, edx, 27) "rdtscp");
WORKS(clac, NEEDS(7, 0, ebx, 20) "stac\nclac");
VALUE(wrgsbase, NEEDS(7, 0, ebx, 0) SET_CR4(0x10000) "mov $0x4321, %ecx\n"
						     "wrgsbase %rcx\nrdgsbase %rax");
WORKS(verw, "movw $" STR(SEL_DATA) ", (%rdi)\nverw (%rdi)");

/* Floating-point and vector state, as a context switch saves and restores it. */
WORKS(fninit, "fninit\nfnstcw (%rdi)");
WORKS(fxsave64, NEEDS(1, 0, edx, 24) "fxsave64 (%rdi)");
WORKS(fxrstor64, NEEDS(1, 0, edx, 24) "fxrstor64 (%rdi)");
WORKS(xsetbv, NEEDS_XSAVE "xgetbv\nxsetbv");
WORKS(xsave64, NEEDS_XSAVE "mov $3, %eax\nxsave64 (%rdi)");
WORKS(xrstor64, NEEDS_XSAVE "mov $3, %eax\nxrstor64 (%rdi)");
WORKS(xsaves64, NEEDS_XSAVES "mov $3, %eax\nxsaves64 (%rdi)");
/* XCOMP_BV bit 63: the compacted form, the only one that it takes. */
WORKS(xrstors64, NEEDS_XSAVES "movb $0x80, 527(%rdi)\nmov $3, %eax\nxrstors64 (%rdi)");
WORKS(ldmxcsr, "movl $0x1f80, (%rdi)\nldmxcsr (%rdi)");
VALUE(stmxcsr, "stmxcsr (%rdi)\nmov (%rdi), %eax");
VALUE(movups, "movl $0x1111, 4(%rdi)\nmovups (%rdi), %xmm0\nmovups %xmm0, 16(%rdi)\n"
	      "mov 20(%rdi), %eax");

/* Atomics, strings, bits, caches. */
VALUE(cmpxchg, "mov $0x77, %ecx\nlock cmpxchg %ecx, (%rdi)\nmov (%rdi), %eax");
VALUE(cmpxchg8b, "mov $0x78, %ebx\nlock cmpxchg8b (%rdi)\nmov (%rdi), %eax");
VALUE(cmpxchg16b, NEEDS(1, 0, ecx, 13) "mov $0x79, %ebx\nlock cmpxchg16b (%rdi)\nmov (%rdi), %eax");
VALUE(xadd, "mov $5, %eax\nlock xadd %eax, (%rdi)\nlock incl (%rdi)\nmov (%rdi), %eax");
VALUE(xchg, "mov $9, %ecx\nxchg %ecx, (%rdi)\nmov (%rdi), %eax");
VALUE(bts, "lock btsl $4, (%rdi)\nmov (%rdi), %eax");
VALUE(rep_stosq, "mov %rdi, %rdx\nmov $0x33, %eax\nmov $64, %ecx\nrep stosq\nmov 504(%rdx), %eax");
VALUE(rep_movsb, "movb $0x44, 255(%rdi)\nmov %rdi, %rsi\nlea 256(%rdi), %rdi\nmov %rdi, %rdx\n"
		 "mov $256, %ecx\nrep movsb\nmovzbl 255(%rdx), %eax");
VALUE(movnti, "mov $0x55, %ecx\nmovnti %ecx, (%rdi)\nmfence\nmov (%rdi), %eax");
VALUE(crc32, NEEDS(1, 0, ecx, 20) "mov $1, %ecx\ncrc32l %ecx, %eax");
VALUE(popcnt, NEEDS(1, 0, ecx, 23) "mov $0xff, %ecx\npopcnt %ecx, %eax");
VALUE(tzcnt, NEEDS(7, 0, ebx, 3) "mov $0x100, %ecx\ntzcnt %ecx, %eax");
VALUE(lzcnt, NEEDS(0x80000001, 0, ecx, 5) "mov $0x100, %ecx\nlzcnt %ecx, %eax");
VALUE(movbe, NEEDS(1, 0, ecx, 22) "movl $0x12345678, (%rdi)\nmovbe (%rdi), %eax");
WORKS(rdrand, NEEDS(1, 0, ecx, 30) "rdrand %eax");
WORKS(clflush, NEEDS(1, 0, edx, 19) "clflush (%rdi)\nlfence");

#define GUEST(label, name, value)                                                                  \
	{                                                                                          \
		label, code_##name, code_##name##_end, NULL, LONG_MODE, value                      \
	}
#define WORKING(name)      GUEST(#name, name, GOOD)
#define COMPUTING(name, v) GUEST(#name, name, v)
#define RAISING(label, name, v)                                                                    \
	{                                                                                          \
		label, code_##name, code_##name##_end, handler_##name, LONG_MODE, v                \
	}

const struct probe_guest arch_probe_guests[] = {
	{"real mode", code_real_mode, code_real_mode_end, NULL, REAL_MODE, GOOD},
	GUEST("long mode", long_mode, GOOD),
	WORKING(cpuid),
	COMPUTING(rdmsr, 0x500),
	COMPUTING(wrmsr, 0x5678),
	GUEST("mov to cr0", mov_cr0, GOOD),
	GUEST("mov to cr3", mov_cr3, GOOD),
	GUEST("mov to cr4", mov_cr4, GOOD),
	GUEST("mov to cr8", mov_cr8, GOOD),
	GUEST("mov to dr7", mov_dr7, GOOD),
	GUEST("mov to ss", mov_ss, GOOD),
	WORKING(lgdt),
	WORKING(lidt),
	WORKING(lldt),
	WORKING(ltr),
	WORKING(lretq),
	WORKING(iretq),
	RAISING("iretq from a handler", iretq_back, GOOD),
	RAISING("int3", int3, GOOD),
	RAISING("ud2", ud2, GOOD),
	RAISING("page fault", page_fault, 0x7ffff000),
	WORKING(sysretq),
	COMPUTING(swapgs, 0x1234),
	COMPUTING(popfq, 2),
	WORKING(invlpg),
	WORKING(invpcid),
	WORKING(wbinvd),
	WORKING(rdtsc),
	WORKING(rdtscp),
	WORKING(clac),
	COMPUTING(wrgsbase, 0x4321),
	WORKING(verw),
	WORKING(fninit),
	WORKING(fxsave64),
	WORKING(fxrstor64),
	WORKING(xsetbv),
	WORKING(xsave64),
	WORKING(xrstor64),
	WORKING(xsaves64),
	WORKING(xrstors64),
	WORKING(ldmxcsr),
	COMPUTING(stmxcsr, 0x1f80),
	COMPUTING(movups, 0x1111),
	COMPUTING(cmpxchg, 0x77),
	COMPUTING(cmpxchg8b, 0x78),
	COMPUTING(cmpxchg16b, 0x79),
	COMPUTING(xadd, 6),
	COMPUTING(xchg, 9),
	COMPUTING(bts, 0x10),
	GUEST("rep stosq", rep_stosq, 0x33),
	GUEST("rep movsb", rep_movsb, 0x44),
	COMPUTING(movnti, 0x55),
	COMPUTING(crc32, 0xdd45aab8),
	COMPUTING(popcnt, 8),
	COMPUTING(tzcnt, 8),
	COMPUTING(lzcnt, 23),
	COMPUTING(movbe, 0x78563412),
	WORKING(rdrand),
	WORKING(clflush),
};
const unsigned arch_probe_guest_count = ARRAY_SIZE(arch_probe_guests);

const struct probe_guest arch_probe_exit_guest = {
	"exits", code_exits, code_exits_end, NULL, REAL_MODE, 0};
const struct probe_guest arch_probe_loop_guest = GUEST("loop", loop, 0);

const struct arch_probe_cap arch_probe_caps[] = {
#define CAP(name) name, #name
	{CAP(KVM_CAP_SET_TSS_ADDR), "real mode on Intel processors"},
	{CAP(KVM_CAP_EXT_CPUID), "the guest's processor features"},
	{CAP(KVM_CAP_IRQ_ROUTING), "interrupt lines wired as on a PC"},
	{CAP(KVM_CAP_PIT2), "the legacy timer, which kernels calibrate their clocks by"},
	{CAP(KVM_CAP_TSC_DEADLINE_TIMER), "precise timers at a low price"},
	{CAP(KVM_CAP_X86_USER_SPACE_MSR), "a say in which MSRs a guest may use"},
	{CAP(KVM_CAP_SPLIT_IRQCHIP), "the fusa contract: local APICs without an IOAPIC"},
	{CAP(KVM_CAP_X86_MSR_FILTER), "the fusa contract: #GP on MSRs that are not on its list"},
};
const unsigned arch_probe_cap_count = ARRAY_SIZE(arch_probe_caps);

/* ---- into the guest ---- */

#define CPUID_ENTRIES 256

#define LEAF1_EDX_APIC (1u << 9)

/* What the host's KVM offers its guests; NULL with errno set. */
static struct kvm_cpuid2 *cpuid_supported(int kvm_fd)
{
	AUTO_FREE struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	struct kvm_cpuid2 *ret;

	if (!cpuid)
		return NULL;
	cpuid->nent = CPUID_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
		return NULL;
	ret = cpuid;
	cpuid = NULL;
	return ret;
}

/* Leaf 1 of CPUID, or NULL. */
static struct kvm_cpuid_entry2 *leaf_1(struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 1)
			return &cpuid->entries[i];
	}
	return NULL;
}

/* Some KVMs have bits of leaf 1 that are always 1: told that all of EDX is 0, they say which. */
bool arch_probe_cpuid_kept(int kvm_fd)
{
	AUTO_FREE struct kvm_cpuid2 *cpuid = cpuid_supported(kvm_fd);
	AUTO_CLOSE int vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	AUTO_CLOSE int vcpu_fd = vm_fd < 0 ? -1 : ioctl(vm_fd, KVM_CREATE_VCPU, 0);
	struct kvm_cpuid_entry2 *leaf = cpuid ? leaf_1(cpuid) : NULL;

	if (vcpu_fd < 0 || !leaf)
		return true;
	leaf->edx = 0;
	if (ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		return true;
	cpuid->nent = CPUID_ENTRIES;
	if (ioctl(vcpu_fd, KVM_GET_CPUID2, cpuid) < 0)
		return true;
	leaf = leaf_1(cpuid);
	/* The APIC's bit follows IA32_APIC_BASE. */
	return !leaf || !(leaf->edx & ~LEAF1_EDX_APIC);
}

unsigned arch_probe_traits(int kvm_fd, struct kvm_probe_trait ret_traits[KVM_PROBE_TRAITS_MAX])
{
	AUTO_FREE struct kvm_cpuid2 *cpuid = cpuid_supported(kvm_fd);
	enum nesting nesting = cpuid ? nesting_of(cpuid) : NESTING_NONE;

	ret_traits[0] = (struct kvm_probe_trait){.name = "nested virtualization",
		.why = "guests that are hypervisors themselves (nested)",
		.there = nesting != NESTING_NONE};
	snprintf(ret_traits[0].found, sizeof(ret_traits[0].found), "%s",
		nesting == NESTING_VMX   ? "VMX"
		: nesting == NESTING_SVM ? "SVM"
					 : "not offered to guests");
	return 1;
}

static void put_u64(struct probe_vm *vm, uint64_t gpa, uint64_t value)
{
	memcpy(vm->memory + gpa, &value, sizeof(value));
}

/* GDT, IDT, TSS, and the first 2 MiB mapped to themselves for ring 3 too [SDM 3A 4.5.4]. */
static void fill_tables(struct probe_vm *vm, const struct probe_guest *guest)
{
	enum { PRESENT = 1, WRITABLE = 2, USER = 4, LARGE = 0x80, VECTORS = 32 };

	memcpy(vm->memory + GPA_GDT, gdt, sizeof(gdt));
	put_u64(vm, GPA_PML4, GPA_PDPT | PRESENT | WRITABLE | USER);
	put_u64(vm, GPA_PDPT, GPA_PD | PRESENT | WRITABLE | USER);
	put_u64(vm, GPA_PD, 0 | PRESENT | WRITABLE | USER | LARGE);
	for (unsigned i = 0; guest->handler && i < VECTORS; i++) {
		uint64_t at = GPA_CODE + (uint64_t)(guest->handler - guest->code);

		/* A 64-bit interrupt gate, reachable from ring 3 [SDM 3A 6.14.1]. */
		put_u64(vm, GPA_IDT + i * 16,
			(at & 0xffff) | SEL_CODE << 16 | 0xee00ULL << 32 | (at >> 16) << 48);
	}
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.db = !code,
		.l = code,
		.g = 1};
}

static void set_long_mode(struct kvm_sregs *s, bool handler)
{
	enum {
		CR0 = 0x80050033, /* PG AM WP NE ET MP PE */
		CR4 = 0x620,      /* OSXMMEXCPT OSFXSR PAE */
		EFER = 0x501,     /* LMA LME SCE */
	};

	s->cs = flat_segment(SEL_CODE, 0xb, true);
	s->ds = s->es = s->fs = s->gs = s->ss = flat_segment(SEL_DATA, 3, false);
	s->gdt.base = GPA_GDT;
	s->gdt.limit = sizeof(gdt) - 1;
	s->idt.base = GPA_IDT;
	s->idt.limit = handler ? 0xfff : 0;
	s->cr0 = CR0;
	s->cr3 = GPA_PML4;
	s->cr4 = CR4;
	s->efer = EFER;
}

/*
 * A local APIC that no guest here uses: for a vCPU without one KVM patches the host's kernel, at
 * the first and again after the last of them, which disturbs every core. A whole irqchip would do
 * as well, but takes ten times as long to make.
 */
int arch_probe_prepare(struct probe_vm *vm)
{
	struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {IOAPIC_PINS}};

	return ioctl(vm->vm_fd, KVM_ENABLE_CAP, &split) < 0 ? -errno : 0;
}

int arch_probe_enter(struct probe_vm *vm, const struct probe_guest *guest, uint64_t argument)
{
	struct kvm_regs regs = {.rip = GPA_CODE,
		.rflags = 2,
		.rdi = GPA_SCRATCH,
		.rsi = argument,
		.rsp = GPA_STACK};
	AUTO_FREE struct kvm_cpuid2 *cpuid = cpuid_supported(vm->kvm_fd);
	size_t code_size = (size_t)(guest->code_end - guest->code);
	struct kvm_sregs sregs;

	if (!cpuid)
		return -errno;
	if (code_size > CODE_MAX)
		return -E2BIG;
	memcpy(vm->memory + GPA_CODE, guest->code, code_size);
	/* Real mode on Intel processors needs three pages that the guest does not use. */
	if (ioctl(vm->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDR) < 0 ||
		ioctl(vm->vcpu_fd, KVM_SET_CPUID2, cpuid) < 0 ||
		ioctl(vm->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	if (guest->mode == LONG_MODE) {
		fill_tables(vm, guest);
		set_long_mode(&sregs, guest->handler != NULL);
	} else {
		sregs.cs.base = 0;
		sregs.cs.selector = 0;
	}
	if (ioctl(vm->vcpu_fd, KVM_SET_SREGS, &sregs) < 0 ||
		ioctl(vm->vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

bool arch_probe_result(const struct probe_vm *vm, uint32_t *ret_result)
{
	const struct kvm_run *run = vm->run;

	if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT ||
		run->io.port != REPORT_PORT || run->io.size != sizeof(*ret_result) ||
		run->io.data_offset > vm->run_size - sizeof(*ret_result))
		return false;
	memcpy(ret_result, (const uint8_t *)run + run->io.data_offset, sizeof(*ret_result));
	return true;
}
