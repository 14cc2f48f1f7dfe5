/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the supervisor and a partition process: what the supervisor hands over at the start
 * (partition/handover.h), and the messages on their socketpair (lib/ipc.h). Both ends are the same
 * binary; the supervisor checks what it receives all the same, because the partition process
 * handles guest input.
 */
#ifndef PARTITION_PROTOCOL_H
#define PARTITION_PROTOCOL_H

#include "include/bulkhead/control.h"
#include "plan/plan.h"

#include <sched.h>
#include <stdint.h>
#include <termios.h>

/*
 * argv[0] of a partition process. argv[1] is the number of its socket. argv[2] is room for the name
 * that ps shows: the process does not know it before its launch.
 */
#define PARTITION_ARGV0     "bulkhead-partition"
#define PARTITION_ARGV_NAME "(not launched yet)              "

#define PARTITION_LAUNCH_VERSION 5

/* Cores as bits: core N is bit N % 64 of word N / 64. */
#define CORE_WORDS (PLAN_CORES_MAX / 64)

static inline void cores_add(uint64_t words[CORE_WORDS], unsigned core)
{
	words[core / 64] |= (uint64_t)1 << (core % 64);
}

static inline void cores_to_set(const uint64_t words[CORE_WORDS], cpu_set_t *ret_set)
{
	CPU_ZERO(ret_set);
	for (unsigned i = 0; i < PLAN_CORES_MAX && i < CPU_SETSIZE; i++) {
		if (words[i / 64] >> (i % 64) & 1)
			CPU_SET(i, ret_set);
	}
}

enum partition_port_flags {
	PORT_PREFIX = 1 << 0,   /* lines start with the partition's name */
	PORT_COLOUR = 1 << 1,   /* the prefix is coloured */
	PORT_TERMINAL = 1 << 2, /* input is a terminal in raw mode: Ctrl-A is the escape */
	PORT_LISTEN = 1 << 3,   /* in_fd is a listening socket: its client reads and writes */
	PORT_EARLY = 1 << 4,    /* input comes from the start, whether the guest is there or not */
	PORT_PATIENT = 1 << 5,  /* a reader that stalls holds up the port: nothing is dropped */
};

/* The size of a terminal, in characters; 0: there is none, or it does not say. */
struct partition_window {
	uint16_t columns;
	uint16_t rows;
};

/* Where a port's bytes go; -1: nowhere. */
struct partition_port {
	int32_t out_fd;
	int32_t in_fd;
	int32_t log_fd;
	uint32_t flags;
	struct partition_window window;
};

/* What a device of the plan gets. rng: /dev/random. vsock: /dev/vhost-vsock, with its cid.
 * fs: a socket to its server. net: queues of the tap device, or a socket; from PLAN_NET_QUEUES_MAX
 * on as many of vhost-net, or -1. blk: the file, locked; with O_DIRECT, or -1. */
#define DEVICE_FDS_MAX (2 * PLAN_NET_QUEUES_MAX)

/*
 * What the ivshmem devices of the plan take together, in its order, each so many as plan_region_fds
 * says: of the memory or read/write section; version 2: of each peer's file (struct peer_page, then
 * its output section), and each peer's notice, an eventfd that tells its process that states have
 * changed; for each peer, its vectors' eventfds. -1: a section without size.
 */
#define REGION_FDS_MAX (PLAN_DOORBELLS_MAX + PLAN_DEVICES_MAX * (1 + 2 * PLAN_PEERS_MAX))

/* The first page of a peer's file; as devices/ivshmem.h has it. */
#define PEER_PAGE_SIZE 4096
struct peer_page {
	_Atomic uint32_t state;
};

/*
 * Descriptors come along with it, and are renumbered on the way: partition/handover.c takes all
 * that is from kvm_fd to the ports for descriptors.
 */
struct partition_launch {
	uint32_t version;
	uint32_t size;  /* of this struct */
	uint32_t index; /* of the partition in its plan */
	int32_t kvm_fd;
	int32_t line_fd;   /* memfd of struct console_line, shared by all partitions of the run */
	int32_t shared_fd; /* memfd of struct partition_shared */
	int32_t status_fd; /* memfd of the status page, which cannot be written; -1: none */
	int32_t status_irq_fd;             /* eventfd: the status page has changed; -1: none */
	int32_t alarm_fds[PLAN_VCPUS_MAX]; /* eventfds that call the BSP on each vCPU's core; -1 */
	int32_t image_fd;
	int32_t initrd_fd;  /* -1: none */
	int32_t overlay_fd; /* likewise */
	int32_t module_fds[PLAN_MODULES_MAX];
	int32_t device_fds[PLAN_DEVICES_MAX][DEVICE_FDS_MAX]; /* in the plan's order */
	int32_t region_fds[REGION_FDS_MAX];
	struct partition_port ports[PLAN_PORTS_MAX];
	uint16_t device_mtus[PLAN_DEVICES_MAX]; /* of the networks behind them; 0: not known */
	uint64_t io_cores[CORE_WORDS];          /* where the I/O thread runs */
	uint64_t vcpu_cores[CORE_WORDS];        /* where the vCPUs run that share cores */
	/* 1: MSG_CORE follows a fatal end or a panic, and is waited for. */
	uint32_t cores;
	/* The terminal as it was, for the partition to restore should the supervisor be killed. */
	uint32_t has_termios;
	struct termios termios;
};

