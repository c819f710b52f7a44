/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The transports of virtio devices: how a driver finds and reaches one. */
#ifndef CARILLON_VIRTIO_TRANSPORT_H
#define CARILLON_VIRTIO_TRANSPORT_H

#include "device.h"

/*
 * Put a device, which was initialized, onto the bus as a PCI function (4.1). On error the device
 * has no transport.
 */
int virtio_pci_attach(struct virtio *v, struct virtio_device *d, struct error *err);
/*
 * Give a device, which was initialized, registers (4.2), which are nowhere until they are placed:
 * guest-physical, with a board GSI. On error the device has no transport.
 */
int virtio_mmio_attach(struct virtio_device *d, struct error *err);
int virtio_mmio_place(struct virtio_device *d, struct range registers, unsigned gsi,
		      struct error *err);

#endif
