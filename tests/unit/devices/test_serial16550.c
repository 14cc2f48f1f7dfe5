/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/serial16550.h"
#include "lib/util.h"
#include "tests/unit/devices/port.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define COM 0x3F8
#define IRQ 4

/* Registers, as offsets from COM. */
enum { THR = 0, RBR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR, MCR, LSR, MSR, SCR };

#define MCR_OUT2 0x08
#define LSR_IDLE 0x60 /* THRE and TEMT */

static uint8_t in(unsigned reg)
{
	return inb(&fx, (uint16_t)(COM + reg));
}

static void out(unsigned reg, unsigned value)
{
	outb(&fx, (uint16_t)(COM + reg), (uint8_t)value);
}

static void setup(void)
{
	const struct serial16550_config cfg = {
		.name = "COM1", .port = COM, .gsi = IRQ, .chardev = &chr};

	fixture_init(&fx, MACHINE_RAM_MIN);
	chardev_init(&chr, -1);
	ck_assert_int_eq(serial16550_create(&fx.m, &cfg), 0);
}

START_TEST(reset_state)
{
	ck_assert_uint_eq(in(IER), 0);
	ck_assert_uint_eq(in(IIR), 0x01);
	ck_assert_uint_eq(in(LCR), 0);
	ck_assert_uint_eq(in(MCR), 0);
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	ck_assert_uint_eq(in(MSR), 0xB0);
	ck_assert_uint_eq(in(RBR), 0);
	ck_assert_uint_eq(fx.edges[IRQ], 0);
}
END_TEST

START_TEST(registers_keep_their_bits)
{
	out(SCR, 0x5A);
	ck_assert_uint_eq(in(SCR), 0x5A);
	out(IER, 0xFF);
	ck_assert_uint_eq(in(IER), 0x0F);
	out(MCR, 0xEF);
	ck_assert_uint_eq(in(MCR), 0x0F);
	out(LCR, 0x80);
	out(DLL, 0x34);
	out(DLM, 0x12);
	ck_assert_uint_eq(in(DLL), 0x34);
	ck_assert_uint_eq(in(DLM), 0x12);
	out(LCR, 0x03);
	ck_assert_uint_eq(in(IER), 0x0F);
	ck_assert_str_eq(sent(), "");
	out(LSR, 0xFF);
	out(MSR, 0xFF);
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	ck_assert_uint_eq(in(MSR), 0xB0);
}
END_TEST

/* What Linux' 8250 driver reads to tell a 16550A from its relatives. */
START_TEST(linux_autoconfig)
{
	out(IER, 0);
	ck_assert_uint_eq(in(IER)&0x0F, 0);
	out(IER, 0x0F);
	ck_assert_uint_eq(in(IER)&0x0F, 0x0F);
	out(IER, 0);
	out(MCR, 0x10 | 0x0A); /* loopback, OUT2 and RTS */
	ck_assert_uint_eq(in(MSR)&0xF0, 0x90);
	out(MCR, 0);
	out(LCR, 0xBF);
	out(FCR, 0);
	out(LCR, 0);
	out(FCR, 0x01);
	ck_assert_uint_eq(in(IIR) >> 6, 3); /* 16550A */
	out(LCR, 0x80);
	ck_assert_uint_ne(in(2), 0); /* no EFR: not a 16650 */
	out(LCR, 0xBF);
	ck_assert_uint_ne(in(2), 0);
	out(LCR, 0);
	out(FCR, 0x21);
	ck_assert_uint_eq(in(IIR) >> 5, 6); /* no 64-byte FIFO: not a 16750 */
	out(LCR, 0x80);
	out(FCR, 0x21);
	out(LCR, 0);
	ck_assert_uint_eq(in(IIR) >> 5, 6);
	out(IER, 0x40);
	ck_assert_uint_eq(in(IER), 0); /* no UUE: not an XScale */
}
END_TEST

/* Linux' start-up tests of the THRE interrupt: a port that fails them is polled from then on. */
START_TEST(linux_thre_tests)
{
	out(IER, 0x02);
	ck_assert_uint_eq(in(IIR), 0x02);
	out(IER, 0);
	out(IER, 0x02);
	ck_assert_uint_eq(in(IIR), 0x02);
	out(IER, 0);
	out(IER, 0x02);
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	ck_assert_uint_eq(in(IIR), 0x02);
	ck_assert_uint_eq(in(IIR), 0x01);
}
END_TEST

START_TEST(transmits)
{
	for (const char *p = "hello"; *p; p++) {
		ck_assert_uint_eq(in(LSR), LSR_IDLE);
		out(THR, (uint8_t)*p);
	}
	ck_assert_str_eq(sent(), "hello");
	ck_assert_uint_eq(fx.edges[IRQ], 0);
}
END_TEST

