/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * bench-net: how fast a virtio network card is, on the bare machine (bench.h), with
 * tests/bench/peer.c at the other end of its tap. Its figures:
 *
 *   tx, rx	frames of 60 bytes out or in, 128 under way
 *   txbig, rxbig	frames of 63 KiB for the other side to segment, 8 under way
 *   ping	one frame out, the same one in
 *
 * What comes in was asked for: each lot of frames that was used up lets the peer send one more.
 */
#include <stddef.h>

#include "bench.h"
#include "ports.h"

#define NAME	   "bench-net"
#define NET_ID	   1
#define RX_RING	   0x400000u
#define TX_RING	   0x410000u
#define TABLE	   0x420000u /* of a large frame that goes out */
#define HEADER	   0x421000u
#define SMALL	   0x422000u
#define LARGE	   0x430000u
#define RX_BUFFERS 0x500000u
#define PAGE	   4096u
#define SEGMENTS   2u

#define HEADER_BYTES 12u
#define SMALL_BYTES  60u
#define IP_AT	     14u
#define TCP_AT	     34u
#define DATA_AT	     54u
#define DATA_BYTES   (63u << 10)

/* Features of word 0 (5.1.3). */
#define CSUM	   (1u << 0)
#define GUEST_CSUM (1u << 1)
#define GUEST_TSO4 (1u << 7)
#define HOST_TSO4  (1u << 11)
#define MRG_RXBUF  (1u << 15)

/* What the peer is told: in its frames' type, and behind their headers. */
#define TYPE_ASK   0x88b5u
#define TYPE_EMPTY 0x88b6u
#define ASK_ECHO   0
#define ASK_SMALL  1
#define ASK_LARGE  2

/* Of frames that come in: how many make a lot, how many lots are under way, buffers of a frame. */
struct flow {
	uint8_t ask;
	uint32_t lot, lots, buffers;
};

struct net_header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, buffers;
};

static struct virtio_function card;
static struct ring rx, tx;

static void put(uint32_t at, unsigned bytes, uint32_t value)
{
	while (bytes--)
		*(volatile uint8_t *)at++ = (uint8_t)(value >> (8 * bytes));
}

static void put_ethernet(uint32_t at, uint32_t type)
{
	put(at, 2, 0x0212);
	put(at + 2, 4, 0x34567801);
	put(at + 6, 2, 0x0212);
	put(at + 8, 4, 0x34567802);
	put(at + 12, 2, type);
}

/* A frame without a header that says anything, in all of the ring. */
static void fill_small(uint32_t type, uint8_t ask, uint8_t n)
{
	unsigned i;

	*(struct net_header *)SMALL = (struct net_header){0};
	put_ethernet(SMALL + HEADER_BYTES, type);
	put(SMALL + HEADER_BYTES + IP_AT, 1, ask);
	put(SMALL + HEADER_BYTES + IP_AT + 1, 1, n);
	for (i = 0; i < RING_SIZE; i++)
		*ring_descriptor(&tx, i) =
			(struct descriptor){SMALL, HEADER_BYTES + SMALL_BYTES, 0, 0};
}

