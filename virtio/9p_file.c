/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* 9P requests on what is in a file: open, create, read, write, sync, lock. */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "9p_server.h"

/* Flags of LOPEN and LCREATE have one number each on all architectures; O_ of the host don't. */
#define L_ACCMODE   03
#define L_EXCL	    0200
#define L_TRUNC	    01000
#define L_APPEND    02000
#define L_DSYNC	    010000
#define L_DIRECTORY 0200000
#define L_SYNC	    04000000

/* Answers to LOCK, and what GETLOCK says of a range that nobody has locked. */
#define LOCK_SUCCESS	   0
#define LOCK_TYPE_UNLOCKED 2

/*
 * What is left out changes nothing for a guest: O_DIRECT is about its own cache, and its buffers
 * need not be aligned as our file system wants them.
 */
static int host_flags(uint32_t flags)
{
	static const struct {
		uint32_t guest;
		int host;
	} known[] = {{L_TRUNC, O_TRUNC},
		     {L_APPEND, O_APPEND},
		     {L_DSYNC, O_DSYNC},
		     {L_DIRECTORY, O_DIRECTORY},
		     {L_SYNC, O_SYNC}};
	int host = (int)(flags & L_ACCMODE);
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if ((flags & known[i].guest) == known[i].guest)
			host |= known[i].host;
	return host;
}

/* Of another kind than these, opening could block, or do something to a device. */
static int check_kind(mode_t kind, int flags)
{
	if (kind == S_IFLNK)
		return -ELOOP;
	if (kind == S_IFDIR)
		return (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC) ? 0 : -EISDIR;
	return kind == S_IFREG ? 0 : -ENXIO;
}

static int check_flags(const struct p9_server *s, int flags)
{
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	return s->readonly && ((flags & O_ACCMODE) || (flags & O_TRUNC)) ? -EROFS : 0;
}

/* Let a fid be this open file; `fd` is taken. The reply has its qid, and no wish for a unit. */
static int opened(struct p9_server *s, struct p9_call *c, struct p9_fid *f, int fd)
{
	struct p9_qid qid;
	struct stat st;
	int ret = p9_stat_qid(s, fd, &st, &qid);

	if (ret) {
		close(fd);
		return ret;
	}
	close(f->fd);
	f->fd = fd;
	f->kind = st.st_mode & S_IFMT;
	f->opened = true;
	p9_put_qid(&c->out, &qid);
	p9_put32(&c->out, 0);
	return 0;
}

int p9_lopen(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	int flags = host_flags(p9_get32(&c->in)), fd, ret = p9_check(c, f);

	if (!ret)
		ret = f->opened ? -EBUSY : check_flags(s, flags);
	if (!ret)
		ret = check_kind(f->kind, flags);
	if (ret)
		return ret;
	fd = p9_reopen(s, f->fd, flags);
	return fd < 0 ? fd : opened(s, c, f, fd);
}

/* Open a file that somebody else has just made, if it is one to be opened. */
static int open_existing(struct p9_server *s, int dir, const char *name, int flags)
{
	int fd = -1, path = p9_lookup(s, dir, name, O_PATH, 0);
	struct stat st;

	if (path < 0)
		return path;
	if (fstat(path, &st))
		fd = -errno;
	else
		fd = check_kind(st.st_mode & S_IFMT, flags) ?: p9_reopen(s, path, flags);
	close(path);
	return fd;
}

int p9_lcreate(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	char name[P9_NAME];
	uint32_t flags, mode, gid;
	int fd, ret;

	p9_get_string(&c->in, name, sizeof(name));
	flags = p9_get32(&c->in);
	mode = p9_get32(&c->in);
	gid = p9_get32(&c->in);
	ret = p9_check(c, f);
	if (!ret)
		ret = p9_check_name(name);
	if (!ret)
		ret = f->opened ? -EBUSY : check_flags(s, host_flags(flags));
	if (ret)
		return ret;
	/* Always as a new one: an old one might be no file but what must not be opened. */
	fd = p9_lookup(s, f->fd, name, host_flags(flags) | O_CREAT | O_EXCL, mode);
	if (fd >= 0)
		p9_own(s, fd, f->uid, gid, mode);
	else if (fd == -EEXIST && !(flags & L_EXCL))
		fd = open_existing(s, f->fd, name, host_flags(flags));
	return fd < 0 ? fd : opened(s, c, f, fd);
}

static int check_open(const struct p9_fid *f)
{
	if (!f->opened)
		return -EBADF;
	return f->kind == S_IFREG ? 0 : -EISDIR;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int p9_read(struct p9_server *s, struct p9_call *c)
{
	const struct virtq_chain *chain = c->chain;
	struct p9_fid *f = p9_get_fid(s, &c->in);
	uint64_t offset = p9_get64(&c->in), count = p9_get32(&c->in);
	int ret = p9_check(c, f);
	unsigned n;
	ssize_t got;

	if (!ret)
		ret = check_open(f);
	if (ret)
		return ret;
	count = least(count, least(s->msize, chain->in_bytes) - P9_READ_HEADER);
	n = iov_cut(chain->iov + chain->n_out, chain->n_in, P9_READ_HEADER, count, s->data);
	got = preadv(f->fd, s->data, (int)n, (off_t)offset);
	if (got < 0)
		return -errno;
	p9_put32(&c->out, (uint32_t)got);
	c->data = (uint32_t)got;
	atomic_fetch_add_explicit(&s->bytes_read, (uint64_t)got, memory_order_relaxed);
	return 0;
}

int p9_write(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	uint64_t offset = p9_get64(&c->in), count = p9_get32(&c->in);
	int ret = p9_check(c, f);
	unsigned n;
	ssize_t put;

	if (!ret && count > c->size - P9_WRITE_HEADER)
		ret = -EPROTO;
	if (!ret)
		ret = check_open(f);
	if (ret)
		return ret;
	n = iov_cut(c->chain->iov, c->chain->n_out, P9_WRITE_HEADER, count, s->data);
	put = pwritev(f->fd, s->data, (int)n, (off_t)offset);
	if (put < 0)
		return -errno;
	p9_put32(&c->out, (uint32_t)put);
	atomic_fetch_add_explicit(&s->bytes_written, (uint64_t)put, memory_order_relaxed);
	return 0;
}

int p9_fsync(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	bool data_only = p9_get32(&c->in) != 0;
	int ret = p9_check(c, f);

	if (ret)
		return ret;
	return (data_only ? fdatasync(f->fd) : fsync(f->fd)) ? -errno : 0;
}

/*
 * The guest's kernel has settled a lock among its own processes before it asks. It is not passed
 * on: the host would take all processes of the guest for one owner, or each open file for another.
 */
int p9_lock(struct p9_server *s, struct p9_call *c)
{
	int ret = p9_check(c, p9_get_fid(s, &c->in));

	if (!ret)
		p9_put8(&c->out, LOCK_SUCCESS);
	return ret;
}

int p9_getlock(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	uint64_t start, length;
	char client[P9_NAME];
	uint32_t process;
	int ret;

	p9_get8(&c->in); /* the type that the guest would like to have */
	start = p9_get64(&c->in);
	length = p9_get64(&c->in);
	process = p9_get32(&c->in);
	p9_get_string(&c->in, client, sizeof(client));
	ret = p9_check(c, f);
	if (ret)
		return ret;
	p9_put8(&c->out, LOCK_TYPE_UNLOCKED);
	p9_put64(&c->out, start);
	p9_put64(&c->out, length);
	p9_put32(&c->out, process);
	p9_put_string(&c->out, client);
	return 0;
}
