/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cells: what is in the tree that a test has built. A node or a property that isn't there fails it.
 */
#ifndef CARILLON_TESTS_CELLS_H
#define CARILLON_TESTS_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_ROOM (64 << 10)

extern char tree[TREE_ROOM];

/* Offsets of nodes, as libfdt has them. */
int node(const char *path);
int node_at(const char *parent, const char *name, uint64_t unit);

bool has(int at, const char *property);
const uint8_t *bytes(int at, const char *property, unsigned *n);
unsigned count_cells(int at, const char *property);
uint32_t cell(int at, const char *property, unsigned i);
/* Of cells i and i + 1. */
uint64_t cell64(int at, const char *property, unsigned i);

/* Any room is enough for a machine's tree or is said not to be, and nothing is written beyond it.
 */
void expect_room_minded(int (*build)(const void *machine, void *buf, size_t size),
			const void *machine);

#endif
