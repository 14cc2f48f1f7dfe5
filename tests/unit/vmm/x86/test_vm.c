/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VM on this host's /dev/kvm, with a few instructions of 32-bit code as its guest: what policies
 * do, parking, pausing, faults from elsewhere. Without KVM there is nothing to hold.
 */
#include "vmm/ahead.h"
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
#include <sys/resource.h>

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

/* Counts at EDI for ever. */
GUEST(count, AT(count, "incl (%edi)\njmp at_count"));
GUEST(halt, "incl (%edi)\ncli" AT(halt, "hlt"));
/* Starts CPU 1 in real mode at 0x8000, waits until it counts, then writes to nowhere. */
GUEST(two, "movl $0x01000000, 0xfee00310\nmovl $0x4500, 0xfee00300\n"
	   "movl $0x01000000, 0xfee00310\nmovl $0x4608, 0xfee00300\n"
	   "1: cmpl $100, (%edi)\njb 1b" AT(two, "movl $7, 0x44(%ebx)"));
/* Counts at GPA_DATA; once its second word is not 0, reads from a port that nobody has. */
extern const uint8_t code_second[], code_second_end[];
__asm__(".pushsection .rodata\n.code16\ncode_second:\n"
	"1: incl 0x4000\ncmpw $0, 0x4004\nje 1b\nin $0x99, %al\n2: hlt\njmp 2b\n"
	"code_second_end:\n.code64\n.popsection\n");
/* Starts CPU 1 and ends with what it leaves in the third word at GPA_DATA. */
GUEST(wait_word, "movl $0x01000000, 0xfee00310\nmovl $0x4500, 0xfee00300\n"
		 "movl $0x01000000, 0xfee00310\nmovl $0x4608, 0xfee00300\n"
		 "1: mov 8(%edi), %eax\ntest %eax, %eax\njz 1b" AT(wait_word, "out %eax, $0xf4"));
/* In real mode, at 0800:0000. Its #GP handler leaves there the IP that it finds on the stack. */
extern const uint8_t code_real[], code_real_end[], at_real[];
__asm__(".pushsection .rodata\n.code16\ncode_real:\n"
	"movw $(3f - code_real), 0x34\nmovw $0x800, 0x36\nmov $0x7000, %sp\n"
	"mov $0x9000, %bx\nmov %bx, %ds\nat_real: in $0x99, %al\n2: hlt\njmp 2b\n"
	"3: xor %bx, %bx\nmov %bx, %ds\npop %ax\nmov %ax, 0x4008\njmp 2b\n"
	"code_real_end:\n.code64\n.popsection\n");
GUEST(read_mapping, AT(read_mapping, "mov 0xa0000010, %eax\nout %eax, $0xf4"));
GUEST(write_mapping, AT(write_mapping, "mov %al, 0xa0000010"));
/* Until line 9 has risen: the second PIC's request register [8259A, OCW3]. */
GUEST(line9, AT(line9, "mov $0x0a, %al\nout %al, $0xa0\nin $0xa0, %al\ntest $2, %al\njz at_line9\n"
		       "mov $9, %eax\nout %eax, $0xf4"));
GUEST(triple, "movl $0, 0x2068\nmovw $0, 0x1000\nlidt 0x1000" AT(triple, "ud2"));

struct guest {
	const char *name;
	const uint8_t *code, *end, *at, *gp;
};

#define V(name)                                                                                    \
	{                                                                                          \
#name, code_##name, code_##name##_end, at_##name, gp_##name                        \
	}

static const struct guest violators[] = {V(in_imm), V(in_dx), V(out_imm), V(out_dx), V(out_dx16),
	V(outs), V(rep_outs), V(ins), V(rep_ins), V(load), V(load_disp), V(store), V(store8),
	V(store16), V(store_imm), V(store_imm8), V(store_abs), V(stos), V(rep_stos), V(rep_stos_1),
	V(rep_outs_1), V(movs), V(movs_from), V(add_to), V(xchg), V(push_mem), V(store_again)};

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
	ck_assert_int_eq(vm_memory_create(&fx.m, VM_PAGES_ANY, 0, &fx.memory, &what), 0);
	ck_assert_int_eq(debug_exit_create(&fx.m), 0);
}

