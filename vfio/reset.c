/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Reset of an assigned device, before the guest gets it and after the guest has had it. The kernel
 * does it by itself when the device's fd is opened and when its last user is gone, kill -9
 * included, if the device has a reset of its own; that is what VFIO_DEVICE_FLAGS_RESET tells
 * (vfio_pci_core_enable and _disable in Linux' drivers/vfio/pci/vfio_pci_core.c). Doing it again
 * would cost a second settling time. What is left to do here is the reset of its bus, for a device
 * without one: allowed only if all that hangs on it is ours.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

/* From D3hot to D0 (PCI power management 1.2, 5.6.1), and how often that is tried. */
#define WAKE_US	   10000
#define WAKE_TRIES 3

static struct vfio_pci_hot_reset_info *hot_reset_info(struct vfio_device *d)
{
	struct vfio_pci_hot_reset_info probe = {.argsz = sizeof(probe)}, *info;
	size_t size;

	if (ioctl(d->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &probe) && errno != ENOSPC)
		return NULL;
	size = sizeof(*info) + probe.count * sizeof(info->devices[0]);
	info = calloc(1, size);
	if (!info)
		return NULL;
	info->argsz = (uint32_t)size;
	if (!ioctl(d->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info))
		return info;
	free(info);
	return NULL;
}

static const struct vfio_group *group_of(const struct vfio *v, uint32_t number)
{
	const struct vfio_group *g;

	for (g = v->groups; g; g = g->next)
		if (g->number == (int)number)
			return g;
	return NULL;
}

/*
 * Is all of it ours that the reset would hit? With groups, their fds are to prove it. A device with
 * a file of its own tells, and wants no proof.
 */
static bool prove_ownership(const struct vfio *v, const struct vfio_pci_hot_reset_info *info,
			    struct vfio_pci_hot_reset *reset)
{
	const struct vfio_group *g;
	unsigned i, k;

	if (info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID)
		return info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	for (i = 0; i < info->count; i++) {
		g = group_of(v, info->devices[i].group_id);
		if (!g)
			return false;
		for (k = 0; k < reset->count && reset->group_fds[k] != g->fd; k++)
			;
		if (k == reset->count)
			reset->group_fds[reset->count++] = g->fd;
	}
	return true;
}

/* A bus reset would hit our other devices too: only while this is the one that is open. */
static int bus_reset(struct vfio_device *d)
{
	struct vfio_pci_hot_reset_info *info = hot_reset_info(d);
	struct vfio_pci_hot_reset *reset;
	bool alone = !d->next && (!d->vfio->devices || d->vfio->devices == d);
	int ret = -ENOTTY;

	if (!info)
		return -ENOTTY;
	reset = calloc(1, sizeof(*reset) + info->count * sizeof(reset->group_fds[0]));
	if (reset && alone && prove_ownership(d->vfio, info, reset)) {
		reset->argsz =
			(uint32_t)(sizeof(*reset) + reset->count * sizeof(reset->group_fds[0]));
		ret = ioctl(d->fd, VFIO_DEVICE_PCI_HOT_RESET, reset) ? -errno : 0;
	}
	free(reset);
	free(info);
	return ret;
}

/*
 * The kernel wakes the device when it is opened, and around each reset. One that sleeps on after
 * that answers no access to its BARs, and a reset would not be one.
 */
int vfio_device_wake(struct vfio_device *d, struct error *err)
{
	uint8_t config[PCI_CONFIG_SIZE];
	unsigned pm, control, try;

	vfio_config_read_all(d, config);
	pm = pci_find_capability(config, PCI_CAP_ID_PM);
	if (!pm)
		return 0;
	control = pci_get16(config, pm + PCI_PM_CTRL);
	for (try = 0; (control & PCI_PM_CTRL_STATE_MASK) && try < WAKE_TRIES; try++) {
		vfio_config_write(d, pm + PCI_PM_CTRL, 2, control & ~PCI_PM_CTRL_STATE_MASK);
		usleep(WAKE_US);
		control = vfio_config_read(d, pm + PCI_PM_CTRL, 2);
	}
	if (!(control & PCI_PM_CTRL_STATE_MASK))
		return 0;
	return fail(err, EIO,
		    "sleeps in D%u and can't be woken; remove and rescan it, or power-cycle the "
		    "host",
		    control & PCI_PM_CTRL_STATE_MASK);
}

int vfio_device_reset(struct vfio_device *d)
{
	return d->info.flags & VFIO_DEVICE_FLAGS_RESET ? 0 : bus_reset(d);
}
