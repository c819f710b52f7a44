/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* qcow2: headers built by hand: each limit from both sides, and what is said about them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../../disk/qcow2_format.h"

#define FILE_SIZE (1 * MIB)

/* A header, and room for its cluster. */
static uint8_t head[64 * KIB];
static struct qcow2_header h;
static struct error err;

static void put32(unsigned at, uint32_t x)
{
	qcow2_put_be32(head + at, x);
}

static void put64(unsigned at, uint64_t x)
{
	qcow2_put_be64(head + at, x);
}

/* 4 MiB in clusters of 64 KiB: L1 table in the third cluster, refcount table in the second. */
static void good(unsigned version)
{
	memset(head, 0, sizeof(head));
	put32(0, QCOW2_MAGIC);
	put32(4, version);
	put32(20, 16);
	put64(24, 4 * MIB);
	put32(36, 1);
	put64(40, 2 * 64 * KIB);
	put64(48, 64 * KIB);
	put32(56, 1);
	if (version < 3)
		return;
	put32(96, 4);
	put32(100, 112);
}

static int parse(void)
{
	err.text[0] = '\0';
	return qcow2_parse_header(&h, head, sizeof(head), FILE_SIZE, &err);
}

/* A 32-bit field: the value in range is taken, the one out of it refused with these words. */
static void limit32(unsigned at, uint32_t in, uint32_t out, const char *words)
{
	good(3);
	put32(at, in);
	cr_expect_eq(parse(), 0, "%u at %u: %s", in, at, err.text);
	put32(at, out);
	cr_expect_lt(parse(), 0, "%u at %u", out, at);
	cr_expect(strstr(err.text, words), "%s", err.text);
}

static void limit64(unsigned at, uint64_t in, uint64_t out, const char *words)
{
	good(3);
	put64(at, in);
	cr_expect_eq(parse(), 0, "%#llx at %u: %s", (long long)in, at, err.text);
	put64(at, out);
	cr_expect_lt(parse(), 0, "%#llx at %u", (long long)out, at);
	cr_expect(strstr(err.text, words), "%s", err.text);
}

Test(qcow2_header, both_versions)
{
	good(2);
	cr_assert_eq(parse(), 0, "%s", err.text);
	cr_assert_eq(h.refcount_order, 4);
	cr_assert_eq(h.size, 4 * MIB);
	cr_assert_eq(h.l1_entries, 1);
	cr_assert_eq(h.l1_offset, 2 * 64 * KIB);
	cr_assert_eq(h.refcount_offset, 64 * KIB);
	good(3);
	put32(96, 6);
	put64(88, 1);
	cr_assert_eq(parse(), 0, "%s", err.text);
	cr_assert_eq(h.refcount_order, 6);
	cr_assert_eq(h.autoclear, 1);
}

/* What version 2 has behind its header is not version 3's fields. */
Test(qcow2_header, version_2_has_no_features)
{
	good(2);
	memset(head + 72 + 8, 0xff, 32);
	cr_assert_eq(parse(), 0, "%s", err.text);
	cr_assert_eq(h.incompatible, 0);
	cr_assert_eq(h.autoclear, 0);
}

Test(qcow2_header, limits)
{
	limit32(0, QCOW2_MAGIC, QCOW2_MAGIC + 1, "no qcow2 image");
	limit32(4, 3, 4, "version is 4");
	limit32(4, 2, 1, "version is 1");
	limit32(32, 0, 1, "encrypted");
	limit32(36, 1, 0, "needs 1");
	limit32(36, 2, 4194305, "l1_size");
	limit32(56, 1, 0, "refcount_table_clusters is 0");
	limit32(56, 15, 16, "refcount_table_offset");
	limit32(56, 15, 129, "refcount_table_clusters is 129");
	limit32(60, 0, 65537, "nb_snapshots is 65537");
	limit32(96, 6, 7, "refcount_order is 7");
	limit32(100, 104, 96, "header_length is 96");
	limit32(100, 104, 108, "header_length is 108");
	limit32(100, 64 * KIB, 64 * KIB + 8, "header_length");
	limit64(24, 512 * MIB, 512 * MIB + 512, "needs 2");
	limit64(24, 4 * MIB, 4 * MIB + 1, "whole sectors");
	limit64(24, 0, 1ULL << 63, "size is");
	limit64(40, FILE_SIZE - 64 * KIB, FILE_SIZE, "l1_table_offset");
	limit64(40, 64 * KIB, 0, "l1_table_offset is 0");
	limit64(40, 64 * KIB, 64 * KIB + 512, "l1_table_offset is 0x10200");
	limit64(40, 64 * KIB, -(64 * KIB), "l1_table_offset");
	limit64(48, FILE_SIZE - 64 * KIB, FILE_SIZE, "refcount_table_offset");
	limit64(48, 64 * KIB, 64 * KIB - 1, "refcount_table_offset");
}

Test(qcow2_header, cluster_sizes)
{
	for (unsigned bits = 0; bits < 64; bits++) {
		good(3);
		put32(20, bits);
		put64(24, 0);
		put64(40, 0);
		put32(36, 0);
		put64(48, 2 * MIB);
		cr_expect_eq(qcow2_parse_header(&h, head, sizeof(head), 8 * MIB, &err),
			     bits >= 9 && bits <= 21 ? 0 : -EINVAL, "%u", bits);
	}
}

