/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Metadata on its way between file and memory: whole slices, as O_DIRECT wants it; the two tables
 * that are whole in memory; and the header.
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

int qcow2_read_at(struct qcow2 *q, void *buf, size_t n, uint64_t offset)
{
	ssize_t got = disk_file_read_at(&q->image->file, buf, n, offset);

	if (got < 0)
		return (int)got;
	/* The file was longer than that. */
	if ((size_t)got < n && offset + (uint64_t)got < q->file_end)
		return -EIO;
	memset((uint8_t *)buf + got, 0, n - (size_t)got);
	return 0;
}

int qcow2_write_at(struct qcow2 *q, const void *buf, size_t n, uint64_t offset)
{
	int r = disk_file_write_at(&q->image->file, buf, n, offset);

	if (!r && q->file_end < offset + n)
		q->file_end = offset + n;
	return r;
}

int qcow2_read_odd(struct qcow2 *q, void *buf, size_t n, uint64_t offset)
{
	uint64_t from = align_down(offset, q->image->file.align);
	size_t size = align_up(offset + n, q->image->file.align) - from;
	uint8_t *whole = malloc(size);
	ssize_t got = whole ? disk_file_read_at(&q->image->file, whole, size, from) : -ENOMEM;

	if (got >= 0 && (uint64_t)got < offset + n - from)
		got = -EIO;
	if (got >= 0)
		memcpy(buf, whole + (offset - from), n);
	free(whole);
	return got < 0 ? (int)got : 0;
}

int qcow2_table_load(struct qcow2 *q, struct qcow2_table *t, uint64_t offset, uint64_t n)
{
	int r;

	*t = (struct qcow2_table){.offset = offset, .n = align_up(n, q->slice / 8)};
	if (!t->n)
		return 0;
	t->entries = malloc(t->n * 8);
	if (!t->entries)
		return -ENOMEM;
	r = qcow2_read_at(q, t->entries, t->n * 8, offset);
	/* What shares the table's last slice is nobody's. */
	for (uint64_t i = 0; i < t->n; i++)
		t->entries[i] = i < n ? be64toh(t->entries[i]) : 0;
	return r;
}

void qcow2_table_set(struct qcow2_table *t, uint64_t i, uint64_t entry)
{
	bool clean = t->dirty_from == t->dirty_to;

	t->entries[i] = entry;
	t->dirty_from = clean || i < t->dirty_from ? i : t->dirty_from;
	t->dirty_to = clean || i >= t->dirty_to ? i + 1 : t->dirty_to;
}

int qcow2_table_write(struct qcow2 *q, struct qcow2_table *t)
{
	uint64_t per_slice = q->slice / 8;
	uint64_t *buf;
	int r = 0;

	if (t->dirty_from == t->dirty_to)
		return 0;
	buf = malloc(q->slice);
	if (!buf)
		return -ENOMEM;
	for (uint64_t i = align_down(t->dirty_from, per_slice); !r && i < t->dirty_to;
	     i += per_slice) {
		for (uint64_t k = 0; k < per_slice; k++)
			buf[k] = htobe64(t->entries[i + k]);
		r = qcow2_write_at(q, buf, q->slice, t->offset + i * 8);
	}
	free(buf);
	if (!r)
		t->dirty_from = t->dirty_to = 0;
	return r;
}

int qcow2_header_write(struct qcow2 *q, unsigned at, const void *bytes, unsigned n)
{
	uint8_t *head = malloc(q->slice);
	int r = head ? qcow2_read_at(q, head, q->slice, 0) : -ENOMEM;

	if (!r) {
		memcpy(head + at, bytes, n);
		r = qcow2_write_at(q, head, q->slice, 0);
	}
	free(head);
	return r;
}
