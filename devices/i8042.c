/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keyboard controller at ports 0x60 and 0x64, with nothing connected [IBM PS/2 Hardware Interface
 * Technical Reference, "Keyboard and Auxiliary Device Controller"].
 *
 * Modelled: the reset pulse, by command or through the output port; self test, command byte, input
 * and output port reads; commands with a parameter swallow it. A20 is always on.
 * Left out: keyboard and mouse (their interface tests fail, bytes to them go unanswered) and
 * interrupts. The FADT says that there is no 8042, and it is not in the DSDT.
 */
#include "devices/i8042.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <pthread.h>

enum { WINDOW_DATA, WINDOW_COMMAND };

#define STS_OBF     0x01 /* the output buffer holds a byte for the guest */
#define STS_SYS     0x04 /* self test passed */
#define STS_COMMAND 0x08 /* the last write went to port 0x64 */
#define STS_UNLOCK  0x10 /* keyboard not locked */

#define OUT_RESET_OFF 0x01 /* output port bit 0: the reset line, active low */
#define OUT_A20       0x02

#define CMD_READ_BYTE    0x20
#define CMD_WRITE_BYTE   0x60
#define CMD_TEST_AUX     0xA9
#define CMD_SELF_TEST    0xAA
#define CMD_TEST_KBD     0xAB
#define CMD_READ_INPUT   0xC0
#define CMD_READ_OUTPUT  0xD0
#define CMD_WRITE_OUTPUT 0xD1
#define CMD_WRITE_LAST   0xD4 /* 0xD1 to 0xD4 take a parameter, as does 0x60 to 0x7F */
#define CMD_PULSE        0xF0 /* pulses low the output port bits that are 0 in bits 3-0 */

#define SELF_TEST_PASSED 0x55
#define TEST_CLOCK_LOW   0x01 /* interface test: clock line stuck low, as with nothing there */
#define INPUT_UNLOCKED   0x80

struct i8042 {
	struct device dev;
	pthread_mutex_t lock; /* guards what follows */
	uint8_t status;
	uint8_t output;  /* the byte that STS_OBF announces */
	uint8_t command; /* the command that waits for its parameter; 0: none */
	uint8_t command_byte;
};

static void output_put(struct i8042 *k, uint8_t byte)
{
	k->output = byte;
	k->status |= STS_OBF;
}

static void pulse_reset(struct i8042 *k)
{
	const struct machine_services *services = &k->dev.machine->services;

	services->end(services->ctx, END_RESET, 0, "i8042 reset");
}

static void command_write(struct i8042 *k, uint8_t value)
{
	k->status |= STS_COMMAND;
	k->command = 0;
	switch (value) {
	case CMD_READ_BYTE:
		output_put(k, k->command_byte);
		break;
	case CMD_SELF_TEST:
		k->status |= STS_SYS;
		output_put(k, SELF_TEST_PASSED);
		break;
	case CMD_TEST_AUX:
	case CMD_TEST_KBD:
		output_put(k, TEST_CLOCK_LOW);
		break;
	case CMD_READ_INPUT:
		output_put(k, INPUT_UNLOCKED);
		break;
	case CMD_READ_OUTPUT:
		output_put(k, OUT_RESET_OFF | OUT_A20);
		break;
	case CMD_WRITE_BYTE ... 0x7F:
	case CMD_WRITE_OUTPUT ... CMD_WRITE_LAST:
		k->command = value;
		break;
	case CMD_PULSE ... 0xFF:
		if (!(value & OUT_RESET_OFF))
			pulse_reset(k);
		break;
	}
}

static void data_write(struct i8042 *k, uint8_t value)
{
	k->status &= (uint8_t)~STS_COMMAND;
	if (k->command == CMD_WRITE_BYTE)
		k->command_byte = value;
	if (k->command == CMD_WRITE_OUTPUT && !(value & OUT_RESET_OFF))
		pulse_reset(k);
	k->command = 0;
}

static uint64_t i8042_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct i8042 *k = container_of(dev, struct i8042, dev);
	uint8_t value;

	(void)offset, (void)size;
	pthread_mutex_lock(&k->lock);
	if (index == WINDOW_COMMAND) {
		value = k->status;
	} else {
		value = k->output;
		k->status &= (uint8_t)~STS_OBF;
	}
	pthread_mutex_unlock(&k->lock);
	return value;
}

static void i8042_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct i8042 *k = container_of(dev, struct i8042, dev);

	(void)offset, (void)size;
	pthread_mutex_lock(&k->lock);
	if (index == WINDOW_COMMAND)
		command_write(k, (uint8_t)value);
	else
		data_write(k, (uint8_t)value);
	pthread_mutex_unlock(&k->lock);
}

static void i8042_destroy(struct device *dev)
{
	pthread_mutex_destroy(&container_of(dev, struct i8042, dev)->lock);
	device_free(dev);
}

static const struct device_class i8042_class = {
	.name = "i8042",
	.read = i8042_read,
	.write = i8042_write,
	.destroy = i8042_destroy,
};

int i8042_create(struct machine *m)
{
	struct device *dev;
	struct i8042 *k;
	int ret = device_create(m, &i8042_class, "I8042", sizeof(*k), &dev);

	if (ret)
		return ret;
	k = container_of(dev, struct i8042, dev);
	pthread_mutex_init(&k->lock, NULL);
	k->status = STS_UNLOCK;
	ret = machine_add_window(m, WINDOW_PORT, X86_PORT_I8042_DATA, 1, dev, WINDOW_DATA);
	if (!ret)
		ret = machine_add_window(
			m, WINDOW_PORT, X86_PORT_I8042_CMD, 1, dev, WINDOW_COMMAND);
	return ret;
}
