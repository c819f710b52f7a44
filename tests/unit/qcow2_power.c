/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * qcow2: the power may go off at any moment. All that an image's driver has its file do is
 * recorded. Of what stands between two flushes a disk may then have any part: each beginning of it,
 * all but one write, one write alone, and sectors by lot are tried. Each time the image must be
 * sound, and each sector must have what it had at the guest's last flush, or what was written to it
 * after that.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../disk/qcow2_format.h"
#include "calls.h"
#include "qcow2_model.h"
#include "qcow2_sound.h"

#define DISK	 (256 * KIB)
#define FILE_MAX (4 * MIB)
#define EVENTS	 8192
/* States by lot, for what stands between two flushes. */
#define LOTS 6
/* qemu-img has its say on one of so many states. */
#define ASK_QEMU 500
/* Operations between two flushes of the guest. */
#define BETWEEN_FLUSHES 12

enum event_kind {
	WRITTEN,
	PUNCHED,
	SYNCED,
	BEGUN,	 /* the guest's operation */
	FLUSHED, /* the guest's: it has ended */
};

struct event {
	enum event_kind kind;
	uint64_t at, n;
	uint8_t *bytes;
	struct op op;
};

/* What was recorded. */
static struct {
	struct event events[EVENTS];
	unsigned n;
} tape;

static struct event *record(enum event_kind kind, uint64_t at, uint64_t n)
{
	struct event *e = &tape.events[tape.n++];

	cr_assert_lt(tape.n, EVENTS);
	*e = (struct event){.kind = kind, .at = at, .n = n};
	return e;
}

static ssize_t recording_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	struct event *e = record(WRITTEN, (uint64_t)at, 0);

	for (int i = 0; i < n; i++)
		e->n += iov[i].iov_len;
	e->bytes = malloc(e->n);
	for (uint64_t i = 0, k = 0; i < (uint64_t)n; k += iov[i++].iov_len)
		if (iov[i].iov_len)
			memcpy(e->bytes + k, iov[i].iov_base, iov[i].iov_len);
	return kernel_calls.pwritev(fd, iov, n, at);
}

static ssize_t recording_pwrite(int fd, const void *buf, size_t size, off_t at)
{
	struct event *e = record(WRITTEN, (uint64_t)at, size);

	e->bytes = malloc(size);
	memcpy(e->bytes, buf, size);
	return kernel_calls.pwrite(fd, buf, size, at);
}

static int recording_fallocate(int fd, int mode, off_t at, off_t size)
{
	cr_assert(mode & FALLOC_FL_PUNCH_HOLE, "%#x", mode);
	record(PUNCHED, (uint64_t)at, (uint64_t)size);
	return kernel_calls.fallocate(fd, mode, at, size);
}

static int recording_fdatasync(int fd)
{
	(void)fd;
	record(SYNCED, 0, 0);
	return 0;
}

/* ---- a disk after the power went off --------------------------------------------------------- */

struct world {
	struct images images;
	int file; /* of the folder: the state that is looked at */
	uint8_t *durable, *state;
	uint64_t durable_size, state_size;
	struct disk_model model; /* at the guest's last flush */
	struct op since[BETWEEN_FLUSHES + 2];
	unsigned n_since;
	uint8_t *allowed[BETWEEN_FLUSHES + 3]; /* what the disk was after each of these */
	uint64_t lot;
	unsigned states, leaky;
	const struct event *first, *end; /* what stands between two flushes */
	uint8_t table[8];		 /* where the refcount table was, as the header says it */
};

/* A piece of an event happens to the bytes of a file. */
static void apply(uint8_t *file, uint64_t *size, const struct event *e, uint64_t skip, uint64_t n)
{
	if (n > e->n - skip)
		n = e->n - skip;
	cr_assert_leq(e->at + skip + n, FILE_MAX);
	if (e->kind == PUNCHED) {
		memset(file + e->at + skip, 0, n);
		return;
	}
	memcpy(file + e->at + skip, e->bytes + skip, n);
	if (*size < e->at + skip + n)
		*size = e->at + skip + n;
}

