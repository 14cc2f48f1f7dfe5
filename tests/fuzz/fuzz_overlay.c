/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tree overlays of a plan's: the input is a .dtbo, applied to the trees of two machines. What comes
 * of it is a tree that holds together, or an error.
 */
#include "fdt/fdt.h"
#include "lib/util.h"
#include "vmm/device.h"
#include "vmm/layout_arm64.h"

#include <assert.h>
#include <libfdt.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[FDT_ROOM_MAX] __attribute__((aligned(4096)));

static void device_forget(struct device *dev)
{
	(void)dev;
}

static const struct device_class uart = {
	.name = "uart", .fdt_compatible = "arm,pl011", .destroy = device_forget};

static void apply(unsigned vcpus, const uint8_t *data, size_t size)
{
	struct fdt_request req = {.base = ARM64_RAM_BASE,
		.cmdline = "console=ttyAMA0",
		.overlay = {.path = "a.dtbo", .data = data, .size = size}};
	struct device dev = {.cls = &uart, .name = "UART0"};
	struct diags diags;
	struct machine m;

	assert(!machine_init(&m, GUEST_ARM64, sizeof(memory), vcpus));
	assert(!gmem_add(&m.gmem, ARM64_RAM_BASE, sizeof(memory), memory));
	assert(!machine_add_device(&m, &dev));
	assert(!machine_add_window(&m, WINDOW_MMIO, ARM64_UART0_BASE, 0x1000, &dev, 0));
	machine_assume(&m);
	diags_init(&diags);
	memset(memory, 0, sizeof(struct fdt_header));
	req.room = fdt_room(&m, size);
	if (fdt_build(&m, &req, &diags))
		assert(diags.errors && !memory[0]);
	else
		assert(!fdt_check_full(memory, req.room));
	diags_fini(&diags);
	machine_fini(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	apply(1, data, size);
	apply(3, data, size);
	return 0;
}
