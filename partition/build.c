/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/build.h"

#include "acpi/acpi.h"
#include "acpi/mptable.h"
#include "devices/registry.h"
#include "devices/testdev/fw_cfg.h"
#include "devices/testdev/pvpanic.h"
#include "fdt/fdt.h"
#include "include/bulkhead/status.h"
#include "lib/size.h"
#include "lib/util.h"
#include "loader/loader.h"
#include "partition/choice.h"
#include "partition/devices.h"
#include "vmm/device.h"
#include "vmm/layout_arm64.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

static_assert(PLAN_LOAD_ADDRESS_ARM64 == ARM64_RAM_BASE + ARM64_RAW_OFFSET, "as QEMU loads them");
static_assert(PLAN_STATUS_IRQ_MAX_ARM64 < ARM64_SPIS, "all of them are there");

/* One step's view of the work. */
struct builder {
	const struct partition_request *req;
	const struct plan_partition *plan;
	struct diags *diags;
	struct partition_build *b;
};

void partition_files_unmap(struct partition_files *files)
{
	file_unmap(&files->image);
	file_unmap(&files->initrd);
	file_unmap(&files->overlay);
	for (unsigned i = 0; i < PLAN_MODULES_MAX; i++)
		file_unmap(&files->modules[i]);
}

/* ---- memory ---- */

/* Says what to do about memory that the host did not give. */
static const char *memory_remedy(const struct plan_partition *p, int error)
{
	if (error == -EFBIG)
		return diag_remedy(EFBIG);
	if (p->hugepages != PLAN_HUGEPAGES_NONE)
		return "reserve more huge pages of that size (vm.nr_hugepages, or hugepages= on the "
		       "host's command line), or set memory.hugepages: none";
	if (p->lock && (error == -EPERM || error == -EAGAIN || error == -ENOMEM))
		return "raise the locked-memory limit (ulimit -l) above it, give it less memory, or set "
		       "memory.lock: false";
	return "give it less memory";
}

/* VM_MEMORY_ flags. A back-end of vhost-user maps the guest's memory. */
static unsigned memory_flags(const struct builder *w)
{
	const struct plan_partition *p = w->plan;
	unsigned flags = p->lock && !w->req->dry ? VM_MEMORY_LOCKED : 0;

	for (unsigned i = 0; i < p->device_count; i++) {
		if (p->devices[i].type == PLAN_DEVICE_FS)
			flags |= VM_MEMORY_SHARED;
	}
	return flags;
}

static int build_memory(struct builder *w)
{
	static const enum vm_pages pages[] = {
		[PLAN_HUGEPAGES_NONE] = VM_PAGES_ANY,
		[PLAN_HUGEPAGES_2M] = VM_PAGES_2M,
		[PLAN_HUGEPAGES_1G] = VM_PAGES_1G,
	};
	const struct plan_partition *p = w->plan;
	char field[PLAN_FIELD_MAX], size[QUANTITY_MAX];
	const char *what;
	int ret;

	if (p->contract == PLAN_FUSA)
		ret = machine_init_fusa(&w->b->machine,
			p->role == PLAN_SAFETY ? MACHINE_FUSA_SAFETY : MACHINE_FUSA_NON_SAFETY,
			p->memory, p->cpus.vcpus);
	else
		ret = machine_init(&w->b->machine,
			p->arch == PLAN_ARCH_ARM64 ? GUEST_ARM64 : GUEST_X86_64, p->memory,
			p->cpus.vcpus);
	if (ret) {
		diag_error(w->diags, &p->locs[PLAN_KEY_MEMORY], plan_field(p, "memory", field),
			"no machine has %s of memory and %u vCPUs; change either",
			format_size(p->memory, size), p->cpus.vcpus);
		return -EINVAL;
	}
	w->b->machine.dedicated = !p->cpus.shared;
	w->b->machine.bios_pic = plan_machine_has(p, PLAN_PART_BIOS_PIC);
	ret = vm_memory_create(&w->b->machine, w->req->dry ? VM_PAGES_ANY : pages[p->hugepages],
		memory_flags(w), &w->b->memory, &what);
	if (ret)
		diag_error(w->diags, &p->locs[PLAN_KEY_MEMORY], plan_field(p, "memory", field),
			"the host does not give %s (%s: %s); %s", format_size(p->memory, size),
			what, strerror(-ret), memory_remedy(p, ret));
	return ret == -EINVAL ? -EIO : ret;
}

