/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The header of a qcow2 image, and the extensions behind it: what is not within its limits, or
 * would read another way than this is written for, is an error that names it.
 */
#include <ctype.h>
#include <errno.h>

#include "qcow2_format.h"

#define HEADER_V2 72
#define HEADER_V3 104

#define KNOWN_FEATURES                                                                \
	(QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_EXTERNAL_DATA | QCOW2_COMPRESSION_TYPE | \
	 QCOW2_EXTENDED_L2)

#define EXTENSION_END		 0x00000000U
#define EXTENSION_BACKING_FORMAT 0xe2792acaU
#define EXTENSION_FEATURE_NAMES	 0x6803f857U

#define FEATURE_NAME_ENTRY 48
#define FEATURE_NAME_MAX   46

/* The first cluster, or what there is of it. */
struct head {
	const uint8_t *at;
	size_t n;
	uint64_t file_size;
};

static int check_version(struct qcow2_header *h, const struct head *head, struct error *err)
{
	if (head->n < HEADER_V2 || qcow2_be32(head->at) != QCOW2_MAGIC)
		return fail(err, EINVAL, "this is no qcow2 image: its first bytes are no header");
	h->version = qcow2_be32(head->at + 4);
	if (h->version != 2 && h->version != 3)
		return fail(err, ENOTSUP, "version is %u; 2 and 3 are supported", h->version);
	h->cluster_bits = qcow2_be32(head->at + 20);
	if (h->cluster_bits < QCOW2_CLUSTER_BITS_MIN || h->cluster_bits > QCOW2_CLUSTER_BITS_MAX)
		return fail(err, EINVAL, "cluster_bits is %u, not %u to %u", h->cluster_bits,
			    QCOW2_CLUSTER_BITS_MIN, QCOW2_CLUSTER_BITS_MAX);
	if (qcow2_be32(head->at + 32))
		return fail(err, ENOTSUP, "crypt_method is %u: encrypted images are not supported",
			    qcow2_be32(head->at + 32));
	return 0;
}

/* "Additional fields": what version 2 has no room for has the value that it always had. */
static int parse_v3(struct qcow2_header *h, const struct head *head, uint32_t *length,
		    struct error *err)
{
	uint8_t compression = 0;

	*length = HEADER_V2;
	h->refcount_order = 4;
	if (h->version < 3)
		return 0;
	*length = head->n < HEADER_V3 ? 0 : qcow2_be32(head->at + 100);
	if (*length < HEADER_V3 || *length % 8 || *length > head->n)
		return fail(err, EINVAL,
			    "header_length is %u, not %u or more within the first cluster", *length,
			    HEADER_V3);
	h->incompatible = qcow2_be64(head->at + QCOW2_INCOMPATIBLE_FEATURES);
	h->autoclear = qcow2_be64(head->at + QCOW2_AUTOCLEAR_FEATURES);
	h->refcount_order = qcow2_be32(head->at + 96);
	if (h->refcount_order > 6)
		return fail(err, EINVAL, "refcount_order is %u, more than 6", h->refcount_order);
	if (*length > HEADER_V3)
		compression = head->at[HEADER_V3];
	if (compression > QCOW2_ZSTD)
		return fail(err, ENOTSUP,
			    "compression_type is %u; 0 (deflate) and 1 (zstd) are known",
			    compression);
	if (!(h->incompatible & QCOW2_COMPRESSION_TYPE) != !compression)
		return fail(err, EINVAL,
			    "compression_type is %u, and its feature bit says otherwise",
			    compression);
	h->compression = compression;
	return 0;
}

/* Does a table of `bytes` bytes at `offset` begin with a cluster and end before `end`? */
static bool is_table(const struct qcow2_header *h, uint64_t end, uint64_t offset, uint64_t bytes)
{
	return offset && !qcow2_in_cluster(h, offset) && offset < end && bytes <= end - offset;
}

