/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: what a queue does with a driver that keeps the rules (2.6 to 2.8), on both rings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_ring_rig.h"

RING_TEST(virtio_queue, a_chain_is_what_is_read_and_then_what_is_written, 8)
{
	struct driver_buffer b[] = {{RIG_DATA, 10, 0},
				    {RIG_TOP, 6, 0},
				    {RIG_DATA + 100, 4, RIG_IN},
				    {RIG_TOP + 8192 - 3, 3, RIG_IN}};
	struct driver_used used;
	char text[32] = "";
	uint16_t id;

	memcpy(rig_at(r, RIG_DATA, 10), "0123456789", 10);
	memcpy(rig_at(r, RIG_TOP, 6), "abcdef", 6);
	cr_assert_eq(virtq_pop(&r->q, &r->c), 0, "an empty ring");
	id = driver_ring_add(&r->d, b, 4);
	cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
	cr_assert_eq(virtq_pop(&r->q, &(struct virtq_chain){.iov = r->iov + 8, .room = 8}), 0);
	cr_expect_eq(r->c.n_out, 2);
	cr_expect_eq(r->c.n_in, 2);
	cr_expect_eq(r->c.out_bytes, 16);
	cr_expect_eq(r->c.in_bytes, 7);
	cr_expect_eq(virtq_read(&r->c, 8, text, 5), 5, "across two buffers");
	cr_expect_str_eq(text, "89abc");
	cr_expect_eq(virtq_read(&r->c, 15, text, 5), 1);
	cr_expect_eq(virtq_read(&r->c, 16, text, 5), 0);
	cr_expect_eq(virtq_read(&r->c, UINT64_MAX, text, 5), 0);
	cr_expect_eq(virtq_write(&r->c, 2, "WXYZ", 4), 4);
	cr_expect_eq(virtq_write(&r->c, 6, "!?", 2), 1);
	cr_expect_arr_eq((char *)rig_at(r, RIG_DATA + 100, 4), "\xa5\xa5WX", 4);
	cr_expect_arr_eq((char *)rig_at(r, RIG_TOP + 8192 - 3, 3), "YZ!", 3);
	cr_expect_not(driver_ring_take(&r->d, &used), "nothing was pushed");
	virtq_push(&r->q, &r->c, 7);
	cr_assert(driver_ring_take(&r->d, &used));
	cr_expect_eq(used.id, id);
	cr_expect_eq(used.written, 7);
	cr_expect_eq(r->q.in_flight, 0);
}

RING_TEST(virtio_queue, a_buffer_without_bytes_is_none, 8)
{
	struct driver_buffer b[] = {{0, 0, 0}, {RIG_DATA, 1, 0}, {UINT64_MAX, 0, RIG_IN}};

	driver_ring_add(&r->d, b, 3);
	cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
	cr_expect_eq(r->c.n_out, 1);
	cr_expect_eq(r->c.n_in, 0);
}

RING_TEST(virtio_queue, chains_come_back_in_any_order, 8)
{
	struct driver_buffer b[] = {{RIG_DATA, 8, 0}, {RIG_DATA + 8, 8, RIG_IN}};
	struct iovec iov[8];
	struct virtq_chain second = {.iov = iov, .room = 8};
	struct driver_used used;
	uint16_t first_id = driver_ring_add(&r->d, b, 2), second_id = driver_ring_add(&r->d, b, 1);

	cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
	cr_assert_eq(virtq_pop(&r->q, &second), 1);
	virtq_push(&r->q, &second, 0);
	virtq_push(&r->q, &r->c, 8);
	cr_assert(driver_ring_take(&r->d, &used));
	cr_expect_eq(used.id, second_id);
	cr_assert(driver_ring_take(&r->d, &used));
	cr_expect_eq(used.id, first_id);
	cr_expect_eq(used.written, 8);
	cr_expect_not(driver_ring_take(&r->d, &used));
}