START_TEST(thre_interrupt)
{
	out(MCR, MCR_OUT2);
	out(IER, 0x02);
	ck_assert_uint_eq(fx.edges[IRQ], 1);
	/* Writing THR shows the gap even when IIR was not read. */
	out(THR, 'a');
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(fx.edges[IRQ], 2);
	ck_assert_uint_eq(in(IIR), 0x02);
	ck_assert(!fx.line[IRQ]);
	/* Writing IER with the bit already set is no new cause. */
	out(IER, 0x02);
	ck_assert(!fx.line[IRQ]);
	out(THR, 'b');
	ck_assert_uint_eq(fx.edges[IRQ], 3);
	/* LSR does not clear it. */
	in(LSR);
	ck_assert(fx.line[IRQ]);
	out(IER, 0);
	ck_assert(!fx.line[IRQ]);
}
END_TEST

START_TEST(out2_gates_the_line)
{
	out(IER, 0x02);
	ck_assert_uint_eq(fx.edges[IRQ], 0);
	out(MCR, MCR_OUT2);
	ck_assert(fx.line[IRQ]);
	out(MCR, MCR_OUT2 | 0x10);
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(in(IIR), 0x02);
	out(MCR, 0);
	out(IER, 0);
	out(IER, 0x02);
	ck_assert(!fx.line[IRQ]);
}
END_TEST

START_TEST(full_back_end_looks_busy)
{
	out(MCR, MCR_OUT2);
	stuff_ring();
	out(IER, 0x02);
	ck_assert_uint_eq(in(IIR), 0x02);
	out(THR, 'x');
	ck_assert_uint_eq(in(LSR), 0);
	ck_assert_uint_eq(in(IIR), 0x01);
	ck_assert(!fx.line[IRQ]);
	/* Enabling the interrupt while THR is full raises nothing. */
	out(IER, 0);
	out(IER, 0x02);
	ck_assert(!fx.line[IRQ]);
	ck_assert_ptr_nonnull(strchr(sent(), 'x'));
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(IIR), 0x02);
}
END_TEST

/* A driver that saw THRE may write 16 bytes without looking again; none is lost. */
START_TEST(full_back_end_with_fifo)
{
	out(FCR, 0x01);
	stuff_ring();
	for (unsigned i = 0; i < 16; i++)
		out(THR, 'a' + i);
	ck_assert_uint_eq(in(LSR), 0);
	out(THR, '!'); /* the 17th is the driver's fault */
	ck_assert_str_eq(strchr(sent(), 'a'), "abcdefghijklmnop");
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	stuff_ring();
	out(THR, 'y');
	out(FCR, 0x05); /* resets the transmit FIFO */
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	ck_assert_ptr_null(strchr(sent(), 'y'));
}
END_TEST

START_TEST(stalled_back_end_frees_the_port)
{
	stuff_ring();
	out(THR, 'x');
	ck_assert_uint_eq(in(LSR), 0);
	chardev_set_stalled(&chr, true);
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	out(THR, 'y');
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	ck_assert_uint_eq(chr.dropped, 2);
}
END_TEST

START_TEST(receives_without_fifo)
{
	out(MCR, MCR_OUT2);
	out(IER, 0x01);
	ck_assert_uint_eq(receive("ab"), 1);
	ck_assert_uint_eq(in(LSR), LSR_IDLE | 1);
	ck_assert_uint_eq(in(IIR), 0x04);
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(RBR), 'a');
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	ck_assert_uint_eq(receive("b"), 1);
	ck_assert_uint_eq(fx.edges[IRQ], 2);
}
END_TEST

START_TEST(receive_triggers)
{
	static const struct {
		uint8_t fcr;
		unsigned trigger;
	} cases[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xC1, 14}};

	out(IER, 0x01);
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		out(FCR, cases[c].fcr | 0x02);
		for (unsigned n = 1; n <= 16; n++) {
			ck_assert_uint_eq(receive("x"), 1);
			ck_assert_uint_eq(in(IIR), n >= cases[c].trigger ? 0xC4 : 0xCC);
		}
		ck_assert_uint_eq(receive("x"), 0);
		ck_assert_uint_eq(in(LSR), LSR_IDLE | 1); /* no overrun: it was not sent */
		for (unsigned n = 16; n; n--) {
			ck_assert_uint_eq(in(IIR), n >= cases[c].trigger ? 0xC4 : 0xCC);
			ck_assert_uint_eq(in(RBR), 'x');
		}
		ck_assert_uint_eq(in(IIR), 0xC1);
	}
}
END_TEST

START_TEST(fifo_switch_empties)
{
	out(FCR, 0x01);
	receive("abc");
	out(FCR, 0x01);
	ck_assert_uint_eq(in(RBR), 'a');
	out(FCR, 0x00);
	ck_assert_uint_eq(in(LSR), LSR_IDLE);
	receive("d");
	out(FCR, 0x06); /* without FCR0 the reset bits do nothing */
	ck_assert_uint_eq(in(RBR), 'd');
}
END_TEST

