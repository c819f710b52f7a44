/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* qcow2: entries of all tables, bit by bit; and the set of places that hold metadata. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../../disk/qcow2_format.h"
#include "../../disk/qcow2_regions.h"

#define END (1 * GIB)

static const struct qcow2_header v2 = {.version = 2, .cluster_bits = 16, .refcount_order = 4};
static const struct qcow2_header v3 = {.version = 3, .cluster_bits = 16, .refcount_order = 4};

static void expect_l2(const struct qcow2_header *h, uint64_t entry, enum qcow2_kind kind,
		      uint64_t host, bool copied)
{
	struct qcow2_cluster c;

	cr_expect(qcow2_decode_l2(h, END, entry, &c), "%#llx", (long long)entry);
	cr_expect_eq(c.kind, kind, "%#llx", (long long)entry);
	cr_expect_eq(c.host, host, "%#llx", (long long)entry);
	cr_expect_eq(c.copied, copied, "%#llx", (long long)entry);
}

Test(qcow2_entry, standard_clusters)
{
	expect_l2(&v3, 0, QCOW2_KIND_HOLE, 0, false);
	expect_l2(&v3, QCOW2_ZERO, QCOW2_KIND_ZERO, 0, false);
	expect_l2(&v3, 0x50000 | QCOW2_ZERO | QCOW2_COPIED, QCOW2_KIND_ZERO, 0x50000, true);
	expect_l2(&v3, 0x50000, QCOW2_KIND_DATA, 0x50000, false);
	expect_l2(&v2, 0x50000 | QCOW2_COPIED, QCOW2_KIND_DATA, 0x50000, true);
	expect_l2(&v3, END - 0x10000, QCOW2_KIND_DATA, END - 0x10000, false);
}

Test(qcow2_entry, what_no_writer_left)
{
	const struct qcow2_header *h = &v3;
	struct qcow2_cluster c;

	cr_expect(!qcow2_decode_l2(h, END, QCOW2_COPIED, &c), "no cluster, and a flag for it");
	cr_expect(!qcow2_decode_l2(&v2, END, QCOW2_ZERO, &c), "version 2 has no zero clusters");
	cr_expect(!qcow2_decode_l2(h, END, 0x50200, &c), "not aligned");
	cr_expect(!qcow2_decode_l2(h, END, END, &c), "behind the file");
	cr_expect(!qcow2_decode_l2(h, END, QCOW2_OFFSET & ~0xffffULL, &c), "far behind the file");
	for (unsigned bit = 1; bit < 9; bit++)
		cr_expect(!qcow2_decode_l2(h, END, 0x50000 | 1ULL << bit, &c), "%u", bit);
	for (unsigned bit = 56; bit < 62; bit++)
		cr_expect(!qcow2_decode_l2(h, END, 0x50000 | 1ULL << bit, &c), "%u", bit);
}

/* x = 62 - (cluster_bits - 8): bits 54 to 61 are sectors beyond the first one. */
Test(qcow2_entry, compressed_clusters)
{
	struct qcow2_cluster c;

	expect_l2(&v3, QCOW2_COMPRESSED | 0x50123, QCOW2_KIND_COMPRESSED, 0x50123, false);
	cr_assert(qcow2_decode_l2(&v3, END, QCOW2_COMPRESSED | 0x50123, &c));
	cr_assert_eq(c.length, 512 - 0x123);
	cr_assert(qcow2_decode_l2(&v3, END, QCOW2_COMPRESSED | 255ULL << 54 | 0x50000, &c));
	cr_assert_eq(c.length, 256 * 512);
	cr_assert(qcow2_decode_l2(&v3, END, QCOW2_COMPRESSED | 255ULL << 54 | (END - 1), &c));
	cr_assert_eq(c.length, 1, "up to the file's end");
	cr_assert(!qcow2_decode_l2(&v3, END, QCOW2_COMPRESSED | END, &c));
	cr_assert(!qcow2_decode_l2(&v3, END, QCOW2_COMPRESSED | QCOW2_COPIED | 0x50000, &c));
}

/* Clusters of 512 bytes have offsets of 61 bits here, of which 56 may be used. */
Test(qcow2_entry, compressed_small_clusters)
{
	struct qcow2_header h = {.version = 3, .cluster_bits = 9};
	struct qcow2_cluster c;

	cr_assert(qcow2_decode_l2(&h, UINT64_MAX, QCOW2_COMPRESSED | 1ULL << 61 | 0x400, &c));
	cr_assert_eq(c.host, 0x400);
	cr_assert_eq(c.length, 1024);
	cr_assert(!qcow2_decode_l2(&h, UINT64_MAX, QCOW2_COMPRESSED | 1ULL << 56, &c));
	cr_assert(qcow2_decode_l2(&h, UINT64_MAX, QCOW2_COMPRESSED | ((1ULL << 56) - 1), &c));
}

