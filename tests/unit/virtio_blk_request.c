/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Requests of block devices, in buffers that are cut in every way. */
#include <criterion/criterion.h>
#include <linux/virtio_blk.h>
#include <string.h>

#include "../../virtio/blk_request.h"

#define SECTORS 64

/* A chain of readable and writable bytes, and what they look like to the device. */
struct made {
	uint8_t out[2048], in[2048];
	struct iovec iov[64];
	struct virtq_chain chain;
};

static const struct blk_limits limits = {
	.disk = {.size = SECTORS * 512, .block = 512}, .discard = true, .write_zeroes = true};

static void header(struct made *m, uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = {.type = type, .sector = sector};

	memset(m, 0, sizeof(*m));
	memcpy(m->out, &h, sizeof(h));
}

static void cut(struct made *m, uint8_t *bytes, size_t n, size_t piece, unsigned *count)
{
	size_t at, len;

	for (at = 0; at < n; at += len) {
		len = n - at < piece ? n - at : piece;
		m->iov[m->chain.n_out + m->chain.n_in] = (struct iovec){bytes + at, len};
		*count += 1;
	}
}

static bool parse(struct made *m, size_t out, size_t in, size_t piece, const struct blk_limits *l,
		  struct blk_request *r)
{
	m->chain = (struct virtq_chain){
		.iov = m->iov, .room = ARRAY_SIZE(m->iov), .out_bytes = out, .in_bytes = in};
	cut(m, m->out, out, piece, &m->chain.n_out);
	cut(m, m->in, in, piece, &m->chain.n_in);
	return blk_parse(&m->chain, l, r);
}

static uint8_t answer_to(struct made *m, size_t out, size_t in)
{
	struct blk_request r;

	cr_assert(parse(m, out, in, 4096, &limits, &r));
	cr_assert_eq(r.action, BLK_ANSWER);
	cr_assert_eq(r.answer, m->in + in - 1);
	return r.status;
}

static size_t data_is(const struct blk_request *r, const uint8_t *bytes)
{
	size_t total = 0;
	unsigned i;

	for (i = 0; i < r->n_data; i++) {
		cr_assert_eq(r->data[i].iov_base, bytes + total);
		total += r->data[i].iov_len;
	}
	return total;
}

/* 2.7.4.1: a device makes no assumptions on how messages are cut into buffers. */
Test(virtio_blk_request, any_framing_is_the_same_request)
{
	struct blk_request r;
	struct made m;
	size_t piece;

	for (piece = 33; piece < 1100; piece++) {
		header(&m, VIRTIO_BLK_T_OUT, 3);
		cr_assert(parse(&m, 16 + 1024, 1, piece, &limits, &r));
		cr_assert(r.action == BLK_DISK && r.op == DISK_WRITE && !r.to_guest);
		cr_assert(r.offset == 3 * 512 && r.length == 1024);
		cr_assert_eq(data_is(&r, m.out + 16), 1024);
		cr_assert_eq(r.answer, m.in);
		cr_assert_eq(blk_written(&r, &m.chain, VIRTIO_BLK_S_OK), 1);
		header(&m, VIRTIO_BLK_T_IN, 62);
		cr_assert(parse(&m, 16, 1025, piece, &limits, &r));
		cr_assert(r.action == BLK_DISK && r.op == DISK_READ && r.to_guest);
		cr_assert(r.offset == 62 * 512 && r.length == 1024);
		cr_assert_eq(data_is(&r, m.in), 1024);
		cr_assert_eq(r.answer, m.in + 1024);
		cr_assert_eq(blk_written(&r, &m.chain, VIRTIO_BLK_S_OK), 1025);
		cr_assert_eq(blk_written(&r, &m.chain, VIRTIO_BLK_S_IOERR), 0);
	}
}

Test(virtio_blk_request, a_header_in_single_bytes)
{
	struct blk_request r;
	struct made m;

	header(&m, VIRTIO_BLK_T_FLUSH, 0);
	cr_assert(parse(&m, 16, 1, 1, &limits, &r));
	cr_assert(r.action == BLK_DISK && r.op == DISK_FLUSH);
	header(&m, VIRTIO_BLK_T_GET_ID, 0);
	cr_assert(parse(&m, 16, 21, 1, &limits, &r));
	cr_assert(r.action == BLK_ID && r.length == 20 && r.answer == m.in + 20);
}

Test(virtio_blk_request, without_a_byte_for_the_status_there_is_no_answer)
{
	struct blk_request r;
	struct made m;

	header(&m, VIRTIO_BLK_T_IN, 0);
	cr_assert_not(parse(&m, 16, 0, 4096, &limits, &r));
	cr_assert_not(parse(&m, 0, 0, 4096, &limits, &r));
}

