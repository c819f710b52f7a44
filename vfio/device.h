/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* An assigned device, as the files of this room share it. */
#ifndef CARILLON_VFIO_DEVICE_H
#define CARILLON_VFIO_DEVICE_H

#include "iommu.h"

/* What the kernel says of a region: a BAR, the ROM or configuration space. */
struct vfio_region {
	uint64_t size, offset; /* bytes; offset is where in the device's fd */
	uint32_t flags;	       /* VFIO_REGION_INFO_FLAG_* */
	bool msix_mappable;
	struct range sparse[VFIO_SPARSE_MAX];
	unsigned n_sparse;
};

/* What a machine, and the user, have to say on how a device is seen; see vfio_bars_facts. */
struct vfio_policy {
	uint64_t page_size, guest_page;
	bool maps_msix;
	enum vfio_relocation relocation;
	enum vfio_subpage subpage;
};

/* quirks.c: what a device needs that is not what it says. */
struct vfio_quirk {
	uint16_t vendor, device;
	uint16_t any; /* bits of the device's number that don't count */
	/* A back door to the MSI-X table: registers in this BAR. size 0: none. */
	unsigned bar;
	struct range range;
	const struct region_ops *ops; /* opaque is the struct vfio_piece */
	uint32_t pba; /* where the PBA is, if it can't be where the capability says; 0: there */
};

/* NULL: none, as for almost all devices. */
const struct vfio_quirk *vfio_find_quirk(uint16_t vendor, uint16_t device);

/* device_plan.c: pure. page_size: of the host. */
struct vfio_policy vfio_policy_of(const struct vfio *v, const struct vfio_device_options *opt,
				  uint64_t page_size);

struct vfio_device_plan {
	struct vfio_config_plan config; /* its MSI-X capability says where bars has the table */
	struct vfio_bars_facts facts;	/* what bars was made from */
	struct vfio_bars_plan bars;
	const struct vfio_quirk *quirk;
};

/*
 * device_plan.c. Pure, and the whole of what the guest sees of a device: for a machine that will
 * run as well as for one that is only asked what it would be like. regions: the BARs and the ROM
 * (VFIO_PCI_BAR0_REGION_INDEX to VFIO_PCI_ROM_REGION_INDEX), as the kernel describes them;
 * physical: the configuration space as the device's fd reads it, size bytes (256 or 4096). Errors
 * as vfio_plan_bars().
 */
int vfio_plan_device(const struct vfio_region *regions, const uint8_t *physical, unsigned size,
		     const struct vfio_policy *policy, struct vfio_device_plan *plan,
		     struct error *err);

/* A segment of a BAR at work: a region in the guest's address space. */
struct vfio_piece {
	struct vfio_device *device;
	struct vfio_segment segment;
	unsigned bar;
	uint8_t *host; /* SEGMENT_MAP: the mmap */
	struct region region;
	struct region overlay; /* SEGMENT_MAP: hides the memslot while INTx wants traps */
	bool p2p;	       /* mapped for other devices' DMA */
};

struct vfio_bar {
	unsigned n;
	struct vfio_piece *pieces;
	bool mapped;
};

enum vfio_irq_mode {
	VFIO_IRQ_NONE,
	VFIO_IRQ_INTX,
	VFIO_IRQ_MSI,
	VFIO_IRQ_MSIX,
};

/* INTx on its way to a pin of the board. */
struct vfio_intx {
	unsigned gsi;
	bool present, resample;
	int trigger, unmask; /* eventfds, -1 while off */
	bool asserted;	     /* fallback: the line is up until a BAR is touched */
	uint64_t last_fired; /* fallback: now_ns() */
	struct loop_source trigger_source;
	struct loop_timer timer;
	pthread_mutex_t lock;
	_Atomic uint64_t count; /* fallback: interrupts that came through user space */
};

