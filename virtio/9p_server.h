/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A folder of the host, served by 9P2000.L: what is done with a message, without a device around
 * it.
 *
 * A fid is what the guest calls a file by. It holds a file descriptor of that very file, opened
 * with O_PATH until the guest opens it, so nobody can put another in its place. All ways lead from
 * a folder's descriptor to a name in it by openat2() with the flags of p9_lookup(): a symlink is
 * never followed here, it is read and followed by the guest, within what the guest sees; a mount
 * inside of the folder is not entered. Only regular files and folders are opened.
 *
 * The guest has the rights of this process in the folder, no more.
 */
#ifndef CARILLON_VIRTIO_9P_SERVER_H
#define CARILLON_VIRTIO_9P_SERVER_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "9p_codec.h"
#include "queue.h"
#include "virtio.h"

#define P9_MSIZE_MIN 4096
#define P9_MSIZE_MAX (512 * KIB)
/* All of a request but the data of WRITE, and of a reply but the data of READ. */
#define P9_MESSAGE (16 * KIB)
#define P9_BUCKETS 1024
/* The most files that a guest may hold; a Linux guest holds those whose names it has cached. */
#define P9_FIDS_MAX 16384

struct p9_fid {
	uint32_t id;
	uint32_t uid; /* for whom the guest attached */
	int fd;
	mode_t kind; /* S_IFMT of the file */
	bool opened;
	struct p9_fid *next; /* in its bucket */
};

struct p9_server {
	bool readonly;
	int root; /* O_PATH */
	dev_t root_dev;
	ino_t root_ino;
	int descriptors; /* /proc/self/fd: how a file that is held by O_PATH is opened */
	uint32_t msize;	 /* 0: no session */
	unsigned n_fids;
	struct p9_fid *fids[P9_BUCKETS];
	uint8_t request[P9_MESSAGE], reply[P9_MESSAGE];
	struct iovec data[VIRTQ_SIZE_MAX]; /* the part of a chain that is file data */
	_Atomic uint64_t requests, bytes_read, bytes_written;
};

/* A request on its way. */
struct p9_call {
	const struct virtq_chain *chain;
	struct p9_in in;
	struct p9_out out;
	uint32_t size; /* of the request, at most what is in the chain */
	uint32_t data; /* bytes of file data that are in the chain already, behind `out` */
};

/* Open the folder. -errno: err names it. p9_close() is safe after both. */
int p9_open(struct p9_server *s, const struct p9_options *opt, struct error *err);
void p9_close(struct p9_server *s);
/* End the session: forget all fids. */
void p9_reset(struct p9_server *s);
/*
 * Serve the request in a chain's readable part, with the reply in its writable one. Returns how
 * many bytes were written; 0: there is no room for as much as an error.
 */
uint32_t p9_serve(struct p9_server *s, const struct virtq_chain *c);

/* ---- fids (9p_fid.c) ------------------------------------------------------------------------- */

/* NULL: there is none. */
struct p9_fid *p9_find(struct p9_server *s, uint32_t id);
/* Read a fid's number from a request. NULL: there is none. */
struct p9_fid *p9_get_fid(struct p9_server *s, struct p9_in *in);
/* Once a request was read: is it whole, and about a file? 0 or -errno. */
int p9_check(const struct p9_call *c, const struct p9_fid *f);
/* Make one of a descriptor, which it takes, also on error. -EEXIST: there is one of that number. */
int p9_add(struct p9_server *s, uint32_t id, uint32_t uid, int fd);
void p9_forget(struct p9_server *s, struct p9_fid *f);

/* ---- ways to files (9p_path.c) --------------------------------------------------------------- */

/*
 * Open a name in a folder; O_NOFOLLOW and O_CLOEXEC are added. The name was checked, or "..", with
 * which the root is its own parent. fd or -errno.
 */
int p9_lookup(struct p9_server *s, int dir, const char *name, int flags, mode_t mode);
/* Is this the root? Nothing is outside of it. */
bool p9_is_root(const struct p9_server *s, const struct stat *st);
/* Open the file behind a descriptor once more, with other flags: it is that same file. */
int p9_reopen(struct p9_server *s, int fd, int flags);
/* "12": the name of a descriptor in s->descriptors. */
#define P9_FD_NAME 12
const char *p9_fd_name(char name[P9_FD_NAME], int fd);
/* The folder that a file is in now, as fd, and its name in there. -ENOENT: it is in none. */
int p9_parent(struct p9_server *s, int fd, char name[P9_NAME]);
/* What a file is, and its qid; 0 or -errno. */
int p9_stat_qid(struct p9_server *s, int fd, struct stat *st, struct p9_qid *qid);
/* Its version changes with the data, as far as time and size tell. */
struct p9_qid p9_qid(const struct p9_server *s, const struct stat *st);

/* ---- requests: 0, with the reply written, or -errno ------------------------------------------ */

/* 9p_session.c */
int p9_version(struct p9_server *s, struct p9_call *c);
int p9_attach(struct p9_server *s, struct p9_call *c);
int p9_walk(struct p9_server *s, struct p9_call *c);
int p9_clunk(struct p9_server *s, struct p9_call *c);
/* 9p_file.c */
int p9_lopen(struct p9_server *s, struct p9_call *c);
int p9_lcreate(struct p9_server *s, struct p9_call *c);
int p9_read(struct p9_server *s, struct p9_call *c);
int p9_write(struct p9_server *s, struct p9_call *c);
int p9_fsync(struct p9_server *s, struct p9_call *c);
int p9_lock(struct p9_server *s, struct p9_call *c);
int p9_getlock(struct p9_server *s, struct p9_call *c);
/* 9p_attr.c */
int p9_getattr(struct p9_server *s, struct p9_call *c);
int p9_setattr(struct p9_server *s, struct p9_call *c);
int p9_statfs(struct p9_server *s, struct p9_call *c);
/* 9p_dir.c */
int p9_readdir(struct p9_server *s, struct p9_call *c);
int p9_readlink(struct p9_server *s, struct p9_call *c);
int p9_mkdir(struct p9_server *s, struct p9_call *c);
int p9_symlink(struct p9_server *s, struct p9_call *c);
int p9_mknod(struct p9_server *s, struct p9_call *c);
int p9_link(struct p9_server *s, struct p9_call *c);
int p9_rename(struct p9_server *s, struct p9_call *c);
int p9_renameat(struct p9_server *s, struct p9_call *c);
int p9_unlinkat(struct p9_server *s, struct p9_call *c);
int p9_remove(struct p9_server *s, struct p9_call *c);

/* A file that was just made: whose it is, and its rights, as the guest's kernel asked for. */
void p9_own(struct p9_server *s, int fd, uint32_t uid, uint32_t gid, uint32_t mode);

#endif
