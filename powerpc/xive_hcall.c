/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Hypercalls on a XIVE: which queue a source's events go to, and where the queues lie. Calls and
 * their order of arguments are as Linux' arch/powerpc/sysdev/xive/spapr.c makes them. A source is
 * named by its number ("LISN"), a queue by CPU ("target") and priority.
 */
#include "xive.h"

#include <endian.h>

#include "hcall.h"

/* H_INT_GET_SOURCE_INFO's answer. */
#define INFO_H_INT_ESB 8
#define INFO_LSI       4

/* H_INT_SET_SOURCE_CONFIG's flags. */
#define CONFIG_SET_EISN 2
#define CONFIG_MASK	1
/* The queue's entries have 31 bits for it; KVM gets the last one with a source that is masked. */
#define EISN_END 0x7fffffff

/* H_INT_SET_QUEUE_CONFIG's flag; H_INT_GET_QUEUE_CONFIG's, and a bit of its answer. */
#define QUEUE_ALWAYS_NOTIFY 1
#define QUEUE_DEBUG	    1
#define QUEUE_GENERATION    2

/* H_INT_ESB's flag; loads that have to do with a level. */
#define ESB_STORE     1
#define ESB_LOAD_EOI  0x000
#define ESB_SET_PQ_00 0xc00

static bool is_source(const struct xive *x, uint64_t lisn)
{
	return lisn < x->cpus || (lisn >= SOURCE_FIRST && lisn < SOURCE_END);
}

void xive_forget(struct xive *x)
{
	unsigned i;

	for (i = 0; i < SOURCE_END; i++)
		x->sources[i] = (struct xive_source){.eisn = i, .priority = XIVE_PRIORITY_MASKED};
	for (i = 0; i < CPUS_MAX; i++)
		x->queues[i] = 0;
}

/* args: flags, source; out: flags, management page, trigger page, log2 of their size. */
static uint64_t get_source_info(const struct xive *x, uint64_t args[9])
{
	uint64_t lisn = args[1], pages = XIVE_ESB_ADDR + lisn * XIVE_ESB_STRIDE;

	if (args[0])
		return H_PARAMETER;
	if (!is_source(x, lisn))
		return H_P2;
	/* A level that is still up when the guest has handled it is raised anew, by us. */
	if (irqchip_is_level((unsigned)lisn)) {
		args[0] = INFO_H_INT_ESB | INFO_LSI;
		args[1] = args[2] = UINT64_MAX;
	} else {
		args[0] = 0;
		args[1] = pages + XIVE_PAGE;
		args[2] = pages;
	}
	args[3] = XIVE_PAGE_SHIFT;
	return H_SUCCESS;
}

/* What repeats where a source goes is no change to KVM, even if it is to be masked now. */
static int tell_source(const struct ppc_machine *m, uint64_t lisn, const struct xive_source *s)
{
	uint64_t config = KVM_XIVE_SOURCE_MASKED_MASK | (uint64_t)EISN_END
								<< KVM_XIVE_SOURCE_EISN_SHIFT;

	if (s->priority != XIVE_PRIORITY_MASKED)
		config = (uint64_t)s->priority << KVM_XIVE_SOURCE_PRIORITY_SHIFT |
			 (uint64_t)s->target << KVM_XIVE_SOURCE_SERVER_SHIFT |
			 (uint64_t)s->eisn << KVM_XIVE_SOURCE_EISN_SHIFT;
	return irqchip_attr(m, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_SOURCE_CONFIG, lisn, &config);
}

/*
 * With the lock held. For a queue that is not there KVM would look at those of all other CPUs, and
 * complain in the host's log of each that has none either.
 */
static uint64_t set_source(const struct ppc_machine *m, uint64_t lisn, const struct xive_source *s)
{
	struct xive *x = m->xive;

	if (s->priority != XIVE_PRIORITY_MASKED && !(x->queues[s->target] >> s->priority & 1))
		return H_HARDWARE;
	if (tell_source(m, lisn, s))
		return H_HARDWARE;
	x->sources[lisn] = *s;
	return H_SUCCESS;
}

/* Where events go, if they are not masked. */
static uint64_t check_target(const struct xive *x, const uint64_t args[9])
{
	if (args[2] >= x->cpus)
		return H_P3;
	if (args[3] >= XIVE_PRIORITIES)
		return H_P4;
	return args[0] & CONFIG_SET_EISN && args[4] >= EISN_END ? H_P5 : H_SUCCESS;
}