struct vfio_device {
	struct vfio *vfio;
	struct vfio_device *next;
	char bdf[BDF_LEN];
	int fd, group;
	struct vfio_policy policy;
	struct vfio_place pba; /* of the device itself */
	uint64_t made_direct;  /* see vfio_bars_plan */
	const struct vfio_quirk *quirk;
	_Atomic uint32_t eri_address,
		eri_data; /* RTL8168's; address 0: it does not mean the table */
	struct vfio_device_info info;
	struct vfio_region regions[VFIO_PCI_NUM_REGIONS];
	bool msix_noresize;
	unsigned n_msix, n_msi;
	struct pci_function function;
	uint8_t emulated[PCI_CONFIG_SIZE];
	struct vfio_bar bars[PCI_BARS + 1];
	bool trapping; /* overlays are up; guarded by the memory space's lock */
	pthread_mutex_t irq_lock;
	enum vfio_irq_mode irq_mode;
	bool has_msix, has_msi;
	struct pci_msix msix;
	struct pci_msi msi;
	struct vfio_intx intx;
	int err_fd, req_fd;
	struct loop_source err_source, req_source;
	_Atomic uint64_t bar_traps, io_errors;
};

/* device.c: what the kernel tells, and the device's own configuration space. */
int vfio_device_open(struct vfio_device *d, const struct vfio_host_device *host, struct error *err);
void vfio_device_close(struct vfio_device *d);
/* size 1, 2 or 4, aligned. A read that fails is all ones, as on a bus. */
uint32_t vfio_config_read(struct vfio_device *d, unsigned offset, unsigned size);
void vfio_config_write(struct vfio_device *d, unsigned offset, unsigned size, uint32_t value);
/* All of it; returns its size, 256 or 4096. */
unsigned vfio_config_read_all(struct vfio_device *d, uint8_t physical[PCI_CONFIG_SIZE]);

/* reset.c. 0: it is or will be reset; -ENOTTY if the device knows no reset. */
int vfio_device_reset(struct vfio_device *d);
/* See that it is in D0. -EIO if it can't be brought there. */
int vfio_device_wake(struct vfio_device *d, struct error *err);

/* bars.c: from the plan to regions. */
int vfio_bars_create(struct vfio_device *d, const struct vfio_bars_plan *plan, struct error *err);
void vfio_bars_destroy(struct vfio_device *d);
/* An access of exact width to the device; offset is in the piece. Any thread. */
uint64_t vfio_direct_read(struct vfio_piece *p, uint64_t offset, unsigned size);
void vfio_direct_write(struct vfio_piece *p, uint64_t offset, unsigned size, uint64_t value);
void vfio_bar_map(struct pci_function *f, unsigned bar, uint64_t addr);
void vfio_bar_unmap(struct pci_function *f, unsigned bar);
/* Send every access to a BAR through user space, or no longer. Any thread. */
void vfio_bars_trap(struct vfio_device *d, bool on);

/* irq.c: VFIO_DEVICE_SET_IRQS and the sources of the MSI engine. */
int vfio_set_eventfds(struct vfio_device *d, unsigned index, uint32_t action, unsigned start,
		      unsigned n, const int *fds);
int vfio_irq_action(struct vfio_device *d, unsigned index, uint32_t action);
void vfio_irq_disable(struct vfio_device *d, unsigned index);
extern const struct msi_source_ops vfio_msix_source, vfio_msi_source;
/* Watch for errors of the device and for the host wanting it back. */
int vfio_watch(struct vfio_device *d, struct error *err);
void vfio_unwatch(struct vfio_device *d);

/* intx.c */
int vfio_intx_init(struct vfio_device *d, enum vfio_intx_mode mode, struct error *err);
void vfio_intx_destroy(struct vfio_device *d);
int vfio_intx_enable(struct vfio_device *d);
void vfio_intx_disable(struct vfio_device *d);
/*
 * A BAR was touched through user space: to be called after the access, for it is what may have
 * made the device let go of its line. Any vCPU thread.
 */
void vfio_intx_touched(struct vfio_device *d);

#endif
