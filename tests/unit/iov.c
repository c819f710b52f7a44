/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Buffers in pieces, against one buffer. */
#include <criterion/criterion.h>
#include <string.h>

#include "iov.h"

#define BYTES 64

struct pieces {
	uint8_t bytes[BYTES];
	struct iovec iov[BYTES];
	unsigned n;
	size_t total;
};

/* The bytes 0, 1 … in pieces whose sizes the bits of `cuts` say: a piece ends after each one set.
 */
static void make(struct pieces *p, uint64_t cuts, size_t total)
{
	size_t i, start = 0;

	p->n = 0;
	p->total = total;
	for (i = 0; i < total; i++) {
		p->bytes[i] = (uint8_t)i;
		if (i + 1 == total || cuts >> i & 1) {
			p->iov[p->n++] = (struct iovec){p->bytes + start, i + 1 - start};
			start = i + 1;
		}
	}
}

static size_t flat(const struct iovec *iov, unsigned n, uint8_t *out)
{
	size_t total = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		memcpy(out + total, iov[i].iov_base, iov[i].iov_len);
		total += iov[i].iov_len;
	}
	return total;
}

/* Every way to cut 8 bytes, every part of them. */
Test(iov, parts_are_the_bytes_that_were_asked_for)
{
	uint8_t out[BYTES], copy[BYTES];
	struct iovec part[BYTES];
	struct pieces p;
	unsigned cuts, skip, length, n;

	for (cuts = 0; cuts < 128; cuts++)
		for (skip = 0; skip <= 8; skip++)
			for (length = 0; length <= 8 - skip; length++) {
				make(&p, cuts, 8);
				n = iov_cut(p.iov, p.n, skip, length, part);
				cr_assert_eq(flat(part, n, out), length);
				cr_assert_arr_eq(out, p.bytes + skip, length);
				iov_gather(p.iov, p.n, skip, copy, length);
				cr_assert_arr_eq(copy, p.bytes + skip, length);
				/* In place. */
				n = iov_cut(p.iov, p.n, skip, length, p.iov);
				cr_assert_eq(flat(p.iov, n, out), length);
				cr_assert_arr_eq(out, p.bytes + skip, length);
			}
}

Test(iov, more_than_there_is_ends_with_the_buffers)
{
	struct iovec part[BYTES];
	struct pieces p;

	make(&p, 5, 8);
	cr_assert_eq(iov_cut(p.iov, p.n, 8, 1, part), 0);
	cr_assert_eq(iov_cut(p.iov, p.n, UINT64_MAX, UINT64_MAX, part), 0);
	cr_assert_eq(iov_cut(p.iov, p.n, 0, UINT64_MAX, part), p.n);
	cr_assert_eq(iov_cut(p.iov, 0, 0, 1, part), 0);
}

Test(iov, what_is_done_is_forgotten)
{
	uint8_t out[BYTES];
	struct pieces p;
	struct iovec *iov;
	unsigned cuts, done, n;

	for (cuts = 0; cuts < 128; cuts++)
		for (done = 0; done <= 8; done++) {
			make(&p, cuts, 8);
			iov = p.iov;
			n = p.n;
			iov_advance(&iov, &n, done);
			cr_assert_eq(flat(iov, n, out), 8 - done);
			cr_assert_arr_eq(out, p.bytes + done, 8 - done);
		}
}

Test(iov, scattered_is_the_reverse_of_gathered)
{
	static const uint8_t text[] = {9, 9, 9};
	struct pieces p;

	make(&p, 0x55, 8);
	iov_scatter(p.iov, p.n, 3, text, sizeof(text));
	cr_assert_arr_eq(p.bytes, ((uint8_t[]){0, 1, 2, 9, 9, 9, 6, 7}), 8);
}

Test(iov, one_odd_address_or_length_is_enough)
{
	struct iovec iov[2] = {{(void *)4096, 512}, {(void *)8192, 1024}};

	cr_assert(iov_aligned(iov, 2, 512));
	cr_assert(!iov_aligned(iov, 2, 4096));
	iov[1].iov_base = (void *)8193;
	cr_assert(!iov_aligned(iov, 2, 512));
	cr_assert(iov_aligned(iov, 2, 1));
}

Test(iov, some_pieces_are_empty)
{
	static uint8_t data[10];
	struct iovec iov[] = {{data, 3}, {data + 3, 0}, {data + 3, 4}, {data + 7, 3}}, out[4];

	cr_assert_eq(iov_cut(iov, 4, 0, 10, out), 3);
	cr_assert_eq(iov_cut(iov, 4, 2, 6, out), 3);
	cr_assert_eq(out[0].iov_base, data + 2);
	cr_assert_eq(out[0].iov_len, 1);
	cr_assert_eq(out[2].iov_base, data + 7);
	cr_assert_eq(out[2].iov_len, 1);
	cr_assert_eq(iov_cut(iov, 4, 3, 4, out), 1);
	cr_assert_eq(iov_cut(iov, 4, 10, 4, out), 0);
	cr_assert_eq(iov_cut(iov, 4, 0, 0, out), 0);
	cr_assert_eq(iov_cut(iov, 4, 9, UINT64_MAX, out), 1);
	cr_assert_eq(out[0].iov_len, 1);
}
