/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A 9P2000.L server: which request is done by whom, and the frame of a message around it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "9p_server.h"

#define NO_TAG 0xffff

/* The tag of a request is answered in the order in which requests came: it is no longer there. */
static int flush(struct p9_server *s, struct p9_call *c)
{
	(void)s;
	p9_get16(&c->in);
	return c->in.bad ? -EPROTO : 0;
}

/* A Linux guest asks once, and does without. */
static int unsupported(struct p9_server *s, struct p9_call *c)
{
	(void)s, (void)c;
	return -EOPNOTSUPP;
}

static const struct request {
	int (*run)(struct p9_server *s, struct p9_call *c);
	bool changes; /* what a read-only folder refuses */
} requests[UINT8_MAX + 1] = {
	[P9_STATFS] = {p9_statfs, false},
	[P9_LOPEN] = {p9_lopen, false},
	[P9_LCREATE] = {p9_lcreate, true},
	[P9_SYMLINK] = {p9_symlink, true},
	[P9_MKNOD] = {p9_mknod, true},
	[P9_RENAME] = {p9_rename, true},
	[P9_READLINK] = {p9_readlink, false},
	[P9_GETATTR] = {p9_getattr, false},
	[P9_SETATTR] = {p9_setattr, true},
	[P9_XATTRWALK] = {unsupported, false},
	[P9_XATTRCREATE] = {unsupported, true},
	[P9_READDIR] = {p9_readdir, false},
	[P9_FSYNC] = {p9_fsync, false},
	[P9_LOCK] = {p9_lock, false},
	[P9_GETLOCK] = {p9_getlock, false},
	[P9_LINK] = {p9_link, true},
	[P9_MKDIR] = {p9_mkdir, true},
	[P9_RENAMEAT] = {p9_renameat, true},
	[P9_UNLINKAT] = {p9_unlinkat, true},
	[P9_VERSION] = {p9_version, false},
	[P9_AUTH] = {unsupported, false},
	[P9_ATTACH] = {p9_attach, false},
	[P9_FLUSH] = {flush, false},
	[P9_WALK] = {p9_walk, false},
	[P9_READ] = {p9_read, false},
	[P9_WRITE] = {p9_write, true},
	[P9_CLUNK] = {p9_clunk, false},
	[P9_REMOVE] = {p9_remove, false}, /* it forgets the fid in any case */
};

static void begin_reply(struct p9_out *out, uint8_t type, uint16_t tag)
{
	out->len = 0;
	out->full = false;
	p9_put32(out, 0);
	p9_put8(out, type);
	p9_put16(out, tag);
}

static int run(struct p9_server *s, struct p9_call *c, uint8_t type)
{
	const struct request *r = &requests[type];
	int ret;

	if (c->in.bad || c->size < P9_HEADER || c->size > c->chain->out_bytes)
		return -EPROTO;
	if (!s->msize && type != P9_VERSION)
		return -EPROTO;
	if (s->msize && c->size > s->msize)
		return -EMSGSIZE;
	if (!r->run)
		return -EOPNOTSUPP;
	if (r->changes && s->readonly)
		return -EROFS;
	ret = r->run(s, c);
	return !ret && c->out.full ? -EMSGSIZE : ret;
}

/* What the chain's readable part begins with, once; the rest of it is data of a WRITE. */
static void read_request(struct p9_server *s, struct p9_call *c, uint8_t *type, uint16_t *tag)
{
	size_t n = virtq_read(c->chain, 0, s->request, sizeof(s->request));

	c->in = (struct p9_in){.data = s->request, .len = n};
	c->size = p9_get32(&c->in);
	*type = p9_get8(&c->in);
	*tag = p9_get16(&c->in);
	if (c->in.bad)
		*tag = NO_TAG;
	if (c->size < n)
		c->in.len = c->size < P9_HEADER ? P9_HEADER : c->size;
}

uint32_t p9_serve(struct p9_server *s, const struct virtq_chain *chain)
{
	struct p9_call c = {.chain = chain};
	uint8_t type;
	uint16_t tag;
	int ret;

	if (chain->in_bytes < P9_READ_HEADER)
		return 0;
	c.out = (struct p9_out){.data = s->reply, .room = sizeof(s->reply)};
	if (c.out.room > chain->in_bytes)
		c.out.room = chain->in_bytes;
	if (s->msize && c.out.room > s->msize)
		c.out.room = s->msize;
	read_request(s, &c, &type, &tag);
	begin_reply(&c.out, (uint8_t)(type + 1), tag);
	ret = run(s, &c, type);
	atomic_fetch_add_explicit(&s->requests, 1, memory_order_relaxed);
	if (ret) {
		begin_reply(&c.out, P9_RLERROR, tag);
		p9_put32(&c.out, (uint32_t)-ret);
		c.data = 0;
	}
	p9_set32(&c.out, 0, (uint32_t)c.out.len + c.data);
	virtq_write(chain, 0, s->reply, c.out.len);
	return (uint32_t)c.out.len + c.data;
}

int p9_open(struct p9_server *s, const struct p9_options *opt, struct error *err)
{
	struct stat st;

	s->readonly = opt->readonly;
	s->root = s->descriptors = -1;
	s->root = open(opt->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0 || fstat(s->root, &st))
		return fail(err, errno, "--9p %s: %s%s", opt->path, strerror(errno),
			    errno == ENOTDIR ? "; it shares a folder" : "");
	s->root_dev = st.st_dev;
	s->root_ino = st.st_ino;
	s->descriptors = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->descriptors < 0)
		return fail(err, errno, "--9p %s: /proc/self/fd: %s; is /proc mounted?", opt->path,
			    strerror(errno));
	return 0;
}

void p9_close(struct p9_server *s)
{
	p9_reset(s);
	if (s->root >= 0)
		close(s->root);
	if (s->descriptors >= 0)
		close(s->descriptors);
	s->root = s->descriptors = -1;
}
