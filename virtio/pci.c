/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Virtio over PCI (4.1), without its legacy interface: the registers in BAR 0, the MSI-X table in
 * BAR 1, memory that the device shares in BAR 2 and 3, which are one. The registers themselves are
 * in pci_registers.c.
 */
#include "pci_device.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport.h"

#define VENDOR_REDHAT 0x1af4
#define DEVICE_BASE   0x1040 /* 4.1.2: plus the device's ID */

#define REGISTERS_BAR 0
#define TABLE_BAR     1
#define SHARED_BAR    2

#define MSIX_CAP  0x40
#define FIRST_CAP 0x50

/* PCI Code and ID Assignment 1.11, as class and subclass; drivers go by the IDs, people by these.
 */
static uint32_t class_of(unsigned id)
{
	switch (id) {
	case VIRTIO_ID_NET:
		return 0x0200; /* Ethernet */
	case VIRTIO_ID_BLOCK:
		return 0x0180; /* other mass storage */
	case VIRTIO_ID_CONSOLE:
		return 0x0780; /* other communication */
	default:
		return 0xff00; /* none of the classes */
	}
}

static void identify(struct pci_function *f, const struct virtio_device *d)
{
	pci_set16(f->config, PCI_VENDOR_ID, VENDOR_REDHAT);
	pci_set16(f->config, PCI_DEVICE_ID, (uint16_t)(DEVICE_BASE + d->id));
	/* 4.1.2.1: at least 1, and a subsystem of at least 0x40: no legacy driver takes it. */
	pci_set32(f->config, PCI_CLASS_REVISION, class_of(d->id) << 16 | 1);
	pci_set16(f->config, PCI_SUBSYSTEM_VENDOR_ID, VENDOR_REDHAT);
	pci_set16(f->config, PCI_SUBSYSTEM_ID, (uint16_t)(DEVICE_BASE + d->id));
	f->config[PCI_INTERRUPT_PIN] = 1;
	f->writable[PCI_INTERRUPT_LINE] = 0xff;
	pci_set16(f->writable, PCI_COMMAND,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}

/* One vendor capability (4.1.4): where in BAR 0 a structure is. Returns the next one's offset. */
static unsigned add_structure(struct pci_function *f, unsigned at, uint8_t type, unsigned len,
			      uint32_t offset, uint32_t length)
{
	pci_add_capability(f, PCI_CAP_ID_VNDR, at, len);
	f->config[at + VIRTIO_PCI_CAP_LEN] = (uint8_t)len;
	f->config[at + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	f->config[at + VIRTIO_PCI_CAP_BAR] = REGISTERS_BAR;
	pci_set32(f->config, at + VIRTIO_PCI_CAP_OFFSET, offset);
	pci_set32(f->config, at + VIRTIO_PCI_CAP_LENGTH, length);
	return (unsigned)align_up(at + len, 4);
}

/* 4.1.4.7: offset 0 of the shared memory's BAR, and a length of 64 bits. */
static unsigned add_shared(struct pci_function *f, unsigned at, uint64_t size)
{
	unsigned next = add_structure(f, at, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
				      sizeof(struct virtio_pci_cap64), 0, (uint32_t)size);

	f->config[at + VIRTIO_PCI_CAP_BAR] = SHARED_BAR;
	pci_set32(f->config, at + offsetof(struct virtio_pci_cap64, length_hi),
		  (uint32_t)(size >> 32));
	pci_set_bar(f, SHARED_BAR, pow2_ceil(size),
		    PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64 |
			    PCI_BASE_ADDRESS_MEM_PREFETCH);
	return next;
}

static void add_structures(struct virtio_pci *p)
{
	struct pci_function *f = &p->function;
	const struct virtio_device *d = p->device;
	unsigned at = FIRST_CAP;

	at = add_structure(f, at, VIRTIO_PCI_CAP_COMMON_CFG, sizeof(struct virtio_pci_cap),
			   COMMON_OFFSET, COMMON_SIZE);
	at = add_structure(f, at, VIRTIO_PCI_CAP_ISR_CFG, sizeof(struct virtio_pci_cap), ISR_OFFSET,
			   1);
	if (d->config_size)
		at = add_structure(f, at, VIRTIO_PCI_CAP_DEVICE_CFG, sizeof(struct virtio_pci_cap),
				   DEVICE_OFFSET, d->config_size);
	pci_set32(f->config, at + sizeof(struct virtio_pci_cap), NOTIFY_STEP);
	at = add_structure(f, at, VIRTIO_PCI_CAP_NOTIFY_CFG, sizeof(struct virtio_pci_notify_cap),
			   NOTIFY_OFFSET, NOTIFY_STEP * d->n_queues);
	if (d->shared_memory.size)
		at = add_shared(f, at, d->shared_memory.size);
	p->window = at;
	add_structure(f, at, VIRTIO_PCI_CAP_PCI_CFG, sizeof(struct virtio_pci_cfg_cap), 0, 0);
	f->writable[at + VIRTIO_PCI_CAP_BAR] = 0xff;
	pci_set32(f->writable, at + VIRTIO_PCI_CAP_OFFSET, UINT32_MAX);
	pci_set32(f->writable, at + VIRTIO_PCI_CAP_LENGTH, UINT32_MAX);
	pci_set32(f->writable, at + sizeof(struct virtio_pci_cap), UINT32_MAX);
}

/* ---- BARs ------------------------------------------------------------------------------------ */

/*
 * Said once: a CPU may still be inside a region that another one is just moving, so that from now
 * on only its base changes.
 */
static void describe_registers(struct virtio_pci *p)
{
	struct virtio_device *d = p->device;
	unsigned i;

	for (i = 0; i < d->n_queues; i++)
		p->doorbells[i] = (struct region_ioeventfd){
			.offset = NOTIFY_OFFSET + NOTIFY_STEP * i, .fd = d->queues[i].kick};
	p->registers = (struct region){.name = d->name,
				       .part = "registers",
				       .size = REGISTERS_SIZE,
				       .priority = PRIORITY_PCI,
				       .ops = &virtio_pci_registers,
				       .opaque = p,
				       .ioeventfds = p->doorbells,
				       .n_ioeventfds = d->n_queues,
				       .traps = &p->traps};
}

static void describe_table(struct virtio_pci *p)
{
	p->table = (struct region){.name = p->device->name,
				   .part = "MSI-X table",
				   .size = (uint64_t)p->msix.engine.n * PCI_MSIX_ENTRY_SIZE,
				   .priority = PRIORITY_PCI,
				   .ops = &pci_msix_table_ops,
				   .opaque = &p->msix};
	p->pba = (struct region){.name = p->device->name,
				 .part = "PBA",
				 .size = align_up(p->msix.engine.n, 64) / 8,
				 .priority = PRIORITY_PCI,
				 .ops = &pci_msix_pba_ops,
				 .opaque = &p->msix};
}

static void describe_shared(struct virtio_pci *p)
{
	const struct virtio_device *d = p->device;

	p->shared = (struct region){.name = d->name,
				    .part = "shared memory",
				    .size = d->shared_memory.size,
				    .priority = PRIORITY_PCI,
				    .host = d->shared_memory_host};
}

static void map_table(struct virtio_pci *p, struct space *space, uint64_t base)
{
	p->table.base = base;
	p->pba.base = base + p->function.bars[TABLE_BAR].size / 2;
	space_add(space, &p->table);
	space_add(space, &p->pba);
}

static void map_shared(struct virtio_pci *p, struct space *space, uint64_t base)
{
	/* Not under the device's lock, which comes before the space's. */
	__atomic_store_n(&p->device->shared_memory.base, base, __ATOMIC_RELAXED);
	p->shared.base = base;
	space_add(space, &p->shared);
}

static void bar_map(struct pci_function *f, unsigned bar, uint64_t addr)
{
	struct virtio_pci *p = f->opaque;
	uint64_t base;
	struct space *space = pci_bar_space(f, bar, addr, &base);

	if (bar == REGISTERS_BAR) {
		p->registers.base = base;
		space_add(space, &p->registers);
	} else if (bar == TABLE_BAR) {
		map_table(p, space, base);
	} else {
		map_shared(p, space, base);
	}
}

static void bar_unmap(struct pci_function *f, unsigned bar)
{
	struct virtio_pci *p = f->opaque;
	struct space *space = &p->device->vm->mmio;

	if (bar == REGISTERS_BAR) {
		space_remove(space, &p->registers);
	} else if (bar == SHARED_BAR) {
		space_remove(space, &p->shared);
	} else {
		space_remove(space, &p->table);
		space_remove(space, &p->pba);
	}
}

/* ---- configuration space --------------------------------------------------------------------- */

/* Where the window of 4.1.4.9 looks now. False: nowhere, or in a way that it can't. */
static bool window_target(const struct virtio_pci *p, uint32_t *offset, uint32_t *length)
{
	const uint8_t *c = p->function.config;

	*offset = pci_get32(c, p->window + VIRTIO_PCI_CAP_OFFSET);
	*length = pci_get32(c, p->window + VIRTIO_PCI_CAP_LENGTH);
	return c[p->window + VIRTIO_PCI_CAP_BAR] == REGISTERS_BAR &&
	       (*length == 1 || *length == 2 || *length == 4) && *offset % *length == 0 &&
	       *offset < REGISTERS_SIZE;
}

/* An access to the middle of pci_cfg_data is one of bytes that the window has not there. */
static bool hits_window(const struct virtio_pci *p, unsigned offset)
{
	return offset == p->window + sizeof(struct virtio_pci_cap);
}

static uint32_t config_read(struct pci_function *f, unsigned offset, unsigned size, uint32_t value)
{
	struct virtio_pci *p = f->opaque;
	uint32_t at, length;

	if (hits_window(p, offset) && window_target(p, &at, &length) && size >= length)
		return (uint32_t)virtio_pci_registers.read(p, at, length);
	if (offset <= PCI_STATUS && offset + size > PCI_STATUS && virtio_pci_intx_is_up(p))
		value |= (uint32_t)PCI_STATUS_INTERRUPT << (8 * (PCI_STATUS - offset));
	return value;
}

/* A guest that goes by kexec may have no more than this to keep its old buffers from the new one.
 */
static void command_written(struct virtio_pci *p)
{
	struct virtio_device *d = p->device;
	bool master = pci_get16(p->function.config, PCI_COMMAND) & PCI_COMMAND_MASTER;

	virtio_pci_update_intx(p);
	if (p->master && !master) {
		pthread_mutex_lock(&d->lock);
		virtio_halt(d);
		pthread_mutex_unlock(&d->lock);
	}
	p->master = master;
}

static void config_written(struct pci_function *f, unsigned offset, unsigned size, uint32_t value)
{
	struct virtio_pci *p = f->opaque;
	uint32_t at, length;

	if (hits_window(p, offset) && window_target(p, &at, &length) && size >= length)
		virtio_pci_registers.write(p, at, length, value);
	if (offset < PCI_COMMAND + 2 && offset + size > PCI_COMMAND)
		command_written(p);
	pci_msix_config_written(&p->msix, offset, size);
}

static const struct pci_function_ops function_ops = {.config_read = config_read,
						     .config_written = config_written,
						     .bar_map = bar_map,
						     .bar_unmap = bar_unmap};

/* ---- making one ------------------------------------------------------------------------------ */

/* One vector for each queue and one for changes of configuration. */
static int add_msix(struct virtio_pci *p)
{
	struct pci_function *f = &p->function;
	unsigned n = p->device->n_queues + 1;
	uint64_t half = pow2_ceil((uint64_t)n * PCI_MSIX_ENTRY_SIZE);
	int ret;

	p->fds = malloc(n * sizeof(*p->fds));
	p->pending = calloc(n, sizeof(*p->pending));
	p->doorbells = calloc(n, sizeof(*p->doorbells));
	if (!p->fds || !p->pending || !p->doorbells)
		return -ENOMEM;
	memset(p->fds, 0xff, n * sizeof(*p->fds));
	p->n_vectors = n;
	pci_set_bar(f, TABLE_BAR, 2 * (half < 2048 ? 2048 : half), PCI_BASE_ADDRESS_SPACE_MEMORY);
	pci_add_capability(f, PCI_CAP_ID_MSIX, MSIX_CAP, PCI_CAP_MSIX_SIZEOF);
	pci_set16(f->config, MSIX_CAP + PCI_MSIX_FLAGS, (uint16_t)(n - 1));
	pci_set32(f->config, MSIX_CAP + PCI_MSIX_TABLE, TABLE_BAR);
	pci_set32(f->config, MSIX_CAP + PCI_MSIX_PBA,
		  (uint32_t)(f->bars[TABLE_BAR].size / 2) | TABLE_BAR);
	ret = pci_msix_init(&p->msix, f, MSIX_CAP, false, &p->device->vm->irqs,
			    &virtio_pci_interrupts, p);
	p->has_msix = !ret;
	return ret;
}

void virtio_pci_destroy(struct virtio_device *d)
{
	struct virtio_pci *p = d->transport_opaque;

	pci_unmap_bars(&p->function);
	if (p->has_msix)
		pci_msix_destroy(&p->msix);
	virtio_pci_drop_intx(p);
	pci_function_destroy(&p->function);
	pthread_mutex_destroy(&p->irq_lock);
	free(p->fds);
	free(p->pending);
	free(p->doorbells);
	free(p);
	d->transport_opaque = NULL;
	d->transport = NULL;
}

int virtio_pci_attach(struct virtio *v, struct virtio_device *d, struct error *err)
{
	struct virtio_pci *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return fail(err, ENOMEM, "%s: out of memory", d->name);
	p->device = d;
	p->config_vector = VIRTIO_NO_VECTOR;
	pthread_mutex_init(&p->irq_lock, NULL);
	pci_function_init(&p->function, d->name, &function_ops, p);
	d->transport = &virtio_pci_transport;
	d->transport_opaque = p;
	identify(&p->function, d);
	pci_set_bar(&p->function, REGISTERS_BAR, REGISTERS_SIZE, PCI_BASE_ADDRESS_SPACE_MEMORY);
	add_structures(p);
	ret = add_msix(p);
	if (ret) {
		fail(err, -ret, "%s: %s", d->name, strerror(-ret));
	} else {
		describe_registers(p);
		describe_table(p);
		describe_shared(p);
		ret = pci_bus_add(v->bus, &p->function, -1, err);
	}
	if (ret) {
		virtio_pci_destroy(d);
		return ret;
	}
	p->msix.by_call = v->by_hypercall;
	p->line.gsi = v->bus->intx_gsi(p->function.devfn, 1);
	return 0;
}