/* After a state has been looked at: the file is what is durable again. */
static void restore(struct world *w)
{
	const struct event *e;

	for (e = w->first; e < w->end; e++)
		if (e->kind <= PUNCHED)
			memcpy(w->state + e->at, w->durable + e->at, e->n);
	w->state_size = w->durable_size;
}

static void put_state(struct world *w)
{
	const struct event *e;

	for (e = w->first; e < w->end; e++)
		if (e->kind <= PUNCHED)
			kernel_calls.pwrite(w->file, w->state + e->at, e->n, (off_t)e->at);
	cr_assert_eq(ftruncate(w->file, (off_t)w->state_size), 0);
}

static bool is_allowed(const struct world *w, const uint8_t *found, uint64_t sector)
{
	for (unsigned i = 0; i <= w->n_since; i++)
		if (!memcmp(found + sector, w->allowed[i] + sector, DISK_SECTOR))
			return true;
	return false;
}

static void check_content(struct world *w, const char *what)
{
	static uint8_t found[DISK];
	char path[FOLDER_PATH + 16];
	struct disk_image *image;

	put_state(w);
	snprintf(path, sizeof(path), "%s/state.qcow2", w->images.folder);
	image = image_open(path, true);
	cr_assert_eq(image_read(image, found, 0, DISK), 0, "%s", what);
	image_close(image);
	for (uint64_t s = 0; s < DISK; s += DISK_SECTOR)
		cr_assert(is_allowed(w, found, s), "%s: sector at %#llx", what, (long long)s);
}

static void check_state(struct world *w, const char *how, unsigned which)
{
	char why[QCOW2_SOUND_TEXT] = "", what[64];
	unsigned leaks;

	snprintf(what, sizeof(what), "event %td, %s %u", w->end - tape.events, how, which);
	cr_assert(qcow2_sound(w->state, w->state_size, &leaks, why), "%s: %s", what, why);
	check_content(w, what);
	w->leaky += leaks != 0;
	if (w->states++ % ASK_QEMU == 0)
		cr_assert_eq(images_check(&w->images, "state.qcow2"), leaks ? 3 : 0, "%s", what);
	restore(w);
}

/* ---- what the disk may have of it ------------------------------------------------------------ */

static void try_beginning(struct world *w, const struct event *last)
{
	const struct event *e;

	for (e = w->first; e <= last; e++)
		if (e->kind <= PUNCHED)
			apply(w->state, &w->state_size, e, 0, e->n);
	check_state(w, "up to", (unsigned)(last - w->first));
}

static void try_without(struct world *w, const struct event *lost)
{
	const struct event *e;

	for (e = w->first; e < w->end; e++)
		if (e->kind <= PUNCHED && e != lost)
			apply(w->state, &w->state_size, e, 0, e->n);
	check_state(w, "without", (unsigned)(lost - w->first));
}

static void try_alone(struct world *w, const struct event *e)
{
	apply(w->state, &w->state_size, e, 0, e->n);
	check_state(w, "alone", (unsigned)(e - w->first));
}

static void try_lot(struct world *w, unsigned n)
{
	const struct event *e;

	for (e = w->first; e < w->end; e++)
		for (uint64_t k = 0; e->kind <= PUNCHED && k < e->n; k += DISK_SECTOR)
			if (random_next(&w->lot) % 2)
				apply(w->state, &w->state_size, e, k, DISK_SECTOR);
	check_state(w, "lot", n);
}

/* The power goes off between w->first and w->end. */
static void try_all(struct world *w)
{
	const struct event *e;
	unsigned n = 0;

	for (e = w->first; e < w->end; e++) {
		if (e->kind > PUNCHED)
			continue;
		n++;
		try_beginning(w, e);
		try_without(w, e);
		try_alone(w, e);
	}
	for (unsigned i = 0; n > 2 && i < LOTS; i++)
		try_lot(w, i);
}

