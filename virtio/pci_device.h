/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Between the parts of the PCI transport: the function, its registers, its interrupts. */
#ifndef CARILLON_VIRTIO_PCI_DEVICE_H
#define CARILLON_VIRTIO_PCI_DEVICE_H

#include <linux/virtio_pci.h>

#include "registers.h"

/* BAR 0, a structure of 4.1.4 in each page. A doorbell is four bytes: so many queues fit. */
#define COMMON_OFFSET  0x0000
#define COMMON_SIZE    0x3c
#define ISR_OFFSET     0x1000
#define DEVICE_OFFSET  0x2000
#define NOTIFY_OFFSET  0x3000
#define NOTIFY_STEP    4
#define REGISTERS_SIZE 0x4000

struct virtio_pci {
	struct virtio_device *device;
	struct pci_function function;
	struct pci_msix msix;
	bool has_msix;
	unsigned window; /* offset of the capability of 4.1.4.9 */
	struct region registers, table, pba, shared;
	struct region_ioeventfd *doorbells;
	_Atomic uint64_t traps;
	struct virtio_selection selection;
	_Atomic uint16_t config_vector;
	/* Interrupts: the lock is the last one taken, but for the interrupt table's. */
	pthread_mutex_t irq_lock;
	bool msix_on;
	unsigned n_vectors;
	int *fds;      /* by vector: where to signal it; -1: nowhere yet */
	bool *pending; /* by vector: fired before it had anywhere */
	struct virtio_line line;
	bool line_disabled; /* COMMAND's Interrupt Disable */
	bool master;	    /* COMMAND's Bus Master, when it was last written */
};

extern const struct region_ops virtio_pci_registers;
extern const struct virtio_transport_ops virtio_pci_transport;
extern const struct msi_source_ops virtio_pci_interrupts;

/* The ISR status was read: it is clear, and the line falls. */
uint8_t virtio_pci_take_isr(struct virtio_pci *p);
bool virtio_pci_intx_is_up(struct virtio_pci *p);
/* The driver has changed what the line hangs on. */
void virtio_pci_update_intx(struct virtio_pci *p);
/* The device goes: the line is down for good. */
void virtio_pci_drop_intx(struct virtio_pci *p);
void virtio_pci_destroy(struct virtio_device *d);

#endif