/* 2.7.5.3, 2.8.7. What the table itself is marked as does not count. */
RING_TEST(virtio_queue, an_indirect_table_is_one_entry_of_the_ring, 4, .indirect = true)
{
	struct driver_buffer b[] = {{RIG_DATA, 8, 0},
				    {RIG_DATA + 8, 8, 0},
				    {RIG_DATA + 16, 8, RIG_IN},
				    {RIG_DATA + 24, 8, RIG_IN}};
	struct driver_buffer table = driver_ring_table(&r->d, RIG_TABLE, b, 4);
	unsigned i;

	table.flags |= VRING_DESC_F_WRITE;
	for (i = 0; i < 4; i++) {
		driver_ring_add(&r->d, &table, 1);
		cr_assert_eq(virtq_pop(&r->q, &r->c), 1, "%s", r->q.broken);
		cr_expect_eq(r->c.n_out, 2);
		cr_expect_eq(r->c.n_in, 2);
		cr_expect_eq(r->c.descriptors, 1);
	}
	cr_expect_eq(r->q.in_flight, 4);
}

/* Nothing asks a table to be aligned. */
RING_TEST(virtio_queue, an_indirect_table_lies_anywhere, 4, .indirect = true)
{
	struct driver_buffer b[] = {{RIG_DATA, 8, 0}, {RIG_DATA + 16, 8, RIG_IN}};
	struct driver_buffer table = driver_ring_table(&r->d, RIG_TABLE, b, 2);

	memmove(rig_at(r, RIG_TABLE + 3, 32), rig_at(r, RIG_TABLE, 32), 32);
	table.address += 3;
	driver_ring_add(&r->d, &table, 1);
	cr_assert_eq(virtq_pop(&r->q, &r->c), 1, "%s", r->q.broken);
	cr_expect_eq(r->c.out_bytes, 8);
	cr_expect_eq(r->c.in_bytes, 8);
}

/* 2.7.5.3.2 */
Test(virtio_queue, a_split_chain_may_end_in_an_indirect_table)
{
	static struct ring_rig rig;
	struct ring_rig *r = &rig;
	struct driver_buffer inner[] = {{RIG_DATA + 8, 8, 0}, {RIG_DATA + 16, 8, RIG_IN}};
	struct driver_buffer b[2] = {{RIG_DATA, 8, 0}};

	rig_open(r, 4, &(struct virtq_features){.indirect = true});
	b[1] = driver_ring_table(&r->d, RIG_TABLE, inner, 2);
	driver_ring_add(&r->d, b, 2);
	cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
	cr_expect_eq(r->c.n_out, 2);
	cr_expect_eq(r->c.n_in, 1);
	rig_close(r);
}

/* 2.7.7, 2.8.10: without the event index there is only yes and no. */
RING_TEST(virtio_queue, a_driver_can_do_without_interrupts, 8)
{
	driver_ring_ask(&r->d, false);
	rig_pass(r, 1, 0);
	cr_expect_not(virtq_wants_interrupt(&r->q));
	driver_ring_ask(&r->d, true);
	rig_pass(r, 1, 0);
	cr_expect(virtq_wants_interrupt(&r->q));
}

/*
 * All batches of pushes, from everywhere around the place where the numbers turn over: one
 * interrupt for the batch in which the event's entry is used, none for others (2.7.7.2, 2.8.10).
 */
RING_TEST(virtio_queue, one_interrupt_when_the_event_is_passed, 8, .event_idx = true)
{
	unsigned begin, batch, event, i;
	uint16_t position, first;

	for (begin = 0; begin < 8; begin++)
		for (batch = 1; batch <= 8; batch++)
			for (event = 0; event < 8; event++) {
				position = (uint16_t)(rig_last_position(r) - begin);
				rig_begin_at(r, position);
				rig_pass(r, 1, 0);
				cr_assert(virtq_wants_interrupt(&r->q), "the first is never lost");
				first = driver_ring_advance(&r->d, position, 1);
				driver_ring_ask_at(&r->d, driver_ring_advance(&r->d, first, event));
				for (i = 0; i < batch; i++)
					rig_pass(r, 1, 0);
				cr_assert_eq(virtq_wants_interrupt(&r->q), event < batch,
					     "%u pushes from %x, event %u", batch, first, event);
				cr_assert_not(virtq_wants_interrupt(&r->q), "said twice");
			}
}

