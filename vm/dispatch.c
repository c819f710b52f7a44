/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest access that left the guest finds its region in the current view, without a lock: the
 * reading thread claims the view it looks at, and a commit frees only views that nobody claims.
 */
#include <string.h>

#include "space.h"
#include "thread.h"

uint64_t load_exact(const volatile void *p, unsigned size)
{
	switch (size) {
	case 1:
		return *(const volatile uint8_t *)p;
	case 2:
		return *(const volatile uint16_t *)p;
	case 4:
		return *(const volatile uint32_t *)p;
	default:
		return *(const volatile uint64_t *)p;
	}
}

void store_exact(volatile void *p, unsigned size, uint64_t value)
{
	switch (size) {
	case 1:
		*(volatile uint8_t *)p = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)p = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)p = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)p = value;
	}
}

/*
 * Claim the current view. The second look catches a commit between the load and the claim: then
 * the claim may have come too late to be seen by it.
 */
static const struct view *claim_view(struct space *s, struct view_claim *c)
{
	const struct view *v;

	do {
		v = atomic_load(&s->current);
		atomic_store(&c->view, v);
	} while (v != atomic_load(&s->current));
	return v;
}

/* The largest power of two that `size` holds, that addr is aligned to, and that ends by `left`. */
static unsigned piece(uint64_t addr, unsigned size, uint64_t left)
{
	unsigned p = 8;

	while (p > size || p > left || addr % p)
		p /= 2;
	return p;
}

static bool region_read(const struct region *r, uint64_t offset, unsigned size, uint8_t *buf)
{
	uint64_t value = UINT64_MAX;
	bool known = true;

	if (r->traps)
		atomic_fetch_add_explicit(r->traps, 1, memory_order_relaxed);
	if (r->host)
		value = load_exact(r->host + offset, size);
	else if (r->ops && r->ops->read)
		value = r->ops->read(r->opaque, offset, size);
	else
		known = false;
	memcpy(buf, &value, size);
	return known;
}

/* User space kicks the doorbell itself when KVM did not, so that none is lost around a commit. */
static bool ring_doorbell(const struct region *r, uint64_t offset, unsigned size, uint64_t value)
{
	unsigned i;

	for (i = 0; i < r->n_ioeventfds; i++) {
		const struct region_ioeventfd *e = &r->ioeventfds[i];

		if (e->offset == offset && (!e->len || e->len == size) &&
		    (!e->match || e->data == value)) {
			event_kick(e->fd);
			return true;
		}
	}
	return false;
}

static bool region_write(const struct region *r, uint64_t offset, unsigned size, const uint8_t *buf)
{
	uint64_t value = 0;

	memcpy(&value, buf, size);
	if (r->traps)
		atomic_fetch_add_explicit(r->traps, 1, memory_order_relaxed);
	if (ring_doorbell(r, offset, size, value))
		return true;
	if (r->host && !r->readonly)
		store_exact(r->host + offset, size, value);
	else if (r->ops && r->ops->write)
		r->ops->write(r->opaque, offset, size, value);
	else
		return false;
	return true;
}

/* size is at most 8; buf is read for a write and written for a read. */
static bool space_access(struct space *s, struct view_claim *c, uint64_t addr, unsigned size,
			 bool write, uint8_t *buf)
{
	const struct view *v = claim_view(s, c);
	bool known = true;

	while (size) {
		const struct view_range *range = view_find(v, addr);
		uint64_t into = range ? addr - range->base : 0;
		unsigned n = piece(addr, size, range ? range->size - into : 1);

		if (range && write)
			known &= region_write(range->region, range->offset + into, n, buf);
		else if (range)
			known &= region_read(range->region, range->offset + into, n, buf);
		else
			known = false;
		if (!range && !write)
			memset(buf, 0xff, n);
		buf += n;
		addr += n;
		size -= n;
	}
	atomic_store_explicit(&c->view, NULL, memory_order_release);
	return known;
}

bool space_read(struct space *s, struct view_claim *c, uint64_t addr, unsigned size, uint8_t *buf)
{
	return space_access(s, c, addr, size, false, buf);
}

bool space_write(struct space *s, struct view_claim *c, uint64_t addr, unsigned size,
		 const uint8_t *buf)
{
	uint8_t copy[8];

	memcpy(copy, buf, size);
	return space_access(s, c, addr, size, true, copy);
}
