/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Reading and writing 9P2000.L messages, with bounds. */
#include <errno.h>
#include <string.h>

#include "9p_codec.h"

/* The next n bytes, or NULL: from then on the message is bad. */
static const uint8_t *take(struct p9_in *in, size_t n)
{
	const uint8_t *p = in->data + in->at;

	if (in->bad || n > in->len - in->at) {
		in->bad = true;
		return NULL;
	}
	in->at += n;
	return p;
}

static uint64_t get(struct p9_in *in, unsigned n)
{
	const uint8_t *p = take(in, n);
	uint64_t value = 0;

	while (p && n--)
		value = value << 8 | p[n];
	return value;
}

uint8_t p9_get8(struct p9_in *in)
{
	return (uint8_t)get(in, 1);
}

uint16_t p9_get16(struct p9_in *in)
{
	return (uint16_t)get(in, 2);
}

uint32_t p9_get32(struct p9_in *in)
{
	return (uint32_t)get(in, 4);
}

uint64_t p9_get64(struct p9_in *in)
{
	return get(in, 8);
}

void p9_get_string(struct p9_in *in, char *buf, size_t size)
{
	size_t n = p9_get16(in);
	const uint8_t *p = take(in, n);

	if (p && (n >= size || memchr(p, 0, n)))
		in->bad = true;
	if (in->bad)
		n = 0;
	if (n)
		memcpy(buf, p, n);
	buf[n] = 0;
}

/* Room for n bytes, or NULL: from then on the message is full. */
static uint8_t *give(struct p9_out *out, size_t n)
{
	uint8_t *p = out->data + out->len;

	if (out->full || n > out->room - out->len) {
		out->full = true;
		return NULL;
	}
	out->len += n;
	return p;
}

static void store(uint8_t *p, uint64_t value, unsigned n)
{
	for (; p && n; n--, value >>= 8)
		*p++ = (uint8_t)value;
}

void p9_put8(struct p9_out *out, uint8_t value)
{
	store(give(out, 1), value, 1);
}

void p9_put16(struct p9_out *out, uint16_t value)
{
	store(give(out, 2), value, 2);
}

void p9_put32(struct p9_out *out, uint32_t value)
{
	store(give(out, 4), value, 4);
}

void p9_put64(struct p9_out *out, uint64_t value)
{
	store(give(out, 8), value, 8);
}

void p9_put_string(struct p9_out *out, const char *text)
{
	size_t n = strlen(text);
	uint8_t *p = n <= UINT16_MAX ? give(out, 2 + n) : NULL;

	if (!p) {
		out->full = true;
		return;
	}
	store(p, n, 2);
	memcpy(p + 2, text, n);
}

void p9_put_qid(struct p9_out *out, const struct p9_qid *qid)
{
	p9_put8(out, qid->type);
	p9_put32(out, qid->version);
	p9_put64(out, qid->path);
}

void p9_set32(struct p9_out *out, size_t at, uint32_t value)
{
	if (at <= out->len && out->len - at >= 4)
		store(out->data + at, value, 4);
}

int p9_check_name(const char *name)
{
	if (!*name)
		return -ENOENT;
	if (strchr(name, '/'))
		return -EINVAL;
	return !strcmp(name, ".") || !strcmp(name, "..") ? -EINVAL : 0;
}
