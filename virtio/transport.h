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

#endif
