/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Firmware configuration device [QEMU docs/specs/fw_cfg]: items of bytes under keys of 16 bits,
 * read through a selector and a data register, or by DMA. On x86 ports, on arm64 MMIO; there
 * multi-byte registers are big-endian.
 *
 * Items: signature, revision, RAM size, CPU counts, kernel, initrd and command line as the
 * partition was given them (a bzImage in its two parts), and the file directory, on x86 with
 * etc/e820. They are all read-only. Left out: where QEMU would have loaded kernel and initrd, ACPI
 * tables, SMBIOS, boot order.
 */
#include "devices/testdev/fw_cfg.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

/* Keys. */
enum {
	KEY_SIGNATURE = 0x00,
	KEY_ID = 0x01,
	KEY_RAM_SIZE = 0x03,
	KEY_NOGRAPHIC = 0x04,
	KEY_NB_CPUS = 0x05,
	KEY_KERNEL_SIZE = 0x08,
	KEY_INITRD_SIZE = 0x0B,
	KEY_MAX_CPUS = 0x0F,
	KEY_KERNEL_DATA = 0x11,
	KEY_INITRD_DATA = 0x12,
	KEY_CMDLINE_SIZE = 0x14,
	KEY_CMDLINE_DATA = 0x15,
	KEY_SETUP_SIZE = 0x17,
	KEY_SETUP_DATA = 0x18,
	KEY_FILE_DIR = 0x19,
	KEY_FILES = 0x20,
};

#define ID_TRADITIONAL (1u << 0)
#define ID_DMA         (1u << 1)

/* The window's registers; those of a PC stand at these offsets from its first port. */
enum { PORT_SELECTOR = 0, PORT_DATA = 1, PORT_DMA = 4, PORTS = 12 };
enum { MMIO_DATA = 0, MMIO_SELECTOR = 8, MMIO_DMA = 16, MMIO_SIZE = 24 };

#define DMA_SIGNATURE 0x51454D5520434647 /* "QEMU CFG" */

/* Bits of the control field of a DMA request; its upper half is a key. */
#define DMA_ERROR  (1u << 0)
#define DMA_READ   (1u << 1)
#define DMA_SKIP   (1u << 2)
#define DMA_SELECT (1u << 3)
#define DMA_WRITE  (1u << 4)

/*
 * Beyond an item's end there are zeros. A DMA request may ask for so many, more than any driver
 * does; more would have a vCPU write zeros for as long as its guest likes.
 */
#define PADDING_MAX (1024 * 1024)

#define ITEMS_MAX      24
#define FILES_MAX      4
#define FILE_NAME_SIZE 56

struct item {
	uint16_t key;
	uint32_t size;
	uint8_t *data; /* owned; NULL when there are none */
};

struct file_entry {
	uint32_t size;
	uint16_t key;
	uint16_t reserved;
	char name[FILE_NAME_SIZE];
} __attribute__((packed));

struct file_directory {
	uint32_t count;
	struct file_entry files[FILES_MAX];
} __attribute__((packed));

struct dma_request {
	uint32_t control;
	uint32_t length;
	uint64_t address;
} __attribute__((packed));

struct fw_cfg {
	struct device dev;
	struct item items[ITEMS_MAX]; /* constant while vCPUs run */
	unsigned item_count;
	pthread_mutex_t lock;        /* guards what follows */
	const struct item *selected; /* NULL: a key that there is not */
	uint32_t offset;             /* of the next byte, at most the item's size */
	uint32_t dma_high;           /* of the request's address */
};

static struct fw_cfg *to_fw_cfg(struct device *dev)
{
	return container_of(dev, struct fw_cfg, dev);
}

/* ---- items ---- */

