/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * INTx: a level interrupt. The kernel masks it when it fires and must be told when the guest has
 * handled it. KVM can tell (KVM_IRQFD_FLAG_RESAMPLE): then nothing passes through user space.
 * Where it can't, the first access to a BAR after the interrupt is taken as the handling; for that
 * the BARs' mappings are hidden while the line is up, and for a while after it.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

/* How long the mappings stay hidden after the last interrupt: the figure that QEMU settled on. */
#define REMAP_AFTER (1100 * NS_PER_MS)
/* How soon a line that nobody serves is asked about. */
#define PROBE_AFTER (10 * NS_PER_MS)

/* The mappings go before the line rises: the access that serves it must not slip past us. */
static void fired(struct loop_source *src, uint32_t events)
{
	struct vfio_device *d = src->opaque;
	struct vfio_intx *x = &d->intx;

	(void)events;
	vfio_bars_trap(d, true);
	pthread_mutex_lock(&x->lock);
	if (event_take(x->trigger)) {
		atomic_fetch_add_explicit(&x->count, 1, memory_order_relaxed);
		if (!x->asserted)
			irq_line(&d->vfio->vm->irqs, x->gsi, true);
		x->asserted = true;
	}
	x->last_fired = now_ns();
	pthread_mutex_unlock(&x->lock);
	loop_timer_set(&x->timer, PROBE_AFTER, 0);
}

/*
 * Let the line fall and the device speak again: if it still wants service, it fires anew. A signal
 * that the loop has not seen yet counts as asserted: the access that served it was this one, and
 * nobody would come to lower the line afterwards. (Seen: 20 000 spurious interrupts a second.)
 */
static void rearm(struct vfio_device *d)
{
	struct vfio_intx *x = &d->intx;

	pthread_mutex_lock(&x->lock);
	if (event_take(x->trigger) || x->asserted) {
		if (x->asserted)
			irq_line(&d->vfio->vm->irqs, x->gsi, false);
		x->asserted = false;
		vfio_irq_action(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK);
	}
	pthread_mutex_unlock(&x->lock);
}

/*
 * The timer. With the line up: the guest is slow, or it had served the device through a mapping
 * just before we hid it, and will never touch it; ask the device. With the line down for long
 * enough: show the mappings again.
 */
static void quiet(struct loop_source *src, uint32_t events)
{
	struct vfio_device *d = src->opaque;
	struct vfio_intx *x = &d->intx;
	uint64_t idle;
	bool asserted;

	(void)events;
	loop_timer_ended(&x->timer);
	pthread_mutex_lock(&x->lock);
	asserted = x->asserted;
	idle = now_ns() - x->last_fired;
	pthread_mutex_unlock(&x->lock);
	if (asserted) {
		loop_timer_set(&x->timer, PROBE_AFTER, 0);
		rearm(d);
	} else if (idle < REMAP_AFTER) {
		loop_timer_set(&x->timer, REMAP_AFTER - idle, 0);
	} else {
		vfio_bars_trap(d, false);
	}
}

void vfio_intx_touched(struct vfio_device *d)
{
	if (d->intx.present && !d->intx.resample)
		rearm(d);
}

int vfio_intx_init(struct vfio_device *d, enum vfio_intx_mode mode, struct error *err)
{
	struct vfio_intx *x = &d->intx;
	bool can = ioctl(d->vfio->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQFD_RESAMPLE) > 0;
	int ret;

	x->trigger = x->unmask = -1;
	x->resample = mode == VFIO_INTX_RESAMPLE || (mode == VFIO_INTX_AUTO && can);
	pthread_mutex_init(&x->lock, NULL);
	if (x->resample && !can && x->present)
		return fail(err, ENOTSUP,
			    "this KVM can't resample level interrupts; use intx=trap");
	if (x->resample || !x->present)
		return 0;
	ret = loop_timer_open(&x->timer, &d->vfio->vm->loop, CLOCK_MONOTONIC, quiet, d);
	return ret ? fail(err, -ret, "no timer for INTx: %s", strerror(-ret)) : 0;
}

void vfio_intx_destroy(struct vfio_device *d)
{
	struct vfio_intx *x = &d->intx;

	loop_timer_close(&x->timer);
	pthread_mutex_destroy(&x->lock);
}

/*
 * The device is masked until KVM listens on both eventfds: an interrupt in between would be
 * delivered, but its end would not be seen, and the line would stay dead.
 */
static int connect_kvm(struct vfio_device *d)
{
	struct vfio_intx *x = &d->intx;
	int ret = vfio_irq_action(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_MASK);

	if (!ret)
		ret = irq_attach(&d->vfio->vm->irqs, x->gsi, x->trigger, x->unmask);
	if (ret)
		return ret;
	ret = vfio_set_eventfds(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, 0, 1,
				&x->unmask);
	if (!ret)
		ret = vfio_irq_action(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK);
	if (ret)
		irq_detach(&d->vfio->vm->irqs, x->gsi, x->trigger);
	return ret;
}

static int connect_loop(struct vfio_device *d)
{
	struct vfio_intx *x = &d->intx;

	x->trigger_source = (struct loop_source){.fd = x->trigger, .ready = fired, .opaque = d};
	return loop_add(&d->vfio->vm->loop, &x->trigger_source, EPOLLIN);
}

static void close_eventfds(struct vfio_intx *x)
{
	if (x->trigger >= 0)
		close(x->trigger);
	if (x->unmask >= 0)
		close(x->unmask);
	x->trigger = x->unmask = -1;
}

int vfio_intx_enable(struct vfio_device *d)
{
	struct vfio_intx *x = &d->intx;
	int ret;

	if (!x->present)
		return -ENODEV;
	x->unmask = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	x->trigger = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (x->trigger < 0 || x->unmask < 0) {
		ret = -errno;
		close_eventfds(x);
		return ret;
	}
	ret = vfio_set_eventfds(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1,
				&x->trigger);
	if (!ret) {
		ret = x->resample ? connect_kvm(d) : connect_loop(d);
		if (ret)
			vfio_irq_disable(d, VFIO_PCI_INTX_IRQ_INDEX);
	}
	if (ret) {
		warn("%s: no INTx: %s", d->function.name, strerror(-ret));
		close_eventfds(x);
	}
	return ret;
}

void vfio_intx_disable(struct vfio_device *d)
{
	struct vfio_intx *x = &d->intx;

	if (x->trigger < 0)
		return;
	vfio_irq_disable(d, VFIO_PCI_INTX_IRQ_INDEX);
	if (x->resample)
		irq_detach(&d->vfio->vm->irqs, x->gsi, x->trigger);
	else
		loop_remove(&d->vfio->vm->loop, &x->trigger_source);
	pthread_mutex_lock(&x->lock);
	if (x->asserted)
		irq_line(&d->vfio->vm->irqs, x->gsi, false);
	x->asserted = false;
	close_eventfds(x);
	pthread_mutex_unlock(&x->lock);
	if (!x->resample)
		loop_timer_set(&x->timer, REMAP_AFTER, 0);
}
