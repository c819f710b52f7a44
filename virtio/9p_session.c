/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* 9P requests by which a session begins and fids come and go. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "9p_server.h"

#define DIALECT "9P2000.L"

/* A new session: what the guest had in the old one is gone. */
int p9_version(struct p9_server *s, struct p9_call *c)
{
	uint32_t msize = p9_get32(&c->in);
	char version[32];

	p9_get_string(&c->in, version, sizeof(version));
	if (c->in.bad)
		return -EPROTO;
	if (msize < P9_MSIZE_MIN)
		return -EMSGSIZE;
	p9_reset(s);
	if (msize > P9_MSIZE_MAX)
		msize = P9_MSIZE_MAX;
	p9_put32(&c->out, msize);
	if (strcmp(version, DIALECT)) {
		p9_put_string(&c->out, "unknown");
		return 0;
	}
	s->msize = msize;
	p9_put_string(&c->out, DIALECT);
	return 0;
}

int p9_attach(struct p9_server *s, struct p9_call *c)
{
	uint32_t id = p9_get32(&c->in), afid = p9_get32(&c->in), uid;
	char user[P9_NAME], tree[P9_NAME];
	struct p9_qid qid;
	struct stat st;
	int fd, ret;

	p9_get_string(&c->in, user, sizeof(user));
	p9_get_string(&c->in, tree, sizeof(tree));
	uid = p9_get32(&c->in);
	if (c->in.bad)
		return -EPROTO;
	if (afid != P9_NO_FID)
		return -EOPNOTSUPP;
	/* There is one tree, the folder. */
	if (strcmp(tree, "") && strcmp(tree, "/"))
		return -ENOENT;
	fd = p9_reopen(s, s->root, O_PATH | O_DIRECTORY);
	ret = fd < 0 ? fd : p9_add(s, id, uid, fd);
	if (!ret)
		ret = p9_stat_qid(s, s->root, &st, &qid);
	if (!ret)
		p9_put_qid(&c->out, &qid);
	return ret;
}

/* One step of a walk: from `from`, which is closed unless it is the fid's own. fd or -errno. */
static int step(struct p9_server *s, struct p9_call *c, int from, bool owned, const char *name)
{
	int ret = strcmp(name, "..") ? p9_check_name(name) : 0, fd;
	struct p9_qid qid;
	struct stat st;

	fd = ret ?: p9_lookup(s, from, name, O_PATH, 0);
	if (fd >= 0) {
		ret = p9_stat_qid(s, fd, &st, &qid);
		if (ret) {
			close(fd);
			fd = ret;
		} else {
			p9_put_qid(&c->out, &qid);
		}
	}
	if (owned)
		close(from);
	return fd;
}

/* Put where a walk ended into newfid; `fd` is taken. */
static int arrive(struct p9_server *s, struct p9_fid *f, uint32_t newfid, int fd)
{
	uint32_t uid = f->uid;

	if (newfid == f->id)
		p9_forget(s, f);
	return p9_add(s, newfid, uid, fd);
}

/* Are so many names there, each a string? `in` is a copy: they are read later, one by one. */
static bool names_are_whole(struct p9_in in, unsigned n)
{
	char name[P9_NAME];

	while (n--)
		p9_get_string(&in, name, sizeof(name));
	return !in.bad;
}

/* A walk that ends early says how far it came, and makes no fid; only the first step can fail. */
int p9_walk(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	uint32_t newfid = p9_get32(&c->in);
	unsigned n = p9_get16(&c->in), i;
	size_t count_at = c->out.len;
	char name[P9_NAME];
	int fd, next, ret = p9_check(c, f);

	if (ret)
		return ret;
	if (n > P9_WALK_MAX || !names_are_whole(c->in, n))
		return -EPROTO;
	if (newfid == f->id ? f->opened : p9_find(s, newfid) != NULL)
		return -EEXIST;
	p9_put16(&c->out, (uint16_t)n);
	/* A file of its own: opened, it reads on from where it is. */
	fd = n ? f->fd : p9_reopen(s, f->fd, O_PATH);
	for (i = 0; i < n; i++) {
		p9_get_string(&c->in, name, sizeof(name));
		next = step(s, c, fd, i != 0, name);
		if (next < 0 && i) {
			c->out.data[count_at] = (uint8_t)i;
			return 0;
		}
		fd = next;
		if (fd < 0)
			break;
	}
	return fd < 0 ? fd : arrive(s, f, newfid, fd);
}

int p9_clunk(struct p9_server *s, struct p9_call *c)
{
	struct p9_fid *f = p9_get_fid(s, &c->in);
	int ret = p9_check(c, f);

	if (!ret)
		p9_forget(s, f);
	return ret;
}
