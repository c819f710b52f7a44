/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Groups in a container: what Type1 and its kin on other machines have in common
 * (Documentation/driver-api/vfio.rst). The container's fd is v->iommu.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "iommu.h"

int vfio_container_open(struct vfio *v, struct error *err)
{
	char path[PATH_MAX];
	int version, code;

	snprintf(path, sizeof(path), "%s/vfio", v->paths->dev);
	v->iommu = open(path, O_RDWR | O_CLOEXEC);
	code = errno;
	if (v->iommu < 0)
		return fail(err, code, "%s: %s%s", path, strerror(code),
			    code == ENOENT || code == ENODEV ? "; load VFIO with: modprobe vfio-pci"
							     : "");
	version = ioctl(v->iommu, VFIO_GET_API_VERSION);
	if (version != VFIO_API_VERSION)
		return fail(err, ENOTSUP, "%s: speaks VFIO API %d, Carillon needs %d", path,
			    version, VFIO_API_VERSION);
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
	int ret = 0;

	if (ioctl(g->fd, VFIO_GROUP_GET_STATUS, &status))
		return fail(err, errno, "group %d: %s", g->number, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return fail(err, EBUSY,
			    "group %d is not viable: a driver holds one of its members; see: "
			    "carillon vfio list",
			    g->number);
	if (ioctl(g->fd, VFIO_GROUP_SET_CONTAINER, &v->iommu))
		return fail(err, errno, "group %d: can't join the container: %s", g->number,
			    strerror(errno));
	if (!v->groups)
		ret = v->ops->set_iommu(v, g->number, err);
	return ret ?: vfio_tell_kvm(v, g->fd, err);
}

/* The fd of the group, which is opened and in the container; or -errno. */
static int get_group(struct vfio *v, int number, struct error *err)
{
	struct vfio_group *g;
	int ret;

	for (g = v->groups; g; g = g->next)
		if (g->number == number)
			return g->fd;
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
	return g->fd;
}

int vfio_group_open_device(struct vfio *v, const struct vfio_host_device *host, struct error *err)
{
	int group = get_group(v, host->group, err), fd;

	if (group < 0)
		return group;
	fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, host->bdf);
	if (fd < 0)
		return fail(err, errno, "can't be opened: %s; the kernel log (dmesg) says why",
			    strerror(errno));
	return fd;
}

/* A group with an open device can't leave its container: those are closed already. */
void vfio_groups_close(struct vfio *v)
{
	struct vfio_group *g;

	while ((g = v->groups)) {
		v->groups = g->next;
		ioctl(g->fd, VFIO_GROUP_UNSET_CONTAINER);
		close(g->fd);
		free(g);
	}
}
