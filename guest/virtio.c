/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: see virtio.h. */
#include <stddef.h>

#include "virtio.h"

#define VENDOR	    0x1af4
#define DEVICE_BASE 0x1040
#define CAP_MSIX    17
/* Of a device's BAR, how much has structures in it. */
#define BAR_BYTES 0x4000

/* Without a bus. */
#define MMIO_BYTES 0x1000u
#define MMIO_MAGIC 0x74726976u
#define MMIO_ID	   0x008
#define NOTIFY	   0x050
#define CONFIG	   0x100

enum reg {
	DEVICE_FEATURE_SELECT,
	DEVICE_FEATURE,
	DRIVER_FEATURE_SELECT,
	DRIVER_FEATURE,
	STATUS,
	QUEUE_SELECT,
	QUEUE_SIZE_MAX,
	QUEUE_SIZE,
	QUEUE_ENABLE,
	QUEUE_DESC, /* two words of 32 bits, and those that follow */
	QUEUE_DRIVER,
	QUEUE_DEVICE,
	QUEUE_RESET,
	QUEUE_NOTIFY_OFF,
	QUEUE_MSIX_VECTOR,
};

/* Where they are in struct virtio_pci_common_cfg (4.1.4.3), how wide there; and without a bus
 * (4.2.2). */
static const struct {
	uint16_t pci, width, mmio;
} places[] = {
	[DEVICE_FEATURE_SELECT] = {0x00, 4, 0x014},
	[DEVICE_FEATURE] = {0x04, 4, 0x010},
	[DRIVER_FEATURE_SELECT] = {0x08, 4, 0x024},
	[DRIVER_FEATURE] = {0x0c, 4, 0x020},
	[STATUS] = {0x14, 1, 0x070},
	[QUEUE_SELECT] = {0x16, 2, 0x030},
	[QUEUE_SIZE_MAX] = {0x18, 2, 0x034},
	[QUEUE_SIZE] = {0x18, 2, 0x038},
	[QUEUE_ENABLE] = {0x1c, 2, 0x044},
	[QUEUE_DESC] = {0x20, 4, 0x080},
	[QUEUE_DRIVER] = {0x28, 4, 0x090},
	[QUEUE_DEVICE] = {0x30, 4, 0x0a0},
	[QUEUE_RESET] = {0x3a, 2, 0x0c0},
	[QUEUE_NOTIFY_OFF] = {0x1e, 2, 0},
	[QUEUE_MSIX_VECTOR] = {0x1a, 2, 0},
};

static uint32_t get(const struct virtio_function *f, enum reg r)
{
	uintptr_t at = f->common + places[r].pci;

	if (f->mmio)
		return *reg32(f->registers + places[r].mmio);
	switch (places[r].width) {
	case 1:
		return *(volatile uint8_t *)at;
	case 2:
		return *(volatile uint16_t *)at;
	default:
		return *reg32(at);
	}
}

static void set(const struct virtio_function *f, enum reg r, uint32_t value)
{
	uintptr_t at = f->common + places[r].pci;

	if (f->mmio)
		*reg32(f->registers + places[r].mmio) = value;
	else if (places[r].width == 1)
		*(volatile uint8_t *)at = (uint8_t)value;
	else if (places[r].width == 2)
		*(volatile uint16_t *)at = (uint16_t)value;
	else
		*reg32(at) = value;
}

/* ---- finding it -------------------------------------------------------------------------------
 */

