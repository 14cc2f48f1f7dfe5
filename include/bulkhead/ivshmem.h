/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that partitions share, as a guest finds it (docs/devices.md): PCI functions of two kinds.
 * Version 2 is that of Jailhouse [Jailhouse, Documentation/ivshmem-v2-specification.md], version 1
 * that of ACRN and QEMU [QEMU, docs/specs/ivshmem-spec]. Nothing here is Bulkhead's own. For guests
 * and for the device itself.
 */
#ifndef BULKHEAD_IVSHMEM_H
#define BULKHEAD_IVSHMEM_H

/* Base address registers, of both versions. */
#define IVSHMEM_BAR_REGISTERS 0
#define IVSHMEM_BAR_MSIX      1
#define IVSHMEM_BAR_MEMORY    2 /* and 3: 64 bits */

/* The doorbell, of both: who is to be interrupted, and by which of its vectors. */
#define IVSHMEM_DOORBELL              0x0C /* w */
#define IVSHMEM_RING(peer, vector)    ((uint32_t)(peer) << 16 | (vector))
#define IVSHMEM_RING_PEER(doorbell)   ((doorbell) >> 16)
#define IVSHMEM_RING_VECTOR(doorbell) ((doorbell)&0xFFFF)

/* ---- version 2 ---- */

#define IVSHMEM_V2_VENDOR 0x110A
#define IVSHMEM_V2_DEVICE 0x4106

/* The class code is the protocol that the peers have agreed upon. */
#define IVSHMEM_V2_CLASS(protocol)    (0xFF0000 | (protocol))
#define IVSHMEM_V2_PROTOCOL(class)    ((class) & 0xFFFF)
#define IVSHMEM_PROTOCOL_UNDEFINED    0x0000
#define IVSHMEM_PROTOCOL_ETHERNET     0x0001 /* virtual peer-to-peer Ethernet */
#define IVSHMEM_PROTOCOL_CUSTOM       0x4000 /* to 0x7FFF */
#define IVSHMEM_PROTOCOL_VIRTIO_BACK  0x8000 /* to 0xBFFF: | virtio device type */
#define IVSHMEM_PROTOCOL_VIRTIO_FRONT 0xC000 /* to 0xFFFF */

/* 32-bit registers. */
#define IVSHMEM_V2_ID                0x00 /* r: which peer this is, from 0 on */
#define IVSHMEM_V2_MAX_PEERS         0x04 /* r */
#define IVSHMEM_V2_INTERRUPT_CONTROL 0x08 /* rw; 0 after a reset */
#define IVSHMEM_V2_STATE             0x10 /* rw; 0 after a reset */
#define IVSHMEM_V2_REGISTERS_SIZE    0x1000

#define IVSHMEM_V2_INTERRUPT_ENABLE 0x1

/* The capability with id 9, vendor-specific: offsets in it. */
#define IVSHMEM_V2_CAP_ID          0x09
#define IVSHMEM_V2_CAP_LENGTH      0x02 /* 8 bits */
#define IVSHMEM_V2_CAP_CONTROL     0x03 /* 8 bits, rw */
#define IVSHMEM_V2_CAP_STATE_TABLE 0x04 /* 32 bits: its size */
#define IVSHMEM_V2_CAP_READ_WRITE  0x08 /* 64 bits: size of the section that all may write */
#define IVSHMEM_V2_CAP_OUTPUT      0x10 /* 64 bits: size of each peer's output section */
#define IVSHMEM_V2_CAP_SIZE        0x18 /* without a base address: that is the BAR's */

#define IVSHMEM_V2_CONTROL_ONE_SHOT 0x1

/*
 * The memory: the state table, a 32-bit state for each peer, which nobody may write; the read/write
 * section, if it has a size; then one output section for each peer, which that peer alone may
 * write. State 0 is that of a peer that is not there, or has been reset.
 */
#define IVSHMEM_STATE_GONE 0

/* ---- version 1 ---- */

#define IVSHMEM_V1_VENDOR   0x1AF4
#define IVSHMEM_V1_DEVICE   0x1110
#define IVSHMEM_V1_REVISION 1
#define IVSHMEM_V1_CLASS    0x050000 /* RAM */

/* 32-bit registers. The first two are of interrupts without MSI-X, which there are none of. */
#define IVSHMEM_V1_INTRMASK       0x00 /* rw */
#define IVSHMEM_V1_INTRSTATUS     0x04 /* r: 0 */
#define IVSHMEM_V1_IVPOSITION     0x08 /* r: which peer this is, from 0 on */
#define IVSHMEM_V1_REGISTERS_SIZE 0x100

#endif
