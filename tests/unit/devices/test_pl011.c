/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/pl011.h"
#include "lib/util.h"
#include "tests/unit/devices/port.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"

#include <errno.h>
#include <unistd.h>

#define BASE ARM64_UART0_BASE
#define IRQ  ARM64_SPI_UART0

/* Registers, as offsets from BASE. */
enum {
	DR = 0x00,
	RSR = 0x04,
	FR = 0x18,
	ILPR = 0x20,
	IBRD = 0x24,
	FBRD = 0x28,
	LCR_H = 0x2C,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
	RIS = 0x3C,
	MIS = 0x40,
	ICR = 0x44,
	DMACR = 0x48,
};

#define FR_IDLE 0x97 /* both FIFOs empty; CTS, DSR, DCD */
#define FR_BUSY 0x08
#define FR_RXFE 0x10
#define FR_TXFF 0x20
#define FR_RXFF 0x40
#define FR_TXFE 0x80
#define FEN     0x10
#define CR_ON   0x301
#define CR_LBE  0x381
#define INT_RX  0x10
#define INT_TX  0x20
#define INT_RT  0x40
#define INT_OE  0x400
#define DEPTH   16

static uint32_t in(unsigned reg)
{
	return (uint32_t)fixture_load(&fx, BASE + reg, 4);
}

static void out(unsigned reg, uint32_t value)
{
	fixture_store(&fx, BASE + reg, 4, value);
}

static void setup(void)
{
	const struct pl011_config cfg = {
		.name = "UART0", .base = BASE, .gsi = IRQ, .chardev = &chr};

	fixture_init_arm64(&fx);
	chardev_init(&chr, -1);
	ck_assert_int_eq(pl011_create(&fx.m, &cfg), 0);
}

START_TEST(reset_state)
{
	static const struct {
		unsigned reg;
		uint32_t value;
	} regs[] = {{DR, 0}, {RSR, 0}, {FR, FR_IDLE}, {ILPR, 0}, {IBRD, 0}, {FBRD, 0}, {LCR_H, 0},
		{CR, 0x300}, {IFLS, 0x12}, {IMSC, 0}, {RIS, 0}, {MIS, 0}, {ICR, 0}, {DMACR, 0},
		{0x80, 0}, {0xFDC, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		ck_assert_msg(in(regs[i].reg) == regs[i].value, "register %#x: %#x", regs[i].reg,
			in(regs[i].reg));
	ck_assert_uint_eq(fx.edges[IRQ], 0);
	ck_assert_str_eq(fx.m.devices[0]->cls->fdt_compatible, "arm,pl011");
	ck_assert(fx.m.irqs[0].level);
}
END_TEST

/* What Linux' AMBA bus reads: the part, and by its revision the depth of its FIFOs. */
START_TEST(identification)
{
	static const uint8_t ids[] = {0x11, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1};

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_uint_eq(in(0xFE0 + 4 * i), ids[i]);
}
END_TEST

START_TEST(registers_keep_their_bits)
{
	static const struct {
		unsigned reg;
		uint32_t mask;
	} regs[] = {{ILPR, 0xFF}, {IBRD, 0xFFFF}, {FBRD, 0x3F}, {LCR_H, 0xFF}, {CR, 0xFF87},
		{IFLS, 0x3F}, {IMSC, 0x7FF}, {DMACR, 0x7}};

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		out(regs[i].reg, UINT32_MAX);
		ck_assert_uint_eq(in(regs[i].reg), regs[i].mask);
		out(regs[i].reg, 0);
		ck_assert_uint_eq(in(regs[i].reg), 0);
	}
	/* Those that are read-only stay as they are. */
	out(FR, 0);
	out(0xFE0, 0);
	ck_assert_uint_eq(in(FR), FR_IDLE);
	ck_assert_uint_eq(in(0xFE0), 0x11);
	ck_assert_str_eq(sent(), "");
}
END_TEST

/* As an early console does it: nothing is set up. */
START_TEST(transmits)
{
	for (const char *p = "hello"; *p; p++) {
		ck_assert_uint_eq(in(FR), FR_IDLE);
		fixture_store(&fx, BASE + DR, 1, (uint8_t)*p);
	}
	ck_assert_str_eq(sent(), "hello");
	out(CR, 0);
	out(DR, 0xFFFFFF00 | '!');
	ck_assert_str_eq(sent(), "!");
	ck_assert_uint_eq(fx.edges[IRQ], 0);
}
END_TEST

START_TEST(transmit_interrupt)
{
	out(LCR_H, _i ? FEN : 0);
	out(CR, CR_ON);
	out(IMSC, INT_TX);
	/* It comes from what is sent, not from having nothing to send. */
	ck_assert(!fx.line[IRQ]);
	out(DR, 'a');
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(MIS), INT_TX);
	out(IMSC, 0);
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(in(RIS), INT_TX);
	ck_assert_uint_eq(in(MIS), 0);
	out(IMSC, INT_TX);
	ck_assert(fx.line[IRQ]);
	out(ICR, INT_TX);
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(in(RIS), 0);
}
END_TEST