/* However many are used before the device asks: an interrupt too many is no harm. */
RING_TEST(virtio_queue, an_event_is_not_lost_in_a_long_batch, 8, .event_idx = true)
{
	unsigned batch, i;
	uint16_t last;

	for (batch = 1; batch <= 40; batch++) {
		virtq_wants_interrupt(&r->q);
		last = driver_ring_advance(&r->d, r->d.next_used, batch - 1);
		driver_ring_ask_at(&r->d, last);
		for (i = 0; i < batch; i++)
			rig_pass(r, 1, 0);
		cr_expect(virtq_wants_interrupt(&r->q), "%u pushes", batch);
	}
}

RING_TEST(virtio_queue, kicks_are_asked_for, 8)
{
	struct driver_buffer b = {RIG_DATA, 8, 0};
	uint16_t before = r->d.next_avail;

	cr_expect_not(virtq_ask_kicks(&r->q, false));
	driver_ring_add(&r->d, &b, 1);
	cr_expect_not(driver_ring_wants_kick(&r->d, before));
	cr_expect(virtq_ask_kicks(&r->q, true), "what came meanwhile would wait for ever");
	cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
	cr_expect_not(virtq_ask_kicks(&r->q, true));
	before = r->d.next_avail;
	driver_ring_add(&r->d, &b, 1);
	cr_expect(driver_ring_wants_kick(&r->d, before));
}

/* With the event index the next chain is worth a kick, those behind it are not (2.7.10, 2.8.10). */
RING_TEST(virtio_queue, one_kick_for_the_first_new_chain, 8, .event_idx = true)
{
	struct driver_buffer b = {RIG_DATA, 8, 0};
	struct driver_used used;
	uint16_t before;
	unsigned i, k;

	rig_begin_at(r, (uint16_t)(rig_last_position(r) - 4));
	for (i = 0; i < 20; i++) {
		cr_assert_not(virtq_ask_kicks(&r->q, true));
		before = r->d.next_avail;
		driver_ring_add(&r->d, &b, 1);
		cr_assert(driver_ring_wants_kick(&r->d, before), "at %x", before);
		before = r->d.next_avail;
		driver_ring_add(&r->d, &b, 1);
		cr_assert_not(driver_ring_wants_kick(&r->d, before), "at %x", before);
		cr_assert(virtq_ask_kicks(&r->q, true));
		for (k = 0; k < 2; k++) {
			cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
			virtq_push(&r->q, &r->c, 0);
			cr_assert(driver_ring_take(&r->d, &used));
		}
	}
}

/* Free-running indices pass 65535; a packed ring's chain lies across its end, wrap and all. */
RING_TEST(virtio_queue, the_numbers_turn_over, 8)
{
	unsigned i;

	rig_begin_at(r, (uint16_t)(rig_last_position(r) - 1));
	for (i = 0; i < 40; i++)
		rig_pass(r, 1 + i % 5, i);
}

RING_TEST(virtio_queue, the_last_chain_can_be_put_back, 8)
{
	struct driver_buffer b[] = {{RIG_DATA, 8, 0}, {RIG_DATA + 8, 8, 0}, {RIG_DATA, 8, RIG_IN}};
	struct driver_used used;
	uint16_t id, i;

	rig_begin_at(r, (uint16_t)(rig_last_position(r) - 2));
	for (i = 0; i < 20; i++) {
		id = driver_ring_add(&r->d, b, 3);
		cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
		virtq_unpop(&r->q, &r->c);
		cr_assert_eq(r->q.in_flight, 0);
		cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
		cr_assert_eq(r->c.id, id);
		virtq_push(&r->q, &r->c, 8);
		cr_assert(driver_ring_take(&r->d, &used));
	}
}

