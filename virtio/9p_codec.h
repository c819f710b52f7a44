/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The messages of 9P2000.L on the wire: their numbers, and reading and writing what they are made
 * of. Pure. Numbers are little-endian; a string is its length in 16 bits and bytes without a NUL.
 */
#ifndef CARILLON_VIRTIO_9P_CODEC_H
#define CARILLON_VIRTIO_9P_CODEC_H

#include <limits.h>

#include "base.h"

/* Requests; the reply to one is its number + 1. */
enum p9_type {
	P9_RLERROR = 7, /* the reply to any request that failed */
	P9_STATFS = 8,
	P9_LOPEN = 12,
	P9_LCREATE = 14,
	P9_SYMLINK = 16,
	P9_MKNOD = 18,
	P9_RENAME = 20,
	P9_READLINK = 22,
	P9_GETATTR = 24,
	P9_SETATTR = 26,
	P9_XATTRWALK = 30,
	P9_XATTRCREATE = 32,
	P9_READDIR = 40,
	P9_FSYNC = 50,
	P9_LOCK = 52,
	P9_GETLOCK = 54,
	P9_LINK = 70,
	P9_MKDIR = 72,
	P9_RENAMEAT = 74,
	P9_UNLINKAT = 76,
	P9_VERSION = 100,
	P9_AUTH = 102,
	P9_ATTACH = 104,
	P9_FLUSH = 108,
	P9_WALK = 110,
	P9_READ = 116,
	P9_WRITE = 118,
	P9_CLUNK = 120,
	P9_REMOVE = 122,
};

#define P9_HEADER	7 /* size[4] type[1] tag[2] */
#define P9_ERROR_SIZE	(P9_HEADER + 4)
#define P9_READ_HEADER	(P9_HEADER + 4)		/* in front of the data of a reply to READ */
#define P9_WRITE_HEADER (P9_HEADER + 4 + 8 + 4) /* and of those of a WRITE */
#define P9_WALK_MAX	16			/* names in one WALK */
#define P9_NO_FID	UINT32_MAX
/* A file's name with its NUL, and a symlink's target. */
#define P9_NAME (NAME_MAX + 1)
#define P9_PATH PATH_MAX

/* What a file is, in its qid; other kinds have no bit. */
#define P9_QID_DIR     0x80
#define P9_QID_SYMLINK 0x02

/* A file's identity: the same path is the same file. */
struct p9_qid {
	uint8_t type;
	uint32_t version;
	uint64_t path;
};

/* A message that is read. What lies beyond its end is 0 or "", and sets bad. */
struct p9_in {
	const uint8_t *data;
	size_t len, at;
	bool bad;
};

uint8_t p9_get8(struct p9_in *in);
uint16_t p9_get16(struct p9_in *in);
uint32_t p9_get32(struct p9_in *in);
uint64_t p9_get64(struct p9_in *in);
/* A string into buf of `size` bytes, with a NUL. One that is longer, or has a NUL, is bad. */
void p9_get_string(struct p9_in *in, char *buf, size_t size);

/* A message that is written. What finds no room is dropped, and sets full. */
struct p9_out {
	uint8_t *data;
	size_t room, len;
	bool full;
};

void p9_put8(struct p9_out *out, uint8_t value);
void p9_put16(struct p9_out *out, uint16_t value);
void p9_put32(struct p9_out *out, uint32_t value);
void p9_put64(struct p9_out *out, uint64_t value);
void p9_put_string(struct p9_out *out, const char *text);
void p9_put_qid(struct p9_out *out, const struct p9_qid *qid);
/* Put a number in the place of one that is there already. */
void p9_set32(struct p9_out *out, size_t at, uint32_t value);

/* Is this a name that a file in a folder may have? 0, or -errno: the folder itself has none. */
int p9_check_name(const char *name);

#endif
