/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The device's fd: what the kernel tells of regions and interrupts, and configuration space. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

static void note_sparse(struct vfio_region *r, const struct vfio_region_info_cap_sparse_mmap *cap)
{
	unsigned i;

	for (i = 0; i < cap->nr_areas && r->n_sparse < VFIO_SPARSE_MAX; i++)
		if (cap->areas[i].size)
			r->sparse[r->n_sparse++] =
				(struct range){cap->areas[i].offset, cap->areas[i].size};
}

static void note_caps(struct vfio_region *r, const struct vfio_region_info *info)
{
	const void *sparse;

	if (!(info->flags & VFIO_REGION_INFO_FLAG_CAPS))
		return;
	r->msix_mappable = vfio_find_cap(info, info->argsz, info->cap_offset,
					 VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
	sparse = vfio_find_cap(info, info->argsz, info->cap_offset,
			       VFIO_REGION_INFO_CAP_SPARSE_MMAP);
	if (sparse)
		note_sparse(r, sparse);
}

static int get_region(struct vfio_device *d, unsigned index, struct error *err)
{
	struct vfio_region_info probe = {.argsz = sizeof(probe), .index = index}, *info;
	struct vfio_region *r = &d->regions[index];
	int ret = 0;

	/* An absent VGA region is EINVAL. */
	if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &probe))
		return 0;
	info = calloc(1, probe.argsz);
	if (!info)
		return fail(err, ENOMEM, "out of memory");
	info->argsz = probe.argsz;
	info->index = index;
	if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, info)) {
		ret = fail(err, errno, "region %u: %s", index, strerror(errno));
	} else {
		*r = (struct vfio_region){
			.size = info->size, .offset = info->offset, .flags = info->flags};
		note_caps(r, info);
	}
	free(info);
	return ret;
}

static unsigned irq_count(struct vfio_device *d, unsigned index, uint32_t *flags)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};

	if (ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info))
		return 0;
	*flags = info.flags;
	return info.count;
}

static int describe(struct vfio_device *d, struct error *err)
{
	uint32_t flags = 0;
	unsigned i;
	int ret;

	d->info.argsz = sizeof(d->info);
	if (ioctl(d->fd, VFIO_DEVICE_GET_INFO, &d->info))
		return fail(err, errno, "can't be asked for its regions: %s", strerror(errno));
	if (!(d->info.flags & VFIO_DEVICE_FLAGS_PCI))
		return fail(err, ENODEV, "is no PCI device");
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		ret = get_region(d, i, err);
		if (ret)
			return ret;
	}
	d->n_msix = irq_count(d, VFIO_PCI_MSIX_IRQ_INDEX, &flags);
	d->msix_noresize = flags & VFIO_IRQ_INFO_NORESIZE;
	d->n_msi = irq_count(d, VFIO_PCI_MSI_IRQ_INDEX, &flags);
	d->intx.present = irq_count(d, VFIO_PCI_INTX_IRQ_INDEX, &flags) > 0;
	return 0;
}

int vfio_device_open(struct vfio_device *d, const struct vfio_host_device *host, struct error *err)
{
	int ret;

	d->fd = vfio_iommu_open_device(d->vfio, host, err);
	if (d->fd < 0)
		return d->fd;
	d->group = host->group;
	ret = describe(d, err);
	if (ret)
		return ret;
	ret = vfio_device_wake(d, err);
	if (ret)
		return ret;
	ret = vfio_device_reset(d);
	if (ret && ret != -ENOTTY)
		return fail(err, -ret, "can't be reset: %s; reset or power-cycle the host",
			    strerror(-ret));
	if (vfio_config_read(d, PCI_VENDOR_ID, 2) == 0xffff)
		return fail(
			err, EIO,
			"does not answer (configuration reads are all ones); it is stuck in a "
			"low-power state or gone: remove and rescan it, or power-cycle the host");
	return 0;
}

void vfio_device_close(struct vfio_device *d)
{
	if (d->fd < 0)
		return;
	vfio_device_reset(d);
	close(d->fd);
	d->fd = -1;
}

uint32_t vfio_config_read(struct vfio_device *d, unsigned offset, unsigned size)
{
	uint64_t at = d->regions[VFIO_PCI_CONFIG_REGION_INDEX].offset + offset;
	uint32_t value = 0;

	if (pread(d->fd, &value, size, (off_t)at) == (ssize_t)size)
		return value;
	atomic_fetch_add_explicit(&d->io_errors, 1, memory_order_relaxed);
	return size == 4 ? UINT32_MAX : (1u << (8 * size)) - 1;
}

unsigned vfio_config_read_all(struct vfio_device *d, uint8_t physical[PCI_CONFIG_SIZE])
{
	struct vfio_region *r = &d->regions[VFIO_PCI_CONFIG_REGION_INDEX];
	unsigned size = r->size < PCI_CONFIG_SIZE ? PCI_CFG_SPACE_SIZE : PCI_CONFIG_SIZE, i;

	for (i = 0; i < size; i += 4)
		pci_set32(physical, i, vfio_config_read(d, i, 4));
	return size;
}

void vfio_config_write(struct vfio_device *d, unsigned offset, unsigned size, uint32_t value)
{
	uint64_t at = d->regions[VFIO_PCI_CONFIG_REGION_INDEX].offset + offset;

	if (pwrite(d->fd, &value, size, (off_t)at) != (ssize_t)size)
		atomic_fetch_add_explicit(&d->io_errors, 1, memory_order_relaxed);
}