/* Puts V's code and its tables into memory. */
static void load(const struct guest *v)
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
	struct vm_ahead *ahead;
	cpu_set_t cores[4];
	const char *what;

	for (size_t i = 0; i < ARRAY_SIZE(cores); i++)
		sched_getaffinity(0, sizeof(cores[i]), &cores[i]);
	ck_assert_int_eq(vm_ahead_start(fx.kvm_fd, &fx.m, &ahead), 0);
	ck_assert_msg(vm_ahead_finish(ahead, &fx.vm, &what) == 0, "%s: %m", what);
	vm_set_policy(fx.vm, &policy);
	ck_assert_msg(vm_start(fx.vm, &entry, cores, "test", &what) == 0, "%s: %m", what);
}

static const struct vm_end *wait_end(void)
{
	struct pollfd p = {.fd = fx.vm->end_fd, .events = POLLIN};

	poll(&p, 1, WAIT_MS);
	return vm_ended(fx.vm);
}

static uint32_t at(const struct guest *v)
{
	return GPA_CODE + (uint32_t)(v->at - v->code);
}

/* ---- tests ---- */

START_TEST(violations_are_injected)
{
	const struct guest *v = &violators[_i];
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

static uint32_t data_word(unsigned i)
{
	const volatile uint32_t *words = gmem_slice(&fx.m.gmem, GPA_DATA, 4096);

	return words[i];
}

/* Waits until the guest's counter has gone past VALUE; false: it has not, within a while. */
static bool counts_past(uint32_t value, unsigned ms)
{
	for (unsigned i = 0; i < ms && data_word(0) <= value; i++)
		usleep(1000);
	return data_word(0) > value;
}

static void run_one(const struct guest *g, enum vm_violation on_violation)
{
	machine_make(1);
	load(g);
	start(on_violation, VM_FATAL_END);
	vm_release(fx.vm);
}

START_TEST(violations_are_fatal)
{
	const struct guest *v = &violators[_i];
	const struct vm_end *end;
	char text[32];

	if (fx.kvm_fd < 0)
		return;
	run_one(v, VM_VIOLATION_FATAL);
	end = wait_end();
	ck_assert_msg(end != NULL, "%s: no end", v->name);
	ck_assert_int_eq(end->kind, END_VIOLATION);
	ck_assert_int_eq(end->vcpu, 0);
	ck_assert(end->has_pc);
	ck_assert_msg(end->pc == at(v), "%s: PC 0x%lx, not 0x%x", v->name, end->pc, at(v));
	ck_assert_uint_gt(end->access.size, 0);
	snprintf(text, sizeof(text), "at PC 0x%x\n", at(v));
	ck_assert_msg(strstr(end->report, text) != NULL, "%s", end->report);
	ck_assert_ptr_nonnull(strstr(end->report, "  RIP "));
	ck_assert_uint_eq(fx.fatal_calls, 1);
	ck_assert_uint_eq(fx.fatal_ns, end->event_ns);
}
END_TEST

START_TEST(a_report_says_what)
{
	static const struct guest cases[] = {V(store_imm), V(load_disp), V(out_dx16), V(in_imm)};
	static const char *const texts[] = {
		"vCPU 0: write of 4 bytes (0x12345678) to address 0x90000020, ",
		"vCPU 0: read of 1 byte from address 0x90001000, ",
		"vCPU 0: write of 2 bytes (0x0) to port 0x1234, ",
		"vCPU 0: read of 1 byte from port 0x99, "};
	const struct vm_end *end;

	if (fx.kvm_fd < 0)
		return;
	run_one(&cases[_i], VM_VIOLATION_FATAL);
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	ck_assert_msg(strncmp(end->report, texts[_i], strlen(texts[_i])) == 0, "%s", end->report);
}
END_TEST

START_TEST(violations_are_ignored)
{
	const struct vm_end *end;

	if (fx.kvm_fd < 0)
		return;
	run_one(&violators[_i], VM_VIOLATION_IGNORE);
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(end->kind, END_EXIT_CODE);
	ck_assert_uint_eq(end->code, 1);
	ck_assert_int_eq(end->vcpu, -1);
	ck_assert_uint_gt(
		fx.vm->vcpus[0].counters.unclaimed_port + fx.vm->vcpus[0].counters.unclaimed_mmio,
		0);
}
END_TEST

START_TEST(pause_and_resume)
{
	const struct guest g = V(count);
	uint32_t seen;

	if (fx.kvm_fd < 0)
		return;
	machine_make(2); /* the second one waits for its start, which never comes */
	load(&g);
	start(VM_VIOLATION_IGNORE, VM_FATAL_END);
	ck_assert_int_eq(vm_pause(fx.vm), 0); /* it waits for the start anyway */
	for (unsigned i = 0; i < 20; i++) {
		vm_resume(fx.vm);
		ck_assert(counts_past(data_word(0), WAIT_MS));
		ck_assert_int_eq(vm_pause(fx.vm), 0);
		ck_assert_int_eq(vm_pause(fx.vm), 0);
		seen = data_word(0);
		ck_assert(!counts_past(seen, 5));
	}
	vm_resume(fx.vm);
	vm_resume(fx.vm);
	ck_assert(counts_past(seen, WAIT_MS));
	ck_assert_uint_gt(fx.vm->vcpus[0].counters.signals, 0);
}
END_TEST

/* _i: whether it is paused. */
START_TEST(a_fault_from_elsewhere)
{
	const struct guest g = V(count);
	uint64_t before = monotonic_ns();
	const struct vm_end *end;

	if (fx.kvm_fd < 0)
		return;
	run_one(&g, VM_VIOLATION_IGNORE);
	ck_assert(counts_past(0, WAIT_MS));
	if (_i)
		ck_assert_int_eq(vm_pause(fx.vm), 0);
	vm_fault(fx.vm, 0, END_WATCHDOG, "lost watchdog", "no heartbeat for 200 ms");
	vm_fault(fx.vm, 0, END_MONITOR_ERROR, "another", "another");
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(end->kind, END_WATCHDOG);
	ck_assert_str_eq(end->how, "lost watchdog");
	ck_assert_ptr_nonnull(strstr(end->report, "vCPU 0: no heartbeat for 200 ms, at PC 0x1000"));
	ck_assert_uint_ge(end->event_ns, before);
	ck_assert_uint_eq(fx.fatal_calls, 1);
}
END_TEST

/* _i: enum vm_fatal. CPU 0 is parked, CPU 1 goes on; then it, too. */
START_TEST(parking)
{
	const struct guest g = V(two);
	const uint32_t one = 1;
	const struct vm_end *end;
	struct vm_end parked;
	struct pollfd p = {.events = POLLIN};

	if (fx.kvm_fd < 0)
		return;
	machine_make(2);
	load(&g);
	put(0x8000, code_second, (size_t)(code_second_end - code_second));
	start(VM_VIOLATION_FATAL, (enum vm_fatal)_i);
	vm_release(fx.vm);
	p.fd = fx.vm->end_fd;
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert(vm_take_parked(fx.vm, &parked));
	ck_assert(!vm_take_parked(fx.vm, &parked));
	ck_assert_ptr_null(vm_ended(fx.vm));
	ck_assert_int_eq(parked.kind, END_VIOLATION);
	ck_assert_int_eq(parked.vcpu, 0);
	ck_assert_uint_eq(parked.access.address, NOWHERE + 0x44);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert(counts_past(data_word(0), WAIT_MS));
	ck_assert_int_eq(vm_pause(fx.vm), 0);
	ck_assert(!counts_past(data_word(0), 5));
	vm_resume(fx.vm);
	ck_assert(counts_past(data_word(0), WAIT_MS));
	put(GPA_DATA + 4, &one, sizeof(one));
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(end->kind, END_VIOLATION);
	ck_assert_int_eq(end->vcpu, 1);
	ck_assert(!vm_take_parked(fx.vm, &parked));
	ck_assert_uint_eq(fx.fatal_calls, 2);
}
END_TEST

START_TEST(injected_in_real_mode)
{
	const struct guest g = V(wait_word);
	const struct vm_end *end;

	if (fx.kvm_fd < 0)
		return;
	machine_make(2);
	load(&g);
	put(0x8000, code_real, (size_t)(code_real_end - code_real));
	start(VM_VIOLATION_INJECT, VM_FATAL_END);
	vm_release(fx.vm);
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(end->kind, END_EXIT_CODE);
	/* On top of the stack, because there is no error code in real mode. */
	ck_assert_uint_eq(end->code, (uint32_t)(at_real - code_real));
}
END_TEST

/* Nobody's limit on queued signals, which is one per user, keeps a vCPU in its guest. */
START_TEST(pause_without_room_for_signals)
{
	const struct guest g = V(count);
	const struct rlimit none = {0, 0};

	if (fx.kvm_fd < 0)
		return;
	run_one(&g, VM_VIOLATION_IGNORE);
	ck_assert(counts_past(0, WAIT_MS));
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &none), 0);
	ck_assert_int_eq(vm_pause(fx.vm), 0);
}
END_TEST

