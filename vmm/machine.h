/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * struct machine: the one map of a partition. RAM, MMIO and port windows, devices and their
 * interrupts are recorded here once; e820, multiboot maps, ACPI and the device tree are emitted
 * from it, and exits are dispatched by it. It knows no KVM and no host: the same code builds an
 * x86-64 or an arm64 machine on either host, and in unit tests.
 *
 * Filled in by one thread before the first vCPU starts, constant afterwards (so that a look-up
 * takes no lock); what changes at run time belongs to the devices.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "vmm/gmem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

enum guest_arch {
	GUEST_X86_64,
	GUEST_ARM64,
};

/* What a guest finds when it starts: memory map, tables, registers. */
enum machine_contract {
	MACHINE_STANDARD,
	/* ACRN's safety-certified edition: VM0 and VM1 of docs/contract-fusa.md. */
	MACHINE_FUSA_SAFETY,
	MACHINE_FUSA_NON_SAFETY,
};

/* What a machine is to have: as the plan wishes, and after arch_machine_choose as it is. */
enum machine_wish {
	MACHINE_AUTO, /* if the host has it */
	MACHINE_OFF,
	MACHINE_ON,
};

enum machine_gic {
	MACHINE_GIC_AUTO,
	MACHINE_GIC_V2,
	MACHINE_GIC_V3,
};

/* What may differ between arm64 machines. */
struct machine_arm64 {
	enum machine_gic gic;
	enum machine_wish its, pmu, sve, pauth;
	uint32_t psci; /* as PSCI_VERSION has it, major << 16 | minor; 0: KVM's newest */
};

/* Most vCPUs a partition may have. */
#define MACHINE_VCPUS_MAX 64

/* ---- memory ---- */

enum range_type {
	RANGE_RAM,      /* the guest's to use */
	RANGE_RESERVED, /* backed by memory, but kept from the guest's allocator: firmware tables */
	RANGE_MAPPED,   /* memory of somebody else: see struct machine_mapping */
};

struct machine_range {
	gpa_t base;
	uint64_t size; /* bytes, a multiple of 4 KiB */
	enum range_type type;
};

/* Bytes that something was put into before the start: an image, a table, the command line. */
struct machine_claim {
	gpa_t base;
	uint64_t size;
	char what[64]; /* for messages: "ACPI tables", "initrd" */
};

/*
 * Host memory that is not the partition's RAM: a page that the supervisor writes, memory shared
 * with another partition. Devices do not reach it: it is no place for their buffers.
 */
struct machine_mapping {
	gpa_t base;
	uint64_t size;
	void *hva;     /* owned by whoever added it; outlives the VM */
	bool readonly; /* a guest's write is a violation */
	char what[32]; /* for messages: "status page" */
};

/*
 * Host memory that a device shows the guest where the guest wants it: behind a BAR. Nowhere until
 * services.memory_set; where it is, KVM lets the guest through, and the device's window, in which
 * that is, sees the accesses that memory does not take: writes where it is read-only.
 */
struct machine_device_memory {
	uint64_t size; /* bytes */
	void *hva;     /* owned by whoever added it; outlives the VM */
	bool readonly;
};

/* ---- windows: addresses that devices answer ---- */

enum window_space {
	WINDOW_PORT, /* x86 I/O ports */
	WINDOW_MMIO,
	/*
	 * arm64 hypercalls: function numbers, the low 16 bits of a call of the vendor-specific
	 * hypervisor services [SMCCC 1.5 2.5.1].
	 */
	WINDOW_CALL,
};

struct machine_window {
	enum window_space space;
	uint64_t base;
	uint64_t size;
	struct device *dev;
	unsigned index; /* which of the device's windows this is */
};

struct machine_irq {
	struct device *dev;
	uint32_t gsi; /* x86: IOAPIC pin = ISA IRQ; arm64: SPI number */
	bool level;   /* else edge; always active high */
};

/* ---- PCI: where the host bridge is; NULL `host`: there is none ---- */

enum machine_pci_space { MACHINE_PCI_IO, MACHINE_PCI_MEM32, MACHINE_PCI_MEM64 };
#define MACHINE_PCI_SPACES 3
#define MACHINE_PCI_LINES  4

/* Addresses of a space of the bus that the processor reaches. */
struct machine_pci_aperture {
	enum window_space window; /* where the processor finds them */
	uint64_t base;
	uint64_t bus_base; /* the same place, as functions have it in their BARs */
	uint64_t size;     /* bytes; 0: the machine has no such aperture */
};

