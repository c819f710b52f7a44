/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* recorder: see recorder.h. It behaves as Linux' virt/kvm/eventfd.c does. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "recorder.h"

/* As KVM does: no slot may overlap another, nor be made twice. */
static int memslot(void *opaque, unsigned slot, const struct memslot *m)
{
	struct recorder *r = opaque;
	unsigned i;

	r->memslot_calls++;
	if (r->refuse_memslot && m->size)
		return r->refuse_memslot;
	cr_assert_lt(slot, (unsigned)RECORDED_SLOTS);
	cr_assert_eq((m->gpa | m->size | (uintptr_t)m->host) % r->vm.mmio.page_size, 0);
	for (i = 0; m->size && i < RECORDED_SLOTS; i++)
		cr_assert(!ranges_overlap((struct range){m->gpa, m->size},
					  (struct range){r->slots[i].gpa, r->slots[i].size}));
	r->slots[slot] = *m;
	return 0;
}

static int ioeventfd(void *opaque, uint64_t addr, const struct region_ioeventfd *e, bool add)
{
	struct recorder *r = opaque;

	(void)e;
	r->doorbell_calls++;
	r->doorbells += add ? 1u : -1u;
	r->doorbell_addr = addr;
	return 0;
}

unsigned recorder_slots(const struct recorder *r)
{
	unsigned i, n = 0;

	for (i = 0; i < RECORDED_SLOTS; i++)
		n += r->slots[i].size > 0;
	return n;
}

const struct memslot *recorder_slot(const struct recorder *r, uint64_t gpa)
{
	unsigned i;

	for (i = 0; i < RECORDED_SLOTS; i++)
		if (gpa - r->slots[i].gpa < r->slots[i].size)
			return &r->slots[i];
	return NULL;
}

enum served recorder_load(struct recorder *r, uint64_t gpa, unsigned size, uint64_t *value)
{
	const struct memslot *m = recorder_slot(r, gpa);

	*value = 0;
	if (m) {
		*value = load_exact(m->host + (gpa - m->gpa), size);
		return BY_SLOT;
	}
	return space_read(&r->vm.mmio, &r->claim, gpa, size, (uint8_t *)value) ? BY_EXIT
									       : BY_NOBODY;
}

enum served recorder_store(struct recorder *r, uint64_t gpa, unsigned size, uint64_t value)
{
	const struct memslot *m = recorder_slot(r, gpa);

	if (m && !m->readonly) {
		store_exact(m->host + (gpa - m->gpa), size, value);
		return BY_SLOT;
	}
	return space_write(&r->vm.mmio, &r->claim, gpa, size, (const uint8_t *)&value) ? BY_EXIT
										       : BY_NOBODY;
}

static int set_routes(void *opaque, const struct kvm_irq_routing *routing)
{
	struct recorder *r = opaque;

	r->route_calls++;
	if (r->refuse_routes)
		return r->refuse_routes;
	cr_assert_leq(routing->nr, ARRAY_SIZE(r->routes));
	r->n_routes = routing->nr;
	memcpy(r->routes, routing->entries, routing->nr * sizeof(r->routes[0]));
	return 0;
}

const struct kvm_irq_routing_entry *recorder_route(const struct recorder *r, unsigned gsi)
{
	unsigned i;

	for (i = 0; i < r->n_routes; i++)
		if (r->routes[i].gsi == gsi)
			return &r->routes[i];
	return NULL;
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static void consume(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		cr_assert_eq(errno, EAGAIN);
}

static int attach(struct recorder *r, const struct kvm_irqfd *irqfd)
{
	unsigned i;

	r->attach_calls++;
	if (r->refuse_irqfd)
		return r->refuse_irqfd;
	cr_assert_not_null(recorder_route(r, irqfd->gsi), "an irqfd before its route");
	for (i = 0; i < r->n_irqfds; i++)
		cr_assert_neq(r->irqfds[i].fd, irqfd->fd, "attached twice: KVM says EBUSY");
	r->irqfds[r->n_irqfds++] = *irqfd;
	/* KVM injects what is waiting, and leaves the count. */
	if (readable((int)irqfd->fd))
		r->injected[irqfd->gsi]++;
	return 0;
}

static int set_irqfd(void *opaque, const struct kvm_irqfd *irqfd)
{
	struct recorder *r = opaque;
	unsigned i;

	if (!(irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN))
		return attach(r, irqfd);
	r->detach_calls++;
	for (i = 0; i < r->n_irqfds; i++)
		if (r->irqfds[i].fd == irqfd->fd && r->irqfds[i].gsi == irqfd->gsi) {
			r->irqfds[i] = r->irqfds[--r->n_irqfds];
			/* eventfd_ctx_remove_wait_queue() reads the count away. */
			consume((int)irqfd->fd);
			return 0;
		}
	cr_assert_fail("detached what was not attached");
	return -ENOENT;
}

static int line(void *opaque, uint32_t gsi, bool level)
{
	struct recorder *r = opaque;

	r->lines[gsi]++;
	r->level[gsi] = level;
	return 0;
}

static const struct space_backend space_backend = {memslot, ioeventfd};
static const struct irq_backend irq_backend = {set_routes, set_irqfd, line};

static void init(struct recorder *r, uint64_t page, unsigned board, unsigned limit)
{
	struct vm *vm = &r->vm;

	cr_assert_leq(limit, RECORDED_GSIS);
	memset(r, 0, sizeof(*r));
	cr_assert_eq(space_init(&vm->mmio, "memory", page, RECORDED_SLOTS, &space_backend, r, NULL),
		     0);
	cr_assert_eq(space_init(&vm->pio, "port", 1, 0, &space_backend, r, NULL), 0);
	cr_assert_eq(irq_table_init(&vm->irqs, board, limit, &irq_backend, r, NULL), 0);
	space_register_claim(&vm->mmio, &r->claim);
}

void recorder_init_gsis(struct recorder *r, unsigned board, unsigned limit)
{
	init(r, 4096, board, limit);
}

void recorder_init_pages(struct recorder *r, uint64_t page)
{
	init(r, page, 24, ARRAY_SIZE(r->routes));
}

void recorder_init(struct recorder *r)
{
	recorder_init_pages(r, 4096);
}

void recorder_destroy(struct recorder *r)
{
	space_destroy(&r->vm.mmio);
	space_destroy(&r->vm.pio);
	irq_table_destroy(&r->vm.irqs);
}

void recorder_signal(struct recorder *r, int fd)
{
	unsigned i;

	event_kick(fd);
	for (i = 0; i < r->n_irqfds; i++)
		if ((int)r->irqfds[i].fd == fd) {
			consume(fd);
			r->injected[r->irqfds[i].gsi]++;
		}
}

unsigned open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}
