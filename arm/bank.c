/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The doorbell bank. On arm64 a message is a write that the IOMMU translates like any other, so its
 * target needs an I/O address at which there is neither RAM nor a BAR. The kernel maps the host's
 * real doorbells somewhere in a window that it has fixed for itself (reserved_regions: "msi"); the
 * guest writes its messages to a doorbell of its own. Both lie in the bank, apart from each other:
 * a device that writes to the guest's address by itself then meets no mapping, least of all the
 * host's interrupt controller.
 */
#include <errno.h>
#include <stdlib.h>

#include "layout.h"

#define X(v) ((unsigned long long)(v))

static bool is_withheld(const struct vfio_reserved *r)
{
	return r->kind == RESERVED_DIRECT || r->kind == RESERVED_HARD;
}

static const struct vfio_reserved *find(const struct arch_host *host, struct range r, bool window)
{
	unsigned i;

	for (i = 0; i < host->n_reserved; i++) {
		const struct vfio_reserved *v = &host->reserved[i];

		if (window ? v->kind == RESERVED_MSI && !range_contains(r, v->range)
			   : is_withheld(v) && ranges_overlap(r, v->range))
			return v;
	}
	return NULL;
}

/* From the first to the last byte of the host's windows; size 0: there is none. */
static struct range windows_hull(const struct arch_host *host)
{
	struct range hull = {0};
	uint64_t end = 0;
	unsigned i;

	for (i = 0; i < host->n_reserved; i++) {
		const struct range *r = &host->reserved[i].range;

		if (host->reserved[i].kind != RESERVED_MSI)
			continue;
		if (!hull.size || r->base < hull.base)
			hull.base = r->base;
		if (range_last(*r) > end)
			end = range_last(*r);
		hull.size = end - hull.base + 1;
	}
	return hull;
}

/* Beside every window; the lowest place, so that a machine is laid out alike each time. */
static bool place_doorbell(const struct arch_host *host, struct range bank, struct range *doorbell)
{
	struct range hull = windows_hull(host);

	doorbell->size = DOORBELL_SIZE;
	return range_find_free(&hull, 1, bank, DOORBELL_SIZE, FRAME_ALIGN, &doorbell->base);
}

static bool is_addressable(const struct arch_host *host, struct range r)
{
	return range_contains((struct range){0, 1ULL << host->phys_bits}, r);
}

static struct range around(struct range r, uint64_t before, uint64_t after, uint64_t align)
{
	uint64_t base = align_down(r.base > before ? r.base - before : 0, align);

	return (struct range){base, align_up(r.base + r.size + after, align) - base};
}

static bool fits(const struct arch_host *host, struct range bank, struct range span)
{
	struct range doorbell;

	return is_addressable(host, bank) && !find(host, bank, false) && !find(host, bank, true) &&
	       !ranges_overlap(bank, span) && place_doorbell(host, bank, &doorbell);
}

/* Around the host's windows, with the doorbell after or before them; without windows anywhere. */
bool bank_choose(const struct arch_host *host, struct range span, struct range *bank)
{
	struct range hull = windows_hull(host);
	uint64_t base;
	const struct range tries[] = {
		around(hull, 0, DOORBELL_SIZE, RAM_PIECE),
		around(hull, DOORBELL_SIZE, 0, RAM_PIECE),
		around(hull, 0, DOORBELL_SIZE, FRAME_ALIGN),
		around(hull, DOORBELL_SIZE, 0, FRAME_ALIGN),
	};
	unsigned i;

	for (i = 0; hull.size && i < ARRAY_SIZE(tries); i++)
		if (fits(host, tries[i], span)) {
			*bank = tries[i];
			return true;
		}
	for (base = BANK_DEFAULT; !hull.size && base < FOUR_GIB; base += RAM_PIECE) {
		*bank = (struct range){base, RAM_PIECE};
		if (fits(host, *bank, span))
			return true;
	}
	return false;
}

static int refuse_small(const struct arch_host *host, struct error *err)
{
	struct range hull = windows_hull(host);
	char room[SIZE_TEXT];

	size_text(room, DOORBELL_SIZE);
	if (!hull.size)
		return fail(err, EINVAL,
			    "is too small: it has no room for the guest's doorbell of %s", room);
	return fail(err, EINVAL,
		    "is too small: beside the host's MSI window 0x%llx-0x%llx it has no room for "
		    "the guest's doorbell of %s",
		    X(hull.base), X(range_last(hull)), room);
}

static int check(const struct arch_config *config, const struct arch_host *host, struct range span,
		 struct range *doorbell, struct error *err)
{
	struct range bank = config->msi_bank;
	const struct vfio_reserved *r;
	char whose[RESERVED_TEXT], ram[SIZE_TEXT];
	int ret = 0;

	if ((bank.base | bank.size) % host->page_size)
		ret = fail(err, EINVAL, "is not aligned to the host's page of %llu bytes",
			   X(host->page_size));
	else if (!is_addressable(host, bank))
		ret = fail(err, EINVAL, "is beyond the guest's %u address bits", host->phys_bits);
	else if ((r = find(host, bank, true)))
		ret = fail(err, EINVAL, "misses 0x%llx-0x%llx, %s, which this kernel can't move",
			   X(r->range.base), X(range_last(r->range)), vfio_reserved_text(whose, r));
	else if ((r = find(host, bank, false)))
		ret = fail(err, EINVAL, "touches 0x%llx-0x%llx, %s", X(r->range.base),
			   X(range_last(r->range)), vfio_reserved_text(whose, r));
	else if (config->ram_placed && ranges_overlap(bank, span))
		ret = fail(err, EINVAL,
			   "lies in guest RAM 0x%llx-0x%llx, placed there by -m %s@0x%llx",
			   X(span.base), X(range_last(span)), size_text(ram, config->ram),
			   X(span.base));
	else if (!place_doorbell(host, bank, doorbell))
		ret = refuse_small(host, err);
	if (ret)
		error_prefix(err, "--msi-bank 0x%llx-0x%llx", X(bank.base),
			     X(bank.base + bank.size - 1));
	return ret;
}

static int refuse(const struct arch_host *host, struct error *err)
{
	struct range hull = windows_hull(host);

	if (!hull.size)
		return fail(err, ENOSPC,
			    "no bank for messages: all of 0x%llx-0x%llx is reserved; see: carillon "
			    "vfio map",
			    X(BANK_DEFAULT), X(FOUR_GIB - 1));
	if (!is_addressable(host, hull))
		return fail(err, ENOSPC,
			    "no bank for messages: the host's MSI window 0x%llx-0x%llx is beyond "
			    "the guest's %u address bits",
			    X(hull.base), X(range_last(hull)), host->phys_bits);
	return fail(err, ENOSPC,
		    "no bank for messages: within or beside the host's MSI window 0x%llx-0x%llx "
		    "too much is reserved; see: carillon vfio map",
		    X(hull.base), X(range_last(hull)));
}

int bank_plan(const struct arch_config *config, const struct arch_host *host, struct range span,
	      struct range *bank, struct range *doorbell, struct error *err)
{
	struct range none = {0};

	if (config->msi_bank.size) {
		*bank = config->msi_bank;
		return check(config, host, span, doorbell, err);
	}
	/* Out of RAM's way if that is possible; else RAM goes around it. */
	if (!bank_choose(host, span, bank) && !bank_choose(host, none, bank))
		return refuse(host, err);
	place_doorbell(host, *bank, doorbell);
	return 0;
}
