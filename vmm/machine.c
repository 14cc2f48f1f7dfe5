/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/machine.h"

#include "lib/util.h"
#include "vmm/device.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

static int layout_x86(struct machine *m, uint64_t ram_size)
{
	uint64_t low = min_u64(ram_size, X86_LOW_RAM_MAX);
	int ret;

	ret = machine_add_range(m, 0, X86_LOW_RAM_END, RANGE_RAM);
	if (!ret)
		ret = machine_add_range(
			m, X86_FIRMWARE_BASE, X86_FIRMWARE_END - X86_FIRMWARE_BASE, RANGE_RESERVED);
	if (!ret)
		ret = machine_add_range(m, X86_HIGH_RAM_BASE, low - X86_HIGH_RAM_BASE, RANGE_RAM);
	if (!ret && ram_size > low)
		ret = machine_add_range(m, X86_ABOVE_4G, ram_size - low, RANGE_RAM);
	return ret;
}

int machine_init(struct machine *m, enum guest_arch arch, uint64_t ram_size, unsigned vcpus)
{
	memset(m, 0, sizeof(*m));
	m->arch = arch;
	m->vcpus = vcpus;
	if (!vcpus || vcpus > MACHINE_VCPUS_MAX)
		return -EINVAL;
	if (ram_size < MACHINE_RAM_MIN || ram_size % (4 * KIB))
		return -EINVAL;
	if (ram_size > MACHINE_RAM_MAX)
		return -ERANGE;
	if (arch == GUEST_ARM64)
		return machine_add_range(m, ARM64_RAM_BASE, ram_size, RANGE_RAM);
	return layout_x86(m, ram_size);
}

int machine_init_fusa(
	struct machine *m, enum machine_contract contract, uint64_t ram_size, unsigned vcpus)
{
	int ret;

	memset(m, 0, sizeof(*m));
	m->arch = GUEST_X86_64;
	m->contract = contract;
	m->vcpus = vcpus;
	if (!vcpus || vcpus > MACHINE_VCPUS_MAX)
		return -EINVAL;
	if (contract == MACHINE_FUSA_SAFETY && vcpus != 1)
		return -EINVAL;
	if (ram_size < MACHINE_RAM_MIN || ram_size % (4 * KIB))
		return -EINVAL;
	if (ram_size > MACHINE_FUSA_RAM_MAX)
		return -ERANGE;
	ret = machine_add_range(m, 0, FUSA_RESERVED_BASE, RANGE_RAM);
	if (!ret)
		ret = machine_add_range(m, FUSA_RESERVED_BASE,
			FUSA_RESERVED_END - FUSA_RESERVED_BASE, RANGE_RESERVED);
	if (!ret)
		ret = machine_add_range(
			m, FUSA_RESERVED_END, ram_size - FUSA_RESERVED_END, RANGE_RAM);
	return ret;
}

static void assume(enum machine_wish *wish, enum machine_wish otherwise)
{
	if (*wish == MACHINE_AUTO)
		*wish = otherwise;
}

void machine_assume(struct machine *m)
{
	enum { PSCI_1_1 = 1 << 16 | 1 };
	struct machine_arm64 *a = &m->arm64;

	if (m->arch != GUEST_ARM64)
		return;
	if (a->gic == MACHINE_GIC_AUTO)
		a->gic = MACHINE_GIC_V3;
	assume(&a->its, a->gic == MACHINE_GIC_V3 ? MACHINE_ON : MACHINE_OFF);
	assume(&a->pmu, MACHINE_ON);
	assume(&a->sve, MACHINE_OFF);
	assume(&a->pauth, MACHINE_OFF);
	if (!a->psci)
		a->psci = PSCI_1_1;
}

char *machine_describe_choice(const struct machine *m, char buf[MACHINE_CHOICE_MAX])
{
	const struct machine_arm64 *a = &m->arm64;

	buf[0] = '\0';
	if (m->arch == GUEST_ARM64)
		snprintf(buf, MACHINE_CHOICE_MAX, "GICv%d%s, PSCI %u.%u%s%s%s%s",
			a->gic == MACHINE_GIC_V2 ? 2 : 3, a->its == MACHINE_ON ? " with ITS" : "",
			a->psci >> 16, a->psci & 0xFFFF, a->pmu == MACHINE_ON ? ", PMU" : "",
			a->sve == MACHINE_ON ? ", SVE" : "",
			a->pauth == MACHINE_ON ? ", pointer authentication" : "",
			m->nested ? ", nested" : "");
	return buf;
}

int machine_start(struct machine *m)
{
	int ret = 0;

	for (unsigned i = 0; i < m->device_count && !ret; i++) {
		if (m->devices[i]->cls->start)
			ret = m->devices[i]->cls->start(m->devices[i]);
	}
	return ret;
}

