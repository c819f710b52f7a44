/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* base: numbers, ranges, errors, JSON. */
#include <criterion/criterion.h>
#include <errno.h>

#include "base.h"

Test(parse, u64)
{
	uint64_t v;

	cr_assert_eq(parse_u64("0", &v), 0);
	cr_assert_eq(v, 0);
	cr_assert_eq(parse_u64("0x1F", &v), 0);
	cr_assert_eq(v, 31);
	cr_assert_eq(parse_u64("18446744073709551615", &v), 0);
	cr_assert_eq(v, UINT64_MAX);
	cr_assert_eq(parse_u64("18446744073709551616", &v), -ERANGE);
	cr_assert_eq(parse_u64("", &v), -EINVAL);
	cr_assert_eq(parse_u64("-1", &v), -EINVAL);
	cr_assert_eq(parse_u64(" 1", &v), -EINVAL);
	cr_assert_eq(parse_u64("1x", &v), -EINVAL);
}

Test(parse, size)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t value;
	} cases[] = {
		{"4096", 0, 4096},
		{"1K", 0, KIB},
		{"3m", 0, 3 * MIB},
		{"2G", 0, 2 * GIB},
		{"1T", 0, TIB},
		{"512MB", 0, 512 * MIB},
		{"0x10K", 0, 16 * KIB},
		{"16777215T", 0, 16777215 * TIB},
		{"16777216T", -ERANGE, 0},
		{"1P", -EINVAL, 0},
		{"1MBs", -EINVAL, 0},
		{"M", -EINVAL, 0},
		{"1 M", -EINVAL, 0},
	};
	unsigned i;
	uint64_t v;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_assert_eq(parse_size(cases[i].text, &v), cases[i].ret, "%s", cases[i].text);
		if (!cases[i].ret)
			cr_assert_eq(v, cases[i].value, "%s", cases[i].text);
	}
}

Test(range, ends_at_the_top)
{
	struct range top = {UINT64_MAX - 0xfff, 0x1000}, low = {0, 0x1000}, none = {0x1000, 0};

	cr_assert_eq(range_last(top), UINT64_MAX);
	cr_assert(!ranges_overlap(top, low));
	cr_assert(ranges_overlap(top, (struct range){UINT64_MAX, 1}));
	cr_assert(range_contains(top, (struct range){UINT64_MAX, 1}));
	cr_assert(!ranges_overlap(none, (struct range){0, 0x2000}));
	cr_assert(!range_contains(low, (struct range){0xfff, 2}));
	cr_assert_eq(pow2_ceil(0), 1);
	cr_assert_eq(pow2_ceil(3), 4);
	cr_assert_eq(pow2_ceil(1ULL << 63), 1ULL << 63);
	cr_assert_eq(pow2_ceil((1ULL << 63) + 1), 0);
}

Test(error, text_and_prefix)
{
	struct error err = {0};

	cr_assert_eq(fail(&err, EBUSY, "group %d", 12), -EBUSY);
	error_prefix(&err, "vfio %s", "0000:03:00.0");
	cr_assert_str_eq(err.text, "vfio 0000:03:00.0: group 12");
	cr_assert_eq(fail(NULL, EBUSY, "nobody listens"), -EBUSY);
}

Test(json, nesting_and_escapes)
{
	struct text out = {0};
	struct json j = {.out = &out};

	json_open(&j, NULL, '{');
	json_string(&j, "name", "a\"b\\c\n");
	json_open(&j, "list", '[');
	json_number(&j, NULL, 1);
	json_number(&j, NULL, UINT64_MAX);
	json_close(&j, ']');
	json_bool(&j, "yes", true);
	json_open(&j, "empty", '{');
	json_close(&j, '}');
	json_close(&j, '}');
	cr_assert_str_eq(out.data, "{\"name\":\"a\\\"b\\\\c\\u000a\",\"list\":[1,"
				   "18446744073709551615],\"yes\":true,\"empty\":{}}");
	text_free(&out);
}
