/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Instructions that write, decoded as far as it takes to know their length, their operand and what
 * else they change [SDM 2A 2]. Instructions that read first (ADD, XCHG and the like) are not
 * needed: their first access is a read.
 */
#include "vmm/x86/insn.h"

#include <string.h>

#define RFLAGS_DF (1u << 10)
#define EFER_LMA  (1u << 10)

enum kind { STORE_REG, STORE_IMM, STORE_ACC, STORE_VECTOR, STOS, MOVS, OUT_IMM, OUT_DX, OUTS };

struct insn {
	enum kind kind;
	unsigned length;
	unsigned size;    /* of the operand: 1, 2, 4, 8; 16: a vector */
	unsigned address; /* bytes of an address: 2, 4, 8 */
	bool rep;
	bool has_rex;
	unsigned rex;
	uint8_t segment; /* the override's prefix byte; 0: none */
	unsigned modrm;
	uint64_t imm;    /* immediate, port number, or absolute address */
	uint64_t offset; /* of a memory operand, without its segment's base */
	bool stack;      /* addressed by SP or BP: the default segment is SS */
};

/* Bytes being decoded; reading past the end makes `bad` true. */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static uint64_t take(struct cursor *c, unsigned n)
{
	uint64_t v = 0;

	if ((size_t)(c->end - c->at) < n) {
		c->bad = true;
		return 0;
	}
	memcpy(&v, c->at, n);
	c->at += n;
	return v;
}

static uint64_t take_signed(struct cursor *c, unsigned n)
{
	unsigned unused = 64 - 8 * n;

	return (uint64_t)((int64_t)(take(c, n) << unused) >> unused);
}

static uint64_t mask(unsigned bytes)
{
	return bytes >= 8 ? UINT64_MAX : ((uint64_t)1 << (8 * bytes)) - 1;
}

/* General register N in the order of encodings. */
static uint64_t reg(const struct kvm_regs *r, unsigned n)
{
	const uint64_t regs[] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
		r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};

	return regs[n & 15];
}

static bool is_long(const struct insn_write *w)
{
	return w->sregs->cs.l && (w->sregs->efer & EFER_LMA);
}

/* ---- prefixes ---- */

static bool take_prefix(const struct insn_write *w, struct cursor *c, struct insn *i, bool *wide)
{
	uint8_t b = c->at < c->end ? *c->at : 0;

	switch (b) {
	case 0x66:
		*wide = true;
		break;
	case 0x67:
		i->address = is_long(w) ? 4 : i->address == 4 ? 2 : 4;
		break;
	case 0xF2:
	case 0xF3:
		i->rep = true;
		break;
	case 0x26: /* ES */
	case 0x2E: /* CS */
	case 0x36: /* SS */
	case 0x3E: /* DS */
	case 0x64: /* FS */
	case 0x65: /* GS */
		i->segment = b;
		break;
	default:
		return false;
	}
	c->at++;
	return true;
}

static void take_prefixes(const struct insn_write *w, struct cursor *c, struct insn *i)
{
	bool wide = false, code32 = w->sregs->cs.db || is_long(w);

	i->address = is_long(w) ? 8 : code32 ? 4 : 2;
	while (take_prefix(w, c, i, &wide))
		;
	if (is_long(w) && c->at < c->end && (*c->at & 0xF0) == 0x40) {
		i->has_rex = true;
		i->rex = *c->at++;
	}
	i->size = i->rex & 8 ? 8 : code32 != wide ? 4 : 2;
}

/* ---- memory operands ---- */

/* 16-bit addressing [SDM 2A table 2-1]. */
static void take_modrm16(const struct insn_write *w, struct cursor *c, struct insn *i)
{
	const struct kvm_regs *r = w->regs;
	const uint64_t bases[] = {r->rbx + r->rsi, r->rbx + r->rdi, r->rbp + r->rsi,
		r->rbp + r->rdi, r->rsi, r->rdi, r->rbp, r->rbx};
	unsigned mod = i->modrm >> 6, rm = i->modrm & 7;

	i->stack = rm == 2 || rm == 3 || (rm == 6 && mod);
	i->offset = rm == 6 && !mod ? take_signed(c, 2) : bases[rm];
	if (mod)
		i->offset += take_signed(c, mod == 1 ? 1 : 2);
}

