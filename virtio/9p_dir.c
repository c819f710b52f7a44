/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* 9P requests on folders: what is in them, and files that come, move and go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "9p_server.h"

#define UNLINK_DIR 0x200 /* a flag of UNLINKAT */
#define ENTRIES	   (8 * KIB)

/* An entry on the wire: qid[13] offset[8] type[1] name[s]. False: no more room. */
static bool put_entry(struct p9_out *out, const struct dirent64 *e, size_t end)
{
	struct p9_qid qid = {.path = e->d_ino};

	if (out->len + 13 + 8 + 1 + 2 + strlen(e->d_name) > end)
		return false;
	if (e->d_type == DT_DIR)
		qid.type = P9_QID_DIR;
	else if (e->d_type == DT_LNK)
		qid.type = P9_QID_SYMLINK;
	p9_put_qid(out, &qid);
	p9_put64(out, (uint64_t)e->d_off);
	p9_put8(out, e->d_type);
	p9_put_string(out, e->d_name);
	return true;
}

/* As many entries as fit, from where the folder is read on. 0: there are no more; 1: some. */
static int put_entries(struct p9_call *c, int fd, size_t end)
{
	uint64_t buf[ENTRIES / sizeof(uint64_t)];
	ssize_t n = getdents64(fd, buf, sizeof(buf)), at;
	const struct dirent64 *e;

	if (n < 0)
		return -errno;
	for (at = 0; at < n; at += e->d_reclen) {
		e = (const struct dirent64 *)((const char *)buf + at);
		if (!put_entry(&c->out, e, end))
			break;
	}
	return n > 0;
}

/* offset is 0 or the one of an entry before: where its successor is. */
int p9_readdir(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	uint64_t offset = p9_get64(&c->in);
	uint32_t count = p9_get32(&c->in);
	size_t begin = c->out.len + 4, end;
	int ret = p9_check(c, f);

	if (!ret && !f->opened)
		ret = -EBADF;
	if (!ret && lseek(f->fd, (off_t)offset, SEEK_SET) < 0)
		ret = -errno;
	if (ret)
		return ret;
	p9_put32(&c->out, 0);
	end = count < c->out.room - begin ? begin + count : c->out.room;
	ret = put_entries(c, f->fd, end);
	if (ret < 0)
		return ret;
	/* Nothing would say that there is no more. */
	if (ret && c->out.len == begin)
		return -EINVAL;
	p9_set32(&c->out, begin - 4, (uint32_t)(c->out.len - begin));
	return 0;
}

