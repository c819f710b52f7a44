/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The IOMMU, whichever interface it has: which one that is, guest RAM made ready for DMA, what is
 * checked before, and what KVM is told.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "iommu.h"

#define CAP_IPC_LOCK_BIT 14

void vfio_init(struct vfio *v, struct vm *vm, const struct vfio_paths *paths,
	       enum vfio_iommu_kind wanted)
{
	*v = (struct vfio){
		.paths = paths, .vm = vm, .wanted = wanted, .iommu = -1, .kvm_device = -1};
}

/* By default iommufd, if this process may use it: else a group's file may still be open to it. */
const struct vfio_iommu_ops *vfio_choose_iommu(const struct vfio_paths *paths,
					       enum vfio_iommu_kind wanted, const char *bdf,
					       struct error *err)
{
	char cdev[PATH_MAX];

	if (wanted == VFIO_IOMMU_TYPE1)
		return &vfio_type1;
	if (wanted == VFIO_IOMMU_AUTO)
		return !access(paths->iommu, R_OK | W_OK) &&
				       !vfio_find_cdev(paths, bdf, cdev, NULL) &&
				       !access(cdev, R_OK | W_OK)
			       ? &vfio_iommufd
			       : &vfio_type1;
	if (access(paths->iommu, F_OK)) {
		fail(err, ENODEV,
		     "--iommu iommufd: the host has no %s; its kernel must be built with "
		     "CONFIG_IOMMUFD (if it is, load it with: modprobe iommufd); or use: --iommu "
		     "type1",
		     paths->iommu);
		return NULL;
	}
	return vfio_find_cdev(paths, bdf, cdev, err) ? NULL : &vfio_iommufd;
}

/* NULL with an error. The kernel builds no device files where the IOMMU is SPAPR's. */
static const struct vfio_iommu_ops *choose(struct vfio *v, const struct vfio_host_device *host,
					   struct error *err)
{
	bool spapr = v->wanted == VFIO_IOMMU_SPAPR || v->wanted == VFIO_IOMMU_SPAPR_V1;

	if (v->by_hypercall && (spapr || v->wanted == VFIO_IOMMU_AUTO))
		return v->wanted == VFIO_IOMMU_SPAPR_V1 ? &vfio_spapr_v1 : &vfio_spapr;
	if (!v->by_hypercall && !spapr)
		return vfio_choose_iommu(v->paths, v->wanted, host->bdf, err);
	fail(err, ENOTSUP,
	     spapr ? "--iommu spapr: only POWER hosts have it; use: --iommu type1"
		   : "--iommu: POWER hosts have SPAPR's interface to their IOMMU; use: --iommu "
		     "spapr");
	return NULL;
}

int vfio_iommu_open_device(struct vfio *v, const struct vfio_host_device *host, struct error *err)
{
	int ret = 0;

	if (!v->ops) {
		v->ops = choose(v, host, err);
		ret = v->ops ? v->ops->open(v, err) : -ENODEV;
	}
	return ret ?: v->ops->open_device(v, host, err);
}

/* Drivers ask KVM for cache coherency and for their VM. */
int vfio_tell_kvm(struct vfio *v, int fd, struct error *err)
{
	struct kvm_create_device create = {.type = KVM_DEV_TYPE_VFIO};
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_FILE, .attr = KVM_DEV_VFIO_FILE_ADD, .addr = (uintptr_t)&fd};

	if (!v->vm)
		return 0;
	if (v->kvm_device < 0) {
		if (ioctl(v->vm->fd, KVM_CREATE_DEVICE, &create))
			return fail(err, errno, "vfio: KVM has no VFIO device: %s",
				    strerror(errno));
		v->kvm_device = (int)create.fd;
	}
	if (ioctl(v->kvm_device, KVM_SET_DEVICE_ATTR, &attr))
		return fail(err, errno, "vfio: KVM refuses the file: %s", strerror(errno));
	return 0;
}

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
	*out = NULL;
	return v->ops->allowed ? v->ops->allowed(v, out) : 0;
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

