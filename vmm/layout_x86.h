/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where things are in the x86 machines, that of the standard contract (README.md) and
 * that of the fusa contract (docs/contract-fusa.md). Each address stands here and nowhere else.
 * Guest-physical addresses, and I/O ports.
 */
#ifndef VMM_LAYOUT_X86_H
#define VMM_LAYOUT_X86_H

/* The first MiB: RAM, the hole where a PC has video memory, firmware. */
#define X86_LOW_RAM_END 0xA0000
#define X86_VGA_END     0xC0000 /* of what a PC's display has there */
/*
 * Where a PC has option ROMs and BIOS: memory, reserved in e820. Kernels search all of it for
 * signatures, some 25,000 reads, each of which would be an exit if nothing were there.
 */
#define X86_FIRMWARE_BASE 0xC0000
#define X86_FIRMWARE_END  0x100000
#define X86_ACPI_RSDP     0xF2400 /* ACRN's place; the other tables follow, to X86_FIRMWARE_END */
#define X86_HIGH_RAM_BASE 0x100000
#define X86_LOW_RAM_MAX   0x80000000 /* RAM above 2 GiB continues at 4 GiB */
#define X86_ABOVE_4G      0x100000000

/* What a loader leaves in low memory, where mainline ACRN has it. */
#define X86_BOOT_GDT       0x98000
#define X86_ZERO_PAGE      0x98400
#define X86_CMDLINE        0x99400 /* at most X86_CMDLINE_MAX bytes, the NUL included */
#define X86_CMDLINE_MAX    0x800
#define X86_MULTIBOOT_INFO 0x9A000 /* to X86_LOW_RAM_END */

/* The fusa contract. What it has of the above is in the same place. */
#define FUSA_RESERVED_BASE 0xF0000 /* reserved in e820, but memory */
#define FUSA_RESERVED_END  0x100000
#define FUSA_XSDT          0xF2480 /* the RSDP is at X86_ACPI_RSDP */
#define FUSA_MADT          0xF2500
#define FUSA_RAW_ENTRY     0x100000 /* the safety VM's image: load address and entry */
#define FUSA_CMDLINE_BELOW 0x2000   /* command line and zero page, so far below the kernel */
#define FUSA_ZERO_BELOW    0x1000

#define X86_IOAPIC_BASE 0xFEC00000
#define X86_LAPIC_BASE  0xFEE00000
/* What KVM itself wants on Intel hosts: three pages for the real-mode TSS, one for a page table. */
#define X86_KVM_IDENTITY_MAP 0xFFFBC000
#define X86_KVM_TSS          0xFFFBD000

/* PCI, where ACRN has it. */
#define X86_PCI_MEM32_BASE 0x80000000
#define X86_PCI_MEM32_SIZE 0x60000000
#define X86_PCI_ECAM_BASE  0xE0000000
#define X86_PCI_ECAM_SIZE  0x10000000
#define X86_PCI_MEM64_BASE 0x4000000000
#define X86_PCI_MEM64_SIZE 0x4000000000
#define X86_PCI_IO_BASE    0xC000 /* above the ports of the machine's own devices */
#define X86_PCI_IO_SIZE    0x4000
#define X86_VIRTIO_BASE    0xFEB00000 /* virtio without PCI, one after the other */
#define X86_VIRTIO_GSI     20         /* of the first of them; X86_VIRTIO_DEVICES in all */
#define X86_VIRTIO_DEVICES 4
#define X86_HPET_BASE      0xFED00000 /* [IA-PC HPET 1.0a 2.2] */
#define X86_HPET_SIZE      0x400
#define X86_TEST_BASE      0xFF000000 /* where QEMU's pc-testdev has its memory */
#define X86_TEST_SIZE      0x10000
#define X86_MP_BASE        0xF0000 /* MP tables, below the RSDP */
#define X86_PCI_GSI        16 /* of the first of four lines: IOAPIC pins that no ISA line has */

/* ISA interrupt lines. */
#define X86_IRQ_TIMER        0
#define X86_IRQ_TIMER_GSI    2 /* the IOAPIC pin that the timer is wired to */
#define X86_IRQ_COM1         4
#define X86_IRQ_COM2         3
#define X86_IRQ_RTC          8  /* no RTC here drives it: an HPET does in its place */
#define X86_IRQ_HPET         13 /* of an HPET's three timers, one each */
#define X86_IRQ_POWER_BUTTON 9  /* where a PC has the interrupt of its ACPI events */

/* Ports. */
#define X86_PORT_PIC1       0x20 /* interrupt controllers and timer, which are KVM's */
#define X86_PORT_PIT        0x40
#define X86_PORT_PIC2       0xA0
#define X86_PORT_IDE2       0x170 /* what a PC may have, and this machine has not */
#define X86_PORT_IDE1       0x1F0
#define X86_PORT_LPT1       0x378
#define X86_PORT_VGA        0x3B0
#define X86_PORT_VGA_END    0x3E0
#define X86_PORT_ACPI_PM    0x600 /* QEMU's q35 */
#define X86_PORT_I8042_DATA 0x60
#define X86_PORT_I8042_CMD  0x64
#define X86_PORT_RTC        0x70 /* index, data */
#define X86_PORT_POST       0x80
#define X86_PORT_TEST       0xE0 /* QEMU's pc-testdev: an echo */
#define X86_PORT_TEST_FLUSH 0xE4
#define X86_PORT_TEST_BYTE  0xE8 /* the echo again */
#define X86_PORT_DEBUG      0xE9 /* the debug console of Bochs */
#define X86_PORT_TEST_CHAR  0xF1 /* that of kvm-unit-tests' first test device */
#define X86_PORT_EXIT       0xF4
#define X86_PORT_COM4       0x2E8 /* as PCs have it; this machine has not */
#define X86_PORT_COM2       0x2F8
#define X86_PORT_COM3       0x3E8 /* likewise */
#define X86_PORT_COM1       0x3F8
#define X86_PORT_SLEEP_CTRL 0x400 /* ACPI sleep control register */
#define X86_PORT_SLEEP_STS  0x401 /* ACPI sleep status register */
#define X86_PORT_DEBUG2     0x402 /* the debug console of SeaBIOS and OVMF */
#define X86_PORT_PVPANIC    0x505
#define X86_PORT_FW_CFG     0x510 /* selector, data */
#define X86_PORT_FW_CFG_DMA 0x514
#define X86_PORT_TEST_IRQ   0x2000 /* of 24 interrupt lines */
#define X86_PORT_PCI_ADDR   0xCF8  /* CONFIG_ADDRESS, 4 bytes; CONFIG_DATA follows */
#define X86_PORT_PCI_DATA   0xCFC
#define X86_PORT_RESET      0xCF9
#define X86_RESET_VALUE     0x0E /* what the FADT tells a guest to write to X86_PORT_RESET */
#define X86_SLEEP_TYPE_S5   5    /* SLP_TYP of \_S5 */

#endif
