/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What kvm-unit-tests and its like use of QEMU's pc-testdev, in its places:
 *
 * - ports 0xE0 to 0xE3: a 32-bit register that reads as what was written, by accesses of any size;
 *   its lowest byte once more at 0xE8 (QEMU has all four there, of which 0xE9 is the debug port's);
 * - port 0xE4, written with 4 bytes: KVM forgets the mapping of the page that has this guest-
 *   physical address, whose contents stay;
 * - ports 0x2000 to 0x2017: interrupt line N, raised by a byte that is not 0, lowered by 0;
 * - 64 KiB of memory that takes an exit for each access.
 */
#include "devices/testdev/test_ports.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE  4096
#define LINES 24

enum { WINDOW_ECHO, WINDOW_FLUSH, WINDOW_BYTE, WINDOW_LINES, WINDOW_MEMORY };

struct test_ports {
	struct device dev;
	pthread_mutex_t lock; /* guards what follows */
	uint8_t echo[4];
	bool asserted[LINES];
	uint8_t memory[X86_TEST_SIZE];
};

static struct test_ports *to_ports(struct device *dev)
{
	return container_of(dev, struct test_ports, dev);
}

/*
 * A page-table entry that changes takes KVM's with it, whatever memory it is of. Another vCPU that
 * writes to the page in between fails, as it does with QEMU. A host that refuses (huge pages by
 * hugetlbfs) leaves the mapping as it is.
 */
static void flush_page(const struct machine *m, uint64_t address)
{
	void *page = gmem_slice(&m->gmem, align_down(address, PAGE), PAGE);

	if (page && mprotect(page, PAGE, PROT_READ) == 0)
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

/* Under the lock, so that the line ends up as the last write left it. */
static void set_line(struct test_ports *t, unsigned line, bool asserted)
{
	const struct machine_services *services = &t->dev.machine->services;

	if (t->asserted[line] == asserted)
		return;
	t->asserted[line] = asserted;
	services->irq_set(services->ctx, line, asserted);
}

static uint64_t test_ports_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct test_ports *t = to_ports(dev);
	const uint8_t *bytes = index == WINDOW_MEMORY ? t->memory : t->echo;
	uint64_t value = 0;

	if (index == WINDOW_FLUSH || index == WINDOW_LINES)
		return UINT64_MAX;
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)bytes[offset + i] << (8 * i);
	pthread_mutex_unlock(&t->lock);
	return value;
}

static void test_ports_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct test_ports *t = to_ports(dev);
	uint8_t *bytes = index == WINDOW_MEMORY ? t->memory : t->echo;

	if (index == WINDOW_FLUSH) {
		if (size == 4)
			flush_page(dev->machine, value);
		return;
	}
	pthread_mutex_lock(&t->lock);
	if (index != WINDOW_LINES) {
		for (unsigned i = 0; i < size; i++)
			bytes[offset + i] = (uint8_t)(value >> (8 * i));
	} else if (size == 1) {
		set_line(t, (unsigned)offset, value);
	}
	pthread_mutex_unlock(&t->lock);
}

static void test_ports_destroy(struct device *dev)
{
	pthread_mutex_destroy(&to_ports(dev)->lock);
	device_free(dev);
}

static const struct device_class test_ports_class = {
	.name = "test_ports",
	.read = test_ports_read,
	.write = test_ports_write,
	.destroy = test_ports_destroy,
};

int test_ports_create(struct machine *m)
{
	static const struct {
		enum window_space space;
		uint64_t base, size;
	} windows[] = {
		[WINDOW_ECHO] = {WINDOW_PORT, X86_PORT_TEST, 4},
		[WINDOW_FLUSH] = {WINDOW_PORT, X86_PORT_TEST_FLUSH, 4},
		[WINDOW_BYTE] = {WINDOW_PORT, X86_PORT_TEST_BYTE, 1},
		[WINDOW_LINES] = {WINDOW_PORT, X86_PORT_TEST_IRQ, LINES},
		[WINDOW_MEMORY] = {WINDOW_MMIO, X86_TEST_BASE, X86_TEST_SIZE},
	};
	struct device *dev;
	int ret = device_create(m, &test_ports_class, "TEST", sizeof(struct test_ports), &dev);

	if (ret)
		return ret;
	pthread_mutex_init(&to_ports(dev)->lock, NULL);
	for (unsigned i = 0; !ret && i < ARRAY_SIZE(windows); i++)
		ret = machine_add_window(
			m, windows[i].space, windows[i].base, windows[i].size, dev, i);
	return ret;
}
