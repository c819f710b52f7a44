/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind --9p and --pmem: paths of the host, which may have commas in them. */
#include <errno.h>
#include <string.h>

#include "virtio.h"

/* Is it read-only? If so, *len is without that word. */
static bool take_readonly(const char *text, size_t *len)
{
	if (*len < 3 || memcmp(text + *len - 3, ",ro", 3))
		return false;
	*len -= 3;
	return true;
}

static int copy_path(char *path, size_t room, const char *text, size_t len)
{
	if (len >= room)
		return -ENAMETOOLONG;
	memcpy(path, text, len);
	path[len] = 0;
	return 0;
}

static int set_tag(struct virtio_options *v, const char *text, const char *tag, size_t len,
		   struct error *err)
{
	struct p9_options *opt = &v->p9[v->n_p9];
	unsigned i;

	if (copy_path(opt->tag, sizeof(opt->tag), tag, len))
		return fail(err, ENAMETOOLONG, "--9p %s: a tag has at most %zu letters", text,
			    sizeof(opt->tag) - 1);
	for (i = 0; i < v->n_p9; i++)
		if (!strcmp(v->p9[i].tag, opt->tag))
			return fail(err, EINVAL,
				    "--9p %s: there is a folder with the tag %s already", text,
				    opt->tag);
	return 0;
}

int virtio_parse_9p(const char *text, struct virtio_options *v, struct error *err)
{
	struct p9_options *opt = &v->p9[v->n_p9];
	size_t len = strlen(text);
	const char *comma, *end;
	int ret;

	if (v->n_p9 == VIRTIO_9P_MAX)
		return fail(err, E2BIG, "--9p %s: at most %d folders", text, VIRTIO_9P_MAX);
	opt->readonly = take_readonly(text, &len);
	end = text + len;
	comma = memrchr(text, ',', len);
	if (!comma || comma == text || comma + 1 == end)
		return fail(err, EINVAL, "--9p %s: it is %s", text, P9_SYNTAX);
	if (copy_path(opt->path, sizeof(opt->path), text, (size_t)(comma - text)))
		return fail(err, ENAMETOOLONG, "--9p %s: the path is too long", text);
	ret = set_tag(v, text, comma + 1, (size_t)(end - comma) - 1, err);
	v->n_p9 += !ret;
	return ret;
}

int virtio_parse_pmem(const char *text, struct virtio_options *v, struct error *err)
{
	struct pmem_options *opt = &v->pmem[v->n_pmem];
	size_t len = strlen(text);

	if (v->n_pmem == VIRTIO_PMEM_MAX)
		return fail(err, E2BIG, "--pmem %s: at most %d files", text, VIRTIO_PMEM_MAX);
	opt->readonly = take_readonly(text, &len);
	if (!len)
		return fail(err, EINVAL, "--pmem %s: it is %s", text, PMEM_SYNTAX);
	if (copy_path(opt->path, sizeof(opt->path), text, len))
		return fail(err, ENAMETOOLONG, "--pmem %s: the path is too long", text);
	v->n_pmem++;
	return 0;
}
