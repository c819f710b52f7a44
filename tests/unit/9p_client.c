/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A 9P client for tests. */
#include "9p_client.h"

#include <criterion/criterion.h>
#include <string.h>

#define TAG 0x1234

struct p9_out *p9_ask(struct p9_client *c, uint8_t type)
{
	c->out = (struct p9_out){.data = c->sent, .room = sizeof(c->sent)};
	p9_put32(&c->out, 0);
	p9_put8(&c->out, type);
	p9_put16(&c->out, TAG);
	return &c->out;
}

/* In pieces that end in the middle of everything. */
static unsigned cut(struct iovec *iov, uint8_t *data, size_t len)
{
	static const size_t pieces[] = {3, 5, 1, 9, 4, 100};
	unsigned n = 0;
	size_t part;

	for (; len; len -= part, data += part) {
		part = n < ARRAY_SIZE(pieces) && pieces[n] < len ? pieces[n] : len;
		iov[n++] = (struct iovec){data, part};
	}
	return n;
}

int p9_send(struct p9_client *c)
{
	struct iovec iov[32];
	struct virtq_chain chain = {.iov = iov, .room = ARRAY_SIZE(iov)};
	uint32_t n, size;
	uint8_t type;

	p9_set32(&c->out, 0, (uint32_t)c->out.len);
	memset(c->got, 0xa5, sizeof(c->got));
	chain.n_out = cut(iov, c->sent, c->out.len);
	chain.n_in = cut(iov + chain.n_out, c->got, c->room);
	chain.out_bytes = c->out.len;
	chain.in_bytes = c->room;
	n = p9_serve(&c->server, &chain);
	cr_assert_leq(n, c->room);
	cr_assert_eq(c->got[n], 0xa5, "more was written than was said");
	c->in = (struct p9_in){.data = c->got, .len = n};
	size = p9_get32(&c->in);
	type = p9_get8(&c->in);
	cr_assert_eq(p9_get16(&c->in), TAG);
	cr_assert_eq(size, n);
	if (type == P9_RLERROR)
		return -(int)p9_get32(&c->in);
	cr_assert_eq(type, c->sent[4] + 1);
	return 0;
}

void p9_client_open(struct p9_client *c, const char *commands, bool readonly)
{
	struct p9_options opt = {.tag = "share", .readonly = readonly};
	struct error err;

	memset(c, 0, sizeof(*c));
	c->room = sizeof(c->got) - 1;
	folder_make(c->base);
	folder_run(c->base, "mkdir tree && echo secret >secret");
	folder_run(c->base, commands);
	snprintf(opt.path, sizeof(opt.path), "%s/tree", c->base);
	cr_assert_eq(p9_open(&c->server, &opt, &err), 0, "%s", err.text);
	p9_ask(c, P9_VERSION);
	p9_put32(&c->out, 8192);
	p9_put_string(&c->out, "9P2000.L");
	cr_assert_eq(p9_send(c), 0);
	cr_assert_eq(p9_get32(&c->in), 8192);
	p9_ask(c, P9_ATTACH);
	p9_put32(&c->out, 0);
	p9_put32(&c->out, P9_NO_FID);
	p9_put_string(&c->out, "root");
	p9_put_string(&c->out, "");
	p9_put32(&c->out, 0);
	cr_assert_eq(p9_send(c), 0);
}

void p9_client_close(struct p9_client *c)
{
	p9_close(&c->server);
	folder_remove(c->base);
}

int p9_go(struct p9_client *c, uint32_t fid, uint32_t newfid, const char *path)
{
	char copy[512], *rest = copy, *name;
	uint16_t n = 0;
	int ret;

	snprintf(copy, sizeof(copy), "%s", path);
	p9_ask(c, P9_WALK);
	p9_put32(&c->out, fid);
	p9_put32(&c->out, newfid);
	p9_put16(&c->out, 0);
	while (*path && (name = strsep(&rest, "/"))) {
		p9_put_string(&c->out, name);
		n++;
	}
	c->sent[P9_HEADER + 8] = (uint8_t)n;
	ret = p9_send(c);
	return ret ?: p9_get16(&c->in);
}

int p9_open_fid(struct p9_client *c, uint32_t fid, uint32_t flags)
{
	p9_ask(c, P9_LOPEN);
	p9_put32(&c->out, fid);
	p9_put32(&c->out, flags);
	return p9_send(c);
}

int p9_drop(struct p9_client *c, uint32_t fid)
{
	p9_ask(c, P9_CLUNK);
	p9_put32(&c->out, fid);
	return p9_send(c);
}
