/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan: what one run consists of, resolved from YAML and overrides, validated, with every
 * default filled in. The keys, their types, defaults and help are one table (plan/schema.c), from
 * which the reference in docs/ and the JSON Schema in configs/ are generated.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "lib/diag.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PLAN_PARTITIONS_MAX 64
#define PLAN_CORES_MAX      1024 /* host core numbers are below this */
#define PLAN_VCPUS_MAX      64
#define PLAN_MODULES_MAX    64
#define PLAN_SERIAL_PORTS   2
#define PLAN_CONSOLE_PORTS  8 /* of all virtio consoles of a partition */
#define PLAN_PORTS_MAX      (PLAN_SERIAL_PORTS + PLAN_CONSOLE_PORTS)
#define PLAN_BSP_FILES_MAX  16

/* What its partitions are. */
enum plan_arch { PLAN_ARCH_X86_64, PLAN_ARCH_ARM64 };
enum plan_role { PLAN_NON_SAFETY, PLAN_SAFETY };
enum plan_contract {
	PLAN_STANDARD,
	PLAN_FUSA, /* that of ACRN's safety-certified edition: docs/contract-fusa.md */
};
enum plan_image_type {
	PLAN_IMAGE_AUTO,
	PLAN_IMAGE_MULTIBOOT,
	PLAN_IMAGE_MULTIBOOT2,
	PLAN_IMAGE_ELF,
	PLAN_IMAGE_BZIMAGE,
	PLAN_IMAGE_RAW,
	PLAN_IMAGE_ARM64, /* a Linux kernel for arm64 */
};
enum plan_hugepages { PLAN_HUGEPAGES_NONE, PLAN_HUGEPAGES_2M, PLAN_HUGEPAGES_1G };
/* Where the bytes of a port come from and go to. The first ones are words of a plan. */
enum plan_port_kind {
	PLAN_PORT_NONE,    /* the port is not there */
	PLAN_PORT_NULL,    /* the port is there; output goes nowhere, no input comes */
	PLAN_PORT_CONSOLE, /* this run's console */
	PLAN_PORT_PTY,     /* a pseudo-terminal, whose name is printed */
	PLAN_PORT_TESTDEV, /* the guest ends by it: docs/testdev.md */
	PLAN_PORT_FILE,    /* output to a file, created or truncated */
	PLAN_PORT_SOCKET,  /* a Unix stream socket, to which one client at a time connects */
	PLAN_PORT_LINK,    /* a serial port of another partition */
};
/* What follows a fatal error of the partition (docs/fatal-errors.md). */
enum plan_on_fatal {
	PLAN_FATAL_STOP,       /* this partition stops, the others go on */
	PLAN_FATAL_SAFE_STATE, /* BSP, safe state; exit code 5 */
	PLAN_FATAL_RESTART,    /* the partition starts anew, up to restart_limit times */
	PLAN_FATAL_PARK_VCPU,  /* the vCPU that met it never runs again; the others go on */
	PLAN_FATAL_SPIN,       /* the same, with its core kept busy */
};
/* What follows an access to what the partition does not have. */
enum plan_on_violation {
	PLAN_VIOLATION_IGNORE, /* reads give all-ones, writes are dropped */
	PLAN_VIOLATION_INJECT, /* the guest gets a fault */
	PLAN_VIOLATION_SERROR, /* arm64: the guest gets an SError, which comes when it comes */
	PLAN_VIOLATION_FATAL,  /* a fatal error */
};
/* What a reset that the guest asks for means. */
enum plan_on_reset {
	PLAN_RESET_FAIL, /* the partition ends as failed: how a panic with panic=-1 looks to CI */
	PLAN_RESET_STOP, /* the partition ends as wanted */
	PLAN_RESET_RESTART, /* it starts anew */
};
/* Whose ways on_fatal and on_violation follow where a partition does not say. */
enum plan_semantics {
	PLAN_SEMANTICS_ACRN,
	PLAN_SEMANTICS_JAILHOUSE,
	PLAN_SEMANTICS_BAO,
	PLAN_SEMANTICS_XEN,
};
enum plan_lockdown {
	PLAN_LOCKDOWN_AUTO,   /* what can be applied is; what cannot is said */
	PLAN_LOCKDOWN_STRICT, /* what cannot be applied is an error */
	PLAN_LOCKDOWN_OFF,
};
/* What machine it is: beside the contract's own, the devices of its kind. */
enum plan_machine_type {
	PLAN_MACHINE_STANDARD,
	PLAN_MACHINE_TESTDEV, /* what test images for QEMU's machines expect: docs/testdev.md */
};
/* The parts that a machine may have or not. */
enum plan_machine_part {
	PLAN_PART_PVPANIC,
	PLAN_PART_FW_CFG,
	PLAN_PART_CHR_TESTDEV, /* of arm64 machines alone */
	/* From here on: of x86 machines alone. */
	PLAN_PART_DEBUG_PORT,
	PLAN_PART_TEST_PORTS,
	PLAN_PART_HPET,
	PLAN_PART_MP_TABLE,
	PLAN_PART_BIOS_PIC,
	PLAN_PART_COUNT,
};
enum plan_bsp_kind { PLAN_BSP_NONE, PLAN_BSP_BUILTIN, PLAN_BSP_FILE };
enum plan_access { PLAN_ACCESS_READ, PLAN_ACCESS_WRITE, PLAN_ACCESS_READ_WRITE };
/* Which partitions the safe state stops. */
enum plan_safe_stop { PLAN_SAFE_STOP_ALL, PLAN_SAFE_STOP_NON_SAFETY };

