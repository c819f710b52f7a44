/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * hostile-virtio: attacks virtio devices by their rings, their registers and their resets. The
 * command line is the devices' IDs (4: entropy), and "strict" behind one that looks at all its
 * queues, so that each broken ring must end in DEVICE_NEEDS_RESET. After each attack memory beside
 * the buffers is as it was. If there is an entropy device besides, it works all the while.
 */
#include <stddef.h>

#include "virtio.h"

/* In the board's memory. */
#define RINGS	      0 /* RING_BYTES for each queue */
#define BUFFERS	      0x100000u
#define WITNESS_RING  0x180000u
#define RING_BYTES    0x400u
#define DRIVER_AREA   0x80u
#define DEVICE_AREA   0x100u
#define TABLE	      0x200u /* an indirect table */
#define BUFFERS_BYTES 0x8000u
/* So much before and behind the buffers. */
#define CANARY_BYTES 0x4000u
#define CANARY	     0x5ca1ab1eu

#define BLOCK_ID   2
#define ENTROPY_ID 4
#define BALLOON_ID 5
#define SIZE	   8 /* of each ring */
#define QUEUES_MAX 4
#define PATIENCE   100000 /* reads of the status */
#define ROUNDS	   20

/* 5.2.6 */
#define BLOCK_OUT   1
#define BLOCK_OK    0
#define BLOCK_IOERR 1

#define NEXT	 1
#define WRITE	 2
#define INDIRECT 4
#define AVAIL	 0x80

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t third, fourth; /* flags and next; packed: ID and flags */
};

struct bad_buffer {
	uint64_t address;
	uint32_t length;
	const char *name;
};

static struct board board;
static uintptr_t buffers, witness_ring;
static struct virtio_function victim, witness;
static unsigned id; /* the victim's */
static bool strict, witnessed, packed;
static unsigned queue, broken, stood;
static uint32_t random_state = 1;