static int add_item(struct fw_cfg *f, uint16_t key, const void *data, size_t size)
{
	struct item item = {.key = key, .size = (uint32_t)size};

	if (size > UINT32_MAX)
		return -EFBIG;
	if (f->item_count == ITEMS_MAX)
		return -ENOSPC;
	if (size) {
		item.data = malloc(size);
		if (!item.data)
			return -ENOMEM;
		memcpy(item.data, data, size);
	}
	f->items[f->item_count++] = item;
	return 0;
}

/* Numbers are little-endian, whatever the machine. */
static int add_number(struct fw_cfg *f, uint16_t key, uint64_t value, unsigned bytes)
{
	value = htole64(value);
	return add_item(f, key, &value, bytes);
}

static int add_sized(
	struct fw_cfg *f, uint16_t size_key, uint16_t data_key, const void *data, size_t size)
{
	int ret = add_item(f, data_key, data, size);

	return ret ? ret : add_number(f, size_key, size, 4);
}

static const struct item *find_item(const struct fw_cfg *f, uint16_t key)
{
	for (unsigned i = 0; i < f->item_count; i++) {
		if (f->items[i].key == key)
			return &f->items[i];
	}
	return NULL;
}

/* ---- registers ---- */

static void select_item(struct fw_cfg *f, uint16_t key)
{
	f->selected = find_item(f, key);
	f->offset = 0;
}

static uint32_t bytes_left(const struct fw_cfg *f)
{
	return f->selected ? f->selected->size - f->offset : 0;
}

static uint8_t next_byte(struct fw_cfg *f)
{
	return bytes_left(f) ? f->selected->data[f->offset++] : 0;
}

/* What was read stays in the order that it has in memory, whatever the access's width. */
static uint64_t read_data(struct fw_cfg *f, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)next_byte(f) << (8 * i);
	return value;
}

/* ---- DMA ---- */

/* LENGTH bytes to the guest, or over them. False when they have no place. */
static bool dma_transfer(struct fw_cfg *f, gpa_t address, uint32_t length, bool read)
{
	uint32_t n = (uint32_t)min_u64(length, bytes_left(f));
	struct gmem *g = &f->dev.machine->gmem;

	if (read && length - n > PADDING_MAX)
		return false;
	if (read && length) {
		uint8_t *to = gmem_slice(g, address, length);

		if (!to)
			return false;
		if (n)
			memcpy(to, f->selected->data + f->offset, n);
		memset(to + n, 0, length - n);
	}
	f->offset += n;
	return true;
}

static void dma_run(struct fw_cfg *f, gpa_t at)
{
	struct gmem *g = &f->dev.machine->gmem;
	struct dma_request req;
	uint32_t control;
	bool ok = true;

	if (gmem_read(g, at, &req, sizeof(req)))
		return; /* there is no place for an answer, either */
	control = be32toh(req.control);
	if (control & DMA_SELECT)
		select_item(f, (uint16_t)(control >> 16));
	if (control & DMA_READ)
		ok = dma_transfer(f, be64toh(req.address), be32toh(req.length), true);
	else if (control & DMA_WRITE)
		ok = false; /* nothing can be written */
	else if (control & DMA_SKIP)
		ok = dma_transfer(f, 0, be32toh(req.length), false);
	control = htobe32(ok ? 0 : DMA_ERROR);
	gmem_write(g, at, &control, sizeof(control));
}

/* The register is big-endian; its lower half, or all of it at once, starts the request. */
static void dma_write(struct fw_cfg *f, uint64_t offset, unsigned size, uint64_t value)
{
	uint64_t high = (uint64_t)f->dma_high << 32;

	if (size == 8 && offset == 0)
		dma_run(f, be64toh(value));
	else if (size == 4 && offset == 4)
		dma_run(f, high | be32toh((uint32_t)value));
	else if (size == 4 && offset == 0)
		f->dma_high = be32toh((uint32_t)value);
	if (offset == 4 || size == 8)
		f->dma_high = 0;
}

