/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* chip: see chip.h. It behaves as book3s_xics.c and book3s_xive_native.c of Linux' KVM. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "partition.h"

int chip_create(struct chip *c, struct kvm_create_device *create)
{
	const off_t pages = 4 + 2 * SOURCE_END;

	if (c->device_errno)
		return refused(c->device_errno);
	cr_assert_eq(c->fd, 0, "there is one already");
	c->type = create->type;
	c->fd = memfd_create("chip", MFD_CLOEXEC);
	cr_assert_eq(ftruncate(c->fd, pages * 64 * KIB), 0);
	create->fd = (uint32_t)c->fd;
	return 0;
}

static int create_source(struct chip *c, uint64_t source, uint64_t state, bool level)
{
	if (c->source_errno)
		return refused(c->source_errno);
	cr_assert(source < SOURCE_END && !c->sources[source].there, "0x%lx", source);
	c->sources[source] =
		(struct chip_source){.there = true, .masked = true, .level = level, .state = state};
	return 0;
}

/* Of a queue that is not there the kernel says so in its log. */
static int direct_source(struct chip *c, uint64_t source, uint64_t config)
{
	const uint32_t server = (uint32_t)config >> 3, eisn = (uint32_t)(config >> 33);
	const uint8_t priority = config & 7;
	struct chip_source *s = &c->sources[source];

	cr_assert(source < SOURCE_END && s->there, "0x%lx", source);
	cr_assert(server < CPUS && priority < 7);
	c->configs++;
	/* Whatever the mask says. */
	if (!s->masked && s->server == server && s->priority == priority && s->eisn == eisn)
		return 0;
	s->masked = config >> 32 & 1;
	if (s->masked)
		return 0;
	cr_assert_neq(c->queues[server][priority].qshift, 0, "there is no such queue");
	s->server = server;
	s->priority = priority;
	s->eisn = eisn;
	return 0;
}

static struct kvm_ppc_xive_eq *queue_at(struct chip *c, uint64_t id)
{
	cr_assert(id >> 3 < CPUS && (id & 7) < 7, "0x%lx", id);
	return &c->queues[id >> 3][id & 7];
}

static int set_queue(struct chip *c, uint64_t id, const struct kvm_ppc_xive_eq *eq)
{
	struct kvm_ppc_xive_eq *q = queue_at(c, id);

	if (eq->qshift) {
		cr_assert_eq(q->qshift, 0, "the kernel would forget the other page");
		cr_assert_eq(eq->flags, KVM_XIVE_EQ_ALWAYS_NOTIFY);
		cr_assert_eq(eq->qshift, 16);
		cr_assert_eq(eq->qaddr % (64 * KIB), 0);
		cr_assert_leq(eq->qaddr + 64 * KIB, p.ram_size);
		cr_assert(eq->qtoggle == 1 && !eq->qindex, "a queue begins so");
	}
	*q = *eq;
	return 0;
}

static int set_xive(struct chip *c, const struct kvm_device_attr *a)
{
	const void *value = (const void *)(uintptr_t)a->addr;
	unsigned i;

	switch (a->group) {
	case KVM_DEV_XIVE_GRP_SOURCE:
		return create_source(c, a->attr, *(const uint64_t *)value,
				     *(const uint64_t *)value & 1);
	case KVM_DEV_XIVE_GRP_SOURCE_CONFIG:
		return direct_source(c, a->attr, *(const uint64_t *)value);
	case KVM_DEV_XIVE_GRP_SOURCE_SYNC:
		c->syncs++;
		c->synced = a->attr;
		return 0;
	case KVM_DEV_XIVE_GRP_EQ_CONFIG:
		return set_queue(c, a->attr, value);
	default:
		cr_assert_eq(a->group, KVM_DEV_XIVE_GRP_CTRL);
	}
	if (a->attr == KVM_DEV_XIVE_NR_SERVERS) {
		c->servers = *(const uint32_t *)value;
		return 0;
	}
	cr_assert_eq(a->attr, KVM_DEV_XIVE_RESET);
	c->resets++;
	memset(c->queues, 0, sizeof(c->queues));
	for (i = 0; i < SOURCE_END; i++)
		c->sources[i].masked = true;
	return 0;
}

int chip_set(struct chip *c, const struct kvm_device_attr *a)
{
	if (c->refuses)
		return refused(c->refuses);
	if (c->type == KVM_DEV_TYPE_XIVE)
		return set_xive(c, a);
	cr_assert_eq(a->group, KVM_DEV_XICS_GRP_SOURCES);
	return create_source(c, a->attr, *(const uint64_t *)(uintptr_t)a->addr,
			     *(const uint64_t *)(uintptr_t)a->addr & KVM_XICS_LEVEL_SENSITIVE);
}

/* The kernel leaves the answer alone if there is no queue. */
int chip_get(struct chip *c, const struct kvm_device_attr *a)
{
	const struct kvm_ppc_xive_eq *q = queue_at(c, a->attr);

	cr_assert_eq(a->group, KVM_DEV_XIVE_GRP_EQ_CONFIG);
	if (c->refuses)
		return refused(c->refuses);
	if (q->qshift)
		*(struct kvm_ppc_xive_eq *)(uintptr_t)a->addr = *q;
	return 0;
}
