/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * VFIO_DEVICE_SET_IRQS, and what stands behind the MSI engine. A device has one kind of interrupt
 * at a time: the kernel refuses a second while the first is on, so INTx makes way for MSI and comes
 * back after it, as the PCI specification has it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

/* A positive return is the number of vectors that could have been had: fewer than n. */
static int set_eventfds(struct vfio_device *d, unsigned index, uint32_t action, unsigned start,
			unsigned n, const int *fds)
{
	size_t size = sizeof(struct vfio_irq_set) + n * sizeof(int32_t);
	struct vfio_irq_set *set = malloc(size);
	int ret;

	if (!set)
		return -ENOMEM;
	*set = (struct vfio_irq_set){.argsz = (uint32_t)size,
				     .flags = VFIO_IRQ_SET_DATA_EVENTFD | action,
				     .index = index,
				     .start = start,
				     .count = n};
	memcpy(set->data, fds, n * sizeof(int32_t));
	ret = ioctl(d->fd, VFIO_DEVICE_SET_IRQS, set);
	if (ret < 0)
		ret = -errno;
	free(set);
	return ret;
}

int vfio_set_eventfds(struct vfio_device *d, unsigned index, uint32_t action, unsigned start,
		      unsigned n, const int *fds)
{
	int ret = set_eventfds(d, index, action, start, n, fds);

	return ret > 0 ? -ENOSPC : ret;
}

/* The last vector with an eventfd, plus one. */
static unsigned in_use(const int *fds, unsigned n)
{
	while (n && fds[n - 1] < 0)
		n--;
	return n;
}

/*
 * A host whose controller has few interrupts (GICv2m) may not have one for each vector of the
 * table. Guests seldom use the whole table: those it does use must be there, the rest may be fewer.
 */
static int enable_what_there_is(struct vfio_device *d, unsigned index, unsigned n, const int *fds)
{
	int ret = set_eventfds(d, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, n, fds);

	if (ret > 0 && (unsigned)ret < n && (unsigned)ret >= in_use(fds, n))
		ret = set_eventfds(d, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, (unsigned)ret, fds);
	return ret > 0 ? -ENOSPC : ret;
}

static int set_none(struct vfio_device *d, unsigned index, uint32_t action, unsigned count)
{
	struct vfio_irq_set set = {.argsz = sizeof(set),
				   .flags = VFIO_IRQ_SET_DATA_NONE | action,
				   .index = index,
				   .count = count};

	return ioctl(d->fd, VFIO_DEVICE_SET_IRQS, &set) < 0 ? -errno : 0;
}

int vfio_irq_action(struct vfio_device *d, unsigned index, uint32_t action)
{
	return set_none(d, index, action, 1);
}

void vfio_irq_disable(struct vfio_device *d, unsigned index)
{
	int ret = set_none(d, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0);

	if (ret)
		warn("%s: can't switch interrupts off: %s", d->function.name, strerror(-ret));
}

static int enable_vectors(struct vfio_device *d, enum vfio_irq_mode mode, unsigned index,
			  unsigned n, const int *fds)
{
	int ret;

	pthread_mutex_lock(&d->irq_lock);
	if (d->irq_mode == VFIO_IRQ_INTX)
		vfio_intx_disable(d);
	else if (d->irq_mode != VFIO_IRQ_NONE) {
		/* A guest that switches on MSI and MSI-X at once gets the first. */
		pthread_mutex_unlock(&d->irq_lock);
		return -EBUSY;
	}
	ret = enable_what_there_is(d, index, n, fds);
	d->irq_mode = ret ? VFIO_IRQ_NONE : mode;
	if (ret && !vfio_intx_enable(d))
		d->irq_mode = VFIO_IRQ_INTX;
	pthread_mutex_unlock(&d->irq_lock);
	return ret;
}

static void disable_vectors(struct vfio_device *d, enum vfio_irq_mode mode, unsigned index)
{
	pthread_mutex_lock(&d->irq_lock);
	if (d->irq_mode == mode) {
		vfio_irq_disable(d, index);
		d->irq_mode = vfio_intx_enable(d) ? VFIO_IRQ_NONE : VFIO_IRQ_INTX;
	}
	pthread_mutex_unlock(&d->irq_lock);
}

