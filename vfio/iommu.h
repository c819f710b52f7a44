/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What holds the devices' DMA: the kernel has more than one interface to its IOMMUs, and what
 * differs between them is behind vfio_iommu_ops. All else in this room goes through iommu.c.
 */
#ifndef CARILLON_VFIO_IOMMU_H
#define CARILLON_VFIO_IOMMU_H

#include "vfio.h"

struct vfio_iommu_ops {
	const char *name;
	/* I/O virtual = guest-physical, all RAM mapped from the start; else the guest maps. */
	bool identity;
	/* Open what all devices share into v->iommu. Called before the first device. */
	int (*open)(struct vfio *v, struct error *err);
	/* The device's fd, its DMA held by this IOMMU and KVM told of it; or -errno. */
	int (*open_device)(struct vfio *v, const struct vfio_host_device *host, struct error *err);
	/* With groups only: g, the first one, is in its container, which can now get its IOMMU. */
	int (*set_iommu)(struct vfio *v, const struct vfio_group *g, struct error *err);
	bool own_container; /* with groups only: each is alone in one of its own */
	/* What the IOMMU translates, as vfio_allowed_ranges(); NULL: it has nothing to tell. */
	int (*allowed)(struct vfio *v, struct range **out);
	/* Keep these for us, whatever devices come later. 0 or -errno. NULL: it can't. */
	int (*hold)(struct vfio *v, const struct range *held, unsigned n);
	/*
	 * What the kernel will count as locked memory, *bytes of it, named as vfio_check_memlock()
	 * has it; 0 or -errno. NULL: all RAM, which stays in place from the start.
	 */
	int (*locked)(struct vfio *v, uint64_t *bytes, const char **what);
	/* Make a bank's pages ready for DMA, pinned and accounted. 0 or -errno. */
	int (*add_ram)(struct vfio *v, const struct ram_bank *b);
	int (*remove_ram)(struct vfio *v, const struct ram_bank *b);
	/* iova and size in bytes, page aligned. 0 or -errno. */
	int (*dma_map)(struct vfio *v, uint64_t iova, uint64_t size, void *host);
	int (*dma_unmap)(struct vfio *v, uint64_t iova, uint64_t size);
	/* The devices are closed, the RAM is removed; v->iommu is closed after this. NULL: no more.
	 */
	void (*close)(struct vfio *v);
};

/* type1.c: groups in a container, with an IOMMU of the PC's kind behind it. */
extern const struct vfio_iommu_ops vfio_type1;
/* iommufd.c: a file for each device, and one I/O address space. */
extern const struct vfio_iommu_ops vfio_iommufd;
/* spapr.c: groups, each in a container, with windows that the guest fills by hypercall. */
extern const struct vfio_iommu_ops vfio_spapr;
extern const struct vfio_iommu_ops vfio_spapr_v1;

/* group.c: the parts that back ends with groups have in common, to be put into their ops. */
int vfio_container_open(struct vfio *v, struct error *err);
/* g's container: its own, or the one that all share. */
int vfio_container_of(const struct vfio *v, const struct vfio_group *g);
/* The group that is open under this number; NULL: none. */
struct vfio_group *vfio_find_group(const struct vfio *v, int number);
int vfio_group_open_device(struct vfio *v, const struct vfio_host_device *host, struct error *err);
void vfio_groups_close(struct vfio *v);

/* iommu.c */
/* For this device: what is wanted, or the best that this host has; NULL with an error. */
const struct vfio_iommu_ops *vfio_choose_iommu(const struct vfio_paths *paths,
					       enum vfio_iommu_kind wanted, const char *bdf,
					       struct error *err);
/* As open_device; the first one decides on the back end. */
int vfio_iommu_open_device(struct vfio *v, const struct vfio_host_device *host, struct error *err);
/* The devices are closed. */
void vfio_iommu_close(struct vfio *v);
/* KVM must know the group's or the device's file. */
int vfio_tell_kvm(struct vfio *v, int fd, struct error *err);
/*
 * The ranges that the IOMMU translates; *out is malloc'ed. Returns their number or -errno. 0: it
 * can't tell (Type1 before Linux 5.4).
 */
int vfio_allowed_ranges(struct vfio *v, struct range **out);
/* iova and size in bytes, page aligned; 0 or -errno. */
int vfio_dma_map(struct vfio *v, uint64_t iova, uint64_t size, void *host);
void vfio_dma_unmap(struct vfio *v, uint64_t iova, uint64_t size);
/* add_ram and remove_ram of an IOMMU that translates 1:1. */
int vfio_identity_map(struct vfio *v, const struct ram_bank *b);
int vfio_identity_unmap(struct vfio *v, const struct ram_bank *b);
/* Find a capability in an info block that the kernel returned; NULL if there is none. */
const struct vfio_info_cap_header *vfio_find_cap(const void *info, uint32_t argsz,
						 uint32_t cap_offset, uint16_t id);

#endif
