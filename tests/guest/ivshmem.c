/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory shared by two partitions, which both run this image: what the device says of itself, what
 * may be written by whom, states, doorbells both ways, masks, one-shot mode, and how long a
 * doorbell takes there and back. expect=v1: the device is version 1. rounds= says how many round
 * trips are measured, still= how long after their beginning nothing else happens. how=restart: peer
 * 1 dies once, and both see what becomes of its section.
 */
#include "ivshmem.h"
#include "check.h"
#include "mmio.h"
#include "pci.h"

#define LIMIT       (20 * NS_PER_S)
#define MOMENT      (50 * NS_PER_MS)
#define SHORT       (5 * NS_PER_MS)
#define WARM_UP     200
#define ROUNDS_MAX  20000
#define PATTERN(id) (0x5AFE0000u + (id))

static struct ivshmem d;
static unsigned other;            /* peer */
static volatile unsigned seen[2]; /* interrupts by vector */

static void on_0(void)
{
	seen[0] = seen[0] + 1;
}

static void on_1(void)
{
	seen[1] = seen[1] + 1;
}

static volatile uint32_t *word(void *base, unsigned i)
{
	return (volatile uint32_t *)base + i;
}

/* Until it is so, letting interrupts in; false: it has not become so. */
#define wait_for(condition, limit)                                                                 \
	({                                                                                         \
		uint64_t wait_start = time_ns();                                                   \
		while (!(condition) && time_ns() - wait_start < (limit))                           \
			cpu_let_in();                                                              \
		(condition);                                                                       \
	})

/* Both have come this far. */
static void meet(uint32_t phase)
{
	ivshmem_set_state(&d, phase);
	if (!wait_for(d.states[other] >= phase, LIMIT))
		panic("peer %u stays in state %u, and does not come to %u", other, d.states[other],
			phase);
}

static void check_identity(void)
{
	check(d.peers == 2 && d.id < 2, "peer %u of %u, slot %u", d.id, d.peers, d.devfn >> 3);
	check(d.protocol == 0x4001, "protocol 0x%x", d.protocol);
	check(d.vectors == 2, "%u vectors", d.vectors);
	check(d.read_write_size == 0x2000 && d.output_size == 0x3000, "sections of 0x%lx and 0x%lx",
		d.read_write_size, d.output_size);
	check(mmio_read32(d.registers + IVSHMEM_V2_STATE) == 0 && d.states[d.id] == 0,
		"state 0 after a reset");
	check(mmio_read32(d.registers + IVSHMEM_V2_INTERRUPT_CONTROL) == 0, "interrupts are off");
	check(mmio_read32(d.registers + 0x14) == 0 && mmio_read32(d.registers + 0xFFC) == 0,
		"registers that are not there read 0");
	mmio_write32(d.registers + IVSHMEM_V2_ID, 77);
	check(mmio_read32(d.registers + IVSHMEM_V2_ID) == d.id, "the id stays");
}

/* Before the peer writes anything there: what is read-only stays as it is. */
static void check_protection(void)
{
	*word(ivshmem_output(&d, d.id), 5) = PATTERN(d.id);
	*word(ivshmem_output(&d, d.id), 0x2FFC / 4) = ~PATTERN(d.id);
	*word(ivshmem_output(&d, other), 6) = 0xBAD;
	*word((void *)(uint64_t)d.states, other) = 0xBAD;
	*word((void *)(uint64_t)d.states, 100) = 0xBAD;
	check(*word(ivshmem_output(&d, other), 6) == 0, "the other's section cannot be written");
	check(d.states[other] != 0xBAD && d.states[100] == 0, "nor can the state table");
	check(*word(ivshmem_output(&d, d.id), 5) == PATTERN(d.id), "its own can");
}

static void check_contents(void)
{
	check(*word(ivshmem_output(&d, other), 5) == PATTERN(other) &&
			*word(ivshmem_output(&d, other), 0x2FFC / 4) == ~PATTERN(other),
		"the other's section has what it wrote");
	check(*word(ivshmem_output(&d, d.id), 6) == 0,
		"and what it wrote into this one is not here");
	*word(d.read_write, 3 + d.id) = PATTERN(d.id);
	check(wait_for(*word(d.read_write, 3 + other) == PATTERN(other), LIMIT),
		"both write the common section");
}