void machine_fini(struct machine *m)
{
	while (m->device_count) {
		struct device *dev = m->devices[--m->device_count];

		dev->cls->destroy(dev);
	}
	while (m->msi_count)
		fd_close(&m->msis[--m->msi_count].event_fd);
	while (m->doorbell_count)
		fd_close(&m->doorbells[--m->doorbell_count].event_fd);
	memset(m, 0, sizeof(*m));
}

int machine_add_range(struct machine *m, gpa_t base, uint64_t size, enum range_type type)
{
	unsigned at = 0;

	if (!size || add_overflows(base, size))
		return -EINVAL;
	for (unsigned i = 0; i < m->range_count; i++) {
		if (ranges_overlap(base, size, m->ranges[i].base, m->ranges[i].size))
			return -EEXIST;
		if (m->ranges[i].base < base)
			at = i + 1;
	}
	if (m->range_count == MACHINE_RANGES_MAX)
		return -ENOSPC;
	memmove(&m->ranges[at + 1], &m->ranges[at], (m->range_count - at) * sizeof(m->ranges[0]));
	m->ranges[at] = (struct machine_range){.base = base, .size = size, .type = type};
	m->range_count++;
	return 0;
}

/* Where KVM, or a page of its own, would be in front of a mapping, or behind it. */
static bool is_kvms(const struct machine *m, gpa_t base, uint64_t size)
{
	static const struct {
		enum guest_arch arch;
		gpa_t base;
		uint64_t size;
	} fixed[] = {
		{GUEST_X86_64, X86_IOAPIC_BASE, 4 * KIB},
		{GUEST_X86_64, X86_LAPIC_BASE, 4 * KIB},
		{GUEST_X86_64, X86_KVM_IDENTITY_MAP, 4 * KIB},
		{GUEST_X86_64, X86_KVM_TSS, 12 * KIB},
		{GUEST_ARM64, ARM64_GICD_BASE, ARM64_GICD_SIZE},
		{GUEST_ARM64, ARM64_GICC_BASE, ARM64_GICC_SIZE},
		{GUEST_ARM64, ARM64_ITS_BASE, ARM64_ITS_SIZE},
		{GUEST_ARM64, ARM64_GICR_BASE, ARM64_GICR_SIZE},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (m->arch == fixed[i].arch &&
			ranges_overlap(base, size, fixed[i].base, fixed[i].size))
			return true;
	}
	return false;
}

int machine_add_mapping(
	struct machine *m, gpa_t base, uint64_t size, void *hva, bool readonly, const char *what)
{
	struct machine_mapping *map;
	int ret;

	if ((base | size | (uintptr_t)hva) % (4 * KIB))
		return -EINVAL;
	if (is_kvms(m, base, size))
		return -EEXIST;
	for (unsigned i = 0; i < m->window_count; i++) {
		const struct machine_window *w = &m->windows[i];

		if (w->space == WINDOW_MMIO && ranges_overlap(base, size, w->base, w->size))
			return -EEXIST;
	}
	if (m->mapping_count == MACHINE_MAPPINGS_MAX)
		return -ENOSPC;
	ret = machine_add_range(m, base, size, RANGE_MAPPED);
	if (ret)
		return ret;
	map = &m->mappings[m->mapping_count++];
	*map = (struct machine_mapping){
		.base = base, .size = size, .hva = hva, .readonly = readonly};
	snprintf(map->what, sizeof(map->what), "%s", what);
	return 0;
}

const struct machine_mapping *machine_find_mapping(const struct machine *m, gpa_t addr)
{
	for (unsigned i = 0; i < m->mapping_count; i++) {
		if (addr >= m->mappings[i].base && addr - m->mappings[i].base < m->mappings[i].size)
			return &m->mappings[i];
	}
	return NULL;
}

static bool range_holds(const struct machine_range *r, gpa_t base, uint64_t size)
{
	return base >= r->base && base - r->base <= r->size && size <= r->size - (base - r->base);
}

static int claim_append(struct machine *m, gpa_t base, uint64_t size, const char *what)
{
	struct machine_claim *c;

	if (m->claim_count == MACHINE_CLAIMS_MAX)
		return -ENOSPC;
	c = &m->claims[m->claim_count++];
	c->base = base;
	c->size = size;
	snprintf(c->what, sizeof(c->what), "%s", what);
	return 0;
}

static const struct machine_claim *claim_find_overlap(
	const struct machine *m, gpa_t base, uint64_t size)
{
	for (unsigned i = 0; i < m->claim_count; i++) {
		if (ranges_overlap(base, size, m->claims[i].base, m->claims[i].size))
			return &m->claims[i];
	}
	return NULL;
}