int p9_readlink(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	int ret = p9_check(c, f);
	char target[P9_PATH];
	ssize_t n;

	if (!ret && f->kind != S_IFLNK)
		ret = -EINVAL;
	if (ret)
		return ret;
	n = readlinkat(f->fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	p9_put_string(&c->out, target);
	return 0;
}

/* Reply with the qid of what was made, and let it be the guest's. */
static int made(struct p9_server *s, struct p9_call *c, const struct p9_fid *dir, const char *name,
		uint32_t gid, uint32_t mode)
{
	int fd = p9_lookup(s, dir->fd, name, O_PATH, 0), ret;
	struct p9_qid qid;
	struct stat st;

	if (fd < 0)
		return fd;
	ret = p9_stat_qid(s, fd, &st, &qid);
	/* Somebody may have put another file there. */
	if (!ret && (st.st_mode & S_IFMT) == (mode & S_IFMT)) {
		p9_own(s, fd, dir->uid, gid, mode);
		p9_put_qid(&c->out, &qid);
	} else if (!ret) {
		ret = -ENOENT;
	}
	close(fd);
	return ret;
}

int p9_mkdir(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *dir = p9_get_fid(s, &c->in);
	char name[P9_NAME];
	uint32_t mode, gid;
	int ret;

	p9_get_string(&c->in, name, sizeof(name));
	mode = p9_get32(&c->in) & 07777;
	gid = p9_get32(&c->in);
	ret = p9_check(c, dir);
	if (!ret)
		ret = p9_check_name(name);
	if (!ret && mkdirat(dir->fd, name, mode))
		ret = -errno;
	return ret ?: made(s, c, dir, name, gid, S_IFDIR | mode);
}

int p9_symlink(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *dir = p9_get_fid(s, &c->in);
	char name[P9_NAME], target[P9_PATH];
	uint32_t gid;
	int ret;

	p9_get_string(&c->in, name, sizeof(name));
	p9_get_string(&c->in, target, sizeof(target));
	gid = p9_get32(&c->in);
	ret = p9_check(c, dir);
	if (!ret)
		ret = p9_check_name(name);
	if (!ret && symlinkat(target, dir->fd, name))
		ret = -errno;
	return ret ?: made(s, c, dir, name, gid, S_IFLNK | 0777);
}

/* Named pipes and sockets: they are the guest's kernel's to serve. Never a device of the host. */
int p9_mknod(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *dir = p9_get_fid(s, &c->in);
	char name[P9_NAME];
	uint32_t mode, gid;
	int ret;

	p9_get_string(&c->in, name, sizeof(name));
	mode = p9_get32(&c->in) & (S_IFMT | 07777);
	p9_get32(&c->in); /* major and minor number, of what is made only if it is a device */
	p9_get32(&c->in);
	gid = p9_get32(&c->in);
	ret = p9_check(c, dir);
	if (!ret)
		ret = p9_check_name(name);
	if (!ret && !S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		ret = -EPERM;
	if (!ret && mknodat(dir->fd, name, mode, 0))
		ret = -errno;
	return ret ?: made(s, c, dir, name, gid, mode);
}

int p9_link(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *dir = p9_get_fid(s, &c->in), *f = p9_get_fid(s, &c->in);
	char name[P9_NAME], fd[P9_FD_NAME];
	int ret;

	p9_get_string(&c->in, name, sizeof(name));
	ret = p9_check(c, dir);
	if (!ret)
		ret = p9_check(c, f);
	if (!ret)
		ret = p9_check_name(name);
	/* By this detour the file itself, whatever has its name now, and without
	 * CAP_DAC_READ_SEARCH. */
	if (!ret && linkat(s->descriptors, p9_fd_name(fd, f->fd), dir->fd, name, AT_SYMLINK_FOLLOW))
		ret = -errno;
	return ret;
}

int p9_renameat(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *from = p9_get_fid(s, &c->in), *to;
	char old[P9_NAME], new[P9_NAME];
	int ret;

	p9_get_string(&c->in, old, sizeof(old));
	to = p9_get_fid(s, &c->in);
	p9_get_string(&c->in, new, sizeof(new));
	ret = p9_check(c, from);
	if (!ret)
		ret = p9_check(c, to);
	if (!ret)
		ret = p9_check_name(old);
	if (!ret)
		ret = p9_check_name(new);
	if (!ret && renameat(from->fd, old, to->fd, new))
		ret = -errno;
	return ret;
}

/* Older than renameat: the file, not its old name, is given. */
int p9_rename(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in), *to = p9_get_fid(s, &c->in);
	char old[P9_NAME], new[P9_NAME];
	int ret, dir;

	p9_get_string(&c->in, new, sizeof(new));
	ret = p9_check(c, f);
	if (!ret)
		ret = p9_check(c, to);
	if (!ret)
		ret = p9_check_name(new);
	if (ret)
		return ret;
	dir = p9_parent(s, f->fd, old);
	if (dir < 0)
		return dir;
	if (renameat(dir, old, to->fd, new))
		ret = -errno;
	close(dir);
	return ret;
}

static int unlink_name(int dir, const char *name, bool folder)
{
	return unlinkat(dir, name, folder ? AT_REMOVEDIR : 0) ? -errno : 0;
}

int p9_unlinkat(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *dir = p9_get_fid(s, &c->in);
	char name[P9_NAME];
	uint32_t flags;
	int ret;

	p9_get_string(&c->in, name, sizeof(name));
	flags = p9_get32(&c->in);
	ret = p9_check(c, dir);
	if (!ret)
		ret = flags & ~(uint32_t)UNLINK_DIR ? -EINVAL : p9_check_name(name);
	return ret ?: unlink_name(dir->fd, name, flags & UNLINK_DIR);
}

/* Older than unlinkat. The fid is gone also if the file could not be removed. */
int p9_remove(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	int ret = p9_check(c, f), dir = -1;
	char name[P9_NAME];

	if (ret)
		return ret;
	if (s->readonly)
		ret = -EROFS;
	else
		dir = ret = p9_parent(s, f->fd, name);
	if (dir >= 0) {
		ret = unlink_name(dir, name, f->kind == S_IFDIR);
		close(dir);
	}
	p9_forget(s, f);
	return ret;
}
