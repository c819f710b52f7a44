/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Rate limits: a token bucket. Pure; time is the caller's, in ns of a clock that never goes back.
 * What is asked for is given while the bucket is not empty, and may leave a debt: a request larger
 * than the bucket comes through too, and is paid for by those after it.
 */
#ifndef CARILLON_VIRTIO_RATE_H
#define CARILLON_VIRTIO_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint64_t per_second; /* 0: no limit */
	int64_t tokens;	     /* in the bucket; negative: a debt */
	uint64_t last;	     /* when tokens were last counted, ns */
};

/* The largest rate there is; more is as good as none. */
#define RATE_MAX (1ULL << 50)

/* A full bucket: a tenth of a second's worth, at least one. per_second: at most RATE_MAX. */
void rate_init(struct rate *r, uint64_t per_second, uint64_t now);
/* In how many ns something may be taken; 0: now. */
uint64_t rate_wait(struct rate *r, uint64_t now);
/* Take n, at most RATE_MAX. rate_wait() was 0. */
void rate_take(struct rate *r, uint64_t n);

#endif