Test(virtio_blk_request, a_header_that_is_cut_short_is_an_error)
{
	struct made m;
	size_t n;

	for (n = 0; n < 16; n++) {
		header(&m, VIRTIO_BLK_T_FLUSH, 0);
		cr_assert_eq(answer_to(&m, n, 1), VIRTIO_BLK_S_IOERR);
	}
}

Test(virtio_blk_request, types_that_nobody_knows)
{
	static const uint32_t types[] = {2,  3,	 5,  6,	 7,	     9,		 10,
					 12, 14, 15, 16, 0x80000000, 0x80000001, UINT32_MAX};
	struct made m;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		header(&m, types[i], 0);
		cr_assert_eq(answer_to(&m, 16 + 512, 1), VIRTIO_BLK_S_UNSUPP, "%u", types[i]);
	}
}

Test(virtio_blk_request, places_that_the_disk_has_not)
{
	static const uint64_t sectors[] = {SECTORS,	     SECTORS - 1, 1ULL << 55,
					   (1ULL << 55) - 1, UINT64_MAX,  UINT64_MAX / 512 + 1};
	struct made m;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(sectors); i++) {
		header(&m, VIRTIO_BLK_T_OUT, sectors[i]);
		cr_assert_eq(answer_to(&m, 16 + 1024, 1), VIRTIO_BLK_S_IOERR);
		header(&m, VIRTIO_BLK_T_IN, sectors[i]);
		cr_assert_eq(answer_to(&m, 16, 1025), VIRTIO_BLK_S_IOERR);
	}
}

Test(virtio_blk_request, parts_of_blocks)
{
	struct blk_limits l = limits;
	struct blk_request r;
	struct made m;

	header(&m, VIRTIO_BLK_T_OUT, 0);
	cr_assert_eq(answer_to(&m, 16 + 511, 1), VIRTIO_BLK_S_IOERR);
	header(&m, VIRTIO_BLK_T_IN, 0);
	cr_assert_eq(answer_to(&m, 16, 512), VIRTIO_BLK_S_IOERR);
	l.disk.block = 4096;
	cr_assert(parse(&m, 16, 513, 4096, &l, &r));
	cr_assert(r.action == BLK_ANSWER && r.status == VIRTIO_BLK_S_IOERR);
}

Test(virtio_blk_request, writes_to_a_read_only_disk)
{
	struct blk_limits l = {.disk = {.size = SECTORS * 512, .block = 512, .readonly = true}};
	struct blk_request r;
	struct made m;

	header(&m, VIRTIO_BLK_T_OUT, 0);
	cr_assert(parse(&m, 16 + 512, 1, 4096, &l, &r));
	cr_assert(r.action == BLK_ANSWER && r.status == VIRTIO_BLK_S_IOERR);
	header(&m, VIRTIO_BLK_T_IN, 0);
	cr_assert(parse(&m, 16, 513, 4096, &l, &r));
	cr_assert_eq(r.action, BLK_DISK);
}

Test(virtio_blk_request, an_identity_that_is_asked_for_too_long)
{
	struct made m;

	header(&m, VIRTIO_BLK_T_GET_ID, 0);
	cr_assert_eq(answer_to(&m, 16, 22), VIRTIO_BLK_S_IOERR);
}

static uint8_t clear(uint32_t type, uint64_t sector, uint32_t n, uint32_t flags, size_t size,
		     const struct blk_limits *l, struct blk_request *r)
{
	struct virtio_blk_discard_write_zeroes range = {sector, n, flags};
	struct made m;

	header(&m, type, 0);
	memcpy(m.out + 16, &range, sizeof(range));
	cr_assert(parse(&m, 16 + size, 1, 5, l, r));
	return r->action == BLK_DISK ? VIRTIO_BLK_S_OK : r->status;
}