/* ---- devices and tables ---- */

/* What only a mistake of ours can be the reason of. */
static int defect(struct builder *w, const char *what, int error)
{
	diag_error(w->diags, &w->plan->locs[PLAN_KEY_PARTITION], w->plan->name,
		"%s cannot be made: %s; this is a defect of Bulkhead, please report it with this plan",
		what, strerror(-error));
	return -EIO;
}

static int build_devices(struct builder *w)
{
	struct devices_config config = {
		.serial = {w->req->ports[0], w->req->ports[1]},
		.rtc = w->req->rtc,
		.debug = w->plan->debug,
		.pci = partition_wants_pci(w->plan),
		.pvpanic = plan_machine_has(w->plan, PLAN_PART_PVPANIC),
		.fw_cfg = plan_machine_has(w->plan, PLAN_PART_FW_CFG),
		.chr_testdev = plan_machine_has(w->plan, PLAN_PART_CHR_TESTDEV),
		.debug_port = plan_machine_has(w->plan, PLAN_PART_DEBUG_PORT),
		.test_ports = plan_machine_has(w->plan, PLAN_PART_TEST_PORTS),
		.hpet = plan_machine_has(w->plan, PLAN_PART_HPET),
		.loop = w->req->loop,
	};
	struct partition_shared *shared = w->req->shared;
	int ret;

	config.control.watchdog_us = (uint32_t)(w->plan->watchdog_ns / 1000);
	if (shared) {
		config.control.beats = &shared->beats;
		config.control.last_beat_ns = &shared->last_beat_ns;
		config.control.longest_gap_ns = &shared->longest_gap_ns;
		config.control.locked = &shared->locked;
		config.control.stop_request = &shared->stop_request;
		config.control.stop_reply = &shared->stop_reply;
	}
	ret = devices_create(&w->b->machine, &config);
	return ret ? defect(w, "its devices", ret) : 0;
}

static int build_plan_devices(struct builder *w)
{
	const struct partition_devices req = {
		.plan = w->plan,
		.loop = w->req->loop,
		.ports = w->req->ports,
		.fds = w->req->device_fds,
		.mtus = w->req->device_mtus,
		.region_fds = w->req->region_fds,
		.notices = w->req->notices,
		.memory = {.fd = w->b->memory.fd, .data = w->b->memory.hva},
		.ret_disk_threads = &w->b->disk_threads,
	};

	int ret = partition_add_devices(&req, &w->b->machine, w->diags);

	if (ret || !plan_machine_has(w->plan, PLAN_PART_PVPANIC))
		return ret;
	/* After those that have a slot of the plan's. */
	ret = pvpanic_pci_create(&w->b->machine);
	return ret ? defect(w, "its pvpanic", ret) : 0;
}

static int build_acpi(struct builder *w)
{
	int ret;

	if (w->plan->arch != PLAN_ARCH_X86_64)
		return 0;
	ret = acpi_build(&w->b->machine, &w->b->rsdp);
	if (!ret && plan_machine_has(w->plan, PLAN_PART_MP_TABLE))
		ret = mptable_build(&w->b->machine);
	return ret ? defect(w, "its firmware tables", ret) : 0;
}

/* A page of zeros, for a machine that will not run. */
static uint8_t no_status[BULKHEAD_STATUS_SIZE] __attribute__((aligned(BULKHEAD_STATUS_SIZE)));