/* Flushed: everything is durable. */
static void settle(struct world *w)
{
	const struct event *e;

	for (e = w->first; e < w->end; e++)
		if (e->kind <= PUNCHED)
			apply(w->durable, &w->durable_size, e, 0, e->n);
	for (e = w->first; e < w->end; e++)
		if (e->kind <= PUNCHED)
			memcpy(w->state + e->at, w->durable + e->at, e->n);
	w->state_size = w->durable_size;
	put_state(w);
}

static void guest_begins(struct world *w, const struct op *o)
{
	uint8_t *next;

	cr_assert_lt(w->n_since, ARRAY_SIZE(w->since));
	next = w->allowed[w->n_since + 1];
	memcpy(next, w->allowed[w->n_since], DISK);
	w->model.bytes = next;
	op_model(o, &w->model);
	w->n_since++;
}

static void guest_flushed(struct world *w)
{
	memcpy(w->allowed[0], w->allowed[w->n_since], DISK);
	w->n_since = 0;
}

static void replay(struct world *w)
{
	w->first = w->end = tape.events;
	for (; w->end < tape.events + tape.n; w->end++) {
		if (w->end->kind == BEGUN)
			guest_begins(w, &w->end->op);
		if (w->end->kind != SYNCED && w->end->kind != FLUSHED)
			continue;
		try_all(w);
		if (w->end->kind == FLUSHED) {
			guest_flushed(w);
			continue;
		}
		settle(w);
		w->first = w->end + 1;
	}
	try_all(w);
}

/* ---- a guest at work ------------------------------------------------------------------------- */

struct plan {
	const char *commands; /* that make image.qcow2 from start.raw */
	uint64_t cluster;
	unsigned ops;
	struct op (*next)(uint64_t *state, unsigned k);
	bool grows; /* the refcount table does */
};

static struct op any(uint64_t *state, unsigned k)
{
	struct op o = op_random(state, DISK, 8 * KIB);

	if (o.kind == OP_READ)
		o.kind = OP_WRITE;
	if (k % BETWEEN_FLUSHES == BETWEEN_FLUSHES - 1)
		o.kind = OP_FLUSH;
	return o;
}

/* Nearly always what a snapshot has, too, so that it takes new clusters. */
#define SHARED_FROM (184 * KIB)

static struct op shared(uint64_t *state, unsigned k)
{
	struct op o = any(state, k);

	if (k % 8 && o.kind != OP_FLUSH)
		o = (struct op){OP_WRITE, SHARED_FROM + o.offset % (64 * KIB), o.length, o.seed};
	return o;
}

/* Data that needs new clusters, and no flush before the image is closed. */
static struct op unflushed(uint64_t *state, unsigned k)
{
	return (struct op){OP_WRITE, k * 16 * KIB, 8 * KIB, random_next(state)};
}

/* The same, and at last something is given back. */
static struct op unflushed_frees(uint64_t *state, unsigned k)
{
	if (k == 11)
		return (struct op){.kind = OP_DISCARD, .length = 4 * KIB};
	return unflushed(state, k);
}

static void work(struct world *w, const struct plan *plan)
{
	struct disk_image *image = image_open(w->images.path, false);
	uint64_t state = 1;

	calls.pwrite = recording_pwrite;
	calls.pwritev = recording_pwritev;
	calls.fallocate = recording_fallocate;
	calls.fdatasync = recording_fdatasync;
	for (unsigned k = 0; k < plan->ops; k++) {
		struct op o = plan->next(&state, k);

		record(BEGUN, 0, 0)->op = o;
		op_do(&o, image, &w->model);
		if (o.kind == OP_FLUSH)
			record(FLUSHED, 0, 0);
	}
	image_close(image);
	record(FLUSHED, 0, 0);
	calls = kernel_calls;
}

static uint64_t load(const char *path, uint8_t *bytes)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, bytes, FILE_MAX);

	cr_assert_gt(n, 0, "%s", path);
	close(fd);
	return (uint64_t)n;
}

