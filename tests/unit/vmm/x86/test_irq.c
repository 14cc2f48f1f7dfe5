/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSIs, doorbells and device memory of a VM on this host's /dev/kvm, whose guest is a few
 * instructions of 32-bit code. Without KVM there is nothing to hold.
 */
#include "vmm/irq.h"

#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#define GPA_IDTR 0x1000
#define GPA_GDT  0x1800
#define GPA_IDT  0x2000
#define GPA_DATA 0x4000
#define GPA_CODE 0x100000
#define BELL     0x90000000
#define PORT     0xC010

#define SEL_CODE 0x08
#define SEL_DATA 0x10

/* Vectors, each with its counter at GPA_DATA. */
#define VECTOR 0x50
#define OTHER  0x60

#define MSI_ADDRESS 0xFEE00000

#define WAIT_MS 5000

/* Counts its interrupts, by hand: IRET is not needed to hold this. */
extern const uint8_t code_listen[], code_listen_end[], on_vector[], on_other[];
__asm__(".pushsection .rodata\n.code32\ncode_listen:\n"
	"lidt 0x1000\nmov $0x4000, %edi\nmov $0x8000, %esp\nmovl $0x1ff, 0xfee000f0\n"
	"1: incl (%edi)\nsti\nhlt\njmp 1b\n"
	"on_vector: incl 4(%edi)\njmp 2f\n"
	"on_other: incl 8(%edi)\n"
	"2: add $12, %esp\nmovl $0, 0xfee000b0\njmp 1b\n"
	"code_listen_end:\n.code64\n.popsection\n");

/* Writes the word at GPA_DATA + 4 to BELL and, a byte of it, to PORT, when that at 0 is not 0. */
extern const uint8_t code_ring[], code_ring_end[];
__asm__(".pushsection .rodata\n.code32\ncode_ring:\n"
	"mov $0x90000000, %ebx\nmov $0x4000, %edi\nmov $0xc010, %edx\n"
	"1: cmpl $0, (%edi)\nje 1b\nmov 4(%edi), %eax\n"
	"mov %eax, (%ebx)\nmov %ax, 8(%ebx)\nout %al, %dx\n"
	"movl $0, (%edi)\njmp 1b\n"
	"code_ring_end:\n.code64\n.popsection\n");

/* Reads the word at BELL, then writes it, counting at GPA_DATA. */
extern const uint8_t code_memory[], code_memory_end[];
__asm__(".pushsection .rodata\n.code32\ncode_memory:\n"
	"mov $0x90000000, %ebx\nmov $0x4000, %edi\n"
	"1: cmpl $0, (%edi)\nje 1b\nmov (%ebx), %eax\nmov %eax, 4(%edi)\n"
	"movl $0x600d, (%ebx)\nmovl $0, (%edi)\njmp 1b\n"
	"code_memory_end:\n.code64\n.popsection\n");

static struct {
	int kvm_fd;
	struct machine m;
	struct vm_memory memory;
	struct vm *vm;
} fx;