/* Numerical Recipes' generator: the same attacks each time. */
static uint32_t nonsense(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

static uintptr_t ring_of(unsigned q)
{
	return board.memory + RINGS + q * RING_BYTES;
}

static volatile uint16_t *driver16(unsigned i)
{
	return (volatile uint16_t *)(ring_of(queue) + DRIVER_AREA) + i;
}

static void put_at(uintptr_t table, unsigned i, uint64_t address, uint32_t length, uint16_t flags)
{
	volatile struct descriptor *d = (volatile struct descriptor *)table + i;

	d->address = address;
	d->length = length;
	d->third = packed ? (uint16_t)i : flags;
	d->fourth = packed ? (uint16_t)(flags | AVAIL) : (uint16_t)(i + 1);
}

/* Descriptor i of the ring; in a packed one it is available. */
static void put(unsigned i, uint64_t address, uint32_t length, uint16_t flags)
{
	put_at(ring_of(queue), i, address, length, flags);
}

static void put_inner(unsigned i, uint64_t address, uint32_t length, uint16_t flags)
{
	put_at(ring_of(queue) + TABLE, i, address, length, flags);
}

/* Split: `n` heads are available, all of them `head`. */
static void offer(uint16_t head, unsigned n)
{
	unsigned i;

	for (i = 0; i < SIZE; i++)
		*driver16(2 + i) = head;
	*driver16(1) = (uint16_t)(*driver16(1) + n);
}

/* ---- what must not change ---------------------------------------------------------------------
 */

static void place_canary(void)
{
	fill_words(buffers - CANARY_BYTES, CANARY_BYTES, CANARY);
	fill_words(buffers + BUFFERS_BYTES, CANARY_BYTES, CANARY);
}

static void check_canary(const char *attack)
{
	if (has_words(buffers - CANARY_BYTES, CANARY_BYTES, CANARY) &&
	    has_words(buffers + BUFFERS_BYTES, CANARY_BYTES, CANARY))
		return;
	print("hostile-virtio: %s:\n", attack);
	end("hostile-virtio", "memory beside the buffers has changed");
}

/* ---- good drivers -----------------------------------------------------------------------------
 */

/* One request to an entropy device whose split queue 0 lies at `ring`. */
static bool entropy_comes(const struct virtio_function *f, uintptr_t ring)
{
	volatile struct descriptor *d = (volatile struct descriptor *)ring;
	volatile uint16_t *driver = (volatile uint16_t *)(ring + DRIVER_AREA);
	volatile uint16_t *device = (volatile uint16_t *)(ring + DEVICE_AREA);
	uintptr_t buffer = ring + TABLE;
	uint32_t patience;

	*reg32(buffer) = *reg32(buffer + 4) = 0;
	d->address = buffer;
	d->length = 64;
	d->third = WRITE;
	driver[2 + driver[1] % SIZE] = 0;
	driver[1]++;
	virtio_kick(f, 0);
	for (patience = PATIENCE; patience && device[1] != driver[1]; patience--)
		(void)virtio_status(f);
	return device[1] == driver[1] && (*reg32(buffer) || *reg32(buffer + 4));
}

/* Set up all queues, rings empty. size and desc are queue `queue`'s. */
static void set_up(uint16_t size, uint64_t desc, uint64_t driver, uint64_t device)
{
	unsigned q;

	if (!virtio_negotiate(&victim, VIRTIO_0_INDIRECT,
			      VIRTIO_1_RING_RESET | (packed ? VIRTIO_1_PACKED : 0)))
		end("hostile-virtio", "a good driver is refused");
	for (q = 0; q < victim.queues && q < QUEUES_MAX; q++) {
		uintptr_t ring = ring_of(q);

		fill_words(ring, RING_BYTES, 0);
		if (q != queue)
			virtio_queue(&victim, q, SIZE, ring, ring + DRIVER_AREA,
				     ring + DEVICE_AREA);
	}
	virtio_queue(&victim, queue, size, desc, driver, device);
	virtio_go(&victim);
}

static void begin(void)
{
	uintptr_t ring = ring_of(queue);

	/* A balloon reads numbers of pages here: of none that there is. */
	fill_words(buffers, BUFFERS_BYTES, id == BALLOON_ID ? 0xffffffff : 0);
	set_up(SIZE, ring, ring + DRIVER_AREA, ring + DEVICE_AREA);
	if (virtio_status(&victim) & VIRTIO_NEEDS_RESET)
		end("hostile-virtio", "a good start needs a reset");
}

/* ---- rings that break -------------------------------------------------------------------------
 */

/* The attack was made: what does the device say? */
static void judge(const char *attack)
{
	uint32_t patience = strict ? PATIENCE : 200;

	while (patience && !(virtio_status(&victim) & VIRTIO_NEEDS_RESET))
		patience--;
	if (!patience && strict)
		end("hostile-virtio", attack);
	print("hostile-virtio: %s queue %u: %s: %s\n", packed ? "packed" : "split", queue, attack,
	      patience ? "needs a reset" : "stands");
	*(patience ? &broken : &stood) += 1;
	check_canary(attack);
	if (witnessed && !entropy_comes(&witness, witness_ring))
		end("hostile-virtio", "the other device stands still");
}

static void kick_and_judge(const char *attack)
{
	virtio_kick(&victim, queue);
	judge(attack);
}

static void attack_with(const struct bad_buffer *bad, uint16_t flags)
{
	begin();
	put(0, bad->address, bad->length, flags);
	offer(0, 1);
	kick_and_judge(bad->name);
}

static void bad_addresses(void)
{
	const struct bad_buffer bad[] = {{board.ram_end, 64, "behind RAM"},
					 {board.ram_end - 1, 2, "over RAM's end"},
					 {buffers, 0xffffffff, "4 GiB from a good address on"},
					 {0xffffffffffffffffu, 2, "over the end of all addresses"},
					 {0x8000000000000000u, 64, "the upper half of addresses"},
					 {victim.registers, 64, "the device's own registers"}};
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		attack_with(&bad[i], WRITE);
	for (i = 0; i < board.n_others; i++)
		attack_with(&(struct bad_buffer){board.others[i].address, 64, board.others[i].name},
			    WRITE);
}

static void bad_chains(void)
{
	unsigned i;

	begin();
	put(1, buffers, 64, 0);
	put(0, buffers, 64, WRITE | NEXT);
	offer(0, 1);
	kick_and_judge("a readable buffer behind a writable one");
	begin();
	for (i = SIZE; i--;)
		put(i, buffers, 64, WRITE | NEXT);
	offer(0, 1);
	kick_and_judge("a chain without an end");
	begin();
	put(1, buffers, 0xffffffff, WRITE);
	put(0, buffers, 64, WRITE | NEXT);
	offer(0, 1);
	kick_and_judge("lengths that overflow");
}

static void bad_tables(void)
{
	uintptr_t table = ring_of(queue) + TABLE;
	const struct bad_buffer bad[] = {
		{table, 0, "a table of nothing"},
		{table, 17, "a table of one entry and a byte"},
		{board.ram_end - 16, 32, "a table over RAM's end"},
		{0xfffffffffffffff0u, 32, "a table over the end of all addresses"},
		{ring_of(queue), 0xfffffff0u, "a table of 4 GiB"}};
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		attack_with(&bad[i], INDIRECT);
	begin();
	put_inner(0, table, 16, INDIRECT);
	put(0, table, 16, INDIRECT);
	offer(0, 1);
	kick_and_judge("a table in itself");
	begin();
	put_inner(0, board.ram_end, 64, WRITE);
	put(0, table, 16, INDIRECT);
	offer(0, 1);
	kick_and_judge("a table that leads out of RAM");
	begin();
	for (i = 0; i < 20; i++)
		put_inner(i, buffers, 64, WRITE | NEXT);
	put(0, table, 20 * 16, INDIRECT);
	offer(0, 1);
	kick_and_judge("a table longer than the ring");
}

static void bad_split_rings(void)
{
	volatile struct descriptor *d = (volatile struct descriptor *)ring_of(queue);

	begin();
	offer(SIZE, 1);
	kick_and_judge("a head behind the table");
	begin();
	offer(0xffff, 1);
	kick_and_judge("head 65535");
	begin();
	put(0, buffers, 64, WRITE | NEXT);
	d->fourth = 0x8000;
	offer(0, 1);
	kick_and_judge("a link behind the table");
	begin();
	put(0, buffers, 0, WRITE | NEXT);
	d->fourth = 0;
	offer(0, 1);
	kick_and_judge("a loop of nothing");
	begin();
	put(0, buffers, 64, WRITE);
	offer(0, SIZE + 1);
	kick_and_judge("more available than the ring has");
	begin();
	offer(0, 0x8000);
	kick_and_judge("an index half around");
}

/* A disk writes nothing of these, and says so. */
static void bad_sectors(void)
{
	uint64_t end_of_disk = (uint64_t)*reg32(victim.config + 4) << 32 | *reg32(victim.config);
	const uint64_t bad[] = {end_of_disk, end_of_disk - 1, 1ull << 55, 0xffffffffffffffffu};
	uintptr_t header = ring_of(queue) + TABLE;
	volatile uint8_t *answer = (volatile uint8_t *)header + 16;
	unsigned i, patience;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		*reg32(header) = BLOCK_OUT;
		*reg32(header + 8) = (uint32_t)bad[i];
		*reg32(header + 12) = (uint32_t)(bad[i] >> 32);
		*answer = 0xff;
		put(2, header + 16, 1, WRITE);
		put(1, buffers, 1024, NEXT);
		put(0, header, 16, NEXT);
		offer(0, 1);
		virtio_kick(&victim, queue);
		for (patience = PATIENCE; *answer == 0xff && patience; patience--)
			(void)virtio_status(&victim);
		if (*answer == BLOCK_OK || (strict && *answer != BLOCK_IOERR))
			end("hostile-virtio", "a write behind the disk's end");
	}
	print("hostile-virtio: %u writes behind the disk's end\n", i);
}