static int msix_enable(void *opaque, unsigned n, const int *fds)
{
	return enable_vectors(opaque, VFIO_IRQ_MSIX, VFIO_PCI_MSIX_IRQ_INDEX, n, fds);
}

static int msix_arm(void *opaque, unsigned first, unsigned n, const int *fds)
{
	return vfio_set_eventfds(opaque, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER,
				 first, n, fds);
}

static void msix_disable(void *opaque)
{
	disable_vectors(opaque, VFIO_IRQ_MSIX, VFIO_PCI_MSIX_IRQ_INDEX);
}

/* A vector that was never armed is masked in the device, whose own pending bit is the truth. */
static bool msix_pending(void *opaque, unsigned v)
{
	struct vfio_device *d = opaque;
	const struct vfio_region *r = &d->regions[d->pba.bar];
	struct range dword = {d->pba.offset + v / 32 * 4, sizeof(uint32_t)};
	uint32_t bits;

	if (!range_contains((struct range){0, r->size}, dword) ||
	    pread(d->fd, &bits, sizeof(bits), (off_t)(r->offset + dword.base)) != sizeof(bits))
		return false;
	return bits >> (v % 32) & 1;
}

static int msi_enable(void *opaque, unsigned n, const int *fds)
{
	return enable_vectors(opaque, VFIO_IRQ_MSI, VFIO_PCI_MSI_IRQ_INDEX, n, fds);
}

static int msi_arm(void *opaque, unsigned first, unsigned n, const int *fds)
{
	return vfio_set_eventfds(opaque, VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, first,
				 n, fds);
}

static void msi_disable(void *opaque)
{
	disable_vectors(opaque, VFIO_IRQ_MSI, VFIO_PCI_MSI_IRQ_INDEX);
}

const struct msi_source_ops vfio_msix_source = {msix_enable, msix_arm, msix_disable, msix_pending};
const struct msi_source_ops vfio_msi_source = {msi_enable, msi_arm, msi_disable, NULL};

unsigned vfio_vectors(const struct vfio *v)
{
	const struct vfio_device *d;
	unsigned n = 0;

	for (d = v->devices; d; d = d->next)
		n += d->n_msix + d->n_msi;
	return n;
}

static void device_failed(struct loop_source *src, uint32_t events)
{
	struct vfio_device *d = src->opaque;

	(void)events;
	vm_end(d->vfio->vm, VM_FAILED, "%s: reported an uncorrectable error", d->function.name);
}

static void device_wanted(struct loop_source *src, uint32_t events)
{
	struct vfio_device *d = src->opaque;

	(void)events;
	vm_end(d->vfio->vm, VM_FAILED, "%s: the host wants the device back", d->function.name);
}

/* A device that has no such interrupt is not watched. */
static int watch_one(struct vfio_device *d, unsigned index, int *fd, struct loop_source *src,
		     void (*ready)(struct loop_source *, uint32_t))
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};
	int ret;

	if (ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) || !info.count)
		return 0;
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd < 0)
		return -errno;
	*src = (struct loop_source){.fd = *fd, .ready = ready, .opaque = d};
	ret = loop_add(&d->vfio->vm->loop, src, EPOLLIN);
	return ret ?: vfio_set_eventfds(d, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, fd);
}

int vfio_watch(struct vfio_device *d, struct error *err)
{
	int ret = watch_one(d, VFIO_PCI_ERR_IRQ_INDEX, &d->err_fd, &d->err_source, device_failed);

	if (!ret)
		ret = watch_one(d, VFIO_PCI_REQ_IRQ_INDEX, &d->req_fd, &d->req_source,
				device_wanted);
	if (ret)
		return fail(err, -ret, "its errors can't be watched: %s", strerror(-ret));
	return 0;
}

static void unwatch_one(struct vfio_device *d, unsigned index, int *fd, struct loop_source *src)
{
	if (*fd < 0)
		return;
	vfio_irq_disable(d, index);
	loop_remove(&d->vfio->vm->loop, src);
	close(*fd);
	*fd = -1;
}

void vfio_unwatch(struct vfio_device *d)
{
	unwatch_one(d, VFIO_PCI_ERR_IRQ_INDEX, &d->err_fd, &d->err_source);
	unwatch_one(d, VFIO_PCI_REQ_IRQ_INDEX, &d->req_fd, &d->req_source);
}