/* An arm64 machine has its parts as this host's KVM gives them, or as the plan insists. */
enum plan_wish { PLAN_WISH_AUTO, PLAN_WISH_OFF, PLAN_WISH_ON };
enum plan_gic { PLAN_GIC_AUTO, PLAN_GIC_V2, PLAN_GIC_V3 };
enum plan_psci {
	PLAN_PSCI_AUTO,
	PLAN_PSCI_0_2,
	PLAN_PSCI_1_0,
	PLAN_PSCI_1_1,
	PLAN_PSCI_1_2,
	PLAN_PSCI_1_3,
};

/* The last interrupt line that may tell of the status page. */
#define PLAN_STATUS_IRQ_MAX_X86   23
#define PLAN_STATUS_IRQ_MAX_ARM64 223

/* Where raw images go, when the plan does not say. */
#define PLAN_LOAD_ADDRESS_X86   0x100000
#define PLAN_LOAD_ADDRESS_ARM64 0x40080000

/* Keys whose place in the plan is kept for messages made after parsing. */
enum plan_key {
	PLAN_KEY_PARTITION, /* the partition's own name */
	PLAN_KEY_ROLE,
	PLAN_KEY_CONTRACT,
	PLAN_KEY_NESTED,
	PLAN_KEY_ARM64,
	PLAN_KEY_OVERLAY,
	PLAN_KEY_CPUS,
	PLAN_KEY_MEMORY,
	PLAN_KEY_IMAGE,
	PLAN_KEY_CMDLINE,
	PLAN_KEY_INITRD,
	PLAN_KEY_SYMBOLS,
	PLAN_KEY_MODULES,
	PLAN_KEY_SERIAL,
	PLAN_KEY_ON_FATAL,
	PLAN_KEY_ON_VIOLATION,
	PLAN_KEY_WATCHDOG,
	PLAN_KEY_STATUS_PAGE,
	PLAN_KEY_VETO,
	PLAN_KEY_DEVICES,
	PLAN_KEY_MACHINE,
	PLAN_KEY_COUNT,
};

struct plan_module {
	char *path;
	char *string; /* never NULL; empty: the image finds the file's base name */
	struct diag_loc loc;
};

/* A serial port, or a port of a virtio console. */
struct plan_port {
	enum plan_port_kind kind;
	char *path; /* PLAN_PORT_FILE, PLAN_PORT_SOCKET; else NULL */
	char *link; /* PLAN_PORT_LINK: "linux.com2"; else NULL */
	char *name; /* a virtio console's channel of that name; NULL: a console */
	struct diag_loc loc;
};

