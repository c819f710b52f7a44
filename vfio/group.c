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

static int open_container(const struct vfio *v, struct error *err)
{
	char path[PATH_MAX];
	int fd, version, code;

	snprintf(path, sizeof(path), "%s/vfio", v->paths->dev);
	fd = open(path, O_RDWR | O_CLOEXEC);
	code = errno;
	if (fd < 0)
		return fail(err, code, "%s: %s%s", path, strerror(code),
			    code == ENOENT || code == ENODEV ? "; load VFIO with: modprobe vfio-pci"
							     : "");
	version = ioctl(fd, VFIO_GET_API_VERSION);
	if (version == VFIO_API_VERSION)
		return fd;
	close(fd);
	return fail(err, ENOTSUP, "%s: speaks VFIO API %d, Carillon needs %d", path, version,
		    VFIO_API_VERSION);
}

int vfio_container_open(struct vfio *v, struct error *err)
{
	v->iommu = open_container(v, err);
	return v->iommu < 0 ? v->iommu : 0;
}

int vfio_container_of(const struct vfio *v, const struct vfio_group *g)
{
	return g->container >= 0 ? g->container : v->iommu;
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
	int container, ret = 0;

	if (ioctl(g->fd, VFIO_GROUP_GET_STATUS, &status))
		return fail(err, errno, "group %d: %s", g->number, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return fail(err, EBUSY,
			    "group %d is not viable: a driver holds one of its members; see: "
			    "carillon vfio list",
			    g->number);
	if (v->ops->own_container) {
		g->container = open_container(v, err);
		if (g->container < 0)
			return g->container;
	}
	container = vfio_container_of(v, g);
	if (ioctl(g->fd, VFIO_GROUP_SET_CONTAINER, &container))
		return fail(err, errno, "group %d: can't join the container: %s", g->number,
			    strerror(errno));
	if (!v->groups || v->ops->own_container)
		ret = v->ops->set_iommu(v, g, err);
	return ret ?: vfio_tell_kvm(v, g->fd, err);
}

struct vfio_group *vfio_find_group(const struct vfio *v, int number)
{
	struct vfio_group *g = v->groups;

	while (g && g->number != number)
		g = g->next;
	return g;
}

static void close_group(struct vfio_group *g)
{
	if (g->fd >= 0)
		close(g->fd);
	if (g->container >= 0)
		close(g->container);
	free(g);
}

/* The fd of the group, which is opened and in its container; or -errno. */
static int get_group(struct vfio *v, int number, struct error *err)
{
	struct vfio_group *g = vfio_find_group(v, number);
	int ret;

	if (g)
		return g->fd;
	g = malloc(sizeof(*g));
	if (!g)
		return fail(err, ENOMEM, "group %d: out of memory", number);
	*g = (struct vfio_group){.number = number, .container = -1, .next = v->groups};
	g->fd = open_group(v, number, err);
	ret = g->fd < 0 ? g->fd : attach_group(v, g, err);
	if (ret) {
		close_group(g);
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
		close_group(g);
	}
}
