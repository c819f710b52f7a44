/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind --vsock, and what a peer of its socket says first. Pure. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "vsock.h"

/* Hypervisor, local and host have the first three; the last is "any" (5.10.4, vm_sockets.h). */
#define CID_FIRST 3
#define CID_LAST  (UINT32_MAX - 1)

static int set_cid(const char *text, const char *value, struct vsock_options *opt,
		   struct error *err)
{
	uint64_t cid;

	if (parse_u64(value, &cid) || cid < CID_FIRST || cid > CID_LAST)
		return fail(err, EINVAL, "--vsock %s: '%s' is no guest's CID; use 3 or more", text,
			    value);
	opt->cid = (uint32_t)cid;
	return 0;
}

static int set_uds(const char *text, const char *value, struct vsock_options *opt,
		   struct error *err)
{
	size_t len = strlen(value);

	if (!len)
		return fail(err, EINVAL, "--vsock %s: uds= needs a path", text);
	if (len >= sizeof(opt->uds))
		return fail(err, ENAMETOOLONG,
			    "--vsock %s: the path is too long for a socket's name; use one of at "
			    "most %zu bytes",
			    text, sizeof(opt->uds) - 1);
	memcpy(opt->uds, value, len + 1);
	return 0;
}

int virtio_parse_vsock(const char *text, struct vsock_options *opt, struct error *err)
{
	const char *begin = strncmp(text, "cid=", 4) ? text : text + 4;
	/* The path is the last word and may have commas. */
	const char *uds = strstr(begin, ",uds=");
	size_t len = uds ? (size_t)(uds - begin) : strlen(begin);
	char cid[32];
	int ret;

	*opt = (struct vsock_options){0};
	if (!len || len >= sizeof(cid) || memchr(begin, ',', len))
		return fail(err, EINVAL, "--vsock %s: it is %s", text, VSOCK_SYNTAX);
	memcpy(cid, begin, len);
	cid[len] = 0;
	ret = set_cid(text, cid, opt, err);
	if (!ret && uds)
		ret = set_uds(text, uds + strlen(",uds="), opt, err);
	return ret;
}

int vsock_parse_connect(const char *line, size_t n, uint32_t *port)
{
	static const char word[] = "CONNECT";
	size_t i = sizeof(word) - 1;
	uint64_t value = 0;

	if (n <= i || strncasecmp(line, word, i) || !isblank((unsigned char)line[i]))
		return -EINVAL;
	while (i < n && isblank((unsigned char)line[i]))
		i++;
	if (i == n || !isdigit((unsigned char)line[i]))
		return -EINVAL;
	for (; i < n && isdigit((unsigned char)line[i]); i++) {
		value = value * 10 + (uint64_t)(line[i] - '0');
		if (value > UINT32_MAX)
			return -ERANGE;
	}
	while (i < n && isspace((unsigned char)line[i]))
		i++;
	*port = (uint32_t)value;
	return i == n ? 0 : -EINVAL;
}
