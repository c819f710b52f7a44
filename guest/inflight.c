/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * inflight: a guest that asks an entropy device (Virtual I/O Device 1.2, 5.4) for FIRST buffers at
 * once and, when as many answers came, for one more. It says which request each answer is for and
 * what the buffer has; nothing is well but one answer to each.
 */
#include <stddef.h>

#include "ports.h"
#include "ring.h"

#define ENTROPY_ID 4
#define RING	   0x400000u
#define BUFFERS	   0x410000u
#define BYTES	   64u /* of each */
#define FIRST	   4u
#define REQUESTS   (FIRST + 1)

static struct ring ring;
static uint16_t seen;
static unsigned answers[REQUESTS];

static void take_one(void)
{
	uint16_t i = ring_returned(&ring, seen++);

	if (i >= REQUESTS)
		end("inflight", "an answer to what was not asked");
	answers[i]++;
	print("inflight: request %u: %u\n", i, *(volatile uint8_t *)(BUFFERS + i * BYTES));
}

/* More requests, until there are as many answers as requests. */
static void ask(uint16_t n)
{
	ring_offer(&ring, n);
	while (seen != ring.offered)
		for (n = ring_take(&ring, 0); n; n--)
			take_one();
}

static void start(void)
{
	struct virtio_function device;
	unsigned i;

	if (!virtio_find(&device, ENTROPY_ID))
		end("inflight", "there is no entropy device");
	if (!virtio_negotiate(&device, VIRTIO_0_EVENT_IDX, 0))
		end("inflight", "the device refuses a driver");
	ring_init(&ring, &device, 0, RING);
	for (i = 0; i < REQUESTS; i++)
		*ring_descriptor(&ring, i) =
			(struct descriptor){BUFFERS + i * BYTES, BYTES, RING_WRITE, 0};
	virtio_go(&device);
}

void guest_main(const void *start_info)
{
	unsigned i;

	(void)start_info;
	interrupts_init();
	start();
	ask(FIRST);
	ask(1);
	for (i = 0; i < REQUESTS; i++)
		if (answers[i] != 1)
			end("inflight", "a request is lost, or done twice");
	end("inflight", NULL);
}
