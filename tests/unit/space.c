/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vm: the flat view, the memslots and doorbells that come of it, and dispatch. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "recorder.h"

#define PAGE 0x1000ULL

static struct recorder rec;
static struct space *const s = &rec.vm.mmio;
static struct view_claim *const c = &rec.claim;

static void start(void)
{
	recorder_init(&rec);
}

static void finish(void)
{
	recorder_destroy(&rec);
}

TestSuite(space, .init = start, .fini = finish);
TestSuite(doorbell, .init = start, .fini = finish);

static uint8_t *pages(unsigned n)
{
	return aligned_alloc(PAGE, n * PAGE);
}

struct last_access {
	uint64_t offset, value;
	unsigned size, count;
};

static uint64_t note_read(void *opaque, uint64_t offset, unsigned size)
{
	struct last_access *a = opaque;

	*a = (struct last_access){offset, 0, size, a->count + 1};
	return 0x1122334455667788;
}

static void note_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct last_access *a = opaque;

	*a = (struct last_access){offset, value, size, a->count + 1};
}

static const struct region_ops note_ops = {note_read, note_write};

Test(view, an_overlay_splits_what_it_hides)
{
	struct region ram = {.name = "ram", .base = 0, .size = 8 * PAGE, .priority = 1};
	struct region hole = {.name = "hole",
			      .base = 2 * PAGE + 0x100,
			      .size = 0x10,
			      .priority = 2,
			      .next = &ram};
	struct view *v = view_flatten(&hole);

	cr_assert_eq(v->n, 3);
	cr_assert_eq(v->ranges[0].size, 2 * PAGE + 0x100);
	cr_assert_eq(v->ranges[1].region, &hole);
	cr_assert_eq(v->ranges[2].base, 2 * PAGE + 0x110);
	cr_assert_eq(v->ranges[2].offset, 2 * PAGE + 0x110);
	cr_assert_eq(view_find(v, 2 * PAGE + 0x10f)->region, &hole);
	cr_assert_eq(view_find(v, 2 * PAGE + 0x110)->region, &ram);
	cr_assert_null(view_find(v, 8 * PAGE));
	free(v);
}

Test(view, a_region_up_to_the_top_of_the_space)
{
	struct region top = {.base = UINT64_MAX - PAGE + 1, .size = PAGE};
	struct view *v = view_flatten(&top);

	cr_assert_eq(v->n, 1);
	cr_assert_eq(view_find(v, UINT64_MAX)->region, &top);
	cr_assert_null(view_find(v, 0));
	free(v);
}

/* Random regions: at each of many addresses the view agrees with the plain definition. */
Test(view, agrees_with_the_definition)
{
	struct region r[12];
	unsigned round, i;

	srand(7);
	for (round = 0; round < 300; round++) {
		struct view *v;
		uint64_t addr;

		memset(r, 0, sizeof(r));
		for (i = 0; i < 12; i++) {
			r[i].base = (uint64_t)(rand() % 200);
			r[i].size = 1 + (uint64_t)(rand() % 60);
			r[i].priority = rand() % 3;
			r[i].order = i;
			r[i].next = i ? &r[i - 1] : NULL;
		}
		v = view_flatten(&r[11]);
		for (i = 1; i < v->n; i++)
			cr_assert_leq(v->ranges[i - 1].base + v->ranges[i - 1].size,
				      v->ranges[i].base);
		for (addr = 0; addr < 270; addr++) {
			const struct view_range *found = view_find(v, addr);
			const struct region *want = NULL;

			for (i = 0; i < 12; i++)
				if (addr >= r[i].base && addr < r[i].base + r[i].size &&
				    (!want || r[i].priority >= want->priority))
					want = &r[i];
			cr_assert_eq(found ? found->region : NULL, want);
			if (found)
				cr_assert_eq(found->offset + (addr - found->base),
					     addr - found->region->base);
		}
		free(v);
	}
}

Test(memslots, whole_pages_only_and_aligned_host)
{
	uint8_t *host = pages(4);
	struct region r = {.base = 0x10800, .size = 3 * PAGE, .host = host + 0x800};
	struct memslot m[4];
	struct view *v = view_flatten(&r);

	cr_assert_eq(view_memslots(v, PAGE, m), 1);
	cr_assert_eq(m[0].gpa, 0x11000);
	cr_assert_eq(m[0].size, 2 * PAGE);
	cr_assert_eq(m[0].host, host + PAGE);
	cr_assert_eq(view_memslots(v, 16 * PAGE, m), 0);
	free(v);
	r.host = host + 0x400; /* the page offsets differ: KVM could not map it */
	v = view_flatten(&r);
	cr_assert_eq(view_memslots(v, PAGE, m), 0);
	free(v);
	free(host);
}