#define PLAN_DEVICES_MAX 16

/* Of them, virtio devices without PCI on x86, where each takes one of few interrupt lines. */
#define PLAN_MMIO_DEVICES_MAX_X86 4

/* PCI device numbers of a bus; 0 is the host bridge [PCI 3.0 3.2.2.3]. */
#define PLAN_SLOT_MAX 31

enum plan_device_type {
	PLAN_DEVICE_RNG,
	PLAN_DEVICE_VSOCK,
	PLAN_DEVICE_IVSHMEM,
	PLAN_DEVICE_CONSOLE,
	PLAN_DEVICE_FS,
	PLAN_DEVICE_NET,
	PLAN_DEVICE_BLK,
};

/* The guest's address among sockets; 0, 1, 2 and all ones mean others [VIRTIO 1.2 5.10.4]. */
#define PLAN_CID_MIN 3
#define PLAN_CID_MAX 0xFFFFFFFE

/* Memory that partitions share (docs/devices.md). */
#define PLAN_REGIONS_MAX 16
#define PLAN_PEERS_MAX   12 /* of a region: as ivshmem devices are known to have */
#define PLAN_VECTORS_MAX 16 /* of a peer */
/* Each doorbell is a descriptor: a full region's, and some more (MACHINE_DOORBELLS_MAX). */
#define PLAN_DOORBELLS_MAX 256
#define PLAN_SECTION_MAX   ((uint64_t)512 << 20) /* as large as ACRN's regions can be */
/* The supervisor overwrites it at once when its peer ends, and must not take long for that. */
#define PLAN_OUTPUT_MAX ((uint64_t)64 << 20)

enum plan_region_type {
	PLAN_REGION_IVSHMEM_V2, /* Jailhouse's */
	PLAN_REGION_IVSHMEM_V1, /* ACRN's and QEMU's */
};

/* A partition's end of a region. */
struct plan_region_end {
	enum plan_region_type type;
	unsigned id, peers; /* which peer it is, of how many */
	unsigned vectors;   /* of each peer */
	unsigned protocol;  /* version 2 */
	uint64_t size;      /* bytes: of all of it; version 2: of the read/write section, or 0 */
	uint64_t output;    /* version 2, bytes: of each peer's section */
	bool readonly;      /* version 1 */
};

/* Bytes of a file system's tag [VIRTIO 1.2 5.11.4]. */
#define PLAN_TAG_MAX 36

/* What a disk goes through on the host: its page cache, or nothing where that can be. */
enum plan_cache { PLAN_CACHE_WRITEBACK, PLAN_CACHE_NONE };

#define PLAN_BLK_QUEUES_MAX 8
#define PLAN_BLK_SERIAL_MAX 20 /* bytes [VIRTIO 1.2 5.2.6] */

enum plan_transport { PLAN_TRANSPORT_PCI, PLAN_TRANSPORT_MMIO };

#define PLAN_MAC_SIZE       6
#define PLAN_NET_QUEUES_MAX 4 /* pairs of them */

/* With neither tap nor bridge nor socket, passt is started for it. */
struct plan_net {
	char *tap;     /* interface; NULL with a bridge: one that the kernel names */
	char *bridge;  /* ... that it belongs to */
	char *socket;  /* path, at which passt is */
	char *forward; /* TCP ports that passt takes for the guest, in its words; NULL: none */
	char *mac;     /* as text, see plan_net_mac */
	unsigned queues;
	enum plan_wish vhost;
};

struct plan_device {
	enum plan_device_type type;
	char *name; /* unique in its partition: "rng0" */
	enum plan_transport transport;
	unsigned slot; /* PCI device number, 1..PLAN_SLOT_MAX; with MMIO 0 */
	struct {
		unsigned cid;
	} vsock;
	struct {
		char *region;
		struct plan_region_end end; /* as the region has it */
	} ivshmem;
	struct {
		unsigned port_count;
		struct plan_port *ports;
	} console;
	struct {
		char *tag;
		char *path;   /* the folder; NULL: somebody else serves it: */
		char *socket; /* who listens here; NULL: we start a server for `path` */
		bool readonly;
	} fs;
	struct plan_net net;
	struct {
		char *path;
		bool readonly;
		enum plan_cache cache;
		char *serial; /* NULL: none */
		bool discard;
		unsigned queues; /* 1..PLAN_BLK_QUEUES_MAX */
	} blk;
	struct diag_loc loc;
};