/* args: flags, source, CPU, priority, number for the queue. */
static uint64_t set_source_config(const struct ppc_machine *m, const uint64_t args[9])
{
	struct xive *x = m->xive;
	const uint64_t flags = args[0], lisn = args[1];
	struct xive_source s;
	uint64_t ret = H_SUCCESS;

	if (flags & ~(uint64_t)(CONFIG_SET_EISN | CONFIG_MASK))
		return H_PARAMETER;
	if (!is_source(x, lisn))
		return H_P2;
	if (args[3] != XIVE_PRIORITY_MASKED)
		ret = check_target(x, args);
	if (ret != H_SUCCESS)
		return ret;
	pthread_mutex_lock(&x->lock);
	s = x->sources[lisn];
	s.priority = flags & CONFIG_MASK ? XIVE_PRIORITY_MASKED : (uint8_t)args[3];
	if (s.priority != XIVE_PRIORITY_MASKED) {
		s.target = (uint32_t)args[2];
		s.eisn = flags & CONFIG_SET_EISN ? (uint32_t)args[4] : s.eisn;
	}
	ret = set_source(m, lisn, &s);
	pthread_mutex_unlock(&x->lock);
	return ret;
}

/* args: flags, source; out: CPU, priority, number. */
static uint64_t get_source_config(struct xive *x, uint64_t args[9])
{
	struct xive_source s;

	if (args[0])
		return H_PARAMETER;
	if (!is_source(x, args[1]))
		return H_P2;
	pthread_mutex_lock(&x->lock);
	s = x->sources[args[1]];
	pthread_mutex_unlock(&x->lock);
	args[0] = s.target;
	args[1] = s.priority;
	args[2] = s.eisn;
	return H_SUCCESS;
}

/* args: flags, of which there are some, CPU, priority. */
static uint64_t check_queue(const struct xive *x, uint64_t flags, const uint64_t args[9])
{
	if (args[0] & ~flags)
		return H_PARAMETER;
	if (args[1] >= x->cpus)
		return H_P2;
	return args[2] < XIVE_PRIORITIES ? H_SUCCESS : H_P3;
}

/* args: flags, CPU, priority; out: where it can be managed by loads and stores: nowhere. */
static uint64_t get_queue_info(const struct xive *x, uint64_t args[9])
{
	uint64_t ret = check_queue(x, 0, args);

	if (ret == H_SUCCESS) {
		args[0] = UINT64_MAX;
		args[1] = 0;
	}
	return ret;
}

static int queue_attr(const struct ppc_machine *m, unsigned long request, const uint64_t args[9],
		      struct kvm_ppc_xive_eq *eq)
{
	return irqchip_attr(m, request, KVM_DEV_XIVE_GRP_EQ_CONFIG,
			    args[1] << KVM_XIVE_EQ_SERVER_SHIFT | args[2], eq);
}

/*
 * With the lock held. A queue that is there is taken away first: KVM would forget that it holds
 * that page of the guest's.
 */
static uint64_t set_queue(const struct ppc_machine *m, const uint64_t args[9])
{
	struct kvm_ppc_xive_eq none = {0}, eq = {.flags = KVM_XIVE_EQ_ALWAYS_NOTIFY,
						 .qshift = XIVE_QUEUE_SHIFT,
						 .qaddr = args[3],
						 .qtoggle = 1};
	uint8_t *queues = &m->xive->queues[args[1]], bit = (uint8_t)(1u << args[2]);

	if (*queues & bit && queue_attr(m, KVM_SET_DEVICE_ATTR, args, &none))
		return H_HARDWARE;
	*queues &= (uint8_t)~bit;
	if (!args[4])
		return H_SUCCESS;
	if (queue_attr(m, KVM_SET_DEVICE_ATTR, args, &eq))
		return H_HARDWARE;
	*queues |= bit;
	return H_SUCCESS;
}

/* args: flags, CPU, priority, address, log2 of its size; 0: no queue. */
static uint64_t set_queue_config(const struct ppc_machine *m, const uint64_t args[9])
{
	const uint64_t page = 1ULL << XIVE_QUEUE_SHIFT;
	uint64_t ret = check_queue(m->xive, QUEUE_ALWAYS_NOTIFY, args);

	if (ret != H_SUCCESS)
		return ret;
	if (args[4] && args[4] != XIVE_QUEUE_SHIFT)
		return H_P5;
	if (args[4] && !(args[0] & QUEUE_ALWAYS_NOTIFY))
		return H_PARAMETER;
	if (args[4] && (args[3] % page || !guest_memory_at(&m->vm->memory, args[3], page)))
		return H_P4;
	pthread_mutex_lock(&m->xive->lock);
	ret = set_queue(m, args);
	pthread_mutex_unlock(&m->xive->lock);
	return ret;
}