/* The peer rings after it has come to PHASE. */
static void ring_after(uint32_t phase, unsigned vector)
{
	meet(phase);
	ivshmem_ring(&d, other, vector);
	/* It hears no state change meanwhile: those are vector 0. */
}

static void check_doorbells(void)
{
	unsigned before;

	check(ivshmem_on(&d, 0, on_0) && ivshmem_on(&d, 1, on_1), "two vectors");
	meet(3);
	ivshmem_enable(&d, true);
	before = seen[1];
	ring_after(4, 1);
	check(wait_for(seen[1] != before, LIMIT) && seen[1] == before + 1, "a doorbell comes");
	before = seen[0];
	ring_after(5, 0);
	check(wait_for(seen[0] > before, LIMIT), "and by the other vector");
	ivshmem_ring(&d, d.id, 1);
	check(wait_for(seen[1] == 2, LIMIT), "and to oneself");
	ivshmem_ring(&d, 2, 0);
	ivshmem_ring(&d, other, 2);
	mmio_write16(d.registers + IVSHMEM_DOORBELL, 1);
	check(!wait_for(seen[1] != 2, SHORT), "to nobody, or by no vector: nothing");
}

static void check_masks(void)
{
	unsigned before;

	ivshmem_enable(&d, false);
	meet(6);
	before = seen[1];
	ring_after(7, 1);
	meet(8);
	check(!wait_for(seen[1] != before, MOMENT), "not while interrupts are off");
	ivshmem_enable(&d, true);
	check(!wait_for(seen[1] != before, MOMENT), "nor later: it is lost");
	pci_msix_mask(d.devfn, 1, true);
	ring_after(9, 1);
	meet(10);
	check(!wait_for(seen[1] != before, SHORT) && pci_msix_pending(d.devfn, 1),
		"a masked vector is pending");
	pci_msix_mask(d.devfn, 1, false);
	check(wait_for(seen[1] == before + 1, LIMIT) && !pci_msix_pending(d.devfn, 1),
		"and comes when it is not masked any more");
}

static void check_one_shot(void)
{
	unsigned before = seen[1];

	ivshmem_enable(&d, false);
	ivshmem_set_one_shot(&d, true);
	meet(11);
	/* The other's state changes are interrupts, too: only this is between here and there. */
	meet(12);
	ivshmem_enable(&d, true);
	*word(ivshmem_output(&d, d.id), 9) = 1; /* ready */
	check(wait_for(*word(ivshmem_output(&d, other), 9) >= 1, LIMIT), "both are ready");
	ivshmem_ring(&d, other, 1);
	check(wait_for(seen[1] == before + 1, LIMIT), "one-shot: it comes");
	check(mmio_read32(d.registers + IVSHMEM_V2_INTERRUPT_CONTROL) == 0,
		"and has turned interrupts off");
	*word(ivshmem_output(&d, d.id), 9) = 2;
	check(wait_for(*word(ivshmem_output(&d, other), 9) >= 2, LIMIT), "both have seen it");
	ivshmem_ring(&d, other, 1);
	check(!wait_for(seen[1] != before + 1, MOMENT), "the next does not come");
	*word(ivshmem_output(&d, d.id), 9) = 3;
	check(wait_for(*word(ivshmem_output(&d, other), 9) >= 3, LIMIT), "both have waited");
	ivshmem_enable(&d, true);
	*word(ivshmem_output(&d, d.id), 9) = 4;
	check(wait_for(*word(ivshmem_output(&d, other), 9) >= 4, LIMIT), "both listen again");
	ivshmem_ring(&d, other, 1);
	check(wait_for(seen[1] == before + 2, LIMIT), "and after that it comes again");
	ivshmem_enable(&d, false);
	ivshmem_set_one_shot(&d, false);
	meet(13);
}

/* Interrupts are off on both sides until both have come to state 14. */
static void check_state_interrupt(void)
{
	unsigned before = seen[0];

	meet(14);
	ivshmem_enable(&d, true);
	*word(ivshmem_output(&d, d.id), 9) = 5;
	check(wait_for(*word(ivshmem_output(&d, other), 9) >= 5, LIMIT), "both listen to states");
	/* The state that it has already, and then another: one by one. */
	if (d.id == 0) {
		ivshmem_set_state(&d, 14);
		delay_ns(SHORT);
		ivshmem_set_state(&d, 16);
		check(wait_for(d.states[other] >= 16, LIMIT), "the other has changed its state");
		check(wait_for(seen[0] > before, LIMIT), "which is an interrupt");
	} else {
		check(wait_for(d.states[other] >= 16, LIMIT), "the other has changed its state");
		check(wait_for(seen[0] == before + 1, LIMIT), "which is one interrupt");
		check(!wait_for(seen[0] != before + 1, SHORT), "and no more than that");
		ivshmem_set_state(&d, 16);
	}
}

