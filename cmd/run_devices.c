/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The options of virtio devices: each adds one, or says what kind of one there is. Pure. */
#include <errno.h>
#include <string.h>

#include "run_options.h"

/* Of two queues with one file each would get some of the frames. */
static bool has_file(const struct net_options *opt, unsigned n, int fd)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (opt->mode == NET_FD && opt->fds[i] == fd)
			return true;
	return false;
}

static int check_files(const struct virtio_options *v, const struct net_options *opt,
		       struct error *err)
{
	unsigned i, card;
	bool twice;

	for (i = 0; opt->mode == NET_FD && i < opt->pairs; i++) {
		twice = has_file(opt, i, opt->fds[i]);
		for (card = 0; card < v->n_net; card++)
			twice |= has_file(&v->net[card], v->net[card].pairs, opt->fds[i]);
		if (twice)
			return fail(err, EINVAL, "-n: file %d is given twice; give each once",
				    opt->fds[i]);
	}
	return 0;
}

static int add_net(const char *text, struct virtio_options *v, struct error *err)
{
	struct net_options opt;
	int ret = net_parse(text, &opt, err);

	if (ret || opt.mode == NET_NONE)
		return ret;
	if (v->n_net == VIRTIO_NETS_MAX)
		return fail(err, E2BIG, "-n %s: at most %d cards", text, VIRTIO_NETS_MAX);
	ret = check_files(v, &opt, err);
	if (!ret)
		v->net[v->n_net++] = opt;
	return ret;
}

static int add_disk(char *text, struct virtio_options *opt, struct error *err)
{
	int ret;

	if (opt->n_disks == VIRTIO_DISKS_MAX)
		return fail(err, E2BIG, "-d %s: at most %d disks", text, VIRTIO_DISKS_MAX);
	ret = virtio_parse_disk(text, &opt->disks[opt->n_disks], err);
	opt->n_disks += !ret;
	return ret;
}

static int add_vhost_user(const char *text, struct virtio_options *v, struct error *err)
{
	struct vhost_user_options *opt = &v->vhost_user[v->n_vhost_user];
	unsigned i;
	int ret;

	if (v->n_vhost_user == VHOST_USER_MAX)
		return fail(err, E2BIG, "--vhost-user %s: at most %d devices", text,
			    VHOST_USER_MAX);
	ret = virtio_parse_vhost_user(text, opt, err);
	for (i = 0; i < v->n_vhost_user && !ret; i++)
		if (!strcmp(v->vhost_user[i].socket, opt->socket))
			return fail(err, EINVAL,
				    "--vhost-user %s: there is a device at this socket already",
				    text);
	v->n_vhost_user += !ret;
	return ret;
}

static int set_console(const char *value, bool *virtio, struct error *err)
{
	*virtio = !strcmp(value, "virtio");
	if (*virtio || !strcmp(value, "serial") || !strcmp(value, arch_console))
		return 0;
	return fail(err, EINVAL, "--console %s: this machine has: %s, virtio", value, arch_console);
}

int run_set_device(int opt, char *value, struct virtio_options *v, struct error *err)
{
	switch (opt) {
	case 'd':
		return add_disk(value, v, err);
	case 'n':
		return add_net(value, v, err);
	case OPT_PMEM:
		return virtio_parse_pmem(value, v, err);
	case OPT_9P:
		return virtio_parse_9p(value, v, err);
	case OPT_VSOCK:
		return virtio_parse_vsock(value, &v->vsock, err);
	case OPT_VHOST_USER:
		return add_vhost_user(value, v, err);
	case OPT_CONSOLE:
		return set_console(value, &v->console, err);
	case OPT_BALLOON:
		v->balloon = true;
		return 0;
	default:
		v->rng = true;
		return 0;
	}
}
