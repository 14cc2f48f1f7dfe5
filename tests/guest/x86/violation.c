/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses outside the partition, by how=: "inject" (each is a #GP(0) at the instruction that makes
 * it) and "fatal-port" (the first, of a port, ends the partition).
 */
#include "../check.h"
#include "../ways.h"
#include "x86.h"

#define PORT_NOWHERE 0x1234

/* Where a #GP may come, and where to go on after it; where it came. */
static volatile uint64_t expected, resume, came, error;
static uint8_t buffer[64];

static void general_protection(struct trap_frame *f)
{
	came = f->rip;
	error = f->error;
	f->rip = resume;
}

/* Executes INSN, with RBX = MMIO_NOWHERE, RDX = PORT_NOWHERE, RSI, RDI and RCX as given. */
#define TRY(insn, rsi, rdi, rcx)                                                                   \
	do {                                                                                       \
		uint64_t s = (uint64_t)(rsi), d = (uint64_t)(rdi), n = (rcx),                      \
			 a = 0x1122334455667788;                                                   \
		uint64_t was_s = s, was_d = d, was_n = n;                                          \
                                                                                                   \
		came = 0;                                                                          \
		error = 1;                                                                         \
		__asm__ volatile("lea 1f(%%rip), %%r8\nmov %%r8, expected\n"                       \
				 "lea 2f(%%rip), %%r8\nmov %%r8, resume\n"                         \
				 "1: " insn "\n2:"                                                 \
				 : "+S"(s), "+D"(d), "+c"(n), "+a"(a)                              \
				 : "b"((uint64_t)MMIO_NOWHERE), "d"((uint64_t)PORT_NOWHERE)        \
				 : "r8", "memory", "cc");                                          \
		check(came == expected && !error && s == was_s && d == was_d && n == was_n &&      \
				a == 0x1122334455667788,                                           \
			"#GP(0) at \"%s\": 0x%lx, 0x%lx expected", insn, came, expected);          \
	} while (0)

static void inject(void)
{
	trap_set(VECTOR_GP, general_protection);
	TRY("in %%dx, %%al", 0, 0, 0);
	TRY("in $0x99, %%eax", 0, 0, 0);
	TRY("out %%al, %%dx", 0, 0, 0);
	TRY("out %%eax, $0x99", 0, 0, 0);
	TRY("insb", 0, buffer, 0);
	TRY("rep insw", 0, buffer, 3);
	TRY("outsl", buffer, 0, 0);
	TRY("rep outsb", buffer, 0, 5);
	TRY("mov (%%rbx), %%rax", 0, 0, 0);
	TRY("movzbl 8(%%rbx), %%eax", 0, 0, 0);
	TRY("add %%eax, (%%rbx)", 0, 0, 0);
	TRY("mov %%al, (%%rbx)", 0, 0, 0);
	TRY("mov %%ah, 1(%%rbx)", 0, 0, 0);
	TRY("mov %%sil, 2(%%rbx)", 0x77, 0, 0);
	TRY("mov %%ax, 0x7f(%%rbx)", 0, 0, 0);
	TRY("mov %%edx, 0x12345(%%rbx,%%rcx,4)", 0, 0, 3);
	TRY("mov %%rax, (%%rbx)", 0, 0, 0);
	TRY("movl $0x55aa, 0x10(%%rbx)", 0, 0, 0);
	TRY("movq $-2, 0x10(%%rbx)", 0, 0, 0);
	TRY("movb $0x48, 0x10(%%rbx)", 0, 0, 0);
	TRY("stosb", 0, MMIO_NOWHERE, 0);
	TRY("rep stosq", 0, MMIO_NOWHERE, 100);
	TRY("rep stosl", 0, MMIO_NOWHERE, 1);
	TRY("movsl", buffer, MMIO_NOWHERE, 0);
	TRY("rep movsb", buffer, MMIO_NOWHERE, 9);
	TRY("movsq", MMIO_NOWHERE, buffer, 0);
	TRY("movl $1, 0xffc(%%rbx)", 0, 0, 0);
}

static void fatal_port(void)
{
	inw(PORT_NOWHERE);
}

const struct way machine_ways[] = {{"inject", inject}, {"fatal-port", fatal_port}, {NULL, NULL}};
