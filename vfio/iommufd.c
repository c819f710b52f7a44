/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * iommufd: each device has a file of its own, which is bound to /dev/iommu and attached to one I/O
 * address space (IOAS) for all of them (Linux, Documentation/userspace-api/iommufd.rst, and
 * "VFIO Device cdev" in Documentation/driver-api/vfio.rst). There are no groups to open: that all
 * members of a device's group are ours, or nobody's, the kernel checks when it binds.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/iommufd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "iommu.h"

/*
 * Locked memory is counted per user unless told otherwise, with all of that user's machines; per
 * process is what ulimit -l means, but only a privileged process may ask for it.
 */
static void count_per_process(struct vfio *v)
{
	struct iommu_option option = {.size = sizeof(option),
				      .option_id = IOMMU_OPTION_RLIMIT_MODE,
				      .op = IOMMU_OPTION_OP_SET,
				      .val64 = 1};

	ioctl(v->iommu, IOMMU_OPTION, &option);
}

static int iommufd_open(struct vfio *v, struct error *err)
{
	struct iommu_ioas_alloc alloc = {.size = sizeof(alloc)};
	int code;

	v->iommu = open(v->paths->iommu, O_RDWR | O_CLOEXEC);
	code = errno;
	if (v->iommu < 0)
		return fail(err, code, "%s: %s%s", v->paths->iommu, strerror(code),
			    code == EACCES ? "; be root, or give the file to the user with chown"
					   : "");
	count_per_process(v);
	if (ioctl(v->iommu, IOMMU_IOAS_ALLOC, &alloc))
		return fail(err, errno, "%s: no I/O address space: %s", v->paths->iommu,
			    strerror(errno));
	v->ioas = alloc.out_ioas_id;
	return 0;
}

static int bind_device(struct vfio *v, int fd, struct error *err)
{
	struct vfio_device_bind_iommufd bind = {.argsz = sizeof(bind), .iommufd = v->iommu};

	if (!ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return 0;
	switch (errno) {
	case EPERM:
		return fail(err, EPERM,
			    "interrupts are not isolated (interrupt remapping is off): switch it "
			    "on in the firmware or with intremap=on; or, trusting the guest with "
			    "the host, set iommufd.allow_unsafe_interrupts=1 on the kernel's "
			    "command line");
	case EBUSY:
		return fail(err, EBUSY,
			    "another process or a driver uses it or a member of its group; see: "
			    "carillon vfio list");
	default:
		return fail(err, errno,
			    "can't be bound to %s: %s; the kernel log (dmesg) says why, and "
			    "--iommu type1 may work",
			    v->paths->iommu, strerror(errno));
	}
}

static int attach_device(struct vfio *v, int fd, struct error *err)
{
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach), .pt_id = v->ioas};

	if (!ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return 0;
	return fail(err, errno, "can't be attached to the machine's I/O address space: %s%s",
		    strerror(errno),
		    errno == EADDRINUSE ? "; the host reserves addresses for it that are in use: "
					  "see carillon vfio map"
					: "");
}

/* KVM comes first: a driver may need its VM when it is bound. */
static int iommufd_open_device(struct vfio *v, const struct vfio_host_device *host,
			       struct error *err)
{
	char path[PATH_MAX];
	int ret = vfio_find_cdev(v->paths, host->bdf, path, err), fd;

	if (ret)
		return ret;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "%s: %s%s", path, strerror(errno),
			    errno == EACCES ? "; be root, or give the file to the user with chown"
					    : "");
	ret = vfio_tell_kvm(v, fd, err);
	if (!ret)
		ret = bind_device(v, fd, err);
	if (!ret)
		ret = attach_device(v, fd, err);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* Each attached device may narrow them, so they are never kept. */
static int iommufd_allowed(struct vfio *v, struct range **out)
{
	struct iommu_ioas_iova_ranges ask = {.size = sizeof(ask), .ioas_id = v->ioas};
	struct iommu_iova_range *ranges;
	int ret, i;

	/* Without room for an answer the kernel says how much it takes. */
	if (!ioctl(v->iommu, IOMMU_IOAS_IOVA_RANGES, &ask))
		return 0;
	if (errno != EMSGSIZE)
		return -errno;
	ranges = calloc(ask.num_iovas, sizeof(*ranges));
	*out = calloc(ask.num_iovas, sizeof(**out));
	ask.allowed_iovas = (uintptr_t)ranges;
	if (!ranges || !*out)
		ret = -ENOMEM;
	else
		ret = ioctl(v->iommu, IOMMU_IOAS_IOVA_RANGES, &ask) ? -errno : (int)ask.num_iovas;
	for (i = 0; ranges && *out && i < ret; i++)
		(*out)[i] = range_between(ranges[i].start, ranges[i].last);
	free(ranges);
	if (ret >= 0)
		return ret;
	free(*out);
	*out = NULL;
	return ret;
}

/* A device that comes later and would narrow these is refused when it is attached. */
static int iommufd_hold(struct vfio *v, const struct range *held, unsigned n)
{
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow), .ioas_id = v->ioas, .num_iovas = n};
	struct iommu_iova_range *ranges = calloc(n, sizeof(*ranges));
	unsigned i;
	int ret;

	if (!ranges)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		ranges[i] = (struct iommu_iova_range){held[i].base, range_last(held[i])};
	allow.allowed_iovas = (uintptr_t)ranges;
	ret = ioctl(v->iommu, IOMMU_IOAS_ALLOW_IOVAS, &allow) ? -errno : 0;
	free(ranges);
	return ret;
}

static int iommufd_map(struct vfio *v, uint64_t iova, uint64_t size, void *host)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = v->ioas,
		.user_va = (uintptr_t)host,
		.length = size,
		.iova = iova,
	};

	return ioctl(v->iommu, IOMMU_IOAS_MAP, &map) ? -errno : 0;
}

static int iommufd_unmap(struct vfio *v, uint64_t iova, uint64_t size)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = v->ioas, .iova = iova, .length = size};

	return ioctl(v->iommu, IOMMU_IOAS_UNMAP, &unmap) ? -errno : 0;
}

const struct vfio_iommu_ops vfio_iommufd = {
	.name = "iommufd",
	.identity = true,
	.open = iommufd_open,
	.open_device = iommufd_open_device,
	.allowed = iommufd_allowed,
	.hold = iommufd_hold,
	.add_ram = vfio_identity_map,
	.remove_ram = vfio_identity_unmap,
	.dma_map = iommufd_map,
	.dma_unmap = iommufd_unmap,
};