/* Asleep with interrupts off, where nothing but a signal reaches it. */
START_TEST(a_halted_guest)
{
	const struct guest g = V(halt);
	const struct vm_end *end;

	if (fx.kvm_fd < 0)
		return;
	run_one(&g, VM_VIOLATION_IGNORE);
	ck_assert(counts_past(0, WAIT_MS));
	usleep(20000);
	ck_assert_int_eq(vm_pause(fx.vm), 0);
	vm_resume(fx.vm);
	vm_fault(fx.vm, 0, END_WATCHDOG, "lost watchdog", "asleep");
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(end->kind, END_WATCHDOG);
	ck_assert_uint_eq(end->pc, at(&g) + 1);
}
END_TEST

/* Looks at vCPUs that run, sleep, are paused, were never started, and have met a fatal error. */
static const struct vcpu_look *look(unsigned index, enum look_answer want)
{
	static struct vcpu_look looks[2];

	vm_look(fx.vm, looks);
	for (unsigned ms = 0; ms < WAIT_MS && vm_looked(fx.vm, index) == LOOK_PENDING; ms++)
		usleep(1000);
	ck_assert_int_eq(vm_looked(fx.vm, index), want);
	return &looks[index];
}

START_TEST(looks)
{
	const struct guest count = V(count), halt = V(halt);
	const struct vcpu_look *l;

	if (fx.kvm_fd < 0)
		return;
	run_one(_i ? &halt : &count, VM_VIOLATION_IGNORE);
	ck_assert(counts_past(0, WAIT_MS));
	usleep(20000);
	for (unsigned i = 0; i < 2; i++) {
		l = look(0, LOOK_DONE);
		ck_assert_int_eq(l->state, _i ? LOOK_HALTED : LOOK_RUNS);
		ck_assert(!l->interrupts);
		ck_assert_str_eq(l->mode, "32-bit, ring 0");
		if (_i)
			ck_assert_uint_eq(l->pc, at(&halt) + 1);
		else
			ck_assert(l->pc >= at(&count) && l->pc < at(&count) + 4);
		ck_assert_ptr_nonnull(strstr(l->registers, "RIP"));
		/* The same when it is held, and it stays that. */
		ck_assert_int_eq(vm_pause(fx.vm), 0);
	}
	vm_resume(fx.vm);
	vm_fault(fx.vm, 0, END_WATCHDOG, "lost watchdog", "asleep");
	ck_assert_ptr_nonnull(wait_end());
	look(0, LOOK_DEAD);
}
END_TEST

