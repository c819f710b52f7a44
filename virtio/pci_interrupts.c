/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Interrupts of a virtio PCI function: messages through the MSI engine, whose latches are signalled
 * here, or a level line with the ISR status (4.1.4.5) while MSI-X is off.
 */
#include <errno.h>

#include "pci_device.h"

static bool wants_line(const struct virtio_pci *p)
{
	return p->line.why && !p->msix_on && !p->line_disabled;
}

static void settle_line(struct virtio_pci *p)
{
	virtio_line_set(&p->line, p->device->vm, wants_line(p));
}

/* 4.1.4.5.1: a change of configuration is in the ISR status with MSI-X, too; a queue is not. */
static void fire(struct virtio_pci *p, uint16_t vector, uint8_t why)
{
	pthread_mutex_lock(&p->irq_lock);
	if (!p->msix_on || why == VIRTIO_WHY_CONFIG)
		p->line.why |= why;
	if (!p->msix_on) {
		settle_line(p);
	} else if (vector < p->n_vectors) {
		if (p->fds[vector] >= 0)
			event_kick(p->fds[vector]);
		else
			p->pending[vector] = true;
	}
	pthread_mutex_unlock(&p->irq_lock);
}

static void interrupt(struct virtio_device *d, unsigned q)
{
	fire(d->transport_opaque, d->queues[q].vector, VIRTIO_WHY_QUEUE);
}

static void config_interrupt(struct virtio_device *d)
{
	struct virtio_pci *p = d->transport_opaque;

	fire(p, p->config_vector, VIRTIO_WHY_CONFIG);
}

static int call_fd(struct virtio_device *d, unsigned q)
{
	struct virtio_pci *p = d->transport_opaque;
	uint16_t vector = d->queues[q].vector;
	int fd = -1;

	pthread_mutex_lock(&p->irq_lock);
	if (p->msix_on && vector < p->n_vectors)
		fd = p->fds[vector];
	pthread_mutex_unlock(&p->irq_lock);
	return fd;
}

const struct virtio_transport_ops virtio_pci_transport = {
	.interrupt = interrupt,
	.config_interrupt = config_interrupt,
	.call_fd = call_fd,
	.destroy = virtio_pci_destroy,
};

uint8_t virtio_pci_take_isr(struct virtio_pci *p)
{
	uint8_t isr;

	pthread_mutex_lock(&p->irq_lock);
	isr = p->line.why;
	p->line.why = 0;
	settle_line(p);
	pthread_mutex_unlock(&p->irq_lock);
	return isr;
}

bool virtio_pci_intx_is_up(struct virtio_pci *p)
{
	bool up;

	pthread_mutex_lock(&p->irq_lock);
	up = p->line.why && !p->msix_on;
	pthread_mutex_unlock(&p->irq_lock);
	return up;
}

void virtio_pci_update_intx(struct virtio_pci *p)
{
	uint16_t command = pci_get16(p->function.config, PCI_COMMAND);

	pthread_mutex_lock(&p->irq_lock);
	p->line_disabled = command & PCI_COMMAND_INTX_DISABLE;
	settle_line(p);
	pthread_mutex_unlock(&p->irq_lock);
}

void virtio_pci_drop_intx(struct virtio_pci *p)
{
	p->line.why = 0;
	virtio_pci_update_intx(p);
}

/* ---- behind the MSI engine ------------------------------------------------------------------- */

/* A backend that signals by itself must know of the new places. */
static void tell_backends(struct virtio_pci *p)
{
	struct virtio_device *d = p->device;
	unsigned q;

	if (!d->ops->call_changed)
		return;
	pthread_mutex_lock(&d->lock);
	for (q = 0; q < d->n_queues; q++)
		d->ops->call_changed(d, q);
	pthread_mutex_unlock(&d->lock);
}

/* What fired while a vector had nowhere to go goes now. Under irq_lock. */
static void take_fds(struct virtio_pci *p, unsigned first, unsigned n, const int *fds)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		p->fds[first + i] = fds[i];
		if (fds[i] >= 0 && p->pending[first + i]) {
			p->pending[first + i] = false;
			event_kick(fds[i]);
		}
	}
}

static int arm(void *opaque, unsigned first, unsigned n, const int *fds)
{
	struct virtio_pci *p = opaque;

	pthread_mutex_lock(&p->irq_lock);
	take_fds(p, first, n, fds);
	pthread_mutex_unlock(&p->irq_lock);
	tell_backends(p);
	return 0;
}

static int enable(void *opaque, unsigned n, const int *fds)
{
	struct virtio_pci *p = opaque;

	pthread_mutex_lock(&p->irq_lock);
	p->msix_on = true;
	take_fds(p, 0, n, fds);
	settle_line(p);
	pthread_mutex_unlock(&p->irq_lock);
	tell_backends(p);
	return 0;
}

static void disable(void *opaque)
{
	struct virtio_pci *p = opaque;
	unsigned i;

	pthread_mutex_lock(&p->irq_lock);
	p->msix_on = false;
	for (i = 0; i < p->n_vectors; i++) {
		p->fds[i] = -1;
		p->pending[i] = false;
	}
	settle_line(p);
	pthread_mutex_unlock(&p->irq_lock);
	tell_backends(p);
}

static bool pending(void *opaque, unsigned v)
{
	struct virtio_pci *p = opaque;
	bool is;

	pthread_mutex_lock(&p->irq_lock);
	is = p->pending[v];
	pthread_mutex_unlock(&p->irq_lock);
	return is;
}

const struct msi_source_ops virtio_pci_interrupts = {enable, arm, disable, pending};
