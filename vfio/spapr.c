/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * SPAPR TCE: the IOMMU of POWER hosts (Documentation/driver-api/vfio.rst, "VFIO on ppc64/powernv").
 * Nothing is mapped at the start: the guest fills windows by hypercall, page by page. Each group
 * has its own windows, hence its own container: on hosts that are partitions themselves no two
 * groups can share a table.
 *
 * With version 2 of the interface RAM is registered before, so that it is pinned and accounted
 * once, and windows are made and removed. With version 1 there is the 32-bit window alone; what is
 * mapped in it is pinned then, and the whole of it is accounted when it is enabled.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "iommu.h"

/* Windows are tables of pages in one level, or in as many as the host wants for their size. */
#define LEVELS_MAX 5
#define ENTRY_SIZE 8

/* 0 or -errno: -ENOTSUP if the kernel has not this version, -EINVAL if the group is not for it. */
static int set_version(struct vfio *v, const struct vfio_group *g, int version)
{
	int container = vfio_container_of(v, g);

	if (ioctl(container, VFIO_CHECK_EXTENSION, version) <= 0)
		return -ENOTSUP;
	return ioctl(container, VFIO_SET_IOMMU, version) ? -errno : 0;
}

static int refuse(const struct vfio_group *g, int number, int code, struct error *err)
{
	if (code == -ENOTSUP)
		return fail(err, ENOTSUP,
			    "group %d: no SPAPR TCE IOMMU of version %d; load it with: modprobe "
			    "vfio_iommu_spapr_tce",
			    g->number, number);
	return fail(err, -code, "group %d: no SPAPR TCE IOMMU of version %d: %s%s", g->number,
		    number, strerror(-code),
		    number == 2 && code == -EINVAL ? "; use version 1 for all: --iommu spapr-v1"
						   : "");
}

static int set_v1(struct vfio *v, const struct vfio_group *g, struct error *err)
{
	int ret = set_version(v, g, VFIO_SPAPR_TCE_IOMMU);

	return ret ? refuse(g, 1, ret, err) : 0;
}

/* Without a wish the first group decides for all whether version 1 is all there is. */
static int set_v2(struct vfio *v, const struct vfio_group *g, struct error *err)
{
	int ret = set_version(v, g, VFIO_SPAPR_TCE_v2_IOMMU);

	if (!ret)
		return 0;
	if (v->wanted != VFIO_IOMMU_AUTO || v->groups || (ret != -ENOTSUP && ret != -EINVAL))
		return refuse(g, 2, ret, err);
	v->ops = &vfio_spapr_v1;
	return set_v1(v, g, err);
}

/* Pins the pages, and lets them be mapped by any of the windows. */
static int register_ram(struct vfio *v, const struct ram_bank *b)
{
	struct vfio_iommu_spapr_register_memory reg = {
		.argsz = sizeof(reg), .vaddr = (uintptr_t)b->host, .size = b->size};
	const struct vfio_group *g;

	for (g = v->groups; g; g = g->next)
		if (ioctl(g->container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &reg))
			return -errno;
	return 0;
}

/* Version 1 knows of no RAM; what is registered the containers let go of when they are closed. */
static int no_ram(struct vfio *v, const struct ram_bank *b)
{
	(void)v, (void)b;
	return 0;
}

/*
 * Whatever the guest's memory is, each window counts whole, with its table: the host's, and on bare
 * metal one more that remembers what was mapped.
 */
static int locked_windows(struct vfio *v, uint64_t *bytes, const char **what)
{
	const struct vfio_group *g;
	struct vfio_spapr_info info;
	int ret = 0;

	*bytes = 0;
	*what = "DMA windows of";
	for (g = v->groups; g && !ret; g = g->next) {
		ret = vfio_spapr_info(v, g->number, &info);
		*bytes += info.dma32_size +
			  2 * (info.dma32_size >> VFIO_SPAPR_DMA32_SHIFT) * ENTRY_SIZE;
	}
	return ret;
}

/* BARs of other devices are no RAM that is registered. */
static int no_peers(struct vfio *v, uint64_t iova, uint64_t size, void *host)
{
	(void)v, (void)iova, (void)size, (void)host;
	return -EOPNOTSUPP;
}

