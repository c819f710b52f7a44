/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Looking into a device tree. */
#include "cells.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

char tree[TREE_ROOM];

int node(const char *path)
{
	int at = fdt_path_offset(tree, path);

	cr_assert_geq(at, 0, "no %s", path);
	return at;
}

int node_at(const char *parent, const char *name, uint64_t unit)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s@%lx", parent, name, unit);
	return node(path);
}

bool has(int at, const char *property)
{
	return fdt_getprop(tree, at, property, NULL);
}

const uint8_t *bytes(int at, const char *property, unsigned *n)
{
	int len;
	const uint8_t *b = fdt_getprop(tree, at, property, &len);

	cr_assert_not_null(b, "no %s", property);
	*n = (unsigned)len;
	return b;
}

unsigned count_cells(int at, const char *property)
{
	unsigned n;

	bytes(at, property, &n);
	cr_assert_eq(n % 4, 0);
	return n / 4;
}

uint32_t cell(int at, const char *property, unsigned i)
{
	unsigned n;
	const fdt32_t *c = (const fdt32_t *)bytes(at, property, &n);

	cr_assert_lt(i, n / 4, "%s has %u bytes", property, n);
	return fdt32_to_cpu(c[i]);
}

uint64_t cell64(int at, const char *property, unsigned i)
{
	return (uint64_t)cell(at, property, i) << 32 | cell(at, property, i + 1);
}

/* ASan looks at what is beyond. */
void expect_room_minded(int (*build)(const void *machine, void *buf, size_t size),
			const void *machine)
{
	size_t size, need;
	char *buf;
	int ret = -ENOSPC;

	cr_assert_eq(build(machine, tree, TREE_ROOM), 0);
	need = fdt_totalsize(tree);
	for (size = 0; size < need + 512 && ret; size += size < need - 64 ? 37 : 1) {
		buf = malloc(size + !size);
		ret = build(machine, buf, size);
		if (ret)
			cr_assert_eq(ret, -ENOSPC, "of %zu bytes", size);
		else
			cr_assert_eq(fdt_check_full(buf, size), 0);
		free(buf);
	}
	cr_assert_eq(ret, 0, "0x%zx bytes are not enough for as many", need);
}