/* In console_line.open_by beside the owner: the unfinished line may have a colour that lasts. */
#define CONSOLE_LINE_COLOURED ((uint32_t)1 << 31)

/* What ends such a colour; 10 is the font of a Linux console, which SGR 0 leaves as it is. */
#define CONSOLE_RESET_COLOUR "\033[0;10m"

/*
 * Which port has an unfinished line on the console, and which is writing just now: 0 none, else its
 * number (struct console_config.owner). Shared by all writers of the run, so that nobody continues
 * a line of somebody else. Cosmetic only: nobody trusts it.
 */
struct console_line {
	_Atomic uint32_t open_by; /* with CONSOLE_LINE_COLOURED */
	_Atomic uint32_t writer;
};

/*
 * One page per partition, shared with the supervisor, so that a heartbeat costs no system call. The
 * supervisor takes it for what a guest may write: anything.
 */
struct partition_shared {
	_Atomic uint64_t beats;          /* kicks of the control page's heartbeat */
	_Atomic uint64_t last_beat_ns;   /* when the last came, CLOCK_MONOTONIC; 0: none yet */
	_Atomic uint64_t longest_gap_ns; /* between two beats */
	_Atomic uint32_t locked;         /* the guest asks that nobody be reconfigured */
	_Atomic uint32_t stop_request;   /* 1: the guest is asked to end itself */
	_Atomic uint32_t stop_reply;     /* 0: none yet, 1: it agrees, 2: veto */
	_Atomic uint64_t said; /* changes whenever the guest says something, on whatever port */
};

enum partition_message {
	/* From the supervisor. Without payload but for those that say so. */
	MSG_START = 1,     /* run the guest, now or when it is ready */
	MSG_STOP,          /* stop it where it is, then report */
	MSG_POWER_BUTTON,  /* press it: struct partition_shared has the request, too */
	MSG_PAUSE,         /* all vCPUs out of the guest: answered by MSG_PAUSED */
	MSG_RESUME,        /* answered by MSG_RESUMED */
	MSG_STATS_REQUEST, /* answered by MSG_STATS, several, then MSG_STATS_END */
	MSG_FAULT,         /* struct message_fault: a fatal error that was found from outside */
	MSG_ATTACH,        /* struct message_attach, and a descriptor: a reader of a console */
	MSG_WINDOW,        /* struct partition_window: its terminal has this size now */
	MSG_CORE,          /* an ELF core goes into the socket sent along, if there is one */
	MSG_LAUNCH,        /* what the process is for: the first, see partition/handover.h */
	MSG_LAUNCH_MORE,   /* further descriptors of MSG_LAUNCH */
	MSG_INSPECT,       /* answered by MSG_VCPU for each vCPU, then MSG_INSPECTED */
	/* From the partition. */
	MSG_READY = 16, /* created, waits for MSG_START: text, what is not isolated, a line each */
	MSG_FAILED,     /* could not be created: struct message_failed, then text */
	MSG_ENDED,      /* the guest runs no more: struct message_ended */
	MSG_STATS,      /* after MSG_ENDED, several: an array of struct message_counter */
	MSG_REPORT,     /* last, when consoles are drained: struct message_report, then text */
	MSG_QUIT,       /* the user asked for the end of the run on this partition's console */
	MSG_PAUSED,
	MSG_RESUMED,
	MSG_STATS_END,
	MSG_MACHINE,   /* before MSG_READY: text, what this host's KVM has decided of its machine */
	MSG_PARKED,    /* a vCPU will never run again: struct message_parked, then text */
	MSG_NOTICE,    /* a device has something to say: text, "blk0: cause; remedy" */
	MSG_LOG,       /* the guest logs a line: struct message_log, then its text, of anything */
	MSG_VCPU,      /* struct message_vcpu, then text: registers */
	MSG_INSPECTED, /* struct message_inspected */
	MSG_CORE_DONE, /* of MSG_CORE with a socket: struct message_core */
};

/* The lost watchdog, met on vCPU 0. */
struct message_fault {
	char how[64];
};

/* Who shows or feeds port PORT through the descriptor sent along. */
struct message_attach {
	uint32_t port;
	uint32_t writer; /* 1: it may give input, too */
};

