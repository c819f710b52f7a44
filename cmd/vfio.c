/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* carillon vfio list, check, bind, unbind, map: the host's side of assignment. */
#include <string.h>

#include "cmd.h"

static void print_device(void *opaque, const struct vfio_host_device *d)
{
	char group[16] = "-";

	(void)opaque;
	if (d->group >= 0)
		snprintf(group, sizeof(group), "%d", d->group);
	printf("%s  %04x:%04x  class %06x  group %-4s  %s\n", d->bdf, d->vendor, d->device,
	       d->class, group, *d->driver ? d->driver : "-");
}

static int list(struct error *err)
{
	return vfio_host_devices(&vfio_host_paths, -1, print_device, NULL, err);
}

typedef int each_fn(const struct vfio_paths *paths, const char *bdf, struct error *err);

/* All are tried; the first error is the one that counts. */
static int for_each(int argc, char **argv, each_fn *fn)
{
	struct error err;
	char bdf[BDF_LEN];
	int i, status = STATUS_OK;

	for (i = 0; i < argc; i++) {
		if (vfio_parse_bdf(argv[i], bdf)) {
			warn("'%s' is no PCI address such as 0000:03:00.0", argv[i]);
			status = STATUS_USAGE;
		} else if (fn(&vfio_host_paths, bdf, &err)) {
			warn("%s", err.text);
			status = STATUS_REFUSED;
		}
	}
	return status;
}

int cmd_vfio(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct error err;

	if (!strcmp(verb, "list") && argc == 2) {
		if (!list(&err))
			return STATUS_OK;
		warn("%s", err.text);
		return STATUS_REFUSED;
	}
	if (!strcmp(verb, "bind") && argc > 2)
		return for_each(argc - 2, argv + 2, vfio_bind);
	if (!strcmp(verb, "unbind") && argc > 2)
		return for_each(argc - 2, argv + 2, vfio_unbind);
	if (!strcmp(verb, "check"))
		return cmd_vfio_check(argc - 1, argv + 1);
	if (!strcmp(verb, "map"))
		return cmd_vfio_map(argc - 1, argv + 1);
	warn("usage: carillon vfio list | check BDF | bind BDF… | unbind BDF… | map [OPTION…] "
	     "BDF…");
	return STATUS_USAGE;
}