Test(qcow2_entry, tables)
{
	uint64_t at;

	cr_assert(qcow2_decode_l1(&v3, END, 0x50000 | QCOW2_COPIED, &at));
	cr_assert_eq(at, 0x50000);
	cr_assert(qcow2_decode_l1(&v3, END, 0, &at));
	cr_assert_eq(at, 0);
	cr_assert(!qcow2_decode_l1(&v3, END, QCOW2_COPIED, &at));
	cr_assert(!qcow2_decode_l1(&v3, END, 0x50000 | 1, &at));
	cr_assert(!qcow2_decode_l1(&v3, END, 0x50000 | 1ULL << 62, &at));
	cr_assert(!qcow2_decode_l1(&v3, END, 0x50200, &at));
	cr_assert(!qcow2_decode_l1(&v3, END, END, &at));
	cr_assert(qcow2_decode_refcount(&v3, END, 0x50000, &at));
	cr_assert(qcow2_decode_refcount(&v3, END, 0, &at));
	cr_assert(!qcow2_decode_refcount(&v3, END, 0x50001, &at));
	cr_assert(!qcow2_decode_refcount(&v3, END, 0x50200, &at));
	cr_assert(!qcow2_decode_refcount(&v3, END, 1ULL << 63, &at));
}

/* Of each width all counts are read as they were written, and no other one changes. */
Test(qcow2_entry, counts_of_all_widths)
{
	uint8_t block[512];

	for (unsigned order = 0; order <= 6; order++) {
		uint64_t all = order == 6 ? UINT64_MAX : (1ULL << (1U << order)) - 1;
		uint64_t n = sizeof(block) * 8 >> order;

		memset(block, 0, sizeof(block));
		for (uint64_t i = 0; i < n; i++)
			qcow2_set_count(block, order, i, (i * 0x9e3779b97f4a7c15ULL) & all);
		for (uint64_t i = 0; i < n; i++)
			cr_expect_eq(qcow2_get_count(block, order, i),
				     (i * 0x9e3779b97f4a7c15ULL) & all, "order %u, %llu", order,
				     (long long)i);
	}
}

/* "bit 0 means the least significant bit": of a byte; larger ones are big-endian. */
Test(qcow2_entry, counts_as_the_file_has_them)
{
	uint8_t block[16] = {0};

	qcow2_set_count(block, 0, 1, 1);
	cr_assert_eq(block[0], 0x02);
	qcow2_set_count(block, 2, 3, 5);
	cr_assert_eq(block[1], 0x50);
	qcow2_set_count(block, 4, 1, 0x1234);
	cr_assert_eq(block[2], 0x12);
	cr_assert_eq(block[3], 0x34);
	qcow2_set_count(block, 6, 1, 1);
	cr_assert_eq(block[15], 1);
}

Test(qcow2_entry, snapshots)
{
	uint8_t fixed[QCOW2_SNAPSHOT_FIXED] = {0};
	struct range l1;
	uint64_t length;

	qcow2_put_be64(fixed, 0x50000);
	qcow2_put_be32(fixed + 8, 3);
	fixed[13] = 1;
	fixed[15] = 4;
	qcow2_put_be32(fixed + 36, 16);
	cr_assert(qcow2_decode_snapshot(&v3, END, fixed, &l1, &length));
	cr_assert_eq(l1.base, 0x50000);
	cr_assert_eq(l1.size, 24);
	cr_assert_eq(length, 64, "61 rounded up");
	qcow2_put_be32(fixed + 36, UINT32_MAX);
	cr_assert(qcow2_decode_snapshot(&v3, END, fixed, &l1, &length));
	cr_assert_gt(length, UINT32_MAX, "not wrapped");
	qcow2_put_be32(fixed + 8, UINT32_MAX);
	cr_assert(!qcow2_decode_snapshot(&v3, END, fixed, &l1, &length));
	qcow2_put_be32(fixed + 8, 1);
	qcow2_put_be64(fixed, END);
	cr_assert(!qcow2_decode_snapshot(&v3, END, fixed, &l1, &length));
}

Test(qcow2_entry, regions)
{
	struct qcow2_regions s = {0};
	struct range clash;

	cr_assert(!qcow2_regions_touch(&s, (struct range){0, 1}));
	cr_assert_eq(qcow2_regions_gather(&s, (struct range){8, 2}), 0);
	cr_assert_eq(qcow2_regions_gather(&s, (struct range){0, 1}), 0);
	cr_assert_eq(qcow2_regions_gather(&s, (struct range){4, 4}), 0);
	cr_assert_eq(qcow2_regions_seal(&s, &clash), 0);
	cr_assert(qcow2_regions_touch(&s, (struct range){7, 1}));
	cr_assert(qcow2_regions_touch(&s, (struct range){1, 9}));
	cr_assert(!qcow2_regions_touch(&s, (struct range){1, 3}));
	cr_assert(!qcow2_regions_touch(&s, (struct range){10, 100}));
	cr_assert_eq(qcow2_regions_add(&s, (struct range){2, 1}), 0);
	cr_assert(qcow2_regions_touch(&s, (struct range){2, 1}));
	qcow2_regions_remove(&s, (struct range){4, 4});
	cr_assert(!qcow2_regions_touch(&s, (struct range){3, 5}));
	cr_assert(qcow2_regions_touch(&s, (struct range){8, 1}));
	cr_assert_eq(qcow2_regions_gather(&s, (struct range){9, 5}), 0);
	cr_assert_eq(qcow2_regions_seal(&s, &clash), -EEXIST);
	cr_assert_eq(clash.base, 9);
	qcow2_regions_free(&s);
}