/* Each of these is refused when the driver is ready. */
static void bad_places(void)
{
	uintptr_t ring = ring_of(queue), driver = ring + DRIVER_AREA, device = ring + DEVICE_AREA;

	set_up(SIZE, board.ram_end - 64, driver, device);
	judge("descriptors over RAM's end");
	set_up(SIZE, ring + 8, driver, device);
	judge("descriptors that are not aligned");
	set_up(SIZE, ring, board.ram_end, device);
	judge("a driver area behind RAM");
	set_up(SIZE, ring, driver, victim.registers);
	judge("a device area in registers");
	set_up(SIZE, ring, driver, 0xfffffffffffffffcu);
	judge("a device area over the end of all addresses");
	set_up(0, ring, driver, device);
	judge("a ring without entries");
}

/* ---- everything at once -----------------------------------------------------------------------
 */

/* A buffer within ours, or far from RAM: what the device writes to a good address is no attack. */
static void put_nonsense(uintptr_t table, unsigned i)
{
	uint32_t kind = nonsense() % 8;
	uint64_t address = buffers + nonsense() % (BUFFERS_BYTES / 2);
	uint32_t length = nonsense() % (BUFFERS_BYTES / 2);
	uint16_t flags = nonsense() & (kind == 2 ? NEXT | WRITE | INDIRECT : NEXT | WRITE);

	if (kind == 0)
		address = (uint64_t)nonsense() << 40 | nonsense() << 8;
	if (kind == 1)
		length |= 0xf0000000u;
	if (kind == 2)
		address = ring_of(queue) + TABLE, length = 16 * (nonsense() % 20);
	/* A driver that gave a balloon numbers out of the ring would lose pages of its own. */
	if (kind == 2 && !(flags & INDIRECT))
		flags |= WRITE;
	put_at(table, i, address, length, flags);
	if (!packed)
		((volatile struct descriptor *)table)[i].fourth = (uint16_t)(nonsense() % 10);
}

