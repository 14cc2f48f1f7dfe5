/* SPDX-License-Identifier: BSD-3-Clause */
#include "acpi/aml.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* [ACPI 6.4 20.2, 20.3] */
#define ZERO_OP           0x00
#define ONE_OP            0x01
#define NAME_OP           0x08
#define BYTE_PREFIX       0x0A
#define WORD_PREFIX       0x0B
#define DWORD_PREFIX      0x0C
#define STRING_PREFIX     0x0D
#define QWORD_PREFIX      0x0E
#define SCOPE_OP          0x10
#define BUFFER_OP         0x11
#define PACKAGE_OP        0x12
#define METHOD_OP         0x14
#define EXT_PREFIX        0x5B
#define DEVICE_OP         0x82
#define NOTIFY_OP         0x86
#define METHOD_SERIALIZED 0x08

enum frame_kind {
	FRAME_PACKAGE, /* anything that is PkgLength and contents */
	FRAME_RESOURCES,
};

void aml_init(struct aml *a, uint8_t *buf, size_t size)
{
	*a = (struct aml){.buf = buf, .size = size};
}

static void fail(struct aml *a, int err)
{
	if (!a->err)
		a->err = err;
}

int aml_error(const struct aml *a)
{
	if (a->err)
		return a->err;
	return a->depth ? -EINVAL : 0;
}

/* Makes room for N bytes at AT, moving what follows. */
static bool insert(struct aml *a, size_t at, const void *data, size_t n)
{
	if (a->err)
		return false;
	if (n > a->size - a->used) {
		fail(a, -ENOSPC);
		return false;
	}
	memmove(a->buf + at + n, a->buf + at, a->used - at);
	memcpy(a->buf + at, data, n);
	a->used += n;
	return true;
}

void aml_bytes(struct aml *a, const void *data, size_t n)
{
	insert(a, a->used, data, n);
}

static void put_le(struct aml *a, uint64_t v, unsigned bytes)
{
	uint8_t le[8];

	for (unsigned i = 0; i < bytes; i++)
		le[i] = (uint8_t)(v >> (8 * i));
	aml_bytes(a, le, bytes);
}

void aml_u8(struct aml *a, uint8_t v)
{
	put_le(a, v, 1);
}

void aml_u16(struct aml *a, uint16_t v)
{
	put_le(a, v, 2);
}

void aml_u32(struct aml *a, uint32_t v)
{
	put_le(a, v, 4);
}

void aml_u64(struct aml *a, uint64_t v)
{
	put_le(a, v, 8);
}

/* The shortest ComputationalData for V [20.2.3]; how many bytes of BUF it takes. */
static size_t encode_integer(uint64_t v, uint8_t buf[9])
{
	unsigned bytes = v <= UINT8_MAX ? 1 : v <= UINT16_MAX ? 2 : v <= UINT32_MAX ? 4 : 8;

	if (v <= 1) {
		buf[0] = v ? ONE_OP : ZERO_OP;
		return 1;
	}
	buf[0] = bytes == 1   ? BYTE_PREFIX
		 : bytes == 2 ? WORD_PREFIX
		 : bytes == 4 ? DWORD_PREFIX
			      : QWORD_PREFIX;
	for (unsigned i = 0; i < bytes; i++)
		buf[1 + i] = (uint8_t)(v >> (8 * i));
	return 1 + bytes;
}

/* PkgLength for CONTENTS bytes [20.2.4]; it counts its own bytes too. 0 when it cannot be said. */
static size_t encode_pkg_length(size_t contents, uint8_t buf[4])
{
	size_t bytes = contents + 1 <= 0x3F        ? 1
		       : contents + 2 <= 0xFFF     ? 2
		       : contents + 3 <= 0xFFFFF   ? 3
		       : contents + 4 <= 0xFFFFFFF ? 4
						   : 0;
	size_t length = contents + bytes;

	if (bytes == 1)
		buf[0] = (uint8_t)length;
	else
		buf[0] = (uint8_t)((bytes - 1) << 6 | (length & 0xF));
	for (size_t i = 1; i < bytes; i++)
		buf[i] = (uint8_t)(length >> (8 * i - 4));
	return bytes;
}

