/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What is inside of disk/: files that are open and locked, images in them, and the drivers that
 * know a format. A driver is synchronous: its calls come from the worker threads of queues, several
 * at once. A raw image's reads and writes mostly go past its driver, through an engine.
 */
#ifndef CARILLON_DISK_IMAGE_H
#define CARILLON_DISK_IMAGE_H

#include <pthread.h>
#include <sys/types.h>

#include "disk.h"

/* How much of a file a driver sees to know its format by, bytes; less if the file is shorter. */
#define DISK_HEAD 512

/* ---- files ----------------------------------------------------------------------------------- */

/* An open and locked file or block device. */
struct disk_file {
	const char *path; /* the opener's, outlives the file */
	int fd;
	bool readonly;
	bool device;	 /* a block device */
	bool direct;	 /* opened with O_DIRECT */
	unsigned align;	 /* what offsets and lengths have to be multiples of; 1 without O_DIRECT */
	unsigned sector; /* the logical sector of a device, bytes; of files 512 */
	uint64_t size;	 /* bytes, when it was last measured */
	struct disk_topology topology;
	dev_t dev; /* which file it is, whatever it is called */
	ino_t ino;
};

/*
 * Open and lock. Errors name the path, the cause (missing, a directory, no rights, locked and by
 * whom) and the cure; *f is then closed.
 */
int disk_file_open(struct disk_file *f, const char *path, bool readonly, bool direct,
		   struct error *err);
/* Sets f->size. Opening has done that. */
int disk_file_measure(struct disk_file *f, struct error *err);
/* What the host's kernel says of it; nothing, where that fails: it is no more than advice. */
void disk_file_topology(const struct disk_file *f, struct disk_topology *t);
/* The lock goes with it. */
void disk_file_close(struct disk_file *f);

/*
 * Read or write `length` bytes at `offset`, both multiples of f->align; buffers may lie anywhere.
 * Short transfers are continued. Read: the number of bytes, fewer only at the file's end; write: 0.
 * Or -errno. Any thread.
 */
ssize_t disk_file_read(const struct disk_file *f, const struct iovec *iov, unsigned n,
		       uint64_t offset, uint64_t length);
int disk_file_write(const struct disk_file *f, const struct iovec *iov, unsigned n, uint64_t offset,
		    uint64_t length);
/* The same with one buffer. */
ssize_t disk_file_read_at(const struct disk_file *f, void *buf, size_t n, uint64_t offset);
int disk_file_write_at(const struct disk_file *f, const void *buf, size_t n, uint64_t offset);
/* All writes that have ended are on the host's disk. 0 or -errno. */
int disk_file_flush(const struct disk_file *f);

/*
 * The host tells of what it could not write back once, to who asks first, and may have dropped it
 * by then. So there is one flush at a time, and after one that failed none succeeds any more: who
 * asked for the next one has written something, too, and would be told that it is there.
 */
struct disk_flushes {
	pthread_mutex_t lock;
	int lost; /* not 0: the -errno of the first flush that failed */
};

void disk_flushes_init(struct disk_flushes *s);
void disk_flushes_destroy(struct disk_flushes *s);
/* As disk_file_flush(). *first, which may be NULL: is this the one that failed first? */
int disk_flushes_flush(struct disk_flushes *s, const struct disk_file *f, bool *first);

/*
 * Give a range back to the host, or make it read as zeros; the file keeps its size. unmap: the
 * space may be given back too. 0 or -errno; -EOPNOTSUPP: neither file nor device can do that.
 */
int disk_file_discard(const struct disk_file *f, uint64_t offset, uint64_t length);
int disk_file_zeroes(const struct disk_file *f, uint64_t offset, uint64_t length, bool unmap);

/* ---- images and drivers ---------------------------------------------------------------------- */

struct disk_image {
	const struct disk_driver *driver;
	struct disk_file file;
	const struct disk_image *above; /* whose backing image this is; NULL: nobody's */
	bool guarded; /* raw because nobody said otherwise: no guest may give it a header */
	/* Set by the driver's open. */
	uint64_t size;	/* bytes */
	unsigned block; /* what requests are multiples of, bytes, a power of two */
	bool discard, write_zeroes;
	struct disk_topology topology;
	void *opaque; /* the driver's own */
};

/*
 * Offsets and lengths in bytes, multiples of the image's block and within its size; what changes an
 * image is called only for one that is not read-only. The buffers are guest memory, which may
 * change meanwhile. All but open and close: any thread, several at once; 0 or -errno.
 */
struct disk_driver {
	const char *name; /* as in format=NAME */
	/* Pure: does a file that begins with these n bytes have this format? Raw: NULL. */
	bool (*probe)(const void *head, size_t n);
	/* Pure: does such a header name other files? NULL: it may. */
	bool (*names_files)(const void *head, size_t n);
	/*
	 * image->file is open and locked. Read the header, open what is behind it, set what is said
	 * above. On error nothing is left but the file.
	 */
	int (*open)(struct disk_image *image, struct error *err);
	/* Make everything durable, give all back but the file. 0 or -errno: what was lost. */
	int (*close)(struct disk_image *image);
	/* The file has another size: set image->size. No request is submitted meanwhile. NULL: this
	 * format has a size of its own. */
	int (*measure)(struct disk_image *image, struct error *err);
	int (*read)(struct disk_image *image, const struct iovec *iov, unsigned n, uint64_t offset,
		    uint64_t length);
	int (*write)(struct disk_image *image, const struct iovec *iov, unsigned n, uint64_t offset,
		     uint64_t length);
	/* What has ended before is on the host's disk, the format's own data too. */
	int (*flush)(struct disk_image *image);
	int (*discard)(struct disk_image *image, uint64_t offset, uint64_t length);
	int (*write_zeroes)(struct disk_image *image, uint64_t offset, uint64_t length, bool unmap);
};

extern const struct disk_driver disk_raw, disk_qcow2;

/* Pure: the driver of what begins with these bytes; disk_raw, if none knows them. */
const struct disk_driver *disk_image_probe(const void *head, size_t n);

/*
 * Open an image and all that is behind it. above: the image whose backing file opt names, for which
 * opt->readonly is set; a file that is in that chain already is an error (-ELOOP). The path has to
 * outlive the image.
 *
 * DISK_AUTO must not be a trap: a guest that may write a raw image could give it a header that
 * names a file of the host, as the image that is behind it, and read that one after the next start.
 * So a file with a header is what its header says only if it is read-only and names no other file;
 * else the user has to say what it is. And a guest can't write such a header into an image that
 * nobody called raw: -EPERM.
 */
int disk_image_open(struct disk_image **out, const struct disk_options *opt,
		    const struct disk_image *above, struct error *err);
/* NULL is fine. 0, or -errno: what was written may not be on the disk. */
int disk_image_close(struct disk_image *image);

#endif
