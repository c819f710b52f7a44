/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * qcow2: an image that was left in the middle of a write, by a killed process or by the host's
 * power going off, is one that QEMU finds sound (it may have clusters that nobody uses), and has
 * what was flushed. Each sector has what it had at the last flush, or what was written to it after
 * that.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "qcow2_model.h"

#define DISK	(2 * MIB)
#define ROUNDS	8
#define LONGEST (64 * KIB)

/* What is tried. */
struct plan {
	const char *commands; /* that make start.qcow2 from start.raw */
	uint64_t cluster;
	bool power;	       /* the power goes off; else the process is killed */
	unsigned ops, flushes; /* at most so many, before that happens */
	struct op (*next)(uint64_t *state, unsigned k);
};

static struct op any(uint64_t *state, unsigned k)
{
	(void)k;
	return op_random(state, DISK, LONGEST);
}

/* What the disk has none of, in its order, and often flushed. */
#define APPEND_FROM (1960 * KIB)
#define APPENDS	    60

static struct op append(uint64_t *state, unsigned k)
{
	struct op o = {OP_WRITE, APPEND_FROM + (uint64_t)k / 3 * 4 * KIB + k % 3 * 2 * KIB, 2 * KIB,
		       random_next(state)};

	if (k % 3 == 2)
		o.kind = OP_FLUSH;
	return o;
}

/* What the child did: operations begun, and those before the last flush that ended. */
struct progress {
	unsigned begun, flushed;
};

/* The host's disk: what a write brings is only there for sure after the next flush. */
static struct {
	uint64_t state;
	unsigned writes_left, flushes_left;
	int disk; /* the image as the host's disk has it; -1: the process is killed instead */
	struct {
		uint8_t *bytes;
		size_t n;
		off_t at;
	} cached[4096];
	unsigned n_cached;
} host;

/* Some of the sectors that were not flushed are on the disk. */
static void power_off(void)
{
	for (unsigned i = 0; i < host.n_cached; i++)
		for (size_t k = 0; k < host.cached[i].n; k += DISK_SECTOR)
			if (random_next(&host.state) % 2)
				kernel_calls.pwrite(host.disk, host.cached[i].bytes + k,
						    host.cached[i].n - k < DISK_SECTOR
							    ? host.cached[i].n - k
							    : DISK_SECTOR,
						    host.cached[i].at + (off_t)k);
	_exit(0);
}

static void cache_write(const struct iovec *iov, int n, off_t at)
{
	size_t size = 0;
	uint8_t *to;

	for (int i = 0; i < n; i++)
		size += iov[i].iov_len;
	if (host.n_cached == ARRAY_SIZE(host.cached))
		_exit(2);
	to = malloc(size);
	host.cached[host.n_cached].bytes = to;
	host.cached[host.n_cached].n = size;
	host.cached[host.n_cached++].at = at;
	for (int i = 0; i < n; to += iov[i++].iov_len)
		if (iov[i].iov_len)
			memcpy(to, iov[i].iov_base, iov[i].iov_len);
}

static ssize_t crashing_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	if (host.disk >= 0 || host.writes_left == 1)
		cache_write(iov, n, at);
	if (!--host.writes_left) {
		if (host.disk >= 0)
			power_off();
		/* A write may be cut short, too. */
		kernel_calls.pwrite(fd, host.cached[0].bytes,
				    align_down(host.cached[0].n / 2, DISK_SECTOR), at);
		raise(SIGKILL);
	}
	return kernel_calls.pwritev(fd, iov, n, at);
}

/* Before a flush is when the most can be lost. */
static int crashing_fdatasync(int fd)
{
	if (host.disk >= 0 && !--host.flushes_left)
		power_off();
	for (unsigned i = 0; host.disk >= 0 && i < host.n_cached; i++) {
		kernel_calls.pwrite(host.disk, host.cached[i].bytes, host.cached[i].n,
				    host.cached[i].at);
		free(host.cached[i].bytes);
	}
	host.n_cached = 0;
	(void)fd;
	return 0;
}

static void child(const struct images *i, const struct plan *plan, struct disk_model *m,
		  uint64_t seed, volatile struct progress *p)
{
	struct disk_image *image = image_open(i->path, false);
	struct op o;

	calls.pwritev = crashing_pwritev;
	calls.fdatasync = crashing_fdatasync;
	for (unsigned k = 0; k < plan->ops; k++) {
		o = plan->next(&seed, k);
		p->begun = k + 1;
		op_model(&o, m);
		op_do(&o, image, m);
		if (o.kind == OP_FLUSH)
			p->flushed = k + 1;
	}
	image_close(image);
	p->flushed = plan->ops;
	if (host.disk >= 0)
		power_off();
	_exit(0);
}

