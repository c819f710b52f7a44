/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cmd: a machine's counters, for people. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static void expect(const char *json, const char *plain)
{
	struct text text = {0};

	stat_text(json, &text);
	cr_expect_str_eq(text.data, plain);
	text_free(&text);
}

Test(stat_text, a_counter_has_a_line)
{
	expect("{\"name\":\"m\",\"exits\":{\"io\":3,\"total\":4},\"disks\":[{\"reads\":1}]}\n",
	       "name: m\nexits: \n  io: 3\n  total: 4\ndisks: \n  \n    reads: 1\n");
}

/* An address of a PCI device has colons. */
Test(stat_text, what_a_string_has_is_left_as_it_is)
{
	expect("{\"bdf\":\"0000:03:00.0\",\"next\":1}\n", "bdf: 0000:03:00.0\nnext: 1\n");
	expect("{\"a\":\"[{,}] \\\"b\\\" \\\\\",\"c\":\"\\u001b\"}",
	       "a: [{,}] \"b\" \\\nc: \\u001b");
}

/* From a machine that was taken over: no more than some blanks for each of its bytes. */
Test(stat_text, nonsense_stays_small)
{
	static char json[64 * KIB];
	struct text text = {0};

	memset(json, '[', sizeof(json) - 1);
	stat_text(json, &text);
	cr_expect_lt(text.len, 64 * sizeof(json));
	text_free(&text);
	memset(json, '}', sizeof(json) / 2);
	memset(json + sizeof(json) / 2, ',', sizeof(json) / 2 - 1);
	stat_text(json, &text);
	cr_expect_lt(text.len, 64 * sizeof(json));
	text_free(&text);
	expect("{\"a", "a");
	expect("{\"a\\", "a\\");
}
