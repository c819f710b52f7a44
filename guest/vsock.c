/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vsock: a guest with nothing but a driver of the socket device (Virtual I/O Device 1.2, 5.10). It
 * connects to the host's port 6000 and has its bytes back, and to 6999, where nobody is; then it
 * says "listening", sends back what comes to its port 5000, and ends when its port 5001 is asked
 * for. All that it says is the same, whoever serves the device.
 */
#include <stddef.h>

#include "ports.h"
#include "virtio.h"

#define SOCKETS_ID 19
#define RINGS	   0x400000u /* 0x1000 for each queue */
#define DRIVER	   0x200u
#define DEVICE	   0x400u
#define RX_BUFFERS 0x500000u
#define TX_BUFFER  0x5f0000u
#define KEPT	   0x600000u /* ROOM for each connection */
#define PATTERN	   0x700000u /* BYTES that we send */

#define RX	 0
#define TX	 1
#define QUEUES	 3
#define SIZE	 16 /* of each ring */
#define RX_BYTES 4096
#define WRITE	 2
#define ROOM	 0x10000u

#define HOST_CID    2
#define CONNECTIONS 8
#define FIRST_PORT  1024
#define BYTES	    100000u
#define CHUNK	    2000u
/* In cycles of the time-stamp counter, some seconds each: the other side may have to wait for a
 * CPU. */
#define PATIENCE     0x800000000ull
#define PATIENCE_FEW 0x100000000ull

/* 5.10.6 */
enum operation { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST };
#define STREAM	 1
#define SHUT_RCV 1
#define SHUT_SND 2