START_TEST(a_look_at_one_that_was_not_started)
{
	const struct guest g = V(count);
	const struct vcpu_look *l;

	if (fx.kvm_fd < 0)
		return;
	machine_make(2);
	load(&g);
	start(VM_VIOLATION_IGNORE, VM_FATAL_END);
	l = look(1, LOOK_DONE); /* before the release, too */
	ck_assert_int_eq(l->state, LOOK_OFF);
	vm_release(fx.vm);
	ck_assert(counts_past(0, WAIT_MS));
	l = look(1, LOOK_DONE);
	ck_assert_int_eq(l->state, LOOK_OFF);
	ck_assert_uint_eq(l->exits, 0);
}
END_TEST

START_TEST(a_triple_fault)
{
	const struct guest g = V(triple);
	const struct vm_end *end;

	if (fx.kvm_fd < 0)
		return;
	run_one(&g, VM_VIOLATION_IGNORE);
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(end->kind, END_TRIPLE_FAULT);
	ck_assert_uint_eq(end->access.size, 0);
	ck_assert_uint_eq(fx.fatal_calls, 1);
}
END_TEST

/* _i: whether the guest writes to the page, which it may not. */
START_TEST(a_read_only_page)
{
	const struct guest guests[] = {V(read_mapping), V(write_mapping)};
	const struct vm_end *end;
	uint32_t *page;

	if (fx.kvm_fd < 0)
		return;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	page[4] = 0x5EAF00D;
	/* As a partition sees what its supervisor writes. */
	ck_assert_int_eq(mprotect(page, 4096, PROT_READ), 0);
	machine_make(1);
	load(&guests[_i]);
	ck_assert_int_eq(machine_add_mapping(&fx.m, MAPPING, 4096, page, true, "status page"), 0);
	start(VM_VIOLATION_FATAL, VM_FATAL_END);
	vm_release(fx.vm);
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	if (_i) {
		ck_assert_int_eq(end->kind, END_VIOLATION);
		ck_assert_uint_eq(end->access.address, MAPPING + 0x10);
		ck_assert_ptr_nonnull(strstr(end->report, "which is read-only: status page"));
	} else {
		ck_assert_int_eq(end->kind, END_EXIT_CODE);
		ck_assert_uint_eq(end->code, 0x5EAF00D);
	}
	ck_assert_uint_eq(page[4], 0x5EAF00D);
	vm_destroy(fx.vm);
	fx.vm = NULL;
	munmap(page, 4096);
}
END_TEST

