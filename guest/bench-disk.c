/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * bench-disk: how fast a virtio disk is, on the bare machine (bench.h). Its figures:
 *
 *   qd1, qd32	reads of 4 KiB, of RING_SIZE places all over the disk, one or 32 under way
 *   wr32	writes there
 *   seq	reads of 1 MiB, 4 under way; RING_SIZE of them, one behind the other, and again
 *
 * Needs a disk of 256 MiB and 64 MiB of memory.
 */
#include <stddef.h>

#include "bench.h"
#include "ports.h"

#define NAME	   "bench-disk"
#define BLOCK_ID   2
#define CAN_FLUSH  (1u << 9) /* VIRTIO_BLK_F_FLUSH: without it each write would be flushed */
#define RING	   0x400000u
#define HEADERS	   0x410000u
#define STATES	   0x412000u /* the device's byte for each */
#define TABLES	   0x420000u
#define TABLE_SIZE 512u
#define DATA	   0x800000u
#define PAGE	   4096u
#define MIB	   0x100000u
#define SEGMENT	   0x10000u /* of the sequential reads */

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

static struct virtio_function disk;
static struct ring ring;

static struct descriptor *table(unsigned i)
{
	return (struct descriptor *)(TABLES + i * TABLE_SIZE);
}

/* Chain i: `segments` of `bytes` each, from that place of the disk, to or from that address. */
static void fill(unsigned i, bool write, uint64_t sector, uint32_t at, uint32_t bytes,
		 unsigned segments)
{
	struct descriptor *d = table(i);
	struct header *h = (struct header *)HEADERS + i;
	unsigned n;

	*h = (struct header){.type = write, .sector = sector};
	d[0] = (struct descriptor){(uint32_t)h, sizeof(*h), RING_NEXT, 1};
	for (n = 1; n <= segments; n++, at += bytes)
		d[n] = (struct descriptor){at, bytes, RING_NEXT | (write ? 0 : RING_WRITE),
					   (uint16_t)(n + 1)};
	d[n] = (struct descriptor){STATES + i, 1, RING_WRITE, 0};
	*(volatile uint8_t *)(STATES + i) = 0xff;
	*ring_descriptor(&ring, i) =
		(struct descriptor){(uint32_t)d, (n + 1) * sizeof(*d), RING_INDIRECT, 0};
}

static void fill_pages(bool write)
{
	unsigned i;

	/* 167 is odd: each of the 256 MiB once, and far from the one before. */
	for (i = 0; i < RING_SIZE; i++)
		fill(i, write, (167 * i % RING_SIZE) * (MIB / 512), DATA + i * PAGE, PAGE, 1);
}

static void fill_mibs(void)
{
	unsigned i;

	for (i = 0; i < RING_SIZE; i++)
		fill(i, false, i * (MIB / 512), DATA + i % 4 * MIB, SEGMENT, MIB / SEGMENT);
}

static void check(const struct bench *b)
{
	unsigned i;

	for (i = 0; i < RING_SIZE && i < b->requests; i++)
		if (*(volatile uint8_t *)(STATES + i))
			end(NAME, "a request failed");
}

static void start(void)
{
	if (!virtio_negotiate(&disk, VIRTIO_0_EVENT_IDX | VIRTIO_0_INDIRECT | CAN_FLUSH, 0))
		end(NAME, "features");
	virtio_vectors(&disk, LAPIC, FIRST_VECTOR);
	ring_init(&ring, &disk, 0, RING);
	virtio_go(&disk);
}

void guest_main(const void *start_info)
{
	struct bench b = {.name = NAME, .rest = command_line(start_info)};

	interrupts_init();
	if (!virtio_find(&disk, BLOCK_ID))
		end(NAME, "no disk");
	for (; bench_next(&b); check(&b)) {
		start();
		if (same(b.figure, "seq")) {
			fill_mibs();
			bench_run(&b, &ring, 4, false);
			continue;
		}
		fill_pages(same(b.figure, "wr32"));
		bench_run(&b, &ring, same(b.figure, "qd1") ? 1 : 32, false);
	}
	end(NAME, NULL);
}
