/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind --vhost-user. Pure. */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <string.h>

#include "vhost_user.h"

/* Not empty, and all of it, or nothing. */
static int copy_text(char *to, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (!len || len >= size)
		return -EINVAL;
	memcpy(to, text, len + 1);
	return 0;
}

static int copy_number(unsigned *to, const char *text, unsigned max)
{
	uint64_t n;

	if (parse_u64(text, &n) || !n || n > max)
		return -EINVAL;
	*to = (unsigned)n;
	return 0;
}

static int copy_mac(struct vhost_user_options *opt, const char *text)
{
	uint8_t *m = opt->mac;
	char end;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &m[0], &m[1], &m[2], &m[3], &m[4],
		   &m[5], &end) != 6)
		return -EINVAL;
	opt->has_mac = true;
	/* The lowest bit is a group's: no card has it. */
	return m[0] & 1 ? -EINVAL : 0;
}

static int parse_word(const char *word, struct vhost_user_options *opt)
{
	const struct vhost_user_type *type = opt->type;
	const char *value;

	if ((value = parse_after(word, "socket=")))
		return copy_text(opt->socket, sizeof(opt->socket), value);
	if ((value = parse_after(word, "queues=")) && !type->queues)
		return copy_number(&opt->queues, value, VHOST_USER_QUEUES_MAX - type->before);
	if ((value = parse_after(word, "tag=")) && type->id == VIRTIO_ID_FS)
		return copy_text(opt->tag, sizeof(opt->tag), value);
	if ((value = parse_after(word, "mac=")) && type->id == VIRTIO_ID_NET)
		return copy_mac(opt, value);
	if ((value = parse_after(word, "config-size=")) && type == &vhost_user_generic)
		return copy_number(&opt->config_size, value, VHOST_USER_CONFIG);
	return -EINVAL;
}

/* PCI has device IDs for 0 to 63 (4.1.2). */
static int parse_type(const char *word, struct vhost_user_options *opt)
{
	opt->type = vhost_user_find_type(word);
	if (opt->type) {
		opt->id = opt->type->id;
		return 0;
	}
	opt->type = &vhost_user_generic;
	return copy_number(&opt->id, word, 63);
}

int virtio_parse_vhost_user(const char *text, struct vhost_user_options *opt, struct error *err)
{
	char copy[512], *rest = copy, *word;

	*opt = (struct vhost_user_options){0};
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return fail(err, EINVAL, "--vhost-user %.40s…: too long; it is %s", text,
			    VHOST_USER_SYNTAX);
	word = strsep(&rest, ",");
	if (parse_type(word, opt))
		return fail(err, EINVAL, "--vhost-user %s: there is no device '%s'; it is %s", text,
			    word, VHOST_USER_SYNTAX);
	while ((word = strsep(&rest, ",")))
		if (parse_word(word, opt))
			return fail(err, EINVAL,
				    "--vhost-user %s: '%s' is nothing that a device '%s' can have; "
				    "it is %s",
				    text, word, opt->type->name, VHOST_USER_SYNTAX);
	if (!opt->socket[0])
		return fail(err, EINVAL,
			    "--vhost-user %s: where is the back end? Give it socket=PATH", text);
	return 0;
}