static int parse_l1(struct qcow2_header *h, const struct head *head, struct error *err)
{
	uint64_t needed;

	h->size = qcow2_be64(head->at + 24);
	h->l1_entries = qcow2_be32(head->at + 36);
	h->l1_offset = qcow2_be64(head->at + 40);
	if (h->size % 512 || h->size > INT64_MAX)
		return fail(err, EINVAL, "size is %llu bytes, not whole sectors of 512 below 2^63",
			    (unsigned long long)h->size);
	if (h->l1_entries * 8 > QCOW2_L1_BYTES_MAX)
		return fail(err, EINVAL, "l1_size is %llu entries, more than %llu MiB",
			    (unsigned long long)h->l1_entries, QCOW2_L1_BYTES_MAX / MIB);
	needed = h->size ? qcow2_l1_index(h, h->size - 1) + 1 : 0;
	if (h->l1_entries < needed)
		return fail(err, EINVAL, "l1_size is %llu entries; a disk of %llu bytes needs %llu",
			    (unsigned long long)h->l1_entries, (unsigned long long)h->size,
			    (unsigned long long)needed);
	if (h->l1_entries && !is_table(h, head->file_size, h->l1_offset, h->l1_entries * 8))
		return fail(err, EINVAL,
			    "l1_table_offset is %#llx: no table of %llu entries fits there in a "
			    "file of "
			    "%llu bytes; was it copied whole?",
			    (unsigned long long)h->l1_offset, (unsigned long long)h->l1_entries,
			    (unsigned long long)head->file_size);
	return 0;
}

static int parse_refcounts(struct qcow2_header *h, const struct head *head, struct error *err)
{
	/* The last cluster of a file need not be whole. */
	uint64_t end = qcow2_clusters(h, head->file_size) << h->cluster_bits;

	h->refcount_offset = qcow2_be64(head->at + QCOW2_REFCOUNT_TABLE_OFFSET);
	h->refcount_clusters = qcow2_be32(head->at + 56);
	h->snapshots = qcow2_be32(head->at + 60);
	h->snapshots_offset = qcow2_be64(head->at + 64);
	if (!h->refcount_clusters ||
	    h->refcount_clusters > QCOW2_REFCOUNT_BYTES_MAX >> h->cluster_bits)
		return fail(err, EINVAL, "refcount_table_clusters is %llu, not 1 to %llu",
			    (unsigned long long)h->refcount_clusters,
			    QCOW2_REFCOUNT_BYTES_MAX >> h->cluster_bits);
	if (!is_table(h, end, h->refcount_offset, h->refcount_clusters << h->cluster_bits))
		return fail(
			err, EINVAL,
			"refcount_table_offset is %#llx: no table of %llu clusters fits there in a "
			"file of %llu bytes; was it copied whole?",
			(unsigned long long)h->refcount_offset,
			(unsigned long long)h->refcount_clusters,
			(unsigned long long)head->file_size);
	if (h->snapshots > QCOW2_SNAPSHOTS_MAX)
		return fail(err, EINVAL, "nb_snapshots is %u, more than %u", h->snapshots,
			    QCOW2_SNAPSHOTS_MAX);
	if (h->snapshots && !is_table(h, head->file_size, h->snapshots_offset,
				      (uint64_t)h->snapshots * QCOW2_SNAPSHOT_FIXED))
		return fail(err, EINVAL, "snapshots_offset is %#llx, not a cluster of the file",
			    (unsigned long long)h->snapshots_offset);
	return 0;
}

static int parse_backing_name(struct qcow2_header *h, const struct head *head, struct error *err)
{
	uint64_t offset = qcow2_be64(head->at + 8);
	uint32_t size = qcow2_be32(head->at + 16);

	h->backing[0] = '\0';
	if (!offset)
		return 0;
	if (!size || size > QCOW2_BACKING_NAME_MAX)
		return fail(err, EINVAL, "backing_file_size is %u, not 1 to %u", size,
			    QCOW2_BACKING_NAME_MAX);
	if (offset > head->n || size > head->n - offset)
		return fail(err, EINVAL,
			    "backing_file_offset is %#llx, not within the first cluster",
			    (unsigned long long)offset);
	memcpy(h->backing, head->at + offset, size);
	h->backing[size] = '\0';
	if (strlen(h->backing) != size)
		return fail(err, EINVAL, "the name of the backing file has a NUL in it");
	return 0;
}

