/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The MSI engine: which vectors may fire now, and what that means for latches, routes, irqfds and
 * the source. include/pci.h says how a latch is the pending bit.
 *
 * Order matters on the way up: the route before the irqfd (an irqfd without a route once panicked
 * hosts), the irqfd before the source; and the other way round on the way down.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pci.h"

int msi_engine_init(struct msi_engine *e, const char *name, unsigned n, bool whole,
		    struct irq_table *irqs, const struct msi_source_ops *ops, void *opaque)
{
	unsigned i;

	*e = (struct msi_engine){
		.name = name, .irqs = irqs, .ops = ops, .opaque = opaque, .n = n, .whole = whole};
	e->vectors = calloc(n, sizeof(*e->vectors));
	e->fds = calloc(n, sizeof(*e->fds));
	if (!e->vectors || !e->fds) {
		free(e->vectors);
		free(e->fds);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++)
		e->vectors[i] = (struct msi_vector){.masked = true, .latch = -1, .gsi = -1};
	pthread_mutex_init(&e->lock, NULL);
	return 0;
}

void msi_engine_destroy(struct msi_engine *e)
{
	msi_engine_disable(e);
	pthread_mutex_destroy(&e->lock);
	free(e->vectors);
	free(e->fds);
	e->vectors = NULL;
	e->fds = NULL;
}

/* The guest can't be told; the user is, once, and the counter shows the rest. */
static void failed(struct msi_engine *e, unsigned v, const char *what, int ret)
{
	if (!atomic_fetch_add(&e->failures, 1))
		warn("%s: interrupt vector %u: %s: %s", e->name, v, what, strerror(-ret));
}

static bool may_fire(const struct msi_engine *e, unsigned v)
{
	return e->enabled && !e->function_masked && v < e->active && !e->vectors[v].masked;
}

static void release(struct msi_engine *e, struct msi_vector *v)
{
	if (v->attached)
		irq_detach(e->irqs, (unsigned)v->gsi, v->latch);
	if (v->latch >= 0)
		close(v->latch);
	v->attached = v->armed = v->routed = false;
	v->latch = -1;
	if (e->assigned)
		return;
	if (v->gsi >= 0)
		irq_free(e->irqs, (unsigned)v->gsi);
	v->gsi = -1;
}

/* Latch, GSI and route for a vector that may fire. Within a batch of the irq table. */
static int prepare(struct msi_engine *e, struct msi_vector *v)
{
	int ret;

	if (v->latch < 0)
		v->latch = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->latch < 0)
		return -errno;
	if (v->gsi < 0)
		v->gsi = e->assigned ? -ENOSPC : irq_alloc(e->irqs);
	if (v->gsi < 0)
		return v->gsi;
	ret = irq_route_msi(e->irqs, (unsigned)v->gsi, &v->msg);
	v->routed = !ret;
	return ret;
}

/* One routing table for all vectors in [first, first + n). */
static void prepare_all(struct msi_engine *e, unsigned first, unsigned n)
{
	unsigned i;
	int ret;

	irq_begin(e->irqs);
	for (i = first; i < first + n; i++) {
		if (!may_fire(e, i))
			continue;
		ret = prepare(e, &e->vectors[i]);
		if (!ret)
			continue;
		failed(e, i, "no route", ret);
		if (!e->vectors[i].armed)
			release(e, &e->vectors[i]);
	}
	ret = irq_commit(e->irqs);
	if (ret)
		failed(e, first, "KVM refuses the routes", ret);
}

/*
 * At attach KVM looks whether the latch is readable and injects if so, but leaves the count as it
 * is (kvm_irqfd_assign in Linux' virt/kvm/eventfd.c). From then on a signal is consumed by KVM in
 * the signalling thread (irqfd_wakeup), count and all. So what is read here is the old count or
 * nothing, never a new signal; and were it left, the vector would look pending after the next mask.
 */
static int attach(struct msi_engine *e, struct msi_vector *v)
{
	int ret = irq_attach(e->irqs, (unsigned)v->gsi, v->latch, -1);

	if (ret)
		return ret;
	v->attached = true;
	event_take(v->latch);
	return 0;
}

/* Bring the irqfd of a vector in line with may_fire(). True: it is on and wants its source. */
static bool settle(struct msi_engine *e, unsigned i)
{
	struct msi_vector *v = &e->vectors[i];
	int ret;

	if (!may_fire(e, i)) {
		if (v->attached)
			irq_detach(e->irqs, (unsigned)v->gsi, v->latch);
		v->attached = false;
		return false;
	}
	if (!v->routed)
		return false;
	if (!v->attached) {
		ret = attach(e, v);
		if (ret) {
			failed(e, i, "KVM refuses its eventfd", ret);
			return false;
		}
	}
	return !v->armed;
}

/* Where the source has not as many as that, it may still have some of them. */
static void arm(struct msi_engine *e, unsigned first, unsigned n)
{
	int ret = e->ops->arm(e->opaque, first, n, &e->fds[first]);
	unsigned i;

	for (i = first; i < first + n; i++) {
		if (e->fds[i] < 0)
			continue;
		if (!ret) {
			e->vectors[i].armed = true;
		} else if (n > 1) {
			arm(e, i, 1);
		} else {
			failed(e, i, "the device refuses its eventfd", ret);
			release(e, &e->vectors[i]);
		}
	}
}

