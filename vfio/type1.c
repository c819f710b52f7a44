/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Type1: groups in a container, with guest RAM mapped for DMA at I/O virtual = guest-physical
 * addresses (Documentation/driver-api/vfio.rst).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "iommu.h"

static int type1_open(struct vfio *v, struct error *err)
{
	int ret = vfio_container_open(v, err);

	if (!ret && ioctl(v->iommu, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0)
		ret = fail(err, ENOTSUP,
			   "%s/vfio: no Type1v2 IOMMU; load it with: modprobe vfio_iommu_type1",
			   v->paths->dev);
	return ret;
}

static int type1_set_iommu(struct vfio *v, const struct vfio_group *g, struct error *err)
{
	if (!ioctl(v->iommu, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return 0;
	if (errno == EPERM)
		return fail(err, EPERM,
			    "group %d: interrupts are not isolated (interrupt remapping is off): "
			    "switch it on in the firmware or with intremap=on; or, trusting the "
			    "guest with the host, modprobe vfio_iommu_type1 "
			    "allow_unsafe_interrupts=1",
			    g->number);
	return fail(err, errno, "group %d: no Type1 IOMMU: %s", g->number, strerror(errno));
}

static int type1_allowed(struct vfio *v, struct range **out)
{
	struct vfio_iommu_type1_info probe = {.argsz = sizeof(probe)}, *info;
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	int i, n = 0;

	if (ioctl(v->iommu, VFIO_IOMMU_GET_INFO, &probe))
		return -errno;
	info = calloc(1, probe.argsz);
	if (!info)
		return -ENOMEM;
	info->argsz = probe.argsz;
	if (ioctl(v->iommu, VFIO_IOMMU_GET_INFO, info)) {
		free(info);
		return -errno;
	}
	cap = NULL;
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		cap = (const void *)vfio_find_cap(info, info->argsz, info->cap_offset,
						  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	if (cap) {
		*out = calloc(cap->nr_iovas, sizeof(**out));
		n = *out ? (int)cap->nr_iovas : -ENOMEM;
		for (i = 0; i < n; i++)
			(*out)[i] =
				range_between(cap->iova_ranges[i].start, cap->iova_ranges[i].end);
	}
	free(info);
	return n;
}

static int type1_map(struct vfio *v, uint64_t iova, uint64_t size, void *host)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map),
					       .flags = VFIO_DMA_MAP_FLAG_READ |
							VFIO_DMA_MAP_FLAG_WRITE,
					       .vaddr = (uintptr_t)host,
					       .iova = iova,
					       .size = size};

	return ioctl(v->iommu, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

static int type1_unmap(struct vfio *v, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = size};

	return ioctl(v->iommu, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;
}

const struct vfio_iommu_ops vfio_type1 = {
	.name = "type1",
	.identity = true,
	.open = type1_open,
	.open_device = vfio_group_open_device,
	.set_iommu = type1_set_iommu,
	.allowed = type1_allowed,
	.add_ram = vfio_identity_map,
	.remove_ram = vfio_identity_unmap,
	.dma_map = type1_map,
	.dma_unmap = type1_unmap,
	.close = vfio_groups_close,
};