Test(space, a_transaction_reaches_kvm_once_and_only_with_the_difference)
{
	uint8_t *host = pages(8);
	struct region a = {.base = 0, .size = 4 * PAGE, .host = host};
	struct region b = {.base = 8 * PAGE, .size = 4 * PAGE, .host = host + 4 * PAGE};
	struct region hole = {.base = PAGE, .size = PAGE, .priority = 1, .ops = &note_ops};

	space_begin(s);
	space_add(s, &a);
	space_add(s, &b);
	cr_assert_eq(rec.memslot_calls, 0);
	cr_assert_eq(space_commit(s, NULL), 0);
	cr_assert_eq(recorder_slots(&rec), 2);
	rec.memslot_calls = 0;
	space_add(s, &hole);
	cr_assert_eq(recorder_slots(&rec), 3);
	cr_assert_eq(recorder_slot(&rec, 2 * PAGE)->host, host + 2 * PAGE);
	cr_assert_eq(rec.memslot_calls, 3, "b's slot must not be touched");
	space_remove(s, &hole);
	cr_assert_eq(recorder_slots(&rec), 2);
	space_begin(s);
	space_remove(s, &b);
	space_add(s, &b);
	rec.memslot_calls = 0;
	space_commit(s, NULL);
	cr_assert_eq(rec.memslot_calls, 0, "nothing changed");
	free(host);
}

Test(space, what_kvm_refuses_is_served_all_the_same)
{
	struct error err = {0};
	uint8_t *host = pages(1), got[4] = {0};
	struct region a = {.base = 5 * PAGE, .size = PAGE, .host = host};

	rec.refuse_memslot = -EINVAL;
	space_begin(s);
	space_add(s, &a);
	cr_assert_eq(space_commit(s, &err), -EINVAL);
	cr_assert(strstr(err.text, "0x5000-0x5fff"), "%s", err.text);
	memcpy(host + 4, "abcd", 4);
	cr_assert(space_read(s, c, 5 * PAGE + 4, 4, got));
	cr_assert_arr_eq(got, "abcd", 4);
	free(host);
}

Test(space, accesses_keep_their_width_and_are_cut_at_edges)
{
	struct last_access a = {0};
	struct region r = {.base = 0x100, .size = 0x10, .ops = &note_ops, .opaque = &a};
	uint8_t buf[8];
	unsigned size;

	space_add(s, &r);
	for (size = 1; size <= 8; size *= 2) {
		uint64_t value = 0xa1a2a3a4a5a6a7a8;

		a.count = 0;
		memcpy(buf, &value, 8);
		cr_assert(space_write(s, c, 0x108, size, buf));
		cr_assert_eq(a.count, 1);
		cr_assert_eq(a.size, size);
		cr_assert_eq(a.offset, 8);
		cr_assert_eq(a.value, size == 8 ? value : value & ((1ULL << (8 * size)) - 1));
	}
	a.count = 0;
	cr_assert(!space_read(s, c, 0x10e, 4, buf), "the last two bytes are nobody's");
	cr_assert_eq(a.count, 1);
	cr_assert_eq(a.size, 2);
	cr_assert_arr_eq(buf, "\x88\x77\xff\xff", 4);
	a.count = 0;
	space_read(s, c, 0x101, 4, buf);
	cr_assert_eq(a.count, 3, "1 + 2 + 1: never a misaligned access");
}

Test(space, a_handler_may_move_its_own_region)
{
	struct view_claim other = {.next = NULL};
	struct last_access a = {0};
	struct region r = {.base = 0x100, .size = 0x10, .ops = &note_ops, .opaque = &a};
	uint8_t buf[4];
	int i;

	space_register_claim(s, &other);
	space_add(s, &r);
	/* Another thread looks at a view for long: it must outlive all the commits. */
	atomic_store(&other.view, atomic_load(&s->current));
	for (i = 0; i < 10; i++) {
		space_begin(s);
		space_remove(s, &r);
		r.base += 0x1000;
		space_add(s, &r);
		space_commit(s, NULL);
	}
	cr_assert_eq(view_find(atomic_load(&other.view), 0x104)->offset, 0);
	atomic_store(&other.view, NULL);
	cr_assert(space_read(s, c, 0xa104, 4, buf));
	cr_assert_eq(a.offset, 4);
	cr_assert(!space_read(s, c, 0x104, 4, buf));
}

Test(doorbell, follows_its_region)
{
	struct last_access a = {0};
	int fd = eventfd(0, EFD_NONBLOCK);
	struct region_ioeventfd e = {.offset = 4, .len = 2, .match = true, .data = 3, .fd = fd};
	struct region r = {.base = 0x1000,
			   .size = 0x100,
			   .ops = &note_ops,
			   .opaque = &a,
			   .ioeventfds = &e,
			   .n_ioeventfds = 1};
	struct region cover = {.base = 0x1000, .size = 8, .priority = 1, .ops = &note_ops};
	uint64_t count;

	space_add(s, &r);
	cr_assert_eq(rec.doorbells, 1);
	cr_assert_eq(rec.doorbell_addr, 0x1004);
	space_begin(s);
	space_remove(s, &r);
	r.base = 0x3000;
	space_add(s, &r);
	space_commit(s, NULL);
	cr_assert_eq(rec.doorbells, 1);
	cr_assert_eq(rec.doorbell_addr, 0x3004);
	/* In user space the doorbell rings too, for its size and value only. */
	space_write(s, c, 0x3004, 2, (const uint8_t *)"\x03\0");
	cr_assert_eq(read(fd, &count, 8), 8);
	cr_assert_eq(count, 1);
	cr_assert_eq(a.count, 0);
	space_write(s, c, 0x3004, 2, (const uint8_t *)"\x04\0");
	space_write(s, c, 0x3004, 1, (const uint8_t *)"\x03");
	cr_assert_eq(read(fd, &count, 8), -1);
	cr_assert_eq(a.count, 2);
	cover.base = 0x3000;
	space_add(s, &cover);
	cr_assert_eq(rec.doorbells, 0, "hidden");
	close(fd);
}
