/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the host's kernel tells of a device without VFIO: its resources (the file `resource` in
 * sysfs), and what they say of VFIO's regions.
 */
#ifndef CARILLON_VFIO_RESOURCE_H
#define CARILLON_VFIO_RESOURCE_H

#include "device.h"

/* Flags of Linux' include/linux/ioport.h. */
#define RESOURCE_IO	  0x00000100u
#define RESOURCE_MEM	  0x00000200u
#define RESOURCE_PREFETCH 0x00002000u
#define RESOURCE_MEM_64	  0x00100000u
#define RESOURCE_UNSET	  0x20000000u /* has a size and no address */

/* A device has BARs, ROM and those of its virtual functions, a bridge has windows behind them. */
#define RESOURCES_MAX 20

struct vfio_resource {
	struct range range; /* host-physical; size 0: none */
	uint64_t flags;
};

/* Pure: the text of the file; out holds RESOURCES_MAX. Returns how many lines it had. */
unsigned vfio_parse_resources(const char *text, struct vfio_resource *out);
/* The resources of a device; -errno with an error. Returns how many. */
int vfio_read_resources(const struct vfio_paths *paths, const char *bdf, struct vfio_resource *out,
			struct error *err);
/*
 * Where those BARs that are smaller than a page of the host lie in it, and who else does, of all
 * devices of the host; out holds PCI_BARS.
 */
int vfio_find_neighbours(const struct vfio_paths *paths, const char *bdf,
			 const struct vfio_resource *own, uint64_t page_size,
			 struct vfio_in_page *out, struct error *err);
/*
 * Pure: the regions of BARs and ROM, as vfio-pci would make them of these resources (Linux 4.16 or
 * later), and the registers of the BARs as it would show them.
 */
void vfio_predict_regions(const struct vfio_resource *own, const struct vfio_in_page *in_page,
			  uint64_t page_size, struct vfio_region *out);
void vfio_predict_config(const struct vfio_resource *own, const struct vfio_host_device *host,
			 uint8_t *physical);

#endif
