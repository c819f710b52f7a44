/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio: a driver's way to a virtio device, with nothing between them (Virtual I/O Device 1.2), a
 * PCI function (4.1) or, where the board has none of that ID, registers without a bus (4.2): find
 * it, negotiate, say where its rings are. The rings are the caller's.
 */
#ifndef CARILLON_GUEST_VIRTIO_H
#define CARILLON_GUEST_VIRTIO_H

#include "lib.h"

#define VIRTIO_ACKNOWLEDGE 1
#define VIRTIO_DRIVER	   2
#define VIRTIO_DRIVER_OK   4
#define VIRTIO_FEATURES_OK 8
#define VIRTIO_NEEDS_RESET 64

/* Feature bits, in their words. */
#define VIRTIO_0_INDIRECT   (1u << 28)
#define VIRTIO_0_EVENT_IDX  (1u << 29)
#define VIRTIO_1_VERSION_1  (1u << 0)
#define VIRTIO_1_PACKED	    (1u << 2)
#define VIRTIO_1_RING_RESET (1u << 8)

struct virtio_function {
	bool mmio;
	unsigned devfn; /* PCI */
	/* Guest-physical. */
	uintptr_t registers; /* PCI: the BAR of the structures */
	uint32_t registers_size;
	uintptr_t common, isr, config, notify;
	uint32_t notify_step;
	unsigned window; /* PCI: capability of 4.1.4.9 */
	unsigned queues;
};

/* PCI: memory decoding is on afterwards. False: there is no device of that ID. */
bool virtio_find(struct virtio_function *f, unsigned id);
uint8_t virtio_status(const struct virtio_function *f);
void virtio_set_status(const struct virtio_function *f, uint8_t status);
/* Reset, and take the offered ones of these features; false: FEATURES_OK did not stay. */
bool virtio_negotiate(const struct virtio_function *f, uint32_t word0, uint32_t word1);
/* The size that queue q can have at most. 0: there is no such queue. */
uint16_t virtio_queue_size(const struct virtio_function *f, unsigned q);
void virtio_queue(const struct virtio_function *f, unsigned q, uint16_t size, uint64_t desc,
		  uint64_t driver, uint64_t device);
/*
 * PCI: MSI-X on, before the device starts: queue q has a vector that writes data + q to the
 * address, as far as the device has as many.
 */
void virtio_vectors(const struct virtio_function *f, uint64_t address, uint32_t data);
/* The device starts. */
void virtio_go(const struct virtio_function *f);
void virtio_reset_queue(const struct virtio_function *f, unsigned q);
/* PCI: where queue q is kicked, by writing its number. */
volatile uint16_t *virtio_doorbell(const struct virtio_function *f, unsigned q);
void virtio_kick(const struct virtio_function *f, unsigned q);

#endif