struct machine_pci {
	struct device *host;
	gpa_t ecam;     /* of bus 0 */
	unsigned buses; /* that are there: bus 0 to this less 1, 1 MiB of ECAM each */
	struct machine_pci_aperture apertures[MACHINE_PCI_SPACES];
	/* Level-triggered: pin P (INTA being 0) of device D is on line (D + P) % 4. */
	uint32_t gsis[MACHINE_PCI_LINES];
};

/* ---- interrupts and notifications that no vCPU thread sees ---- */

/* What a function writes, and where, to interrupt [PCI 3.0 6.8.1.3, 6.8.1.4]. */
struct machine_msi_message {
	uint64_t address;
	uint32_t data;
	uint32_t device_id; /* bus << 8 | device << 3 | function: what an ITS tells them apart by */
};

/* One vector of MSI or MSI-X. Who interrupts writes to EVENT_FD, from any thread or process. */
struct machine_msi {
	int event_fd; /* owned; does not block */
};

/* One register that a guest's driver writes to notify. EVENT_FD becomes readable. */
struct machine_doorbell {
	int event_fd; /* owned; does not block */
};

/* Where a doorbell is, in the guest's address space, and which writes ring it. */
struct machine_doorbell_place {
	enum window_space space; /* WINDOW_PORT or WINDOW_MMIO */
	uint64_t address;
	unsigned size; /* 1, 2, 4 or 8; 0: writes of any size, to memory only */
	bool has_data; /* only writes of DATA; with a SIZE alone */
	uint64_t data;
};

/* ---- what devices may ask of the partition ---- */

enum end_kind {
	END_POWER_OFF,      /* the guest switched itself off */
	END_RESET,          /* the guest asked for a reset */
	END_EXIT_CODE,      /* the guest gave an exit code, 0 meaning success */
	END_PANIC,          /* the guest's kernel says that it has panicked */
	END_TRIPLE_FAULT,   /* from here on: fatal errors of the design */
	END_INTERNAL_ERROR, /* KVM could not go on: emulation failure and the like */
	END_FAIL_ENTRY,     /* the processor refused the guest state */
	END_UNKNOWN_EXIT,   /* an exit that no handler claims */
	END_MONITOR_ERROR,  /* we failed */
	END_VIOLATION,      /* an access outside the partition, where that is fatal */
	END_WATCHDOG,       /* a heartbeat was missed */
};

/*
 * Services, called by devices from whichever thread runs them; they do not block. CTX is the
 * context of the struct.
 */
struct machine_services {
	void *ctx;
	/* Drives the interrupt line GSI. */
	void (*irq_set)(void *ctx, uint32_t gsi, bool asserted);
	/*
	 * x86: whether the interval timer drives line 0; an HPET takes it for itself. NULL: there
	 * is none.
	 */
	void (*pit_set)(void *ctx, bool connected);
	/*
	 * The MSI INDEX is sent as MSG from now on; NULL: it is masked, or off. What is written to
	 * its event_fd meanwhile stays there, which is the vector's pending bit: readable is
	 * pending. It is delivered as soon as there is a message again. 0 or a negative errno: it
	 * is masked then.
	 */
	int (*msi_set)(void *ctx, unsigned index, const struct machine_msi_message *msg);
	/*
	 * The doorbell INDEX is at PLACE from now on, and nowhere else; NULL: nowhere. A write that
	 * rings it reaches no device. 0 or a negative errno: it is nowhere then, and the device
	 * sees the writes itself.
	 */
	int (*doorbell_set)(void *ctx, unsigned index, const struct machine_doorbell_place *place);
	/*
	 * The device memory INDEX is at BASE from now on, and nowhere else; NULL: nowhere. 0 or a
	 * negative errno: it is nowhere then, and the device sees all accesses itself.
	 */
	int (*memory_set)(void *ctx, unsigned index, const gpa_t *base);
	/* Ends the partition; the first call wins. HOW is static text: "ACPI sleep register". */
	void (*end)(void *ctx, enum end_kind kind, uint32_t code, const char *how);
	/*
	 * Passes a line that the guest wants its user to read, SIZE bytes of anything, to whoever
	 * runs the partition. Dropped, and counted, when lines come faster than they are taken.
	 */
	void (*log)(void *ctx, const char *text, size_t size);
};

#define MACHINE_RANGES_MAX   16
#define MACHINE_MAPPINGS_MAX 8
#define MACHINE_CLAIMS_MAX   192
#define MACHINE_WINDOWS_MAX  64
#define MACHINE_IRQS_MAX     64
#define MACHINE_DEVICES_MAX  64
/*
 * 32 functions with 4 queues each, and as many vectors again for what is shared with other
 * partitions, whose doorbells are one for each vector of each peer: 12 peers with 16 vectors, and
 * some more. Each is a descriptor of what a process may have open (partition/lockdown.c).
 */