struct message_parked {
	uint32_t vcpu;
	uint32_t spinning; /* 1: its core is kept busy */
	char how[64];
};

/* At most MESSAGE_LOG_MAX bytes of text follow; none: only lines that were dropped are told. */
#define MESSAGE_LOG_MAX BULKHEAD_LOG_MAX
struct message_log {
	uint64_t dropped; /* lines, since the message before */
};

struct message_core {
	uint32_t error; /* an errno; 0: all of it is written */
	uint64_t bytes;
};

struct message_failed {
	uint32_t host; /* 1: this host cannot; 0: the plan or an image is wrong */
};

/* How a partition ended. */
enum partition_end {
	PARTITION_POWER_OFF,
	PARTITION_RESET,
	PARTITION_EXIT_CODE,
	PARTITION_STOPPED, /* on MSG_STOP */
	PARTITION_PANIC,   /* the guest's kernel says that it has panicked */
	PARTITION_FATAL,   /* a fatal error of the guest or of KVM: see `how` */
	PARTITION_CRASHED, /* the process died; never sent, concluded by the supervisor */
	PARTITION_END_COUNT,
};

struct message_ended {
	uint32_t end;        /* enum partition_end */
	uint32_t code;       /* PARTITION_EXIT_CODE: the guest's code */
	uint32_t cause;      /* the same as an enum bulkhead_partition_end, in more detail */
	int32_t vcpu;        /* PARTITION_FATAL: who met the error; -1: nobody did */
	uint64_t run_ns;     /* from release to end */
	uint64_t event_ns;   /* PARTITION_FATAL: when the error was met, CLOCK_MONOTONIC */
	uint64_t stopped_ns; /* when the last vCPU had stopped, CLOCK_MONOTONIC */
	char how[64];
};

/* ---- what a guest is at ---- */

enum partition_space { SPACE_PORT, SPACE_MEMORY, SPACE_CALL, SPACE_COUNT };

struct message_access {
	uint64_t address;
	uint64_t value; /* written, or what the read got */
	uint8_t space;  /* enum partition_space */
	uint8_t size;   /* bytes: 1 to 8 */
	uint8_t write;
	uint8_t owned; /* 0: nobody answers there */
};

/* An address that the guest has used, and nobody owns. */
#define UNOWNED_NAME_MAX 32
struct message_unowned {
	uint64_t address;
	uint64_t count; /* 0: this entry, and those behind it, are empty */
	uint8_t space;  /* enum partition_space */
	uint8_t write;
	uint8_t console;             /* what is written there is meant for a reader */
	char name[UNOWNED_NAME_MAX]; /* of what other machines have there, or empty */
};
#define UNOWNED_MAX 16

enum partition_vcpu_state {
	PARTITION_VCPU_UNKNOWN,
	PARTITION_VCPU_RUNS,
	PARTITION_VCPU_HALTED,
	PARTITION_VCPU_OFF,
	PARTITION_VCPU_DEAD,   /* it has met a fatal error */
	PARTITION_VCPU_SILENT, /* it did not leave the guest: no more is known of it */
	PARTITION_VCPU_STATES,
};

/* A vCPU, as several looks at it have found it. */
#define MESSAGE_EXITS_MAX 16
#define MESSAGE_MODE_MAX  24
struct message_vcpu {
	uint32_t vcpu;
	uint32_t state;      /* enum partition_vcpu_state, at last */
	uint32_t interrupts; /* 1: it takes them */
	uint32_t looks;
	uint64_t pc, pc_min, pc_max; /* at last, and of all looks */
	uint64_t ns;                 /* from the first look to the last */
	uint64_t exits;              /* in this time */
	char mode[MESSAGE_MODE_MAX];
	uint32_t last_count; /* of `last`, the oldest first */
	struct message_access last[MESSAGE_EXITS_MAX];
};

enum partition_port_driver { PORT_DRIVER_UNKNOWN, PORT_DRIVER_NONE, PORT_DRIVER_THERE };

struct message_port {
	uint64_t said;   /* bytes, by the guest */
	uint32_t driver; /* enum partition_port_driver: whether the guest has set it up */
	uint32_t held;   /* 1: what was written waits for a reader that does not read */
};

struct message_inspected {
	struct message_unowned unowned[UNOWNED_MAX]; /* by falling count */
	struct message_port ports[PLAN_PORTS_MAX];
};

struct message_report {
	uint64_t dropped[PLAN_PORTS_MAX];  /* console bytes that nobody took */
	uint64_t log_lost[PLAN_PORTS_MAX]; /* bytes that the logs did not take */
	uint64_t lines_lost;               /* lines that the guest logged and nobody was told */
	struct message_unowned unowned[UNOWNED_MAX]; /* by falling count */
};

struct message_counter {
	uint32_t vcpu;
	char name[28]; /* "port", "mmio", ...; NUL-terminated */
	uint64_t count;
};

#endif
