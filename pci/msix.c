/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The MSI-X capability, its table and PBA (PCI 3.0, 6.8.2), in front of the engine. */
#include <string.h>

#include "pci.h"

#define CTRL_WRITABLE (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)

/*
 * The table is made of dwords; software may use dwords and qwords (6.8.2), and narrower accesses
 * are undefined. Here they do what they would in memory.
 */
static uint32_t entry_dword(const struct msi_vector *v, unsigned field)
{
	switch (field) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		return (uint32_t)v->msg.address;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		return (uint32_t)(v->msg.address >> 32);
	case PCI_MSIX_ENTRY_DATA:
		return v->msg.data;
	default:
		return v->masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0;
	}
}

static void set_entry_dword(struct pci_msix *m, unsigned n, unsigned field, uint32_t value)
{
	struct msi_message msg = m->engine.vectors[n].msg;

	msg.devid = pci_requester_id(m->function);
	switch (field) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		/* The two low bits are always 0: messages are dwords. */
		msg.address = (msg.address & ~0xffffffffULL) | (value & ~3u);
		break;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		msg.address = (msg.address & 0xffffffffULL) | (uint64_t)value << 32;
		break;
	case PCI_MSIX_ENTRY_DATA:
		msg.data = value;
		break;
	default:
		msi_engine_mask(&m->engine, n, value & PCI_MSIX_ENTRY_CTRL_MASKBIT);
		return;
	}
	msi_engine_set_message(&m->engine, n, &msg);
}

static uint64_t table_read(void *opaque, uint64_t offset, unsigned size)
{
	struct pci_msix *m = opaque;
	const struct msi_vector *v = &m->engine.vectors[offset / PCI_MSIX_ENTRY_SIZE];
	unsigned field = offset % PCI_MSIX_ENTRY_SIZE;
	uint64_t value = entry_dword(v, field & ~3u);

	atomic_fetch_add_explicit(&m->table_traps, 1, memory_order_relaxed);
	if (size == 8)
		value |= (uint64_t)entry_dword(v, field + 4) << 32;
	return value >> (8 * (field % 4));
}

static void table_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_msix *m = opaque;
	unsigned n = (unsigned)(offset / PCI_MSIX_ENTRY_SIZE);
	unsigned field = offset % PCI_MSIX_ENTRY_SIZE, shift = 8 * (field % 4);
	uint32_t keep;

	atomic_fetch_add_explicit(&m->table_traps, 1, memory_order_relaxed);
	pthread_mutex_lock(&m->table_lock);
	if (size >= 4) {
		set_entry_dword(m, n, field, (uint32_t)value);
		if (size == 8)
			set_entry_dword(m, n, field + 4, (uint32_t)(value >> 32));
	} else {
		keep = entry_dword(&m->engine.vectors[n], field & ~3u);
		keep &= ~(((1u << (8 * size)) - 1) << shift);
		set_entry_dword(m, n, field & ~3u, keep | (uint32_t)value << shift);
	}
	pthread_mutex_unlock(&m->table_lock);
}

static uint64_t pba_read(void *opaque, uint64_t offset, unsigned size)
{
	struct pci_msix *m = opaque;
	unsigned first = (unsigned)offset * 8, i;
	uint64_t bits = 0;

	atomic_fetch_add_explicit(&m->pba_traps, 1, memory_order_relaxed);
	for (i = 0; i < 8 * size && first + i < m->engine.n; i++)
		if (msi_engine_pending(&m->engine, first + i))
			bits |= 1ULL << i;
	return bits;
}

/* The PBA is read-only (6.8.2.5); only that it was touched is noted. */
static void pba_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_msix *m = opaque;

	(void)offset, (void)size, (void)value;
	atomic_fetch_add_explicit(&m->pba_traps, 1, memory_order_relaxed);
}

const struct region_ops pci_msix_table_ops = {table_read, table_write};
const struct region_ops pci_msix_pba_ops = {pba_read, pba_write};

int pci_msix_init(struct pci_msix *m, struct pci_function *f, unsigned cap, bool whole,
		  struct irq_table *irqs, const struct msi_source_ops *ops, void *opaque)
{
	unsigned n = (pci_get16(f->config, cap + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1u;

	memset(m, 0, sizeof(*m));
	m->function = f;
	m->cap = cap;
	f->msix = m;
	pthread_mutex_init(&m->table_lock, NULL);
	pci_set16(f->writable, cap + PCI_MSIX_FLAGS, CTRL_WRITABLE);
	return msi_engine_init(&m->engine, f->name, n, whole, irqs, ops, opaque);
}

void pci_msix_assign(struct pci_msix *m, unsigned first, unsigned n)
{
	m->assigned = n;
	msi_engine_assign(&m->engine, first, n);
}

void pci_msix_destroy(struct pci_msix *m)
{
	m->function->msix = NULL;
	msi_engine_destroy(&m->engine);
	pthread_mutex_destroy(&m->table_lock);
}

void pci_msix_config_written(struct pci_msix *m, unsigned offset, unsigned size)
{
	uint16_t control;
	bool on;

	if (offset >= m->cap + PCI_MSIX_FLAGS + 2 || offset + size <= m->cap + PCI_MSIX_FLAGS)
		return;
	control = pci_get16(m->function->config, m->cap + PCI_MSIX_FLAGS);
	/* Disable before unmask, mask before enable: nothing fires in between. */
	if (!(control & PCI_MSIX_FLAGS_ENABLE))
		msi_engine_disable(&m->engine);
	msi_engine_mask_function(&m->engine, control & PCI_MSIX_FLAGS_MASKALL);
	/*
	 * By call, the guest first enables the function with all masked, then asks for interrupts,
	 * then takes the mask away: only now is it known how many vectors there are.
	 */
	on = control & PCI_MSIX_FLAGS_ENABLE;
	if (m->by_call)
		on = on && m->assigned && !(control & PCI_MSIX_FLAGS_MASKALL);
	if (on)
		msi_engine_enable(&m->engine, m->by_call ? m->assigned : m->engine.n);
}