void aml_integer(struct aml *a, uint64_t v)
{
	uint8_t buf[9];

	aml_bytes(a, buf, encode_integer(v, buf));
}

void aml_string(struct aml *a, const char *text)
{
	aml_u8(a, STRING_PREFIX);
	aml_bytes(a, text, strlen(text) + 1);
}

static void name_string(struct aml *a, const char *name)
{
	char seg[4] = {'_', '_', '_', '_'};
	size_t n;

	n = strlen(name);
	if (!n || n > sizeof(seg) || isdigit((unsigned char)*name)) {
		fail(a, -EINVAL);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!isupper((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
			name[i] != '_') {
			fail(a, -EINVAL);
			return;
		}
		seg[i] = name[i];
	}
	aml_bytes(a, seg, sizeof(seg));
}

void aml_name(struct aml *a, const char *name)
{
	aml_u8(a, NAME_OP);
	name_string(a, name);
}

/* Three letters and four hexadecimal digits [19.3.4]; false when HID is not of that form. */
static bool encode_eisa_id(const char *hid, uint8_t id[4])
{
	unsigned vendor = 0, product = 0;

	if (strlen(hid) != 7)
		return false;
	for (unsigned i = 0; i < 7; i++) {
		unsigned char c = (unsigned char)hid[i];

		if (i < 3 ? !isupper(c) : !isdigit(c) && (c < 'A' || c > 'F'))
			return false;
		if (i < 3)
			vendor = vendor << 5 | (c - 'A' + 1u);
		else
			product = product << 4 | (isdigit(c) ? c - '0' + 0u : c - 'A' + 10u);
	}
	id[0] = (uint8_t)(vendor >> 8);
	id[1] = (uint8_t)vendor;
	id[2] = (uint8_t)(product >> 8);
	id[3] = (uint8_t)product;
	return true;
}

void aml_hid(struct aml *a, const char *hid)
{
	uint8_t id[4];

	if (!encode_eisa_id(hid, id)) {
		aml_string(a, hid);
		return;
	}
	aml_u8(a, DWORD_PREFIX);
	aml_bytes(a, id, sizeof(id));
}

static void frame_open(struct aml *a, enum frame_kind kind)
{
	if (a->err)
		return;
	if (a->depth == AML_DEPTH_MAX) {
		fail(a, -EINVAL);
		return;
	}
	a->frames[a->depth++] = (struct aml_frame){.start = a->used, .kind = kind};
}

void aml_open_scope(struct aml *a, const char *name)
{
	aml_u8(a, SCOPE_OP);
	frame_open(a, FRAME_PACKAGE);
	name_string(a, name);
}

void aml_open_device(struct aml *a, const char *name)
{
	aml_u8(a, EXT_PREFIX);
	aml_u8(a, DEVICE_OP);
	frame_open(a, FRAME_PACKAGE);
	name_string(a, name);
}

void aml_open_method(struct aml *a, const char *name, uint8_t args)
{
	aml_u8(a, METHOD_OP);
	frame_open(a, FRAME_PACKAGE);
	name_string(a, name);
	aml_u8(a, (uint8_t)(METHOD_SERIALIZED | args)); /* MethodFlags [20.2.5.2] */
}

void aml_notify(struct aml *a, const char *name, uint64_t value)
{
	aml_u8(a, NOTIFY_OP);
	name_string(a, name);
	aml_integer(a, value);
}

void aml_open_package(struct aml *a, uint8_t elements)
{
	aml_u8(a, PACKAGE_OP);
	frame_open(a, FRAME_PACKAGE);
	aml_u8(a, elements);
}

void aml_open_resources(struct aml *a)
{
	aml_u8(a, BUFFER_OP);
	frame_open(a, FRAME_RESOURCES);
}

void aml_close(struct aml *a)
{
	static const uint8_t end_tag[] = {0x79, 0}; /* checksum 0: not checked [6.4.2.9] */
	uint8_t buf[9];
	size_t start, n;

	if (a->err)
		return;
	if (!a->depth) {
		fail(a, -EINVAL);
		return;
	}
	start = a->frames[--a->depth].start;
	if (a->frames[a->depth].kind == FRAME_RESOURCES) {
		/* A buffer's contents begin with their size [20.2.5.4]. */
		aml_bytes(a, end_tag, sizeof(end_tag));
		n = encode_integer(a->used - start, buf);
		insert(a, start, buf, n);
	}
	n = encode_pkg_length(a->used - start, buf);
	if (!n)
		fail(a, -ENOSPC);
	insert(a, start, buf, n);
}

void aml_resource_io(struct aml *a, uint64_t base, uint64_t size)
{
	if (base > UINT16_MAX || size > UINT8_MAX) {
		fail(a, -ERANGE);
		return;
	}
	aml_u8(a, 0x47); /* I/O Port Descriptor [6.4.2.5] */
	aml_u8(a, 1);    /* decodes 16 bits */
	aml_u16(a, (uint16_t)base);
	aml_u16(a, (uint16_t)base);
	aml_u8(a, 1); /* alignment: the base is fixed anyway */
	aml_u8(a, (uint8_t)size);
}

void aml_resource_memory(struct aml *a, uint64_t base, uint64_t size)
{
	if (base > UINT32_MAX || size > UINT32_MAX) {
		fail(a, -ERANGE);
		return;
	}
	aml_u8(a, 0x86); /* 32-Bit Fixed Memory Range Descriptor [6.4.3.4] */
	aml_u16(a, 9);
	aml_u8(a, 1); /* read and write */
	aml_u32(a, (uint32_t)base);
	aml_u32(a, (uint32_t)size);
}

void aml_resource_isa_irq(struct aml *a, unsigned irq)
{
	if (irq > 15) {
		fail(a, -ERANGE);
		return;
	}
	aml_u8(a, 0x22); /* IRQ Descriptor without flags: edge, active high [6.4.2.1] */
	aml_u16(a, (uint16_t)(1u << irq));
}

void aml_resource_interrupt(struct aml *a, uint32_t gsi, int level)
{
	aml_u8(a, 0x89); /* Extended Interrupt Descriptor [6.4.3.6] */
	aml_u16(a, 6);
	aml_u8(a, level ? 0x01 : 0x03); /* consumer, active high, exclusive; bit 1: edge */
	aml_u8(a, 1);
	aml_u32(a, gsi);
}

/* Address Space Resource Descriptors [6.4.3.5], by their tag's width. */
enum { ADDRESS_DWORD = 0x87, ADDRESS_WORD = 0x88, ADDRESS_QWORD = 0x8A };
enum { ADDRESS_MEMORY, ADDRESS_IO, ADDRESS_BUS };

static void address_space(struct aml *a, unsigned width, uint8_t type, uint64_t base, uint64_t size)
{
	static const uint8_t tags[] = {
		[2] = ADDRESS_WORD, [4] = ADDRESS_DWORD, [8] = ADDRESS_QWORD};
	/* Memory is read and written, and not cached; ports are all there are. */
	static const uint8_t type_flags[] = {
		[ADDRESS_MEMORY] = 0x01, [ADDRESS_IO] = 0x03, [ADDRESS_BUS] = 0};
	uint64_t last = base + size - 1;

	if (!size || last < base || (width < 8 && last >> (8 * width))) {
		fail(a, -ERANGE);
		return;
	}
	aml_u8(a, tags[width]);
	aml_u16(a, (uint16_t)(3 + 5 * width));
	aml_u8(a, type);
	aml_u8(a, 0x0C); /* produced; minimum and maximum are fixed */
	aml_u8(a, type_flags[type]);
	put_le(a, 0, width); /* granularity */
	put_le(a, base, width);
	put_le(a, last, width);
	put_le(a, 0, width); /* translation */
	put_le(a, size, width);
}

void aml_resource_buses(struct aml *a, uint64_t first, uint64_t count)
{
	address_space(a, 2, ADDRESS_BUS, first, count);
}

void aml_resource_io_aperture(struct aml *a, uint64_t base, uint64_t size)
{
	address_space(a, 2, ADDRESS_IO, base, size);
}

void aml_resource_memory_aperture(struct aml *a, uint64_t base, uint64_t size)
{
	bool low = size && base + (size - 1) >= base && base + (size - 1) <= UINT32_MAX;

	address_space(a, low ? 4 : 8, ADDRESS_MEMORY, base, size);
}
