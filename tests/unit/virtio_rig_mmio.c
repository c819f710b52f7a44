/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio_rig: a driver over MMIO (4.2), which was told where the registers are. */
#include <linux/virtio_mmio.h>

#include "../../virtio/transport.h"
#include "virtio_rig.h"

#define BASE	    0xf0000000ULL
#define GSI	    5
#define QUEUE_RESET 0x0c0 /* headers of Linux 6.1 lack it */

static uint32_t get(struct virtio_rig *r, unsigned reg)
{
	return virtio_rig_read(r, BASE + reg, 4);
}

static void set(struct virtio_rig *r, unsigned reg, uint32_t value)
{
	virtio_rig_write(r, BASE + reg, 4, value);
}

static void attach(struct virtio_rig *r)
{
	cr_assert_eq(virtio_mmio_attach(&r->toy.device, NULL), 0);
	cr_assert_eq(virtio_mmio_place(&r->toy.device, (struct range){BASE, 4096}, GSI, NULL), 0);
}

static uint32_t offered(struct virtio_rig *r, uint32_t word)
{
	set(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
	return get(r, VIRTIO_MMIO_DEVICE_FEATURES);
}

static void accept(struct virtio_rig *r, uint32_t word, uint32_t bits)
{
	set(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
	set(r, VIRTIO_MMIO_DRIVER_FEATURES, bits);
}

static uint8_t status(struct virtio_rig *r)
{
	return (uint8_t)get(r, VIRTIO_MMIO_STATUS);
}

static void set_status(struct virtio_rig *r, uint8_t s)
{
	set(r, VIRTIO_MMIO_STATUS, s);
}

static uint16_t queue_size(struct virtio_rig *r, unsigned q)
{
	set(r, VIRTIO_MMIO_QUEUE_SEL, q);
	return (uint16_t)get(r, VIRTIO_MMIO_QUEUE_NUM_MAX);
}

static void set_address(struct virtio_rig *r, unsigned low, uint64_t address)
{
	set(r, low, (uint32_t)address);
	set(r, low + 4, (uint32_t)(address >> 32));
}

static void set_queue(struct virtio_rig *r, unsigned q, const struct driver_ring *ring)
{
	set(r, VIRTIO_MMIO_QUEUE_SEL, q);
	set(r, VIRTIO_MMIO_QUEUE_NUM, ring->size);
	set_address(r, VIRTIO_MMIO_QUEUE_DESC_LOW, ring->desc);
	set_address(r, VIRTIO_MMIO_QUEUE_AVAIL_LOW, ring->driver);
	set_address(r, VIRTIO_MMIO_QUEUE_USED_LOW, ring->device);
}

static void enable(struct virtio_rig *r, unsigned q)
{
	set(r, VIRTIO_MMIO_QUEUE_SEL, q);
	set(r, VIRTIO_MMIO_QUEUE_READY, 1);
}

static bool enabled(struct virtio_rig *r, unsigned q)
{
	set(r, VIRTIO_MMIO_QUEUE_SEL, q);
	return get(r, VIRTIO_MMIO_QUEUE_READY);
}

static void reset_queue(struct virtio_rig *r, unsigned q)
{
	set(r, VIRTIO_MMIO_QUEUE_SEL, q);
	set(r, QUEUE_RESET, 1);
	cr_expect_eq(get(r, QUEUE_RESET), 0);
}

static void kick(struct virtio_rig *r, unsigned q)
{
	set(r, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

static uint32_t config(struct virtio_rig *r, unsigned offset, unsigned size)
{
	return virtio_rig_read(r, BASE + VIRTIO_MMIO_CONFIG + offset, size);
}

static void set_config(struct virtio_rig *r, unsigned offset, unsigned size, uint32_t value)
{
	virtio_rig_write(r, BASE + VIRTIO_MMIO_CONFIG + offset, size, value);
}

static uint32_t generation(struct virtio_rig *r)
{
	return get(r, VIRTIO_MMIO_CONFIG_GENERATION);
}

static uint8_t take_interrupts(struct virtio_rig *r)
{
	bool level = r->rec.level[GSI];
	uint32_t why = get(r, VIRTIO_MMIO_INTERRUPT_STATUS);

	cr_expect_eq(level, why != 0, "line %u, status %u", level, why);
	set(r, VIRTIO_MMIO_INTERRUPT_ACK, why);
	cr_expect_not(r->rec.level[GSI]);
	return (uint8_t)why;
}

const struct driver_transport driver_over_mmio = {
	.attach = attach,
	.offered = offered,
	.accept = accept,
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
