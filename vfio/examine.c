/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A report on one device, without a guest: VFIO is asked if it has the device, and sysfs if it
 * has not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resource.h"

/* What a plan is made from. */
struct findings {
	struct vfio_region regions[PCI_BARS + 1];
	uint8_t physical[PCI_CONFIG_SIZE];
	unsigned size; /* of the configuration space, bytes */
};

/* Opening it resets it, and so does letting go; nobody else has it. */
static int ask_vfio(struct vfio *v, const struct vfio_host_device *host, struct findings *f,
		    struct error *err)
{
	struct vfio_device *d;
	int ret = vfio_check_host_device(v->paths, host, err);

	if (ret)
		return ret;
	d = calloc(1, sizeof(*d));
	if (!d)
		return fail(err, ENOMEM, "out of memory");
	d->vfio = v;
	d->fd = -1;
	ret = vfio_device_open(d, host, err);
	if (!ret) {
		memcpy(f->regions, d->regions, sizeof(f->regions));
		f->size = vfio_config_read_all(d, f->physical);
	} else {
		error_prefix(err, "vfio %s", host->bdf);
	}
	vfio_device_close(d);
	free(d);
	return ret;
}

static int read_sysfs_config(const struct vfio_paths *paths, const char *bdf, struct findings *f,
			     struct error *err)
{
	char path[PATH_MAX];
	ssize_t n = -1;
	int fd, code;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/config", paths->sysfs, bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, f->physical, sizeof(f->physical));
	code = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return fail(err, code, "%s: %s", path, strerror(code));
	if (n < PCI_CFG_SPACE_SIZE)
		return fail(err, EACCES, "%s: can't be read beyond %zd bytes; be root", path, n);
	f->size = (unsigned)n;
	return 0;
}

/* All ones where nobody answers; a virtual function has its IDs elsewhere, but a class. */
static int check_header(const char *bdf, const uint8_t *physical, struct error *err)
{
	if (pci_get32(physical, PCI_CLASS_REVISION) == UINT32_MAX)
		return fail(err, EIO,
			    "vfio %s: does not answer (configuration reads are all ones); remove "
			    "and rescan it, or power-cycle the host",
			    bdf);
	if ((physical[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) != PCI_HEADER_TYPE_NORMAL)
		return fail(err, EINVAL, "vfio %s: a bridge, which stays with the host", bdf);
	return 0;
}

static int predict(struct vfio *v, const struct vfio_report *r, const struct vfio_resource *own,
		   struct findings *f, struct error *err)
{
	int ret = read_sysfs_config(v->paths, r->host.bdf, f, err);

	ret = ret ?: check_header(r->host.bdf, f->physical, err);
	if (ret)
		return ret;
	vfio_predict_regions(own, r->in_page, r->facts.page_size, f->regions);
	vfio_predict_config(own, &r->host, f->physical);
	return 0;
}

static int plan(const struct vfio *v, const struct vfio_device_options *opt,
		const struct findings *f, struct vfio_report *r, struct error *err)
{
	struct vfio_device_plan *plan = malloc(sizeof(*plan));
	struct vfio_policy policy = vfio_policy_of(v, opt, r->facts.page_size);
	int ret;

	if (!plan)
		return fail(err, ENOMEM, "out of memory");
	ret = vfio_plan_device(f->regions, f->physical, f->size, &policy, plan, err);
	if (ret) {
		error_prefix(err, "vfio %s", opt->bdf);
	} else {
		r->facts = plan->facts;
		r->plan = plan->bars;
	}
	free(plan);
	return ret;
}

int vfio_examine(struct vfio *v, const struct vfio_device_options *opt, struct vfio_report *r,
		 struct error *err)
{
	struct vfio_resource own[RESOURCES_MAX];
	struct findings f = {0};
	int ret;

	memset(r, 0, sizeof(*r));
	r->facts.page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	ret = vfio_host_device(v->paths, opt->bdf, &r->host, err);
	if (ret)
		return ret;
	ret = vfio_read_resources(v->paths, opt->bdf, own, err);
	if (ret >= 0)
		ret = vfio_find_neighbours(v->paths, opt->bdf, own, r->facts.page_size, r->in_page,
					   err);
	if (ret)
		return ret;
	r->predicted = !vfio_is_bound(&r->host);
	ret = r->predicted ? predict(v, r, own, &f, err) : ask_vfio(v, &r->host, &f, err);
	ret = ret ?: plan(v, opt, &f, r, err);
	if (!ret)
		vfio_advise(r);
	return ret;
}