START_TEST(full_back_end_looks_busy)
{
	out(IMSC, INT_TX);
	stuff_ring();
	out(DR, 'x');
	ck_assert_uint_eq(in(FR), (FR_IDLE & ~FR_TXFE) | FR_BUSY | FR_TXFF);
	ck_assert(!fx.line[IRQ]);
	out(DR, '!'); /* the driver's fault */
	ck_assert_str_eq(strchr(sent(), 'x'), "x");
	ck_assert_uint_eq(in(FR), FR_IDLE);
	ck_assert(fx.line[IRQ]);
	/* A byte in the holding register clears the interrupt. */
	stuff_ring();
	out(DR, 'y');
	ck_assert(!fx.line[IRQ]);
}
END_TEST

/* The interrupt comes when the FIFO is down to its level, whichever that is. */
START_TEST(full_back_end_with_fifo)
{
	static const unsigned levels[] = {2, 4, 8, 12, 14};

	out(LCR_H, FEN);
	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		out(IFLS, i);
		out(IMSC, INT_TX);
		out(ICR, INT_TX);
		stuff_ring();
		for (unsigned n = 0; n < DEPTH; n++) {
			ck_assert_uint_eq(in(FR)&FR_TXFF, 0);
			out(DR, 'a' + n);
		}
		ck_assert_uint_eq(in(FR), (FR_IDLE & ~FR_TXFE) | FR_BUSY | FR_TXFF);
		out(DR, '!');
		/* One short of the level, and then there. */
		chardev_tx_drop(&chr, DEPTH - levels[i] - 1);
		ck_assert(!fx.line[IRQ]);
		ck_assert_uint_eq(in(FR) & (FR_TXFF | FR_BUSY), FR_BUSY);
		out(DR, 'z'); /* there is room again, and above the level */
		ck_assert(!fx.line[IRQ]);
		chardev_tx_drop(&chr, 2);
		ck_assert(fx.line[IRQ]);
		ck_assert_str_eq(strchr(sent(), 'a'), "abcdefghijklmnopz");
		ck_assert_uint_eq(in(FR), FR_IDLE);
	}
	stuff_ring();
	out(DR, 'y');
	out(LCR_H, 0); /* switching the FIFOs empties them */
	ck_assert_uint_eq(in(FR), FR_IDLE);
	ck_assert_ptr_null(strchr(sent(), 'y'));
}
END_TEST

START_TEST(stalled_back_end_frees_the_port)
{
	stuff_ring();
	out(DR, 'x');
	ck_assert_uint_eq(in(FR)&FR_TXFF, FR_TXFF);
	chardev_set_stalled(&chr, true);
	ck_assert_uint_eq(in(FR), FR_IDLE);
	out(DR, 'y');
	ck_assert_uint_eq(in(FR), FR_IDLE);
	ck_assert_uint_eq(chr.dropped, 2);
}
END_TEST

START_TEST(receives_without_fifo)
{
	out(IMSC, INT_RX | INT_RT);
	ck_assert_uint_eq(receive("ab"), 1);
	ck_assert_uint_eq(in(FR), (FR_IDLE & ~FR_RXFE) | FR_RXFF);
	ck_assert_uint_eq(in(MIS), INT_RX); /* a holding register has no time-out */
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(DR), 'a');
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(in(FR), FR_IDLE);
	ck_assert_uint_eq(receive("b"), 1);
	ck_assert_uint_eq(fx.edges[IRQ], 2);
}
END_TEST

