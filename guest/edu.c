/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * edu: drives QEMU's edu device (docs/specs/edu.rst of QEMU) on the bare machine: MMIO, DMA in both
 * directions, and its one MSI, from the raise register and from the end of a DMA.
 */
#include <stddef.h>

#include "lib.h"
#include "ports.h"

#define ID	     0x00
#define LIVENESS     0x04
#define FACTORIAL    0x08
#define STATUS	     0x20
#define STATUS_BUSY  1
#define IRQ_STATUS   0x24
#define IRQ_RAISE    0x60
#define IRQ_ACK	     0x64
#define DMA_SRC	     0x80
#define DMA_DST	     0x88
#define DMA_COUNT    0x90
#define DMA_CMD	     0x98
#define DMA_RUN	     1
#define DMA_FROM_EDU 2
#define DMA_IRQ	     4
#define DMA_IRQ_BIT  0x100
#define EDU_BUFFER   0x40000
#define DMA_BYTES    4096u

#define VECTOR	0x40
#define RAISES	8
#define CAP_MSI 5

static uint32_t bar;
static uint8_t out_page[DMA_BYTES] __attribute__((aligned(4096)));
static uint8_t in_page[DMA_BYTES] __attribute__((aligned(4096)));

static void require(bool ok, const char *what)
{
	if (!ok)
		end("edu", what);
	print("edu: ok %s\n", what);
}

static volatile uint32_t *edu(uint32_t offset)
{
	return reg32(bar + offset);
}

static void check_mmio(void)
{
	require((*edu(ID) & 0xff) == 0xed, "id");
	*edu(LIVENESS) = 0x12345678;
	require(*edu(LIVENESS) == ~0x12345678u, "liveness");
	*edu(FACTORIAL) = 10;
	while (*edu(STATUS) & STATUS_BUSY)
		;
	require(*edu(FACTORIAL) == 3628800, "factorial");
}

static void dma(uint32_t from, uint32_t to, uint32_t command)
{
	*edu(DMA_SRC) = from;
	*edu(DMA_DST) = to;
	*edu(DMA_COUNT) = DMA_BYTES;
	*edu(DMA_CMD) = command | DMA_RUN;
	while (*edu(DMA_CMD) & DMA_RUN)
		;
}

static void check_dma(void)
{
	unsigned i, wrong = 0;

	for (i = 0; i < DMA_BYTES; i++)
		out_page[i] = (uint8_t)(i * 7 + (i >> 8));
	dma((uint32_t)out_page, EDU_BUFFER, 0);
	dma(EDU_BUFFER, (uint32_t)in_page, DMA_FROM_EDU);
	for (i = 0; i < DMA_BYTES; i++)
		wrong += *(volatile uint8_t *)&in_page[i] != out_page[i];
	require(!wrong, "dma");
}

static void set_msi(unsigned devfn, unsigned cap, bool on)
{
	uint32_t control = pci_read(devfn, cap);

	pci_write(devfn, cap + 4, 0xfee00000u);
	pci_write(devfn, cap + 8, 0);
	pci_write(devfn, cap + 12, VECTOR);
	pci_write(devfn, cap, on ? control | 1u << 16 : control & ~(1u << 16));
}

static void raise_and_acknowledge(uint32_t want)
{
	*edu(IRQ_RAISE) = 1;
	if (!wait_for(&interrupts[VECTOR], want))
		end("edu", "msi: none came");
	*edu(IRQ_ACK) = *edu(IRQ_STATUS);
}

static void check_msi(unsigned devfn)
{
	unsigned cap = pci_capability(devfn, CAP_MSI);
	uint32_t i;

	require(cap, "msi capability");
	set_msi(devfn, cap, true);
	for (i = 1; i <= RAISES; i++)
		raise_and_acknowledge(i);
	print("edu: msi raised=%u received=%u\n", (uint32_t)RAISES, interrupts[VECTOR]);
	require(interrupts[VECTOR] == RAISES, "msi by raise");
	dma((uint32_t)out_page, EDU_BUFFER, DMA_IRQ);
	require(wait_for(&interrupts[VECTOR], RAISES + 1), "msi by dma");
	require(*edu(IRQ_STATUS) & DMA_IRQ_BIT, "its cause");
	*edu(IRQ_ACK) = *edu(IRQ_STATUS);
	set_msi(devfn, cap, false);
	set_msi(devfn, cap, true);
	raise_and_acknowledge(RAISES + 2);
	require(interrupts[VECTOR] == RAISES + 2, "msi after off and on");
}

void guest_main(const void *start_info)
{
	int devfn = pci_find(0x1234, 0x11e8);

	(void)start_info;
	interrupts_init();
	require(devfn >= 0, "found");
	bar = pci_read((unsigned)devfn, 0x10) & ~0xfu;
	/* QEMU without firmware leaves BARs unset. */
	if (!bar) {
		bar = 0xfd000000;
		pci_write((unsigned)devfn, 0x10, bar);
	}
	pci_write((unsigned)devfn, 4, 0x0006); /* memory, bus master */
	check_mmio();
	check_dma();
	check_msi((unsigned)devfn);
	end("edu", NULL);
}
