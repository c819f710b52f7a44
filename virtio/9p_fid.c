/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The fids of a session: what the guest calls its files by. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "9p_server.h"

static struct p9_fid **place(struct p9_server *s, uint32_t id)
{
	struct p9_fid **p = &s->fids[id % P9_BUCKETS];

	while (*p && (*p)->id != id)
		p = &(*p)->next;
	return p;
}

struct p9_fid *p9_find(struct p9_server *s, uint32_t id)
{
	return *place(s, id);
}

struct p9_fid *p9_get_fid(struct p9_server *s, struct p9_in *in)
{
	return p9_find(s, p9_get32(in));
}

int p9_check(const struct p9_call *c, const struct p9_fid *f)
{
	if (c->in.bad)
		return -EPROTO;
	return f ? 0 : -EBADF;
}

static int add(struct p9_server *s, uint32_t id, uint32_t uid, int fd)
{
	struct p9_fid **p = place(s, id), *f;
	struct stat st;

	if (*p || id == P9_NO_FID)
		return -EEXIST;
	if (s->n_fids == P9_FIDS_MAX)
		return -EMFILE;
	if (fstat(fd, &st))
		return -errno;
	f = malloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	*f = (struct p9_fid){.id = id, .uid = uid, .fd = fd, .kind = st.st_mode & S_IFMT};
	*p = f;
	s->n_fids++;
	return 0;
}

int p9_add(struct p9_server *s, uint32_t id, uint32_t uid, int fd)
{
	int ret = add(s, id, uid, fd);

	if (ret)
		close(fd);
	return ret;
}

static void release(struct p9_fid *f)
{
	close(f->fd);
	free(f);
}

void p9_forget(struct p9_server *s, struct p9_fid *f)
{
	struct p9_fid **p = place(s, f->id);

	*p = f->next;
	s->n_fids--;
	release(f);
}

void p9_reset(struct p9_server *s)
{
	struct p9_fid *f, *next;
	unsigned i;

	for (i = 0; i < P9_BUCKETS; i++) {
		for (f = s->fids[i]; f; f = next) {
			next = f->next;
			release(f);
		}
		s->fids[i] = NULL;
	}
	s->n_fids = 0;
	s->msize = 0;
}
