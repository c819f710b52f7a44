/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind --9p. */
#include <errno.h>
#include <string.h>

#include "virtio.h"

static int add(struct virtio_options *v, const char *text, size_t path_len, const char *tag,
	       size_t tag_len, struct error *err)
{
	struct p9_options *opt = &v->p9[v->n_p9];
	unsigned i;

	if (!path_len || !tag_len)
		return fail(err, EINVAL, "--9p %s: it is %s", text, P9_SYNTAX);
	if (path_len >= sizeof(opt->path))
		return fail(err, ENAMETOOLONG, "--9p %s: the path is too long", text);
	if (tag_len >= sizeof(opt->tag))
		return fail(err, ENAMETOOLONG, "--9p %s: a tag has at most %zu letters", text,
			    sizeof(opt->tag) - 1);
	snprintf(opt->path, sizeof(opt->path), "%.*s", (int)path_len, text);
	snprintf(opt->tag, sizeof(opt->tag), "%.*s", (int)tag_len, tag);
	for (i = 0; i < v->n_p9; i++)
		if (!strcmp(v->p9[i].tag, opt->tag))
			return fail(err, EINVAL,
				    "--9p %s: there is a folder with the tag %s already", text,
				    opt->tag);
	v->n_p9++;
	return 0;
}

/* From its end: a path may have commas, a tag can't. */
int virtio_9p_parse(const char *text, struct virtio_options *v, struct error *err)
{
	size_t len = strlen(text);
	const char *comma;

	if (v->n_p9 == VIRTIO_9P_MAX)
		return fail(err, E2BIG, "--9p %s: at most %d folders", text, VIRTIO_9P_MAX);
	v->p9[v->n_p9].readonly = len > 3 && !strcmp(text + len - 3, ",ro");
	if (v->p9[v->n_p9].readonly)
		len -= 3;
	comma = memrchr(text, ',', len);
	if (!comma)
		return fail(err, EINVAL, "--9p %s: it is %s", text, P9_SYNTAX);
	return add(v, text, (size_t)(comma - text), comma + 1, len - (size_t)(comma - text) - 1,
		   err);
}