static int build_status_page(struct builder *w)
{
	const struct plan_partition *p = w->plan;
	const struct diag_loc *loc = &p->locs[PLAN_KEY_STATUS_PAGE];
	struct machine *m = &w->b->machine;
	char field[PLAN_FIELD_MAX];
	int ret;

	if (!p->status_page)
		return 0;
	ret = machine_add_mapping(m, p->status_page, BULKHEAD_STATUS_SIZE,
		w->req->status ? w->req->status : no_status, true, "status page");
	if (ret) {
		diag_error(w->diags, loc, plan_field(p, "status_page.address", field),
			"0x%" PRIx64 " is %s; give the address of a page that is free, such as %s",
			p->status_page,
			ret == -EEXIST ? "taken by memory or a device" : "no place for a page",
			p->arch == PLAN_ARCH_ARM64 ? "0x9ff0000" : "0xfed80000");
		return -EINVAL;
	}
	for (unsigned i = 0; i < m->irq_count; i++) {
		if (m->irqs[i].gsi != p->status_irq)
			continue;
		diag_error(w->diags, loc, plan_field(p, "status_page.irq", field),
			"%s has line %u; give another, such as 10", m->irqs[i].dev->name,
			p->status_irq);
		return -EINVAL;
	}
	/* PCI functions get these from the guest, one at a time. */
	if (machine_has_v2m(m) && p->status_irq >= ARM64_V2M_SPI &&
		p->status_irq < ARM64_V2M_SPI + ARM64_V2M_SPIS) {
		diag_error(w->diags, loc, plan_field(p, "status_page.irq", field),
			"%u is one of the messages of PCI functions, %d to %d; give another, such as 10",
			p->status_irq, ARM64_V2M_SPI, ARM64_V2M_SPI + ARM64_V2M_SPIS - 1);
		return -EINVAL;
	}
	return 0;
}

/* ---- images ---- */

static struct loader_file loader_file(const struct plan_partition *p, enum plan_key key,
	const char *path, const struct file_map *map)
{
	return (struct loader_file){
		.path = path,
		.loc = p->locs[key],
		.data = map ? map->data : NULL,
		.size = map ? map->size : 0,
		.string = "",
	};
}

static int build_load(struct builder *w)
{
	static const enum image_type types[] = {
		[PLAN_IMAGE_AUTO] = IMAGE_AUTO,
		[PLAN_IMAGE_MULTIBOOT] = IMAGE_MULTIBOOT,
		[PLAN_IMAGE_MULTIBOOT2] = IMAGE_MULTIBOOT2,
		[PLAN_IMAGE_ELF] = IMAGE_ELF,
		[PLAN_IMAGE_BZIMAGE] = IMAGE_BZIMAGE,
		[PLAN_IMAGE_RAW] = IMAGE_RAW,
		[PLAN_IMAGE_ARM64] = IMAGE_ARM64,
	};
	const struct plan_partition *p = w->plan;
	const struct partition_files *files = w->req->files;
	char fields[4][PLAN_FIELD_MAX];
	struct loader_file modules[PLAN_MODULES_MAX];
	struct loader_file initrd = loader_file(p, PLAN_KEY_INITRD, p->initrd, &files->initrd);
	struct loader_request req = {
		.image = loader_file(p, PLAN_KEY_IMAGE, p->image, &files->image),
		.type = types[p->image_type],
		.initrd = p->initrd ? &initrd : NULL,
		.modules = modules,
		.module_count = p->module_count,
		.cmdline = loader_file(p, PLAN_KEY_CMDLINE, NULL, NULL),
		.load_address = p->load_address,
		.entry = p->entry,
		.acpi_rsdp = w->b->rsdp,
	};

	if (p->arch == PLAN_ARCH_ARM64)
		req.dtb_room = fdt_room(&w->b->machine, files->overlay.size);
	req.image.field = plan_field(p, "image", fields[0]);
	initrd.field = plan_field(p, "initrd", fields[1]);
	req.cmdline.field = plan_field(p, "cmdline", fields[2]);
	req.cmdline.string = p->cmdline;
	plan_field(p, "modules", fields[3]);
	for (unsigned i = 0; i < p->module_count; i++) {
		modules[i] =
			loader_file(p, PLAN_KEY_MODULES, p->modules[i].path, &files->modules[i]);
		modules[i].loc = p->modules[i].loc;
		modules[i].field = fields[3];
		modules[i].string = p->modules[i].string;
	}
	return loader_load(&w->b->machine, &req, &w->b->entry, w->diags);
}

