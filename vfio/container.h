/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the container offers to the rest of the room. */
#ifndef CARILLON_VFIO_CONTAINER_H
#define CARILLON_VFIO_CONTAINER_H

#include "vfio.h"

/* The group, opened and in the container. Owned by v. */
int vfio_get_group(struct vfio *v, int number, struct vfio_group **out, struct error *err);
/* iova and size in bytes, page aligned; 0 or -errno. */
int vfio_dma_map(struct vfio *v, uint64_t iova, uint64_t size, void *host);
void vfio_dma_unmap(struct vfio *v, uint64_t iova, uint64_t size);
void vfio_close_container(struct vfio *v);
/*
 * The ranges that the IOMMU translates, as type1 reports them; *out is malloc'ed. Returns their
 * number or -errno; a kernel before 5.4 has none to tell.
 */
int vfio_allowed_ranges(struct vfio *v, struct range **out);
const struct vfio_info_cap_header *vfio_find_cap(const void *info, uint32_t argsz,
						 uint32_t cap_offset, uint16_t id);

#endif
