/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio_rig: a driver over PCI (4.1), which finds all it needs in the capability list. */
#include <linux/virtio_pci.h>

#include "../../virtio/transport.h"
#include "virtio_rig.h"

#define ECAM_BASE 0xe0000000ULL

static const struct pci_windows windows = {.ecam = {ECAM_BASE, MIB},
					   .mem32 = {0xc0000000, 16 * MIB}};

static unsigned intx_gsi(uint8_t devfn, unsigned pin)
{
	(void)devfn, (void)pin;
	return 16;
}

static uint32_t pci_read(struct virtio_rig *r, unsigned reg, unsigned size)
{
	return virtio_rig_read(r, ECAM_BASE + (r->devfn << 12) + reg, size);
}

/* 4.1.4: one vendor capability. */
static void found(struct virtio_rig *r, unsigned at)
{
	uint64_t bar, base;

	if (pci_read(r, at + VIRTIO_PCI_CAP_CFG_TYPE, 1) == VIRTIO_PCI_CAP_PCI_CFG) {
		r->window = at;
		return;
	}
	bar = pci_read(r, PCI_BASE_ADDRESS_0 + 4 * pci_read(r, at + VIRTIO_PCI_CAP_BAR, 1), 4);
	base = (bar & ~0xfULL) + pci_read(r, at + VIRTIO_PCI_CAP_OFFSET, 4);
	switch (pci_read(r, at + VIRTIO_PCI_CAP_CFG_TYPE, 1)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		r->common = base;
		return;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		r->notify = base;
		r->notify_step = pci_read(r, at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		return;
	case VIRTIO_PCI_CAP_ISR_CFG:
		r->isr = base;
		return;
	default:
		r->config = base;
	}
}

static void attach(struct virtio_rig *r)
{
	struct space *space = &r->rec.vm.mmio;
	unsigned at;

	cr_assert_eq(pci_bus_init(&r->bus, &r->rec.vm, NULL), 0);
	r->bus.intx_gsi = intx_gsi;
	r->virtio = (struct virtio){.vm = &r->rec.vm, .bus = &r->bus};
	cr_assert_eq(virtio_pci_attach(&r->virtio, &r->toy.device, NULL), 0);
	space_begin(space);
	cr_assert_eq(pci_bus_start(&r->bus, &windows, NULL), 0);
	cr_assert_eq(space_commit(space, NULL), 0);
	for (r->devfn = 0; pci_read(r, 0, 4) != 0x10441af4; r->devfn++)
		cr_assert_lt(r->devfn, 255u);
	virtio_rig_write(r, ECAM_BASE + (r->devfn << 12) + PCI_COMMAND, 2,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (at = pci_read(r, PCI_CAPABILITY_LIST, 1); at; at = pci_read(r, at + 1, 1))
		if (pci_read(r, at, 1) == PCI_CAP_ID_VNDR)
			found(r, at);
		else
			r->msix = at;
	r->table = pci_read(r, PCI_BASE_ADDRESS_1, 4) & ~0xfu;
}

static void select_queue(struct virtio_rig *r, unsigned q)
{
	virtio_rig_write(r, r->common + VIRTIO_PCI_COMMON_Q_SELECT, 2, q);
}

static uint32_t offered(struct virtio_rig *r, uint32_t word)
{
	virtio_rig_write(r, r->common + VIRTIO_PCI_COMMON_DFSELECT, 4, word);
	return virtio_rig_read(r, r->common + VIRTIO_PCI_COMMON_DF, 4);
}

static void accept_features(struct virtio_rig *r, uint32_t word, uint32_t bits)
{
	virtio_rig_write(r, r->common + VIRTIO_PCI_COMMON_GFSELECT, 4, word);
	virtio_rig_write(r, r->common + VIRTIO_PCI_COMMON_GF, 4, bits);
}

static uint8_t status(struct virtio_rig *r)
{
	return (uint8_t)virtio_rig_read(r, r->common + VIRTIO_PCI_COMMON_STATUS, 1);
}

static void set_status(struct virtio_rig *r, uint8_t s)
{
	virtio_rig_write(r, r->common + VIRTIO_PCI_COMMON_STATUS, 1, s);
}

static uint16_t queue_size(struct virtio_rig *r, unsigned q)
{
	select_queue(r, q);
	return (uint16_t)virtio_rig_read(r, r->common + VIRTIO_PCI_COMMON_Q_SIZE, 2);
}

/* 4.1.3.1: 64-bit fields as two of 32 bits. */
static void set_address(struct virtio_rig *r, unsigned reg, uint64_t address)
{
	virtio_rig_write(r, r->common + reg, 4, (uint32_t)address);
	virtio_rig_write(r, r->common + reg + 4, 4, address >> 32);
}

static void set_queue(struct virtio_rig *r, unsigned q, const struct driver_ring *ring)
{
	select_queue(r, q);
	virtio_rig_write(r, r->common + VIRTIO_PCI_COMMON_Q_SIZE, 2, ring->size);
	set_address(r, VIRTIO_PCI_COMMON_Q_DESCLO, ring->desc);
	set_address(r, VIRTIO_PCI_COMMON_Q_AVAILLO, ring->driver);
	set_address(r, VIRTIO_PCI_COMMON_Q_USEDLO, ring->device);
}

static void enable(struct virtio_rig *r, unsigned q)
{
	select_queue(r, q);
	virtio_rig_write(r, r->common + VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

static bool enabled(struct virtio_rig *r, unsigned q)
{
	select_queue(r, q);
	return virtio_rig_read(r, r->common + VIRTIO_PCI_COMMON_Q_ENABLE, 2);
}

static void reset_queue(struct virtio_rig *r, unsigned q)
{
	select_queue(r, q);
	virtio_rig_write(r, r->common + VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	cr_expect_eq(virtio_rig_read(r, r->common + VIRTIO_PCI_COMMON_Q_RESET, 2), 0);
}

static void kick(struct virtio_rig *r, unsigned q)
{
	uint32_t at;

	select_queue(r, q);
	at = r->notify_step * virtio_rig_read(r, r->common + VIRTIO_PCI_COMMON_Q_NOFF, 2);
	virtio_rig_write(r, r->notify + at, 2, q);
}

static uint32_t config(struct virtio_rig *r, unsigned offset, unsigned size)
{
	return virtio_rig_read(r, r->config + offset, size);
}

static void set_config(struct virtio_rig *r, unsigned offset, unsigned size, uint32_t value)
{
	virtio_rig_write(r, r->config + offset, size, value);
}

static uint32_t generation(struct virtio_rig *r)
{
	return virtio_rig_read(r, r->common + VIRTIO_PCI_COMMON_CFGGENERATION, 1);
}

/* 4.1.5.3: the line says that there is something, the ISR status what; reading it ends it. */
static uint8_t take_interrupts(struct virtio_rig *r)
{
	bool level = r->rec.level[16];
	uint8_t isr = (uint8_t)virtio_rig_read(r, r->isr, 1);

	cr_expect_eq(level, isr != 0, "line %u, ISR status %u", level, isr);
	cr_expect_not(r->rec.level[16]);
	return isr;
}

const struct driver_transport driver_over_pci = {
	.attach = attach,
	.offered = offered,
	.accept = accept_features,
	.status = status,
	.set_status = set_status,
	.queue_size = queue_size,
	.set_queue = set_queue,
	.enable = enable,
	.enabled = enabled,
	.reset_queue = reset_queue,
	.kick = kick,
	.config = config,
	.set_config = set_config,
	.generation = generation,
	.take_interrupts = take_interrupts,
};
