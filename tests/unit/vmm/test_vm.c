/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VM on this host's /dev/kvm, with a few instructions of 32-bit code as its guest: what policies
 * do, parking, pausing, faults from elsewhere. Without KVM there is nothing to hold.
 */
#include "vmm/vm.h"

#include "devices/debug_exit.h"
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define GPA_IDTR 0x1000
#define GPA_GDT  0x1800
#define GPA_IDT  0x2000
#define GPA_DATA 0x4000 /* one page; the guest's EDI */
#define GPA_CODE 0x100000
#define NOWHERE  0x90000000
#define MAPPING  0xA0000000

#define SEL_CODE 0x08
#define SEL_DATA 0x10

#define WAIT_MS 5000

/*
 * Assembles 32-bit code into read-only data. It starts with EBX = NOWHERE, EDI = GPA_DATA and its
 * #GP handler in place, which ends the VM with the address of the instruction at fault.
 */
#define GUEST(name, body)                                                                          \
	extern const uint8_t code_##name[], code_##name##_end[], at_##name[], gp_##name[];         \
	__asm__(".pushsection .rodata\n.code32\ncode_" #name ":\n"                                 \
		"lidt 0x1000\nmov $0x90000000, %ebx\nmov $0x4000, %edi\nmov $0x8000, %esp\n" body  \
		"\nmov $1, %eax\nout %eax, $0xf4\n9: hlt\njmp 9b\n"                                \
		"gp_" #name ": pop %eax\npop %eax\nout %eax, $0xf4\n8: hlt\njmp 8b\n"              \
		"code_" #name "_end:\n.code64\n.popsection\n")

/* The instruction that makes the access, of which `at_` is the address. */
#define AT(name, insn) "\nat_" #name ": " insn "\n"

GUEST(in_imm, AT(in_imm, "in $0x99, %al"));
GUEST(in_dx, "mov $0x1234, %edx" AT(in_dx, "in %dx, %eax"));
GUEST(out_imm, AT(out_imm, "out %eax, $0x99"));
GUEST(out_dx, "mov $0x1234, %edx" AT(out_dx, "out %al, %dx"));
GUEST(out_dx16, "mov $0x1234, %edx" AT(out_dx16, "out %ax, %dx"));
GUEST(outs, "mov $0x1234, %edx\nmov %edi, %esi" AT(outs, "outsl"));
GUEST(rep_outs, "mov $0x1234, %edx\nmov %edi, %esi\nmov $5, %ecx" AT(rep_outs, "rep outsb"));
GUEST(ins, "mov $0x1234, %edx" AT(ins, "insl"));
GUEST(rep_ins, "mov $0x1234, %edx\nmov $7, %ecx" AT(rep_ins, "rep insw"));
GUEST(load, AT(load, "mov (%ebx), %eax"));
GUEST(load_disp, AT(load_disp, "movzbl 0x1000(%ebx), %eax"));
GUEST(store, AT(store, "mov %eax, (%ebx)"));
GUEST(store8, AT(store8, "mov %al, 0x10(%ebx)"));
GUEST(store16, AT(store16, "mov %ax, 0x1000(%ebx,%edi,4)"));
GUEST(store_imm, AT(store_imm, "movl $0x12345678, 0x20(%ebx)"));
GUEST(store_imm8, AT(store_imm8, "movb $0x5a, (%ebx,%ecx,2)"));
GUEST(store_abs, AT(store_abs, "mov %eax, 0x90000040"));
GUEST(stos, "mov %ebx, %edi" AT(stos, "stosl"));
GUEST(rep_stos, "mov %ebx, %edi\nmov $3, %ecx" AT(rep_stos, "rep stosl"));
GUEST(rep_stos_1, "mov %ebx, %edi\nmov $1, %ecx" AT(rep_stos_1, "rep stosl"));
GUEST(rep_outs_1, "mov $0x1234, %edx\nmov $1, %ecx" AT(rep_outs_1, "rep outsw"));
GUEST(movs, "mov %edi, %esi\nmov %ebx, %edi" AT(movs, "movsl"));
GUEST(movs_from, "mov %ebx, %esi" AT(movs_from, "movsl"));
GUEST(add_to, AT(add_to, "addl $1, (%ebx)"));
GUEST(xchg, AT(xchg, "xchg %eax, (%ebx)"));
GUEST(push_mem, AT(push_mem, "pushl (%ebx)"));
GUEST(store_again, "mov %eax, 0x1f8(%edi)" AT(store_again, "mov %eax, 0x20(%ebx)"));

static const struct violator {
	const char *name;
	const uint8_t *code, *end, *at, *gp;
} violators[] = {
#define V(name)                                                                                    \
	{                                                                                          \
#name, code_##name, code_##name##_end, at_##name, gp_##name                        \
	}
	V(in_imm), V(in_dx), V(out_imm), V(out_dx), V(out_dx16), V(outs), V(rep_outs), V(ins),
	V(rep_ins), V(load), V(load_disp), V(store), V(store8), V(store16), V(store_imm),
	V(store_imm8), V(store_abs), V(stos), V(rep_stos), V(rep_stos_1), V(rep_outs_1), V(movs),
	V(movs_from), V(add_to), V(xchg), V(push_mem), V(store_again)};

/* ---- fixture ---- */

static struct {
	int kvm_fd;
	struct machine m;
	struct vm_memory memory;
	struct vm *vm;
	_Atomic unsigned fatal_calls, fatal_vcpu;
	_Atomic uint64_t fatal_ns;
} fx;

static void setup(void)
{
	memset(&fx, 0, sizeof(fx));
	fx.memory.fd = -1;
	fx.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
}

static void teardown(void)
{
	vm_destroy(fx.vm);
	machine_fini(&fx.m);
	vm_memory_destroy(&fx.memory);
	fd_close(&fx.kvm_fd);
}

static void put(gpa_t at, const void *bytes, size_t size)
{
	ck_assert_int_eq(gmem_write(&fx.m.gmem, at, bytes, size), 0);
}

static void machine_make(unsigned vcpus)
{
	const char *what;

	ck_assert_int_eq(machine_init(&fx.m, GUEST_X86_64, 4 * MIB, vcpus), 0);
	ck_assert_int_eq(vm_memory_create(&fx.m, VM_PAGES_4K, false, &fx.memory, &what), 0);
	ck_assert_int_eq(debug_exit_create(&fx.m), 0);
}

/* Puts V's code and its tables into memory. */
static void load(const struct violator *v)
{
	static const uint64_t gdt[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff};
	const uint32_t handler = GPA_CODE + (uint32_t)(v->gp - v->code);
	const uint64_t gate = (handler & 0xffff) | SEL_CODE << 16 | 0x8e00ULL << 32 |
			      (uint64_t)(handler >> 16) << 48;
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr = {0x7ff, GPA_IDT};

	put(GPA_GDT, gdt, sizeof(gdt));
	put(GPA_IDTR, &idtr, sizeof(idtr));
	put(GPA_IDT + 13 * 8, &gate, sizeof(gate));
	put(GPA_CODE, v->code, (size_t)(v->end - v->code));
}

static void fatal(void *ctx, unsigned vcpu, uint64_t event_ns)
{
	ck_assert_ptr_eq(ctx, &fx);
	atomic_store(&fx.fatal_vcpu, vcpu);
	atomic_store(&fx.fatal_ns, event_ns);
	atomic_fetch_add(&fx.fatal_calls, 1);
}

static void start(enum vm_violation on_violation, enum vm_fatal on_fatal)
{
	const struct entry_state entry = {.mode = ENTRY_X86_PROTECTED,
		.pc = GPA_CODE,
		.x86 = {.cs = SEL_CODE, .ds = SEL_DATA, .gdt = GPA_GDT, .gdt_limit = 23}};
	const struct vm_policy policy = {
		.on_violation = on_violation, .on_fatal = on_fatal, .fatal = fatal, .ctx = &fx};
	cpu_set_t cores[4];
	const char *what;

	for (size_t i = 0; i < ARRAY_SIZE(cores); i++)
		sched_getaffinity(0, sizeof(cores[i]), &cores[i]);
	ck_assert_msg(vm_create(fx.kvm_fd, &fx.m, &fx.vm, &what) == 0, "%s: %m", what);
	vm_set_policy(fx.vm, &policy);
	ck_assert_msg(vm_start(fx.vm, &entry, cores, "test", &what) == 0, "%s: %m", what);
}

static const struct vm_end *wait_end(void)
{
	struct pollfd p = {.fd = fx.vm->end_fd, .events = POLLIN};

	poll(&p, 1, WAIT_MS);
	return vm_ended(fx.vm);
}

static uint32_t at(const struct violator *v)
{
	return GPA_CODE + (uint32_t)(v->at - v->code);
}

/* ---- tests ---- */

START_TEST(violations_are_injected)
{
	const struct violator *v = &violators[_i];
	const struct vm_end *end;

	if (fx.kvm_fd < 0)
		return;
	machine_make(1);
	load(v);
	start(VM_VIOLATION_INJECT, VM_FATAL_END);
	vm_release(fx.vm);
	end = wait_end();
	ck_assert_msg(end != NULL, "%s: no end", v->name);
	ck_assert_msg(end->kind == END_EXIT_CODE, "%s: %d %s", v->name, end->kind, end->report);
	ck_assert_msg(
		end->code == at(v), "%s: #GP at 0x%x, not at 0x%x", v->name, end->code, at(v));
	ck_assert_uint_eq(fx.fatal_calls, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/vm");
	TCase *tc = tcase_create("vm");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, violations_are_injected, 0, ARRAY_SIZE(violators));
	suite_add_tcase(s, tc);
	return s;
}
