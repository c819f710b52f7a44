/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * bench: what the benchmarks of devices share. Their command line is pairs of words: a figure and
 * how many requests it is made of. They say "NAME: go FIGURE N" before it begins, "-" when it is
 * over, and at last "NAME: done FIGURE kicks=N ticks=N", a tick being 1024 cycles of the time stamp
 * counter. After the first two they wait for a byte from the serial line, so that the VMM can be
 * looked at while it is idle; and they look for that only ten times a second, so that it is.
 */
#ifndef CARILLON_GUEST_BENCH_H
#define CARILLON_GUEST_BENCH_H

#include "ring.h"

#define BENCH_WORD 16

struct bench {
	const char *name; /* the program's */
	const char *rest; /* of the command line */
	char figure[BENCH_WORD];
	uint32_t requests;
	uint64_t begun; /* cycles */
};

/* The next figure; false: there are no more. */
bool bench_next(struct bench *b);
void bench_go(struct bench *b);
void bench_done(const struct bench *b, uint32_t kicks);
/*
 * All of a figure: its requests, one chain each, with `depth` of them under way. The ring's chains
 * are filled, and none is offered. The device is asked to interrupt as drivers do that want to know
 * of each lot, or, with `late`, when three quarters of what is under way came back.
 */
void bench_run(struct bench *b, struct ring *r, uint32_t depth, bool late);

#endif
