/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The host's side of assignment, as sysfs shows it: which driver has a device, who shares its
 * IOMMU group, and how it is given to vfio-pci and back.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio.h"

const struct vfio_paths vfio_host_paths = {
	.sysfs = "/sys", .dev = "/dev/vfio", .iommu = "/dev/iommu"};

/* A hexadecimal number of 1 to `digits` digits at *text, which moves on; false if there is none. */
static bool take_hex(const char **text, unsigned digits, unsigned *out)
{
	unsigned n;

	*out = 0;
	for (n = 0; n < digits && isxdigit((unsigned char)**text); n++) {
		char c = *(*text)++;

		*out = *out << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return n;
}

static bool take_char(const char **text, char c)
{
	bool there = **text == c;

	*text += there;
	return there;
}

int vfio_parse_bdf(const char *text, char bdf[BDF_LEN])
{
	const char *last = strrchr(text, '/');
	unsigned domain = 0, bus, slot, function;

	text = last ? last + 1 : text;
	/* The domain is optional: what came first was the bus, unless a second colon follows. */
	if (!take_hex(&text, 4, &bus) || !take_char(&text, ':') || !take_hex(&text, 2, &slot))
		return -EINVAL;
	if (take_char(&text, ':')) {
		domain = bus;
		bus = slot;
		if (!take_hex(&text, 2, &slot))
			return -EINVAL;
	}
	if (!take_char(&text, '.') || !take_hex(&text, 1, &function) || *text || bus > 0xff ||
	    slot > 31 || function > 7)
		return -EINVAL;
	snprintf(bdf, BDF_LEN, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff, slot & 31,
		 function & 7);
	return 0;
}

static void device_path(const struct vfio_paths *paths, const char *bdf, const char *leaf,
			char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/bus/pci/devices/%s%s%s", paths->sysfs, bdf, *leaf ? "/" : "",
		 leaf);
}

/* The last component of a link; "" if there is no link. */
static void link_name(const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *last;

	name[0] = 0;
	if (n <= 0)
		return;
	target[n] = 0;
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	snprintf(name, size, "%.*s", (int)size - 1, last);
}

static uint32_t read_hex(const struct vfio_paths *paths, const char *bdf, const char *leaf)
{
	char path[PATH_MAX], buf[32];

	device_path(paths, bdf, leaf, path);
	return read_file(path, buf, sizeof(buf)) ? 0 : (uint32_t)strtoul(buf, NULL, 16);
}

int vfio_host_device(const struct vfio_paths *paths, const char *bdf, struct vfio_host_device *out,
		     struct error *err)
{
	char path[PATH_MAX], name[32];

	device_path(paths, bdf, "", path);
	if (access(path, F_OK))
		return fail(err, ENODEV,
			    "vfio %s: the host has no such PCI device; list them with: carillon "
			    "vfio list",
			    bdf);
	*out = (struct vfio_host_device){.group = -1};
	snprintf(out->bdf, sizeof(out->bdf), "%s", bdf);
	device_path(paths, bdf, "driver", path);
	link_name(path, out->driver, sizeof(out->driver));
	device_path(paths, bdf, "iommu_group", path);
	link_name(path, name, sizeof(name));
	if (*name)
		out->group = (int)strtol(name, NULL, 10);
	out->vendor = (uint16_t)read_hex(paths, bdf, "vendor");
	out->device = (uint16_t)read_hex(paths, bdf, "device");
	out->class = read_hex(paths, bdf, "class");
	return 0;
}

int vfio_find_cdev(const struct vfio_paths *paths, const char *bdf, char path[PATH_MAX],
		   struct error *err)
{
	char folder[PATH_MAX];
	struct dirent **names;
	int n, i;

	device_path(paths, bdf, "vfio-dev", folder);
	n = scandir(folder, &names, NULL, alphasort);
	*path = 0;
	for (i = 0; i < n; i++) {
		if (!strncmp(names[i]->d_name, "vfio", 4))
			snprintf(path, PATH_MAX, "%s/devices/%s", paths->dev, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free((void *)names);
	if (*path && !access(path, F_OK))
		return 0;
	return fail(err, ENODEV,
		    "vfio %s: no file of its own in %s/devices; the host's kernel must be built "
		    "with CONFIG_VFIO_DEVICE_CDEV; or use: --iommu type1",
		    bdf, paths->dev);
}

int vfio_host_devices(const struct vfio_paths *paths, int group,
		      void (*fn)(void *opaque, const struct vfio_host_device *d), void *opaque,
		      struct error *err)
{
	struct vfio_host_device d = {0};
	struct dirent **names;
	char path[PATH_MAX];
	int n, i;

	if (group < 0)
		snprintf(path, sizeof(path), "%s/bus/pci/devices", paths->sysfs);
	else
		snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/devices", paths->sysfs,
			 group);
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		return fail(err, errno, "%s: %s", path, strerror(errno));
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' &&
		    !vfio_host_device(paths, names[i]->d_name, &d, NULL))
			fn(opaque, &d);
		free(names[i]);
	}
	free((void *)names);
	return 0;
}

