/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A thin layer over libfdt's sequential writer: cells from numbers, and errors that stick. */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

static void note(struct tree *t, int ret)
{
	if (!t->error && ret < 0)
		t->error = ret;
}

void tree_begin(struct tree *t, void *buf, size_t size, struct range reserved)
{
	*t = (struct tree){.fdt = buf};
	note(t, fdt_create(buf, size > INT32_MAX ? INT32_MAX : (int)size));
	if (!t->error && reserved.size)
		note(t, fdt_add_reservemap_entry(buf, reserved.base, reserved.size));
	if (!t->error)
		note(t, fdt_finish_reservemap(buf));
	tree_open(t, "");
}

int tree_end(struct tree *t)
{
	tree_close(t);
	if (!t->error)
		note(t, fdt_finish(t->fdt));
	if (!t->error)
		return 0;
	return t->error == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
}

size_t tree_size(const void *fdt)
{
	return fdt_totalsize(fdt);
}

void tree_open(struct tree *t, const char *name)
{
	if (!t->error)
		note(t, fdt_begin_node(t->fdt, name));
}

void tree_open_at(struct tree *t, const char *name, uint64_t unit)
{
	char full[64];

	snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)unit);
	tree_open(t, full);
}

void tree_close(struct tree *t)
{
	if (!t->error)
		note(t, fdt_end_node(t->fdt));
}

void tree_bytes(struct tree *t, const char *name, const void *bytes, size_t size)
{
	if (!t->error)
		note(t, fdt_property(t->fdt, name, bytes, (int)size));
}

void tree_empty(struct tree *t, const char *name)
{
	tree_bytes(t, name, NULL, 0);
}

void tree_string(struct tree *t, const char *name, const char *value)
{
	tree_bytes(t, name, value, strlen(value) + 1);
}

void tree_cells(struct tree *t, const char *name, const uint32_t *cells, unsigned n)
{
	fdt32_t big[TREE_CELLS_MAX] = {0};
	unsigned i;

	if (n > TREE_CELLS_MAX) {
		note(t, -FDT_ERR_NOSPACE);
		return;
	}
	for (i = 0; i < n; i++)
		big[i] = cpu_to_fdt32(cells[i]);
	tree_bytes(t, name, big, n * sizeof(big[0]));
}

void tree_u32(struct tree *t, const char *name, uint32_t value)
{
	tree_cells(t, name, &value, 1);
}

void tree_u64(struct tree *t, const char *name, uint64_t value)
{
	tree_list(t, name, (uint32_t)(value >> 32), (uint32_t)value);
}

void tree_reg(struct tree *t, const char *name, const struct range *ranges, unsigned n)
{
	uint32_t cells[TREE_CELLS_MAX] = {0};
	unsigned i;

	if (n > TREE_CELLS_MAX / 4) {
		note(t, -FDT_ERR_NOSPACE);
		return;
	}
	for (i = 0; i < n; i++) {
		cells[4 * i] = (uint32_t)(ranges[i].base >> 32);
		cells[4 * i + 1] = (uint32_t)ranges[i].base;
		cells[4 * i + 2] = (uint32_t)(ranges[i].size >> 32);
		cells[4 * i + 3] = (uint32_t)ranges[i].size;
	}
	tree_cells(t, name, cells, 4 * n);
}

int tree_dump(const char *path, const void *tree, struct error *err)
{
	size_t size = tree_size(tree);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), code = 0;

	if (fd < 0)
		return fail(err, errno, "--dump-dtb %s: %s", path, strerror(errno));
	if (write(fd, tree, size) != (ssize_t)size)
		code = errno ?: EIO;
	if (close(fd) && !code)
		code = errno;
	return code ? fail(err, code, "--dump-dtb %s: %s", path, strerror(code)) : 0;
}