/* What it is told of its files. */
static int build_fw_cfg(struct builder *w)
{
	const struct partition_files *files = w->req->files;
	const struct fw_cfg_boot boot = {.kernel = files->image.data,
		.kernel_size = files->image.size,
		.initrd = files->initrd.data,
		.initrd_size = files->initrd.size,
		.cmdline = w->plan->cmdline};
	int ret = fw_cfg_add_boot(&w->b->machine, &boot);

	return ret ? defect(w, "its fw_cfg", ret) : 0;
}

/* Its first bytes of randomness; a machine that will not run can do without. */
static int seed(struct fdt_request *req)
{
	if (getrandom(&req->kaslr_seed, sizeof(req->kaslr_seed), 0) != sizeof(req->kaslr_seed) ||
		getrandom(req->rng_seed, sizeof(req->rng_seed), 0) != sizeof(req->rng_seed))
		return -EIO;
	return 0;
}

/* The device tree, which tells where the images have been put. */
static int build_tree(struct builder *w)
{
	const struct plan_partition *p = w->plan;
	const struct file_map *overlay = &w->req->files->overlay;
	const struct entry_state *entry = &w->b->entry;
	char field[PLAN_FIELD_MAX];
	struct fdt_request req = {
		.base = entry->arm64.dtb,
		.room = entry->arm64.dtb_room,
		.cmdline = p->cmdline,
		.initrd = entry->arm64.initrd,
		.initrd_size = entry->arm64.initrd_size,
		.overlay = {.data = overlay->data,
			.size = overlay->size,
			.path = p->arm64.overlay,
			.loc = p->locs[PLAN_KEY_OVERLAY],
			.field = plan_field(p, "arm64.overlay", field)},
	};

	if (!w->req->dry && seed(&req)) {
		diag_error(w->diags, &p->locs[PLAN_KEY_PARTITION], p->name,
			"the host gives no random numbers (getrandom); use a newer kernel");
		return -EIO;
	}
	return fdt_build(&w->b->machine, &req, w->diags);
}

int partition_build_memory(
	const struct partition_request *req, struct diags *diags, struct partition_build *ret_build)
{
	struct builder w = {.req = req, .plan = req->plan, .diags = diags, .b = ret_build};

	memset(ret_build, 0, sizeof(*ret_build));
	ret_build->memory.fd = -1;
	return build_memory(&w);
}

int partition_build_machine(
	const struct partition_request *req, struct diags *diags, struct partition_build *b)
{
	struct builder w = {.req = req, .plan = req->plan, .diags = diags, .b = b};
	int ret = choice_make(w.plan, req->kvm_fd, &b->machine, diags);

	if (!ret)
		ret = build_devices(&w);
	if (!ret)
		ret = build_plan_devices(&w);
	if (!ret)
		ret = build_acpi(&w);
	return ret ?: build_status_page(&w);
}

int partition_build_load(
	const struct partition_request *req, struct diags *diags, struct partition_build *b)
{
	struct builder w = {.req = req, .plan = req->plan, .diags = diags, .b = b};
	int ret = build_load(&w);

	if (!ret && plan_machine_has(w.plan, PLAN_PART_FW_CFG))
		ret = build_fw_cfg(&w);
	if (!ret && w.plan->arch == PLAN_ARCH_ARM64)
		ret = build_tree(&w);
	return ret;
}

void partition_build_fini(struct partition_build *b)
{
	machine_fini(&b->machine);
	vm_memory_destroy(&b->memory);
}
