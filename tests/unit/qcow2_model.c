/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* See qcow2_model.h. */
#include "qcow2_model.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "calls.h"

/* ---- images ---------------------------------------------------------------------------------- */

/* These tests open and close an image so often that waiting for a disk would be all they do. */
static int no_fdatasync(int fd)
{
	(void)fd;
	return 0;
}

void images_make(struct images *i, const char *create)
{
	char command[384];

	if (system("command -v qemu-img >/dev/null"))
		cr_skip_test("needs qemu-img: tools/install-deps unit");
	calls.fdatasync = no_fdatasync;
	folder_make(i->folder);
	snprintf(i->path, sizeof(i->path), "%s/image.qcow2", i->folder);
	if (!create)
		return;
	snprintf(command, sizeof(command), "qemu-img create -q -f qcow2 %s", create);
	folder_run(i->folder, command);
}

void images_remove(struct images *i)
{
	folder_remove(i->folder);
}

int images_check(const struct images *i, const char *file)
{
	char command[256];
	int status;

	snprintf(command, sizeof(command), "cd %s && qemu-img check -q -f qcow2 %s >check.log 2>&1",
		 i->folder, file);
	status = system(command);
	if (WEXITSTATUS(status) == 2)
		folder_run(i->folder, "cat check.log");
	return WEXITSTATUS(status);
}

static FILE *open_file(const struct images *i, const char *file, const char *mode)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", i->folder, file);
	f = fopen(path, mode);
	cr_assert_not_null(f, "%s", path);
	return f;
}

void images_put(const struct images *i, const char *file, const void *bytes, size_t n)
{
	FILE *f = open_file(i, file, "w");

	cr_assert_eq(fwrite(bytes, 1, n, f), n);
	cr_assert_eq(fclose(f), 0);
}

uint8_t *images_convert(const struct images *i, const char *file, uint64_t size)
{
	uint8_t *bytes = malloc(size);
	char command[256];
	FILE *f;

	snprintf(command, sizeof(command), "qemu-img convert -f qcow2 -O raw %s converted.raw",
		 file);
	folder_run(i->folder, command);
	f = open_file(i, "converted.raw", "r");
	cr_assert_eq(fread(bytes, 1, size, f), size);
	cr_assert_eq(fclose(f), 0);
	return bytes;
}

struct disk_image *image_open(const char *path, bool readonly)
{
	struct disk_options opt = {.path = path, .format = DISK_QCOW2, .readonly = readonly};
	struct disk_image *image;
	struct error err = {0};

	cr_assert_eq(disk_image_open(&image, &opt, NULL, &err), 0, "%s", err.text);
	return image;
}

void image_close(struct disk_image *image)
{
	cr_assert_eq(disk_image_close(image), 0);
}

/* In three pieces, as guests do. */
static unsigned split(void *buf, uint64_t length, struct iovec iov[3])
{
	uint8_t *at = buf;

	iov[0] = (struct iovec){at, length / 3};
	iov[1] = (struct iovec){at + length / 3, length / 2};
	iov[2] = (struct iovec){at + length / 3 + length / 2, length - length / 3 - length / 2};
	return 3;
}

int image_read(struct disk_image *image, void *buf, uint64_t offset, uint64_t length)
{
	struct iovec iov[3];
	unsigned n = split(buf, length, iov);

	return image->driver->read(image, iov, n, offset, length);
}

int image_write(struct disk_image *image, const void *buf, uint64_t offset, uint64_t length)
{
	struct iovec iov[3];
	unsigned n = split((void *)(uintptr_t)buf, length, iov);

	return image->driver->write(image, iov, n, offset, length);
}

/* ---- operations ------------------------------------------------------------------------------ */

/* Knuth's MMIX generator; its high bits are the good ones. */
uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 24;
}

struct op op_random(uint64_t *state, uint64_t size, uint64_t longest)
{
	/* Writes are half of all. */
	static const enum op_kind kinds[] = {OP_WRITE, OP_WRITE,     OP_WRITE, OP_WRITE,
					     OP_WRITE, OP_READ,	     OP_READ,  OP_DISCARD,
					     OP_ZERO,  OP_ZERO_UNMAP};
	struct op o = {.kind = kinds[random_next(state) % ARRAY_SIZE(kinds)]};
	uint64_t sectors = 1 + random_next(state) % (longest / DISK_SECTOR);

	/* Small ones are more frequent than large ones. */
	if (random_next(state) % 2)
		sectors = 1 + sectors % 8;
	o.offset = random_next(state) % (size / DISK_SECTOR) * DISK_SECTOR;
	o.length = sectors * DISK_SECTOR;
	if (o.length > size - o.offset)
		o.length = size - o.offset;
	o.seed = random_next(state);
	if (random_next(state) % 40 == 0)
		o.kind = OP_FLUSH;
	return o;
}

static void fill(const struct op *o, uint8_t *bytes)
{
	uint64_t state = o->seed, word = 0;

	for (uint64_t i = 0; i < o->length; i += sizeof(word)) {
		word = random_next(&state);
		memcpy(bytes + i, &word, sizeof(word));
	}
}

static void model_discard(const struct op *o, struct disk_model *m)
{
	uint64_t first = align_up(o->offset, m->cluster), end = o->offset + o->length;

	if (end < m->size)
		end = align_down(end, m->cluster);
	if (first < end && !m->keeps_discarded)
		memset(m->bytes + first, 0, end - first);
}

void op_model(const struct op *o, struct disk_model *m)
{
	if (o->kind == OP_WRITE)
		fill(o, m->bytes + o->offset);
	if (o->kind == OP_ZERO || o->kind == OP_ZERO_UNMAP)
		memset(m->bytes + o->offset, 0, o->length);
	if (o->kind == OP_DISCARD)
		model_discard(o, m);
}

void op_do(const struct op *o, struct disk_image *image, const struct disk_model *m)
{
	const struct disk_driver *driver = image->driver;
	uint8_t *buf = malloc(o->length);
	int r = 0;

	switch (o->kind) {
	case OP_WRITE:
		fill(o, buf);
		r = image_write(image, buf, o->offset, o->length);
		break;
	case OP_READ:
		r = image_read(image, buf, o->offset, o->length);
		cr_assert_arr_eq(buf, m->bytes + o->offset, o->length, "%#llx",
				 (long long)o->offset);
		break;
	case OP_DISCARD:
		r = driver->discard(image, o->offset, o->length);
		break;
	case OP_ZERO:
	case OP_ZERO_UNMAP:
		r = driver->write_zeroes(image, o->offset, o->length, o->kind == OP_ZERO_UNMAP);
		break;
	case OP_FLUSH:
		r = driver->flush(image);
		break;
	}
	free(buf);
	cr_assert_eq(r, 0, "operation %d at %#llx: %s", o->kind, (long long)o->offset,
		     strerror(-r));
}