/* 32 and 64-bit addressing [SDM 2A tables 2-2, 2-3]. */
static void take_modrm32(const struct insn_write *w, struct cursor *c, struct insn *i)
{
	unsigned mod = i->modrm >> 6, rm = i->modrm & 7;
	unsigned base = rm | (i->rex & 1) << 3;

	if (rm == 4) {
		unsigned sib = (unsigned)take(c, 1);
		unsigned index = (sib >> 3 & 7) | (i->rex & 2) << 2;

		base = (sib & 7) | (i->rex & 1) << 3;
		if (index != 4)
			i->offset = reg(w->regs, index) << (sib >> 6);
	}
	if ((base & 7) == 5 && !mod) {
		i->offset += take_signed(c, 4);
		/* Relative to the next instruction, which is where RIP is. */
		if (rm == 5 && is_long(w))
			i->offset += w->regs->rip;
		return;
	}
	i->stack = base == 4 || base == 5;
	i->offset += reg(w->regs, base);
	if (mod)
		i->offset += take_signed(c, mod == 1 ? 1 : 4);
}

/* False when the operand is a register. */
static bool take_modrm(const struct insn_write *w, struct cursor *c, struct insn *i)
{
	i->modrm = (unsigned)take(c, 1);
	if (i->modrm >> 6 == 3)
		return false;
	if (i->address == 2)
		take_modrm16(w, c, i);
	else
		take_modrm32(w, c, i);
	i->offset &= mask(i->address);
	return true;
}

/* ---- opcodes ---- */

static bool take_vector(const struct insn_write *w, struct cursor *c, struct insn *i)
{
	uint8_t op = (uint8_t)take(c, 1);

	i->kind = STORE_VECTOR;
	switch (op) {
	case 0xC3: /* MOVNTI */
		i->kind = STORE_REG;
		break;
	case 0x11:
	case 0x29:
	case 0x2B:
	case 0x7F:
	case 0xE7:
		i->size = 16;
		break;
	default:
		return false;
	}
	return take_modrm(w, c, i);
}

/* Opcodes whose lowest bit says whether the operand is wider than a byte. */
static bool take_sized(const struct insn_write *w, struct cursor *c, struct insn *i, uint8_t op)
{
	if (!(op & 1))
		i->size = 1;
	switch (op & ~1) {
	case 0x88:
		i->kind = STORE_REG;
		return take_modrm(w, c, i);
	case 0xC6:
		i->kind = STORE_IMM;
		if (!take_modrm(w, c, i) || (i->modrm >> 3 & 7))
			return false;
		i->imm = take_signed(c, i->size == 8 ? 4 : i->size);
		return true;
	case 0xA2:
		i->kind = STORE_ACC;
		i->offset = take(c, i->address);
		return true;
	case 0xA4:
		i->kind = MOVS;
		return true;
	case 0xAA:
		i->kind = STOS;
		return true;
	}
	/* Ports are never wider than 4 bytes. */
	i->size = i->size == 8 ? 4 : i->size;
	switch (op & ~1) {
	case 0xE6:
		i->kind = OUT_IMM;
		i->imm = take(c, 1);
		return true;
	case 0xEE:
		i->kind = OUT_DX;
		return true;
	case 0x6E:
		i->kind = OUTS;
		return true;
	}
	return false;
}

static bool decode(const struct insn_write *w, const uint8_t *code, unsigned n, struct insn *i)
{
	struct cursor c = {.at = code, .end = code + n};
	uint8_t op;
	bool known;

	*i = (struct insn){0};
	take_prefixes(w, &c, i);
	op = (uint8_t)take(&c, 1);
	known = op == 0x0F ? take_vector(w, &c, i) : take_sized(w, &c, i, op);
	i->length = (unsigned)(c.at - code);
	return known && !c.bad;
}

/* ---- does it fit the access? ---- */

static uint64_t segment_base(const struct insn_write *w, const struct insn *i, uint8_t segment)
{
	const struct kvm_sregs *s = w->sregs;

	if (is_long(w) && segment != 0x64 && segment != 0x65)
		return 0;
	switch (segment) {
	case 0x26:
		return s->es.base;
	case 0x2E:
		return s->cs.base;
	case 0x36:
		return s->ss.base;
	case 0x64:
		return s->fs.base;
	case 0x65:
		return s->gs.base;
	}
	return i->stack && !segment ? s->ss.base : s->ds.base;
}

static bool reaches(const struct insn_write *w, const struct insn *i, uint8_t segment, uint64_t at)
{
	uint64_t linear = (at & mask(i->address)) + segment_base(w, i, segment);

	return w->reaches(w->ctx, is_long(w) ? linear : linear & mask(4));
}