int machine_claim(struct machine *m, gpa_t base, uint64_t size, const char *what,
	const struct machine_claim **ret_other)
{
	const struct machine_claim *other;
	bool inside = false;

	if (!size)
		return 0;
	for (unsigned i = 0; i < m->range_count; i++)
		inside = inside || (m->ranges[i].type != RANGE_MAPPED &&
					   range_holds(&m->ranges[i], base, size));
	if (!inside)
		return -EFAULT;
	other = claim_find_overlap(m, base, size);
	if (other) {
		if (ret_other)
			*ret_other = other;
		return -EEXIST;
	}
	return claim_append(m, base, size, what);
}

/* The lowest or highest free aligned place in [lo, hi); false when there is none. */
static bool place_in(const struct machine *m, const struct machine_search *s, gpa_t lo, gpa_t hi,
	gpa_t *ret_base)
{
	gpa_t base = s->highest ? 0 : align_up(lo, s->align);
	const struct machine_claim *other;

	for (;;) {
		if (hi < s->size)
			return false;
		if (s->highest)
			base = align_down(hi - s->size, s->align);
		if (base < lo || base > hi - s->size)
			return false;
		other = claim_find_overlap(m, base, s->size);
		if (!other)
			break;
		/* Each turn passes one claim, so there are at most claim_count turns. */
		if (s->highest)
			hi = other->base;
		else
			base = align_up(other->base + other->size, s->align);
	}
	*ret_base = base;
	return true;
}

int machine_place(
	struct machine *m, const struct machine_search *s, const char *what, gpa_t *ret_base)
{
	gpa_t base;
	int ret;

	if (!s->size)
		return -EINVAL;
	for (unsigned i = 0; i < m->range_count; i++) {
		unsigned at = s->highest ? m->range_count - 1 - i : i;
		const struct machine_range *r = &m->ranges[at];
		gpa_t lo = max_u64(r->base, s->min);
		gpa_t hi = min_u64(r->base + r->size - 1, s->max) + 1;

		if (r->type != RANGE_RAM || lo >= hi || !place_in(m, s, lo, hi, &base))
			continue;
		ret = claim_append(m, base, s->size, what);
		if (!ret)
			*ret_base = base;
		return ret;
	}
	return -ENOMEM;
}

gpa_t machine_ram_end_low(const struct machine *m)
{
	gpa_t end = 0;

	for (unsigned i = 0; i < m->range_count; i++) {
		if (m->ranges[i].type == RANGE_RAM && m->ranges[i].base < X86_ABOVE_4G)
			end = m->ranges[i].base + m->ranges[i].size;
	}
	return end;
}

int machine_add_device(struct machine *m, struct device *dev)
{
	if (m->device_count == MACHINE_DEVICES_MAX)
		return -ENOSPC;
	for (unsigned i = 0; i < m->device_count; i++)
		dev->uid += m->devices[i]->cls == dev->cls;
	dev->machine = m;
	m->devices[m->device_count++] = dev;
	return 0;
}

int machine_add_window(struct machine *m, enum window_space space, uint64_t base, uint64_t size,
	struct device *dev, unsigned index)
{
	unsigned at = 0;

	if (!size || add_overflows(base, size))
		return -EINVAL;
	if (space != WINDOW_MMIO && base + size > 0x10000)
		return -EINVAL;
	for (unsigned i = 0; space == WINDOW_MMIO && i < m->range_count; i++) {
		if (ranges_overlap(base, size, m->ranges[i].base, m->ranges[i].size))
			return -EEXIST;
	}
	for (unsigned i = 0; i < m->window_count; i++) {
		const struct machine_window *w = &m->windows[i];

		if (w->space == space && ranges_overlap(base, size, w->base, w->size))
			return -EEXIST;
		if (w->space < space || (w->space == space && w->base < base))
			at = i + 1;
	}
	if (m->window_count == MACHINE_WINDOWS_MAX)
		return -ENOSPC;
	memmove(&m->windows[at + 1], &m->windows[at],
		(m->window_count - at) * sizeof(m->windows[0]));
	m->windows[at] = (struct machine_window){
		.space = space, .base = base, .size = size, .dev = dev, .index = index};
	m->window_count++;
	return 0;
}

int machine_add_irq(struct machine *m, struct device *dev, uint32_t gsi, bool level)
{
	for (unsigned i = 0; i < m->irq_count; i++) {
		if (m->irqs[i].gsi == gsi)
			return -EEXIST;
	}
	if (m->irq_count == MACHINE_IRQS_MAX)
		return -ENOSPC;
	m->irqs[m->irq_count++] = (struct machine_irq){.dev = dev, .gsi = gsi, .level = level};
	return 0;
}