Test(virtio_blk_request, ranges_to_clear)
{
	struct blk_limits none = {.disk = limits.disk};
	struct blk_request r;

	cr_assert_eq(clear(VIRTIO_BLK_T_DISCARD, 8, 16, 0, 16, &limits, &r), VIRTIO_BLK_S_OK);
	cr_assert(r.op == DISK_DISCARD && r.offset == 4096 && r.length == 8192);
	cr_assert_eq(clear(VIRTIO_BLK_T_WRITE_ZEROES, 0, SECTORS, 1, 16, &limits, &r),
		     VIRTIO_BLK_S_OK);
	cr_assert(r.op == DISK_WRITE_ZEROES && r.unmap && r.length == SECTORS * 512);
	/* Flags: none for discard, one for zeroing. */
	cr_assert_eq(clear(VIRTIO_BLK_T_DISCARD, 8, 16, 1, 16, &limits, &r), VIRTIO_BLK_S_UNSUPP);
	cr_assert_eq(clear(VIRTIO_BLK_T_WRITE_ZEROES, 8, 16, 2, 16, &limits, &r),
		     VIRTIO_BLK_S_UNSUPP);
	/* Not negotiated. */
	cr_assert_eq(clear(VIRTIO_BLK_T_DISCARD, 8, 16, 0, 16, &none, &r), VIRTIO_BLK_S_UNSUPP);
	cr_assert_eq(clear(VIRTIO_BLK_T_WRITE_ZEROES, 8, 16, 0, 16, &none, &r),
		     VIRTIO_BLK_S_UNSUPP);
	/* Less than a range, and places that aren't there. */
	cr_assert_eq(clear(VIRTIO_BLK_T_DISCARD, 8, 16, 0, 0, &limits, &r), VIRTIO_BLK_S_IOERR);
	cr_assert_eq(clear(VIRTIO_BLK_T_DISCARD, 8, 16, 0, 15, &limits, &r), VIRTIO_BLK_S_IOERR);
	cr_assert_eq(clear(VIRTIO_BLK_T_DISCARD, 8, 16, 0, 31, &limits, &r), VIRTIO_BLK_S_IOERR);
	cr_assert_eq(clear(VIRTIO_BLK_T_DISCARD, SECTORS, 1, 0, 16, &limits, &r),
		     VIRTIO_BLK_S_IOERR);
	cr_assert_eq(clear(VIRTIO_BLK_T_DISCARD, 1, UINT32_MAX, 0, 16, &limits, &r),
		     VIRTIO_BLK_S_IOERR);
	cr_assert_eq(clear(VIRTIO_BLK_T_WRITE_ZEROES, UINT64_MAX, 1, 0, 16, &limits, &r),
		     VIRTIO_BLK_S_IOERR);
}

/* n ranges of a sector each: 0, 2, 4 and so on. */
static void make_ranges(struct made *m, uint32_t type, unsigned n)
{
	struct virtio_blk_discard_write_zeroes range = {.num_sectors = 1};

	header(m, type, 0);
	for (unsigned i = 0; i < n; i++, range.sector += 2) {
		range.flags = type == VIRTIO_BLK_T_WRITE_ZEROES && i % 2;
		memcpy(m->out + 16 + i * sizeof(range), &range, sizeof(range));
	}
}

static struct virtio_blk_discard_write_zeroes *range_of(struct made *m, unsigned i)
{
	return (void *)(m->out + 16 + i * sizeof(struct virtio_blk_discard_write_zeroes));
}

Test(virtio_blk_request, several_ranges_come_one_after_another)
{
	struct blk_request r;
	struct made m;

	make_ranges(&m, VIRTIO_BLK_T_WRITE_ZEROES, BLK_RANGES_MAX);
	cr_assert(parse(&m, 16 + BLK_RANGES_MAX * 16, 1, 11, &limits, &r));
	cr_assert_eq(r.action, BLK_DISK);
	for (unsigned i = 0; i < BLK_RANGES_MAX; i++) {
		cr_assert(r.offset == i * 1024 && r.length == 512, "%u", i);
		cr_assert_eq(r.unmap, i % 2);
		cr_assert_eq(blk_next_range(&r, &m.chain, &limits), i + 1 < BLK_RANGES_MAX);
	}
	cr_assert_eq(r.status, VIRTIO_BLK_S_OK);
	/* One too many. */
	make_ranges(&m, VIRTIO_BLK_T_DISCARD, BLK_RANGES_MAX + 1);
	cr_assert_eq(answer_to(&m, 16 + (BLK_RANGES_MAX + 1) * 16, 1), VIRTIO_BLK_S_IOERR);
}

Test(virtio_blk_request, a_bad_range_among_good_ones)
{
	struct blk_request r;
	struct made m;

	make_ranges(&m, VIRTIO_BLK_T_DISCARD, 3);
	range_of(&m, 2)->sector = SECTORS;
	cr_assert_eq(answer_to(&m, 16 + 48, 1), VIRTIO_BLK_S_IOERR);
	make_ranges(&m, VIRTIO_BLK_T_DISCARD, 3);
	range_of(&m, 1)->flags = 1;
	cr_assert_eq(answer_to(&m, 16 + 48, 1), VIRTIO_BLK_S_UNSUPP);
	/* Changed after it was looked at. */
	make_ranges(&m, VIRTIO_BLK_T_DISCARD, 3);
	cr_assert(parse(&m, 16 + 48, 1, 4096, &limits, &r));
	cr_assert_eq(r.action, BLK_DISK);
	range_of(&m, 1)->num_sectors = UINT32_MAX;
	cr_assert(!blk_next_range(&r, &m.chain, &limits));
	cr_assert_eq(r.status, VIRTIO_BLK_S_IOERR);
}