static void nonsense_rings(void)
{
	unsigned round, i;

	for (round = 0; round < ROUNDS; round++) {
		begin();
		for (i = 0; i < 20; i++)
			put_nonsense(ring_of(queue) + TABLE, i);
		for (i = 0; i < SIZE; i++)
			put_nonsense(ring_of(queue), i);
		offer((uint16_t)(nonsense() % 10), nonsense() % SIZE + 1);
		virtio_kick(&victim, queue);
		(void)virtio_status(&victim);
	}
	check_canary("nonsense");
	print("hostile-virtio: %u rings of nonsense\n", round);
}

/* The device reads while we write: what it checked must be what it uses. */
static void changing_rings(void)
{
	unsigned round, i;

	for (round = 0; round < ROUNDS; round++) {
		begin();
		for (i = SIZE; i--;)
			put(i, buffers, 0x1000, WRITE);
		offer(0, SIZE);
		virtio_kick(&victim, queue);
		for (i = 0; i < 300; i++) {
			put(i % SIZE, i & 8 ? board.ram_end - 64 : buffers, 0x1000,
			    i & 16 ? WRITE : WRITE | NEXT);
			if (i % 64 == 0)
				offer((uint16_t)(i % SIZE), 1);
		}
	}
	check_canary("changing rings");
	print("hostile-virtio: %u rings that change while they are read\n", round);
}

/* All of the ring for the device to write to; of a disk that is a read of its beginning. */
static void offer_buffers(void)
{
	unsigned i;

	for (i = SIZE; i--;)
		put(i, buffers + i * 0x1000, 0x1000, id == BLOCK_ID ? WRITE | NEXT : WRITE);
	if (id == BLOCK_ID) {
		put(SIZE - 1, buffers + (SIZE - 1) * 0x1000, 1, WRITE);
		put(0, ring_of(queue) + TABLE, 16, NEXT);
	}
	offer(0, SIZE);
}

/* After a reset not a byte more comes, of what was on its way (2.1). */
static void resets(bool of_queue)
{
	unsigned round, spin;

	for (round = 0; round < ROUNDS; round++) {
		begin();
		offer_buffers();
		virtio_kick(&victim, queue);
		for (spin = nonsense() % 4; spin; spin--)
			(void)virtio_status(&victim);
		if (of_queue)
			virtio_reset_queue(&victim, queue);
		else
			virtio_set_status(&victim, 0);
		fill_words(buffers, BUFFERS_BYTES, 0);
		for (spin = 0; spin < 20; spin++)
			(void)virtio_status(&victim);
		if (!has_words(buffers, BUFFERS_BYTES, 0))
			end("hostile-virtio", "written after a reset");
	}
	check_canary("resets");
	print("hostile-virtio: %u resets of the %s in the middle\n", round,
	      of_queue ? "queue" : "device");
}