START_TEST(loopback)
{
	out(FCR, 0x01);
	out(MCR, 0x10);
	in(MSR);
	for (unsigned i = 0; i < 16; i++)
		out(THR, 'a' + i);
	ck_assert_uint_eq(in(LSR), LSR_IDLE | 1);
	ck_assert_uint_eq(receive("line"), 0); /* off the line */
	out(THR, '!');
	ck_assert_uint_eq(in(LSR), LSR_IDLE | 1 | 2); /* overrun */
	ck_assert_uint_eq(in(LSR), LSR_IDLE | 1);     /* cleared by reading */
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(in(RBR), 'a' + i);
	ck_assert_str_eq(sent(), "");
	out(FCR, 0);
	out(THR, '1');
	out(THR, '2'); /* without FIFO the new byte overwrites */
	ck_assert_uint_eq(in(LSR), LSR_IDLE | 1 | 2);
	ck_assert_uint_eq(in(RBR), '2');
}
END_TEST

START_TEST(loopback_modem_lines)
{
	static const uint8_t inputs[4] = {0x20, 0x10, 0x40, 0x80}; /* of DTR, RTS, OUT1, OUT2 */

	out(MCR, 0x10);
	in(MSR);
	for (unsigned i = 0; i < 4; i++) {
		out(MCR, 0x10 | 1u << i);
		ck_assert_uint_eq(in(MSR)&0xF0, inputs[i]);
		ck_assert_uint_eq(in(MSR)&0x0F, 0);
		out(MCR, 0x10);
		/* Each has its delta; RI only on its way off. */
		ck_assert_uint_eq(in(MSR), inputs[i] >> 4);
	}
}
END_TEST

START_TEST(interrupt_priority)
{
	out(MCR, 0x10);
	out(IER, 0x0F);
	out(THR, 'a');
	out(THR, 'b');
	ck_assert_uint_eq(in(IIR), 0x06);
	ck_assert_uint_eq(in(LSR)&2, 2);
	ck_assert_uint_eq(in(IIR), 0x04);
	in(RBR);
	ck_assert_uint_eq(in(IIR), 0x02);
	ck_assert_uint_eq(in(IIR), 0x00);
	in(MSR);
	ck_assert_uint_eq(in(IIR), 0x01);
}
END_TEST

START_TEST(asks_for_refused_input)
{
	int kicks[2];

	ck_assert_int_eq(pipe(kicks), 0);
	chr.wake_fd = kicks[1];
	ck_assert_uint_eq(receive("ab"), 1);
	ck_assert_int_eq(write(kicks[1], "", 1), 1); /* a mark: nothing was written before it */
	in(RBR);
	close(kicks[1]);
	chr.wake_fd = -1;
	for (unsigned i = 0; i < 9; i++)
		ck_assert_int_eq(read(kicks[0], &(char){0}, 1), 1);
	ck_assert_int_eq(read(kicks[0], &(char){0}, 1), 0);
	close(kicks[0]);
}
END_TEST

/* A wide access is as many byte accesses; one that leaves the window is nobody's. */
START_TEST(wide_accesses)
{
	uint64_t value;

	fixture_out(&fx, COM + LCR, 2, 0x0003 | MCR_OUT2 << 8);
	ck_assert_uint_eq(in(LCR), 0x03);
	ck_assert_uint_eq(in(MCR), MCR_OUT2);
	ck_assert_uint_eq(fixture_in(&fx, COM + LCR, 2), 0x0003 | MCR_OUT2 << 8);
	fixture_out(&fx, COM, 8, UINT64_MAX);
	fixture_in(&fx, COM, 8);
	fixture_in(&fx, COM + 4, 4);
	ck_assert(!machine_read(&fx.m, WINDOW_PORT, COM + SCR, 2, &value));
	ck_assert_uint_eq(value, 0xFFFF);
	ck_assert(!machine_write(&fx.m, WINDOW_PORT, COM + LSR, 8, 0));
}
END_TEST

START_TEST(collisions_are_reported)
{
	struct serial16550_config cfg = {
		.name = "COM2", .port = COM + 4, .gsi = 3, .chardev = &chr};

	ck_assert_int_eq(serial16550_create(&fx.m, &cfg), -EEXIST);
	cfg.port = 0x2F8;
	cfg.gsi = IRQ;
	ck_assert_int_eq(serial16550_create(&fx.m, &cfg), -EEXIST);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/serial16550");
	TCase *t = tcase_create("serial16550");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, reset_state);
	tcase_add_test(t, registers_keep_their_bits);
	tcase_add_test(t, linux_autoconfig);
	tcase_add_test(t, linux_thre_tests);
	tcase_add_test(t, transmits);
	tcase_add_test(t, thre_interrupt);
	tcase_add_test(t, out2_gates_the_line);
	tcase_add_test(t, full_back_end_looks_busy);
	tcase_add_test(t, full_back_end_with_fifo);
	tcase_add_test(t, stalled_back_end_frees_the_port);
	tcase_add_test(t, receives_without_fifo);
	tcase_add_test(t, receive_triggers);
	tcase_add_test(t, fifo_switch_empties);
	tcase_add_test(t, loopback);
	tcase_add_test(t, loopback_modem_lines);
	tcase_add_test(t, interrupt_priority);
	tcase_add_test(t, asks_for_refused_input);
	tcase_add_test(t, wide_accesses);
	tcase_add_test(t, collisions_are_reported);
	suite_add_tcase(s, t);
	return s;
}
