/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* bench: see bench.h. */
#include "bench.h"
#include "ports.h"

/* The 16550's, of COM1. */
#define LINE_DATA   0x3f8
#define LINE_STATUS 0x3fd
#define DATA_READY  0x01

static bool take_word(struct bench *b)
{
	unsigned n = 0;

	while (*b->rest == ' ')
		b->rest++;
	for (; *b->rest && *b->rest != ' '; b->rest++)
		if (n < BENCH_WORD - 1)
			b->figure[n++] = *b->rest;
	b->figure[n] = '\0';
	return n;
}

bool bench_next(struct bench *b)
{
	if (!take_word(b))
		return false;
	while (*b->rest == ' ')
		b->rest++;
	for (b->requests = 0; *b->rest >= '0' && *b->rest <= '9'; b->rest++)
		b->requests = 10 * b->requests + (uint32_t)(*b->rest - '0');
	return b->requests;
}

/* About a tenth of a second, without an exit. */
static void pause(void)
{
	uint64_t begin = __builtin_ia32_rdtsc();

	while (__builtin_ia32_rdtsc() - begin < 1u << 28)
		;
}

static void wait_for_byte(void)
{
	while (!(inb(LINE_STATUS) & DATA_READY))
		pause();
	inb(LINE_DATA);
}

void bench_go(struct bench *b)
{
	print("%s: go %s %u\n", b->name, b->figure, b->requests);
	wait_for_byte();
	b->begun = __builtin_ia32_rdtsc();
}

void bench_done(const struct bench *b, uint32_t kicks)
{
	uint32_t ticks = (uint32_t)((__builtin_ia32_rdtsc() - b->begun) >> 10);

	print("-\n");
	wait_for_byte();
	print("%s: done %s kicks=%u ticks=%u\n", b->name, b->figure, kicks, ticks);
}

void bench_run(struct bench *b, struct ring *r, uint32_t depth, bool late)
{
	uint32_t left = b->requests, flying = depth < left ? depth : left, back;

	r->kicks = 0;
	bench_go(b);
	left -= flying;
	ring_offer(r, (uint16_t)flying);
	while (flying) {
		back = ring_take(r, late ? (uint16_t)(3 * flying / 4) : 0);
		if (!back)
			continue;
		flying -= back;
		if (back > left)
			back = left;
		if (!back)
			continue;
		left -= back;
		flying += back;
		ring_offer(r, (uint16_t)back);
	}
	bench_done(b, r->kicks);
}
