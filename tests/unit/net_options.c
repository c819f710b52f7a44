/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* net: what is behind -n, the address of a card that was given none, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../net/inner.h"
#include "folder.h"

static struct net_options opt;
static struct error err;

static void refuses(const char *text, const char *why)
{
	cr_expect_lt(net_parse(text, &opt, &err), 0, "%s", text);
	cr_expect(strstr(err.text, why), "'%s' has no '%s'", err.text, why);
}

Test(net_options, ours)
{
	static const uint8_t mac[] = {0x52, 0x54, 0, 0xab, 0xcd, 0xef};

	cr_assert_eq(net_parse("tap", &opt, &err), 0);
	cr_expect_eq(opt.mode, NET_TAP);
	cr_expect_str_empty(opt.ifname);
	cr_expect_eq(opt.pairs, 1);
	cr_expect_eq(opt.vhost, NET_VHOST_AUTO);
	cr_expect_not(opt.has_mac);
	cr_assert_eq(net_parse("tap,ifname=vm0,script=/etc/up,queues=4,mac=52:54:00:AB:cd:ef,"
			       "vhost=off",
			       &opt, &err),
		     0);
	cr_expect_str_eq(opt.ifname, "vm0");
	cr_expect_str_eq(opt.script, "/etc/up");
	cr_expect_eq(opt.pairs, 4);
	cr_expect(opt.has_mac);
	cr_expect_arr_eq(opt.mac, mac, NET_MAC);
	cr_expect_eq(opt.vhost, NET_VHOST_OFF);
	cr_assert_eq(net_parse("fd=7:9,vhost=on", &opt, &err), 0);
	cr_expect_eq(opt.mode, NET_FD);
	cr_expect_eq(opt.pairs, 2);
	cr_expect_eq(opt.fds[1], 9);
	cr_expect_eq(opt.vhost, NET_VHOST_ON);
	cr_assert_eq(net_parse("none", &opt, &err), 0);
	cr_expect_eq(opt.mode, NET_NONE);
}

Test(net_options, lkvms)
{
	cr_assert_eq(net_parse("mode=tap,tapif=tap3,guest_mac=02:00:00:00:00:07,vhost=1,mq=2", &opt,
			       &err),
		     0);
	cr_expect_eq(opt.mode, NET_TAP);
	cr_expect_str_eq(opt.ifname, "tap3");
	cr_expect_eq(opt.mac[5], 7);
	cr_expect_eq(opt.vhost, NET_VHOST_ON);
	cr_expect_eq(opt.pairs, 2);
	cr_assert_eq(net_parse("mode=none", &opt, &err), 0);
	cr_expect_eq(opt.mode, NET_NONE);
}

Test(net_options, nonsense_is_named)
{
	refuses("", NET_SYNTAX);
	refuses("bridge", NET_SYNTAX);
	refuses("mode=user", "use a tap");
	refuses("tap,frobnicate", "what is 'frobnicate'");
	refuses("tap,ifname=", "'ifname='");
	refuses("tap,ifname=sixteen-letters-x", "'ifname=sixteen-letters-x'");
	refuses("tap,queues=0", "'queues=0'");
	refuses("tap,queues=9", "'queues=9'");
	refuses("tap,queues=two", "'queues=two'");
	refuses("tap,vhost=maybe", "'vhost=maybe'");
	refuses("tap,mac=52:54:00:ab:cd", "'mac=52:54:00:ab:cd'");
	refuses("tap,mac=52:54:00:ab:cd:ef:01", "mac=");
	refuses("tap,mac=52:54:00:ab:cd:eg", "mac=");
	refuses("tap,mac=01:54:00:ab:cd:ef", "mac=");
	refuses("tap,mac=00:00:00:00:00:00", "mac=");
	refuses("tap,mac=5", "mac=");
	refuses("fd=", "no numbers");
	refuses("fd=3:", "no numbers");
	refuses("fd=-1", "no numbers");
	refuses("fd=1:2:3:4:5:6:7:8:9", "at most 8");
	refuses("fd=99999999999", "no numbers");
	refuses("fd=3,ifname=tap0", "what is 'ifname=tap0'");
	refuses("none,mac=02:00:00:00:00:01", "what is 'mac=");
}

Test(net_options, an_address_that_lasts)
{
	uint8_t a[NET_MAC], b[NET_MAC];

	net_default_mac(a, "host", "web", 0);
	net_default_mac(b, "host", "web", 0);
	cr_expect_arr_eq(a, b, NET_MAC);
	cr_expect_eq(a[0], 2, "locally administered, and not a group's");
	net_default_mac(b, "host", "web", 1);
	cr_expect_arr_neq(a, b, NET_MAC);
	net_default_mac(b, "host", "db", 0);
	cr_expect_arr_neq(a, b, NET_MAC);
	net_default_mac(b, "other", "web", 0);
	cr_expect_arr_neq(a, b, NET_MAC);
	net_default_mac(a, "hostw", "eb", 0);
	cr_expect_arr_neq(a, b, NET_MAC);
}

