/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What both transports have in their registers, each at offsets of its own: features, status and
 * queues (4.1.4.3, 4.2.2), and a level interrupt with the status that says why.
 */
#ifndef CARILLON_VIRTIO_REGISTERS_H
#define CARILLON_VIRTIO_REGISTERS_H

#include "device.h"

/* None is an offset where a transport has nothing, or something of its own. */
enum virtio_register {
	REGISTER_NONE,
	REGISTER_OFFERED_WORD, /* which 32 bits of the features that the device offers are read */
	REGISTER_OFFERED,
	REGISTER_ACCEPTED_WORD,
	REGISTER_ACCEPTED,
	REGISTER_STATUS,
	REGISTER_GENERATION,
	REGISTER_QUEUE, /* which queue those below are about */
	REGISTER_QUEUE_SIZE,
	REGISTER_QUEUE_ENABLED,
	REGISTER_QUEUE_RESET,
	REGISTER_DESC_LOW,
	REGISTER_DESC_HIGH,
	REGISTER_DRIVER_LOW,
	REGISTER_DRIVER_HIGH,
	REGISTER_DEVICE_LOW,
	REGISTER_DEVICE_HIGH,
};

/* What the driver has selected. */
struct virtio_selection {
	uint32_t offered_word, accepted_word, queue;
};

/* Under the device's lock. A queue that does not exist reads as zeros, and writes do nothing. */
uint32_t virtio_register_read(const struct virtio_device *d, const struct virtio_selection *s,
			      enum virtio_register r);
void virtio_register_write(struct virtio_device *d, struct virtio_selection *s,
			   enum virtio_register r, uint32_t value);

/* Of a level interrupt's status (4.1.4.5, InterruptStatus in 4.2.2): why it is up. */
#define VIRTIO_WHY_QUEUE  1
#define VIRTIO_WHY_CONFIG 2

/* Its owner has a lock for it. */
struct virtio_line {
	unsigned gsi; /* the board's */
	uint8_t why;
	bool up;
};

/* Drive the line, if that changes it. */
void virtio_line_set(struct virtio_line *l, struct vm *vm, bool up);

#endif
