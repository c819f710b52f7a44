/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind -n; and the address of a card that was given none. Pure. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "net.h"

/* The value behind a name in our spelling, or in lkvm's. */
static const char *after_either(const char *word, const char *ours, const char *lkvms)
{
	const char *value = parse_after(word, ours);

	return value ?: parse_after(word, lkvms);
}

static int copy_text(char *to, size_t room, const char *text)
{
	size_t len = strlen(text);

	if (!len || len >= room)
		return -EINVAL;
	memcpy(to, text, len + 1);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "02:12:34:56:78:9a"; not a group's address, nor all zeros: no card can have those. */
static int parse_mac(const char *text, uint8_t mac[NET_MAC])
{
	unsigned i, any = 0;
	int high, low;

	for (i = 0; i < NET_MAC; i++, text += 3) {
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0 || text[2] != (i + 1 < NET_MAC ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
		any |= mac[i];
	}
	return (mac[0] & 1) || !any ? -EINVAL : 0;
}

static int parse_vhost(const char *text, enum net_vhost *vhost)
{
	static const char *const words[] = {"auto", "on", "1", "off", "0"};
	static const enum net_vhost meanings[] = {NET_VHOST_AUTO, NET_VHOST_ON, NET_VHOST_ON,
						  NET_VHOST_OFF, NET_VHOST_OFF};
	int which = parse_one_of(text, words, ARRAY_SIZE(words));

	if (which < 0)
		return which;
	*vhost = meanings[which];
	return 0;
}

/* "5", "5:6:7" */
static int parse_fds(const char *text, struct net_options *opt)
{
	char copy[64], *rest = copy, *word;
	uint64_t fd;

	opt->pairs = 0;
	if (copy_text(copy, sizeof(copy), text))
		return -EINVAL;
	while ((word = strsep(&rest, ":"))) {
		if (opt->pairs == NET_PAIRS_MAX || parse_u64(word, &fd) || fd > INT_MAX)
			return -EINVAL;
		opt->fds[opt->pairs++] = (int)fd;
	}
	return 0;
}

static int parse_mode(const char *word, struct net_options *opt, struct error *err)
{
	const char *mode = parse_after(word, "mode="), *fds = parse_after(word, "fd=");

	if (!mode)
		mode = word;
	if (fds) {
		opt->mode = NET_FD;
		if (parse_fds(fds, opt))
			return fail(err, EINVAL, "-n %s: no numbers of open files, at most %d",
				    word, NET_PAIRS_MAX);
	} else if (!strcmp(mode, "tap")) {
		opt->mode = NET_TAP;
	} else if (!strcmp(mode, "none")) {
		opt->mode = NET_NONE;
	} else if (!strcmp(mode, "user")) {
		return fail(err, EINVAL, "-n user: there is no network stack in here; use a tap");
	} else {
		return fail(err, EINVAL, "-n %s: it is %s", word, NET_SYNTAX);
	}
	return 0;
}

static int parse_pairs(const char *text, unsigned *pairs)
{
	uint64_t n;

	if (parse_u64(text, &n) || !n || n > NET_PAIRS_MAX)
		return -EINVAL;
	*pairs = (unsigned)n;
	return 0;
}

/* A word that only a tap can have. 1: it is none of these. */
static int parse_tap_word(const char *word, struct net_options *opt)
{
	const char *value;

	if (opt->mode != NET_TAP)
		return 1;
	if ((value = after_either(word, "ifname=", "tapif=")))
		return copy_text(opt->ifname, sizeof(opt->ifname), value);
	if ((value = parse_after(word, "script=")))
		return copy_text(opt->script, sizeof(opt->script), value);
	if ((value = after_either(word, "queues=", "mq=")))
		return parse_pairs(value, &opt->pairs);
	return 1;
}

static int parse_word(const char *word, struct net_options *opt)
{
	const char *value;
	int ret = parse_tap_word(word, opt);

	if (ret <= 0)
		return ret;
	if (opt->mode == NET_NONE)
		return 1;
	if ((value = after_either(word, "mac=", "guest_mac="))) {
		opt->has_mac = true;
		return parse_mac(value, opt->mac);
	}
	if ((value = parse_after(word, "vhost=")))
		return parse_vhost(value, &opt->vhost);
	return 1;
}

int net_parse(const char *text, struct net_options *opt, struct error *err)
{
	char copy[2 * NET_PATH], *rest = copy, *word;
	int ret;

	*opt = (struct net_options){.pairs = 1};
	if (copy_text(copy, sizeof(copy), text))
		return fail(err, EINVAL, "-n %s: it is %s", text, NET_SYNTAX);
	ret = parse_mode(strsep(&rest, ","), opt, err);
	if (ret)
		return ret;
	while ((word = strsep(&rest, ","))) {
		ret = parse_word(word, opt);
		if (ret)
			return fail(err, EINVAL, "-n %s: %s '%s'; it is %s", text,
				    ret > 0 ? "what is" : "what is wrong is", word, NET_SYNTAX);
	}
	return 0;
}

/* FNV-1a, 64 bits; the NUL is part of it, so that two texts in a row are not one. */
static uint64_t mix(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
	} while (*text++);
	return hash;
}

void net_default_mac(uint8_t mac[NET_MAC], const char *host_id, const char *machine, unsigned index)
{
	uint64_t hash = mix(mix(0xcbf29ce484222325, host_id), machine);
	unsigned i;

	/* The low bits of this hash are its best: cards differ in the last byte. */
	hash ^= hash >> 40;
	mac[0] = 0x02; /* locally administered, one card's (IEEE 802, 8.4) */
	for (i = 1; i < NET_MAC; i++)
		mac[i] = (uint8_t)(hash >> (8 * (NET_MAC - 1 - i)));
	mac[NET_MAC - 1] = (uint8_t)(mac[NET_MAC - 1] + index);
}
