/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * PCI by firmware: configuration space (PAPR 2.11, 7.3.3), and messages, which the guest never
 * composes: it asks how many it may have, and which interrupt sources they raise (7.3.10.5).
 */
#include "rtas.h"

/* ibm,change-msi's functions. */
enum {
	CHANGE_ANY = 1,
	CHANGE_MSI = 3,
	CHANGE_MSIX = 4,
	CHANGE_MSI_32 = 5,
	CHANGE_MSIX_32 = 6,
};

/* What kind was granted, where the guest has room for that answer. */
#define GRANTED_MSI  1
#define GRANTED_MSIX 2

/* bbbbbbbb dddddfff in bits 8 to 23; only bus 0 has anybody on it. */
static struct pci_function *function_at(struct rtas *r, uint32_t address)
{
	return address >> 16 & 0xff ? NULL : r->m->bus->functions[address >> 8 & 0xff];
}

struct pci_function *rtas_pci_function(struct rtas *r)
{
	uint64_t buid = (uint64_t)r->args[1] << 32 | r->args[2];

	return buid == PHB_BUID ? function_at(r, r->args[0]) : NULL;
}

/* The upper four bits of the register are the upper four of the address. */
static unsigned register_of(uint32_t address)
{
	return (address >> 20 & 0xf00) | (address & 0xff);
}

static int read_config(struct pci_function *f, uint32_t address, uint32_t size, uint32_t *value)
{
	unsigned reg = register_of(address);

	if ((size != 1 && size != 2 && size != 4) || reg % size)
		return RTAS_PARAMETER;
	*value = f ? pci_config_read(f, reg, size) : UINT32_MAX >> (32 - 8 * size);
	return RTAS_SUCCESS;
}

static int write_config(struct pci_function *f, uint32_t address, uint32_t size, uint32_t value)
{
	unsigned reg = register_of(address);

	if (!f || (size != 1 && size != 2 && size != 4) || reg % size)
		return RTAS_PARAMETER;
	pci_config_write(f, reg, size, value);
	return RTAS_SUCCESS;
}

int rtas_read_config(struct rtas *r)
{
	return read_config(function_at(r, r->args[0]), r->args[0], r->args[1], &r->rets[0]);
}

int rtas_write_config(struct rtas *r)
{
	return write_config(function_at(r, r->args[0]), r->args[0], r->args[1], r->args[2]);
}

int rtas_ibm_read_config(struct rtas *r)
{
	return read_config(rtas_pci_function(r), r->args[0], r->args[3], &r->rets[0]);
}

int rtas_ibm_write_config(struct rtas *r)
{
	return write_config(rtas_pci_function(r), r->args[0], r->args[3], r->args[4]);
}

static void release(struct irq_table *irqs, unsigned first, unsigned n)
{
	while (n)
		irq_free(irqs, first + --n);
}

/* Give up what the function has of a kind. Vectors are the engine's; GSIs are sources. */
static void release_msix(struct pci_msix *x, struct irq_table *irqs)
{
	int first = x->engine.vectors[0].gsi;
	unsigned n = x->assigned;

	msi_engine_disable(&x->engine);
	pci_msix_assign(x, 0, 0);
	if (n)
		release(irqs, (unsigned)first, n);
}

static void release_msi(struct pci_msi *x, struct irq_table *irqs)
{
	int first = x->engine.vectors[0].gsi;
	unsigned n = x->assigned;

	msi_engine_disable(&x->engine);
	pci_msi_assign(x, 0, 0);
	if (n)
		release(irqs, (unsigned)first, n);
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* A row of sources, as long as can be had: the guest asks again for what it was granted. */
static unsigned alloc_row(struct irq_table *irqs, unsigned wish, unsigned *first)
{
	int got;

	for (; wish; wish--) {
		got = irq_alloc_row(irqs, wish);
		if (got >= 0) {
			*first = (unsigned)got;
			return wish;
		}
	}
	return 0;
}

static int grant(struct rtas *r, struct pci_function *f, bool msix, unsigned wish)
{
	struct irq_table *irqs = &r->m->vm->irqs;
	const bool has = msix ? f->msix != NULL : f->msi != NULL;
	unsigned first = 0, n;

	/* A call that fails changes nothing. */
	if (!has && wish)
		return RTAS_PARAMETER;
	if (f->msix)
		release_msix(f->msix, irqs);
	if (f->msi)
		release_msi(f->msi, irqs);
	if (!has)
		return RTAS_SUCCESS;
	n = alloc_row(irqs, smaller(wish, msix ? f->msix->engine.n : f->msi->engine.n), &first);
	if (msix)
		pci_msix_assign(f->msix, first, n);
	else
		pci_msi_assign(f->msi, first, n);
	r->rets[0] = n;
	r->rets[2] = msix ? GRANTED_MSIX : GRANTED_MSI;
	return RTAS_SUCCESS;
}

/*
 * args: address, BUID high, low, function, how many, sequence number; returns: status, how many,
 * the next sequence number, which kind. It is done in one step, so the sequence number is never
 * asked for again.
 */
int rtas_change_msi(struct rtas *r)
{
	struct pci_function *f = rtas_pci_function(r);
	bool msix;
	int ret;

	if (!f)
		return RTAS_PARAMETER;
	switch (r->args[3]) {
	case CHANGE_ANY:
		msix = f->msix && !f->msi;
		break;
	case CHANGE_MSI:
	case CHANGE_MSI_32:
		msix = false;
		break;
	case CHANGE_MSIX:
	case CHANGE_MSIX_32:
		msix = true;
		break;
	default:
		return RTAS_PARAMETER;
	}
	pthread_mutex_lock(&f->lock);
	ret = grant(r, f, msix, r->args[4]);
	pthread_mutex_unlock(&f->lock);
	r->rets[1] = r->args[5] + 1;
	return ret;
}

/* args: address, BUID high, low, which of the function's; returns: status, source, 1: edge. */
int rtas_query_interrupt(struct rtas *r)
{
	struct pci_function *f = rtas_pci_function(r);
	const struct msi_engine *e = NULL;

	if (!f)
		return RTAS_PARAMETER;
	pthread_mutex_lock(&f->lock);
	if (f->msix && f->msix->assigned > r->args[3])
		e = &f->msix->engine;
	else if (f->msi && f->msi->assigned > r->args[3])
		e = &f->msi->engine;
	if (e) {
		r->rets[0] = (uint32_t)e->vectors[r->args[3]].gsi;
		r->rets[1] = 1;
	}
	pthread_mutex_unlock(&f->lock);
	return e ? RTAS_SUCCESS : RTAS_PARAMETER;
}