const struct vfio_iommu_ops vfio_spapr = {
	.name = "spapr",
	.own_container = true,
	.open = vfio_container_open,
	.open_device = vfio_group_open_device,
	.set_iommu = set_v2,
	.add_ram = register_ram,
	.remove_ram = no_ram,
	.dma_map = no_peers,
	.close = vfio_groups_close,
};

const struct vfio_iommu_ops vfio_spapr_v1 = {
	.name = "spapr-v1",
	.own_container = true,
	.open = vfio_container_open,
	.open_device = vfio_group_open_device,
	.set_iommu = set_v1,
	.locked = locked_windows,
	.add_ram = no_ram,
	.remove_ram = no_ram,
	.dma_map = no_peers,
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

	*out = (struct vfio_spapr_info){0};
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

static int refuse_window(int group, uint64_t size, int code, struct error *err)
{
	const char *cure = "";

	if (code == -ENODEV)
		cure = "; the host's own driver has had the device and left it a window that can't "
		       "be given up: bind it to vfio-pci before any other driver";
	if (code == -ENOMEM)
		cure = "; it counts as locked memory: raise the limit with ulimit -l";
	return fail(err, -code, "group %d: the host can't make a DMA window of %llu MiB: %s%s",
		    group, (unsigned long long)(size / MIB), strerror(-code), cure);
}

/*
 * The host has made this window by itself, but only when it is first used: it is made anew, so that
 * it is there for KVM to find, with pages of 4 KiB.
 */
static int make_again(struct vfio *v, int group, const struct vfio_spapr_info *info,
		      struct error *err)
{
	uint64_t start = 0, size = info->dma32_size;
	int ret = vfio_spapr_remove_window(v, group, info->dma32_start);

	if (!ret)
		ret = vfio_spapr_create_window(v, group, VFIO_SPAPR_DMA32_SHIFT, size, &start);
	if (ret)
		return refuse_window(group, size, ret, err);
	if (start == info->dma32_start)
		return 0;
	vfio_spapr_remove_window(v, group, start);
	return fail(err, ENOTSUP,
		    "group %d: the host makes its DMA window at 0x%llx, not at 0x%llx", group,
		    (unsigned long long)start, (unsigned long long)info->dma32_start);
}

/* Its first use has it made: taking a page out that isn't there. */
static int enable(struct vfio *v, int group, const struct vfio_spapr_info *info, struct error *err)
{
	int container = container_of_group(v, group), ret;

	if (ioctl(container, VFIO_IOMMU_ENABLE, NULL))
		return refuse_window(group, info->dma32_size, -errno, err);
	ret = vfio_spapr_unmap(v, group, info->dma32_start, 1 << VFIO_SPAPR_DMA32_SHIFT);
	if (!ret)
		return 0;
	ioctl(container, VFIO_IOMMU_DISABLE, NULL);
	return refuse_window(group, info->dma32_size, ret, err);
}

int vfio_spapr_default_window(struct vfio *v, int group, uint64_t most, struct vfio_spapr_info *out,
			      struct error *err)
{
	int ret = vfio_spapr_info(v, group, out);

	if (ret)
		return fail(err, -ret, "group %d: DMA window: %s", group, strerror(-ret));
	if (out->dma32_size > most)
		out->dma32_size = most;
	return v->ops == &vfio_spapr_v1 ? enable(v, group, out, err)
					: make_again(v, group, out, err);
}

/* KVM maps only memory that is registered (kvmppc_tce_iommu_do_map in Linux). */
int vfio_spapr_accelerate(struct vfio *v, int group, int table)
{
	const struct vfio_group *g = vfio_find_group(v, group);
	struct kvm_vfio_spapr_tce tce = {.groupfd = g ? g->fd : -1, .tablefd = table};
	struct kvm_device_attr attr = {.group = KVM_DEV_VFIO_GROUP,
				       .attr = KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE,
				       .addr = (uintptr_t)&tce};

	if (v->ops == &vfio_spapr_v1)
		return -EOPNOTSUPP;
	return ioctl(v->kvm_device, KVM_SET_DEVICE_ATTR, &attr) ? -errno : 0;
}
