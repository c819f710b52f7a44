/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * pci: configuration space, BARs, the bus with its two ways in (ECAM and CF8/CFC), the plan of the
 * windows, and the MSI engine that everything which sends messages shares.
 */
#ifndef CARILLON_PCI_H
#define CARILLON_PCI_H

#include <linux/pci.h>
#include <linux/pci_regs.h>

#include "vm.h"

#define PCI_CONFIG_SIZE	     4096
#define PCI_BARS	     6
#define PCI_ROM		     6 /* index of the expansion ROM among the bars */
#define PCI_MSIX_ENTRIES_MAX 2048

/* ---- MSI engine --------------------------------------------------------------------------- */

/*
 * One engine for MSI and MSI-X, emulated and assigned. A vector has one eventfd, its latch. While
 * the vector may fire, the latch is attached to its GSI inside KVM and no interrupt passes through
 * user space. While it is masked, the latch is detached and simply stays readable when the device
 * signals: that *is* the pending bit (PCI 3.0, 6.8.3.5), and attaching it again makes KVM deliver.
 * So masking never touches the source, and nothing is lost in between.
 *
 * A vector costs nothing until it is first unmasked: then it gets its latch, a GSI and its source.
 */
struct msi_source_ops {
	/*
	 * The function was enabled with room for n vectors: make the source signal fds[i] for
	 * vector i; -1: not yet. n >= 1. 0 or -errno.
	 */
	int (*enable)(void *opaque, unsigned n, const int *fds);
	/*
	 * Vectors first, first + 1 …, n of them, which so far have no latches, get fds; -1: still
	 * none. All of them or, with -errno, none.
	 */
	int (*arm)(void *opaque, unsigned first, unsigned n, const int *fds);
	void (*disable)(void *opaque);
	/* Has vector v, which was never armed, a message waiting? NULL: it can't. */
	bool (*pending)(void *opaque, unsigned v);
};

struct msi_vector {
	struct msi_message msg;
	bool masked;
	bool routed;   /* has latch, GSI and a route in KVM's table */
	bool attached; /* the latch raises the GSI inside KVM */
	bool armed;    /* the source signals the latch */
	int latch;     /* eventfd or -1 */
	int gsi;       /* or -1 */
};

struct msi_engine {
	const char *name; /* for warnings; not owned */
	struct irq_table *irqs;
	const struct msi_source_ops *ops;
	void *opaque;
	pthread_mutex_t lock;
	struct msi_vector *vectors;
	int *fds; /* n of them, to hand to the source */
	unsigned n, active;
	/*
	 * whole: the source can't grow once enabled (VFIO_IRQ_INFO_NORESIZE), so that enable()
	 * always gets all active vectors at once.
	 */
	bool whole;
	bool enabled, source_on, function_masked;
	bool assigned;		   /* GSIs are the caller's, see msi_engine_assign() */
	_Atomic uint64_t failures; /* source or KVM refused; warned once */
};

/* n vectors, all masked, disabled. name and ops must outlive the engine. */
int msi_engine_init(struct msi_engine *e, const char *name, unsigned n, bool whole,
		    struct irq_table *irqs, const struct msi_source_ops *ops, void *opaque);
void msi_engine_destroy(struct msi_engine *e);
/*
 * The guest's doings; any thread. Errors of the source or of KVM are counted and warned of once:
 * the guest can't be told. enable: `active` vectors of the n are in use (MSI: 1 << MME; MSI-X: n).
 */
void msi_engine_enable(struct msi_engine *e, unsigned active);
void msi_engine_disable(struct msi_engine *e);
void msi_engine_set_message(struct msi_engine *e, unsigned v, const struct msi_message *msg);
void msi_engine_mask(struct msi_engine *e, unsigned v, bool masked);
/* All vectors at once, with one routing update and one call to the source. */
void msi_engine_mask_function(struct msi_engine *e, bool masked);
/*
 * Where the guest does not write messages but asks for its interrupts: vectors 0 to n - 1 are
 * unmasked and raise the GSIs first, first + 1 …, which stay the caller's; the others are masked.
 * Only while the engine is disabled. n 0: none, and nothing is the caller's any more.
 */
void msi_engine_assign(struct msi_engine *e, unsigned first, unsigned n);
bool msi_engine_pending(struct msi_engine *e, unsigned v);
/* How many vectors raise interrupts inside KVM now. */
unsigned msi_engine_attached(struct msi_engine *e);

/* ---- a function --------------------------------------------------------------------------- */

struct pci_function;

