/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Requests to raw images, by each engine. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls.h"
#include "disk.h"
#include "folder.h"

#define SIZE	 (1 * MIB)
#define DEPTH	 4
#define REQUESTS 32

struct op {
	struct disk_request r;
	struct iovec iov[4];
	bool done;
	int result;
};

static char folder[FOLDER_PATH];
static struct disk *disk;
static struct disk_queue *queue;
static uint8_t *memory; /* 1 MiB, aligned to pages */

static const struct disk_options each_engine[] = {
	{.path = "image", .engine = DISK_THREADS},
	{.path = "image", .engine = DISK_THREADS, .direct = true},
	{.path = "image", .engine = DISK_IO_URING},
	{.path = "image", .engine = DISK_IO_URING, .direct = true},
	{.path = "image", .engine = DISK_LIBAIO, .direct = true},
};

static void set_up(void)
{
	folder_make(folder);
	cr_assert_eq(chdir(folder), 0);
	folder_run(folder, "truncate -s 1M image");
	memory = aligned_alloc(4096, SIZE);
	memset(memory, 0xaa, SIZE);
}

static void tear_down(void)
{
	disk_queue_close(queue);
	disk_close(disk);
	free(memory);
	cr_assert_eq(chdir("/"), 0);
	folder_remove(folder);
}

TestSuite(disk_queue, .init = set_up, .fini = tear_down);

/* False, with a word: not on this host. */
static bool open_by(const struct disk_options *opt)
{
	struct error err = {0};

	disk_queue_close(queue);
	disk_close(disk);
	queue = NULL;
	if (disk_open(&disk, opt, &err) || disk_queue_open(disk, DEPTH, &queue, &err)) {
		cr_log_warn("left out: %s", err.text);
		return false;
	}
	return true;
}

static void done(struct disk_request *r, int result)
{
	struct op *op = container_of(r, struct op, r);

	cr_assert_not(op->done, "done twice");
	op->done = true;
	op->result = result;
}

/* A request with its data at `data`, in up to four pieces. */
static void submit(struct op *op, enum disk_op what, uint64_t offset, uint64_t length,
		   uint8_t *data, unsigned pieces)
{
	unsigned i;

	*op = (struct op){.r = {.op = what,
				.offset = offset,
				.length = length,
				.iov = op->iov,
				.n_iov = pieces,
				.done = done}};
	for (i = 0; i < pieces; i++)
		op->iov[i] = (struct iovec){data + i * (length / pieces), length / pieces};
	if (pieces)
		op->iov[pieces - 1].iov_len += length % pieces;
	disk_submit(queue, &op->r);
}

static int run(enum disk_op what, uint64_t offset, uint64_t length, uint8_t *data)
{
	struct op op;

	submit(&op, what, offset, length, data, data != NULL);
	disk_drain(queue);
	cr_assert(op.done);
	return op.result;
}

static void read_back(uint8_t *out)
{
	int fd = open("image", O_RDONLY);

	cr_assert_eq(pread(fd, out, SIZE, 0), (ssize_t)SIZE);
	close(fd);
}

/* More than may be on their way, in pieces, aligned or not: the file is what a model is. */
static void run_random(unsigned shift)
{
	static uint8_t model[SIZE], data[SIZE + 16], file[SIZE];
	static struct op ops[REQUESTS];
	unsigned i, j;

	read_back(model);
	for (i = 0; i < SIZE; i++)
		data[i + shift] = (uint8_t)rand();
	for (i = 0; i < REQUESTS; i++) {
		uint64_t at = i * (SIZE / REQUESTS) + rand() % 4 * 4096,
			 len = 4096 * (1 + rand() % 4);

		memcpy(model + at, data + shift + at, len);
		submit(&ops[i], DISK_WRITE, at, len, data + shift + at, 1 + i % 4);
		ops[i].r.durable = i % 8 == 0;
	}
	disk_drain(queue);
	for (i = 0; i < REQUESTS; i++)
		cr_assert(ops[i].done && !ops[i].result, "%u: %d", i, ops[i].result);
	read_back(file);
	cr_assert_arr_eq(file, model, SIZE);
	memset(data, 0, sizeof(data));
	for (i = 0; i < REQUESTS; i++)
		submit(&ops[i], DISK_READ, i * (SIZE / REQUESTS), SIZE / REQUESTS,
		       data + shift + i * (SIZE / REQUESTS), 1 + i % 4);
	disk_drain(queue);
	for (j = 0; j < REQUESTS; j++)
		cr_assert(ops[j].done && !ops[j].result);
	cr_assert_arr_eq(data + shift, model, SIZE);
}