/* 4.1.4: one vendor capability, of which cfg_type says what it is. */
static void found(struct virtio_function *f, unsigned at, uint32_t header)
{
	unsigned bar = pci_read(f->devfn, at + 4) & 0xff;
	uintptr_t base;

	if (header >> 24 == 5) {
		f->window = at;
		return;
	}
	/* Memory that the device shares, in a BAR that may lie above 4 GiB. */
	if (header >> 24 == 8)
		return;
	f->registers = pci_memory(f->devfn, bar);
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

static bool find_pci(struct virtio_function *f, unsigned id)
{
	int devfn = pci_find(VENDOR, (uint16_t)(DEVICE_BASE + id));
	unsigned at, n;

	if (devfn < 0)
		return false;
	*f = (struct virtio_function){.devfn = (unsigned)devfn, .registers_size = BAR_BYTES};
	at = pci_read(f->devfn, 0x34) & 0xfc;
	for (n = 0; at && n < 48; n++) {
		uint32_t header = pci_read(f->devfn, at);

		if ((uint8_t)header == 9)
			found(f, at, header);
		at = header >> 8 & 0xfc;
	}
	pci_write(f->devfn, 4, 0x0006); /* memory, bus master */
	return true;
}

static bool find_mmio(struct virtio_function *f, unsigned id)
{
	uintptr_t at;
	unsigned n;

	for (n = 0; (at = mmio_slot(n)); n++) {
		if (*reg32(at) != MMIO_MAGIC || *reg32(at + MMIO_ID) != id)
			continue;
		*f = (struct virtio_function){.mmio = true,
					      .registers = at,
					      .registers_size = MMIO_BYTES,
					      .config = at + CONFIG};
		return true;
	}
	return false;
}

bool virtio_find(struct virtio_function *f, unsigned id)
{
	if (!find_pci(f, id) && !find_mmio(f, id))
		return false;
	while (virtio_queue_size(f, f->queues))
		f->queues++;
	return true;
}

/* ---- what a driver does -----------------------------------------------------------------------
 */

uint8_t virtio_status(const struct virtio_function *f)
{
	return (uint8_t)get(f, STATUS);
}

void virtio_set_status(const struct virtio_function *f, uint8_t status)
{
	set(f, STATUS, status);
}

static void accept(const struct virtio_function *f, uint32_t word, uint32_t wanted)
{
	set(f, DEVICE_FEATURE_SELECT, word);
	set(f, DRIVER_FEATURE_SELECT, word);
	set(f, DRIVER_FEATURE, wanted & get(f, DEVICE_FEATURE));
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
	set(f, QUEUE_SELECT, q);
	return (uint16_t)get(f, QUEUE_SIZE_MAX);
}

static void set_address(const struct virtio_function *f, enum reg r, uint64_t address)
{
	uintptr_t at = f->mmio ? f->registers + places[r].mmio : f->common + places[r].pci;

	*reg32(at) = (uint32_t)address;
	*reg32(at + 4) = (uint32_t)(address >> 32);
}

void virtio_queue(const struct virtio_function *f, unsigned q, uint16_t size, uint64_t desc,
		  uint64_t driver, uint64_t device)
{
	set(f, QUEUE_SELECT, q);
	set(f, QUEUE_SIZE, size);
	set_address(f, QUEUE_DESC, desc);
	set_address(f, QUEUE_DRIVER, driver);
	set_address(f, QUEUE_DEVICE, device);
	set(f, QUEUE_ENABLE, 1);
}

/* Entries of the table have 16 bytes: address, data, mask (PCI Local Bus 3.0, 6.8.2.9). */
void virtio_vectors(const struct virtio_function *f, uint64_t address, uint32_t data)
{
	unsigned cap = pci_capability(f->devfn, CAP_MSIX), q;
	uint32_t control = pci_read(f->devfn, cap), place = pci_read(f->devfn, cap + 4);
	uintptr_t table = pci_memory(f->devfn, place & 7) + (place & ~7u);

	pci_write(f->devfn, cap, control | 1u << 31);
	for (q = 0; q < f->queues && q <= (control >> 16 & 0x7ff); q++) {
		*reg32(table + 16 * q) = (uint32_t)address;
		*reg32(table + 16 * q + 4) = (uint32_t)(address >> 32);
		*reg32(table + 16 * q + 8) = data + q;
		*reg32(table + 16 * q + 12) = 0;
		set(f, QUEUE_SELECT, q);
		set(f, QUEUE_MSIX_VECTOR, q);
	}
}

void virtio_go(const struct virtio_function *f)
{
	virtio_set_status(f, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |
				     VIRTIO_DRIVER_OK);
}

void virtio_reset_queue(const struct virtio_function *f, unsigned q)
{
	set(f, QUEUE_SELECT, q);
	set(f, QUEUE_RESET, 1);
	while (get(f, QUEUE_RESET) == 1)
		;
}

volatile uint16_t *virtio_doorbell(const struct virtio_function *f, unsigned q)
{
	set(f, QUEUE_SELECT, q);
	return (volatile uint16_t *)(f->notify + f->notify_step * get(f, QUEUE_NOTIFY_OFF));
}

void virtio_kick(const struct virtio_function *f, unsigned q)
{
	/* 2.7.13.4: what is in the rings is there before the device hears of it. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (f->mmio)
		*reg32(f->registers + NOTIFY) = q;
	else
		*virtio_doorbell(f, q) = (uint16_t)q;
}