/* All registers at all widths; the address bits that are set lead out of RAM. */
static void nonsense_registers(void)
{
	unsigned i;

	for (i = 0; i < 40 * ROUNDS; i++) {
		uintptr_t addr = victim.registers + nonsense() % victim.registers_size;

		if (i % 3 == 0)
			*(volatile uint8_t *)addr = (uint8_t)nonsense();
		else if (i % 3 == 1)
			*(volatile uint16_t *)(addr & ~(uintptr_t)1) = (uint16_t)nonsense();
		else
			*reg32(addr & ~(uintptr_t)3) = nonsense() | 0x80000000u;
		(void)*reg32(victim.registers + (nonsense() & (victim.registers_size - 4)));
		if (i % 16 == 0 && !victim.mmio) {
			pci_write(victim.devfn, victim.window + 4 + 4 * (nonsense() % 4),
				  nonsense() % 0x4000);
			(void)pci_read(victim.devfn, victim.window + 16);
		}
	}
	virtio_set_status(&victim, 0);
	check_canary("registers");
	print("hostile-virtio: %u registers of nonsense\n", i);
}

/* How rings are read is the same code for all queues; what is done with chains is not. */
static void attack_queue(void)
{
	bad_addresses();
	bad_chains();
	if (!queue) {
		bad_tables();
		bad_places();
	}
	if (!queue && !packed)
		bad_split_rings();
	if (id == BLOCK_ID)
		bad_sectors();
	nonsense_rings();
	changing_rings();
	resets(false);
	resets(true);
}

static void find_witness(void)
{
	witnessed = id != ENTROPY_ID && virtio_find(&witness, ENTROPY_ID);
	if (!witnessed)
		return;
	fill_words(witness_ring, RING_BYTES, 0);
	virtio_negotiate(&witness, 0, 0);
	virtio_queue(&witness, 0, SIZE, witness_ring, witness_ring + DRIVER_AREA,
		     witness_ring + DEVICE_AREA);
	virtio_go(&witness);
}

/* And after all that it starts, and serves, as if nothing had been. */
static void finish(void)
{
	packed = false;
	queue = 0;
	begin();
	if (id == ENTROPY_ID && !entropy_comes(&victim, ring_of(0)))
		end("hostile-virtio", "the device does not serve any more");
	print("hostile-virtio: device %u: %u attacks need a reset, %u stand%s\n", id, broken, stood,
	      witnessed ? ", and another device went on" : "");
	virtio_set_status(&victim, 0);
}

static void attack_device(void)
{
	unsigned q;

	if (!virtio_find(&victim, id))
		end("hostile-virtio", "there is no such device");
	find_witness();
	place_canary();
	broken = stood = 0;
	for (q = 0; q < victim.queues && q < QUEUES_MAX; q++) {
		queue = q;
		packed = false;
		attack_queue();
		packed = true;
		attack_queue();
	}
	nonsense_registers();
	finish();
}

/* The next device of the command line; false: there are no more. */
static bool next_device(const char **rest)
{
	const char *s = *rest, *word = " strict";

	while (*s == ' ')
		s++;
	for (id = 0; *s >= '0' && *s <= '9'; s++)
		id = 10 * id + (unsigned)(*s - '0');
	*rest = s;
	while (*word && *s == *word)
		s++, word++;
	strict = !*word;
	if (strict)
		*rest = s;
	return id;
}

void guest_main(const void *start_info)
{
	/* What the VMM adds, for drivers without a bus, is behind ours. */
	const char *rest = command_line(start_info);

	board_find(&board);
	buffers = board.memory + BUFFERS;
	witness_ring = board.memory + WITNESS_RING;
	if (!next_device(&rest))
		end("hostile-virtio", "no device is named");
	do
		attack_device();
	while (next_device(&rest));
	end("hostile-virtio", NULL);
}