static void world_make(struct world *w, const struct plan *plan)
{
	char path[FOLDER_PATH + 16];
	uint64_t state = 1;

	*w = (struct world){.durable = calloc(1, FILE_MAX), .state = calloc(1, FILE_MAX)};
	w->model = (struct disk_model){NULL, DISK, plan->cluster, false};
	for (unsigned i = 0; i < ARRAY_SIZE(w->allowed); i++)
		w->allowed[i] = malloc(DISK);
	images_make(&w->images, NULL);
	/* Bytes that compress. */
	for (uint64_t at = 0; at < DISK; at += 8)
		memcpy(w->allowed[0] + at, &(uint64_t){random_next(&state) % 256}, 8);
	images_put(&w->images, "start.raw", w->allowed[0], DISK);
	folder_run(w->images.folder, plan->commands);
	folder_run(w->images.folder, "cp image.qcow2 state.qcow2");
	snprintf(path, sizeof(path), "%s/state.qcow2", w->images.folder);
	w->file = open(path, O_RDWR);
	w->durable_size = w->state_size = load(path, w->durable);
	memcpy(w->state, w->durable, w->durable_size);
	memcpy(w->table, w->durable + QCOW2_REFCOUNT_TABLE_OFFSET, sizeof(w->table));
}

static void try(struct plan plan)
{
	struct world w;

	world_make(&w, &plan);
	work(&w, &plan);
	replay(&w);
	/* Closed in peace. */
	cr_assert_eq(images_check(&w.images, "image.qcow2"), 0);
	cr_assert_eq(!plan.grows, !memcmp(w.table, w.durable + QCOW2_REFCOUNT_TABLE_OFFSET, 8));
	cr_log_info("%u events, %u states, %u of them with leaks", tape.n, w.states, w.leaky);
	close(w.file);
	images_remove(&w.images);
	free(w.durable);
	free(w.state);
	for (unsigned i = 0; i < ARRAY_SIZE(w.allowed); i++)
		free(w.allowed[i]);
	for (unsigned i = 0; i < tape.n; i++)
		free(tape.events[i].bytes);
}

Test(qcow2_power, small_clusters)
{
	try((struct plan){"qemu-img create -q -f qcow2 -o cluster_size=512,refcount_bits=64 -b "
			  "start.raw -F raw image.qcow2",
			  512, 96, any, false});
}

Test(qcow2_power, without_backing)
{
	try((struct plan){
		"qemu-img convert -f raw -O qcow2 -o cluster_size=4k start.raw image.qcow2",
		4 * KIB, 96, any, false});
}

Test(qcow2_power, compressed)
{
	try((struct plan){"qemu-img convert -c -f raw -O qcow2 -o cluster_size=4k start.raw "
			  "image.qcow2",
			  4 * KIB, 96, any, false});
}

Test(qcow2_power, snapshot)
{
	try((struct plan){
		"qemu-img convert -f raw -O qcow2 -o cluster_size=1k start.raw image.qcow2 "
		"&& qemu-img snapshot -c one image.qcow2",
		KIB, 96, any, false});
}

/* So many snapshots that what is written makes the refcount table grow. */
#define WRITE_SOME "qemu-io -f qcow2 image.qcow2 -c 'write -q -s start.raw 0 "
Test(qcow2_power, growing)
{
	try((struct plan){
		"qemu-img convert -f raw -O qcow2 -o cluster_size=512,refcount_bits=64 start.raw "
		"image.qcow2 && for n in 1 2 3 4 5 6 7; do qemu-img snapshot -c $n image.qcow2; "
		"[ $n = 7 ] || " WRITE_SOME "256k'; done && " WRITE_SOME "184k'",
		512, 48, shared, true});
}

/* What was written over data makes no metadata dirty. */
Test(qcow2_power, closing_after_data)
{
	try((struct plan){"qemu-img convert -f raw -O qcow2 start.raw image.qcow2", 64 * KIB, 12,
			  unflushed, false});
}

/* Closing does what a flush does, and has had none before. */
Test(qcow2_power, closing)
{
	try((struct plan){"qemu-img create -q -f qcow2 -o cluster_size=512,refcount_bits=64 -b "
			  "start.raw -F raw image.qcow2",
			  512, 12, unflushed_frees, false});
}
