/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: see virtio.h. */
#include <stddef.h>

#include "virtio.h"

#define VENDOR	    0x1af4
#define DEVICE_BASE 0x1040

/* struct virtio_pci_common_cfg */
#define DEVICE_FEATURE_SELECT 0x00
#define DEVICE_FEATURE	      0x04
#define DRIVER_FEATURE_SELECT 0x08
#define DRIVER_FEATURE	      0x0c
#define NUM_QUEUES	      0x12
#define STATUS		      0x14
#define QUEUE_SELECT	      0x16
#define QUEUE_SIZE	      0x18
#define QUEUE_ENABLE	      0x1c
#define QUEUE_NOTIFY_OFF      0x1e
#define QUEUE_DESC	      0x20
#define QUEUE_DRIVER	      0x28
#define QUEUE_DEVICE	      0x30
#define QUEUE_RESET	      0x3a

static volatile uint16_t *reg16(uint32_t addr)
{
	return (volatile uint16_t *)addr;
}

static volatile uint8_t *reg8(uint32_t addr)
{
	return (volatile uint8_t *)addr;
}

/* 4.1.4: one vendor capability, of which cfg_type says what it is. */
static void found(struct virtio_function *f, unsigned at, uint32_t header)
{
	unsigned bar = pci_read(f->devfn, at + 4) & 0xff;
	uint32_t base;

	if (header >> 24 == 5) {
		f->window = at;
		return;
	}
	/* Memory that the device shares, in a BAR that may lie above 4 GiB. */
	if (header >> 24 == 8)
		return;
	f->registers = pci_read(f->devfn, 0x10 + 4 * bar) & ~0xfu;
	base = f->registers + pci_read(f->devfn, at + 8);
	switch (header >> 24) {
	case 1:
		f->common = base;
		return;
	case 2:
		f->notify = base;
		f->notify_step = pci_read(f->devfn, at + 16);
		return;
	case 3:
		f->isr = base;
		return;
	case 4:
		f->config = base;
		return;
	default:
		return;
	}
}

bool virtio_find(struct virtio_function *f, unsigned id)
{
	int devfn = pci_find(VENDOR, (uint16_t)(DEVICE_BASE + id));
	unsigned at, n;

	if (devfn < 0)
		return false;
	*f = (struct virtio_function){.devfn = (unsigned)devfn};
	at = pci_read(f->devfn, 0x34) & 0xfc;
	for (n = 0; at && n < 48; n++) {
		uint32_t header = pci_read(f->devfn, at);

		if ((uint8_t)header == 9)
			found(f, at, header);
		at = header >> 8 & 0xfc;
	}
	pci_write(f->devfn, 4, 0x0006); /* memory, bus master */
	f->queues = *reg16(f->common + NUM_QUEUES);
	return true;
}

uint8_t virtio_status(const struct virtio_function *f)
{
	return *reg8(f->common + STATUS);
}

void virtio_set_status(const struct virtio_function *f, uint8_t status)
{
	*reg8(f->common + STATUS) = status;
}

static void accept(const struct virtio_function *f, uint32_t word, uint32_t wanted)
{
	*reg32(f->common + DEVICE_FEATURE_SELECT) = word;
	*reg32(f->common + DRIVER_FEATURE_SELECT) = word;
	*reg32(f->common + DRIVER_FEATURE) = wanted & *reg32(f->common + DEVICE_FEATURE);
}

bool virtio_negotiate(const struct virtio_function *f, uint32_t word0, uint32_t word1)
{
	virtio_set_status(f, 0);
	while (virtio_status(f))
		;
	virtio_set_status(f, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	accept(f, 0, word0);
	accept(f, 1, word1 | VIRTIO_1_VERSION_1);
	virtio_set_status(f, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	return virtio_status(f) & VIRTIO_FEATURES_OK;
}

uint16_t virtio_queue_size(const struct virtio_function *f, unsigned q)
{
	*reg16(f->common + QUEUE_SELECT) = (uint16_t)q;
	return *reg16(f->common + QUEUE_SIZE);
}

static void set_address(const struct virtio_function *f, uint32_t reg, uint64_t address)
{
	*reg32(f->common + reg) = (uint32_t)address;
	*reg32(f->common + reg + 4) = (uint32_t)(address >> 32);
}

void virtio_queue(const struct virtio_function *f, unsigned q, uint16_t size, uint64_t desc,
		  uint64_t driver, uint64_t device)
{
	*reg16(f->common + QUEUE_SELECT) = (uint16_t)q;
	*reg16(f->common + QUEUE_SIZE) = size;
	set_address(f, QUEUE_DESC, desc);
	set_address(f, QUEUE_DRIVER, driver);
	set_address(f, QUEUE_DEVICE, device);
	*reg16(f->common + QUEUE_ENABLE) = 1;
}

void virtio_go(const struct virtio_function *f)
{
	virtio_set_status(f, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |
				     VIRTIO_DRIVER_OK);
}

void virtio_reset_queue(const struct virtio_function *f, unsigned q)
{
	*reg16(f->common + QUEUE_SELECT) = (uint16_t)q;
	*reg16(f->common + QUEUE_RESET) = 1;
	while (*reg16(f->common + QUEUE_RESET) == 1)
		;
}

void virtio_kick(const struct virtio_function *f, unsigned q)
{
	*reg16(f->common + QUEUE_SELECT) = (uint16_t)q;
	*reg16(f->notify + f->notify_step * *reg16(f->common + QUEUE_NOTIFY_OFF)) = (uint16_t)q;
}
