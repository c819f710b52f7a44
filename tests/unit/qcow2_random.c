/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * qcow2: random operations do to an image what they do to a flat disk, however often it is opened
 * anew, and leave an image that QEMU finds sound and reads the same from.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2_model.h"

#define DISK (6 * MIB)

static void run(struct images *i, struct disk_model *m, uint64_t seed, unsigned n)
{
	uint64_t longest = m->cluster * 5 < MIB ? m->cluster * 5 : MIB;
	struct disk_image *image = image_open(i->path, false);
	struct op o;

	cr_assert_eq(image->size, m->size);
	for (unsigned k = 0; k < n; k++) {
		if (k % 64 == 63) {
			image_close(image);
			image = image_open(i->path, false);
		}
		o = op_random(&seed, m->size, longest);
		op_model(&o, m);
		op_do(&o, image, m);
	}
	image_close(image);
}

static void compare(struct images *i, const struct disk_model *m)
{
	struct disk_image *image = image_open(i->path, true);
	uint8_t *bytes = malloc(m->size);

	cr_assert_eq(image_read(image, bytes, 0, m->size), 0);
	cr_assert(!memcmp(bytes, m->bytes, m->size), "what we read");
	image_close(image);
	free(bytes);
	cr_assert_eq(images_check(i, "image.qcow2"), 0);
	bytes = images_convert(i, "image.qcow2", m->size);
	cr_assert(!memcmp(bytes, m->bytes, m->size), "what QEMU reads");
	free(bytes);
}

static void try(const char *create, uint64_t cluster, uint64_t seed, unsigned n)
{
	struct disk_model m = {calloc(1, DISK), DISK, cluster, false};
	struct images i;

	images_make(&i, create);
	run(&i, &m, seed, n);
	compare(&i, &m);
	images_remove(&i);
	free(m.bytes);
}

Test(qcow2_random, clusters_of_64k)
{
	try("image.qcow2 6M", 64 * KIB, 1, 600);
}

/* The smallest clusters have the most tables: L2 tables, refcount blocks, and a table that grows.
 */
Test(qcow2_random, clusters_of_512)
{
	try("-o cluster_size=512 image.qcow2 6M", 512, 2, 4000);
}

Test(qcow2_random, counts_of_64_bits)
{
	try("-o cluster_size=512,refcount_bits=64 image.qcow2 6M", 512, 3, 4000);
}

Test(qcow2_random, counts_of_one_bit)
{
	try("-o cluster_size=4k,refcount_bits=1 image.qcow2 6M", 4 * KIB, 4, 1000);
}

Test(qcow2_random, clusters_of_2m)
{
	try("-o cluster_size=2M image.qcow2 6M", 2 * MIB, 5, 200);
}

Test(qcow2_random, version_2)
{
	try("-o compat=0.10,cluster_size=4k image.qcow2 6M", 4 * KIB, 6, 1000);
}

Test(qcow2_random, preallocated)
{
	try("-o preallocation=metadata,cluster_size=4k image.qcow2 6M", 4 * KIB, 7, 1000);
}

/* ---- with something behind ------------------------------------------------------------------- */

/* A backing image that is smaller than the disk; what it has is also the model's. */
static void put_backing(struct images *i, struct disk_model *m, uint64_t size)
{
	uint64_t state = 99;

	for (uint64_t at = 0; at < size; at += 8)
		memcpy(m->bytes + at, &(uint64_t){random_next(&state)}, 8);
	images_put(i, "base.raw", m->bytes, size);
}

static void try_backing(const char *commands, bool keeps_discarded, uint64_t seed)
{
	struct disk_model m = {calloc(1, DISK), DISK, 4 * KIB, keeps_discarded};
	struct images i;

	images_make(&i, NULL);
	put_backing(&i, &m, 3 * MIB + 512);
	folder_run(i.folder, commands);
	run(&i, &m, seed, 1000);
	compare(&i, &m);
	images_remove(&i);
	free(m.bytes);
}

Test(qcow2_random, over_raw)
{
	try_backing("qemu-img create -q -f qcow2 -o cluster_size=4k -b base.raw -F raw "
		    "image.qcow2 6M",
		    false, 8);
}

Test(qcow2_random, version_2_over_raw)
{
	try_backing("qemu-img create -q -f qcow2 -o cluster_size=4k,compat=0.10 -b base.raw -F raw "
		    "image.qcow2 6M",
		    true, 9);
}

