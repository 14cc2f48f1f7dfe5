/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Images: the input is a file, loaded as what it is recognised as and as every type that a plan may
 * state. Whatever it is, the loader ends with an error or with a state that holds together.
 */
#include "lib/util.h"
#include "loader/loader.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

#include <assert.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM  (4 * MIB)
#define ROOM (16 * KIB)

static uint8_t *memory(void)
{
	static uint8_t *p;

	if (!p) {
		p = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert(p != MAP_FAILED);
	}
	return p;
}

static void check_entry(const struct machine *m, const struct entry_state *e)
{
	if (m->arch == GUEST_X86_64) {
		assert(e->pc <= UINT32_MAX && e->mode == ENTRY_X86_PROTECTED);
		assert(gmem_slice(&m->gmem, e->x86.gdt, e->x86.gdt_limit + 1u));
		return;
	}
	assert(e->mode == ENTRY_ARM64 && e->arm64.dtb_room == ROOM);
	assert(gmem_slice(&m->gmem, e->arm64.dtb, ROOM) && e->arm64.dtb % 8 == 0);
	assert(e->arm64.dtb / (2 * MIB) == (e->arm64.dtb + ROOM - 1) / (2 * MIB));
	assert(gmem_slice(&m->gmem, e->arm64.initrd, e->arm64.initrd_size));
}

static void check_loaded(const struct machine *m, const struct entry_state *e)
{
	assert(gmem_slice(&m->gmem, e->pc, 1));
	check_entry(m, e);
	for (unsigned i = 0; i < m->claim_count; i++) {
		for (unsigned j = 0; j < i; j++)
			assert(!ranges_overlap(m->claims[i].base, m->claims[i].size,
				m->claims[j].base, m->claims[j].size));
	}
}

static void run(struct machine *m, const struct loader_request *req)
{
	struct entry_state entry;
	struct diags diags;

	diags_init(&diags);
	if (loader_load(m, req, &entry, &diags))
		assert(diags.errors);
	else
		check_loaded(m, &entry);
	diags_fini(&diags);
	machine_fini(m);
}

static const uint8_t other[5000] = {1, 2, 3};
static const struct loader_file other_file = {
	.path = "dir/other", .data = other, .size = sizeof(other), .string = "arg"};

static void load_as(enum image_type type, const uint8_t *data, size_t size)
{
	enum image_type real = type == IMAGE_AUTO ? image_type_detect(data, size) : type;
	struct loader_request req = {.type = type,
		.image = {.path = "dir/image", .data = data, .size = size, .string = ""},
		.cmdline = {.string = ""},
		.load_address = X86_HIGH_RAM_BASE,
		.entry = X86_HIGH_RAM_BASE,
		.acpi_rsdp = X86_ACPI_RSDP};
	struct machine m;

	assert(!machine_init(&m, GUEST_X86_64, RAM, 1));
	assert(!gmem_add(&m.gmem, 0, RAM, memory()));
	assert(!machine_claim(&m, X86_ACPI_RSDP, 0x600, "ACPI tables", NULL));
	if (real == IMAGE_BZIMAGE)
		req.initrd = &other_file;
	if (real == IMAGE_MULTIBOOT || real == IMAGE_MULTIBOOT2) {
		req.modules = &other_file;
		req.module_count = 1;
	}
	if (real != IMAGE_ELF && real != IMAGE_RAW)
		req.cmdline.string = "console=ttyS0";
	run(&m, &req);
}

/* On an arm64 machine; raw images at the start of RAM, where the tree would go. */
static void load_arm64(enum image_type type, const uint8_t *data, size_t size)
{
	struct loader_request req = {.type = type,
		.image = {.path = "dir/image", .data = data, .size = size, .string = ""},
		.initrd = &other_file,
		.cmdline = {.string = "console=ttyAMA0"},
		.load_address = ARM64_RAM_BASE,
		.entry = ARM64_RAM_BASE,
		.dtb_room = ROOM};
	struct machine m;

	assert(!machine_init(&m, GUEST_ARM64, RAM, 1));
	assert(!gmem_add(&m.gmem, ARM64_RAM_BASE, RAM, memory()));
	run(&m, &req);
}

/* As the image of one of the fusa contract's VMs. */
static void load_fusa(enum machine_contract contract, const uint8_t *data, size_t size)
{
	struct loader_request req = {
		.image = {.path = "dir/image", .data = data, .size = size, .string = ""},
		.cmdline = {.string = contract == MACHINE_FUSA_SAFETY ? "" : "console=ttyS0"}};
	struct machine m;

	assert(!machine_init_fusa(&m, contract, RAM, 1));
	assert(!gmem_add(&m.gmem, 0, RAM, memory()));
	run(&m, &req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum image_type type = IMAGE_AUTO; type <= IMAGE_RAW; type++)
		load_as(type, data, size);
	for (enum image_type type = IMAGE_AUTO; type <= IMAGE_RAW; type++)
		load_arm64(type, data, size);
	load_fusa(MACHINE_FUSA_SAFETY, data, size);
	load_fusa(MACHINE_FUSA_NON_SAFETY, data, size);
	return 0;
}