static void sort(uint32_t *v, unsigned n)
{
	for (unsigned gap = n / 2; gap; gap /= 2) {
		for (unsigned i = gap; i < n; i++) {
			uint32_t x = v[i];
			unsigned k = i;

			for (; k >= gap && v[k - gap] > x; k -= gap)
				v[k] = v[k - gap];
			v[k] = x;
		}
	}
}

/* Sleeps until vector 1 has come for the N-th time. */
static void sleep_until(unsigned n)
{
	while ((int)(seen[1] - n) < 0)
		cpu_wait();
}

/* Both sleep until they are rung. */
static void measure(unsigned rounds)
{
	static uint32_t ns[ROUNDS_MAX];
	uint64_t still = cmdline_time("still", 0), began;
	unsigned first = seen[1];

	if (still)
		kprintf("measures\n");
	began = time_ns();
	meet(17);
	delay_ns(still / 8);
	for (unsigned i = 0; i < rounds + WARM_UP; i++) {
		uint64_t start = time_ns();

		if (d.id == 0)
			ivshmem_ring(&d, other, 1);
		sleep_until(first + i + 1);
		if (d.id == 1)
			ivshmem_ring(&d, other, 1);
		if (i >= WARM_UP)
			ns[i - WARM_UP] = (uint32_t)(time_ns() - start);
	}
	while (time_ns() - began < still)
		cpu_relax();
	if (d.id == 0) {
		sort(ns, rounds);
		kprintf("doorbell round trip: median %u.%02u us, 90%% %u.%02u us, least %u.%02u us\n",
			ns[rounds / 2] / 1000, ns[rounds / 2] % 1000 / 10,
			ns[rounds * 9 / 10] / 1000, ns[rounds * 9 / 10] % 1000 / 10, ns[0] / 1000,
			ns[0] % 1000 / 10);
	}
	meet(18);
}

/* Peer 1 leaves first: the other sees it go. */
static void check_leaving(void)
{
	unsigned before = seen[0];

	if (d.id == 1) {
		delay_ns(MOMENT); /* what state it has now is seen before it has none */
		check(d.states[other] >= 18, "it leaves");
		return;
	}
	check(wait_for(d.states[other] == 0, LIMIT), "the state of a peer that is gone is 0");
	check(wait_for(seen[0] > before, LIMIT), "which is an interrupt");
	check(wait_for(*word(ivshmem_output(&d, other), 5) == 0 &&
			       *word(ivshmem_output(&d, other), 0x2FFC / 4) == 0,
		      LIMIT),
		"and its section is zeros");
}

/* ---- peer 1 dies, and comes back ---- */

static void survivor(void)
{
	unsigned before;

	check(ivshmem_on(&d, 0, on_0), "a vector");
	ivshmem_enable(&d, true);
	ivshmem_set_state(&d, 1);
	check(wait_for(d.states[1] == 1, LIMIT) && *word(ivshmem_output(&d, 1), 5) == PATTERN(1),
		"peer 1 is there");
	before = seen[0];
	*word(d.read_write, 0) = 1; /* it may die */
	check(wait_for(d.states[1] == 0, LIMIT), "peer 1 has died: its state is 0");
	check(wait_for(seen[0] > before, LIMIT), "which is an interrupt");
	check(wait_for(*word(ivshmem_output(&d, 1), 5) == 0, LIMIT), "its section is withdrawn");
	check(*word(d.read_write, 0) == 1 && *word(d.read_write, 1) == 7,
		"what is common stays, also what it wrote");
	check(wait_for(d.states[1] == 2, LIMIT), "it comes back");
	check(*word(ivshmem_output(&d, 1), 5) == PATTERN(2), "with what it writes then");
	ivshmem_set_state(&d, 2);
	check(wait_for(d.states[1] == 0, LIMIT), "and ends");
}