/* ---- files of somebody else ------------------------------------------------------------------ */

static void refuses_fd(int fd, const char *why)
{
	struct net_options o = {.mode = NET_FD, .pairs = 1, .fds = {fd}};
	struct net_backend b;

	cr_expect_lt(net_open(&b, &o, &err), 0);
	cr_expect(strstr(err.text, why), "'%s' has no '%s'", err.text, why);
	cr_expect_eq(b.n, 0);
}

Test(net_fd, what_is_no_network_is_refused)
{
	int fds[2];

	refuses_fd(999, "fd 999: no such file is open");
	refuses_fd(open("/dev/null", O_RDWR), "neither a tap");
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	refuses_fd(fds[0], "nor a socket of datagrams");
}

/* As those of the other cards are. */
Test(net_fd, what_is_open_here_alone_is_not_the_callers)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	refuses_fd(fds[0], "no such file is open");
}

Test(net_fd, the_callers_file_stays_open)
{
	struct net_options o = {.mode = NET_FD, .pairs = 2};
	struct net_backend b;
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	o.fds[0] = fds[0];
	o.fds[1] = fds[1];
	cr_assert_eq(net_open(&b, &o, &err), 0, "%s", err.text);
	cr_expect_neq(b.fds[0], fds[0]);
	cr_expect_not(b.header);
	cr_expect_eq(b.offloads, 0);
	net_close(&b);
	cr_expect_neq(fcntl(fds[0], F_GETFD), -1);
}

/* ---- scripts --------------------------------------------------------------------------------- */

static char folder[FOLDER_PATH], script[FOLDER_PATH + 16];

static void write_script(const char *text)
{
	FILE *f;

	if (!*folder)
		folder_make(folder);
	snprintf(script, sizeof(script), "%s/up", folder);
	f = fopen(script, "w");
	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
	chmod(script, 0755);
}

static void run_refuses(const char *path, const char *why)
{
	cr_expect_lt(net_run_script(path, "tap7", &err), 0);
	cr_expect(strstr(err.text, why), "'%s' has no '%s'", err.text, why);
}

Test(net_script, it_has_the_name_and_what_it_says_counts)
{
	char said[32], out[FOLDER_PATH + 16];

	write_script("#!/bin/sh\necho \"$1 $#\" >\"${0%up}out\"\n");
	cr_assert_eq(net_run_script(script, "tap7; true", &err), 0, "%s", err.text);
	snprintf(out, sizeof(out), "%s/out", folder);
	cr_assert_geq(read_file(out, said, sizeof(said)), 0);
	cr_expect_str_eq(said, "tap7; true 1\n", "no shell has seen it");
	write_script("#!/bin/sh\nexit 3\n");
	run_refuses(script, "tap7: script");
	run_refuses(script, "ended with status 3");
	write_script("#!/bin/sh\nkill -9 $$\n");
	run_refuses(script, "ended with signal 9");
	run_refuses("/nonexistent/up", "No such file");
	folder_remove(folder);
}

/* We ignore what a write may raise, and may have been started by who ignores how children end. */
Test(net_script, no_signal_is_ignored)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	write_script("#!/bin/sh\nexit 0\n");
	cr_expect_eq(net_run_script(script, "tap7", &err), 0, "%s", err.text);
	write_script("#!/bin/sh\nkill -PIPE $$\n");
	run_refuses(script, "ended with signal 13");
	write_script("#!/bin/sh\nkill -XFSZ $$\n");
	run_refuses(script, "ended with signal 25");
	folder_remove(folder);
}

/* They are blocked where a machine starts, unless whoever started us has them ignored. */
static void block_stop_signals(void)
{
	sigset_t set;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

Test(net_script, who_asks_us_to_stop_asks_it, .timeout = 60)
{
	block_stop_signals();
	write_script("#!/bin/sh\nkill -TERM $PPID\nexec sleep 1000\n");
	run_refuses(script, "script");
	run_refuses(script, "stopped by signal 15 (Terminated)");
	folder_remove(folder);
}

Test(net_script, who_asks_twice_need_not_wait_for_it, .timeout = 60)
{
	block_stop_signals();
	write_script("#!/bin/sh\ntrap '' TERM INT\nkill -TERM $PPID\nkill -INT $PPID\nexec sleep "
		     "1000\n");
	run_refuses(script, "stopped by signal");
	folder_remove(folder);
}

/* And is no longer there afterwards. */
Test(net_script, a_request_to_stop_may_be_there_already, .timeout = 60)
{
	block_stop_signals();
	raise(SIGINT);
	write_script("#!/bin/sh\nexec sleep 1000\n");
	run_refuses(script, "stopped by signal 2 (Interrupt)");
	write_script("#!/bin/sh\nexit 0\n");
	cr_expect_eq(net_run_script(script, "tap7", &err), 0, "%s", err.text);
	folder_remove(folder);
}
