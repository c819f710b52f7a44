/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * device_rig: a device that has the machine's own event loop, behind a transport that only counts,
 * and a driver that lays its rings. The test turns the loop.
 */
#ifndef CARILLON_TESTS_DEVICE_RIG_H
#define CARILLON_TESTS_DEVICE_RIG_H

#include <criterion/criterion.h>

#include "../../virtio/devices.h"
#include "recorder.h"
#include "virtio_driver.h"

#define DEVICE_RAM	0x100000ULL /* guest-physical */
#define DEVICE_RAM_SIZE (2 * MIB)
#define DEVICE_BUFFERS	(DEVICE_RAM + 0x20000)
#define DEVICE_QUEUES	3
#define DEVICE_RING	16 /* entries */

struct device_rig {
	struct recorder rec;
	struct virtio virtio;
	struct virtio_device *d;
	struct driver_ring rings[DEVICE_QUEUES];
	uint16_t size; /* of the rings, DEVICE_RING entries unless the test says more */
	unsigned interrupts[DEVICE_QUEUES], config_interrupts;
};

/* A machine, for the test to put a device into r->d. */
void device_rig_open(struct device_rig *r);
void device_rig_close(struct device_rig *r);
/* Reset, negotiate VERSION_1, lay all rings anew and say DRIVER_OK. */
void device_rig_start(struct device_rig *r);
void device_rig_reset(struct device_rig *r);
/* Turn the loop until nothing is left to do. */
void device_rig_settle(struct device_rig *r);
/* One buffer of queue q, at guest-physical `address`, with a kick; the loop is turned. */
void device_rig_out(struct device_rig *r, unsigned q, uint64_t address, uint32_t length);
void device_rig_in(struct device_rig *r, unsigned q, uint64_t address, uint32_t length);
void *device_rig_at(struct device_rig *r, uint64_t gpa);

#endif