static void setup(void)
{
	const char *what;

	memset(&fx, 0, sizeof(fx));
	fx.memory.fd = -1;
	fx.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(machine_init(&fx.m, GUEST_X86_64, 4 * MIB, 1), 0);
	ck_assert_int_eq(vm_memory_create(&fx.m, VM_PAGES_ANY, 0, &fx.memory, &what), 0);
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

static void put_gate(unsigned vector, const uint8_t *code, const uint8_t *handler)
{
	const uint32_t at = GPA_CODE + (uint32_t)(handler - code);
	const uint64_t gate =
		(at & 0xffff) | SEL_CODE << 16 | 0x8e00ULL << 32 | (uint64_t)(at >> 16) << 48;

	put(GPA_IDT + 8 * vector, &gate, sizeof(gate));
}

static void run(const uint8_t *code, const uint8_t *end)
{
	static const uint64_t gdt[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff};
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr = {0x7ff, GPA_IDT};
	const struct entry_state entry = {.mode = ENTRY_X86_PROTECTED,
		.pc = GPA_CODE,
		.x86 = {.cs = SEL_CODE, .ds = SEL_DATA, .gdt = GPA_GDT, .gdt_limit = 23}};
	cpu_set_t cores;
	const char *what;

	put(GPA_GDT, gdt, sizeof(gdt));
	put(GPA_IDTR, &idtr, sizeof(idtr));
	put(GPA_CODE, code, (size_t)(end - code));
	sched_getaffinity(0, sizeof(cores), &cores);
	ck_assert_msg(vm_create(fx.kvm_fd, &fx.m, NULL, &fx.vm, &what) == 0, "%s: %m", what);
	ck_assert_msg(vm_start(fx.vm, &entry, &cores, "test", &what) == 0, "%s: %m", what);
	vm_release(fx.vm);
}

static volatile uint32_t *words(void)
{
	return gmem_slice(&fx.m.gmem, GPA_DATA, 4096);
}

/* Whether word I becomes VALUE. */
static bool becomes(unsigned i, uint32_t value)
{
	for (unsigned n = 0; n < WAIT_MS && words()[i] != value; n++)
		usleep(1000);
	return words()[i] == value;
}

/* Whether word I is VALUE, and stays so for a while. */
static bool stays(unsigned i, uint32_t value)
{
	usleep(20000);
	return words()[i] == value;
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void signal_msi(unsigned index)
{
	const uint64_t one = 1;

	ck_assert_int_eq(write(fx.m.msis[index].event_fd, &one, sizeof(one)), sizeof(one));
}

static int msi_set(unsigned index, uint64_t address, uint32_t data)
{
	const struct machine_msi_message msg = {.address = address, .data = data};

	return fx.m.services.msi_set(fx.m.services.ctx, index, &msg);
}

static int msi_mask(unsigned index)
{
	return fx.m.services.msi_set(fx.m.services.ctx, index, NULL);
}

static int bell_set(unsigned index, const struct machine_doorbell_place *place)
{
	return fx.m.services.doorbell_set(fx.m.services.ctx, index, place);
}

static void listen(void)
{
	put_gate(VECTOR, code_listen, on_vector);
	put_gate(OTHER, code_listen, on_other);
	run(code_listen, code_listen_end);
	ck_assert(becomes(0, 1));
}

START_TEST(msis_interrupt)
{
	unsigned a, b;

	if (fx.kvm_fd < 0)
		return;
	ck_assert_int_eq(machine_add_msi(&fx.m, &a), 0);
	ck_assert_int_eq(machine_add_msi(&fx.m, &b), 0);
	ck_assert_uint_ne(a, b);
	listen();
	signal_msi(a);
	ck_assert(stays(1, 0)); /* it has no message yet */
	ck_assert(readable(fx.m.msis[a].event_fd));
	ck_assert_int_eq(msi_set(a, MSI_ADDRESS, VECTOR), 0);
	ck_assert(becomes(1, 1));
	ck_assert(!readable(fx.m.msis[a].event_fd));
	for (uint32_t i = 2; i < 6; i++) {
		signal_msi(a);
		ck_assert(becomes(1, i));
	}
	ck_assert_int_eq(msi_set(b, MSI_ADDRESS, OTHER), 0);
	signal_msi(b);
	ck_assert(becomes(2, 1));
	ck_assert_uint_eq(words()[1], 5);
	/* Another message, while it is on. */
	ck_assert_int_eq(msi_set(a, MSI_ADDRESS, OTHER), 0);
	signal_msi(a);
	ck_assert(becomes(2, 2));
	ck_assert_uint_eq(words()[1], 5);
}
END_TEST

START_TEST(masked_msis_stay_pending)
{
	unsigned a;

	if (fx.kvm_fd < 0)
		return;
	ck_assert_int_eq(machine_add_msi(&fx.m, &a), 0);
	listen();
	ck_assert_int_eq(msi_mask(a), 0);
	ck_assert_int_eq(msi_set(a, MSI_ADDRESS, VECTOR), 0);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_int_eq(msi_mask(a), 0);
		ck_assert(!readable(fx.m.msis[a].event_fd));
		signal_msi(a);
		signal_msi(a);
		ck_assert(readable(fx.m.msis[a].event_fd));
		ck_assert(stays(1, i));
		/* Both are one interrupt, and then nothing is left. */
		ck_assert_int_eq(msi_set(a, MSI_ADDRESS, VECTOR), 0);
		ck_assert(becomes(1, i + 1));
		ck_assert(!readable(fx.m.msis[a].event_fd));
		ck_assert_int_eq(msi_mask(a), 0);
		ck_assert_int_eq(msi_set(a, MSI_ADDRESS, VECTOR), 0);
		ck_assert(stays(1, i + 1));
	}
}
END_TEST

START_TEST(messages_to_elsewhere)
{
	static const uint64_t elsewhere[] = {0, 0xFED00000, 0xFEF00000, 0x1FEE00000, UINT64_MAX};
	unsigned a;

	if (fx.kvm_fd < 0)
		return;
	ck_assert_int_eq(machine_add_msi(&fx.m, &a), 0);
	listen();
	ck_assert_int_eq(msi_set(a, MSI_ADDRESS, VECTOR), 0);
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		ck_assert_int_eq(msi_set(a, elsewhere[i], VECTOR), -EINVAL);
	signal_msi(a);
	ck_assert(stays(1, 0));
	ck_assert(readable(fx.m.msis[a].event_fd));
	/* It had that message already. */
	ck_assert_int_eq(msi_set(a, MSI_ADDRESS, VECTOR), 0);
	ck_assert(becomes(1, 1));
	ck_assert_int_eq(msi_set(a + 1, MSI_ADDRESS, VECTOR), -EINVAL);
}
END_TEST

/* Has the guest write VALUE; how many of the three writes reached nobody. */
static uint64_t ring(uint32_t value)
{
	struct vcpu_counters *c = &fx.vm->vcpus[0].counters;
	uint64_t before = c->unclaimed_mmio + c->unclaimed_port;

	words()[1] = value;
	words()[0] = 1;
	ck_assert(becomes(0, 0));
	return c->unclaimed_mmio + c->unclaimed_port - before;
}

/* How often doorbell INDEX was rung since. */
static uint64_t rung(unsigned index)
{
	uint64_t count = 0;

	if (read(fx.m.doorbells[index].event_fd, &count, sizeof(count)) < 0)
		ck_assert_int_eq(errno, EAGAIN);
	return count;
}

START_TEST(doorbells_ring)
{
	const struct machine_doorbell_place any = {.space = WINDOW_MMIO, .address = BELL};
	const struct machine_doorbell_place exact = {.space = WINDOW_MMIO,
		.address = BELL,
		.size = 4,
		.has_data = true,
		.data = 0x12345678};
	const struct machine_doorbell_place word = {
		.space = WINDOW_MMIO, .address = BELL + 8, .size = 2};
	const struct machine_doorbell_place port = {
		.space = WINDOW_PORT, .address = PORT, .size = 1};
	unsigned a, b, c;

	if (fx.kvm_fd < 0)
		return;
	ck_assert_int_eq(machine_add_doorbell(&fx.m, &a), 0);
	ck_assert_int_eq(machine_add_doorbell(&fx.m, &b), 0);
	ck_assert_int_eq(machine_add_doorbell(&fx.m, &c), 0);
	run(code_ring, code_ring_end);
	ck_assert_uint_eq(ring(1), 3);
	ck_assert_int_eq(bell_set(a, &any), 0);
	ck_assert_uint_eq(ring(2), 2);
	ck_assert_uint_eq(rung(a), 1);
	ck_assert_int_eq(bell_set(a, &exact), 0); /* there, and not as before */
	ck_assert_uint_eq(ring(3), 3);
	ck_assert_uint_eq(rung(a), 0);
	ck_assert_uint_eq(ring(0x12345678), 2);
	ck_assert_uint_eq(rung(a), 1);
	ck_assert_int_eq(bell_set(b, &word), 0);
	ck_assert_int_eq(bell_set(c, &port), 0);
	ck_assert_int_eq(bell_set(b, &exact), -EEXIST); /* and nowhere now */
	ck_assert_uint_eq(ring(0x12345678), 1);
	ck_assert_int_eq(bell_set(b, &word), 0);
	ck_assert_uint_eq(ring(0x12345678), 0);
	ck_assert_uint_eq(rung(a) + rung(b) + rung(c), 2 + 1 + 2);
	ck_assert_int_eq(bell_set(a, NULL), 0);
	ck_assert_int_eq(bell_set(a, NULL), 0);
	ck_assert_int_eq(bell_set(b, NULL), 0);
	ck_assert_uint_eq(ring(0x12345678), 2);
	ck_assert_uint_eq(rung(a) + rung(b), 0);
	ck_assert_uint_eq(rung(c), 1);
	ck_assert_int_eq(bell_set(c + 1, NULL), -EINVAL);
}
END_TEST

/* Rings BELL, and counts the interrupts that come of it. */
extern const uint8_t code_echo[], code_echo_end[], on_echo[];
__asm__(".pushsection .rodata\n.code32\ncode_echo:\n"
	"lidt 0x1000\nmov $0x90000000, %ebx\nmov $0x4000, %edi\nmov $0x8000, %esp\n"
	"movl $0x1ff, 0xfee000f0\n1: mov %eax, (%ebx)\nsti\nhlt\njmp 1b\n"
	"on_echo: incl 4(%edi)\nadd $12, %esp\nmovl $0, 0xfee000b0\njmp 1b\n"
	"code_echo_end:\n.code64\n.popsection\n");

/* From guest to guest, here the same: KVM does it all. */
START_TEST(a_doorbell_that_interrupts)
{
	const struct machine_doorbell_place place = {.space = WINDOW_MMIO, .address = BELL};
	unsigned msi, bell;

	if (fx.kvm_fd < 0)
		return;
	ck_assert_int_eq(machine_add_msi(&fx.m, &msi), 0);
	ck_assert_int_eq(machine_add_doorbell(&fx.m, &bell), 0);
	machine_share_doorbell(&fx.m, bell, dup(fx.m.msis[msi].event_fd));
	put_gate(VECTOR, code_echo, on_echo);
	run(code_echo, code_echo_end);
	ck_assert_int_eq(msi_set(msi, MSI_ADDRESS, VECTOR), 0);
	ck_assert_int_eq(vm_pause(fx.vm), 0);
	ck_assert_int_eq(bell_set(bell, &place), 0);
	signal_msi(msi); /* its first ring may have been before there was a bell */
	vm_resume(fx.vm);
	for (unsigned n = 0; n < WAIT_MS && words()[1] < 1000; n++)
		usleep(1000);
	ck_assert_uint_ge(words()[1], 1000);
	ck_assert_uint_le(fx.vm->vcpus[0].counters.unclaimed_mmio, 1);
}
END_TEST

static int memory_set(unsigned index, gpa_t base)
{
	return fx.m.services.memory_set(fx.m.services.ctx, index, base ? &base : NULL);
}

/* The guest's turn; what it has read. */
static uint32_t turn(void)
{
	words()[0] = 1;
	ck_assert(becomes(0, 0));
	return words()[1];
}

START_TEST(device_memory)
{
	static uint32_t page[2][1024] __attribute__((aligned(4096)));
	_Atomic uint64_t *unclaimed;
	unsigned a, b;

	if (fx.kvm_fd < 0)
		return;
	ck_assert_int_eq(machine_add_memory(&fx.m, 4096, page[0], false, &a), 0);
	ck_assert_int_eq(machine_add_memory(&fx.m, 4096, page[1], true, &b), 0);
	ck_assert_int_eq(machine_add_memory(&fx.m, 4095, page, true, &b), -EINVAL);
	ck_assert_int_eq(machine_add_memory(&fx.m, 4096, page[0] + 1, true, &b), -EINVAL);
	page[0][0] = 0x11;
	page[1][0] = 0x22;
	run(code_memory, code_memory_end);
	unclaimed = &fx.vm->vcpus[0].counters.unclaimed_mmio;
	ck_assert_uint_eq(turn(), 0xFFFFFFFF);
	ck_assert_uint_eq(*unclaimed, 2);
	ck_assert_int_eq(memory_set(a, BELL), 0);
	ck_assert_uint_eq(turn(), 0x11);
	ck_assert_uint_eq(turn(), 0x600D);
	ck_assert_uint_eq(page[0][0], 0x600D);
	ck_assert_uint_eq(*unclaimed, 2);
	ck_assert_int_eq(memory_set(b, BELL), -EEXIST);
	ck_assert_int_eq(memory_set(a, BELL + 0x10000), 0);
	ck_assert_uint_eq(turn(), 0xFFFFFFFF);
	ck_assert_int_eq(memory_set(b, BELL), 0);
	ck_assert_uint_eq(*unclaimed, 4);
	ck_assert_uint_eq(turn(), 0x22);
	ck_assert_uint_eq(turn(), 0x22); /* its writes are accesses that nobody answers */
	ck_assert_uint_eq(*unclaimed, 6);
	ck_assert_int_eq(memory_set(b, 0), 0);
	ck_assert_int_eq(memory_set(b, 0), 0);
	ck_assert_uint_eq(turn(), 0xFFFFFFFF);
	ck_assert_int_eq(memory_set(b + 1, BELL), -EINVAL);
}
END_TEST

START_TEST(there_are_so_many)
{
	unsigned index;

	for (unsigned i = 0; i < MACHINE_MSIS_MAX; i++) {
		ck_assert_int_eq(machine_add_msi(&fx.m, &index), 0);
		ck_assert_uint_eq(index, i);
	}
	for (unsigned i = 0; i < MACHINE_DOORBELLS_MAX; i++) {
		ck_assert_int_eq(machine_add_doorbell(&fx.m, &index), 0);
		ck_assert_uint_eq(index, i);
	}
	ck_assert_int_eq(machine_add_msi(&fx.m, &index), -ENOSPC);
	ck_assert_int_eq(machine_add_doorbell(&fx.m, &index), -ENOSPC);
	if (fx.kvm_fd < 0)
		return;
	listen();
	for (unsigned i = 0; i < MACHINE_MSIS_MAX; i++)
		ck_assert_int_eq(msi_set(i, MSI_ADDRESS, i % 2 ? VECTOR : OTHER), 0);
	for (uint32_t i = 0; i < MACHINE_MSIS_MAX; i += 2) {
		signal_msi(i);
		ck_assert(becomes(2, i / 2 + 1));
		signal_msi(i + 1);
		ck_assert(becomes(1, i / 2 + 1));
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/irq");
	TCase *tc = tcase_create("irq");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, msis_interrupt);
	tcase_add_test(tc, masked_msis_stay_pending);
	tcase_add_test(tc, messages_to_elsewhere);
	tcase_add_test(tc, doorbells_ring);
	tcase_add_test(tc, a_doorbell_that_interrupts);
	tcase_add_test(tc, device_memory);
	tcase_add_test(tc, there_are_so_many);
	suite_add_tcase(s, tc);
	return s;
}