START_TEST(receive_levels)
{
	static const unsigned levels[] = {2, 4, 8, 12, 14};

	out(LCR_H, FEN);
	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		out(IFLS, i << 3);
		for (unsigned n = 1; n <= DEPTH; n++) {
			ck_assert_uint_eq(receive("x"), 1);
			ck_assert_uint_eq(in(RIS), INT_RT | (n >= levels[i] ? INT_RX : 0));
		}
		ck_assert_uint_eq(receive("x"), 0);
		ck_assert_uint_eq(in(FR), (FR_IDLE & ~FR_RXFE) | FR_RXFF);
		ck_assert_uint_eq(in(RSR), 0); /* no overrun: it was not sent */
		for (unsigned n = DEPTH; n; n--) {
			ck_assert_uint_eq(in(RIS), INT_RT | (n >= levels[i] ? INT_RX : 0));
			ck_assert_uint_eq(in(DR), 'x');
		}
		ck_assert_uint_eq(in(RIS), 0);
		ck_assert_uint_eq(in(DR), 0);
	}
}
END_TEST

/* The time-out is what fetches bytes below the level; ICR clears it, the next byte sets it. */
START_TEST(receive_time_out)
{
	out(LCR_H, FEN);
	out(IMSC, INT_RX | INT_RT);
	ck_assert_uint_eq(receive("a"), 1);
	ck_assert_uint_eq(in(MIS), INT_RT);
	out(ICR, INT_RT);
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(receive("b"), 1);
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(DR), 'a');
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(DR), 'b');
	ck_assert(!fx.line[IRQ]);
}
END_TEST

START_TEST(fifo_switch_empties)
{
	out(LCR_H, FEN);
	receive("abc");
	out(LCR_H, FEN | 0x60);
	ck_assert_uint_eq(in(DR), 'a');
	out(LCR_H, 0x60);
	ck_assert_uint_eq(in(FR), FR_IDLE);
	ck_assert_uint_eq(in(RIS), 0);
}
END_TEST

START_TEST(loopback)
{
	out(LCR_H, FEN);
	out(CR, CR_LBE);
	out(ICR, 0x7FF);
	out(IMSC, INT_OE);
	for (unsigned i = 0; i < DEPTH; i++)
		out(DR, 'a' + i);
	ck_assert_uint_eq(in(FR) & (FR_RXFF | FR_TXFE), FR_RXFF | FR_TXFE);
	ck_assert_uint_eq(receive("line"), 0); /* off the line */
	ck_assert(!fx.line[IRQ]);
	out(DR, '!');
	ck_assert_uint_eq(in(RIS), INT_OE | INT_RX | INT_TX | INT_RT);
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(RSR), 8);
	ck_assert_uint_eq(in(DR), 0x800 | 'a');
	for (unsigned i = 1; i < DEPTH; i++)
		ck_assert_uint_eq(in(DR), 'a' + i);
	ck_assert_uint_eq(in(RSR), 8);
	out(RSR, 0xFF);
	ck_assert_uint_eq(in(RSR), 0);
	out(ICR, INT_OE);
	ck_assert(!fx.line[IRQ]);
	ck_assert_str_eq(sent(), "");
	out(CR, CR_ON);
	ck_assert_uint_eq(receive("line"), 4);
}
END_TEST

START_TEST(loopback_modem_lines)
{
	/* Of DTR, RTS, Out1, Out2: the bit in UARTFR and the interrupt. */
	static const struct {
		uint32_t fr, irq;
	} inputs[] = {{0x002, 0x008}, {0x001, 0x002}, {0x004, 0x004}, {0x100, 0x001}};

	out(CR, CR_LBE);
	ck_assert_uint_eq(in(FR), FR_RXFE | FR_TXFE);
	ck_assert_uint_eq(in(RIS), 0xE); /* what was on went off; nobody rang */
	for (unsigned i = 0; i < ARRAY_SIZE(inputs); i++) {
		out(ICR, 0xF);
		out(CR, CR_LBE | 0x400u << i);
		ck_assert_uint_eq(in(FR), FR_RXFE | FR_TXFE | inputs[i].fr);
		ck_assert_uint_eq(in(RIS), inputs[i].irq);
		out(ICR, 0xF);
		out(CR, CR_LBE);
		ck_assert_uint_eq(in(RIS), inputs[i].irq);
	}
	/* Not in loopback they are the peer's. */
	out(CR, CR_ON);
	out(ICR, 0xF);
	out(CR, CR_ON | 0x3C00);
	ck_assert_uint_eq(in(FR), FR_IDLE);
	ck_assert_uint_eq(in(RIS), 0);
}
END_TEST

