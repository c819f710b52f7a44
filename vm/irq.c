/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The table that says where each GSI goes: the board's pins and the messages of devices. KVM takes
 * it only as a whole (KVM_SET_GSI_ROUTING), so changes are gathered into batches and a route that
 * does not change costs nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "irq.h"

int irq_table_init(struct irq_table *t, unsigned first_dynamic, unsigned limit,
		   const struct irq_backend *backend, void *opaque, struct error *err)
{
	pthread_mutexattr_t attr;

	*t = (struct irq_table){.backend = backend,
				.opaque = opaque,
				.first_dynamic = first_dynamic,
				.limit = limit,
				.room = 2 * first_dynamic + 8};
	t->used = calloc(limit, 1);
	t->raised = calloc(first_dynamic + 1, 1);
	t->routing = calloc(1, sizeof(*t->routing) + t->room * sizeof(t->routing->entries[0]));
	if (!t->used || !t->raised || !t->routing) {
		free(t->used);
		free(t->raised);
		free(t->routing);
		t->backend = NULL;
		return fail(err, ENOMEM, "interrupt routes: out of memory");
	}
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&t->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return 0;
}

void irq_table_destroy(struct irq_table *t)
{
	if (!t->backend)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->used);
	free(t->raised);
	free(t->routing);
	t->backend = NULL;
}

void irq_begin(struct irq_table *t)
{
	pthread_mutex_lock(&t->lock);
	t->depth++;
}

int irq_commit(struct irq_table *t)
{
	int ret = 0;

	if (t->depth == 1 && t->dirty) {
		ret = t->backend->set_routes(t->opaque, t->routing);
		t->dirty = ret != 0;
	}
	t->depth--;
	pthread_mutex_unlock(&t->lock);
	return ret;
}

/* Room for one more entry; the new one is zeroed. NULL without memory. */
static struct kvm_irq_routing_entry *append_entry(struct irq_table *t, unsigned gsi)
{
	struct kvm_irq_routing *grown;
	struct kvm_irq_routing_entry *e;

	if (t->routing->nr == t->room) {
		grown = realloc(t->routing,
				sizeof(*grown) + 2 * t->room * sizeof(grown->entries[0]));
		if (!grown)
			return NULL;
		t->routing = grown;
		t->room *= 2;
	}
	e = &t->routing->entries[t->routing->nr++];
	memset(e, 0, sizeof(*e));
	e->gsi = gsi;
	t->dirty = true;
	return e;
}

static struct kvm_irq_routing_entry *find_entry(struct irq_table *t, unsigned gsi)
{
	unsigned i;

	for (i = 0; i < t->routing->nr; i++)
		if (t->routing->entries[i].gsi == gsi)
			return &t->routing->entries[i];
	return NULL;
}

int irq_route_pin(struct irq_table *t, unsigned gsi, unsigned irqchip, unsigned pin)
{
	struct kvm_irq_routing_entry *e;
	int ret;

	irq_begin(t);
	e = append_entry(t, gsi);
	if (e) {
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = irqchip;
		e->u.irqchip.pin = pin;
		/* Each further pin on a GSI takes the entry of a message. */
		t->limit -= ++t->n_pins > t->first_dynamic;
	}
	ret = irq_commit(t);
	return e ? ret : -ENOMEM;
}

int irq_alloc_row(struct irq_table *t, unsigned n)
{
	unsigned i, free = 0;
	int gsi = -ENOSPC;

	irq_begin(t);
	for (i = 0; t->first_dynamic + i < t->limit && free < n; i++)
		free = t->used[i] ? 0 : free + 1;
	if (free == n) {
		memset(t->used + i - n, 1, n);
		gsi = (int)(t->first_dynamic + i - n);
	}
	irq_commit(t);
	return gsi;
}

int irq_alloc(struct irq_table *t)
{
	return irq_alloc_row(t, 1);
}

void irq_free(struct irq_table *t, unsigned gsi)
{
	struct kvm_irq_routing_entry *e;

	irq_begin(t);
	e = find_entry(t, gsi);
	if (e) {
		*e = t->routing->entries[--t->routing->nr];
		t->dirty = true;
	}
	t->used[gsi - t->first_dynamic] = 0;
	irq_commit(t);
}

/* The entry is all zeros but for what is set here, so that two can be compared whole. */
static void fill_message(const struct irq_table *t, unsigned gsi, const struct msi_message *msg,
			 struct kvm_irq_routing_entry *e)
{
	memset(e, 0, sizeof(*e));
	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_MSI;
	e->flags = t->msi_devid ? KVM_MSI_VALID_DEVID : 0;
	e->u.msi.address_lo = (uint32_t)msg->address;
	e->u.msi.address_hi = (uint32_t)(msg->address >> 32);
	e->u.msi.data = msg->data;
	e->u.msi.devid = t->msi_devid ? msg->devid : 0;
	if (t->translate)
		t->translate(e);
}

static bool same_route(const struct kvm_irq_routing_entry *a, const struct kvm_irq_routing_entry *b)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(a->u.pad); i++)
		if (a->u.pad[i] != b->u.pad[i])
			return false;
	return a->type == b->type && a->flags == b->flags;
}

int irq_route_msi(struct irq_table *t, unsigned gsi, const struct msi_message *msg)
{
	struct kvm_irq_routing_entry *e, wanted;
	int ret;

	fill_message(t, gsi, msg, &wanted);
	irq_begin(t);
	e = find_entry(t, gsi);
	if (!e)
		e = append_entry(t, gsi);
	if (e && !same_route(e, &wanted)) {
		*e = wanted;
		t->dirty = true;
	}
	ret = irq_commit(t);
	return e ? ret : -ENOMEM;
}

int irq_attach(struct irq_table *t, unsigned gsi, int fd, int resamplefd)
{
	struct kvm_irqfd irqfd = {.fd = (uint32_t)fd, .gsi = gsi};

	if (resamplefd >= 0) {
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = (uint32_t)resamplefd;
	}
	return t->backend->irqfd(t->opaque, &irqfd);
}

int irq_detach(struct irq_table *t, unsigned gsi, int fd)
{
	struct kvm_irqfd irqfd = {.fd = (uint32_t)fd, .gsi = gsi, .flags = KVM_IRQFD_FLAG_DEASSIGN};

	return t->backend->irqfd(t->opaque, &irqfd);
}

int irq_line(struct irq_table *t, unsigned gsi, bool level)
{
	int ret = 0;

	pthread_mutex_lock(&t->lock);
	if (level ? !t->raised[gsi]++ : !--t->raised[gsi])
		ret = t->backend->line(t->opaque, gsi, level);
	pthread_mutex_unlock(&t->lock);
	return ret;
}

bool irq_is_up(struct irq_table *t, unsigned gsi)
{
	bool up;

	pthread_mutex_lock(&t->lock);
	up = t->raised[gsi];
	pthread_mutex_unlock(&t->lock);
	return up;
}
