/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio: every way to break a ring. The queue says what was wrong and stands still, and not a byte
 * of guest memory has changed.
 */
#include <errno.h>
#include <string.h>

#include "virtio_ring_rig.h"

#define NEXT	 VRING_DESC_F_NEXT
#define INDIRECT VRING_DESC_F_INDIRECT

/* The next pop finds the ring broken, and so does each one after it. */
static void expect_broken(struct ring_rig *r, const char *how)
{
	rig_remember(r);
	cr_assert_eq(virtq_pop(&r->q, &r->c), -EBADMSG, "not broken: %s", how);
	cr_expect(strstr(r->q.broken, how), "'%s', not '%s'", r->q.broken, how);
	cr_expect_eq(virtq_pop(&r->q, &r->c), -EBADMSG);
	cr_expect_not(virtq_ask_kicks(&r->q, true));
	cr_expect(rig_is_untouched(r));
	virtq_reset(&r->q);
	cr_expect_null(r->q.broken, "a reset mends it");
}

/* What each of these is, the driver's descriptors say; on both rings. */
struct broken_chain {
	const char *how;
	struct driver_buffer b[3];
	unsigned n;
};

static void expect_each_broken(struct ring_rig *r, const struct broken_chain *chains, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		rig_begin_at(r, rig_last_position(r));
		driver_ring_add(&r->d, chains[i].b, chains[i].n);
		expect_broken(r, chains[i].how);
	}
}

RING_TEST(virtio_broken, buffers_that_nobody_may_have, 4)
{
	static const struct broken_chain chains[] = {
		{"isn't in guest memory", {{0, 16, RIG_IN}}, 1},
		{"isn't in guest memory", {{RIG_RING - 1, 1, RIG_IN}}, 1},
		{"isn't in guest memory", {{RIG_END - 1, 2, RIG_IN}}, 1},
		{"isn't in guest memory", {{RIG_END, 1, 0}}, 1},
		{"isn't in guest memory", {{RIG_TOP - 1, 2, 0}}, 1},
		{"isn't in guest memory", {{UINT64_MAX, 2, RIG_IN}}, 1},
		{"isn't in guest memory", {{RIG_TOP, UINT32_MAX, RIG_IN}}, 1},
		{"isn't in guest memory", {{RIG_DATA, 16, 0}, {RIG_END, 16, RIG_IN}}, 2},
		{"4 GiB", {{RIG_DATA, 16, 0}, {RIG_DATA, UINT32_MAX, 0}}, 2},
		{"4 GiB", {{RIG_DATA, 16, 0}, {RIG_DATA, UINT32_MAX - 15, RIG_IN}}, 2},
		{"readable buffer follows", {{RIG_DATA, 16, RIG_IN}, {RIG_DATA, 16, 0}}, 2},
		{"readable buffer follows",
		 {{RIG_DATA, 1, 0}, {RIG_DATA, 1, RIG_IN}, {0, 0, 0}},
		 3},
	};

	expect_each_broken(r, chains, ARRAY_SIZE(chains));
}

RING_TEST(virtio_broken, more_buffers_than_the_device_has_room_for, 4)
{
	struct driver_buffer b[] = {{RIG_DATA, 1, 0}, {RIG_DATA, 1, 0}, {RIG_DATA, 1, RIG_IN}};

	driver_ring_add(&r->d, b, 3);
	r->c.room = 2;
	expect_broken(r, "too many buffers");
}

RING_TEST(virtio_broken, tables_without_the_feature, 4)
{
	struct driver_buffer b = {RIG_DATA, 1, 0};

	b = driver_ring_table(&r->d, RIG_TABLE, &b, 1);
	driver_ring_add(&r->d, &b, 1);
	expect_broken(r, "where none may be");
}

