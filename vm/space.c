/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * An address space: transactions over its regions, and the way of a changed view to the back end:
 * memslots and ioeventfds that are gone are taken away first, then the new view is published, then
 * what is new is added. A guest access that falls in between finds the range in a view and is
 * served from here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "space.h"

int space_init(struct space *s, const char *name, uint64_t page_size, unsigned max_slots,
	       const struct space_backend *backend, void *opaque, struct error *err)
{
	pthread_mutexattr_t attr;
	struct view *empty = view_flatten(NULL);

	*s = (struct space){
		.name = name, .page_size = page_size, .backend = backend, .opaque = opaque};
	if (!empty)
		return fail(err, ENOMEM, "%s address space: out of memory", name);
	s->max_slots = max_slots;
	atomic_store(&s->current, empty);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&s->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return 0;
}

void space_destroy(struct space *s)
{
	struct view *v;

	if (!s->backend)
		return;
	while ((v = s->retired)) {
		s->retired = v->retired_next;
		free(v);
	}
	free(atomic_exchange(&s->current, NULL));
	free(s->slots);
	pthread_mutex_destroy(&s->lock);
	s->backend = NULL;
}

void space_register_claim(struct space *s, struct view_claim *claim)
{
	pthread_mutex_lock(&s->lock);
	claim->next = s->claims;
	s->claims = claim;
	pthread_mutex_unlock(&s->lock);
}

void space_begin(struct space *s)
{
	pthread_mutex_lock(&s->lock);
	s->depth++;
}

void space_add(struct space *s, struct region *r)
{
	space_begin(s);
	r->order = ++s->next_order;
	r->next = s->regions;
	s->regions = r;
	s->dirty = true;
	space_commit(s, NULL);
}

void space_remove(struct space *s, struct region *r)
{
	struct region **link;

	space_begin(s);
	for (link = &s->regions; *link; link = &(*link)->next)
		if (*link == r) {
			*link = r->next;
			s->dirty = true;
			break;
		}
	space_commit(s, NULL);
}

/* Free the old views that no thread reads any more. */
static void reclaim_views(struct space *s)
{
	struct view **link = &s->retired;

	while (*link) {
		struct view *v = *link;
		struct view_claim *c;

		for (c = s->claims; c; c = c->next)
			if (atomic_load(&c->view) == v)
				break;
		if (c) {
			link = &v->retired_next;
		} else {
			*link = v->retired_next;
			free(v);
		}
	}
}

static bool same_slot(const struct memslot *a, const struct memslot *b)
{
	return a->gpa == b->gpa && a->size == b->size && a->host == b->host &&
	       a->readonly == b->readonly;
}

/* Delete the slots that the new view does not want, and strike from `wanted` those that stay. */
static int delete_old_slots(struct space *s, struct memslot *wanted, unsigned n)
{
	unsigned slot, i;
	int ret = 0, one;

	for (slot = 0; slot < s->n_slots; slot++) {
		struct memslot gone = {.gpa = s->slots[slot].gpa};

		if (!s->slots[slot].size)
			continue;
		for (i = 0; i < n; i++)
			if (same_slot(&s->slots[slot], &wanted[i]))
				break;
		if (i < n) {
			wanted[i].size = 0;
			continue;
		}
		one = s->backend->memslot(s->opaque, slot, &gone);
		if (one)
			ret = one;
		s->slots[slot].size = 0;
	}
	return ret;
}

static int free_slot(struct space *s, unsigned *slot)
{
	struct memslot *slots;
	unsigned room;

	for (*slot = 0; *slot < s->n_slots; (*slot)++)
		if (!s->slots[*slot].size)
			return 0;
	if (s->n_slots >= s->max_slots)
		return -ENOSPC;
	room = s->n_slots ? 2 * s->n_slots : 8;
	slots = realloc(s->slots, room * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	memset(slots + s->n_slots, 0, (room - s->n_slots) * sizeof(*slots));
	s->slots = slots;
	s->n_slots = room < s->max_slots ? room : s->max_slots;
	return 0;
}

static int add_new_slots(struct space *s, const struct memslot *wanted, unsigned n,
			 struct error *err)
{
	unsigned i, slot;
	int ret = 0, one;

	for (i = 0; i < n; i++) {
		if (!wanted[i].size)
			continue;
		one = free_slot(s, &slot);
		if (!one)
			one = s->backend->memslot(s->opaque, slot, &wanted[i]);
		if (one)
			ret = fail(err, -one, "%s address space: no memslot for 0x%llx-0x%llx: %s",
				   s->name, (unsigned long long)wanted[i].gpa,
				   (unsigned long long)(wanted[i].gpa + wanted[i].size - 1),
				   strerror(-one));
		else
			s->slots[slot] = wanted[i];
	}
	return ret;
}

/* Where the doorbell is visible in this range; false if it is not. */
static bool doorbell_address(const struct view_range *range, const struct region_ioeventfd *e,
			     uint64_t *addr)
{
	*addr = range->base + (e->offset - range->offset);
	return e->offset >= range->offset && e->offset - range->offset < range->size;
}

/* Add or delete every doorbell that is visible in `v` and not, at the same place, in `other`. */
static int update_doorbells(struct space *s, const struct view *v, const struct view *other,
			    bool add)
{
	const struct view_range *range, *there;
	uint64_t addr, other_addr;
	unsigned k;
	int ret = 0, one;

	for (range = v->ranges; range < v->ranges + v->n; range++)
		for (k = 0; k < range->region->n_ioeventfds; k++) {
			const struct region_ioeventfd *e = &range->region->ioeventfds[k];

			if (!doorbell_address(range, e, &addr))
				continue;
			there = view_find(other, addr);
			if (there && there->region == range->region &&
			    doorbell_address(there, e, &other_addr) && other_addr == addr)
				continue;
			one = s->backend->ioeventfd(s->opaque, addr, e, add);
			if (one)
				ret = one;
		}
	return ret;
}

static int carry_out(struct space *s, struct view *now, struct error *err)
{
	struct view *old = atomic_load(&s->current);
	unsigned n = view_memslots(now, s->page_size, NULL);
	struct memslot *wanted = calloc(n + 1, sizeof(*wanted));
	int ret, one;

	if (!wanted) {
		free(now);
		return fail(err, ENOMEM, "%s address space: out of memory", s->name);
	}
	view_memslots(now, s->page_size, wanted);
	ret = update_doorbells(s, old, now, false);
	one = delete_old_slots(s, wanted, n);
	if (one)
		ret = one;
	if (ret)
		fail(err, -ret, "%s address space: KVM kept what was removed: %s", s->name,
		     strerror(-ret));

	atomic_store(&s->current, now);
	old->retired_next = s->retired;
	s->retired = old;

	one = add_new_slots(s, wanted, n, err);
	if (one)
		ret = one;
	one = update_doorbells(s, now, old, true);
	if (one)
		ret = fail(err, -one, "%s address space: no ioeventfd: %s", s->name,
			   strerror(-one));
	free(wanted);
	reclaim_views(s);
	return ret;
}

int space_commit(struct space *s, struct error *err)
{
	struct view *now;
	int ret = 0;

	if (s->depth == 1 && s->dirty) {
		now = view_flatten(s->regions);
		if (now)
			ret = carry_out(s, now, err);
		else
			ret = fail(err, ENOMEM, "%s address space: out of memory", s->name);
		s->dirty = ret == -ENOMEM;
	}
	s->depth--;
	pthread_mutex_unlock(&s->lock);
	return ret;
}