static int event_fd_create(int *ret_fd)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int machine_add_msi(struct machine *m, unsigned *ret_index)
{
	int ret = m->msi_count == MACHINE_MSIS_MAX
			  ? -ENOSPC
			  : event_fd_create(&m->msis[m->msi_count].event_fd);

	if (!ret)
		*ret_index = m->msi_count++;
	return ret;
}

int machine_add_doorbell(struct machine *m, unsigned *ret_index)
{
	int ret = m->doorbell_count == MACHINE_DOORBELLS_MAX
			  ? -ENOSPC
			  : event_fd_create(&m->doorbells[m->doorbell_count].event_fd);

	if (!ret)
		*ret_index = m->doorbell_count++;
	return ret;
}

void machine_share_msi(struct machine *m, unsigned index, int event_fd)
{
	fd_close(&m->msis[index].event_fd);
	m->msis[index].event_fd = event_fd;
}

void machine_share_doorbell(struct machine *m, unsigned index, int event_fd)
{
	fd_close(&m->doorbells[index].event_fd);
	m->doorbells[index].event_fd = event_fd;
}

int machine_add_memory(
	struct machine *m, uint64_t size, void *hva, bool readonly, unsigned *ret_index)
{
	if (!size || (size | (uintptr_t)hva) % (4 * KIB))
		return -EINVAL;
	if (m->memory_count == MACHINE_MEMORIES_MAX)
		return -ENOSPC;
	m->memories[m->memory_count] =
		(struct machine_device_memory){.size = size, .hva = hva, .readonly = readonly};
	*ret_index = m->memory_count++;
	return 0;
}

const struct machine_window *machine_find_window(
	const struct machine *m, enum window_space space, uint64_t addr)
{
	const struct machine_window *w = m->windows;

	/* The last one that starts at ADDR or before it, if there is any. */
	for (unsigned count = m->window_count; count > 1; count -= count / 2) {
		const struct machine_window *mid = w + count / 2;

		if (mid->space < space || (mid->space == space && mid->base <= addr))
			w = mid;
	}
	/* Below its base, the difference is beyond any size. */
	return m->window_count && w->space == space && addr - w->base < w->size ? w : NULL;
}

/* The window that holds all of [addr, addr + size), or NULL. */
static const struct machine_window *window_for_access(
	const struct machine *m, enum window_space space, uint64_t addr, unsigned size)
{
	const struct machine_window *w = machine_find_window(m, space, addr);

	if (!w || size > w->size - (addr - w->base))
		return NULL;
	if (w->dev->cls->claims && !w->dev->cls->claims(w->dev, w->index, addr - w->base, size))
		return NULL;
	return w;
}

static uint64_t size_mask(unsigned size)
{
	return size >= 8 ? UINT64_MAX : ((uint64_t)1 << (8 * size)) - 1;
}

/*
 * A device sees all of an access at once, but single bytes where that is no register's width. Such
 * are the parts of an access that crosses a page.
 */
static bool is_register(unsigned size)
{
	return !(size & (size - 1));
}

bool machine_read(const struct machine *m, enum window_space space, uint64_t addr, unsigned size,
	uint64_t *ret)
{
	const struct machine_window *w = window_for_access(m, space, addr, size);
	unsigned part = is_register(size) ? size : 1;
	uint64_t value = 0;

	*ret = size_mask(size);
	if (!w)
		return false;
	if (!w->dev->cls->read)
		return true;
	for (unsigned at = 0; at < size; at += part)
		value |= (w->dev->cls->read(w->dev, w->index, addr - w->base + at, part) &
				 size_mask(part))
			 << (8 * at);
	*ret = value;
	return true;
}

bool machine_write(const struct machine *m, enum window_space space, uint64_t addr, unsigned size,
	uint64_t value)
{
	const struct machine_window *w = window_for_access(m, space, addr, size);

	if (!w)
		return false;
	if (!w->dev->cls->write)
		return true;
	if (is_register(size)) {
		w->dev->cls->write(w->dev, w->index, addr - w->base, size, value & size_mask(size));
		return true;
	}
	for (unsigned at = 0; at < size; at++)
		w->dev->cls->write(
			w->dev, w->index, addr - w->base + at, 1, value >> (8 * at) & 0xFF);
	return true;
}

bool machine_call(const struct machine *m, uint16_t function,
	const uint64_t args[MACHINE_CALL_ARGS], uint64_t ret_results[MACHINE_CALL_RESULTS])
{
	const struct machine_window *w = machine_find_window(m, WINDOW_CALL, function);

	if (!w || !w->dev->cls->call)
		return false;
	w->dev->cls->call(w->dev, (uint16_t)(function - w->base), args, ret_results);
	return true;
}