RING_TEST(virtio_broken, tables_that_are_none, 4, .indirect = true)
{
	static const struct broken_chain chains[] = {
		{"no whole entries", {{RIG_TABLE, 0, INDIRECT}}, 1},
		{"no whole entries", {{RIG_TABLE, 15, INDIRECT}}, 1},
		{"no whole entries", {{RIG_TABLE, 17, INDIRECT}}, 1},
		{"isn't in guest memory", {{0, 16, INDIRECT}}, 1},
		{"isn't in guest memory", {{RIG_END - 16, 32, INDIRECT}}, 1},
		{"isn't in guest memory", {{UINT64_MAX - 15, 32, INDIRECT}}, 1},
	};

	expect_each_broken(r, chains, ARRAY_SIZE(chains));
}

/* 2.7.5.3.1, 2.8.19 */
RING_TEST(virtio_broken, a_table_that_the_chain_goes_on_behind, 4, .indirect = true)
{
	struct driver_buffer b[] = {{RIG_DATA, 1, 0}, {RIG_DATA, 1, 0}};

	b[0] = driver_ring_table(&r->d, RIG_TABLE, b, 1);
	driver_ring_add(&r->d, b, 2);
	expect_broken(r, "where none may be");
}

/* A table of n entries, of which the i-th is `bad`. */
static void expect_bad_table(struct ring_rig *r, struct driver_buffer bad, unsigned i, unsigned n,
			     const char *how)
{
	struct driver_buffer b[8], table;
	unsigned k;

	for (k = 0; k < n; k++)
		b[k] = k == i ? bad : (struct driver_buffer){RIG_DATA, 1, 0};
	rig_begin_at(r, rig_last_position(r));
	table = driver_ring_table(&r->d, RIG_TABLE, b, n);
	driver_ring_add(&r->d, &table, 1);
	expect_broken(r, how);
}

RING_TEST(virtio_broken, what_is_in_a_table_is_checked_too, 4, .indirect = true)
{
	struct driver_buffer good = {RIG_DATA, 1, 0};

	expect_bad_table(r, (struct driver_buffer){RIG_TABLE, 16, INDIRECT}, 0, 1,
			 "where none may be");
	expect_bad_table(r, (struct driver_buffer){RIG_TABLE, 16, INDIRECT}, 2, 3,
			 "where none may be");
	expect_bad_table(r, (struct driver_buffer){RIG_END - 1, 2, 0}, 1, 3,
			 "isn't in guest memory");
	expect_bad_table(r, (struct driver_buffer){RIG_DATA, 1, RIG_IN}, 0, 2,
			 "readable buffer follows");
	expect_bad_table(r, good, 0, 5, "longer than the ring");
}

/* More is on its way than the ring has entries: an entry was made available twice. */
RING_TEST(virtio_broken, what_is_in_flight_is_offered_again, 4)
{
	struct driver_buffer b = {RIG_DATA, 1, RIG_IN};
	unsigned i;

	for (i = 0; i < 4; i++) {
		driver_ring_add(&r->d, &b, 1);
		cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
	}
	if (r->d.packed)
		driver_ring_packed_desc(&r->d, 0)->flags = 1u << VRING_PACKED_DESC_F_USED | RIG_IN;
	else
		driver_ring_avail(&r->d)->idx++;
	expect_broken(r, "more buffers are on their way");
}

/* ---- split ------------------------------------------------------------------------------------
 */

static struct ring_rig rig;

static void open_split(void)
{
	rig_open(&rig, 4, &(struct virtq_features){.indirect = true});
}

static void close_rig(void)
{
	rig_close(&rig);
}

TestSuite(virtio_broken_split, .init = open_split, .fini = close_rig);

/* Make `head` available, whatever it is. */
static void offer(uint16_t head)
{
	struct vring_avail *avail = driver_ring_avail(&rig.d);

	avail->ring[avail->idx % rig.d.size] = head;
	avail->idx++;
}

static void set_desc(unsigned i, uint16_t flags, uint16_t next)
{
	*driver_ring_split_desc(&rig.d, i) = (struct vring_desc){RIG_DATA, 1, flags, next};
}