/*
 * Give latches to those of [first, end) that want them, in one call if none between them has its
 * own already: that one must not be set again, which loses its message on some hosts.
 */
static void arm_all(struct msi_engine *e, unsigned first, unsigned end)
{
	unsigned i, last;

	for (i = first; i < end; i++)
		e->fds[i] = settle(e, i) ? e->vectors[i].latch : -1;
	for (; first < end; first = i) {
		i = first + 1;
		if (e->fds[first] < 0)
			continue;
		for (last = first; i < end && !e->vectors[i].armed; i++)
			if (e->fds[i] >= 0)
				last = i;
		arm(e, first, last - first + 1);
	}
}

/* Switch the source on, with all that may fire at once: some sources can't grow afterwards. */
static void start_source(struct msi_engine *e)
{
	unsigned i, n = e->whole ? e->active : 1;
	int ret;

	for (i = 0; i < e->active; i++) {
		e->fds[i] = settle(e, i) ? e->vectors[i].latch : -1;
		if (e->fds[i] >= 0 && i >= n)
			n = i + 1;
	}
	ret = e->ops->enable(e->opaque, n, e->fds);
	e->source_on = !ret;
	for (i = 0; i < e->active; i++)
		if (e->fds[i] >= 0 && !ret)
			e->vectors[i].armed = true;
		else if (e->fds[i] >= 0)
			release(e, &e->vectors[i]);
	if (ret)
		failed(e, 0, "the device refuses to switch on", ret);
}

static void update(struct msi_engine *e, unsigned first, unsigned n)
{
	if (!e->enabled)
		return;
	if (!e->source_on) {
		prepare_all(e, 0, e->active);
		start_source(e);
		return;
	}
	prepare_all(e, first, n);
	arm_all(e, first, first + n);
}

void msi_engine_enable(struct msi_engine *e, unsigned active)
{
	pthread_mutex_lock(&e->lock);
	if (!e->enabled) {
		e->enabled = true;
		e->active = active < e->n ? active : e->n;
		update(e, 0, e->active);
	}
	pthread_mutex_unlock(&e->lock);
}

void msi_engine_disable(struct msi_engine *e)
{
	unsigned i;

	pthread_mutex_lock(&e->lock);
	if (e->source_on)
		e->ops->disable(e->opaque);
	e->enabled = e->source_on = false;
	irq_begin(e->irqs);
	for (i = 0; i < e->n; i++)
		release(e, &e->vectors[i]);
	irq_commit(e->irqs);
	pthread_mutex_unlock(&e->lock);
}

void msi_engine_set_message(struct msi_engine *e, unsigned v, const struct msi_message *msg)
{
	struct msi_message *now = &e->vectors[v].msg;

	pthread_mutex_lock(&e->lock);
	if (now->address != msg->address || now->data != msg->data || now->devid != msg->devid) {
		*now = *msg;
		update(e, v, 1);
	}
	pthread_mutex_unlock(&e->lock);
}

void msi_engine_mask(struct msi_engine *e, unsigned v, bool masked)
{
	pthread_mutex_lock(&e->lock);
	if (e->vectors[v].masked != masked) {
		e->vectors[v].masked = masked;
		update(e, v, 1);
	}
	pthread_mutex_unlock(&e->lock);
}

void msi_engine_mask_function(struct msi_engine *e, bool masked)
{
	pthread_mutex_lock(&e->lock);
	if (e->function_masked != masked) {
		e->function_masked = masked;
		update(e, 0, e->active);
	}
	pthread_mutex_unlock(&e->lock);
}

void msi_engine_assign(struct msi_engine *e, unsigned first, unsigned n)
{
	unsigned i;

	pthread_mutex_lock(&e->lock);
	e->assigned = n != 0;
	for (i = 0; i < e->n; i++) {
		e->vectors[i].gsi = i < n ? (int)(first + i) : -1;
		e->vectors[i].masked = i >= n;
	}
	pthread_mutex_unlock(&e->lock);
}

bool msi_engine_pending(struct msi_engine *e, unsigned v)
{
	struct pollfd latch = {.events = POLLIN};
	bool pending = false;

	pthread_mutex_lock(&e->lock);
	if (e->vectors[v].armed) {
		latch.fd = e->vectors[v].latch;
		pending = !e->vectors[v].attached && poll(&latch, 1, 0) > 0;
	} else if (e->source_on && e->ops->pending) {
		pending = e->ops->pending(e->opaque, v);
	}
	pthread_mutex_unlock(&e->lock);
	return pending;
}

unsigned msi_engine_attached(struct msi_engine *e)
{
	unsigned i, n = 0;

	pthread_mutex_lock(&e->lock);
	for (i = 0; i < e->n; i++)
		n += e->vectors[i].attached;
	pthread_mutex_unlock(&e->lock);
	return n;
}
