/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Opening and closing of qcow2 images, and of what is behind them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"

/* In slices: 1 MiB of L2 tables map 8 GiB in clusters of 64 KiB; what is only read has less. */
#define L2_SLICES	   256
#define L2_SLICES_READONLY 64
#define BLOCK_SLICES	   64

/* Images behind each other. */
#define CHAIN_MAX 32

/* Where the header has the size of clusters; it is wholly in the first one. */
#define CLUSTER_BITS_OFFSET 20

/* Read the header's cluster, and no more: what is behind it may be bad. The caller's; NULL: *n says
 * why. */
static uint8_t *read_first_cluster(const struct disk_file *f, ssize_t *n)
{
	size_t room = align_up(DISK_HEAD, f->align);
	uint8_t *head = malloc(room), *whole;
	uint32_t bits;

	*n = head ? disk_file_read_at(f, head, room, 0) : -ENOMEM;
	if (*n < CLUSTER_BITS_OFFSET + 4)
		return head;
	bits = qcow2_be32(head + CLUSTER_BITS_OFFSET);
	if (bits > QCOW2_CLUSTER_BITS_MAX || 1ULL << bits <= room)
		return head;
	room = 1ULL << bits;
	whole = realloc(head, room);
	if (!whole)
		free(head);
	*n = whole ? disk_file_read_at(f, whole, room, 0) : -ENOMEM;
	return whole;
}

/*
 * A disk's end that a guest would not see is lost to it; and it would not be told. What is behind
 * another image is read in any pieces.
 */
static int check_size(const struct qcow2 *q, struct error *err)
{
	const struct disk_file *f = &q->image->file;
	unsigned block = q->image->block;

	if (q->image->above)
		return 0;
	if (!q->h.size)
		return fail(err, EINVAL, "it is empty");
	if (!(q->h.size % block))
		return 0;
	return fail(err, EINVAL,
		    "its size, %llu bytes, is no multiple of %u; make it larger with: qemu-img "
		    "resize %s %llu%s",
		    (unsigned long long)q->h.size, block, f->path,
		    (unsigned long long)align_up(q->h.size, block),
		    f->align > f->sector ? "; or leave out 'direct'" : "");
}

static int read_header(struct qcow2 *q, struct error *err)
{
	const struct disk_file *f = &q->image->file;
	ssize_t n;
	uint8_t *head = read_first_cluster(f, &n);
	int r;

	if (n < 0)
		r = fail(err, (int)-n, "reading its header failed: %s", strerror((int)-n));
	else
		r = qcow2_parse_header(&q->h, head, (size_t)n, f->size, err);
	free(head);
	if (!r && f->align > qcow2_cluster_size(&q->h))
		return fail(
			err, EINVAL,
			"its clusters of %llu bytes are smaller than the blocks of %u bytes that "
			"direct access wants; leave out 'direct'",
			(unsigned long long)qcow2_cluster_size(&q->h), f->align);
	return r;
}

/* Everything but what is behind the image. */
static int load(struct qcow2 *q, struct error *err)
{
	bool readonly = q->image->file.readonly;
	unsigned unit = q->image->file.align > QCOW2_SLICE ? q->image->file.align : QCOW2_SLICE;
	int r;

	q->slice = unit < qcow2_cluster_size(&q->h) ? unit : (unsigned)qcow2_cluster_size(&q->h);
	q->file_end = q->image->file.size;
	q->fresh_from = qcow2_clusters(&q->h, q->file_end);
	r = qcow2_cache_init(&q->l2_cache, readonly ? L2_SLICES_READONLY : L2_SLICES);
	r = r ? r : qcow2_table_load(q, &q->l1, q->h.l1_offset, q->h.l1_entries);
	if (!r && !readonly) {
		r = qcow2_cache_init(&q->block_cache, BLOCK_SLICES);
		r = r ? r
		      : qcow2_table_load(q, &q->refcounts, q->h.refcount_offset,
					 q->h.refcount_clusters << (q->h.cluster_bits - 3));
	}
	if (r)
		return fail(err, -r, "reading its tables failed: %s", strerror(-r));
	return readonly ? 0 : qcow2_check_writable(q, err);
}

