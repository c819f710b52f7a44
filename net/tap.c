/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Taps (linux/if_tun.h): one of a given name, or one that is made and goes with the last file that
 * has it open. Whoever made it before, root for a user, says how it is connected; one that we make
 * is switched on, or given to the user's script.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>

#include "inner.h"

#define TUN_PATH "/dev/net/tun"

/* What the kernel has of a name: nothing, another interface, or a tap with IFF_* of <if_tun.h>. */
enum name_kind {
	NAME_FREE,
	NAME_OTHER,
	NAME_TAP,
};

static enum name_kind look_up(const char *ifname, uint64_t *flags)
{
	char path[64], text[32];

	*flags = 0;
	if (!*ifname || !if_nametoindex(ifname))
		return NAME_FREE;
	snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", ifname);
	if (read_file(path, text, sizeof(text)) < 0)
		return NAME_OTHER;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, flags) || !(*flags & IFF_TAP) ? NAME_OTHER : NAME_TAP;
}

static int refuse(const struct net_options *opt, enum name_kind kind, int code, struct error *err)
{
	const char *name = *opt->ifname ? opt->ifname : "tap";
	const char *several = opt->pairs > 1 ? " multi_queue" : "";

	if ((code == EPERM || code == EACCES) && kind == NAME_FREE)
		return fail(
			err, code,
			"%s: there is no such tap, and no right to make one; have root make it: "
			"ip tuntap add dev %s mode tap user %u%s",
			name, *opt->ifname ? opt->ifname : "NAME", (unsigned)geteuid(), several);
	if (code == EPERM || code == EACCES)
		return fail(err, code,
			    "%s: the tap belongs to another user; have root make one for this: ip "
			    "tuntap add dev NAME mode tap user %u%s",
			    name, (unsigned)geteuid(), several);
	if (code == EBUSY)
		return fail(err, code,
			    "%s: another process has this tap; give each machine its own", name);
	return fail(err, code, "%s: tap: %s", name, strerror(code));
}

static int open_tun(const struct net_options *opt, struct error *err)
{
	int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return fail(err, errno, "%s: %s isn't there; load it with: modprobe tun",
			    *opt->ifname ? opt->ifname : "tap", TUN_PATH);
	if (errno == EACCES || errno == EPERM)
		return fail(err, errno, "%s: no right to open %s; let all users: chmod 0666 %s",
			    *opt->ifname ? opt->ifname : "tap", TUN_PATH, TUN_PATH);
	return fail(err, errno, "%s: %s", TUN_PATH, strerror(errno));
}

/* One more queue of the tap; with the first the kernel says its name. */
static int add_queue(struct net_backend *b, const struct net_options *opt, enum name_kind kind,
		     short flags, struct error *err)
{
	const char *wanted = *opt->ifname ? opt->ifname : "tap%d";
	struct ifreq req = {.ifr_flags = flags};
	int fd = open_tun(opt, err), code;

	if (fd < 0)
		return fd;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%.15s", b->n ? b->name : wanted);
	if (ioctl(fd, TUNSETIFF, &req)) {
		code = errno;
		close(fd);
		return refuse(opt, kind, code, err);
	}
	snprintf(b->name, sizeof(b->name), "%.15s", req.ifr_name);
	b->fds[b->n++] = fd;
	return 0;
}

static int attach(struct net_backend *b, const struct net_options *opt, enum name_kind kind,
		  uint64_t has, struct error *err)
{
	short flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	int ret = 0;

	if (kind == NAME_OTHER)
		return fail(err, EINVAL,
			    "%s: that interface is no tap; give the name of a tap, or none",
			    opt->ifname);
	if (opt->pairs > 1 && kind == NAME_TAP && !(has & IFF_MULTI_QUEUE))
		return fail(
			err, EINVAL,
			"%s: this tap has one queue; have it made with more: ip tuntap add dev %s "
			"mode tap multi_queue",
			opt->ifname, opt->ifname);
	if (opt->pairs > 1 || (has & IFF_MULTI_QUEUE))
		flags |= IFF_MULTI_QUEUE;
	while (b->n < opt->pairs && !ret)
		ret = add_queue(b, opt, kind, flags, err);
	return ret;
}

/* About an interface by its name, with any socket. */
static int ask(unsigned long what, struct ifreq *req)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, what, req) ? -errno : 0;
	close(fd);
	return ret;
}

static int switch_on(const struct net_backend *b, struct error *err)
{
	struct ifreq req = {0};
	int ret;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%.15s", b->name);
	ret = ask(SIOCGIFFLAGS, &req);
	req.ifr_flags |= IFF_UP;
	if (!ret)
		ret = ask(SIOCSIFFLAGS, &req);
	return ret ? fail(err, -ret, "%s: can't be switched on: %s", b->name, strerror(-ret)) : 0;
}

/* A guest that is told 1500 could not go above, when the tap does later. */
static uint16_t mtu_of(const struct net_backend *b)
{
	struct ifreq req = {0};

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%.15s", b->name);
	if (ask(SIOCGIFMTU, &req) || req.ifr_mtu == 1500 || req.ifr_mtu < 68 ||
	    req.ifr_mtu > UINT16_MAX)
		return 0;
	return (uint16_t)req.ifr_mtu;
}

int net_open_tap(struct net_backend *b, const struct net_options *opt, struct error *err)
{
	uint64_t has;
	enum name_kind kind = look_up(opt->ifname, &has);
	int ret = attach(b, opt, kind, has, err);

	if (!ret && *opt->script)
		ret = net_run_script(opt->script, b->name, err);
	else if (!ret && kind == NAME_FREE)
		ret = switch_on(b, err);
	if (!ret)
		b->mtu = mtu_of(b);
	return ret;
}
