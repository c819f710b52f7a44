/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vfio: real PCI devices for the guest. The host's side of it (sysfs), the IOMMU, and an
 * assigned device: its BARs, its configuration space, its interrupts, its resets.
 */
#ifndef CARILLON_VFIO_H
#define CARILLON_VFIO_H

#include <limits.h>
#include <linux/vfio.h>

#include "pci.h"
#include "vm.h"

/* ---- the host's side ----------------------------------------------------------------------- */

#define BDF_LEN 13 /* "0000:03:00.0" and the NUL */

/* Where the host keeps what we look at; tests point it at a tree of their own. */
struct vfio_paths {
	const char *sysfs; /* "/sys" */
	const char *dev;   /* "/dev/vfio" */
	const char *iommu; /* "/dev/iommu" */
};

extern const struct vfio_paths vfio_host_paths;

/* "03:00.0", "0000:03:00.0" or a sysfs path that ends in one → the full form. -EINVAL. */
int vfio_parse_bdf(const char *text, char bdf[BDF_LEN]);

struct vfio_host_device {
	char bdf[BDF_LEN];
	char driver[32]; /* "" if none is bound */
	int group;	 /* IOMMU group, -1 if none */
	uint16_t vendor, device;
	uint32_t class; /* 24 bits */
};

/* What sysfs says of a device; -ENODEV with an error if it isn't there. */
int vfio_host_device(const struct vfio_paths *paths, const char *bdf, struct vfio_host_device *out,
		     struct error *err);
/*
 * The device's own file, dev/devices/vfioN: -ENODEV with an error that says what the kernel lacks
 * if there is none.
 */
int vfio_find_cdev(const struct vfio_paths *paths, const char *bdf, char path[PATH_MAX],
		   struct error *err);
/* Call fn for each device of a group (or of the whole host: group -1), in order of BDF. */
int vfio_host_devices(const struct vfio_paths *paths, int group,
		      void (*fn)(void *opaque, const struct vfio_host_device *d), void *opaque,
		      struct error *err);
/* Has vfio-pci the device, or a variant of it for such devices as mlx5_vfio_pci? */
bool vfio_is_bound(const struct vfio_host_device *d);
/* Can a member with this driver stand beside an assigned one? Bridges and free devices can. */
bool vfio_member_is_viable(const struct vfio_host_device *d);
/* 0 if d may be assigned now; else an error that says what to do. */
int vfio_check_host_device(const struct vfio_paths *paths, const struct vfio_host_device *d,
			   struct error *err);
/* Give the device to vfio-pci; give it back to the driver the kernel finds for it. */
int vfio_bind(const struct vfio_paths *paths, const char *bdf, struct error *err);
int vfio_unbind(const struct vfio_paths *paths, const char *bdf, struct error *err);

/* Why the host keeps I/O addresses to itself. */
enum vfio_reserved_kind {
	RESERVED_DIRECT,      /* mapped onto itself for a device's firmware */
	RESERVED_RELAXABLE,   /* the same, but given up for assignment */
	RESERVED_HARD,	      /* not translated, for example for other devices' BARs */
	RESERVED_MSI,	      /* where the host's own messages go */
	RESERVED_UNREACHABLE, /* beyond what the IOMMU translates */
};

struct vfio_reserved {
	struct range range;
	enum vfio_reserved_kind kind;
	int group; /* -1: the IOMMU itself */
};

/* Pure: a line of a group's reserved_regions, "0xBASE 0xLAST KIND". -EINVAL. */
int vfio_parse_reserved(const char *line, struct vfio_reserved *out);
/* Pure: "reserved for messages by group 3", for errors and maps. Returns text. */
#define RESERVED_TEXT 64
const char *vfio_reserved_text(char text[RESERVED_TEXT], const struct vfio_reserved *r);

/* ---- plans (pure) -------------------------------------------------------------------------- */

/* All of the RAM must be reachable for DMA: a list of allowed ranges, as the IOMMU reports it. */
int vfio_check_iova(const struct range *ram, unsigned n_ram, const struct range *allowed,
		    unsigned n_allowed, struct error *err);
/*
 * Which I/O addresses a machine should hold on to: what it wants (its RAM, the windows of its BARs)
 * as far as that is allowed. *out is malloc'ed. Returns how many, or -ENOMEM.
 */
int vfio_plan_held(const struct range *wanted, unsigned n_wanted, const struct range *allowed,
		   unsigned n_allowed, struct range **out);
/* Memory that stays in place for DMA must fit the host's. Bytes. */
int vfio_check_pinned(uint64_t ram, uint64_t host, struct error *err);
/*
 * What the kernel counts as locked, named by `what` ("guest RAM of"), and the limit, in bytes;
 * privileged: CAP_IPC_LOCK lifts it.
 */
