/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The container: groups, the Type1 IOMMU behind them, and guest RAM mapped for DMA with I/O virtual
 * = guest-physical addresses (Documentation/driver-api/vfio.rst).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "container.h"

#define CAP_IPC_LOCK_BIT 14

void vfio_init(struct vfio *v, struct vm *vm, const struct vfio_paths *paths)
{
	*v = (struct vfio){.paths = paths, .vm = vm, .container = -1, .kvm_device = -1};
}

static int open_container(struct vfio *v, struct error *err)
{
	char path[PATH_MAX];
	int version, code;

	if (v->container >= 0)
		return 0;
	snprintf(path, sizeof(path), "%s/vfio", v->paths->dev);
	v->container = open(path, O_RDWR | O_CLOEXEC);
	code = errno;
	if (v->container < 0)
		return fail(err, code, "%s: %s%s", path, strerror(code),
			    code == ENOENT || code == ENODEV ? "; load VFIO with: modprobe vfio-pci"
							     : "");
	version = ioctl(v->container, VFIO_GET_API_VERSION);
	if (version != VFIO_API_VERSION)
		return fail(err, ENOTSUP, "%s: speaks VFIO API %d, Carillon needs %d", path,
			    version, VFIO_API_VERSION);
	if (ioctl(v->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0)
		return fail(err, ENOTSUP,
			    "%s: no Type1v2 IOMMU; load it with: modprobe vfio_iommu_type1", path);
	return 0;
}

/* KVM must know the groups: drivers ask it for cache coherency and for their VM. */
static int tell_kvm(struct vfio *v, int group_fd, struct error *err)
{
	struct kvm_create_device create = {.type = KVM_DEV_TYPE_VFIO};
	struct kvm_device_attr attr = {.group = KVM_DEV_VFIO_GROUP,
				       .attr = KVM_DEV_VFIO_GROUP_ADD,
				       .addr = (uintptr_t)&group_fd};

	if (v->kvm_device < 0) {
		if (ioctl(v->vm->fd, KVM_CREATE_DEVICE, &create))
			return fail(err, errno, "vfio: KVM has no VFIO device: %s",
				    strerror(errno));
		v->kvm_device = (int)create.fd;
	}
	if (ioctl(v->kvm_device, KVM_SET_DEVICE_ATTR, &attr))
		return fail(err, errno, "vfio: KVM refuses the group: %s", strerror(errno));
	return 0;
}

static int open_group(struct vfio *v, int number, struct error *err)
{
	char path[PATH_MAX];
	int fd, code;

	snprintf(path, sizeof(path), "%s/%d", v->paths->dev, number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	code = errno;
	if (fd >= 0)
		return fd;
	if (code == EBUSY)
		return fail(err, code, "%s: another process uses this group; end it first", path);
	return fail(err, code, "%s: %s%s", path, strerror(code),
		    code == EACCES ? "; be root, or give the file to the user with chown" : "");
}

static int attach_group(struct vfio *v, struct vfio_group *g, struct error *err)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};

	if (ioctl(g->fd, VFIO_GROUP_GET_STATUS, &status))
		return fail(err, errno, "group %d: %s", g->number, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return fail(err, EBUSY,
			    "group %d is not viable: a driver holds one of its members; see: "
			    "carillon vfio list",
			    g->number);
	if (ioctl(g->fd, VFIO_GROUP_SET_CONTAINER, &v->container))
		return fail(err, errno, "group %d: can't join the container: %s", g->number,
			    strerror(errno));
	if (!v->groups && ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) {
		if (errno == EPERM)
			return fail(err, EPERM,
				    "group %d: interrupts are not isolated (interrupt remapping is "
				    "off): switch it on in the firmware or with intremap=on; or, "
				    "trusting the guest with the host, modprobe vfio_iommu_type1 "
				    "allow_unsafe_interrupts=1",
				    g->number);
		return fail(err, errno, "group %d: no Type1 IOMMU: %s", g->number, strerror(errno));
	}
	return tell_kvm(v, g->fd, err);
}

int vfio_get_group(struct vfio *v, int number, struct vfio_group **out, struct error *err)
{
	struct vfio_group *g;
	int ret;

	for (g = v->groups; g; g = g->next)
		if (g->number == number) {
			*out = g;
			return 0;
		}
	ret = open_container(v, err);
	if (ret)
		return ret;
	g = malloc(sizeof(*g));
	if (!g)
		return fail(err, ENOMEM, "group %d: out of memory", number);
	*g = (struct vfio_group){.number = number, .next = v->groups};
	g->fd = open_group(v, number, err);
	ret = g->fd < 0 ? g->fd : attach_group(v, g, err);
	if (ret) {
		if (g->fd >= 0)
			close(g->fd);
		free(g);
		return ret;
	}
	v->groups = g;
	*out = g;
	return 0;
}

/* Find a capability in an info block that the kernel returned; NULL if there is none. */
const struct vfio_info_cap_header *vfio_find_cap(const void *info, uint32_t argsz,
						 uint32_t cap_offset, uint16_t id)
{
	const struct vfio_info_cap_header *h;

	while (cap_offset && cap_offset + sizeof(*h) <= argsz) {
		h = (const void *)((const char *)info + cap_offset);
		if (h->id == id)
			return h;
		cap_offset = h->next;
	}
	return NULL;
}

int vfio_allowed_ranges(struct vfio *v, struct range **out)
{
	struct vfio_iommu_type1_info probe = {.argsz = sizeof(probe)}, *info;
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	unsigned i, n = 0;

	*out = NULL;
	if (ioctl(v->container, VFIO_IOMMU_GET_INFO, &probe))
		return -errno;
	info = calloc(1, probe.argsz);
	if (!info)
		return -ENOMEM;
	info->argsz = probe.argsz;
	if (ioctl(v->container, VFIO_IOMMU_GET_INFO, info)) {
		free(info);
		return -errno;
	}
	cap = NULL;
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		cap = (const void *)vfio_find_cap(info, info->argsz, info->cap_offset,
						  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	if (cap)
		*out = calloc(cap->nr_iovas, sizeof(**out));
	for (i = 0; *out && i < cap->nr_iovas; i++, n++)
		(*out)[i] = (struct range){cap->iova_ranges[i].start,
					   cap->iova_ranges[i].end - cap->iova_ranges[i].start + 1};
	free(info);
	return (int)n;
}

/* CAP_IPC_LOCK in effect: the kernel then ignores the limit (vfio_lock_acct). */
static bool may_lock_anything(void)
{
	char status[4096], *line;

	if (read_file("/proc/self/status", status, sizeof(status)))
		return false;
	line = strstr(status, "\nCapEff:");
	return line && strtoull(line + 8, NULL, 16) >> CAP_IPC_LOCK_BIT & 1;
}

int vfio_check_ram(struct vfio *v, const struct range *ram, unsigned n, struct error *err)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
	struct range *allowed;
	uint64_t need = 0, host;
	unsigned i;
	int count, ret;

	if (v->container < 0)
		return 0;
	count = vfio_allowed_ranges(v, &allowed);
	if (count < 0)
		return fail(err, -count, "vfio: can't ask the IOMMU for its ranges: %s",
			    strerror(-count));
	ret = vfio_check_iova(ram, n, allowed, (unsigned)count, err);
	free(allowed);
	if (ret)
		return ret;
	for (i = 0; i < n; i++)
		need += ram[i].size;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	host = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	return vfio_check_memlock(need, limit.rlim_cur, host, may_lock_anything(), err);
}

int vfio_dma_map(struct vfio *v, uint64_t iova, uint64_t size, void *host)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map),
					       .flags = VFIO_DMA_MAP_FLAG_READ |
							VFIO_DMA_MAP_FLAG_WRITE,
					       .vaddr = (uintptr_t)host,
					       .iova = iova,
					       .size = size};

	return ioctl(v->container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

void vfio_dma_unmap(struct vfio *v, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = size};

	if (ioctl(v->container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		warn("vfio: can't unmap 0x%llx for DMA: %s", (unsigned long long)iova,
		     strerror(errno));
}

int vfio_map_ram(struct vfio *v, struct error *err)
{
	const struct guest_memory *mem = &v->vm->memory;
	int ret;

	if (v->container < 0)
		return 0;
	/* The kernel would have to make each page while it pins it, on this one thread. */
	ret = guest_memory_prefault(mem, err);
	if (ret)
		return ret;
	for (; v->n_mapped < mem->n; v->n_mapped++) {
		const struct ram_bank *b = &mem->banks[v->n_mapped];

		ret = vfio_dma_map(v, b->gpa, b->size, b->host);
		if (ret)
			return fail(err, -ret,
				    "vfio: can't map guest RAM 0x%llx-0x%llx for DMA: %s",
				    (unsigned long long)b->gpa,
				    (unsigned long long)(b->gpa + b->size - 1), strerror(-ret));
	}
	return 0;
}

/* Devices are closed already: a group with an open device can't leave its container. */
void vfio_close_container(struct vfio *v)
{
	struct vfio_group *g;

	while (v->n_mapped) {
		const struct ram_bank *b = &v->vm->memory.banks[--v->n_mapped];

		vfio_dma_unmap(v, b->gpa, b->size);
	}
	if (v->kvm_device >= 0)
		close(v->kvm_device);
	while ((g = v->groups)) {
		v->groups = g->next;
		ioctl(g->fd, VFIO_GROUP_UNSET_CONTAINER);
		close(g->fd);
		free(g);
	}
	if (v->container >= 0)
		close(v->container);
	v->container = v->kvm_device = -1;
}