#define MACHINE_MSIS_MAX      256
#define MACHINE_DOORBELLS_MAX 384
#define MACHINE_MEMORIES_MAX  80 /* 5 for each of 16 devices */

struct machine {
	enum guest_arch arch;
	enum machine_contract contract;
	unsigned vcpus; /* 1..MACHINE_VCPUS_MAX; vCPU i has APIC id i, or MPIDR arm64_mpidr(i) */
	bool dedicated; /* each vCPU has a host core to itself: it never waits for another */
	bool nested;    /* the guest may run guests of its own */
	bool bios_pic;  /* x86: PICs and interval timer are as a PC's BIOS leaves them */
	struct machine_arm64 arm64;

	struct machine_range ranges[MACHINE_RANGES_MAX]; /* by ascending base */
	unsigned range_count;
	struct machine_mapping mappings[MACHINE_MAPPINGS_MAX];
	unsigned mapping_count;
	struct machine_claim claims[MACHINE_CLAIMS_MAX];
	unsigned claim_count;
	struct machine_window windows[MACHINE_WINDOWS_MAX]; /* by space, then ascending base */
	unsigned window_count;
	struct machine_irq irqs[MACHINE_IRQS_MAX];
	unsigned irq_count;
	struct device *devices[MACHINE_DEVICES_MAX]; /* owned */
	unsigned device_count;
	struct machine_pci pci;
	struct machine_msi msis[MACHINE_MSIS_MAX];
	unsigned msi_count;
	struct machine_doorbell doorbells[MACHINE_DOORBELLS_MAX];
	unsigned doorbell_count;
	struct machine_device_memory memories[MACHINE_MEMORIES_MAX];
	unsigned memory_count;

	struct machine_services services;
	struct gmem gmem; /* slots are added by whoever allocates the memory */
};

/*
 * Lays out the RAM of the standard contract (vmm/layout_*.h); no devices yet. RAM_SIZE
 * in bytes counts guest RAM from the first byte to the last: on x86 the hole for the legacy area is
 * not given back. 0; -EINVAL when VCPUS is out of range, or RAM_SIZE is not a multiple of 4 KiB of
 * at least MACHINE_RAM_MIN; -ERANGE when it is more than MACHINE_RAM_MAX.
 */
#define MACHINE_RAM_MIN (2 * 1024 * 1024)
#define MACHINE_RAM_MAX ((uint64_t)240 << 30)
int machine_init(struct machine *m, enum guest_arch arch, uint64_t ram_size, unsigned vcpus);

/*
 * The same for the fusa contract, whose RAM is one piece with a reserved part below 1 MiB; CONTRACT
 * is one of its two. -EINVAL also when the safety partition has more than one vCPU: INIT and SIPI
 * are dropped there, so that no other could ever start. -ERANGE above MACHINE_FUSA_RAM_MAX.
 */
#define MACHINE_FUSA_RAM_MAX ((uint64_t)2 << 30)
int machine_init_fusa(
	struct machine *m, enum machine_contract contract, uint64_t ram_size, unsigned vcpus);

static inline bool machine_is_fusa(const struct machine *m)
{
	return m->contract != MACHINE_STANDARD;
}

/* PCI's messages go to a GICv2m frame: an arm64 machine that has no ITS for them. */
static inline bool machine_has_v2m(const struct machine *m)
{
	return m->arch == GUEST_ARM64 && m->pci.host && m->arm64.its != MACHINE_ON;
}

/*
 * Decides what the plan has left open without asking a host, for a machine that will not run: as a
 * host with GICv3, ITS and PMU would have it.
 */
void machine_assume(struct machine *m);

/* "GICv3 with ITS, PSCI 1.1, PMU", or "" on x86, once everything is decided. Returns BUF. */
#define MACHINE_CHOICE_MAX 80
char *machine_describe_choice(const struct machine *m, char buf[MACHINE_CHOICE_MAX]);

/* Starts the devices (struct device_class): 0, or what the first that could not be returned. */
int machine_start(struct machine *m);

/* Destroys the devices. Legal on a zeroed machine. */
void machine_fini(struct machine *m);

/* Appends a range. 0, -EEXIST when it overlaps one, -ENOSPC. Keeps the ranges sorted. */
int machine_add_range(struct machine *m, gpa_t base, uint64_t size, enum range_type type);