/* Is each sector as the last flush left it, or an operation after that? */
static void check_content(const uint8_t *found, const struct plan *plan, struct disk_model *m,
			  uint64_t seed, const struct progress *p)
{
	static bool good[DISK / DISK_SECTOR];
	struct op o;

	memset(good, 0, sizeof(good));
	for (unsigned k = 0; k <= p->begun; k++) {
		for (uint64_t s = 0; k >= p->flushed && s < ARRAY_SIZE(good); s++)
			good[s] |= !memcmp(found + s * DISK_SECTOR, m->bytes + s * DISK_SECTOR,
					   DISK_SECTOR);
		o = plan->next(&seed, k);
		if (k < p->begun)
			op_model(&o, m);
	}
	for (uint64_t s = 0; s < ARRAY_SIZE(good); s++)
		cr_assert(good[s], "sector %llu, %u operations, %u flushed", (long long)s, p->begun,
			  p->flushed);
}

/* One run of a child from start.qcow2, which has what m has, and what it leaves behind. */
static void crash(const struct images *i, const struct plan *plan, struct disk_model *m,
		  uint64_t seed, struct progress *p)
{
	const char *left = plan->power ? "disk.qcow2" : "image.qcow2";
	char path[FOLDER_PATH + 16];
	int status, verdict;
	uint8_t *found;
	pid_t pid;

	folder_run(i->folder, "cp start.qcow2 image.qcow2 && cp start.qcow2 disk.qcow2");
	snprintf(path, sizeof(path), "%s/disk.qcow2", i->folder);
	*p = (struct progress){0, 0};
	host.state = seed;
	host.writes_left = 1 + (unsigned)(random_next(&host.state) % (plan->ops * 2));
	host.flushes_left = 1 + (unsigned)(random_next(&host.state) % plan->flushes);
	host.disk = plan->power ? open(path, O_RDWR) : -1;
	pid = fork();
	if (!pid)
		child(i, plan, m, seed, p);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(status == SIGKILL || !status, "%#x", status);
	if (plan->power)
		close(host.disk);
	verdict = images_check(i, left);
	cr_assert(verdict == 0 || verdict == 3, "%d, seed %llu", verdict, (long long)seed);
	found = images_convert(i, left, m->size);
	check_content(found, plan, m, seed, p);
	free(found);
}

static void try(struct plan plan)
{
	struct disk_model m = {malloc(DISK), DISK, plan.cluster, false};
	uint8_t *start = malloc(DISK);
	struct progress *p =
		mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t state = 1;
	struct images i;

	images_make(&i, NULL);
	/* Bytes that compress. */
	for (uint64_t at = 0; at < DISK; at += 8)
		memcpy(start + at, &(uint64_t){random_next(&state) % 256}, 8);
	images_put(&i, "start.raw", start, DISK);
	folder_run(i.folder, plan.commands);
	for (unsigned k = 0; k < ROUNDS; k++) {
		memcpy(m.bytes, start, DISK);
		crash(&i, &plan, &m, k, p);
	}
	images_remove(&i);
	munmap(p, sizeof(*p));
	free(start);
	free(m.bytes);
}

/* So full that the refcount table grows soon. */
#define SMALL                                                                                   \
	"qemu-img create -q -f qcow2 -o cluster_size=512,refcount_bits=64 -b start.raw -F raw " \
	"start.qcow2 && qemu-io -f qcow2 -c 'write -q -s start.raw 0 1960k' start.qcow2"
#define SNAPSHOT                                                                                 \
	"qemu-img convert -f raw -O qcow2 -o cluster_size=4k start.raw start.qcow2 && qemu-img " \
	"snapshot -c one start.qcow2"
#define COMPRESSED "qemu-img convert -c -f raw -O qcow2 -o cluster_size=4k start.raw start.qcow2"
#define LARGE	   "qemu-img create -q -f qcow2 -b start.raw -F raw start.qcow2"

Test(qcow2_crash, killed_compressed)
{
	try((struct plan){COMPRESSED, 4 * KIB, false, 300, 1, any});
}

Test(qcow2_crash, killed_growing)
{
	try((struct plan){SMALL, 512, false, APPENDS, 1, append});
}

Test(qcow2_crash, power_small_clusters)
{
	try((struct plan){SMALL, 512, true, 300, 25, any});
}

Test(qcow2_crash, power_growing)
{
	try((struct plan){SMALL, 512, true, APPENDS, 30, append});
}

Test(qcow2_crash, power_snapshot)
{
	try((struct plan){SNAPSHOT, 4 * KIB, true, 300, 15, any});
}

Test(qcow2_crash, power_large_clusters)
{
	try((struct plan){LARGE, 64 * KIB, true, 300, 25, any});
}
