/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ACPI tables as bytes: a bounded buffer with little-endian fields, and on top of it the AML that
 * our definition blocks need [ACPI 6.4 20.2]: names, integers, strings, EISA ids, nested packages,
 * resource templates.
 *
 * The first failure sticks: further calls do nothing, and aml_error tells at the end. Nothing is
 * allocated. One thread.
 */
#ifndef ACPI_AML_H
#define ACPI_AML_H

#include <stddef.h>
#include <stdint.h>

#define AML_DEPTH_MAX 8

struct aml_frame {
	size_t start; /* where the contents begin: PkgLength is put in front of them */
	int kind;
};

struct aml {
	uint8_t *buf;
	size_t size; /* of buf */
	size_t used;
	int err; /* 0 or the first failure */
	unsigned depth;
	struct aml_frame frames[AML_DEPTH_MAX];
};

void aml_init(struct aml *a, uint8_t *buf, size_t size);

/*
 * 0; -ENOSPC when the buffer was too small; -EINVAL on a malformed name, a package left open or
 * closed twice; -ERANGE when a value does not fit its descriptor.
 */
int aml_error(const struct aml *a);

/* ---- raw bytes ---- */

void aml_bytes(struct aml *a, const void *data, size_t n);
void aml_u8(struct aml *a, uint8_t v);
void aml_u16(struct aml *a, uint16_t v);
void aml_u32(struct aml *a, uint32_t v);
void aml_u64(struct aml *a, uint64_t v);

/* ---- terms ---- */

/* NAME is one segment of 1 to 4 of A-Z, 0-9 and _, filled up with _. */
void aml_integer(struct aml *a, uint64_t v); /* in its shortest encoding */
void aml_string(struct aml *a, const char *text);
void aml_name(struct aml *a, const char *name); /* Name (NAME, what is emitted next) */
/* A _HID's value: an EISA id where HID has that form (PNP0501), else a string (ACPI0007). */
void aml_hid(struct aml *a, const char *hid);

/* Each is ended by aml_close. */
void aml_open_scope(struct aml *a, const char *name);
void aml_open_device(struct aml *a, const char *name);
/* A method of ARGS arguments; serialized. */
void aml_open_method(struct aml *a, const char *name, uint8_t args);
void aml_open_package(struct aml *a, uint8_t elements);
void aml_open_resources(struct aml *a); /* a buffer; the end tag comes with aml_close */
void aml_close(struct aml *a);

/* In a method: Notify (NAME, VALUE). */
void aml_notify(struct aml *a, const char *name, uint64_t value);

/* ---- resource descriptors [ACPI 6.4 6.4], between aml_open_resources and aml_close ---- */

/* BASE and SIZE as wide as windows are; what the descriptor cannot say is -ERANGE. */
void aml_resource_io(struct aml *a, uint64_t base, uint64_t size);
void aml_resource_memory(struct aml *a, uint64_t base, uint64_t size);
/* ISA lines: edge, active high. */
void aml_resource_isa_irq(struct aml *a, unsigned irq);
/* Any GSI, active high. */
void aml_resource_interrupt(struct aml *a, uint32_t gsi, int level);

/* What a host bridge passes on to its bus, at the same addresses; SIZE is not 0. */
void aml_resource_buses(struct aml *a, uint64_t first, uint64_t count);
void aml_resource_io_aperture(struct aml *a, uint64_t base, uint64_t size);
void aml_resource_memory_aperture(struct aml *a, uint64_t base, uint64_t size);

#endif
