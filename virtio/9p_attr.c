/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* 9P requests on what a file is: attributes, and the file system that it is on. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "9p_server.h"

/* All fields of a reply to GETATTR but the time of birth, generation and version of the data. */
#define GETATTR_BASIC 0x7ff

/* Which fields of a SETATTR count. A time without its _SET is now. */
#define SET_MODE      0x01
#define SET_UID	      0x02
#define SET_GID	      0x04
#define SET_SIZE      0x08
#define SET_ATIME     0x10
#define SET_MTIME     0x20
#define SET_ATIME_SET 0x80
#define SET_MTIME_SET 0x100

static void put_time(struct p9_out *out, struct timespec t)
{
	p9_put64(out, (uint64_t)t.tv_sec);
	p9_put64(out, (uint64_t)t.tv_nsec);
}

int p9_getattr(struct p9_server *s, struct p9_call *c)
{
	static const struct timespec unknown;
	struct p9_fid *f = p9_get_fid(s, &c->in);
	struct p9_qid qid;
	struct stat st;
	int ret;

	p9_get64(&c->in); /* the fields that the guest would like to have */
	ret = p9_check(c, f);
	if (!ret)
		ret = p9_stat_qid(s, f->fd, &st, &qid);
	if (ret)
		return ret;
	p9_put64(&c->out, GETATTR_BASIC);
	p9_put_qid(&c->out, &qid);
	p9_put32(&c->out, st.st_mode);
	p9_put32(&c->out, st.st_uid);
	p9_put32(&c->out, st.st_gid);
	p9_put64(&c->out, st.st_nlink);
	p9_put64(&c->out, st.st_rdev);
	p9_put64(&c->out, (uint64_t)st.st_size);
	p9_put64(&c->out, (uint64_t)st.st_blksize);
	p9_put64(&c->out, (uint64_t)st.st_blocks);
	put_time(&c->out, st.st_atim);
	put_time(&c->out, st.st_mtim);
	put_time(&c->out, st.st_ctim);
	put_time(&c->out, unknown);
	p9_put64(&c->out, 0);
	p9_put64(&c->out, 0);
	return 0;
}

struct attributes {
	uint32_t valid, mode, uid, gid;
	uint64_t size;
	struct timespec times[2]; /* of access, of change */
};

static struct timespec get_time(struct p9_in *in)
{
	struct timespec t = {.tv_sec = (time_t)p9_get64(in)};

	/* utimensat() has two numbers with a meaning of their own, and no other above this. */
	t.tv_nsec = (long)(p9_get64(in) % 1000000000);
	return t;
}

static void get_attributes(struct p9_in *in, struct attributes *a)
{
	static const struct {
		uint32_t change, set;
	} bits[] = {{SET_ATIME, SET_ATIME_SET}, {SET_MTIME, SET_MTIME_SET}};
	unsigned i;

	a->valid = p9_get32(in);
	a->mode = p9_get32(in);
	a->uid = p9_get32(in);
	a->gid = p9_get32(in);
	a->size = p9_get64(in);
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		a->times[i] = get_time(in);
		if (!(a->valid & bits[i].change))
			a->times[i].tv_nsec = UTIME_OMIT;
		else if (!(a->valid & bits[i].set))
			a->times[i].tv_nsec = UTIME_NOW;
	}
}

static int set_mode(struct p9_server *s, const struct p9_fid *f, uint32_t mode)
{
	char name[P9_FD_NAME];

	if (f->kind == S_IFLNK)
		return -EOPNOTSUPP;
	return fchmodat(s->descriptors, p9_fd_name(name, f->fd), mode & 07777, 0) ? -errno : 0;
}

static int set_owner(const struct p9_fid *f, const struct attributes *a)
{
	uid_t uid = a->valid & SET_UID ? a->uid : (uid_t)-1;
	gid_t gid = a->valid & SET_GID ? a->gid : (gid_t)-1;

	return fchownat(f->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int set_size(struct p9_server *s, const struct p9_fid *f, uint64_t size)
{
	int fd, ret;

	if (f->kind != S_IFREG)
		return f->kind == S_IFDIR ? -EISDIR : -EINVAL;
	if (size > INT64_MAX)
		return -EFBIG;
	/* Who has it open for writing may, whatever the file's rights are now. */
	if (f->opened && !ftruncate(f->fd, (off_t)size))
		return 0;
	fd = p9_reopen(s, f->fd, O_WRONLY);
	if (fd < 0)
		return fd;
	ret = ftruncate(fd, (off_t)size) ? -errno : 0;
	close(fd);
	return ret;
}

/* The mode after owner and size, which cost set-user-id; times after what changes them. */
int p9_setattr(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	struct attributes a;
	int ret;

	get_attributes(&c->in, &a);
	ret = p9_check(c, f);
	if (!ret && (a.valid & (SET_UID | SET_GID)))
		ret = set_owner(f, &a);
	if (!ret && (a.valid & SET_SIZE))
		ret = set_size(s, f, a.size);
	if (!ret && (a.valid & SET_MODE))
		ret = set_mode(s, f, a.mode);
	if (!ret && (a.valid & (SET_ATIME | SET_MTIME)) &&
	    utimensat(f->fd, "", a.times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		ret = -errno;
	return ret;
}

int p9_statfs(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	int ret = p9_check(c, f);
	struct statfs st;
	uint64_t id;

	if (!ret && fstatfs(f->fd, &st))
		ret = -errno;
	if (ret)
		return ret;
	memcpy(&id, &st.f_fsid, sizeof(id));
	p9_put32(&c->out, (uint32_t)st.f_type);
	p9_put32(&c->out, (uint32_t)st.f_bsize);
	p9_put64(&c->out, st.f_blocks);
	p9_put64(&c->out, st.f_bfree);
	p9_put64(&c->out, st.f_bavail);
	p9_put64(&c->out, st.f_files);
	p9_put64(&c->out, st.f_ffree);
	p9_put64(&c->out, id);
	p9_put32(&c->out, (uint32_t)st.f_namelen);
	return 0;
}

void p9_own(struct p9_server *s, int fd, uint32_t uid, uint32_t gid, uint32_t mode)
{
	char name[P9_FD_NAME];
	struct stat st;

	/* Only root gives files away; a file system that refuses (NFS) leaves the file as it is. */
	if (!geteuid())
		(void)fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	/* The guest's umask counts, which has been applied, and ours has not to. */
	if (!fstat(fd, &st) && !S_ISLNK(st.st_mode) && (mode & 07777 & ~st.st_mode))
		fchmodat(s->descriptors, p9_fd_name(name, fd), (st.st_mode | mode) & 07777, 0);
}