/* A back end that had the ring gives it back where it stopped. */
RING_TEST(virtio_queue, a_ring_goes_on_from_its_base, 8)
{
	struct driver_buffer b = {RIG_DATA, 8, RIG_IN};
	struct driver_used used;
	uint32_t base;
	uint16_t id;
	unsigned i;

	for (i = 0; i < 11; i++)
		rig_pass(r, 1, 1);
	id = driver_ring_add(&r->d, &b, 1);
	base = virtq_base(&r->q);
	r->q.next_avail = r->q.next_used = 0;
	cr_assert_eq(virtq_start(&r->q, &r->features), 0);
	cr_assert_eq(virtq_set_base(&r->q, base), 0);
	cr_assert_eq(virtq_base(&r->q), base);
	cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
	virtq_push(&r->q, &r->c, 3);
	cr_assert(driver_ring_take(&r->d, &used));
	cr_expect_eq(used.id, id);
	cr_expect(virtq_wants_interrupt(&r->q));
}

Test(virtio_queue, a_packed_base_lies_in_the_ring)
{
	static struct ring_rig rig;

	rig_open(&rig, 6, &(struct virtq_features){.packed = true});
	cr_expect_eq(virtq_set_base(&rig.q, 0x80058005), 0);
	cr_expect_eq(virtq_set_base(&rig.q, 0x00058006), -EINVAL);
	cr_expect_eq(virtq_set_base(&rig.q, 0x7fff0000), -EINVAL);
	cr_expect_eq(virtq_base(&rig.q), 0x80058005, "refused, and as it was");
	rig_close(&rig);
}

/* ---- both rings carry the same ----------------------------------------------------------------
 */

#define RANDOM_CHAINS 20000
#define RANDOM_SIZE   16

/* A random chain: some buffers to read, then some to write; in a table of its own now and then. */
static unsigned random_chain(struct driver_buffer *b, bool *indirect)
{
	unsigned n = 1 + (unsigned)rand() % 6, out = (unsigned)rand() % (n + 1), i;

	for (i = 0; i < n; i++) {
		b[i] = (struct driver_buffer){RIG_DATA + (unsigned)rand() % 4096,
					      1 + (unsigned)rand() % 4096, i < out ? 0 : RIG_IN};
		if (rand() % 16 == 0)
			b[i].length = 0;
	}
	*indirect = rand() % 3 == 0;
	return n;
}

static void offer(struct ring_rig *r, const struct driver_buffer *b, unsigned n, bool indirect)
{
	struct driver_buffer table;

	if (indirect) {
		table = driver_ring_table(&r->d, RIG_TABLE, b, n);
		driver_ring_add(&r->d, &table, 1);
	} else {
		driver_ring_add(&r->d, b, n);
	}
	cr_assert_eq(virtq_pop(&r->q, &r->c), 1, "%s", r->q.broken);
}

static void expect_same(const struct ring_rig *s, const struct ring_rig *p)
{
	unsigned i;

	cr_assert_eq(s->c.n_out, p->c.n_out);
	cr_assert_eq(s->c.n_in, p->c.n_in);
	cr_assert_eq(s->c.out_bytes, p->c.out_bytes);
	cr_assert_eq(s->c.in_bytes, p->c.in_bytes);
	for (i = 0; i < s->c.n_out + s->c.n_in; i++) {
		cr_assert_eq((uint8_t *)s->iov[i].iov_base - s->memory.banks[0].host,
			     (uint8_t *)p->iov[i].iov_base - p->memory.banks[0].host);
		cr_assert_eq(s->iov[i].iov_len, p->iov[i].iov_len);
	}
}

static struct driver_used give_back(struct ring_rig *r, uint32_t written)
{
	struct driver_used used;

	virtq_push(&r->q, &r->c, written);
	cr_assert(driver_ring_take(&r->d, &used));
	cr_assert_eq(used.id, r->c.id);
	return used;
}