struct pci_function_ops {
	/*
	 * Fill in what is not emulated: value holds the emulated bytes at offset (size 1, 2 or 4,
	 * naturally aligned); return what the guest sees. NULL: the emulated bytes.
	 */
	uint32_t (*config_read)(struct pci_function *f, unsigned offset, unsigned size,
				uint32_t value);
	/* The guest wrote value; config[] has taken its writable bits already. NULL: nothing to do.
	 */
	void (*config_written)(struct pci_function *f, unsigned offset, unsigned size,
			       uint32_t value);
	/*
	 * BAR (0..5, PCI_ROM) became visible at addr, or stopped being so. Called within a
	 * transaction on both spaces: add or remove regions, nothing else.
	 */
	void (*bar_map)(struct pci_function *f, unsigned bar, uint64_t addr);
	void (*bar_unmap)(struct pci_function *f, unsigned bar);
	/*
	 * COMMAND's memory or I/O enable is about to fall (called after bar_unmap) or has just
	 * risen (called before bar_map): an assigned device's mmaps need its own enable bit first.
	 */
	void (*command_changed)(struct pci_function *f, uint16_t before, uint16_t now);
};

struct pci_bar {
	uint64_t size; /* bytes, a power of two (memory >= 16, I/O >= 4, ROM >= 2048); 0: none */
	uint32_t type; /* PCI_BASE_ADDRESS_* flag bits as the guest reads them */
	bool mapped;
	uint64_t address; /* where, if mapped */
};

struct pci_function {
	char name[32]; /* for messages: "vfio 0000:03:00.0" */
	uint8_t devfn; /* PCI_DEVFN */
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE]; /* bits that a guest's write changes in config[] */
	uint8_t clears[PCI_CONFIG_SIZE];   /* bits that a guest's 1 clears (RW1C) */
	struct pci_bar bars[PCI_BARS + 1];
	const struct pci_function_ops *ops;
	void *opaque;
	struct pci_bus *bus;
	struct pci_msix *msix; /* set by pci_msix_init() and pci_msi_init(); NULL: it has none */
	struct pci_msi *msi;
	pthread_mutex_t lock; /* recursive; config accesses hold it */
	_Atomic uint64_t config_accesses;
};

void pci_function_init(struct pci_function *f, const char *name, const struct pci_function_ops *ops,
		       void *opaque);
void pci_function_destroy(struct pci_function *f);
/* Take every BAR out of the spaces: to be called before the owner gives up what is behind them. */
void pci_unmap_bars(struct pci_function *f);
/* Little-endian access to config[] itself, no hooks; offset + 2 or 4 within the space. */
uint16_t pci_get16(const uint8_t *config, unsigned offset);
uint32_t pci_get32(const uint8_t *config, unsigned offset);
void pci_set16(uint8_t *config, unsigned offset, uint16_t value);
void pci_set32(uint8_t *config, unsigned offset, uint32_t value);
/* Declare BAR i (0..5) or the ROM; sets config[] and writable[]. Takes slot i + 1 if 64-bit. */
void pci_set_bar(struct pci_function *f, unsigned i, uint64_t size, uint32_t type);
/* The address that the guest (or the plan) put into a BAR now, mapped or not; flag bits cleared. */
uint64_t pci_bar_address(const struct pci_function *f, unsigned i);
/* Where BAR i, its register holding addr, appears to the guest: a space, and its base there. */
struct space *pci_bar_space(const struct pci_function *f, unsigned i, uint64_t addr,
			    uint64_t *base);
/* Who its messages come from, as an interrupt controller or an IOMMU sees it. */
uint32_t pci_requester_id(const struct pci_function *f);
/* Append a capability of `size` bytes (id and next included) at `offset`, linked at the list's end.
 */
int pci_add_capability(struct pci_function *f, uint8_t id, unsigned offset, unsigned size);
/* Offset of a standard or extended capability in a config space of `size` bytes, 0 if none.
 * Lists are bounded: a loop ends the search. */
unsigned pci_find_capability(const uint8_t *config, uint8_t id);
unsigned pci_find_ext_capability(const uint8_t *config, uint16_t id);

/* A guest's access to one function: any size 1, 2, 4, aligned; hooks and BARs included. */
uint32_t pci_config_read(struct pci_function *f, unsigned offset, unsigned size);
void pci_config_write(struct pci_function *f, unsigned offset, unsigned size, uint32_t value);

/* ---- MSI and MSI-X capabilities, in front of the engine ------------------------------------ */

