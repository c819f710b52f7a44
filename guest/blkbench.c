/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * blkbench DISK [MILLISECONDS]: how fast a disk reads. Prints, as name=value:
 *
 *   qd1_iops   random reads of 4 KiB, one at a time
 *   qd32_iops  the same with 32 under way
 *   seq_mibs   sequential reads of 1 MiB, 4 under way, in MiB/s
 *
 * It goes around the page cache (O_DIRECT), by the kernel's own AIO calls, and needs no library
 * beside the C library. Each figure takes the given time (default: 2000 ms).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEPTH  32
#define MAX_BLOCK  (1 << 20)
#define NSEC_PER_S 1000000000ULL

struct bench {
	int fd;
	uint64_t blocks; /* in the disk, of the size now measured */
	uint64_t next;	 /* sequential: the next block; random: the generator's state */
	size_t block;	 /* bytes */
	int random;
	char *buffers[MAX_DEPTH];
	struct iocb iocbs[MAX_DEPTH];
};

static void die(const char *what)
{
	printf("error=%s:%s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_S + (uint64_t)t.tv_nsec;
}

/* xorshift64: the same blocks in the same order every time. */
static uint64_t next_block(struct bench *b)
{
	if (!b->random)
		return b->next++ % b->blocks;
	b->next ^= b->next << 13;
	b->next ^= b->next >> 7;
	b->next ^= b->next << 17;
	return b->next % b->blocks;
}

static void submit(struct bench *b, aio_context_t ctx, unsigned slot)
{
	struct iocb *io = &b->iocbs[slot];

	*io = (struct iocb){
		.aio_data = slot,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)b->fd,
		.aio_buf = (uintptr_t)b->buffers[slot],
		.aio_nbytes = b->block,
		.aio_offset = (int64_t)(next_block(b) * b->block),
	};
	if (syscall(SYS_io_submit, ctx, 1, &io) != 1)
		die("io_submit");
}

/* Reads for `ns` nanoseconds with `depth` reads under way; returns the blocks read per second. */
static double measure(struct bench *b, unsigned depth, uint64_t ns)
{
	struct io_event events[MAX_DEPTH];
	aio_context_t ctx = 0;
	uint64_t start, end, done = 0;
	unsigned i, flying;

	if (syscall(SYS_io_setup, depth, &ctx))
		die("io_setup");
	start = now_ns();
	end = start;
	for (flying = 0; flying < depth; flying++)
		submit(b, ctx, flying);
	while (flying) {
		long n = syscall(SYS_io_getevents, ctx, 1, depth, events, NULL);

		if (n < 1)
			die("io_getevents");
		end = now_ns();
		for (i = 0; i < (unsigned)n; i++) {
			if (events[i].res != (int64_t)b->block) {
				errno = events[i].res < 0 ? (int)-events[i].res : EIO;
				die("read");
			}
			done++;
			if (end - start < ns)
				submit(b, ctx, (unsigned)events[i].data);
			else
				flying--;
		}
	}
	syscall(SYS_io_destroy, ctx);
	return (double)done * NSEC_PER_S / (double)(end - start);
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	uint64_t size, ns;
	unsigned i;

	if (argc < 2) {
		fprintf(stderr, "usage: blkbench DISK [MILLISECONDS]\n");
		return 2;
	}
	ns = (argc > 2 ? strtoull(argv[2], NULL, 10) : 2000) * 1000000;
	b.fd = open(argv[1], O_RDONLY | O_DIRECT);
	if (b.fd < 0)
		die("open");
	if (ioctl(b.fd, BLKGETSIZE64, &size) || size < MAX_BLOCK)
		die("size");
	for (i = 0; i < MAX_DEPTH; i++) {
		b.buffers[i] = aligned_alloc(4096, MAX_BLOCK);
		if (!b.buffers[i])
			die("memory");
		/* The first touch of a page is not what is measured. */
		memset(b.buffers[i], 1, MAX_BLOCK);
	}

	b.random = 1;
	b.next = 0x9e3779b97f4a7c15ULL;
	b.block = 4096;
	b.blocks = size / b.block;
	printf("qd1_iops=%.0f\n", measure(&b, 1, ns));
	printf("qd32_iops=%.0f\n", measure(&b, 32, ns));
	b.random = 0;
	b.next = 0;
	b.block = MAX_BLOCK;
	b.blocks = size / b.block;
	printf("seq_mibs=%.1f\n", measure(&b, 4, ns));
	return 0;
}