static uint64_t dma_read(uint64_t offset, unsigned size)
{
	uint64_t signature = htobe64(DMA_SIGNATURE);

	return offset + size <= 8 ? signature >> (8 * offset) : 0;
}

/* ---- on a PC ---- */

static uint64_t port_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct fw_cfg *f = to_fw_cfg(dev);
	uint64_t value = 0;

	(void)index;
	pthread_mutex_lock(&f->lock);
	if (offset >= PORT_DMA)
		value = dma_read(offset - PORT_DMA, size);
	else if (size == 1 && offset <= PORT_DATA)
		value = next_byte(f);
	pthread_mutex_unlock(&f->lock);
	return value;
}

static void port_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct fw_cfg *f = to_fw_cfg(dev);

	(void)index;
	pthread_mutex_lock(&f->lock);
	if (offset >= PORT_DMA)
		dma_write(f, offset - PORT_DMA, size, value);
	else if (offset == PORT_SELECTOR && size == 2)
		select_item(f, (uint16_t)value);
	pthread_mutex_unlock(&f->lock);
}

/* ---- in memory ---- */

static uint64_t mmio_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct fw_cfg *f = to_fw_cfg(dev);
	uint64_t value = 0;

	(void)index;
	pthread_mutex_lock(&f->lock);
	if (offset >= MMIO_DMA)
		value = dma_read(offset - MMIO_DMA, size);
	else if (offset + size <= MMIO_SELECTOR)
		value = read_data(f, size);
	pthread_mutex_unlock(&f->lock);
	return value;
}

static void mmio_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct fw_cfg *f = to_fw_cfg(dev);

	(void)index;
	pthread_mutex_lock(&f->lock);
	if (offset >= MMIO_DMA)
		dma_write(f, offset - MMIO_DMA, size, value);
	else if (offset == MMIO_SELECTOR && size == 2)
		select_item(f, be16toh((uint16_t)value));
	pthread_mutex_unlock(&f->lock);
}

/* ---- making ---- */

static void fw_cfg_destroy(struct device *dev)
{
	struct fw_cfg *f = to_fw_cfg(dev);

	while (f->item_count)
		free(f->items[--f->item_count].data);
	pthread_mutex_destroy(&f->lock);
	device_free(dev);
}

static const struct device_class port_class = {
	.name = "fw_cfg",
	.acpi_hid = "QEMU0002",
	.read = port_read,
	.write = port_write,
	.destroy = fw_cfg_destroy,
};

static const struct device_class mmio_class = {
	.name = "fw_cfg_mmio",
	.fdt_compatible = "qemu,fw-cfg-mmio",
	.read = mmio_read,
	.write = mmio_write,
	.destroy = fw_cfg_destroy,
};

static uint64_t ram_size(const struct machine *m)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < m->range_count; i++) {
		const struct machine_range *r = &m->ranges[i];

		/* The hole below 1 MiB counts on a PC. */
		if (r->type == RANGE_RAM)
			size += r->size;
	}
	return m->arch == GUEST_ARM64 ? size : size + X86_HIGH_RAM_BASE - X86_LOW_RAM_END;
}

/* etc/e820: an address, a length, a type each, as the BIOS call gives them. */
static int add_e820(struct fw_cfg *f, struct file_directory *dir)
{
	const struct machine *m = f->dev.machine;
	struct {
		uint64_t base, size;
		uint32_t type;
	} __attribute__((packed)) map[MACHINE_RANGES_MAX];
	uint32_t i;

	for (i = 0; i < m->range_count; i++) {
		map[i].base = htole64(m->ranges[i].base);
		map[i].size = htole64(m->ranges[i].size);
		map[i].type = htole32(m->ranges[i].type == RANGE_RAM ? 1 : 2);
	}
	dir->count = htobe32(1);
	dir->files[0] = (struct file_entry){.size = htobe32(i * (uint32_t)sizeof(map[0])),
		.key = htobe16(KEY_FILES),
		.name = "etc/e820"};
	return add_item(f, KEY_FILES, map, i * sizeof(map[0]));
}