char *qcow2_backing_path(const char *image, const char *name)
{
	const char *slash = strrchr(image, '/');
	size_t folder = *name == '/' || !slash ? 0 : (size_t)(slash - image) + 1;
	char *path = malloc(folder + strlen(name) + 1);

	if (!path)
		return NULL;
	memcpy(path, image, folder);
	memcpy(path + folder, name, strlen(name) + 1);
	return path;
}

static int choose_format(const struct qcow2_header *h, enum disk_format *format, struct error *err)
{
	if (!strcmp(h->backing_format, "qcow2"))
		*format = DISK_QCOW2;
	else if (!strcmp(h->backing_format, "raw"))
		*format = DISK_RAW;
	else if (*h->backing_format)
		return fail(err, ENOTSUP, "its backing file's format is '%s', not raw or qcow2",
			    h->backing_format);
	else
		return fail(err, EINVAL,
			    "it does not say what format its backing file %s has, and guessing is "
			    "not safe; say it with: qemu-img rebase -u -b %s -F raw|qcow2",
			    h->backing, h->backing);
	return 0;
}

/*
 * named: the error says already which image it is about.
 * The backing image is not direct: many machines share it, in the host's page cache.
 */
static int open_backing(struct qcow2 *q, bool *named, struct error *err)
{
	struct disk_options opt = {.format = DISK_RAW, .readonly = true};
	unsigned depth = 1;
	int r;

	for (const struct disk_image *i = q->image->above; i; i = i->above)
		depth++;
	if (depth > CHAIN_MAX)
		return fail(err, ELOOP, "more than %u images are behind each other", CHAIN_MAX);
	r = choose_format(&q->h, &opt.format, err);
	if (r)
		return r;
	q->backing_path = qcow2_backing_path(q->image->file.path, q->h.backing);
	if (!q->backing_path)
		return fail(err, ENOMEM, "out of memory");
	opt.path = q->backing_path;
	r = disk_image_open(&q->backing, &opt, q->image, err);
	*named = r;
	/* Not of each image between them: there may be many. */
	if (r && !q->image->above)
		error_prefix(err, "disk %s: an image behind it", q->image->file.path);
	return r;
}

static void release(struct qcow2 *q)
{
	disk_image_close(q->backing);
	free(q->backing_path);
	free(q->inflated.cluster);
	free(q->frees.clusters);
	free(q->l1.entries);
	free(q->refcounts.entries);
	qcow2_regions_free(&q->metadata);
	qcow2_cache_free(&q->l2_cache);
	qcow2_cache_free(&q->block_cache);
	pthread_cond_destroy(&q->released);
	pthread_mutex_destroy(&q->lock);
	pthread_mutex_destroy(&q->inflated.lock);
	disk_flushes_destroy(&q->flushes);
	free(q);
}

int qcow2_open(struct qcow2 **out, struct disk_image *image, struct error *err)
{
	struct qcow2 *q = calloc(1, sizeof(*q));
	bool named = false;
	int r;

	if (!q)
		return fail(err, ENOMEM, "disk %s: out of memory", image->file.path);
	q->image = image;
	disk_flushes_init(&q->flushes);
	pthread_mutex_init(&q->lock, NULL);
	pthread_mutex_init(&q->inflated.lock, NULL);
	pthread_cond_init(&q->released, NULL);
	r = read_header(q, err);
	r = r ? r : check_size(q, err);
	/* Before load(), which may write: then all of the chain is there. */
	if (!r && *q->h.backing)
		r = open_backing(q, &named, err);
	r = r ? r : load(q, err);
	if (r) {
		if (!named)
			error_prefix(err, "disk %s", image->file.path);
		release(q);
		return r;
	}
	*out = q;
	return 0;
}

int qcow2_close(struct qcow2 *q)
{
	int r = 0;

	/* The first commit may free something, which the second one writes. */
	if (!q->image->file.readonly) {
		r = qcow2_commit(q);
		r = r ? r : qcow2_commit(q);
		r = r ? r : disk_file_flush(&q->image->file);
	}
	release(q);
	return r;
}
