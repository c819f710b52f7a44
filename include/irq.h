/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* irq: interrupts on their way to the guest: GSIs, their routes in KVM, the eventfds behind them.
 */
#ifndef CARILLON_IRQ_H
#define CARILLON_IRQ_H

#include <linux/kvm.h>
#include <pthread.h>

#include "base.h"

/* A message-signalled interrupt as the guest wrote it. devid is for ITS machines. */
struct msi_message {
	uint64_t address;
	uint32_t data;
	uint32_t devid;
};

/* What carries interrupt routes out: KVM, or a recorder in a test. Both return 0 or -errno. */
struct irq_backend {
	int (*set_routes)(void *opaque, const struct kvm_irq_routing *routing);
	int (*irqfd)(void *opaque, const struct kvm_irqfd *irqfd);
	int (*line)(void *opaque, uint32_t gsi, bool level);
};

struct irq_table {
	const struct irq_backend *backend;
	void *opaque;
	pthread_mutex_t lock; /* recursive: a batch holds it */
	unsigned depth;
	bool dirty;
	bool msi_devid; /* KVM_CAP_MSI_DEVID: messages carry their device */
	/* Pure: the architecture's last word on a message's route before KVM sees it; NULL: as it
	 * is. */
	void (*translate)(struct kvm_irq_routing_entry *e);
	unsigned first_dynamic, limit, n_pins;
	struct kvm_irq_routing *routing; /* with room for `room` entries */
	unsigned room;
	uint8_t *used;	 /* by gsi - first_dynamic */
	uint8_t *raised; /* by board GSI: how many hold its line up */
};

/*
 * GSIs below first_dynamic are the board's (see irq_route_pin); irq_alloc() hands out the rest.
 * limit: where they end, and how many entries KVM's table may have.
 */
int irq_table_init(struct irq_table *t, unsigned first_dynamic, unsigned limit,
		   const struct irq_backend *backend, void *opaque, struct error *err);
void irq_table_destroy(struct irq_table *t);

/* Any thread. Changes between begin and commit reach KVM as one table. They nest. */
void irq_begin(struct irq_table *t);
int irq_commit(struct irq_table *t);
/*
 * Route a board GSI to a pin of an in-kernel irqchip. Several pins may hang on one GSI. Before any
 * GSI is allocated.
 */
int irq_route_pin(struct irq_table *t, unsigned gsi, unsigned irqchip, unsigned pin);
/* A free GSI, or -ENOSPC. */
int irq_alloc(struct irq_table *t);
/* n free GSIs in a row: the first of them, or -ENOSPC. */
int irq_alloc_row(struct irq_table *t, unsigned n);
/* Drop its route and give it back. */
void irq_free(struct irq_table *t, unsigned gsi);
/* Set or change the message of an allocated GSI. */
int irq_route_msi(struct irq_table *t, unsigned gsi, const struct msi_message *msg);
/*
 * Let fd raise gsi inside KVM, and stop that. If fd is already readable at attach, KVM raises the
 * interrupt at once: what came while nobody was attached is not lost. resamplefd: -1, or the fd
 * that KVM kicks when the guest has handled a level interrupt.
 */
int irq_attach(struct irq_table *t, unsigned gsi, int fd, int resamplefd);
int irq_detach(struct irq_table *t, unsigned gsi, int fd);
/*
 * Drive the line of a board GSI. It is a wired or: up while any of its drivers holds it up, so each
 * of them calls this only when its own level changes.
 */
int irq_line(struct irq_table *t, unsigned gsi, bool level);
/* Is the line of a board GSI up? */
bool irq_is_up(struct irq_table *t, unsigned gsi);

#endif