Test(qcow2_random, over_deflated)
{
	try_backing("qemu-img convert -c -f raw -O qcow2 base.raw base.qcow2 && "
		    "qemu-img create -q -f qcow2 -o cluster_size=4k -b base.qcow2 -F qcow2 "
		    "image.qcow2 6M",
		    false, 10);
}

/* Compressed clusters of the image itself, which share clusters of the file, are written to. */
Test(qcow2_random, deflated)
{
	try_backing("truncate -s 6M base.raw && qemu-img convert -c -f raw -O qcow2 "
		    "-o cluster_size=4k base.raw image.qcow2",
		    false, 11);
}

Test(qcow2_random, zstd)
{
	try_backing("truncate -s 6M base.raw && qemu-img convert -c -f raw -O qcow2 "
		    "-o cluster_size=4k,compression_type=zstd base.raw image.qcow2",
		    false, 12);
}

/* A snapshot keeps what it had, whatever is written after it. */
Test(qcow2_random, over_a_snapshot)
{
	struct disk_model m = {calloc(1, DISK), DISK, 4 * KIB, false};
	uint8_t *before = malloc(DISK);
	struct images i;

	images_make(&i, "-o cluster_size=4k image.qcow2 6M");
	run(&i, &m, 13, 500);
	memcpy(before, m.bytes, DISK);
	folder_run(i.folder, "qemu-img snapshot -c one image.qcow2");
	run(&i, &m, 14, 500);
	compare(&i, &m);
	folder_run(i.folder, "qemu-img snapshot -a one image.qcow2");
	memcpy(m.bytes, before, DISK);
	compare(&i, &m);
	folder_run(i.folder, "qemu-img snapshot -d one image.qcow2");
	run(&i, &m, 15, 500);
	compare(&i, &m);
	images_remove(&i);
	free(m.bytes);
	free(before);
}

/* ---- several at once ------------------------------------------------------------------------- */

#define THREADS 4

/* Each has sectors of its own in all clusters, and knows what must be there. */
struct writer {
	struct disk_image *image;
	uint8_t *sectors;
	unsigned index;
	int result;
};

static void *work(void *arg)
{
	struct writer *w = arg;
	uint64_t state = 100 + w->index, sector, at;
	uint8_t buf[DISK_SECTOR];

	for (unsigned k = 0; k < 2000 && !w->result; k++) {
		sector = random_next(&state) % (MIB / DISK_SECTOR / THREADS) * THREADS + w->index;
		at = sector * DISK_SECTOR;
		if (random_next(&state) % 8 == 0) {
			w->result = w->image->driver->write_zeroes(w->image, at, sizeof(buf), true);
			w->sectors[sector] = 0;
		} else if (random_next(&state) % 4) {
			w->sectors[sector] = (uint8_t)k;
			memset(buf, (uint8_t)k, sizeof(buf));
			w->result = image_write(w->image, buf, at, sizeof(buf));
		} else {
			w->result = image_read(w->image, buf, at, sizeof(buf));
			if (buf[0] != w->sectors[sector] || buf[511] != w->sectors[sector])
				w->result = 1;
		}
		if (k % 500 == 0)
			w->result = w->result ? w->result : w->image->driver->flush(w->image);
	}
	return NULL;
}

Test(qcow2_random, threads_in_the_same_clusters)
{
	static uint8_t sectors[MIB / DISK_SECTOR];
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	struct images i;

	images_make(&i, NULL);
	folder_run(i.folder, "truncate -s 1M base.raw && qemu-img convert -c -f raw -O qcow2 "
			     "-o cluster_size=4k base.raw image.qcow2");
	writers[0] = (struct writer){image_open(i.path, false), sectors, 0, 0};
	for (unsigned k = 0; k < THREADS; k++) {
		writers[k] = writers[0];
		writers[k].index = k;
		cr_assert_eq(pthread_create(&threads[k], NULL, work, &writers[k]), 0);
	}
	for (unsigned k = 0; k < THREADS; k++) {
		pthread_join(threads[k], NULL);
		cr_assert_eq(writers[k].result, 0, "%u: %d", k, writers[k].result);
	}
	image_close(writers[0].image);
	cr_assert_eq(images_check(&i, "image.qcow2"), 0);
	images_remove(&i);
}