struct header {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

/* What it keeps is a ring in memory of ours: bytes [out, in) of a stream, each modulo ROOM. */
struct connection {
	bool used, open, ended;
	uint32_t host_port, guest_port;
	uint32_t in, out;
	uint32_t sent, credit, taken; /* to the host; buf_alloc and fwd_cnt of the host's */
};

static struct virtio_function device;
static uint64_t cid;
static struct connection connections[CONNECTIONS];
static bool asked_to_end;

static uint64_t now(void)
{
	uint64_t cycles;

	__asm__ volatile("rdtsc" : "=A"(cycles));
	return cycles;
}

static volatile uint16_t *driver_area(unsigned q)
{
	return (volatile uint16_t *)(RINGS + q * 0x1000 + DRIVER);
}

static volatile uint16_t *device_area(unsigned q)
{
	return (volatile uint16_t *)(RINGS + q * 0x1000 + DEVICE);
}

/* Some KVMs emulate each instruction: the string ones are by far the fastest way. */
static void copy(uint32_t to, uint32_t from, uint32_t n)
{
	__asm__ volatile("cld; rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static bool equal(uint32_t a, uint32_t b, uint32_t n)
{
	bool ret = true;

	if (n)
		__asm__ volatile("cld; repe cmpsb"
				 : "+D"(a), "+S"(b), "+c"(n), "=@cce"(ret)
				 :
				 : "memory");
	return ret;
}

/* Where byte `at` of the stream is kept, and how many of n lie there in one piece. */
static uint32_t place(const struct connection *c, uint32_t at, uint32_t *n)
{
	if (*n > ROOM - at % ROOM)
		*n = ROOM - at % ROOM;
	return KEPT + (uint32_t)(c - connections) * ROOM + at % ROOM;
}

static void offer(unsigned q, uint16_t i, uint32_t address, uint32_t length, uint16_t flags)
{
	volatile struct descriptor *d = (volatile struct descriptor *)(RINGS + q * 0x1000) + i;
	volatile uint16_t *area = driver_area(q);

	d->address = address;
	d->length = length;
	d->flags = flags;
	area[2 + area[1] % SIZE] = i;
	__sync_synchronize();
	area[1]++;
	__sync_synchronize();
	virtio_kick(&device, q);
}

/* ---- packets ----------------------------------------------------------------------------------
 */

/* One at a time: the device has taken it when this returns. */
static void send(const struct connection *c, enum operation op, uint32_t flags, uint32_t len)
{
	volatile struct header *h = (volatile struct header *)TX_BUFFER;
	uint64_t begun = now();

	h->src_cid = cid;
	h->dst_cid = HOST_CID;
	h->src_port = c->guest_port;
	h->dst_port = c->host_port;
	h->len = len;
	h->type = STREAM;
	h->op = (uint16_t)op;
	h->flags = flags;
	h->buf_alloc = ROOM;
	h->fwd_cnt = c->out;
	offer(TX, 0, TX_BUFFER, sizeof(*h) + len, 0);
	while (device_area(TX)[1] != driver_area(TX)[1])
		if (now() - begun > PATIENCE)
			end("vsock", "the device does not take a packet");
}

static uint32_t may_send(const struct connection *c)
{
	return c->credit - (c->sent - c->taken);
}

static void send_bytes(struct connection *c, uint32_t len)
{
	c->sent += len;
	send(c, RW, 0, len);
}

/* As much of what is kept as the host has room for. */
static void give_back(struct connection *c)
{
	uint32_t n, from;

	while (c->open && c->in != c->out && may_send(c)) {
		n = c->in - c->out;
		if (n > CHUNK)
			n = CHUNK;
		if (n > may_send(c))
			n = may_send(c);
		from = place(c, c->out, &n);
		copy(TX_BUFFER + sizeof(struct header), from, n);
		c->out += n;
		send_bytes(c, n);
	}
}

static void keep(struct connection *c, uint32_t data, uint32_t len)
{
	uint32_t n, to;

	if (len > ROOM - (c->in - c->out))
		end("vsock", "more came than there was room for");
	for (; len; len -= n, data += n, c->in += n) {
		n = len;
		to = place(c, c->in, &n);
		copy(to, data, n);
	}
}

static struct connection *find(uint32_t host_port, uint32_t guest_port, bool used)
{
	struct connection *c;

	for (c = connections; c < connections + CONNECTIONS; c++)
		if (!used ? !c->used
			  : c->used && c->host_port == host_port && c->guest_port == guest_port)
			return c;
	return NULL;
}

static void accept(const struct header *h)
{
	const struct connection nobody = {.host_port = h->src_port, .guest_port = h->dst_port};
	struct connection *c = find(0, 0, false);

	asked_to_end |= h->dst_port == 5001;
	if (h->dst_port != 5000 || !c) {
		send(&nobody, RST, 0, 0);
		return;
	}
	*c = nobody;
	c->used = c->open = true;
	c->credit = h->buf_alloc;
	c->taken = h->fwd_cnt;
	send(c, RESPONSE, 0, 0);
}

static void end_connection(struct connection *c)
{
	c->ended = true;
	c->open = c->used = false;
}

static void take(const struct header *h)
{
	struct connection *c = find(h->src_port, h->dst_port, true);

	if (!c) {
		if (h->op == REQUEST)
			accept(h);
		return;
	}
	c->credit = h->buf_alloc;
	c->taken = h->fwd_cnt;
	if (h->op == RESPONSE)
		c->open = true;
	if (h->op == RW)
		keep(c, (uint32_t)(h + 1), h->len);
	if (h->op == CREDIT_REQUEST)
		send(c, CREDIT_UPDATE, 0, 0);
	/* All that was said before the end is sent back first. */
	if (h->op == SHUTDOWN && c->guest_port == 5000) {
		give_back(c);
		send(c, h->flags & SHUT_RCV ? RST : SHUTDOWN, SHUT_RCV | SHUT_SND, 0);
	}
	if (h->op == RST || (h->op == SHUTDOWN && h->flags & SHUT_RCV))
		end_connection(c);
}

/* A device may give a buffer back without a word in it: what was there before is not said again. */
static void offer_buffer(uint16_t id)
{
	((volatile struct header *)(RX_BUFFERS + id * RX_BYTES))->op = 0;
	offer(RX, id, RX_BUFFERS + id * RX_BYTES, RX_BYTES, WRITE);
}

/* Look once; true: there was something. */
static bool look(void)
{
	static uint16_t seen;
	volatile uint32_t *used = (volatile uint32_t *)(device_area(RX) + 2);
	struct connection *c;
	uint32_t id;

	if (device_area(RX)[1] == seen)
		return false;
	__sync_synchronize();
	id = used[2 * (seen++ % SIZE)];
	take((const struct header *)(RX_BUFFERS + id * RX_BYTES));
	offer_buffer((uint16_t)id);
	for (c = connections; c < connections + CONNECTIONS; c++)
		if (c->used && c->guest_port == 5000)
			give_back(c);
	return true;
}

/* ---- to the host ------------------------------------------------------------------------------
 */

static struct connection *connect(uint32_t port, uint64_t patience)
{
	struct connection *c = find(0, 0, false);
	uint64_t begun = now();
	static uint32_t ports = FIRST_PORT;

	*c = (struct connection){.used = true, .host_port = port, .guest_port = ports++};
	send(c, REQUEST, 0, 0);
	while (!c->open && !c->ended && now() - begun < patience)
		look();
	return c;
}

static void make_pattern(void)
{
	uint32_t word = 1, at;

	for (at = 0; at < BYTES; at += 4) {
		word = word * 1664525u + 1013904223u;
		*reg32(PATTERN + at) = word;
	}
}

static void say_some(struct connection *c)
{
	uint32_t n = BYTES - c->sent;

	if (n > CHUNK)
		n = CHUNK;
	if (n > may_send(c))
		n = may_send(c);
	copy(TX_BUFFER + sizeof(struct header), PATTERN + c->sent, n);
	if (n)
		send_bytes(c, n);
}

static void compare(struct connection *c)
{
	uint32_t n, from;

	for (; c->out != c->in; c->out += n) {
		n = c->in - c->out;
		from = place(c, c->out, &n);
		if (!equal(from, PATTERN + c->out, n))
			end("vsock", "other bytes came back than were sent");
	}
}

/* BYTES out, while they come back; the host's end and ours see that all is well. */
static void talk(uint32_t port)
{
	struct connection *c = connect(port, PATIENCE);
	uint64_t begun = now();

	if (!c->open)
		end("vsock", "the host does not take a connection");
	while (c->out < BYTES && !c->ended && now() - begun < PATIENCE) {
		if (c->sent < BYTES)
			say_some(c);
		if (look())
			begun = now();
		compare(c);
	}
	print("vsock: to port %u: %u bytes came back\n", port, c->out);
	send(c, SHUTDOWN, SHUT_RCV | SHUT_SND, 0);
	for (begun = now(); !c->ended && now() - begun < PATIENCE_FEW;)
		look();
	print("vsock: to port %u: %s\n", port, c->ended ? "ended" : "no answer to the end");
	c->used = false;
}

static void try_nobody(uint32_t port)
{
	struct connection *c = connect(port, PATIENCE_FEW);

	print("vsock: to port %u: %s\n", port,
	      c->open	 ? "open"
	      : c->ended ? "refused"
			 : "no answer");
	c->used = false;
}

static void start(void)
{
	unsigned q, i;
	uint32_t ring;

	if (!virtio_find(&device, SOCKETS_ID))
		end("vsock", "there is no socket device");
	if (!virtio_negotiate(&device, 0, 0))
		end("vsock", "the device refuses a driver without features");
	cid = reg32(device.config)[0];
	for (q = 0; q < QUEUES; q++) {
		ring = RINGS + q * 0x1000;
		driver_area(q)[0] = 1; /* no interrupts */
		virtio_queue(&device, q, SIZE, ring, ring + DRIVER, ring + DEVICE);
	}
	virtio_go(&device);
	for (i = 0; i < SIZE; i++)
		offer_buffer((uint16_t)i);
}

void guest_main(const void *start_info)
{
	(void)start_info;
	interrupts_init();
	make_pattern();
	start();
	talk(6000);
	try_nobody(6999);
	print("vsock: listening\n");
	while (!asked_to_end)
		look();
	end("vsock", NULL);
}
