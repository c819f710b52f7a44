/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * tree: writing a flattened device tree with libfdt, in order. The first error sticks and the rest
 * does nothing, so that a caller looks once, at the end.
 */
#ifndef CARILLON_TREE_H
#define CARILLON_TREE_H

#include "base.h"

/* A number of 64 bits in two cells. */
#define TREE_HI(v) ((uint32_t)((v) >> 32))
#define TREE_LO(v) ((uint32_t)(v))
/* No property has more cells. */
#define TREE_CELLS_MAX 256

struct tree {
	void *fdt;
	int error; /* libfdt's; 0: none yet */
};

/*
 * Write into buf, size bytes. reserved: memory that the kernel must not take although it is RAM,
 * for its reserve map; size 0: none. The root node is open then.
 */
void tree_begin(struct tree *t, void *buf, size_t size, struct range reserved);
/* Close the root. 0, -ENOSPC, or -EINVAL if nodes or properties were written out of order. */
int tree_end(struct tree *t);
/* Of a finished tree, bytes. */
size_t tree_size(const void *fdt);
/* Write a finished tree to a file, for --dump-dtb. */
int tree_dump(const char *path, const void *tree, struct error *err);

/* "NAME@UNIT"; see tree_open for nodes without an address. */
void tree_open_at(struct tree *t, const char *name, uint64_t unit);
void tree_open(struct tree *t, const char *name);
void tree_close(struct tree *t);

void tree_empty(struct tree *t, const char *name);
void tree_string(struct tree *t, const char *name, const char *value);
void tree_bytes(struct tree *t, const char *name, const void *bytes, size_t size);
void tree_u32(struct tree *t, const char *name, uint32_t value);
void tree_u64(struct tree *t, const char *name, uint64_t value);
void tree_cells(struct tree *t, const char *name, const uint32_t *cells, unsigned n);
#define tree_list(t, name, ...)                              \
	tree_cells(t, name, (const uint32_t[]){__VA_ARGS__}, \
		   sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
/* A literal of several strings: tree_strings(t, "compatible", "a\0b"). */
#define tree_strings(t, name, literal) tree_bytes(t, name, literal, sizeof(literal))
/* Ranges with two address and two size cells each. */
void tree_reg(struct tree *t, const char *name, const struct range *ranges, unsigned n);

#endif