struct plan_cpus {
	unsigned vcpus; /* 1..PLAN_VCPUS_MAX */
	/*
	 * Exclusive: vCPU i runs on host core cores[i], alone; core_count == vcpus.
	 * Shared: all vCPUs run on any of cores[]; core_count 0 means the cores that this process
	 * may use and that no partition owns exclusively.
	 */
	bool shared;
	unsigned core_count;
	unsigned *cores;
};

struct plan_arm64 {
	enum plan_gic gic;
	enum plan_wish its, pmu, sve, pauth;
	enum plan_psci psci;
	char *overlay; /* a device tree overlay; NULL: none */
};

struct plan_machine {
	enum plan_machine_type type;
	/* PLAN_WISH_AUTO: as machines of that type have it. See plan_machine_has. */
	enum plan_wish parts[PLAN_PART_COUNT];
};

struct plan_partition {
	char *name;
	enum plan_role role;
	enum plan_arch arch; /* the plan's */
	enum plan_contract contract;
	bool debug; /* PLAN_FUSA: with Bulkhead's exit port */
	struct plan_machine machine;
	struct plan_cpus cpus;
	bool nested; /* the guest can have guests of its own */
	struct plan_arm64 arm64;
	uint64_t memory; /* bytes */
	enum plan_hugepages hugepages;
	bool lock; /* prefault and mlock guest memory before the start */
	char *image;
	enum plan_image_type image_type;
	uint64_t load_address; /* raw images */
	uint64_t entry;        /* raw images */
	char *cmdline;         /* never NULL */
	char *initrd;          /* NULL: none */
	char *symbols;         /* for reports; its process does not get it; NULL: the image's own */
	unsigned module_count;
	struct plan_module *modules;
	struct plan_port serial[PLAN_SERIAL_PORTS];
	unsigned device_count;
	struct plan_device *devices; /* in the plan's order */
	enum plan_on_fatal on_fatal;
	unsigned restart_limit; /* PLAN_FATAL_RESTART: how often */
	enum plan_on_violation on_violation;
	enum plan_on_reset on_reset;
	uint64_t watchdog_ns;     /* the guest kicks at least once in this time; 0: none */
	uint64_t status_page;     /* GPA of the status page, 0: none */
	unsigned status_irq;      /* raised when it changes; 0: none */
	uint64_t stop_timeout_ns; /* a graceful stop becomes a forced one after this */
	uint64_t veto_ns;         /* how long a stop waits for the guest's veto; 0: it has none */
	enum plan_lockdown lockdown; /* the plan's */
	struct diag_loc locs[PLAN_KEY_COUNT];
};

/* A file that the BSP may use, opened for it by the supervisor. */
struct plan_bsp_file {
	char *path;
	enum plan_access access;
	struct diag_loc loc;
};

struct plan_bsp {
	enum plan_bsp_kind kind;
	char *path;           /* PLAN_BSP_FILE; else NULL */
	uint64_t deadline_ns; /* bsp_fatal_error has overstayed after this */
	unsigned file_count;
	struct plan_bsp_file *files;
	struct diag_loc loc;
};

struct plan_peer {
	char *name; /* a partition's */
	struct diag_loc loc;
};

struct plan_region {
	char *name;
	enum plan_region_type type;
	unsigned peer_count;
	struct plan_peer *peers; /* by id */
	unsigned reader_count;
	struct plan_peer *readers; /* version 1: those of the peers that only read */
	uint64_t size, output;     /* as in struct plan_region_end */
	unsigned vectors, protocol;
	struct diag_loc loc;
};