/* The source register of a MOV; without REX, bytes 4 to 7 are AH, CH, DH and BH. */
static uint64_t source(const struct insn_write *w, const struct insn *i)
{
	unsigned n = (i->modrm >> 3 & 7) | (i->rex & 4) << 1;

	if (i->size == 1 && !i->has_rex && n >= 4)
		return reg(w->regs, n - 4) >> 8;
	return reg(w->regs, n);
}

/* How far a string instruction moves its pointers. */
static uint64_t step(const struct insn_write *w, const struct insn *i)
{
	return w->regs->rflags & RFLAGS_DF ? -(uint64_t)i->size : i->size;
}

static bool fits(const struct insn_write *w, const struct insn *i)
{
	const struct vm_access *a = w->access;
	bool to_port = i->kind == OUT_IMM || i->kind == OUT_DX || i->kind == OUTS;
	uint64_t value = w->regs->rax;

	if (to_port != (a->space == WINDOW_PORT) || a->size != (i->size == 16 ? 8 : i->size))
		return false;
	switch (i->kind) {
	case OUTS:
		return (w->regs->rdx & 0xFFFF) == a->address;
	case MOVS:
		return reaches(w, i, 0x26, w->regs->rdi - step(w, i));
	case STORE_VECTOR:
		return reaches(w, i, i->segment, i->offset);
	case STORE_REG:
		value = source(w, i);
		break;
	case STORE_IMM:
		value = i->imm;
		break;
	default:
		break;
	}
	if ((value & mask(i->size)) != (a->value & mask(i->size)))
		return false;
	if (i->kind == OUT_IMM)
		return i->imm == a->address;
	if (i->kind == OUT_DX)
		return (w->regs->rdx & 0xFFFF) == a->address;
	if (i->kind == STOS)
		return reaches(w, i, 0x26, w->regs->rdi - step(w, i));
	return reaches(w, i, i->segment, i->offset);
}

/* ---- back ---- */

static void step_back(__u64 *r, uint64_t by, unsigned address)
{
	uint64_t m = mask(address);

	*r = (*r & ~m) | ((*r - by) & m);
}

static void rewind_strings(const struct insn_write *w, const struct insn *i, struct kvm_regs *regs)
{
	if (i->kind == STOS || i->kind == MOVS)
		step_back(&regs->rdi, step(w, i), i->address);
	if (i->kind == OUTS || i->kind == MOVS)
		step_back(&regs->rsi, step(w, i), i->address);
	if (i->rep && (i->kind == STOS || i->kind == MOVS || i->kind == OUTS))
		step_back(&regs->rcx, (uint64_t)-1, i->address);
}

static bool is_string(const struct insn *i)
{
	return i->kind == STOS || i->kind == MOVS || i->kind == OUTS;
}

/*
 * Whether the byte before instruction I is taken for a prefix of it, although it fits without: a
 * repeat prefix, with which a string instruction ends at a count of 0; what a vector move has for
 * an operation size, or for registers beyond the eighth.
 */
static bool is_own_prefix(const struct insn_write *w, const struct insn *i, uint8_t byte)
{
	if (is_string(i))
		return (byte & 0xFE) == 0xF2 && !(w->regs->rcx & mask(i->address));
	return i->kind == STORE_VECTOR &&
	       ((byte & 0xFE) == 0xF2 || byte == 0x66 || (is_long(w) && (byte & 0xF0) == 0x40));
}

/* Takes such prefixes into *I, N bytes long; its whole length. */
static unsigned take_own_prefixes(const struct insn_write *w, struct insn *i, unsigned n)
{
	const uint8_t *rip = w->code + INSN_BYTES;
	struct insn longer;

	while (n < w->before && is_own_prefix(w, i, rip[-(int)n - 1]) &&
		decode(w, rip - n - 1, n + 1, &longer) && longer.length == n + 1 &&
		fits(w, &longer)) {
		*i = longer;
		n++;
	}
	return n;
}

bool insn_rewind(const struct insn_write *w, struct kvm_regs *ret_regs)
{
	struct kvm_regs regs = *w->regs;
	struct insn i;

	for (unsigned n = 1; n <= w->before; n++) {
		if (!decode(w, w->code + INSN_BYTES - n, n, &i) || i.length != n || !fits(w, &i))
			continue;
		regs.rip -= take_own_prefixes(w, &i, n);
		rewind_strings(w, &i, &regs);
		*ret_regs = regs;
		return true;
	}
	/* A repeated one in one of its rounds: RIP stays at it. */
	if (!decode(w, w->code + INSN_BYTES, w->after, &i) || !i.rep || !is_string(&i) ||
		!fits(w, &i))
		return false;
	rewind_strings(w, &i, &regs);
	*ret_regs = regs;
	return true;
}