Test(qcow2_header, snapshots_lie_in_the_file)
{
	good(3);
	put32(60, 2);
	put64(64, FILE_SIZE - 64 * KIB);
	cr_assert_eq(parse(), 0, "%s", err.text);
	put32(60, 1639);
	cr_assert_eq(parse(), -EINVAL);
	put32(60, 1);
	put64(64, FILE_SIZE);
	cr_assert_eq(parse(), -EINVAL);
	cr_assert(strstr(err.text, "snapshots_offset is 0x100000"), "%s", err.text);
}

/* However little of it there is. */
Test(qcow2_header, cut_short)
{
	good(3);
	for (size_t n = 0; n < 112; n++)
		cr_expect_lt(qcow2_parse_header(&h, head, n, n, &err), 0, "%zu", n);
}

/* ---- features -------------------------------------------------------------------------------- */

static void expect_refused(uint64_t features, const char *words)
{
	put64(QCOW2_INCOMPATIBLE_FEATURES, features);
	cr_expect_eq(parse(), -ENOTSUP, "%#llx", (long long)features);
	cr_expect(strstr(err.text, words), "%s", err.text);
}

Test(qcow2_header, features)
{
	good(3);
	put64(QCOW2_INCOMPATIBLE_FEATURES, QCOW2_DIRTY | QCOW2_CORRUPT);
	cr_assert_eq(parse(), 0, "%s", err.text);
	cr_assert_eq(h.incompatible, QCOW2_DIRTY | QCOW2_CORRUPT);
	expect_refused(QCOW2_EXTERNAL_DATA, "external data file");
	expect_refused(QCOW2_EXTENDED_L2, "extended L2");
	expect_refused(1ULL << 5, "incompatible feature 5 is not known");
	expect_refused(1ULL << 63, "incompatible feature 63 is not known");
}

/* "Feature name table": a name that can't do more to a terminal than be read. */
Test(qcow2_header, unknown_features_have_names)
{
	good(3);
	put32(112, 0x6803f857);
	put32(116, 48);
	head[121] = 7;
	memcpy(head + 122, "time\033travel", 11);
	expect_refused(1ULL << 7, "incompatible feature 7 ('time?travel')");
	head[120] = 1; /* a compatible one's */
	expect_refused(1ULL << 7, "incompatible feature 7 is");
}

Test(qcow2_header, compression)
{
	good(3);
	head[104] = 1;
	cr_assert_eq(parse(), -EINVAL);
	put64(QCOW2_INCOMPATIBLE_FEATURES, QCOW2_COMPRESSION_TYPE);
	cr_assert_eq(parse(), 0, "%s", err.text);
	cr_assert_eq(h.compression, QCOW2_ZSTD);
	head[104] = 0;
	cr_assert_eq(parse(), -EINVAL);
	head[104] = 2;
	cr_assert_eq(parse(), -ENOTSUP);
	cr_assert(strstr(err.text, "compression_type is 2"), "%s", err.text);
	put32(100, 104);
	cr_assert_eq(parse(), -EINVAL, "without the field");
}

/* ---- extensions and the backing file --------------------------------------------------------- */

static void put_extension(unsigned at, uint32_t type, uint32_t length, const char *data)
{
	put32(at, type);
	put32(at + 4, length);
	memcpy(head + at + 8, data, strlen(data));
}

Test(qcow2_header, backing_file)
{
	good(3);
	put_extension(112, 0x12345678, 5, "other");
	put_extension(128, 0xe2792aca, 5, "qcow2");
	put64(8, 512);
	put32(16, 4);
	memcpy(head + 512, "base", 4);
	cr_assert_eq(parse(), 0, "%s", err.text);
	cr_assert_str_eq(h.backing, "base");
	cr_assert_str_eq(h.backing_format, "qcow2");
	put32(16, 5);
	cr_assert_eq(parse(), -EINVAL);
	cr_assert(strstr(err.text, "NUL"), "%s", err.text);
	put32(16, 1024);
	cr_assert_eq(parse(), -EINVAL);
	put32(16, 0);
	cr_assert_eq(parse(), -EINVAL);
	put32(16, 4);
	put64(8, 64 * KIB - 3);
	cr_assert_eq(parse(), -EINVAL);
	put64(8, UINT64_MAX);
	cr_assert_eq(parse(), -EINVAL);
	cr_assert(strstr(err.text, "backing_file_offset"), "%s", err.text);
}

Test(qcow2_header, extensions_stay_in_the_cluster)
{
	good(3);
	put32(112, 0x12345678);
	put32(116, 64 * KIB - 120);
	cr_assert_eq(parse(), 0, "%s", err.text);
	put32(116, 64 * KIB - 119);
	cr_assert_eq(parse(), -EINVAL);
	put32(116, UINT32_MAX);
	cr_assert_eq(parse(), -EINVAL);
	cr_assert(strstr(err.text, "header extension 0x12345678"), "%s", err.text);
	put_extension(112, 0xe2792aca, 16, "a_format_of_them");
	cr_assert_eq(parse(), -EINVAL);
	cr_assert(strstr(err.text, "format has 16 bytes"), "%s", err.text);
}