START_TEST(asks_for_refused_input)
{
	int kicks[2];

	ck_assert_int_eq(pipe(kicks), 0);
	chr.wake_fd = kicks[1];
	ck_assert_uint_eq(receive("ab"), 1);
	ck_assert_int_eq(write(kicks[1], "", 1), 1); /* a mark: nothing was written before it */
	in(DR);
	close(kicks[1]);
	chr.wake_fd = -1;
	for (unsigned i = 0; i < 9; i++)
		ck_assert_int_eq(read(kicks[0], &(char){0}, 1), 1);
	ck_assert_int_eq(read(kicks[0], &(char){0}, 1), 0);
	close(kicks[0]);
}
END_TEST

/* What Linux' driver does to a port that firmware has used, until it is open. */
START_TEST(linux_startup)
{
	out(IMSC, 0);
	out(ICR, 0x7FF);
	out(IFLS, 2 << 3 | 2); /* half full */
	out(LCR_H, 0x70);
	out(CR, 0x301 | 0xC00);
	out(ICR, INT_RT | INT_RX);
	receive("typed early");
	for (unsigned i = 0; i < 2 * DEPTH && !(in(FR)&FR_RXFE); i++)
		in(DR);
	out(IMSC, INT_RT | INT_RX);
	ck_assert_uint_eq(in(FR), FR_IDLE);
	ck_assert(!fx.line[IRQ]);
	receive("ls");
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(DR), 'l');
	ck_assert_uint_eq(in(DR), 's');
	ck_assert(!fx.line[IRQ]);
}
END_TEST

/* Narrow ones reach the register that begins there, wide ones two of them. */
START_TEST(other_widths)
{
	fixture_store(&fx, BASE + IBRD, 8, (uint64_t)0x15 << 32 | 0x1234);
	ck_assert_uint_eq(in(IBRD), 0x1234);
	ck_assert_uint_eq(in(FBRD), 0x15);
	ck_assert_uint_eq(fixture_load(&fx, BASE + IBRD, 8), (uint64_t)0x15 << 32 | 0x1234);
	ck_assert_uint_eq(fixture_load(&fx, BASE + IBRD, 2), 0x1234);
	ck_assert_uint_eq(fixture_load(&fx, BASE + IBRD, 1), 0x34);
	fixture_store(&fx, BASE + CR, 2, 0x301);
	ck_assert_uint_eq(in(CR), 0x301);
	fixture_store(&fx, BASE + IBRD + 1, 1, 0xFF);
	fixture_store(&fx, BASE + IBRD + 2, 4, 0xFF);
	ck_assert_uint_eq(in(IBRD), 0x1234);
	ck_assert_uint_eq(fixture_load(&fx, BASE + IBRD + 1, 1), 0);
	receive("a");
	ck_assert_uint_eq(fixture_load(&fx, BASE + DR + 2, 2), 0);
	ck_assert_uint_eq(fixture_load(&fx, BASE + DR, 1), 'a');
}
END_TEST

START_TEST(taken_places)
{
	struct pl011_config cfg = {
		.name = "UART1", .base = BASE, .gsi = ARM64_SPI_UART1, .chardev = &chr};

	ck_assert_int_eq(pl011_create(&fx.m, &cfg), -EEXIST);
	cfg.base = ARM64_UART1_BASE;
	cfg.gsi = IRQ;
	ck_assert_int_eq(pl011_create(&fx.m, &cfg), -EEXIST);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/pl011");
	TCase *tc = tcase_create("pl011");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reset_state);
	tcase_add_test(tc, identification);
	tcase_add_test(tc, registers_keep_their_bits);
	tcase_add_test(tc, transmits);
	tcase_add_loop_test(tc, transmit_interrupt, 0, 2);
	tcase_add_test(tc, full_back_end_looks_busy);
	tcase_add_test(tc, full_back_end_with_fifo);
	tcase_add_test(tc, stalled_back_end_frees_the_port);
	tcase_add_test(tc, receives_without_fifo);
	tcase_add_test(tc, receive_levels);
	tcase_add_test(tc, receive_time_out);
	tcase_add_test(tc, fifo_switch_empties);
	tcase_add_test(tc, loopback);
	tcase_add_test(tc, loopback_modem_lines);
	tcase_add_test(tc, asks_for_refused_input);
	tcase_add_test(tc, linux_startup);
	tcase_add_test(tc, other_widths);
	tcase_add_test(tc, taken_places);
	suite_add_tcase(s, tc);
	return s;
}