Test(disk_queue, what_was_written_is_there)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(each_engine); i++) {
		if (!open_by(&each_engine[i]))
			continue;
		run_random(0);
		run_random(1);
		cr_assert_eq(run(DISK_FLUSH, 0, 0, NULL), 0);
	}
}

Test(disk_queue, the_engine_is_the_one_that_was_asked_for)
{
	if (open_by(&(struct disk_options){.path = "image", .direct = true, .engine = DISK_LIBAIO}))
		cr_assert_str_eq(disk_queue_engine(queue), "libaio");
	cr_assert(open_by(&(struct disk_options){.path = "image", .engine = DISK_THREADS}));
	cr_assert_str_eq(disk_queue_engine(queue), "threads");
	/* Some engine there is always. */
	cr_assert(open_by(&(struct disk_options){.path = "image"}));
}

/* As a device does it: results are announced by a file. */
Test(disk_queue, results_are_announced)
{
	struct pollfd event = {.events = POLLIN};
	struct op ops[REQUESTS];
	unsigned i, j, ended;

	for (i = 0; i < ARRAY_SIZE(each_engine); i++) {
		if (!open_by(&each_engine[i]))
			continue;
		event.fd = disk_queue_event(queue);
		for (j = 0; j < REQUESTS; j++)
			submit(&ops[j], DISK_READ, j * 4096, 4096, memory + j * 4096, 1);
		disk_send(queue);
		do {
			cr_assert_eq(poll(&event, 1, 20000), 1);
			disk_reap(queue);
			for (j = ended = 0; j < REQUESTS; j++)
				ended += ops[j].done;
		} while (ended < REQUESTS);
	}
}

Test(disk_queue, bad_requests_end_at_once)
{
	static const struct {
		uint64_t offset, length;
	} bad[] = {{0, 511},
		   {1, 512},
		   {SIZE, 512},
		   {SIZE - 512, 1024},
		   {UINT64_MAX, 512},
		   {UINT64_MAX - 511, 512},
		   {0, UINT64_MAX - 511},
		   {1ULL << 63, 1ULL << 63}};
	struct op op;
	unsigned i;

	cr_assert(open_by(&each_engine[0]));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		submit(&op, DISK_WRITE, bad[i].offset, bad[i].length, memory, 0);
		cr_assert(op.done && op.result == -EINVAL, "%u: %d", i, op.result);
		submit(&op, DISK_DISCARD, bad[i].offset, bad[i].length, NULL, 0);
		cr_assert(op.done && op.result == -EINVAL, "%u: %d", i, op.result);
	}
	submit(&op, DISK_WRITE, SIZE, 0, memory, 0);
	cr_assert(op.done && !op.result, "nothing at the very end is fine");
}

Test(disk_queue, a_read_only_image_is_never_changed)
{
	struct disk_options opt = {.path = "image", .readonly = true};

	cr_assert(open_by(&opt));
	cr_assert_eq(run(DISK_WRITE, 0, 512, memory), -EROFS);
	cr_assert_eq(run(DISK_DISCARD, 0, 512, NULL), -EROFS);
	cr_assert_eq(run(DISK_WRITE_ZEROES, 0, 512, NULL), -EROFS);
	cr_assert_eq(run(DISK_READ, 0, 512, memory), 0);
	cr_assert_eq(run(DISK_FLUSH, 0, 0, NULL), 0);
}

Test(disk_queue, what_was_truncated_under_us_is_an_error_and_no_zeros)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(each_engine); i++) {
		if (!open_by(&each_engine[i]))
			continue;
		folder_run(folder, "truncate -s 6K image");
		cr_assert_eq(run(DISK_READ, 8192, 4096, memory), -EIO);
		cr_assert_eq(run(DISK_READ, 4096, 4096, memory), -EIO, "half of it is there");
		cr_assert_eq(run(DISK_READ, 0, 4096, memory), 0);
		folder_run(folder, "truncate -s 1M image");
	}
}

