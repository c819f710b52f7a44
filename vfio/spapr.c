/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * SPAPR TCE: the IOMMU of POWER hosts (Documentation/driver-api/vfio.rst, "VFIO on ppc64/powernv").
 * Nothing is mapped at the start: the guest fills windows by hypercall, page by page. RAM is
 * registered before, so that it is pinned and accounted once. Each group has its own windows, hence
 * its own container: on hosts that are partitions themselves no two groups can share a table.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "iommu.h"

static bool has(int container, int extension)
{
	return ioctl(container, VFIO_CHECK_EXTENSION, extension) > 0;
}

/* Windows are tables of pages in one level, or in as many as the host wants for their size. */
#define LEVELS_MAX 5

static int spapr_set_iommu(struct vfio *v, const struct vfio_group *g, struct error *err)
{
	int container = vfio_container_of(v, g);

	if (!has(container, VFIO_SPAPR_TCE_v2_IOMMU))
		return fail(err, ENOTSUP,
			    "group %d: no SPAPR TCE IOMMU of version 2; load it with: modprobe "
			    "vfio_iommu_spapr_tce",
			    g->number);
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU))
		return fail(err, errno, "group %d: no SPAPR TCE IOMMU: %s", g->number,
			    strerror(errno));
	return 0;
}

/* Pins the pages, and lets them be mapped by any of the windows. */
static int spapr_add_ram(struct vfio *v, const struct ram_bank *b)
{
	struct vfio_iommu_spapr_register_memory reg = {
		.argsz = sizeof(reg), .vaddr = (uintptr_t)b->host, .size = b->size};
	const struct vfio_group *g;

	for (g = v->groups; g; g = g->next)
		if (ioctl(g->container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &reg))
			return -errno;
	return 0;
}

/* The containers let go of it, after their windows, when they are closed. */
static int spapr_remove_ram(struct vfio *v, const struct ram_bank *b)
{
	(void)v, (void)b;
	return 0;
}

/* BARs of other devices are no RAM that is registered. */
static int spapr_dma_map(struct vfio *v, uint64_t iova, uint64_t size, void *host)
{
	(void)v, (void)iova, (void)size, (void)host;
	return -EOPNOTSUPP;
}

static int spapr_open(struct vfio *v, struct error *err)
{
	return vfio_container_open(v, err);
}

const struct vfio_iommu_ops vfio_spapr = {
	.name = "spapr",
	.own_container = true,
	.open = spapr_open,
	.open_device = vfio_group_open_device,
	.set_iommu = spapr_set_iommu,
	.add_ram = spapr_add_ram,
	.remove_ram = spapr_remove_ram,
	.dma_map = spapr_dma_map,
	.close = vfio_groups_close,
};

/* The container of a group that is open. */
static int container_of_group(const struct vfio *v, int group)
{
	const struct vfio_group *g = vfio_find_group(v, group);

	return g ? g->container : -1;
}

int vfio_spapr_info(struct vfio *v, int group, struct vfio_spapr_info *out)
{
	struct vfio_iommu_spapr_tce_info info = {.argsz = sizeof(info)};

	if (ioctl(container_of_group(v, group), VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info))
		return -errno;
	*out = (struct vfio_spapr_info){.dma32_start = info.dma32_window_start,
					.dma32_size = info.dma32_window_size};
	if (!(info.flags & VFIO_IOMMU_SPAPR_INFO_DDW))
		return 0;
	out->dynamic = true;
	out->page_sizes = info.ddw.pgsizes;
	out->windows = info.ddw.max_dynamic_windows_supported;
	out->levels = info.ddw.levels;
	return 0;
}

int vfio_spapr_create_window(struct vfio *v, int group, unsigned page_shift, uint64_t size,
			     uint64_t *start)
{
	struct vfio_iommu_spapr_tce_create create = {
		.argsz = sizeof(create), .page_shift = page_shift, .window_size = size};
	int container = container_of_group(v, group), ret = -EINVAL;

	for (create.levels = 1; create.levels <= LEVELS_MAX; create.levels++) {
		if (!ioctl(container, VFIO_IOMMU_SPAPR_TCE_CREATE, &create)) {
			*start = create.start_addr;
			return 0;
		}
		ret = -errno;
	}
	return ret;
}

int vfio_spapr_remove_window(struct vfio *v, int group, uint64_t start)
{
	struct vfio_iommu_spapr_tce_remove remove = {.argsz = sizeof(remove), .start_addr = start};

	return ioctl(container_of_group(v, group), VFIO_IOMMU_SPAPR_TCE_REMOVE, &remove) ? -errno
											 : 0;
}

int vfio_spapr_map(struct vfio *v, int group, uint64_t iova, uint64_t size, void *host,
		   uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map),
					       .flags = flags,
					       .vaddr = (uintptr_t)host,
					       .iova = iova,
					       .size = size};

	return ioctl(container_of_group(v, group), VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

int vfio_spapr_unmap(struct vfio *v, int group, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = size};

	return ioctl(container_of_group(v, group), VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;
}

int vfio_spapr_accelerate(struct vfio *v, int group, int table)
{
	const struct vfio_group *g = vfio_find_group(v, group);
	struct kvm_vfio_spapr_tce tce = {.groupfd = g ? g->fd : -1, .tablefd = table};
	struct kvm_device_attr attr = {.group = KVM_DEV_VFIO_GROUP,
				       .attr = KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE,
				       .addr = (uintptr_t)&tce};

	return ioctl(v->kvm_device, KVM_SET_DEVICE_ATTR, &attr) ? -errno : 0;
}