/* TCP in IPv4 from 192.0.2.2 to 192.0.2.1, as a driver hands it over with HOST_TSO4. */
static void fill_large(void)
{
	struct descriptor *d = (struct descriptor *)TABLE;
	unsigned i;

	*(struct net_header *)HEADER = (struct net_header){
		.flags = 1, /* needs its checksum */
		.gso_type = 1,
		.hdr_len = DATA_AT,
		.gso_size = 1448,
		.csum_start = TCP_AT,
		.csum_offset = 16,
	};
	put_ethernet(LARGE, 0x0800);
	put(LARGE + IP_AT, 4, 0x45000000u + DATA_AT - IP_AT + DATA_BYTES);
	put(LARGE + IP_AT + 8, 4, 0x40060000);
	put(LARGE + IP_AT + 12, 4, 0xc0000202);
	put(LARGE + IP_AT + 16, 4, 0xc0000201);
	put(LARGE + TCP_AT, 4, 0x10001001);
	put(LARGE + TCP_AT + 12, 4, 0x50100400);
	d[0] = (struct descriptor){HEADER, HEADER_BYTES, RING_NEXT, 1};
	d[1] = (struct descriptor){LARGE, DATA_AT, RING_NEXT, 2};
	for (i = 0; i < SEGMENTS; i++)
		d[2 + i] = (struct descriptor){LARGE + DATA_AT + i * (DATA_BYTES / SEGMENTS),
					       DATA_BYTES / SEGMENTS,
					       i + 1 < SEGMENTS ? RING_NEXT : 0, (uint16_t)(3 + i)};
	for (i = 0; i < RING_SIZE; i++)
		*ring_descriptor(&tx, i) =
			(struct descriptor){TABLE, (2 + SEGMENTS) * sizeof(*d), RING_INDIRECT, 0};
}

static void start(void)
{
	unsigned i;

	if (!virtio_negotiate(&card,
			      VIRTIO_0_EVENT_IDX | VIRTIO_0_INDIRECT | CSUM | GUEST_CSUM |
				      GUEST_TSO4 | HOST_TSO4 | MRG_RXBUF,
			      0))
		end(NAME, "features");
	virtio_vectors(&card, LAPIC, FIRST_VECTOR);
	ring_init(&rx, &card, 0, RX_RING);
	ring_init(&tx, &card, 1, TX_RING);
	for (i = 0; i < RING_SIZE; i++)
		*ring_descriptor(&rx, i) =
			(struct descriptor){RX_BUFFERS + i * PAGE, PAGE, RING_WRITE, 0};
	virtio_go(&card);
}

/* Whole lots; each that is used up makes way for one more, until all are asked for. */
static void receive(struct bench *b, const struct flow *f)
{
	uint32_t lot = f->lot * f->buffers, lots = b->requests / f->lot, to_ask, got = 0;

	fill_small(TYPE_ASK, f->ask, (uint8_t)f->lot);
	ring_offer(&rx, RING_SIZE);
	bench_go(b);
	rx.kicks = tx.kicks = 0;
	to_ask = lots > f->lots ? lots - f->lots : 0;
	ring_offer(&tx, (uint16_t)(lots - to_ask));
	while (lots) {
		uint16_t back = ring_take(&rx, 0);

		if (!back)
			continue;
		ring_offer(&rx, back);
		for (got += back; got >= lot; got -= lot, lots--)
			if (to_ask && to_ask--)
				ring_offer(&tx, 1);
	}
	bench_done(b, rx.kicks + tx.kicks);
}

static void ping(struct bench *b)
{
	uint32_t left = b->requests;

	fill_small(TYPE_ASK, ASK_ECHO, 0);
	ring_offer(&rx, RING_SIZE);
	bench_go(b);
	rx.kicks = tx.kicks = 0;
	for (; left; left--) {
		ring_offer(&tx, 1);
		while (!ring_take(&rx, 0))
			;
		ring_offer(&rx, 1);
	}
	bench_done(b, rx.kicks + tx.kicks);
}

void guest_main(const void *start_info)
{
	static const struct flow small = {ASK_SMALL, 32, 4, 1}, large = {ASK_LARGE, 2, 4, 16};
	struct bench b = {.name = NAME, .rest = command_line(start_info)};

	interrupts_init();
	if (!virtio_find(&card, NET_ID))
		end(NAME, "no network card");
	while (bench_next(&b)) {
		start();
		if (same(b.figure, "rx")) {
			receive(&b, &small);
		} else if (same(b.figure, "rxbig")) {
			receive(&b, &large);
		} else if (same(b.figure, "ping")) {
			ping(&b);
		} else if (same(b.figure, "txbig")) {
			fill_large();
			bench_run(&b, &tx, 8, true);
		} else {
			fill_small(TYPE_EMPTY, 0, 0);
			bench_run(&b, &tx, 128, true);
		}
	}
	end(NAME, NULL);
}