/* A file that may not grow: the first part of a write comes through, then there is an error. */
Test(disk_queue, an_error_of_the_host_is_the_request_s)
{
	struct rlimit limit = {SIZE / 2, SIZE / 2};
	unsigned i;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 0; i < ARRAY_SIZE(each_engine); i++) {
		if (!open_by(&each_engine[i]))
			continue;
		cr_assert_eq(run(DISK_WRITE, SIZE - 4096, 4096, memory), -EFBIG);
		cr_assert_eq(run(DISK_WRITE, SIZE / 2 - 4096, 8192, memory), -EFBIG);
		cr_assert_eq(run(DISK_WRITE, SIZE / 2 - 4096, 4096, memory), 0);
	}
}

static uint64_t kib_taken(void)
{
	struct stat st;

	cr_assert_eq(stat("image", &st), 0);
	return (uint64_t)st.st_blocks / 2;
}

static void expect_zeros(uint64_t from, uint64_t to)
{
	static uint8_t file[SIZE];
	uint64_t i;

	read_back(file);
	for (i = 0; i < SIZE; i++)
		cr_assert_eq(file[i], i >= from && i < to ? 0 : 0xaa, "at %lu", i);
}

Test(disk_queue, what_is_given_back_takes_no_room)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(each_engine); i++) {
		if (!open_by(&each_engine[i]))
			continue;
		cr_assert_eq(run(DISK_WRITE, 0, SIZE, memory), 0);
		cr_assert_geq(kib_taken(), 1024u);
		cr_assert_eq(run(DISK_DISCARD, 65536, SIZE - 131072, NULL), 0);
		cr_assert_leq(kib_taken(), 128u + 32);
		expect_zeros(65536, SIZE - 65536);
	}
}

/* Threads of ours that serve requests: those of whom the kernel says this. */
static unsigned count_threads(const char *what)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	char path[300], text[512];
	unsigned n = 0;

	while ((task = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/stat", task->d_name);
		n += !read_file(path, text, sizeof(text)) && strstr(text, what);
	}
	closedir(tasks);
	return n;
}

/* One that was joined may still be in the list for a moment. */
static void expect_threads(unsigned n)
{
	unsigned patience = 1000;

	while (count_threads(" (disk) ") != n && --patience)
		usleep(1000);
	cr_assert(patience, "%u threads", count_threads(" (disk) "));
}

/* Of a driver that can't flush every request is durable; a thread is for what it changes. */
Test(disk_queue, a_read_is_an_engine_s_even_if_it_is_durable)
{
	struct op op;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(each_engine); i++) {
		bool threads = each_engine[i].engine == DISK_THREADS;

		if (!open_by(&each_engine[i]))
			continue;
		submit(&op, DISK_READ, 0, 4096, memory, 1);
		op.r.durable = true;
		disk_drain(queue);
		cr_assert(op.done && !op.result, "%d", op.result);
		expect_threads(threads);
		submit(&op, DISK_WRITE, 4096, 4096, memory, 1);
		op.r.durable = true;
		disk_drain(queue);
		cr_assert(op.done && !op.result, "%d", op.result);
		expect_threads(threads || !each_engine[i].direct);
	}
}

Test(disk_queue, zeros_are_there_and_may_take_no_room)
{
	struct op op;
	unsigned i, unmap;

	for (i = 0; i < ARRAY_SIZE(each_engine); i++)
		for (unmap = 0; unmap < 2; unmap++) {
			if (!open_by(&each_engine[i]))
				continue;
			cr_assert_eq(run(DISK_WRITE, 0, SIZE, memory), 0);
			submit(&op, DISK_WRITE_ZEROES, 65536, SIZE - 131072, NULL, 0);
			op.r.unmap = unmap;
			op.r.durable = true;
			disk_drain(queue);
			cr_assert(op.done && !op.result, "%d", op.result);
			expect_zeros(65536, SIZE - 65536);
			cr_assert(!unmap || kib_taken() <= 128 + 32, "%lu", kib_taken());
		}
}