Test(virtio_broken_split, heads_beyond_the_table)
{
	static const uint16_t heads[] = {4, 5, 0x7fff, 0x8000, 0xffff};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		rig_begin_at(&rig, 0xffff);
		offer(heads[i]);
		expect_broken(&rig, "beyond its table");
	}
}

Test(virtio_broken_split, links_beyond_the_table)
{
	set_desc(0, NEXT, 4);
	offer(0);
	expect_broken(&rig, "beyond its table");
}

Test(virtio_broken_split, a_link_out_of_an_indirect_table)
{
	struct driver_buffer b = {RIG_DATA, 1, NEXT};

	b = driver_ring_table(&rig.d, RIG_TABLE, &b, 1);
	driver_ring_add(&rig.d, &b, 1);
	expect_broken(&rig, "beyond its table");
}

Test(virtio_broken_split, loops)
{
	set_desc(0, NEXT, 0);
	offer(0);
	expect_broken(&rig, "loop");
	rig_begin_at(&rig, 0);
	set_desc(2, NEXT, 3);
	set_desc(3, NEXT, 2);
	offer(2);
	expect_broken(&rig, "loop");
}

Test(virtio_broken_split, a_loop_without_bytes_ends_too)
{
	*driver_ring_split_desc(&rig.d, 0) = (struct vring_desc){RIG_DATA, 0, NEXT, 0};
	offer(0);
	expect_broken(&rig, "loop");
}

Test(virtio_broken_split, a_loop_in_an_indirect_table)
{
	struct driver_buffer b[] = {{RIG_DATA, 1, 0}, {RIG_DATA, 1, NEXT}};
	struct driver_buffer table = driver_ring_table(&rig.d, RIG_TABLE, b, 2);

	((struct vring_desc *)rig_at(&rig, RIG_TABLE, 32))[1].next = 0;
	driver_ring_add(&rig.d, &table, 1);
	expect_broken(&rig, "loop");
}

Test(virtio_broken_split, more_is_available_than_the_ring_has)
{
	static const uint16_t steps[] = {5, 0x7fff, 0x8000, 0xffff};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		rig_begin_at(&rig, 0xfffe);
		set_desc(0, 0, 0);
		driver_ring_avail(&rig.d)->idx += steps[i];
		expect_broken(&rig, "more buffers are available");
	}
}

/* ---- packed -----------------------------------------------------------------------------------
 */

static void open_packed(void)
{
	rig_open(&rig, 4, &(struct virtq_features){.packed = true, .indirect = true});
}

TestSuite(virtio_broken_packed, .init = open_packed, .fini = close_rig);

Test(virtio_broken_packed, a_chain_without_an_end)
{
	struct driver_buffer b = {RIG_DATA, 1, NEXT};
	unsigned i;

	for (i = 0; i < 4; i++)
		driver_ring_add(&rig.d, &b, 1);
	expect_broken(&rig, "loop");
}

/* 2.8.19: a table is a chain by itself, wherever in the chain it would be. */
Test(virtio_broken_packed, a_table_behind_a_buffer)
{
	struct driver_buffer b[2] = {{RIG_DATA, 1, 0}};

	b[1] = driver_ring_table(&rig.d, RIG_TABLE, b, 1);
	driver_ring_add(&rig.d, b, 2);
	expect_broken(&rig, "where none may be");
}

/* The chain's tail lies where an earlier one is still on its way. */
Test(virtio_broken_packed, a_chain_over_what_is_in_flight)
{
	struct driver_buffer one = {RIG_DATA, 1, 0}, two[] = {{RIG_DATA, 1, 0}, {RIG_DATA, 1, 0}};

	driver_ring_add(&rig.d, two, 2);
	cr_assert_eq(virtq_pop(&rig.q, &rig.c), 1);
	one.flags = NEXT;
	driver_ring_add(&rig.d, &one, 1);
	driver_ring_add(&rig.d, &one, 1);
	expect_broken(&rig, "more buffers are on their way");
}