static void mortal(void)
{
	if (*word(d.read_write, 0) == 0) {
		*word(ivshmem_output(&d, 1), 5) = PATTERN(1);
		ivshmem_set_state(&d, 1);
		check(wait_for(*word(d.read_write, 0) == 1, LIMIT), "it is to die");
		*word(d.read_write, 1) = 7;
		mmio_write32(MMIO_NOWHERE, 0); /* a violation, which the plan has be fatal */
	}
	check(*word(d.read_write, 1) == 7, "it has died before");
	check(d.states[1] == 0 && mmio_read32(d.registers + IVSHMEM_V2_STATE) == 0,
		"its state is 0 again");
	check(*word(ivshmem_output(&d, 1), 5) == 0, "its section is empty again");
	check(d.states[0] == 1, "the other is as it was");
	*word(ivshmem_output(&d, 1), 5) = PATTERN(2);
	ivshmem_set_state(&d, 2);
	check(wait_for(d.states[0] == 2, LIMIT), "and has seen this one come back");
}

/* ---- version 1 ---- */

static int version_1(void)
{
	int devfn = pci_find(IVSHMEM_V1_VENDOR, IVSHMEM_V1_DEVICE, 0);
	uint64_t registers;
	uint8_t *memory;
	unsigned id;

	check(devfn > 0, "ivshmem version 1");
	if (devfn <= 0)
		return 1;
	registers = pci_enable_bar((unsigned)devfn, IVSHMEM_BAR_REGISTERS);
	memory = (uint8_t *)pci_enable_bar((unsigned)devfn, IVSHMEM_BAR_MEMORY);
	id = mmio_read32(registers + IVSHMEM_V1_IVPOSITION);
	check(id < 2 && pci_read32((unsigned)devfn, PCI_REVISION) == 0x05000001, "peer %u", id);
	check(mmio_read32(registers + IVSHMEM_V1_INTRSTATUS) == 0, "no interrupt without MSI-X");
	check(pci_msix_set((unsigned)devfn, 0, on_0) && pci_msix_set((unsigned)devfn, 1, on_1),
		"two vectors");
	/* Peer 1 only reads: it says by doorbells that it has read. */
	if (id == 0) {
		*word(memory, 1023) = PATTERN(0);
		*word(memory, 0) = 1;
		check(wait_for(seen[1] == 1, LIMIT), "the reader has read");
		mmio_write32(registers + IVSHMEM_DOORBELL, IVSHMEM_RING(1, 0));
		check(wait_for(seen[1] == 2, LIMIT), "and tried to write");
		check(*word(memory, 5) == 0, "in vain");
		mmio_write32(registers + IVSHMEM_DOORBELL, IVSHMEM_RING(1, 0));
		return checks_failed();
	}
	check(wait_for(*word(memory, 0) == 1, LIMIT) && *word(memory, 1023) == PATTERN(0),
		"what the writer wrote");
	mmio_write32(registers + IVSHMEM_DOORBELL, IVSHMEM_RING(0, 1));
	check(wait_for(seen[0] == 1, LIMIT), "its doorbell");
	*word(memory, 5) = 0xBAD;
	check(*word(memory, 5) == 0, "a reader cannot write");
	mmio_write32(registers + IVSHMEM_DOORBELL, IVSHMEM_RING(0, 1));
	check(wait_for(seen[0] == 2, LIMIT), "both end");
	return checks_failed();
}

int guest_main(void)
{
	unsigned rounds = (unsigned)cmdline_number("rounds", 2000);
	char word_buffer[16] = "";

	cmdline_get("expect", word_buffer, sizeof(word_buffer));
	if (strcmp(word_buffer, "v1") == 0)
		return version_1();
	check(ivshmem_open(0, &d), "ivshmem version 2");
	if (checks_failed() || rounds > ROUNDS_MAX)
		return 1;
	other = !d.id;
	if (cmdline_get("how", word_buffer, sizeof(word_buffer))) {
		if (d.id)
			mortal();
		else
			survivor();
		return checks_failed();
	}
	check_identity();
	check_protection();
	meet(1);
	check_contents();
	meet(2);
	check_doorbells();
	check_masks();
	check_one_shot();
	check_state_interrupt();
	measure(rounds);
	check_leaving();
	return checks_failed();
}