struct plan_safe_state {
	enum plan_safe_stop stop;
	char *command;    /* for /bin/sh; NULL: none */
	char *notify;     /* path of a Unix datagram socket that hears of it; NULL: none */
	unsigned eventfd; /* inherited descriptor that is signalled; 0: none */
	struct diag_loc loc, eventfd_loc;
};

struct plan {
	enum plan_arch arch;
	struct diag_loc arch_loc;
	char *name; /* of the run; NULL: found when it starts */
	struct diag_loc name_loc;
	enum plan_semantics semantics;
	enum plan_lockdown lockdown;
	struct plan_bsp bsp;
	struct plan_safe_state safe_state;
	char *path;     /* as given; what locs point to */
	bool from_file; /* path is that of a file, not a name for text that came otherwise */
	/* Cores for everything but vCPUs; core_count 0: chosen at the start. */
	unsigned housekeeping_count;
	unsigned *housekeeping;
	struct diag_loc housekeeping_loc;
	unsigned partition_count;
	struct plan_partition *partitions; /* in the plan's order */
	unsigned region_count;
	struct plan_region *regions; /* in the plan's order */
};

/* How a plan is to be read. */
struct plan_options {
	const char *const *overrides; /* as --set has them: "partitions.linux.memory=1G" each */
	unsigned override_count;
	enum plan_arch arch; /* of a plan that does not say: the host's, as a rule */
};

/*
 * Reads, overrides, validates. PATH is a file, "-" is standard input. Without OPTIONS there is
 * nothing to override, and a plan that does not say is for x86-64. 0 and *RET_PLAN, or -EINVAL with
 * every error in DIAGS. Opens no other file and asks the host nothing.
 */
int plan_load(const char *path, const struct plan_options *options, struct diags *diags,
	struct plan **ret_plan);

/* The same, from YAML text in memory; NAME stands for the path in messages, and DIR (NULL: the
 * working directory) is what relative paths start from. */
int plan_load_text(const char *name, const char *dir, const char *text, size_t size,
	const struct plan_options *options, struct diags *diags, struct plan **ret_plan);

void plan_destroy(struct plan *plan);

/*
 * Looks whether the files that the plan names can be read or written, and whether an output file is
 * at the same time an input, another output or the plan: by whatever names and links, and also for
 * files that are not there yet. Adds every problem to DIAGS; 0 or -EINVAL when there was an error.
 */
int plan_check_files(const struct plan *plan, struct diags *diags);

/* The same for the logs in DIR of all ports that are there; they are outputs, too. */
int plan_check_log_dir(const struct plan *plan, const char *dir, struct diags *diags);

/* Whether the consoles are there that a command line asks a Linux kernel for. */
enum plan_consoles {
	PLAN_CONSOLES_FINE,    /* all, or it asks for none, or says nothing that is understood */
	PLAN_CONSOLES_SOME,    /* one is not, perhaps on purpose */
	PLAN_CONSOLES_LACKING, /* console= names none that is */
};

/* Of P; *RET_TEXT says which is not: "console=ttyS2 names a device that ...". */
#define PLAN_CONSOLES_TEXT_MAX 192
enum plan_consoles plan_consoles(
	const struct plan_partition *p, char ret_text[PLAN_CONSOLES_TEXT_MAX]);

/* Warns of partitions whose kernel would show nothing. */
void plan_check_consoles(const struct plan *plan, struct diags *diags);

/*
 * Holds the plan against this host: cores that exist, are online and allowed, hyper-thread
 * siblings, memory, hugepages, locked-memory limit. Adds every
 * problem to DIAGS; 0 or -EINVAL when there was an error. ROOT stands before /sys and /proc ("" is
 * the real host; tests give a directory).
 */
int plan_check_host(const struct plan *plan, const char *root, struct diags *diags);

/* The effective plan, defaults and absolute paths included, as YAML that replays exactly, or JSON.
 */
void plan_print_yaml(const struct plan *plan, FILE *f);
void plan_print_json(const struct plan *plan, FILE *f);

