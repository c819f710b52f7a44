/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vfio_fake: a PCI device as Linux' vfio-pci hands it out, made to a layout that no emulated device
 * has. It stands behind the system calls (see calls.h), so that all of vfio/ runs as it is, from
 * the group's file to the last eventfd; what was asked of it is kept. It refuses what the kernel
 * refuses (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_rdwr.c and vfio_pci_intrs.c).
 */
#ifndef CARILLON_TESTS_VFIO_FAKE_H
#define CARILLON_TESTS_VFIO_FAKE_H

#include "pci.h"
#include "vfio.h"

#define FAKE_BDF   "0000:03:00.0"
#define FAKE_GROUP "12"
#define FAKE_ID	   0x10c98086
/* Where its capabilities are. */
#define FAKE_CAP_MSI  0x50
#define FAKE_CAP_MSIX 0x70
#define FAKE_SPARSE   3

struct vfio_fake_bar {
	uint64_t size;
	uint32_t type; /* PCI_BASE_ADDRESS_* flag bits */
	bool mmap;
	struct range sparse[FAKE_SPARSE]; /* what may be mmapped; none: all */
};

struct vfio_fake_layout {
	uint32_t id; /* vendor and device, as the register has them; 0: no matter which */
	struct vfio_fake_bar bars[PCI_ROM + 1];
	unsigned n_msix, n_msi; /* vectors */
	unsigned table_bar, pba_bar;
	uint32_t table, pba;
	bool msix_mappable; /* Linux 4.16: the table's page may be mapped */
	bool noresize;	    /* vectors can't be added once they are enabled */
	bool intx;
	unsigned available; /* the host has no more vectors than this; 0: as many as it likes */
	unsigned mmaps;	    /* so many are granted; 0: all */
	uint64_t page;	    /* of the host, bytes */
};

/* One VFIO_DEVICE_SET_IRQS. */
struct vfio_fake_set {
	uint32_t index, flags, start, count;
};

struct vfio_fake {
	struct vfio_fake_layout layout;
	int memory;	/* the memfd behind all its regions */
	int device, vm; /* the fds by which it, and KVM, are known to the code under test */
	uint8_t *bars[PCI_ROM + 1];
	uint8_t config[PCI_CONFIG_SIZE];
	/* Accesses to BARs by read() and write(): how many, and the last one. */
	unsigned reads, writes;
	struct range accessed; /* offset in the BAR and width */
	unsigned accessed_bar;
	unsigned config_writes;
	/* mmaps that are there. */
	unsigned n_maps;
	struct {
		uint8_t *host;
		size_t size;
		int prot;
	} maps[64];
	/* Interrupts: which kind is on, and the eventfds of its vectors, -1: none. */
	int irq_index; /* -1: none */
	unsigned n_vectors;
	int vectors[PCI_MSIX_ENTRIES_MAX];
	int intx_unmask, err, req;
	bool intx_masked;
	unsigned sets; /* how often VFIO_DEVICE_SET_IRQS was called */
	struct vfio_fake_set last;
	int refuse_irqs; /* errno: no eventfds are taken */
};

extern struct vfio_fake fake;

/* From now on FAKE_BDF's group, container and KVM answer, whatever files stand for them. */
void vfio_fake_plug(const struct vfio_fake_layout *layout);
/* Nothing may be mapped or attached any more. */
void vfio_fake_unplug(void);

/* vfio_fake_irqs.c, for vfio_fake.c: ioctls as they return, and the interrupts' state at first. */
int vfio_fake_done(int code);
int vfio_fake_irq_info(struct vfio_irq_info *info);
int vfio_fake_set_irqs(const struct vfio_irq_set *set);
void vfio_fake_irqs_off(void);

#endif