int vfio_check_memlock(const char *what, uint64_t need, uint64_t limit, bool privileged,
		       struct error *err);

enum vfio_segment_kind {
	SEGMENT_MAP, /* whole host pages, or a BAR alone in one: given to the guest as a memslot */
	SEGMENT_DIRECT, /* every access is one load or store of its width on the device */
	SEGMENT_QUIRK,	/* a back door to the table, which is to be the virtual one, too */
	SEGMENT_TABLE,	/* the virtual MSI-X table */
	SEGMENT_PBA,	/* the virtual pending bits */
	SEGMENT_EMPTY,	/* beyond the device: reads are all ones, writes are dropped */
};

/* One piece of a BAR: offset and size in bytes in the BAR as the guest sees it. */
struct vfio_segment {
	enum vfio_segment_kind kind;
	uint64_t offset, size;
	uint64_t physical; /* MAP, DIRECT, QUIRK: the same byte in the device's own BAR; else 0 */
};

#define VFIO_SPARSE_MAX	  16
#define VFIO_SEGMENTS_MAX (2 * VFIO_SPARSE_MAX + 16)

/* A BAR or the ROM as the host has it. size 0: the device has none there. */
struct vfio_bar_facts {
	uint64_t size;			      /* of the region, bytes */
	uint32_t type;			      /* PCI_BASE_ADDRESS_* flag bits; the ROM: 0 */
	bool mmap;			      /* VFIO_REGION_INFO_FLAG_MMAP */
	bool msix_mappable;		      /* VFIO_REGION_INFO_CAP_MSIX_MAPPABLE */
	struct range sparse[VFIO_SPARSE_MAX]; /* areas that may be mmapped; none: all */
	unsigned n_sparse;
	struct range quirk; /* a back door to the MSI-X table; size 0: none */
};

/* A place in a BAR, as the MSI-X capability says it. */
struct vfio_place {
	unsigned bar; /* 0..5 */
	uint64_t offset;
};

/* Where the guest finds the MSI-X table: msix-relocation=off|auto|barN. */
enum vfio_relocation {
	VFIO_RELOCATE_OFF,  /* where the device has it */
	VFIO_RELOCATE_AUTO, /* elsewhere if that removes traps, and where no driver minds */
	VFIO_RELOCATE_BAR0, /* in that BAR */
	VFIO_RELOCATE_BAR1,
	VFIO_RELOCATE_BAR2,
	VFIO_RELOCATE_BAR3,
	VFIO_RELOCATE_BAR4,
	VFIO_RELOCATE_BAR5,
};

/* How the guest sees a BAR that is smaller than a page of the host: subpage=expand|exact. */
enum vfio_subpage {
	VFIO_SUBPAGE_EXPAND, /* as large as the page, so that it always has one to itself */
	VFIO_SUBPAGE_EXACT,  /* as it is; mapped while the guest has it at a page's beginning */
};

/* All that decides how the guest sees the BARs of a device. */
struct vfio_bars_facts {
	struct vfio_bar_facts bars[PCI_BARS + 1]; /* the ROM is PCI_ROM */
	unsigned entries;			  /* of the MSI-X table; 0: no MSI-X */
	struct vfio_place table, pba;		  /* where the device has them */
	uint64_t page_size;			  /* of the host */
	uint64_t guest_page;			  /* the guest's largest base page; 0: not known */
	bool maps_msix; /* policy: the guest may have the device's own table, if it can be mapped */
	enum vfio_relocation relocation;
	enum vfio_subpage subpage;
};

/* A BAR as the guest sees it: sorted segments that cover every byte exactly once. */
struct vfio_bar_plan {
	uint64_t size; /* bytes, a power of two; 0: none */
	uint32_t type; /* PCI_BASE_ADDRESS_* flag bits */
	unsigned n;
	struct vfio_segment segments[VFIO_SEGMENTS_MAX];
};

struct vfio_bars_plan {
	struct vfio_bar_plan bars[PCI_BARS + 1];
	struct vfio_place table, pba; /* what the guest's capability says */
	bool relocated;
	uint64_t made_direct; /* bytes of the device that are mapped because of the relocation */
};

/*
 * The BAR plan. -EINVAL if table or PBA reach beyond their BARs or overlap, or if the table can't
 * be where the relocation wants it; -ENOSPC if `auto` finds no place for it; -E2BIG.
 */
int vfio_plan_bars(const struct vfio_bars_facts *facts, struct vfio_bars_plan *plan,
		   struct error *err);