bool vfio_is_bound(const struct vfio_host_device *d)
{
	size_t n = strlen(d->driver);

	return n >= 8 &&
	       (!strcmp(d->driver + n - 8, "vfio-pci") || !strcmp(d->driver + n - 8, "vfio_pci"));
}

/* As the kernel judges it (driver_managed_dma): a bridge's own driver does no DMA. */
bool vfio_member_is_viable(const struct vfio_host_device *d)
{
	return !*d->driver || vfio_is_bound(d) || !strcmp(d->driver, "pci-stub") ||
	       !strcmp(d->driver, "pcieport");
}

struct group_report {
	struct text members, cure;
	unsigned obstacles;
};

static void report_member(void *opaque, const struct vfio_host_device *d)
{
	struct group_report *r = opaque;

	text_add(&r->members, "%s%s (%s)", r->members.len ? ", " : "", d->bdf,
		 *d->driver ? d->driver : "no driver");
	if (!vfio_member_is_viable(d)) {
		text_add(&r->cure, " %s", d->bdf);
		r->obstacles++;
	}
}

int vfio_check_host_device(const struct vfio_paths *paths, const struct vfio_host_device *d,
			   struct error *err)
{
	struct group_report r = {0};
	int ret;

	if (!vfio_is_bound(d))
		return fail(err, EBUSY,
			    "vfio %s: bound to %s, not to vfio-pci; bind it with: carillon vfio "
			    "bind %s",
			    d->bdf, *d->driver ? d->driver : "no driver", d->bdf);
	if (d->group < 0)
		return fail(
			err, ENODEV,
			"vfio %s: in no IOMMU group; switch the IOMMU on in the firmware and on "
			"the kernel's command line (intel_iommu=on)",
			d->bdf);
	ret = vfio_host_devices(paths, d->group, report_member, &r, err);
	if (!ret && r.obstacles)
		ret = fail(err, EBUSY,
			   "vfio %s: group %d is not viable: its members are %s; bind all of them "
			   "with: carillon vfio bind%s",
			   d->bdf, d->group, r.members.data, r.cure.data);
	text_free(&r.members);
	text_free(&r.cure);
	return ret;
}

static int poke(const struct vfio_paths *paths, const char *bdf, const char *leaf,
		const char *value, struct error *err)
{
	char path[PATH_MAX];
	int ret;

	if (*leaf == '/')
		snprintf(path, sizeof(path), "%s%s", paths->sysfs, leaf);
	else
		device_path(paths, bdf, leaf, path);
	ret = write_file(path, value);
	if (ret)
		return fail(err, -ret, "vfio %s: can't write %s: %s%s", bdf, path, strerror(-ret),
			    ret == -EACCES ? "; be root" : "");
	return 0;
}

/* Let go of the present driver, then let the kernel choose under the new override. */
static int rebind(const struct vfio_paths *paths, const struct vfio_host_device *d,
		  const char *override, struct error *err)
{
	int ret = poke(paths, d->bdf, "driver_override", override, err);

	if (!ret && *d->driver)
		ret = poke(paths, d->bdf, "driver/unbind", d->bdf, err);
	return ret ?: poke(paths, d->bdf, "/bus/pci/drivers_probe", d->bdf, err);
}

int vfio_bind(const struct vfio_paths *paths, const char *bdf, struct error *err)
{
	struct vfio_host_device d = {0};
	char path[PATH_MAX];
	int ret = vfio_host_device(paths, bdf, &d, err);

	if (ret || vfio_is_bound(&d))
		return ret;
	snprintf(path, sizeof(path), "%s/bus/pci/drivers/vfio-pci", paths->sysfs);
	if (access(path, F_OK))
		return fail(err, ENODEV,
			    "vfio %s: the host has no vfio-pci driver; load it with: modprobe "
			    "vfio-pci",
			    bdf);
	ret = rebind(paths, &d, "vfio-pci", err) ?: vfio_host_device(paths, bdf, &d, err);
	if (!ret && !vfio_is_bound(&d))
		ret = fail(err, EBUSY,
			   "vfio %s: vfio-pci did not take it; the kernel log (dmesg) says why",
			   bdf);
	return ret;
}

int vfio_unbind(const struct vfio_paths *paths, const char *bdf, struct error *err)
{
	struct vfio_host_device d = {0};
	int ret = vfio_host_device(paths, bdf, &d, err);

	if (ret)
		return ret;
	if (!vfio_is_bound(&d))
		return fail(err, EINVAL, "vfio %s: bound to %s, not to vfio-pci", bdf,
			    *d.driver ? d.driver : "no driver");
	/* A lone newline clears the override. */
	return rebind(paths, &d, "\n", err);
}