/* args: flags, CPU, priority; out: flags, address, log2 of its size, where it is written next. */
static uint64_t get_queue_config(const struct ppc_machine *m, uint64_t args[9])
{
	struct kvm_ppc_xive_eq eq = {0};
	const bool debug = args[0] & QUEUE_DEBUG;
	uint64_t ret = check_queue(m->xive, QUEUE_DEBUG, args);

	if (ret != H_SUCCESS)
		return ret;
	if (queue_attr(m, KVM_GET_DEVICE_ATTR, args, &eq))
		return H_HARDWARE;
	args[0] = (eq.flags & KVM_XIVE_EQ_ALWAYS_NOTIFY ? QUEUE_ALWAYS_NOTIFY : 0) |
		  (debug && eq.qtoggle ? QUEUE_GENERATION : 0);
	args[1] = eq.qaddr;
	args[2] = eq.qshift;
	args[3] = debug ? eq.qindex : 0;
	return H_SUCCESS;
}

/*
 * What is behind a source is an edge, for KVM raises it. A level that is still up when the guest
 * makes the source ready for the next event is such an event.
 */
static uint64_t load_esb(const struct ppc_machine *m, unsigned source, uint64_t offset)
{
	uint8_t *pages = m->xive->esb + source * XIVE_ESB_STRIDE;
	const bool level = irqchip_is_level(source);
	uint64_t value;

	if (level && offset == ESB_LOAD_EOI)
		offset = ESB_SET_PQ_00;
	value = be64toh(load_exact(pages + XIVE_PAGE + offset, sizeof(value)));
	if (level && offset == ESB_SET_PQ_00 && irq_is_up(&m->vm->irqs, source))
		store_exact(pages, sizeof(value), 0);
	return value;
}

/* args: flags, source, offset in its management page, what to store; out: what was loaded. */
static uint64_t esb(const struct ppc_machine *m, uint64_t args[9])
{
	const uint64_t lisn = args[1], offset = args[2];

	if (args[0] & ~(uint64_t)ESB_STORE)
		return H_PARAMETER;
	if (!is_source(m->xive, lisn))
		return H_P2;
	if (offset >= XIVE_PAGE || offset % sizeof(uint64_t))
		return H_P3;
	if (args[0] & ESB_STORE) {
		store_exact(m->xive->esb + lisn * XIVE_ESB_STRIDE + XIVE_PAGE + offset,
			    sizeof(uint64_t), htobe64(args[3]));
		args[0] = UINT64_MAX;
	} else {
		args[0] = load_esb(m, (unsigned)lisn, offset);
	}
	return H_SUCCESS;
}

/* args: flags, source: what it has raised is in its queue. */
static uint64_t sync_source(const struct ppc_machine *m, const uint64_t args[9])
{
	if (args[0])
		return H_PARAMETER;
	if (!is_source(m->xive, args[1]))
		return H_P2;
	return irqchip_attr(m, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_SOURCE_SYNC, args[1], NULL)
		       ? H_HARDWARE
		       : H_SUCCESS;
}

/* args: flags. */
static uint64_t reset(const struct ppc_machine *m, const uint64_t args[9])
{
	int ret;

	if (args[0])
		return H_PARAMETER;
	pthread_mutex_lock(&m->xive->lock);
	ret = irqchip_attr(m, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_CTRL, KVM_DEV_XIVE_RESET, NULL);
	if (!ret)
		xive_forget(m->xive);
	pthread_mutex_unlock(&m->xive->lock);
	return ret ? H_HARDWARE : H_SUCCESS;
}

uint64_t xive_hcall(struct ppc_machine *m, uint64_t nr, uint64_t args[9])
{
	switch (nr) {
	case H_INT_GET_SOURCE_INFO:
		return get_source_info(m->xive, args);
	case H_INT_SET_SOURCE_CONFIG:
		return set_source_config(m, args);
	case H_INT_GET_SOURCE_CONFIG:
		return get_source_config(m->xive, args);
	case H_INT_GET_QUEUE_INFO:
		return get_queue_info(m->xive, args);
	case H_INT_SET_QUEUE_CONFIG:
		return set_queue_config(m, args);
	case H_INT_GET_QUEUE_CONFIG:
		return get_queue_config(m, args);
	case H_INT_ESB:
		return esb(m, args);
	case H_INT_SYNC:
		return sync_source(m, args);
	case H_INT_RESET:
		return reset(m, args);
	default:
		return H_FUNCTION;
	}
}
