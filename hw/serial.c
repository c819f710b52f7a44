/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A 16550A UART (National Semiconductor PC16550D data sheet). It has no baud rate: a byte written
 * is a byte sent. The interrupt line is level: high while an enabled cause is pending.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <linux/serial_reg.h>

#include "hw.h"

/* How long output waits for a slow reader (a pipe, a terminal) before a byte counts as lost. */
#define OUT_PATIENCE_MS 1000

static bool loopback(const struct serial *s)
{
	return s->mcr & UART_MCR_LOOP;
}

/* Interrupt identification by priority (table 3 of the data sheet); 1 is "none". */
static uint8_t cause(const struct serial *s)
{
	if ((s->ier & UART_IER_RDI) && s->rx_count)
		return UART_IIR_RDI;
	if ((s->ier & UART_IER_THRI) && s->thr_empty_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void update_line(struct serial *s)
{
	bool level = cause(s) != UART_IIR_NO_INT;

	if (level != s->line) {
		s->line = level;
		irq_line(&s->vm->irqs, s->gsi, level);
	}
}

/* Bytes that fit no more are the sender's to keep; on the loop they are lost, as by an overrun. */
static unsigned receive(struct serial *s, const uint8_t *data, unsigned n)
{
	unsigned i;

	for (i = 0; i < n && s->rx_count < SERIAL_RX_ROOM; i++)
		s->rx[(s->rx_head + s->rx_count++) % SERIAL_RX_ROOM] = data[i];
	return i;
}

static void send(struct serial *s, uint8_t byte)
{
	struct pollfd out = {.fd = s->out_fd, .events = POLLOUT};
	ssize_t n;

	do {
		n = write(s->out_fd, &byte, 1);
	} while (n < 0 &&
		 (errno == EINTR || (errno == EAGAIN && poll(&out, 1, OUT_PATIENCE_MS) > 0)));
	if (n < 0)
		atomic_fetch_add_explicit(&s->lost, 1, memory_order_relaxed);
}

/* The sender is told at half, so that it does not come for each byte. */
static void made_room(struct serial *s)
{
	if (!s->refused || s->rx_count > SERIAL_RX_ROOM / 2)
		return;
	s->refused = false;
	console_has_room(s->vm);
}

static uint8_t read_rx(struct serial *s)
{
	uint8_t byte = 0;

	if (s->rx_count) {
		byte = s->rx[s->rx_head];
		s->rx_head = (s->rx_head + 1) % SERIAL_RX_ROOM;
		s->rx_count--;
	}
	made_room(s);
	return byte;
}

static uint8_t read_iir(struct serial *s)
{
	uint8_t iir = cause(s);

	if (iir == UART_IIR_THRI)
		s->thr_empty_pending = false;
	return iir | (s->fcr & UART_FCR_ENABLE_FIFO ? 0xc0 : 0);
}

/* In loopback, the modem outputs are wired to the modem inputs (data sheet 8.6.7). */
static uint8_t read_msr(const struct serial *s)
{
	if (!loopback(s))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	return (s->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
	       (s->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
	       (s->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
	       (s->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static uint64_t serial_read(void *opaque, uint64_t offset, unsigned size)
{
	struct serial *s = opaque;
	bool latch;
	uint8_t value;

	(void)size;
	pthread_mutex_lock(&s->lock);
	latch = s->lcr & UART_LCR_DLAB;
	switch (offset) {
	case UART_RX:
		value = latch ? s->dll : read_rx(s);
		break;
	case UART_IER:
		value = latch ? s->dlm : s->ier;
		break;
	case UART_IIR:
		value = read_iir(s);
		break;
	case UART_LCR:
		value = s->lcr;
		break;
	case UART_MCR:
		value = s->mcr;
		break;
	case UART_LSR:
		value = UART_LSR_TEMT | UART_LSR_THRE | (s->rx_count ? UART_LSR_DR : 0);
		break;
	case UART_MSR:
		value = read_msr(s);
		break;
	default:
		value = s->scr;
	}
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void write_thr(struct serial *s, uint8_t value)
{
	if (loopback(s))
		receive(s, &value, 1);
	else
		send(s, value);
	s->thr_empty_pending = true;
}

static void write_ier(struct serial *s, uint8_t value)
{
	/* Enabling the interrupt with the register empty raises it at once: Linux probes for this.
	 */
	if (~s->ier & value & UART_IER_THRI)
		s->thr_empty_pending = true;
	s->ier = value & 0x0f;
}

static void serial_write(void *opaque, uint64_t offset, unsigned size, uint64_t wide)
{
	struct serial *s = opaque;
	uint8_t value = (uint8_t)wide;
	bool latch;

	(void)size;
	pthread_mutex_lock(&s->lock);
	latch = s->lcr & UART_LCR_DLAB;
	switch (offset) {
	case UART_TX:
		if (latch)
			s->dll = value;
		else
			write_thr(s, value);
		break;
	case UART_IER:
		if (latch)
			s->dlm = value;
		else
			write_ier(s, value);
		break;
	case UART_FCR:
		s->fcr = value;
		if (value & UART_FCR_CLEAR_RCVR) {
			s->rx_count = 0;
			made_room(s);
		}
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		s->mcr = value & 0x1f;
		break;
	case UART_SCR:
		s->scr = value;
		break;
	default:
		break; /* LSR and MSR are read-only */
	}
	update_line(s);
	pthread_mutex_unlock(&s->lock);
}

static const struct region_ops serial_ops = {serial_read, serial_write};

void serial_init(struct serial *s, struct vm *vm, bool mmio, uint64_t base, unsigned gsi,
		 int out_fd)
{
	*s = (struct serial){.vm = vm,
			     .gsi = gsi,
			     .out_fd = out_fd,
			     .lock = PTHREAD_MUTEX_INITIALIZER,
			     .region = {.name = "serial",
					.base = base,
					.size = 8,
					.priority = PRIORITY_PLATFORM,
					.ops = &serial_ops}};
	s->region.opaque = s;
	s->region.traps = &s->accesses;
	space_add(mmio ? &vm->mmio : &vm->pio, &s->region);
}

void serial_destroy(struct serial *s)
{
	if (s->vm)
		pthread_mutex_destroy(&s->lock);
	s->vm = NULL;
}

unsigned serial_input(void *opaque, const uint8_t *data, unsigned n)
{
	struct serial *s = opaque;
	unsigned taken;

	pthread_mutex_lock(&s->lock);
	taken = receive(s, data, n);
	s->refused = taken < n;
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return taken;
}
