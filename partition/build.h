/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a partition's plan and the bytes of its files to a machine that is ready to run: RAM,
 * devices, firmware tables, loaded images, entry state. Uses no KVM, so that `check` does exactly
 * what `run` does. One thread.
 */
#ifndef PARTITION_BUILD_H
#define PARTITION_BUILD_H

#include "devices/chardev.h"
#include "devices/notice.h"
#include "devices/rtc.h"
#include "lib/diag.h"
#include "lib/file.h"
#include "lib/loop.h"
#include "partition/protocol.h"
#include "plan/plan.h"
#include "vmm/entry.h"
#include "vmm/machine.h"
#include "vmm/vm.h"

/* The files a plan names, mapped. */
struct partition_files {
	struct file_map image;
	struct file_map initrd;  /* empty when the plan has none */
	struct file_map overlay; /* of the device tree; empty when the plan has none */
	struct file_map modules[PLAN_MODULES_MAX];
};

void partition_files_unmap(struct partition_files *files);

struct partition_build {
	struct machine machine;
	gpa_t rsdp; /* x86: where the ACPI tables start */
	struct vm_memory memory;
	struct entry_state entry;
	bool disk_threads; /* a disk is served by threads */
};

struct partition_request {
	const struct plan_partition *plan;
	const struct partition_files *files;
	/* Whose KVM decides what the plan leaves open; -1: no host's, it will not run. */
	int kvm_fd;
	/* What is behind the ports, as plan_port numbers them; NULL where there is none. */
	struct chardev *ports[PLAN_PORTS_MAX];
	struct rtc_config rtc; /* zeroed: the host's clock, and nobody waits for alarms */
	/* What the control page shares with the supervisor; NULL: nobody looks. */
	struct partition_shared *shared;
	/* What the plan's devices run with; all NULL: they will not run (partition/devices.h). */
	struct loop *loop;
	const int32_t (*device_fds)[DEVICE_FDS_MAX];
	const uint16_t *device_mtus;
	const int32_t *region_fds;
	const struct notice_sink *notices; /* who hears what they have to say; NULL: nobody */
	/* The status page, BULKHEAD_STATUS_SIZE bytes; NULL: only see whether it has a place. */
	void *status;
	/* Only see whether it can be built: memory is neither locked nor taken from huge pages. */
	bool dry;
};

/*
 * Three steps, in this order: RAM; the rest of the machine, and the tables that describe it; what
 * is in the files. Only the last looks at anything that is not the plan's. It alone needs `files`;
 * what else is in REQ is needed from the second on.
 *
 * 0; or -EINVAL, with the reasons in DIAGS, when the plan or an image is wrong; or another negative
 * errno, also with a reason in DIAGS, when this host cannot. partition_build_fini is legal after
 * any.
 */
int partition_build_memory(const struct partition_request *req, struct diags *diags,
	struct partition_build *ret_build);
int partition_build_machine(
	const struct partition_request *req, struct diags *diags, struct partition_build *b);
int partition_build_load(
	const struct partition_request *req, struct diags *diags, struct partition_build *b);
void partition_build_fini(struct partition_build *b);

#endif