/* Does the guest have a virtual MSI-X table in this plan, and not the device's own or none? */
bool vfio_msix_is_virtual(const struct vfio_bars_facts *facts, const struct vfio_bars_plan *plan);

/*
 * What a guest sees of a device's configuration space: config[] holds the values, a bit set in
 * emulated[] is taken from there, any other is the device's own. writable[] as in pci_function.
 */
struct vfio_config_plan {
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t emulated[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];
	unsigned msi, msix; /* offsets of the capabilities; 0: none */
};

/* physical: the device's space as read, size bytes (256 or 4096). */
void vfio_plan_config(const uint8_t *physical, unsigned size, struct vfio_config_plan *plan);

/* ---- the IOMMU ----------------------------------------------------------------------------- */

/* The kernel's interfaces to it. */
enum vfio_iommu_kind {
	VFIO_IOMMU_AUTO,     /* iommufd if the host has it */
	VFIO_IOMMU_TYPE1,    /* groups in a container */
	VFIO_IOMMU_IOMMUFD,  /* a file for each device */
	VFIO_IOMMU_SPAPR,    /* POWER: groups, memory registered, windows made and removed */
	VFIO_IOMMU_SPAPR_V1, /* POWER: groups with the one window that they begin with */
};

#define VFIO_IOMMU_SYNTAX "auto|type1|iommufd|spapr|spapr-v1"
int vfio_parse_iommu(const char *text, enum vfio_iommu_kind *kind, struct error *err);

struct vfio_group {
	int number, fd;
	int container; /* -1: the one that all share */
	struct vfio_group *next;
};

/* The room's own: vfio/device.h, vfio/iommu.h */
struct vfio_device;
struct vfio_iommu_ops;

struct vfio {
	const struct vfio_paths *paths;
	struct vm *vm;			  /* NULL: devices are only looked at */
	const struct vfio_iommu_ops *ops; /* NULL until the first device */
	enum vfio_iommu_kind wanted;
	int iommu;	     /* the container or /dev/iommu; -1 until the first device */
	uint32_t ioas;	     /* iommufd's name for the address space */
	int kvm_device;	     /* KVM_DEV_TYPE_VFIO, -1 until the first device */
	bool by_hypercall;   /* POWER: the guest asks for interrupts and DMA */
	uint64_t guest_page; /* see vfio_bars_facts */
	bool p2p_warned;
	struct vfio_group *groups;   /* those that are open, where the back end has groups */
	struct vfio_device *devices; /* the last added first */
	unsigned n_mapped;	     /* RAM banks mapped for DMA */
};

void vfio_init(struct vfio *v, struct vm *vm, const struct vfio_paths *paths,
	       enum vfio_iommu_kind wanted);
/* Reset every device, then let go of everything. The vCPUs have stopped, the VM still exists. */
void vfio_close(struct vfio *v);
/*
 * Before any RAM exists: may these ranges (guest-physical = I/O virtual) be mapped for DMA, and
 * may so much be pinned? Names what is in the way. Without devices: 0.
 */
int vfio_check_ram(struct vfio *v, const struct range *ram, unsigned n, struct error *err);
/*
 * All I/O addresses that the host withholds from the groups of v's devices, and what the IOMMU
 * can't reach; *out is malloc'ed. Returns how many, or -errno. Devices that come later may add to
 * it, so ask when all are there.
 */
int vfio_reserved(struct vfio *v, struct vfio_reserved **out, struct error *err);
/*
 * The plan is made: keep these I/O addresses (RAM, the windows of BARs), as far as they can be had,
 * from being taken by devices that come later. Where that can't be said to the kernel: 0.
 */
int vfio_hold_iovas(struct vfio *v, const struct range *wanted, unsigned n, struct error *err);
/* Map all guest RAM for DMA. */
int vfio_map_ram(struct vfio *v, struct error *err);
/* The interrupt controller is there: connect what may interrupt from the first. */
void vfio_start(struct vfio *v);

/* ---- an assigned device -------------------------------------------------------------------- */

enum vfio_intx_mode {
	VFIO_INTX_AUTO,	    /* resample if KVM can */
	VFIO_INTX_RESAMPLE, /* KVM tells the device when the guest has handled its interrupt */
	VFIO_INTX_TRAP,	    /* any access to a BAR after an interrupt counts as handling it */
};

enum vfio_msix_mode {
	VFIO_MSIX_AUTO, /* the table is mapped where the guest has no need to write messages */
	VFIO_MSIX_TRAP, /* the table is virtual */
};

struct vfio_device_options {
	char bdf[BDF_LEN];
	enum vfio_intx_mode intx;
	enum vfio_msix_mode msix;
	enum vfio_relocation relocation;
	enum vfio_subpage subpage;
};