static int check_locked(struct vfio *v, uint64_t ram, struct error *err)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
	const char *what = "guest RAM of";
	uint64_t need = ram;
	int ret;

	if (v->ops->locked) {
		ret = v->ops->locked(v, &need, &what);
		if (ret)
			return fail(err, -ret, "vfio: can't ask the IOMMU for its windows: %s",
				    strerror(-ret));
	} else {
		ret = vfio_check_pinned(
			ram, (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
			err);
	}
	getrlimit(RLIMIT_MEMLOCK, &limit);
	return ret ?: vfio_check_memlock(what, need, limit.rlim_cur, may_lock_anything(), err);
}

int vfio_check_ram(struct vfio *v, const struct range *ram, unsigned n, struct error *err)
{
	struct range *allowed;
	uint64_t need = 0;
	unsigned i;
	int count, ret;

	if (!v->ops)
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
	return check_locked(v, need, err);
}

int vfio_dma_map(struct vfio *v, uint64_t iova, uint64_t size, void *host)
{
	return v->ops->dma_map(v, iova, size, host);
}

void vfio_dma_unmap(struct vfio *v, uint64_t iova, uint64_t size)
{
	int ret = v->ops->dma_unmap(v, iova, size);

	if (ret)
		warn("vfio: can't unmap 0x%llx for DMA: %s", (unsigned long long)iova,
		     strerror(-ret));
}

int vfio_identity_map(struct vfio *v, const struct ram_bank *b)
{
	return v->ops->dma_map(v, b->gpa, b->size, b->host);
}

int vfio_identity_unmap(struct vfio *v, const struct ram_bank *b)
{
	return v->ops->dma_unmap(v, b->gpa, b->size);
}

int vfio_hold_iovas(struct vfio *v, const struct range *wanted, unsigned n, struct error *err)
{
	struct range *allowed, *held = NULL;
	int count, ret;

	if (!v->ops || !v->ops->hold)
		return 0;
	count = vfio_allowed_ranges(v, &allowed);
	ret = count < 0 ? count : vfio_plan_held(wanted, n, allowed, (unsigned)count, &held);
	if (ret > 0)
		ret = v->ops->hold(v, held, (unsigned)ret);
	free(allowed);
	free(held);
	return ret ? fail(err, -ret, "vfio: can't hold on to the planned I/O addresses: %s",
			  strerror(-ret))
		   : 0;
}

int vfio_map_ram(struct vfio *v, struct error *err)
{
	const struct guest_memory *mem = &v->vm->memory;
	int ret;

	if (!v->ops)
		return 0;
	for (; v->n_mapped < mem->n; v->n_mapped++) {
		const struct ram_bank *b = &mem->banks[v->n_mapped];

		ret = v->ops->add_ram(v, b);
		if (ret)
			return fail(err, -ret,
				    "vfio: can't map guest RAM 0x%llx-0x%llx for DMA: %s%s",
				    (unsigned long long)b->gpa,
				    (unsigned long long)(b->gpa + b->size - 1), strerror(-ret),
				    ret == -ENOMEM ? "; what other processes of this user have "
						     "locked may count against ulimit -l too"
						   : "");
	}
	return 0;
}

/*
 * KVM holds the files of groups and devices: as long as it does, a device that is closed here may
 * still be at work. So it lets go before RAM does.
 */
void vfio_iommu_close(struct vfio *v)
{
	if (v->kvm_device >= 0)
		close(v->kvm_device);
	while (v->n_mapped) {
		const struct ram_bank *b = &v->vm->memory.banks[--v->n_mapped];
		int ret = v->ops->remove_ram(v, b);

		if (ret)
			warn("vfio: can't unmap guest RAM at 0x%llx for DMA: %s",
			     (unsigned long long)b->gpa, strerror(-ret));
	}
	if (v->ops && v->ops->close)
		v->ops->close(v);
	if (v->iommu >= 0)
		close(v->iommu);
	v->iommu = v->kvm_device = -1;
	v->ops = NULL;
}
