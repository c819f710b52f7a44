/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vfio_guest: a machine to which the fake device is assigned, and what its guest does and sees: its
 * configuration accesses, its loads and stores.
 */
#ifndef CARILLON_TESTS_VFIO_GUEST_H
#define CARILLON_TESTS_VFIO_GUEST_H

#include "recorder.h"
#include "vfio_fake.h"

struct vfio_guest {
	struct recorder rec;
	struct vfio vfio;
	struct pci_bus bus;
	struct pci_function *f; /* the assigned device's, NULL: it was refused */
	struct view_claim ports;
	unsigned fds_before;
};

extern struct vfio_guest guest;

/* Plug a device of this layout in and assign it. As vfio_add_device(). */
int guest_start(const struct vfio_fake_layout *layout, const struct vfio_device_options *options,
		struct error *err);
/* The same in a machine whose guest asks for its interrupts by hypercall, and need not be kept from
 * the MSI-X table. */
int guest_start_by_hypercall(const struct vfio_fake_layout *layout,
			     const struct vfio_device_options *options, struct error *err);
/* Nothing may be left: no fd, no mapping, no memslot, no irqfd. */
void guest_finish(void);

/* The function's COMMAND register. */
void guest_command(uint16_t command);
uint32_t guest_config(unsigned offset, unsigned size);
/* Where a BAR is, and how large it is (PCI 3.0, 6.2.5.1), as guests find out. */
uint64_t guest_bar(unsigned bar);
uint64_t guest_bar_size(unsigned bar);
/* The device signals a vector, which must have an eventfd. */
void guest_device_signals(unsigned vector);
/* How often the vector's interrupt was injected. */
unsigned guest_injections(unsigned vector);

#endif
