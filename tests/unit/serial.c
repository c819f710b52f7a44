/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* hw: the 16550, as a driver sees it. */
#include <criterion/criterion.h>
#include <linux/serial_reg.h>
#include <string.h>
#include <unistd.h>

#include "hw.h"
#include "recorder.h"

#define BASE 0x3f8
#define GSI  4

static struct recorder rec;
static struct view_claim claim;
static struct serial s;
static int out[2];

static void start(void)
{
	recorder_init(&rec);
	space_register_claim(&rec.vm.pio, &claim);
	cr_assert_eq(pipe(out), 0);
	serial_init(&s, &rec.vm, false, BASE, GSI, out[1]);
}

static void finish(void)
{
	serial_destroy(&s);
	recorder_destroy(&rec);
	close(out[0]);
	close(out[1]);
}

static uint8_t in(unsigned reg)
{
	uint8_t v;

	cr_assert(space_read(&rec.vm.pio, &claim, BASE + reg, 1, &v));
	return v;
}

static void outb(unsigned reg, uint8_t v)
{
	cr_assert(space_write(&rec.vm.pio, &claim, BASE + reg, 1, &v));
}

TestSuite(serial, .init = start, .fini = finish);

Test(serial, sends)
{
	char got[3] = "";

	outb(UART_TX, 'h');
	outb(UART_TX, 'i');
	cr_assert_eq(read(out[0], got, 2), 2);
	cr_assert_str_eq(got, "hi");
	cr_assert_eq(in(UART_LSR), UART_LSR_TEMT | UART_LSR_THRE);
	cr_assert(!rec.level[GSI]);
}

Test(serial, receives_with_an_interrupt)
{
	outb(UART_IER, UART_IER_RDI);
	cr_assert_eq(serial_input(&s, (const uint8_t *)"ab", 2), 2);
	cr_assert(rec.level[GSI]);
	cr_assert_eq(in(UART_IIR)&0xf, UART_IIR_RDI);
	cr_assert_eq(in(UART_RX), 'a');
	cr_assert(rec.level[GSI], "one is left");
	cr_assert_eq(in(UART_RX), 'b');
	cr_assert(!rec.level[GSI]);
	cr_assert_eq(in(UART_LSR)&UART_LSR_DR, 0);
	cr_assert_eq(in(UART_RX), 0);
}

Test(serial, transmitter_empty_is_said_once)
{
	outb(UART_IER, UART_IER_THRI);
	cr_assert(rec.level[GSI], "at once: it is empty");
	cr_assert_eq(in(UART_IIR)&0xf, UART_IIR_THRI);
	cr_assert(!rec.level[GSI], "reading the cause acknowledges it");
	cr_assert_eq(in(UART_IIR)&0xf, UART_IIR_NO_INT);
	outb(UART_TX, 'x');
	cr_assert(rec.level[GSI]);
	outb(UART_IER, 0);
	cr_assert(!rec.level[GSI]);
}

Test(serial, the_latch_hides_data_and_enables)
{
	outb(UART_LCR, UART_LCR_DLAB | 3);
	outb(UART_DLL, 0x0c);
	outb(UART_DLM, 0x01);
	cr_assert_eq(in(UART_DLL), 0x0c);
	cr_assert_eq(in(UART_DLM), 0x01);
	outb(UART_LCR, 3);
	cr_assert_eq(in(UART_IER), 0);
	cr_assert_eq(in(UART_LCR), 3);
}

Test(serial, loopback_as_drivers_probe_it)
{
	outb(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	cr_assert_eq(in(UART_MSR), UART_MSR_DCD | UART_MSR_CTS);
	outb(UART_TX, 0x5a);
	cr_assert_eq(in(UART_RX), 0x5a);
	outb(UART_MCR, 0);
	cr_assert_eq(in(UART_MSR), UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	outb(UART_SCR, 0xa5);
	cr_assert_eq(in(UART_SCR), 0xa5);
	outb(UART_FCR, UART_FCR_ENABLE_FIFO);
	cr_assert_eq(in(UART_IIR)&0xc0, 0xc0);
}

Test(serial, input_beyond_its_room_is_refused_not_lost_in_silence)
{
	static uint8_t many[SERIAL_RX_ROOM + 10];

	cr_assert_eq(serial_input(&s, many, sizeof(many)), SERIAL_RX_ROOM);
	cr_assert_eq(serial_input(&s, many, 1), 0);
	in(UART_RX);
	cr_assert_eq(serial_input(&s, many, 1), 1);
}

static void count(void *user)
{
	++*(unsigned *)user;
}

Test(serial, room_is_told_once_and_only_to_who_was_refused)
{
	static uint8_t many[SERIAL_RX_ROOM + 1];
	unsigned told = 0, i;

	rec.vm.console = (struct console_port){.room = count, .user = &told};
	cr_assert_eq(serial_input(&s, many, SERIAL_RX_ROOM), SERIAL_RX_ROOM);
	for (i = 0; i < SERIAL_RX_ROOM; i++)
		in(UART_RX);
	cr_assert_eq(told, 0);
	cr_assert_eq(serial_input(&s, many, sizeof(many)), SERIAL_RX_ROOM);
	for (i = 0; i < SERIAL_RX_ROOM / 2 - 1; i++)
		in(UART_RX);
	cr_assert_eq(told, 0);
	in(UART_RX);
	cr_assert_eq(told, 1);
	in(UART_RX);
	cr_assert_eq(told, 1);
	cr_assert_eq(serial_input(&s, many, sizeof(many)), SERIAL_RX_ROOM / 2 + 1);
	outb(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	cr_assert_eq(told, 2, "a driver that clears its FIFO makes room, too");
}
