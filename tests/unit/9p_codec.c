/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What 9P messages are made of. */
#include "../../virtio/9p_codec.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct p9_in in_of(const void *data, size_t len)
{
	return (struct p9_in){.data = data, .len = len};
}

Test(p9_codec, numbers_are_little_endian)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	uint8_t back[sizeof(data)];
	struct p9_out out = {.data = back, .room = sizeof(back)};
	struct p9_in in = in_of(data, sizeof(data));

	cr_assert_eq(p9_get8(&in), 1);
	cr_assert_eq(p9_get16(&in), 0x0302);
	cr_assert_eq(p9_get32(&in), 0x07060504);
	cr_assert_eq(p9_get64(&in), 0x0f0e0d0c0b0a0908);
	cr_assert(!in.bad);
	p9_put8(&out, 1);
	p9_put16(&out, 0x0302);
	p9_put32(&out, 0x07060504);
	p9_put64(&out, 0x0f0e0d0c0b0a0908);
	cr_assert(!out.full);
	cr_assert_arr_eq(back, data, sizeof(data));
}

Test(p9_codec, what_is_beyond_the_end_is_bad_and_zero)
{
	static const uint8_t data[] = {1, 2, 3};
	struct p9_in in = in_of(data, sizeof(data));

	cr_assert_eq(p9_get32(&in), 0);
	cr_assert(in.bad);
	/* Also what would fit: a message that went wrong is not read on somewhere in its middle. */
	cr_assert_eq(p9_get8(&in), 0);
}

Test(p9_codec, strings)
{
	char buf[4] = "x";
	struct p9_in in = in_of("\3\0abc\0\0\4\0abcd", 13);

	p9_get_string(&in, buf, sizeof(buf));
	cr_assert_str_eq(buf, "abc");
	p9_get_string(&in, buf, sizeof(buf));
	cr_assert_str_eq(buf, "");
	cr_assert(!in.bad);
	/* It has no room for its NUL. */
	p9_get_string(&in, buf, sizeof(buf));
	cr_assert_str_eq(buf, "");
	cr_assert(in.bad);
}

Test(p9_codec, strings_that_lie)
{
	char buf[16] = "x";
	struct p9_in nul = in_of("\3\0a\0b", 5), long_one = in_of("\4\0abc", 5),
		     longest = in_of("\xff\xff"
				     "abc",
				     5),
		     half = in_of("\3", 1);

	p9_get_string(&nul, buf, sizeof(buf));
	cr_assert(nul.bad);
	cr_assert_str_eq(buf, "");
	p9_get_string(&long_one, buf, sizeof(buf));
	cr_assert(long_one.bad);
	p9_get_string(&longest, buf, sizeof(buf));
	cr_assert(longest.bad);
	p9_get_string(&half, buf, sizeof(buf));
	cr_assert(half.bad);
}

Test(p9_codec, a_full_message_takes_nothing_more)
{
	uint8_t data[8] = {0};
	struct p9_out out = {.data = data, .room = 7};

	p9_put32(&out, 1);
	p9_put32(&out, 0xffffffff);
	cr_assert(out.full);
	cr_assert_eq(out.len, 4);
	p9_put8(&out, 0xff);
	p9_put_string(&out, "");
	cr_assert_eq(out.len, 4);
	cr_assert_eq(data[4] | data[5] | data[6] | data[7], 0);
	p9_set32(&out, 1, 0xffffffff);
	cr_assert_eq(data[4], 0, "set where nothing is");
}

Test(p9_codec, a_string_has_room_or_is_not_begun)
{
	uint8_t data[8] = {0};
	struct p9_out out = {.data = data, .room = 4};

	p9_put_string(&out, "abc");
	cr_assert(out.full);
	cr_assert_eq(out.len, 0);
	out = (struct p9_out){.data = data, .room = 5};
	p9_put_string(&out, "abc");
	cr_assert_arr_eq(data, "\3\0abc", 5);
}

Test(p9_codec, a_qid)
{
	static const struct p9_qid qid = {P9_QID_DIR, 0x04030201, 0x0c0b0a0908070605};
	uint8_t data[13];
	struct p9_out out = {.data = data, .room = sizeof(data)};

	p9_put_qid(&out, &qid);
	cr_assert_arr_eq(data, "\x80\1\2\3\4\5\6\7\10\11\12\13\14", 13);
}

Test(p9_codec, names)
{
	cr_assert_eq(p9_check_name("a"), 0);
	cr_assert_eq(p9_check_name("..."), 0);
	cr_assert_eq(p9_check_name(".a"), 0);
	cr_assert_eq(p9_check_name("a b\n\xff"), 0);
	cr_assert_eq(p9_check_name(""), -ENOENT);
	cr_assert_eq(p9_check_name("."), -EINVAL);
	cr_assert_eq(p9_check_name(".."), -EINVAL);
	cr_assert_eq(p9_check_name("a/b"), -EINVAL);
	cr_assert_eq(p9_check_name("/"), -EINVAL);
	cr_assert_eq(p9_check_name("../a"), -EINVAL);
}