Test(virtio_queue, random_chains_are_the_same_through_both_rings)
{
	static struct ring_rig split, packed;
	struct driver_buffer b[6];
	unsigned i, n;
	uint32_t written;
	bool indirect;

	srand(1);
	rig_open(&split, RANDOM_SIZE, &(struct virtq_features){.indirect = true});
	rig_open(&packed, RANDOM_SIZE, &(struct virtq_features){.packed = true, .indirect = true});
	for (i = 0; i < RANDOM_CHAINS; i++) {
		n = random_chain(b, &indirect);
		offer(&split, b, n, indirect);
		offer(&packed, b, n, indirect);
		expect_same(&split, &packed);
		written = split.c.in_bytes ? (unsigned)rand() % split.c.in_bytes : 0;
		cr_assert_eq(give_back(&split, written).written, written);
		cr_assert_eq(give_back(&packed, written).written, written);
	}
	rig_close(&split);
	rig_close(&packed);
}

/* ---- where a ring may be -----------------------------------------------------------------------
 */

/* Start a queue whose area `part` lies at `address`. */
static int start_with(struct ring_rig *r, uint64_t *part, uint64_t address)
{
	uint64_t was = *part;
	int ret;

	*part = address;
	ret = virtq_start(&r->q, &r->features);
	*part = was;
	cr_assert_eq(r->q.ring != NULL, ret == 0, "refused is not started");
	return ret;
}

RING_TEST(virtio_queue, each_area_lies_aligned_in_memory, 8)
{
	uint64_t *parts[] = {&r->q.desc, &r->q.driver, &r->q.device};
	unsigned align[] = {16, r->d.packed ? 4 : 2, 4}, i;
	uint64_t bytes[] = {128, r->d.packed ? 4 : 6 + 2 * 8, r->d.packed ? 4 : 6 + 8 * 8};
	uint64_t last;

	for (i = 0; i < 3; i++) {
		last = align_up(0 - RIG_TOP - bytes[i] - align[i] + 1, align[i]) + RIG_TOP;
		cr_expect_eq(start_with(r, parts[i], last), 0, "part %u, the last that fits", i);
		cr_expect_eq(start_with(r, parts[i], last + align[i]), -EFAULT, "part %u", i);
		cr_expect_eq(start_with(r, parts[i], RIG_TOP + align[i] / 2), -EFAULT, "part %u",
			     i);
		cr_expect_eq(start_with(r, parts[i], 0), -EFAULT, "part %u", i);
		cr_expect_eq(start_with(r, parts[i], RIG_END), -EFAULT, "part %u", i);
	}
}

RING_TEST(virtio_queue, sizes_that_a_ring_can_have, 8)
{
	uint16_t size;

	for (size = 0; size < 2 * DRIVER_RING_MAX; size++) {
		bool can = size && size <= DRIVER_RING_MAX && (r->d.packed || is_pow2(size));

		r->q.size = size;
		cr_assert_eq(virtq_start(&r->q, &r->features), can ? 0 : -EINVAL, "%u", size);
	}
}

/* 2.8.10.1: a packed ring's size need not be a power of two. */
Test(virtio_queue, packed_rings_of_any_size_turn_over)
{
	static struct ring_rig rig;
	uint16_t size;
	unsigned i;

	for (size = 1; size <= 9; size++) {
		rig_open(&rig, size, &(struct virtq_features){.packed = true});
		for (i = 0; i < 5u * size; i++)
			rig_pass(&rig, 1 + i % size, i);
		rig_close(&rig);
	}
}

RING_TEST(virtio_queue, a_reset_forgets_everything, 8)
{
	rig_pass(r, 3, 3);
	virtq_reset(&r->q);
	cr_expect_eq(r->q.size, DRIVER_RING_MAX);
	cr_expect_eq(r->q.desc | r->q.driver | r->q.device, 0);
	cr_expect_eq(virtq_pop(&r->q, &r->c), 0);
	cr_expect_not(virtq_wants_interrupt(&r->q));
	cr_expect_not(virtq_ask_kicks(&r->q, true));
}