static unsigned failures;

/* As the kernel does it: what could not be written back is told of once. */
static int failing_fdatasync(int fd)
{
	if (!failures)
		return kernel_calls.fdatasync(fd);
	failures--;
	errno = EIO;
	return -1;
}

/* Two ask at once: neither may hear that all is well. */
static void flush_twice(int result)
{
	struct op ops[2];

	submit(&ops[0], DISK_FLUSH, 0, 0, NULL, 0);
	submit(&ops[1], DISK_FLUSH, 0, 0, NULL, 0);
	disk_drain(queue);
	cr_assert(ops[0].done && ops[1].done);
	cr_assert_eq(ops[0].result, result);
	cr_assert_eq(ops[1].result, result);
}

Test(disk_queue, what_a_failed_flush_has_lost_is_not_forgotten)
{
	struct op op;
	unsigned i;

	calls.fdatasync = failing_fdatasync;
	for (i = 0; i < ARRAY_SIZE(each_engine); i++) {
		if (each_engine[i].direct || !open_by(&each_engine[i]))
			continue;
		failures = 1;
		cr_assert_eq(run(DISK_WRITE, 0, 4096, memory), 0);
		flush_twice(-EIO);
		flush_twice(-EIO);
		submit(&op, DISK_WRITE, 0, 4096, memory, 1);
		op.r.durable = true;
		disk_drain(queue);
		cr_assert(op.done && op.result == -EIO, "%d", op.result);
		cr_assert_eq(run(DISK_WRITE, 0, 4096, memory), 0);
		cr_assert_eq(run(DISK_READ, 0, 4096, memory), 0);
		cr_assert(open_by(&each_engine[i]));
		flush_twice(0);
	}
}

/* Past the page cache each write has had its own error. */
Test(disk_queue, a_flush_of_a_direct_image_fails_by_itself)
{
	calls.fdatasync = failing_fdatasync;
	if (!open_by(&each_engine[1]))
		return;
	failures = 1;
	cr_assert_eq(run(DISK_FLUSH, 0, 0, NULL), -EIO);
	cr_assert_eq(run(DISK_FLUSH, 0, 0, NULL), 0);
}

static sem_t written;

/* Not before the write that came after it. */
static int patient_fdatasync(int fd)
{
	(void)fd;
	return sem_wait(&written);
}

static ssize_t telling_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	sem_post(&written);
	return kernel_calls.pwritev(fd, iov, n, at);
}

/* A thread that sleeps is there for one of them. */
Test(disk_queue, none_of_two_requests_waits_for_the_other, .timeout = 20)
{
	struct op ops[2];
	unsigned i;

	sem_init(&written, 0, 0);
	for (i = 0; i < 8; i++) {
		calls.fdatasync = kernel_calls.fdatasync;
		calls.pwritev = telling_pwritev;
		cr_assert(open_by(&each_engine[0]));
		calls.fdatasync = patient_fdatasync;
		cr_assert_eq(run(DISK_READ, 0, 4096, memory), 0);
		while (count_threads(" (disk) S") != 1)
			usleep(1000);
		submit(&ops[0], DISK_FLUSH, 0, 0, NULL, 0);
		submit(&ops[1], DISK_WRITE, 0, 4096, memory, 1);
		disk_drain(queue);
		cr_assert(ops[0].done && !ops[0].result);
		cr_assert(ops[1].done && !ops[1].result);
	}
	calls = kernel_calls;
}

/* Nothing of a closed queue comes later. */
Test(disk_queue, closing_waits_for_what_is_on_its_way)
{
	struct op ops[REQUESTS];
	unsigned i, j;

	for (i = 0; i < ARRAY_SIZE(each_engine); i++) {
		if (!open_by(&each_engine[i]))
			continue;
		for (j = 0; j < REQUESTS; j++)
			submit(&ops[j], DISK_WRITE, j * 8192, 8192, memory, 2);
		disk_queue_close(queue);
		queue = NULL;
		for (j = 0; j < REQUESTS; j++)
			cr_assert(ops[j].done && !ops[j].result);
	}
}