static int add_machine(struct fw_cfg *f)
{
	const struct machine *m = f->dev.machine;
	const struct {
		uint16_t key;
		unsigned bytes;
		uint64_t value;
	} numbers[] = {
		{KEY_ID, 4, ID_TRADITIONAL | ID_DMA},
		{KEY_RAM_SIZE, 8, ram_size(m)},
		{KEY_NOGRAPHIC, 2, 1},
		{KEY_NB_CPUS, 2, m->vcpus},
		{KEY_MAX_CPUS, 2, m->vcpus},
	};
	struct file_directory dir = {0};
	int ret = add_item(f, KEY_SIGNATURE, "QEMU", 4);

	for (unsigned i = 0; !ret && i < ARRAY_SIZE(numbers); i++)
		ret = add_number(f, numbers[i].key, numbers[i].value, numbers[i].bytes);
	if (!ret && m->arch == GUEST_X86_64)
		ret = add_e820(f, &dir);
	if (ret)
		return ret;
	return add_item(f, KEY_FILE_DIR, &dir,
		sizeof(dir.count) + be32toh(dir.count) * sizeof(dir.files[0]));
}

int fw_cfg_create(struct machine *m)
{
	bool arm64 = m->arch == GUEST_ARM64;
	struct device *dev;
	int ret = device_create(
		m, arm64 ? &mmio_class : &port_class, "FWCF", sizeof(struct fw_cfg), &dev);

	if (ret)
		return ret;
	pthread_mutex_init(&to_fw_cfg(dev)->lock, NULL);
	if (arm64)
		ret = machine_add_window(m, WINDOW_MMIO, ARM64_FW_CFG_BASE, MMIO_SIZE, dev, 0);
	else
		ret = machine_add_window(m, WINDOW_PORT, X86_PORT_FW_CFG, PORTS, dev, 0);
	return ret ? ret : add_machine(to_fw_cfg(dev));
}

/*
 * How much of a bzImage is its real-mode part [Linux Documentation/arch/x86/boot.rst]; 0: it is
 * none.
 */
static size_t setup_size(const struct fw_cfg_boot *boot)
{
	enum { SECTOR = 512, SETUP_SECTS = 0x1F1, MAGIC = 0x202, SECTS_DEFAULT = 4 };
	size_t sectors, size;

	if (boot->kernel_size < MAGIC + 4 || memcmp(boot->kernel + MAGIC, "HdrS", 4) != 0)
		return 0;
	sectors = boot->kernel[SETUP_SECTS] ? boot->kernel[SETUP_SECTS] : SECTS_DEFAULT;
	size = (sectors + 1) * SECTOR;
	return size <= boot->kernel_size ? size : 0;
}

int fw_cfg_add_boot(struct machine *m, const struct fw_cfg_boot *boot)
{
	bool arm64 = m->arch == GUEST_ARM64;
	struct device *dev = device_find(m, arm64 ? &mmio_class : &port_class);
	size_t setup = arm64 ? 0 : setup_size(boot);
	struct fw_cfg *f;
	int ret;

	if (!dev)
		return -ENODEV;
	f = to_fw_cfg(dev);
	ret = add_sized(f, KEY_SETUP_SIZE, KEY_SETUP_DATA, boot->kernel, setup);
	if (!ret)
		ret = add_sized(f, KEY_KERNEL_SIZE, KEY_KERNEL_DATA, boot->kernel + setup,
			boot->kernel_size - setup);
	if (!ret)
		ret = add_sized(
			f, KEY_INITRD_SIZE, KEY_INITRD_DATA, boot->initrd, boot->initrd_size);
	return ret ? ret
		   : add_sized(f, KEY_CMDLINE_SIZE, KEY_CMDLINE_DATA, boot->cmdline,
			     strlen(boot->cmdline) + 1);
}