static int parse_backing_format(struct qcow2_header *h, const uint8_t *data, uint32_t length,
				struct error *err)
{
	if (length > QCOW2_FORMAT_NAME_MAX)
		return fail(err, EINVAL, "the name of the backing file's format has %u bytes",
			    length);
	memcpy(h->backing_format, data, length);
	h->backing_format[length] = '\0';
	return 0;
}

/* "Feature name table": the name of incompatible feature `bit`, of printable characters. */
static void find_feature_name(const uint8_t *data, uint32_t length, unsigned bit,
			      char name[FEATURE_NAME_MAX + 1])
{
	for (; length >= FEATURE_NAME_ENTRY;
	     data += FEATURE_NAME_ENTRY, length -= FEATURE_NAME_ENTRY) {
		if (data[0] != 0 || data[1] != bit)
			continue;
		memcpy(name, data + 2, FEATURE_NAME_MAX);
		name[FEATURE_NAME_MAX] = '\0';
		for (char *c = name; *c; c++)
			if (!isprint((unsigned char)*c))
				*c = '?';
	}
}

/* "Header extensions"; unknown: the number of the feature whose name to look for, or none. */
static int parse_extensions(struct qcow2_header *h, const struct head *head, size_t at, int unknown,
			    char name[FEATURE_NAME_MAX + 1], struct error *err)
{
	uint32_t type, length;
	int r = 0;

	while (!r && head->n - at >= 8) {
		type = qcow2_be32(head->at + at);
		length = qcow2_be32(head->at + at + 4);
		at += 8;
		if (type == EXTENSION_END)
			break;
		if (length > head->n - at)
			return fail(
				err, EINVAL,
				"header extension %#x has %u bytes and leaves the first cluster",
				type, length);
		if (type == EXTENSION_BACKING_FORMAT)
			r = parse_backing_format(h, head->at + at, length, err);
		if (type == EXTENSION_FEATURE_NAMES && unknown >= 0)
			find_feature_name(head->at + at, length, (unsigned)unknown, name);
		at += align_up(length, 8);
		if (at > head->n)
			break;
	}
	return r;
}

static int check_features(const struct qcow2_header *h, int unknown, const char *name,
			  struct error *err)
{
	if (unknown >= 0)
		return fail(err, ENOTSUP, "incompatible feature %d%s%s%s is not known here",
			    unknown, *name ? " ('" : "", name, *name ? "')" : "");
	if (h->incompatible & QCOW2_EXTERNAL_DATA)
		return fail(err, ENOTSUP,
			    "its data is in another file (external data file), which is "
			    "not supported; convert it with: qemu-img convert -O qcow2");
	if (h->incompatible & QCOW2_EXTENDED_L2)
		return fail(err, ENOTSUP,
			    "it has extended L2 entries (subclusters), which are not "
			    "supported; convert it with: qemu-img convert -O qcow2");
	return 0;
}

int qcow2_parse_header(struct qcow2_header *h, const uint8_t *bytes, size_t n, uint64_t file_size,
		       struct error *err)
{
	struct head head = {bytes, n, file_size};
	char name[FEATURE_NAME_MAX + 1] = "";
	uint32_t length;
	uint64_t unknown_bits;
	int unknown, r;

	memset(h, 0, sizeof(*h));
	r = check_version(h, &head, err);
	if (r)
		return r;
	if (head.n > qcow2_cluster_size(h))
		head.n = qcow2_cluster_size(h);
	r = parse_v3(h, &head, &length, err);
	if (r)
		return r;
	unknown_bits = h->incompatible & ~KNOWN_FEATURES;
	unknown = unknown_bits ? __builtin_ctzll(unknown_bits) : -1;
	r = parse_extensions(h, &head, length, unknown, name, err);
	r = r ? r : check_features(h, unknown, name, err);
	r = r ? r : parse_l1(h, &head, err);
	r = r ? r : parse_refcounts(h, &head, err);
	return r ? r : parse_backing_name(h, &head, err);
}
