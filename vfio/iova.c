/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* May guest RAM be mapped for DMA? Pure checks, made before anything is mapped. */
#include <errno.h>
#include <stdlib.h>

#include "vfio.h"

#define X(v) ((unsigned long long)(v))

/*
 * How much of r, from its start, is allowed? The ranges may touch each other: the kernel reports
 * them cut where reserved regions were, not merged.
 */
static uint64_t reachable(struct range r, const struct range *allowed, unsigned n)
{
	uint64_t done = 0;
	unsigned i;
	bool moved;

	do {
		moved = false;
		for (i = 0; i < n && done < r.size; i++) {
			uint64_t at = r.base + done, left;

			if (!range_contains(allowed[i], (struct range){at, 1}))
				continue;
			left = range_last(allowed[i]) - at;
			done = left >= r.size - done - 1 ? r.size : done + left + 1;
			moved = true;
		}
	} while (moved && done < r.size);
	return done;
}

int vfio_check_iova(const struct range *ram, unsigned n_ram, const struct range *allowed,
		    unsigned n_allowed, struct error *err)
{
	unsigned i;

	/* A kernel before 5.4 reports nothing: then MAP_DMA is the one to refuse. */
	if (!n_allowed)
		return 0;
	for (i = 0; i < n_ram; i++) {
		uint64_t ok = reachable(ram[i], allowed, n_allowed);

		if (ok < ram[i].size)
			return fail(err, ERANGE,
				    "guest RAM at 0x%llx-0x%llx: the host's IOMMU can't map "
				    "0x%llx (it is reserved or beyond the IOMMU's width); use "
				    "less memory: -m",
				    X(ram[i].base), X(range_last(ram[i])), X(ram[i].base + ok));
	}
	return 0;
}

int vfio_plan_held(const struct range *wanted, unsigned n_wanted, const struct range *allowed,
		   unsigned n_allowed, struct range **out)
{
	unsigned i, k;
	int n = 0;

	*out = n_wanted && n_allowed ? calloc(n_wanted, n_allowed * sizeof(**out)) : NULL;
	if (!*out)
		return n_wanted && n_allowed ? -ENOMEM : 0;
	for (i = 0; i < n_wanted; i++)
		for (k = 0; k < n_allowed; k++) {
			struct range w = wanted[i], a = allowed[k];
			uint64_t last;

			if (!ranges_overlap(w, a))
				continue;
			last = range_last(w) < range_last(a) ? range_last(w) : range_last(a);
			(*out)[n++] = range_between(w.base > a.base ? w.base : a.base, last);
		}
	return n;
}

int vfio_check_pinned(uint64_t ram, uint64_t host, struct error *err)
{
	return ram <= host ? 0
			   : fail(err, ENOMEM,
				  "guest RAM of %llu MiB must stay in place for DMA, but the host "
				  "has only %llu MiB; use less: -m",
				  X(ram / MIB), X(host / MIB));
}

int vfio_check_memlock(const char *what, uint64_t need, uint64_t limit, bool privileged,
		       struct error *err)
{
	if (privileged || need <= limit)
		return 0;
	return fail(err, ENOMEM,
		    "%s %llu bytes must stay in place for DMA, but only %llu bytes may be locked; "
		    "raise the limit with: ulimit -l %llu (KiB), or LimitMEMLOCK=%llu in a systemd "
		    "unit",
		    what, X(need), X(limit), X((need + KIB - 1) / KIB), X(need));
}
