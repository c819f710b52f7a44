/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The XIVE, used natively (Documentation/virt/kvm/devices/xive.rst in Linux): the guest reaches the
 * thread context of the CPU that it runs on, and a pair of pages of each source, without an exit.
 */
#include "xive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A thread's context as hardware, hypervisor, operating system and user see it: a page each. KVM
 * has the third. */
#define TIMA_PAGES   4
#define TIMA_PAGE_OS 2

/* Byte 23 of option vector 5: native exploitation only. */
#define VEC5_EXPLOITATION 0x40

static int add_source(const struct ppc_machine *m, unsigned source, struct error *err)
{
	uint64_t state = irqchip_is_level(source) ? KVM_XIVE_LEVEL_SENSITIVE : 0;
	int ret = irqchip_attr(m, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_SOURCE, source, &state);

	return ret ? fail(err, -ret, "xive: source 0x%x: %s", source, strerror(-ret)) : 0;
}

/* Sources that the guest's CPUs signal each other by, one each. */
static int add_ipis(const struct ppc_machine *m, struct error *err)
{
	uint32_t servers = m->xive->cpus;
	unsigned i;
	int ret = 0;

	/* An old KVM does not know it, and sets aside what all vCPUs that there could be need. */
	irqchip_attr(m, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_CTRL, KVM_DEV_XIVE_NR_SERVERS,
		     &servers);
	for (i = 0; i < m->xive->cpus && !ret; i++)
		ret = add_source(m, i, err);
	return ret;
}

static int map_pages(const struct ppc_machine *m, uint64_t size, unsigned page, uint8_t **at,
		     struct error *err)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->irqchip_fd,
		       (off_t)(page * XIVE_PAGE));

	if (p == MAP_FAILED)
		return fail(err, errno, "xive: can't map its pages: %s", strerror(errno));
	*at = p;
	return 0;
}

static void show(struct vm *vm, struct region *r, const char *name, struct range guest,
		 uint8_t *host)
{
	*r = (struct region){.name = name,
			     .base = guest.base,
			     .size = guest.size,
			     .priority = PRIORITY_PLATFORM,
			     .host = host};
	space_add(&vm->mmio, r);
}

/* Only what there is: with a page that KVM does not show, a guest's access would end KVM_RUN. */
static int show_pages(const struct ppc_machine *m, struct error *err)
{
	struct xive *x = m->xive;
	const struct range tima = {XIVE_TIMA_ADDR + XIVE_PAGE, XIVE_PAGE},
			   ipis = {XIVE_ESB_ADDR, x->cpus * XIVE_ESB_STRIDE},
			   sources = {XIVE_ESB_ADDR + XIVE_ESB_FIRST,
				      XIVE_ESB_SIZE - XIVE_ESB_FIRST};

	space_begin(&m->vm->mmio);
	show(m->vm, &x->tima_region, "xive-tima", tima, x->tima + TIMA_PAGE_OS * XIVE_PAGE);
	show(m->vm, &x->ipi_region, "xive-ipis", ipis, x->esb);
	show(m->vm, &x->source_region, "xive-sources", sources, x->esb + XIVE_ESB_FIRST);
	return space_commit(&m->vm->mmio, err);
}

static int create(struct ppc_machine *m, unsigned cpus, struct error *err)
{
	struct xive *x;
	int ret;

	if (m->vm->mmio.page_size != XIVE_PAGE)
		return fail(err, ENOTSUP,
			    "--irqchip xive: it takes a host kernel with pages of 64 KiB, this one "
			    "has %llu KiB; use --irqchip xics",
			    (unsigned long long)(m->vm->mmio.page_size / KIB));
	x = calloc(1, sizeof(*x));
	if (!x)
		return fail(err, ENOMEM, "xive: out of memory");
	x->cpus = cpus;
	pthread_mutex_init(&x->lock, NULL);
	xive_forget(x);
	m->xive = x;
	ret = map_pages(m, TIMA_PAGES * XIVE_PAGE, KVM_XIVE_TIMA_PAGE_OFFSET, &x->tima, err);
	if (!ret)
		ret = map_pages(m, XIVE_ESB_SIZE, KVM_XIVE_ESB_PAGE_OFFSET, &x->esb, err);
	if (!ret)
		ret = add_ipis(m, err);
	return ret ?: show_pages(m, err);
}

static void destroy(struct ppc_machine *m)
{
	struct xive *x = m->xive;

	if (!x)
		return;
	space_begin(&m->vm->mmio);
	space_remove(&m->vm->mmio, &x->tima_region);
	space_remove(&m->vm->mmio, &x->ipi_region);
	space_remove(&m->vm->mmio, &x->source_region);
	space_commit(&m->vm->mmio, NULL);
	if (x->tima)
		munmap(x->tima, TIMA_PAGES * XIVE_PAGE);
	if (x->esb)
		munmap(x->esb, XIVE_ESB_SIZE);
	pthread_mutex_destroy(&x->lock);
	free(x);
	m->xive = NULL;
}

static void describe(struct tree *t, unsigned cpus)
{
	const struct range tima[] = {{XIVE_TIMA_ADDR, XIVE_PAGE},
				     {XIVE_TIMA_ADDR + XIVE_PAGE, XIVE_PAGE}};

	/* Priorities that the guest may not use: the first, and how many. */
	tree_list(t, "ibm,plat-res-int-priorities", XIVE_PRIORITIES,
		  XIVE_PRIORITY_MASKED - XIVE_PRIORITIES);
	tree_open_at(t, "interrupt-controller", XIVE_TIMA_ADDR);
	tree_string(t, "device_type", "power-ivpe");
	tree_string(t, "compatible", "ibm,power-ivpe");
	tree_reg(t, "reg", tima, ARRAY_SIZE(tima));
	tree_list(t, "ibm,xive-eq-sizes", XIVE_QUEUE_SHIFT);
	tree_list(t, "ibm,xive-lisn-ranges", 0, cpus);
}

const struct irqchip xive = {
	.name = "xive",
	.device = KVM_DEV_TYPE_XIVE,
	.capability = KVM_CAP_PPC_IRQ_XIVE,
	.vec5 = VEC5_EXPLOITATION,
	.create = create,
	.destroy = destroy,
	.add_source = add_source,
	.describe = describe,
	.hcall = xive_hcall,
};