/* The MSI-X table and PBA of a function whose table is virtualized. */
struct pci_msix {
	struct msi_engine engine;
	struct pci_function *function;
	unsigned cap;		    /* offset of the capability */
	pthread_mutex_t table_lock; /* narrow writes read, change and write an entry */
	bool by_call;		    /* the guest asks for its interrupts, and writes no messages */
	unsigned assigned;	    /* how many it was given, see pci_msix_assign() */
	_Atomic uint64_t table_traps, pba_traps;
};

/* The capability is in config[] at cap already (control, table, PBA); makes its bits writable. */
int pci_msix_init(struct pci_msix *m, struct pci_function *f, unsigned cap, bool whole,
		  struct irq_table *irqs, const struct msi_source_ops *ops, void *opaque);
void pci_msix_destroy(struct pci_msix *m);
/* To be called from config_written for any write; looks itself whether its control word is hit. */
void pci_msix_config_written(struct pci_msix *m, unsigned offset, unsigned size);
/* See msi_engine_assign(). The source is switched on when the guest takes the function mask away.
 */
void pci_msix_assign(struct pci_msix *m, unsigned first, unsigned n);
/* Handlers for table and PBA regions; opaque is the struct pci_msix. Any width, any alignment. */
extern const struct region_ops pci_msix_table_ops, pci_msix_pba_ops;

struct pci_msi {
	struct msi_engine engine;
	struct pci_function *function;
	unsigned cap;
	bool by_call;
	unsigned assigned;
};

/* See msi_engine_assign(). */
void pci_msi_assign(struct pci_msi *m, unsigned first, unsigned n);
int pci_msi_init(struct pci_msi *m, struct pci_function *f, unsigned cap, bool whole,
		 struct irq_table *irqs, const struct msi_source_ops *ops, void *opaque);
void pci_msi_destroy(struct pci_msi *m);
void pci_msi_config_written(struct pci_msi *m, unsigned offset, unsigned size);
/* What a read of the MSI pending register shows, if it lies at offset: OR it into value. */
uint32_t pci_msi_config_read(struct pci_msi *m, unsigned offset, unsigned size, uint32_t value);

/* ---- the bus ------------------------------------------------------------------------------ */

struct pci_windows {
	struct range ecam;  /* guest-physical; 1 MiB per bus */
	struct range mem32; /* below 4 GiB */
	struct range mem64; /* above 4 GiB; size 0: none */
	struct range io;    /* port numbers */
	uint64_t io_gpa;    /* where port 0 appears in memory; 0: ports are a space of their own */
	uint64_t mem32_offset; /* guest-physical minus bus address in the 32-bit window */
	uint64_t bar_align;    /* the least alignment of memory BARs; 0: their size */
};

/* What the windows must hold. Pure: from the BARs of all functions. */
struct pci_needs {
	uint64_t mem32, mem64, io; /* bytes, with room for alignment */
	uint64_t align32, align64; /* the largest BAR of each: what the window's base wants */
};

struct pci_bus {
	struct vm *vm;
	struct pci_windows windows;
	struct pci_function *functions[256]; /* by devfn; bus 0 */
	struct region ecam, cf8;
	_Atomic uint32_t address; /* the CF8 register */
	struct pci_function *host_bridge;
	/* The board GSI of a function's INTx pin (1..4): the architecture's, set by the machine. */
	unsigned (*intx_gsi)(uint8_t devfn, unsigned pin);
};

/* An empty bus with a host bridge at 00.0. */
int pci_bus_init(struct pci_bus *bus, struct vm *vm, struct error *err);
void pci_bus_destroy(struct pci_bus *bus);
/* Take the first free device number (devfn is set); or, with a devfn wish >= 0, that place. */
int pci_bus_add(struct pci_bus *bus, struct pci_function *f, int devfn, struct error *err);
int pci_bus_needs(const struct pci_bus *bus, struct pci_needs *needs, struct error *err);
/* Place every BAR in the windows, then put ECAM (and, where there are ports, CF8/CFC) into the
 * spaces. The guest finds its devices configured, memory and I/O decoding off. */
int pci_bus_start(struct pci_bus *bus, const struct pci_windows *windows, struct error *err);

/* Pure: one BAR to be placed and where it went. */
struct pci_placement {
	uint64_t size;
	bool io, mem64;	  /* mem64: may go above 4 GiB */
	uint64_t address; /* out */
	const char *owner;
	unsigned bar;
};

/* Pure: what windows must hold. */
void pci_sum_needs(const struct pci_placement *bars, unsigned n, struct pci_needs *needs);
/* Pure: place by size, largest first, naturally aligned. -ENOSPC names the BAR and its window. */
int pci_plan_bars(struct pci_placement *bars, unsigned n, const struct pci_windows *windows,
		  struct error *err);

#endif