/* Generated documents: the key reference (Markdown) and the JSON Schema (draft 2020-12). */
void plan_print_reference(FILE *f);
void plan_print_schema(FILE *f);

/* The region called NAME, or NULL. */
const struct plan_region *plan_region_find(const struct plan *plan, const char *name);

/* Which peer of R partition P is; -1: none. */
int plan_region_peer(const struct plan_region *r, const struct plan_partition *p);

/* How many descriptors an end of a region takes: see struct partition_launch. */
unsigned plan_region_fds(const struct plan_region_end *e);

/*
 * One partition as bytes, for the partition process (same binary, checked all the same: the
 * decoder trusts nothing). encode: 0 and a malloc'd buffer, or -ENOMEM. decode: 0, -EINVAL,
 * -ENOMEM.
 */
int plan_partition_encode(const struct plan_partition *p, void **ret_buf, size_t *ret_size);
int plan_partition_decode(const void *buf, size_t size, struct plan_partition **ret_partition);
void plan_partition_destroy(struct plan_partition *p);

/* Whether P's machine has PART. */
bool plan_machine_has(const struct plan_partition *p, enum plan_machine_part part);

/* "x86-64", "arm64". */
const char *plan_arch_name(enum plan_arch arch);
const char *plan_role_name(enum plan_role role);

/* ---- ports: the serial ports, then those of the virtio consoles in the plan's order ---- */

/* Port I of P, below PLAN_PORTS_MAX; NULL when it is not there. */
const struct plan_port *plan_port(const struct plan_partition *p, unsigned i);

/* The number of the first port of P's device DEVICE. */
unsigned plan_device_port(const struct plan_partition *p, unsigned device);

/* What options and files call port I, which is there: "com1", "hvc0", or its name. */
#define PLAN_PORT_NAME_MAX 64
const char *plan_port_label(
	const struct plan_partition *p, unsigned i, char buf[PLAN_PORT_NAME_MAX]);

/* The port that options call so, or by its number from 1; -1: there is none. */
int plan_port_find(const struct plan_partition *p, const char *label);

/* What messages call it: "COM1", "UART0", "hvc0", "port org.example.agent". */
#define PLAN_PORT_TITLE_MAX (PLAN_PORT_NAME_MAX + 8)
const char *plan_port_title(
	const struct plan_partition *p, unsigned i, char buf[PLAN_PORT_TITLE_MAX]);

/* Its key in the plan: "serial.0", "devices.2.ports.1". */
#define PLAN_PORT_KEY_MAX 48
const char *plan_port_key(const struct plan_partition *p, unsigned i, char buf[PLAN_PORT_KEY_MAX]);

/* The port that is P's console where P has it for itself, input included; -1: none is there. */
int plan_port_main(const struct plan_partition *p);

/* The file in DIR that keeps what port I of P says: DIR/NAME.com1.log and so on. 0 or
 * -ENAMETOOLONG. */
int plan_log_path(
	const char *dir, const struct plan_partition *p, unsigned i, char ret_path[PATH_MAX]);

/* The other end of serial port PORT of partition PART, a link; false when there is no such port. */
bool plan_link_find(const struct plan *plan, const struct plan_port *port, unsigned *ret_part,
	unsigned *ret_port);
static inline bool plan_net_is_tap(const struct plan_net *net)
{
	return net->tap || net->bridge;
}

/* TEXT, "02:00:00:00:00:01", as bytes. False when it is not the address of a station. */
bool plan_net_mac(const char *text, uint8_t ret_mac[PLAN_MAC_SIZE]);

/* "partitions.NAME.KEY", the field that messages about P's key KEY ("serial.0") name. */
#define PLAN_FIELD_MAX 192
const char *plan_field(const struct plan_partition *p, const char *key, char buf[PLAN_FIELD_MAX]);

/*
 * The files that a partition reads or has as a disk: input I of that many, and where the plan names
 * it; NULL where I is none.
 */
unsigned plan_input_count(const struct plan_partition *part);
const char *plan_input(
	const struct plan_partition *part, unsigned i, const struct diag_loc **ret_loc);

#endif
