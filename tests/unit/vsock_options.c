/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: --vsock, and the line that a peer of its socket begins with. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../../virtio/vsock.h"

static struct vsock_options opt;
static struct error err;

static void refuses(const char *text, const char *why)
{
	cr_assert_lt(virtio_parse_vsock(text, &opt, &err), 0, "%s", text);
	cr_assert(strstr(err.text, why), "'%s' has no '%s'", err.text, why);
}

Test(vsock_options, the_kernels)
{
	cr_assert_eq(virtio_parse_vsock("3", &opt, &err), 0);
	cr_assert_eq(opt.cid, 3);
	cr_assert_str_empty(opt.uds);
	cr_assert_eq(virtio_parse_vsock("cid=4294967294", &opt, &err), 0);
	cr_assert_eq(opt.cid, 0xfffffffe);
}

Test(vsock_options, unix_sockets)
{
	cr_assert_eq(virtio_parse_vsock("cid=42,uds=/run/guest,1.sock", &opt, &err), 0);
	cr_assert_eq(opt.cid, 42);
	cr_assert_str_eq(opt.uds, "/run/guest,1.sock");
}

Test(vsock_options, cids_that_are_taken)
{
	refuses("0", "3 or more");
	refuses("2", "3 or more");
	refuses("cid=1,uds=x", "3 or more");
	refuses("4294967295", "3 or more");
	refuses("4294967299", "'4294967299'");
	refuses("three", "'three'");
}

Test(vsock_options, nonsense)
{
	refuses("", VSOCK_SYNTAX);
	refuses("cid=", VSOCK_SYNTAX);
	refuses("uds=/x", "'uds=/x'");
	refuses("cid=3,usd=/x", VSOCK_SYNTAX);
	refuses("cid=3,", VSOCK_SYNTAX);
	refuses("cid=3,uds=", "needs a path");
	refuses("00000000000000000000000000000000000000000000000000000000003", VSOCK_SYNTAX);
}

Test(vsock_options, a_path_leaves_room_for_a_port)
{
	char text[128] = "cid=3,uds=";
	size_t begin = strlen(text);

	memset(text + begin, 'x', 96);
	cr_assert_eq(virtio_parse_vsock(text, &opt, &err), 0, "%s", err.text);
	text[begin + 96] = 'x';
	refuses(text, "at most 96 bytes");
}

static int64_t parse_line(const char *line)
{
	uint32_t port;
	int ret = vsock_parse_connect(line, strlen(line), &port);

	return ret ?: (int64_t)port;
}

Test(vsock_options, what_peers_say)
{
	cr_expect_eq(parse_line("CONNECT 52"), 52);
	cr_expect_eq(parse_line("connect 52"), 52);
	cr_expect_eq(parse_line("CONNECT 0"), 0);
	cr_expect_eq(parse_line("CONNECT 4294967295"), UINT32_MAX);
	cr_expect_eq(parse_line("CONNECT \t 7 \r"), 7);
	cr_expect_eq(parse_line("CONNECT 4294967296"), -ERANGE);
	cr_expect_eq(parse_line("CONNECT 99999999999999999999999"), -ERANGE);
	cr_expect_eq(parse_line(""), -EINVAL);
	cr_expect_eq(parse_line("CONNECT"), -EINVAL);
	cr_expect_eq(parse_line("CONNECT "), -EINVAL);
	cr_expect_eq(parse_line("CONNECT52"), -EINVAL);
	cr_expect_eq(parse_line("CONNECT -1"), -EINVAL);
	cr_expect_eq(parse_line("CONNECT 0x10"), -EINVAL);
	cr_expect_eq(parse_line("CONNECT 5 2"), -EINVAL);
	cr_expect_eq(parse_line("LISTEN 52"), -EINVAL);
}

/* There is no NUL at the end of what came from a socket. */
Test(vsock_options, a_line_is_as_long_as_it_is)
{
	char *line = malloc(9);
	uint32_t port;

	memcpy(line, "CONNECT 5", 9);
	cr_expect_eq(vsock_parse_connect(line, 9, &port), 0);
	cr_expect_eq(port, 5);
	cr_expect_eq(vsock_parse_connect(line, 8, &port), -EINVAL);
	cr_expect_eq(vsock_parse_connect(line, 7, &port), -EINVAL);
	cr_expect_eq(vsock_parse_connect("CONNECT \0005", 10, &port), -EINVAL);
	free(line);
}