#define VFIO_DEVICE_SYNTAX                                                               \
	"BDF[,intx=auto|resample|trap][,msix=auto|trap][,msix-relocation=off|auto|barN]" \
	"[,subpage=expand|exact]"
int vfio_parse_device(const char *text, struct vfio_device_options *opt, struct error *err);

/* Open, reset and put on the bus. Everything that can be refused is refused here. */
int vfio_add_device(struct vfio *v, struct pci_bus *bus, const struct vfio_device_options *opt,
		    struct error *err);
/* The interrupt vectors of all devices: as many eventfds may guests come to use. */
unsigned vfio_vectors(const struct vfio *v);
/* The IOMMU group of an assigned device's function; -1: it is no such. */
int vfio_function_group(const struct pci_function *f);

/* ---- reports ------------------------------------------------------------------------------- */

/* A BAR that is smaller than a page of the host lies somewhere in one. */
struct vfio_in_page {
	uint64_t offset;    /* where it begins there, bytes */
	char neighbour[32]; /* who else is there: "BAR 4 of 0000:05:00.0"; "": nobody */
};

/* What would let the guest reach more of a device by itself. */
struct vfio_advice {
	bool align; /* pci=resource_alignment: its BARs get pages of their own */
	enum vfio_relocation relocation; /* with this msix-relocation */
	uint64_t bytes;			 /* mapped beyond what is mapped now */
	struct vfio_place table;	 /* where the guest then finds it */
};

/* `auto` and six BARs; aligned; aligned, with `auto`. */
#define VFIO_ADVICE_MAX 9

/* What a machine would make of a device. */
struct vfio_report {
	struct vfio_host_device host;
	bool predicted; /* from sysfs: it is not bound to vfio-pci */
	struct vfio_bars_facts facts;
	struct vfio_bars_plan plan;
	struct vfio_in_page in_page[PCI_BARS];
	unsigned n_advice;
	struct vfio_advice advice[VFIO_ADVICE_MAX];
};

/* Pure: fill in the advice of a report that has all else. */
void vfio_advise(struct vfio_report *r);
/*
 * Pure: why a segment of BAR `bar` is served and not mapped, or what its mapping depends on; adds
 * nothing where there is nothing to say.
 */
void vfio_explain(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
		  struct text *out);

/*
 * Fill in a report on a device that no guest has, as a machine with these options would find it. v
 * is one without a VM. A device that is bound to vfio-pci is opened, and with that reset; of any
 * other the report is what sysfs lets expect. Errors are those that a machine would end with.
 */
int vfio_examine(struct vfio *v, const struct vfio_device_options *opt, struct vfio_report *r,
		 struct error *err);

/* ---- DMA windows of SPAPR hosts ------------------------------------------------------------ */

/* The 32-bit window has pages of 4 KiB: those every guest can fill. */
#define VFIO_SPAPR_DMA32_SHIFT 12

/* What a group's devices may be given: the 32-bit window, and what a dynamic one may be like. */
struct vfio_spapr_info {
	uint64_t dma32_start, dma32_size; /* I/O addresses, bytes */
	bool dynamic;			  /* with version 2 of the interface only */
	uint64_t page_sizes;		  /* of a dynamic window: a bit for each size */
	unsigned windows, levels;
};

int vfio_spapr_info(struct vfio *v, int group, struct vfio_spapr_info *out);
/*
 * Have the group's 32-bit window made, with nothing in it; *out as from vfio_spapr_info(), but of
 * no more than `most` bytes, a power of two.
 */
int vfio_spapr_default_window(struct vfio *v, int group, uint64_t most, struct vfio_spapr_info *out,
			      struct error *err);
/* A window of `size` bytes in pages of 1 << page_shift; *start is where the host puts it. */
int vfio_spapr_create_window(struct vfio *v, int group, unsigned page_shift, uint64_t size,
			     uint64_t *start);
int vfio_spapr_remove_window(struct vfio *v, int group, uint64_t start);
/* Pages of guest RAM into a window, and out of it. flags: VFIO_DMA_MAP_FLAG_READ, _WRITE. */
int vfio_spapr_map(struct vfio *v, int group, uint64_t iova, uint64_t size, void *host,
		   uint32_t flags);
int vfio_spapr_unmap(struct vfio *v, int group, uint64_t iova, uint64_t size);
/*
 * KVM's table (KVM_CREATE_SPAPR_TCE_64) fills the group's window from now on. -EOPNOTSUPP: not with
 * this version of the interface.
 */
int vfio_spapr_accelerate(struct vfio *v, int group, int table);

/* The IOMMU's interface, and counters of all devices as a JSON array. Any thread. */
void vfio_stat(const struct vfio *v, struct json *j);

#endif
