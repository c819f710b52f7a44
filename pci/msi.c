/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The MSI capability (PCI 3.0, 6.8.1), in front of the engine. Its vectors share one message, whose
 * low data bits a vector replaces by its number.
 */
#include <string.h>

#include "pci.h"

static uint16_t flags_of(const struct pci_msi *m)
{
	return pci_get16(m->function->config, m->cap + PCI_MSI_FLAGS);
}

static unsigned data_register(const struct pci_msi *m)
{
	return m->cap + (flags_of(m) & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);
}

/* 0: this function can't mask single vectors. */
static unsigned mask_register(const struct pci_msi *m)
{
	uint16_t flags = flags_of(m);

	if (!(flags & PCI_MSI_FLAGS_MASKBIT))
		return 0;
	return m->cap + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

/* More than the function is capable of is not given (6.8.1.3: such values are undefined). */
static unsigned enabled_vectors(const struct pci_msi *m)
{
	unsigned wish = 1u << ((flags_of(m) & PCI_MSI_FLAGS_QSIZE) >> 4);

	return wish < m->engine.n ? wish : m->engine.n;
}

int pci_msi_init(struct pci_msi *m, struct pci_function *f, unsigned cap, bool whole,
		 struct irq_table *irqs, const struct msi_source_ops *ops, void *opaque)
{
	uint16_t flags = pci_get16(f->config, cap + PCI_MSI_FLAGS);
	unsigned log2 = (flags & PCI_MSI_FLAGS_QMASK) >> 1;
	unsigned mask;

	memset(m, 0, sizeof(*m));
	m->function = f;
	m->cap = cap;
	f->msi = m;
	pci_set16(f->writable, cap + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	pci_set32(f->writable, cap + PCI_MSI_ADDRESS_LO, 0xfffffffc);
	if (flags & PCI_MSI_FLAGS_64BIT)
		pci_set32(f->writable, cap + PCI_MSI_ADDRESS_HI, 0xffffffff);
	pci_set16(f->writable, data_register(m), 0xffff);
	/* Values above 5 are reserved: 32 vectors is the most there is. */
	log2 = log2 > 5 ? 5 : log2;
	mask = mask_register(m);
	if (mask)
		pci_set32(f->writable, mask, (uint32_t)((1ULL << (1u << log2)) - 1));
	return msi_engine_init(&m->engine, f->name, 1u << log2, whole, irqs, ops, opaque);
}

void pci_msi_assign(struct pci_msi *m, unsigned first, unsigned n)
{
	m->assigned = n;
	msi_engine_assign(&m->engine, first, n);
}

void pci_msi_destroy(struct pci_msi *m)
{
	m->function->msi = NULL;
	msi_engine_destroy(&m->engine);
}

static struct msi_message message_of(const struct pci_msi *m, unsigned v)
{
	const uint8_t *config = m->function->config;
	struct msi_message msg = {.address = pci_get32(config, m->cap + PCI_MSI_ADDRESS_LO)};

	if (flags_of(m) & PCI_MSI_FLAGS_64BIT)
		msg.address |= (uint64_t)pci_get32(config, m->cap + PCI_MSI_ADDRESS_HI) << 32;
	msg.data = (pci_get16(config, data_register(m)) & ~(enabled_vectors(m) - 1)) | v;
	return msg;
}

void pci_msi_config_written(struct pci_msi *m, unsigned offset, unsigned size)
{
	unsigned mask = mask_register(m), end = (mask ? mask + 4 : data_register(m) + 2), v;
	uint32_t masked = mask ? pci_get32(m->function->config, mask) : 0;
	bool enable = flags_of(m) & PCI_MSI_FLAGS_ENABLE;

	if (offset >= end || offset + size <= m->cap)
		return;
	if (!enable)
		msi_engine_disable(&m->engine);
	for (v = 0; v < m->engine.n; v++) {
		struct msi_message msg = message_of(m, v);

		/* By call it has no message, but its mask. */
		if (!m->by_call)
			msi_engine_set_message(&m->engine, v, &msg);
		msi_engine_mask(&m->engine, v,
				(masked >> v & 1) || (m->by_call && v >= m->assigned));
	}
	if (m->by_call ? enable && m->assigned : enable)
		msi_engine_enable(&m->engine, m->by_call ? m->assigned : enabled_vectors(m));
}

uint32_t pci_msi_config_read(struct pci_msi *m, unsigned offset, unsigned size, uint32_t value)
{
	unsigned reg = mask_register(m) + 4, v, bit;

	if (!mask_register(m) || offset >= reg + 4 || offset + size <= reg)
		return value;
	for (v = 0; v < m->engine.n; v++) {
		bit = 8 * (reg + v / 8 - offset) + v % 8;
		if (reg + v / 8 >= offset && bit < 8 * size && msi_engine_pending(&m->engine, v))
			value |= 1u << bit;
	}
	return value;
}
