/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where things are in the arm64 machine (docs/machine-arm64.md): the places of QEMU's `virt` board,
 * so that images built for it run unmodified. Each address stands here and nowhere else.
 * Guest-physical addresses; interrupts as SPI and PPI numbers, from 0 each.
 */
#ifndef VMM_LAYOUT_ARM64_H
#define VMM_LAYOUT_ARM64_H

#include <stdint.h>

/* Interrupt controller [GICv3 IHI 0069, GICv2 IHI 0048]. */
#define ARM64_GICD_BASE      0x08000000 /* distributor */
#define ARM64_GICD_SIZE      0x10000
#define ARM64_GICC_BASE      0x08010000 /* GICv2: CPU interface */
#define ARM64_GICC_SIZE      0x10000    /* virt's; KVM has the first 8 KiB of it */
#define ARM64_V2M_BASE       0x08020000 /* GICv2m frame, where there is no ITS */
#define ARM64_V2M_SIZE       0x1000
#define ARM64_V2M_SETSPI     (ARM64_V2M_BASE + 0x40) /* MSI_SETSPI_NS, which MSIs write */
#define ARM64_ITS_BASE       0x08080000
#define ARM64_ITS_SIZE       0x20000
#define ARM64_ITS_TRANSLATER (ARM64_ITS_BASE + 0x10040) /* GITS_TRANSLATER, which MSIs write */
#define ARM64_GICR_BASE      0x080A0000 /* GICv3: redistributors, one after the other */
#define ARM64_GICR_SIZE      0xF60000   /* of all that virt has room for: 123 */
#define ARM64_GICV2_CPUS     8          /* its CPU interfaces [IHI 0048 1.3.1] */

/* Devices. */
#define ARM64_UART0_BASE   0x09000000
#define ARM64_RTC_BASE     0x09010000
#define ARM64_FW_CFG_BASE  0x09020000
#define ARM64_GPIO_BASE    0x09030000
#define ARM64_UART1_BASE   0x09040000
#define ARM64_CONTROL_BASE 0x09FE0000 /* virt has nothing there */

/* virtio without PCI, one after the other. */
#define ARM64_VIRTIO_BASE    0x0A000000
#define ARM64_VIRTIO_DEVICES 32
#define ARM64_CHR_TESTDEV    31 /* which of them is chr-testdev's console */

/* PCI. */
#define ARM64_PCI_MEM32_BASE 0x10000000
#define ARM64_PCI_MEM32_SIZE 0x2EFF0000
#define ARM64_PCI_IO_BASE    0x3EFF0000 /* ports 0 to 0xFFFF of the bus */
#define ARM64_PCI_IO_SIZE    0x10000
#define ARM64_PCI_ECAM_BASE  0x3F000000
#define ARM64_PCI_ECAM_SIZE  0x1000000
#define ARM64_PCI_MEM64_BASE 0x8000000000
#define ARM64_PCI_MEM64_SIZE 0x8000000000

/* SPIs. An interrupt's number, as the GIC's registers have it, is larger by those before them. */
#define ARM64_PRIVATE_INTERRUPTS 32 /* SGIs and PPIs */
#define ARM64_SPI_UART0          1
#define ARM64_SPI_RTC            2
#define ARM64_SPI_PCI            3 /* the first of four */
#define ARM64_SPI_GPIO           7
#define ARM64_SPI_UART1          8
#define ARM64_SPI_VIRTIO         16 /* of the first */
#define ARM64_V2M_SPI            48 /* the first of the frame's */
#define ARM64_V2M_SPIS           64
#define ARM64_SPIS               224 /* KVM has 256 interrupts, of which 32 are private to a CPU */

/* PPIs. */
#define ARM64_PPI_PMU            7
#define ARM64_PPI_MAINTENANCE    9 /* of the GIC, for a guest at EL2 */
#define ARM64_PPI_HYP_TIMER      10
#define ARM64_PPI_VIRT_TIMER     11
#define ARM64_PPI_HYP_VIRT_TIMER 12
#define ARM64_PPI_SECURE_TIMER   13
#define ARM64_PPI_PHYS_TIMER     14

/* The pin of the GPIO controller that the power button is on. */
#define ARM64_GPIO_POWER_BUTTON 3

/* Memory, which goes on above 4 GiB without a hole. */
#define ARM64_RAM_BASE 0x40000000
/* Where QEMU loads what has no header, from the start of RAM [QEMU hw/arm/boot.c]. */
#define ARM64_RAW_OFFSET 0x80000

/* The affinity of vCPU I, as KVM numbers them: 16 to a cluster, which is what an SGI reaches. */
static inline uint32_t arm64_mpidr(unsigned i)
{
	return (i % 16) | (i / 16) << 8;
}

#endif
