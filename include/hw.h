/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* hw: small devices of a board: the 16550 UART, the PL031 clock. */
#ifndef CARILLON_HW_H
#define CARILLON_HW_H

#include "vm.h"

#define SERIAL_RX_ROOM 1024

/*
 * A 16550A. Output goes to out_fd as it is written; input comes through serial_input(). Registers
 * are bytes at offsets 0..7 of the region.
 */
struct serial {
	struct vm *vm;
	unsigned gsi;
	int out_fd;
	struct region region;
	pthread_mutex_t lock;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	bool thr_empty_pending; /* the THRE interrupt was not yet acknowledged by reading IIR */
	bool line;
	uint8_t rx[SERIAL_RX_ROOM];
	unsigned rx_head, rx_count;
	bool refused;	       /* input waits for room */
	_Atomic uint64_t lost; /* output bytes that out_fd refused */
	_Atomic uint64_t accesses;
};

/* Put it into the space at base (ports or MMIO). */
void serial_init(struct serial *s, struct vm *vm, bool mmio, uint64_t base, unsigned gsi,
		 int out_fd);
void serial_destroy(struct serial *s);
/* The input of a console port; opaque is the struct serial. */
unsigned serial_input(void *opaque, const uint8_t *data, unsigned n);

/* A PL031 real time clock, with its alarm. */
struct pl031 {
	struct vm *vm;
	unsigned gsi;
	struct region region;
	pthread_mutex_t lock;
	uint32_t match, load, offset; /* offset: what the guest's clock is ahead of the host's */
	bool enabled, raised, line;   /* the alarm may interrupt, has rung, holds its line up */
	struct loop_timer timer;
};

/* Put it into memory at base, 4 KiB. */
int pl031_init(struct pl031 *r, struct vm *vm, uint64_t base, unsigned gsi, struct error *err);
void pl031_destroy(struct pl031 *r);

#endif
