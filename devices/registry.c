/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/registry.h"

#include "devices/acpi_pm.h"
#include "devices/bios.h"
#include "devices/cmos_rtc.h"
#include "devices/debug_exit.h"
#include "devices/fusa_rtc.h"
#include "devices/gicv2m.h"
#include "devices/i8042.h"
#include "devices/pci/host.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/post_port.h"
#include "devices/power_button.h"
#include "devices/reset_port.h"
#include "devices/serial16550.h"
#include "devices/testdev/chr_console.h"
#include "devices/testdev/debug_port.h"
#include "devices/testdev/fw_cfg.h"
#include "devices/testdev/hpet.h"
#include "devices/testdev/pvpanic.h"
#include "devices/testdev/test_ports.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

static int create_serial(struct machine *m, const struct devices_config *cfg)
{
	static const struct serial16550_config ports[DEVICES_SERIAL_PORTS] = {
		{.name = "COM1", .port = X86_PORT_COM1, .gsi = X86_IRQ_COM1},
		{.name = "COM2", .port = X86_PORT_COM2, .gsi = X86_IRQ_COM2},
	};
	int ret = 0;

	for (unsigned i = 0; i < DEVICES_SERIAL_PORTS && !ret; i++) {
		struct serial16550_config port = ports[i];

		port.chardev = cfg->serial[i];
		if (port.chardev)
			ret = serial16550_create(m, &port);
	}
	return ret;
}

static int create_pl011(struct machine *m, const struct devices_config *cfg)
{
	static const struct pl011_config ports[DEVICES_SERIAL_PORTS] = {
		{.name = "UART0", .base = ARM64_UART0_BASE, .gsi = ARM64_SPI_UART0},
		{.name = "UART1", .base = ARM64_UART1_BASE, .gsi = ARM64_SPI_UART1},
	};
	int ret = 0;

	for (unsigned i = 0; i < DEVICES_SERIAL_PORTS && !ret; i++) {
		struct pl011_config port = ports[i];

		port.chardev = cfg->serial[i];
		if (port.chardev)
			ret = pl011_create(m, &port);
	}
	return ret;
}

static int create_rtc(struct machine *m, const struct devices_config *cfg)
{
	return cmos_rtc_create(m, &cfg->rtc);
}

static int create_fusa_rtc(struct machine *m, const struct devices_config *cfg)
{
	return fusa_rtc_create(m, &cfg->rtc);
}

static int create_pl031(struct machine *m, const struct devices_config *cfg)
{
	return pl031_create(m, &cfg->rtc);
}

static int create_fusa_debug(struct machine *m, const struct devices_config *cfg)
{
	return cfg->debug ? debug_exit_create(m) : 0;
}

static int create_control_page(struct machine *m, const struct devices_config *cfg)
{
	return control_page_create(m, &cfg->control);
}

/* The contract has none; a watchdog needs one. */
static int create_fusa_control_page(struct machine *m, const struct devices_config *cfg)
{
	return cfg->control.watchdog_us ? control_page_create(m, &cfg->control) : 0;
}

static int create_pci(struct machine *m, const struct devices_config *cfg)
{
	return cfg->pci ? pci_host_create(m) : 0;
}

/* Messages need an ITS, or a frame that takes them in its place. */
static int create_arm64_pci(struct machine *m, const struct devices_config *cfg)
{
	int ret = create_pci(m, cfg);

	return ret || !machine_has_v2m(m) ? ret : gicv2m_create(m);
}

/* The first serial port's output is theirs, too. */
static int create_debug_ports(struct machine *m, const struct devices_config *cfg)
{
	const struct {
		bool wanted;
		const char *name;
		uint16_t port;
	} ports[] = {
		{cfg->debug_port, "DBG0", X86_PORT_DEBUG},
		{cfg->debug_port, "DBG1", X86_PORT_DEBUG2},
		{cfg->test_ports, "DBG2", X86_PORT_TEST_CHAR},
	};
	struct chardev *chardev = cfg->serial[0] ? cfg->serial[0] : cfg->serial[1];
	int ret = 0;

	for (unsigned i = 0; !ret && i < ARRAY_SIZE(ports); i++) {
		if (ports[i].wanted)
			ret = debug_port_create(m, ports[i].name, ports[i].port, chardev);
	}
	return ret;
}

static int create_test_ports(struct machine *m, const struct devices_config *cfg)
{
	return cfg->test_ports ? test_ports_create(m) : 0;
}

static int create_hpet(struct machine *m, const struct devices_config *cfg)
{
	const struct hpet_config hpet = {.loop = cfg->loop};

	return cfg->hpet ? hpet_create(m, &hpet) : 0;
}

static int create_pvpanic(struct machine *m, const struct devices_config *cfg)
{
	return cfg->pvpanic ? pvpanic_port_create(m) : 0;
}

static int create_fw_cfg(struct machine *m, const struct devices_config *cfg)
{
	return cfg->fw_cfg ? fw_cfg_create(m) : 0;
}

static int create_chr_testdev(struct machine *m, const struct devices_config *cfg)
{
	return cfg->chr_testdev ? chr_console_create(m) : 0;
}

/* One entry per device: the second for those that need nothing but the machine. */
struct creator {
	int (*create)(struct machine *m, const struct devices_config *cfg);
	int (*create_plain)(struct machine *m);
};

static const struct creator standard_devices[] = {
	{.create = create_serial},
	{.create = create_rtc},
	{.create = create_control_page},
	{.create_plain = power_button_create},
	{.create_plain = i8042_create},
	{.create = create_pci}, /* before the reset port, which is one of its ports */
	{.create_plain = reset_port_create},
	{.create_plain = acpi_pm_create},
	{.create_plain = debug_exit_create},
	{.create_plain = post_port_create},
	{.create = create_debug_ports},
	{.create = create_test_ports},
	{.create = create_hpet},
	{.create = create_pvpanic},
	{.create = create_fw_cfg},
	{.create_plain = bios_write},
	{0},
};

static const struct creator arm64_devices[] = {
	{.create = create_pl011},
	{.create = create_arm64_pci},
	{.create = create_pl031},
	{.create = create_control_page},
	{.create_plain = pl061_create},
	{.create = create_fw_cfg},
	{.create = create_chr_testdev},
	{0},
};

static const struct creator fusa_devices[] = {
	{.create = create_serial},
	{.create = create_fusa_rtc},
	{.create = create_fusa_debug},
	{.create = create_fusa_control_page},
	{.create_plain = pci_host_create},
	{0},
};

static const struct creator *list_of(const struct machine *m)
{
	if (m->arch == GUEST_ARM64)
		return arm64_devices;
	return machine_is_fusa(m) ? fusa_devices : standard_devices;
}

int devices_create(struct machine *m, const struct devices_config *cfg)
{
	const struct creator *c = list_of(m);
	int ret = 0;

	for (; !ret && (c->create || c->create_plain); c++)
		ret = c->create ? c->create(m, cfg) : c->create_plain(m);
	return ret;
}
