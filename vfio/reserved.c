/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * I/O addresses that are not ours to use: each group's reserved regions as sysfs shows them
 * (Documentation/ABI/testing/sysfs-kernel-iommu_groups in Linux) and, from the IOMMU, what
 * it does not translate.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

static const char *const kind_names[] = {
	[RESERVED_DIRECT] = "direct",
	[RESERVED_RELAXABLE] = "direct-relaxable",
	[RESERVED_HARD] = "reserved",
	[RESERVED_MSI] = "msi",
};

int vfio_parse_reserved(const char *line, struct vfio_reserved *out)
{
	unsigned long long base, last;
	char *rest;
	size_t n;
	unsigned i;

	errno = 0;
	base = strtoull(line, &rest, 16);
	last = strtoull(rest, &rest, 16);
	if (errno || rest == line || last < base || *rest != ' ' || last - base == UINT64_MAX)
		return -EINVAL;
	rest++;
	n = strcspn(rest, "\n");
	/* Of a kind that a later kernel made up we know that it is not ours. */
	*out = (struct vfio_reserved){{base, last - base + 1}, RESERVED_HARD, -1};
	for (i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (strlen(kind_names[i]) == n && !strncmp(rest, kind_names[i], n))
			out->kind = i;
	return 0;
}

const char *vfio_reserved_text(char text[RESERVED_TEXT], const struct vfio_reserved *r)
{
	static const char *const what[] = {
		[RESERVED_DIRECT] = "mapped directly for firmware",
		[RESERVED_RELAXABLE] = "mapped directly, relaxable",
		[RESERVED_HARD] = "reserved",
		[RESERVED_MSI] = "the host's MSI window",
	};

	if (r->kind == RESERVED_UNREACHABLE)
		snprintf(text, RESERVED_TEXT, "out of the IOMMU's reach");
	else
		snprintf(text, RESERVED_TEXT, "%s of group %d", what[r->kind], r->group);
	return text;
}

struct list {
	struct vfio_reserved *items;
	unsigned n, room;
};

static int append(struct list *l, const struct vfio_reserved *r)
{
	struct vfio_reserved *grown;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		grown = realloc(l->items, l->room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->items = grown;
	}
	l->items[l->n++] = *r;
	return 0;
}

static int add_group(struct vfio *v, int group, struct list *l, struct error *err)
{
	char path[PATH_MAX], text[8192], *rest = text, *line;
	struct vfio_reserved r;
	int ret;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/reserved_regions", v->paths->sysfs,
		 group);
	ret = read_file(path, text, sizeof(text));
	if (ret)
		return fail(err, -ret, "%s: %s", path, strerror(-ret));
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		if (vfio_parse_reserved(line, &r))
			return fail(err, EINVAL, "%s: what is '%s'?", path, line);
		r.group = group;
		ret = append(l, &r);
		if (ret)
			return fail(err, -ret, "out of memory");
	}
	return 0;
}

/* Two devices may share a group, which is to be listed once. */
static bool is_listed(const struct list *l, int group)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (l->items[i].group == group)
			return true;
	return false;
}

static int by_base(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static int append_gap(struct list *l, uint64_t from, uint64_t to)
{
	struct vfio_reserved gap = {{from, to - from}, RESERVED_UNREACHABLE, -1};

	return from < to ? append(l, &gap) : 0;
}

/* The gaps between what the IOMMU translates, the last of them up to the end of the space. */
static int add_unreachable(struct vfio *v, struct list *l, struct error *err)
{
	struct range *allowed;
	uint64_t at = 0;
	int n = vfio_allowed_ranges(v, &allowed), i, ret = 0;

	if (n < 0)
		return fail(err, -n, "vfio: can't ask the IOMMU for its ranges: %s", strerror(-n));
	if (n)
		qsort(allowed, (size_t)n, sizeof(*allowed), by_base);
	for (i = 0; i < n && !ret; i++) {
		ret = append_gap(l, at, allowed[i].base);
		at = range_last(allowed[i]) + 1;
	}
	if (n && at && !ret)
		ret = append_gap(l, at, UINT64_MAX);
	free(allowed);
	return ret ? fail(err, -ret, "out of memory") : 0;
}

int vfio_reserved(struct vfio *v, struct vfio_reserved **out, struct error *err)
{
	struct list l = {0};
	struct vfio_device *d;
	int ret = 0;

	*out = NULL;
	for (d = v->devices; d && !ret; d = d->next)
		if (!is_listed(&l, d->group))
			ret = add_group(v, d->group, &l, err);
	if (!ret && v->ops)
		ret = add_unreachable(v, &l, err);
	if (ret) {
		free(l.items);
		return ret;
	}
	*out = l.items;
	return (int)l.n;
}