/*
 * Shows the guest SIZE bytes at HVA from BASE on, which its memory map calls reserved. After the
 * RAM has been allocated, before vm_create. 0; -EINVAL when BASE, SIZE or HVA is not page-aligned
 * or the range is empty or wraps; -EEXIST when it overlaps memory, a device's window or an APIC or
 * page of KVM's own; -ENOSPC.
 */
int machine_add_mapping(
	struct machine *m, gpa_t base, uint64_t size, void *hva, bool readonly, const char *what);

/* The mapping that holds ADDR, or NULL. Any thread. */
const struct machine_mapping *machine_find_mapping(const struct machine *m, gpa_t addr);

/*
 * Takes [base, base + size) for WHAT. 0; -EFAULT when it is not wholly inside RAM or one reserved
 * range; -EEXIST when something else has a byte of it (*RET_OTHER, if asked for, says who);
 * -ENOSPC when there are too many claims.
 */
int machine_claim(struct machine *m, gpa_t base, uint64_t size, const char *what,
	const struct machine_claim **ret_other);

/*
 * Finds and takes SIZE bytes of unclaimed RAM, aligned to ALIGN (a power of two), wholly inside
 * [min, max], max being the last usable byte: the lowest such place, or with HIGHEST the highest.
 * 0, -ENOMEM when there is none, -ENOSPC. *RET_BASE is the place.
 */
struct machine_search {
	uint64_t size;
	uint64_t align;
	gpa_t min;
	gpa_t max;
	bool highest;
};
int machine_place(
	struct machine *m, const struct machine_search *search, const char *what, gpa_t *ret_base);

/* End of RAM below 4 GiB: the first byte after it. */
gpa_t machine_ram_end_low(const struct machine *m);

/* Adds a device; the machine owns it from here on. -ENOSPC when there are too many. */
int machine_add_device(struct machine *m, struct device *dev);

/* Gives DEV a window. 0, -EEXIST when it overlaps another window or RAM, -EINVAL, -ENOSPC. */
int machine_add_window(struct machine *m, enum window_space space, uint64_t base, uint64_t size,
	struct device *dev, unsigned index);

/* Gives DEV an interrupt line. 0, -EEXIST when another device has it, -ENOSPC. */
int machine_add_irq(struct machine *m, struct device *dev, uint32_t gsi, bool level);

/*
 * Makes an MSI, or a doorbell, whose eventfd is the machine's; nothing is on until the services say
 * so. 0; -ENOSPC when there are too many; -EMFILE and the like when the host has no eventfd.
 */
int machine_add_msi(struct machine *m, unsigned *ret_index);
int machine_add_doorbell(struct machine *m, unsigned *ret_index);

/*
 * Gives them EVENT_FD in place of their own, before the start: that of another partition's
 * doorbell, or MSI, so that one rings the other without a process between. It does not block
 * (O_NONBLOCK), and is the machine's from here on.
 */
void machine_share_msi(struct machine *m, unsigned index, int event_fd);
void machine_share_doorbell(struct machine *m, unsigned index, int event_fd);

/* Makes a device memory, which is nowhere. 0; -EINVAL when it has no or half pages; -ENOSPC. */
int machine_add_memory(
	struct machine *m, uint64_t size, void *hva, bool readonly, unsigned *ret_index);

/* The window that holds ADDR, or NULL. Any thread. */
const struct machine_window *machine_find_window(
	const struct machine *m, enum window_space space, uint64_t addr);

/*
 * An access of a vCPU to ADDR, SIZE from 1 to 8: dispatched to the device, which sees it as one
 * access when it lies in one window (as single bytes when SIZE is not one of 1, 2, 4, 8). False
 * when nobody claims the address: a read then gives all-ones, a write is dropped. Any thread.
 */
bool machine_read(const struct machine *m, enum window_space space, uint64_t addr, unsigned size,
	uint64_t *ret);
bool machine_write(const struct machine *m, enum window_space space, uint64_t addr, unsigned size,
	uint64_t value);

/*
 * A hypercall of a vCPU: ARGS are its X1 to X6, RET_RESULTS what goes into X0 to X3. False when no
 * device has that function, with RET_RESULTS untouched. Any thread.
 */
#define MACHINE_CALL_ARGS    6
#define MACHINE_CALL_RESULTS 4
bool machine_call(const struct machine *m, uint16_t function,
	const uint64_t args[MACHINE_CALL_ARGS], uint64_t ret_results[MACHINE_CALL_RESULTS]);

#endif