START_TEST(an_interrupt_by_eventfd)
{
	AUTO_CLOSE int fd = eventfd(0, EFD_CLOEXEC);
	const struct guest g = V(line9);
	const uint64_t one = 1;
	const struct vm_end *end;

	if (fx.kvm_fd < 0)
		return;
	run_one(&g, VM_VIOLATION_IGNORE);
	ck_assert_int_eq(vm_irqfd(fx.vm, fd, 9), 0);
	usleep(20000);
	ck_assert_ptr_null(vm_ended(fx.vm));
	ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
	end = wait_end();
	ck_assert_ptr_nonnull(end);
	ck_assert_uint_eq(end->code, 9);
	ck_assert_int_lt(vm_irqfd(fx.vm, -1, 9), 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/vm");
	TCase *tc = tcase_create("vm");
	const int violator_count = ARRAY_SIZE(violators);

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, violations_are_injected, 0, violator_count);
	tcase_add_loop_test(tc, violations_are_fatal, 0, violator_count);
	tcase_add_loop_test(tc, violations_are_ignored, 0, violator_count);
	tcase_add_loop_test(tc, a_report_says_what, 0, 4);
	tcase_add_test(tc, pause_and_resume);
	tcase_add_loop_test(tc, a_fault_from_elsewhere, 0, 2);
	tcase_add_loop_test(tc, parking, VM_FATAL_PARK, VM_FATAL_SPIN + 1);
	tcase_add_test(tc, pause_without_room_for_signals);
	tcase_add_test(tc, injected_in_real_mode);
	tcase_add_test(tc, a_halted_guest);
	tcase_add_loop_test(tc, looks, 0, 2);
	tcase_add_test(tc, a_look_at_one_that_was_not_started);
	tcase_add_test(tc, a_triple_fault);
	tcase_add_loop_test(tc, a_read_only_page, 0, 2);
	tcase_add_test(tc, an_interrupt_by_eventfd);
	suite_add_tcase(s, tc);
	return s;
}
