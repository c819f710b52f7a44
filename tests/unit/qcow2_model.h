/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A flat disk that does what an image has to do, random operations for both, and qemu-img, which
 * has the last word.
 */
#ifndef CARILLON_TESTS_QCOW2_MODEL_H
#define CARILLON_TESTS_QCOW2_MODEL_H

#include "../../disk/image.h"
#include "folder.h"

/* Where a test's images are. */
struct images {
	char folder[FOLDER_PATH], path[FOLDER_PATH + 16]; /* of image.qcow2 */
};

/* Skips the test without qemu-img. create: its arguments before the file's name; NULL: no image. */
void images_make(struct images *i, const char *create);
void images_remove(struct images *i);
/* What qemu-img check of a file in the folder exits with: 0 sound, 2 corrupt, 3 leaks. */
int images_check(const struct images *i, const char *file);
/* Write a file of the folder, or read it; its size. */
void images_put(const struct images *i, const char *file, const void *bytes, size_t n);
/* What a qcow2 file of the folder has, by qemu-img; the caller's. */
uint8_t *images_convert(const struct images *i, const char *file, uint64_t size);

/* With a test failure if that fails. */
struct disk_image *image_open(const char *path, bool readonly);
void image_close(struct disk_image *image);
int image_read(struct disk_image *image, void *buf, uint64_t offset, uint64_t length);
int image_write(struct disk_image *image, const void *buf, uint64_t offset, uint64_t length);

enum op_kind {
	OP_WRITE,
	OP_READ,
	OP_DISCARD,
	OP_ZERO,
	OP_ZERO_UNMAP,
	OP_FLUSH,
};

struct op {
	enum op_kind kind;
	uint64_t offset, length, seed;
};

/* How a disk reacts. */
struct disk_model {
	uint8_t *bytes;
	uint64_t size, cluster;
	bool keeps_discarded; /* a discard changes nothing */
};

/* The next number of a sequence that *state determines. */
uint64_t random_next(uint64_t *state);
/* longest: bytes of a request. */
struct op op_random(uint64_t *state, uint64_t size, uint64_t longest);
void op_model(const struct op *o, struct disk_model *m);
/* On the image. A read that does not find what m has fails the test. */
void op_do(const struct op *o, struct disk_image *image, const struct disk_model *m);

#endif
