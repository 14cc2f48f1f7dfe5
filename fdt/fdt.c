/* SPDX-License-Identifier: BSD-3-Clause */
#include "fdt/fdt.h"

#include "fdt/nodes.h"
#include "fdt/overlay.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

/* What a tree takes at most: its fixed part with a command line, a vCPU, a device, a mapping. */
#define ROOM_BASE    (12 * KIB)
#define ROOM_VCPU    320
#define ROOM_DEVICE  512
#define ROOM_MAPPING 256
#define ROOM_PCI     1024

uint64_t fdt_room(const struct machine *m, size_t overlay_size)
{
	uint64_t room = ROOM_BASE + (uint64_t)m->vcpus * ROOM_VCPU +
			(uint64_t)m->device_count * ROOM_DEVICE +
			(uint64_t)m->mapping_count * ROOM_MAPPING + (m->pci.host ? ROOM_PCI : 0);

	/* Names in an overlay may grow: paths of labels do. */
	return align_up(room + 2 * min_u64(overlay_size, FDT_OVERLAY_MAX), 4 * KIB);
}

static bool is_zero(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i])
			return false;
	}
	return true;
}

/* [Linux Documentation/devicetree/usage-model.rst; Devicetree Specification 0.4 3.6] */
static void emit_chosen(struct tree *t, const struct machine *m, const struct fdt_request *req)
{
	char console[TREE_PATH_MAX];

	devices_console(m, console);
	tree_begin(t, "chosen");
	tree_label(t, 0, "chosen");
	if (req->cmdline && *req->cmdline)
		tree_string(t, "bootargs", req->cmdline);
	if (*console)
		tree_string(t, "stdout-path", console);
	if (req->initrd_size) {
		tree_u64(t, "linux,initrd-start", req->initrd);
		tree_u64(t, "linux,initrd-end", req->initrd + req->initrd_size);
	}
	if (req->kaslr_seed)
		tree_u64(t, "kaslr-seed", req->kaslr_seed);
	if (!is_zero(req->rng_seed, sizeof(req->rng_seed)))
		tree_bytes(t, "rng-seed", req->rng_seed, sizeof(req->rng_seed));
	tree_end(t);
}

static void emit_root(struct tree *t, const struct machine *m, const struct fdt_request *req)
{
	tree_begin(t, "%s", "");
	tree_string(t, "model", "Bulkhead");
	TREE_STRINGS(t, "compatible", "bulkhead,partition\0linux,dummy-virt");
	TREE_CELLS(t, "#address-cells", 2);
	TREE_CELLS(t, "#size-cells", 2);
	TREE_CELLS(t, "interrupt-parent", PHANDLE_GIC);
	emit_chosen(t, m, req);
	nodes_emit_memory(t, m);
	nodes_emit_cpus(t, m);
	nodes_emit_psci(t, m);
	nodes_emit_timer(t, m);
	nodes_emit_pmu(t, m);
	nodes_emit_gic(t, m);
	nodes_emit_mappings(t, m);
	devices_emit(t, m);
	pci_emit_node(t, m);
	if (req->overlay.path)
		tree_symbols(t);
	tree_end(t);
}

/* The tree of the machine alone into BUF; 0 or libfdt's error. */
static int emit(const struct machine *m, const struct fdt_request *req, void *buf, size_t size)
{
	AUTO_FREE struct tree *t = malloc(sizeof(*t));

	if (!t)
		return -FDT_ERR_NOSPACE;
	tree_init(t, buf, size);
	emit_root(t, m, req);
	return tree_finish(t);
}

static int refuse(struct diags *diags, const char *why)
{
	diag_error(diags, NULL, NULL,
		"the partition's device tree cannot be made: %s; this is a defect of Bulkhead, please report it with this plan",
		why);
	return -EINVAL;
}

int fdt_build(const struct machine *m, const struct fdt_request *req, struct diags *diags)
{
	AUTO_FREE uint8_t *buf = NULL;
	int ret;

	if (m->arch != GUEST_ARM64 || m->arm64.gic == MACHINE_GIC_AUTO || !m->arm64.psci)
		return refuse(diags, "its machine is not complete");
	if (!req->room || req->room > FDT_ROOM_MAX || !gmem_slice(&m->gmem, req->base, req->room))
		return refuse(diags, "there is no memory for it");
	buf = calloc(1, req->room);
	if (!buf)
		return refuse(diags, "out of memory");
	ret = emit(m, req, buf, req->room);
	if (ret)
		return refuse(diags, fdt_strerror(ret));
	if (req->overlay.path) {
		ret = overlay_apply(buf, req->room, &req->overlay, diags);
		if (ret)
			return ret;
	}
	memcpy(gmem_slice(&m->gmem, req->base, req->room), buf, fdt_totalsize(buf));
	return 0;
}
