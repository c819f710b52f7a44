/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind --9p and --pmem. */
#include "cmd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct virtio_options v;
static struct error err;

Test(p9_options, folder_and_tag)
{
	cr_assert_eq(virtio_parse_9p("/srv/data,data", &v, &err), 0);
	cr_assert_eq(virtio_parse_9p("a,b,c,tag,ro", &v, &err), 0);
	cr_assert_eq(v.n_p9, 2);
	cr_assert_str_eq(v.p9[0].path, "/srv/data");
	cr_assert_str_eq(v.p9[0].tag, "data");
	cr_assert(!v.p9[0].readonly);
	cr_assert_str_eq(v.p9[1].path, "a,b,c");
	cr_assert_str_eq(v.p9[1].tag, "tag");
	cr_assert(v.p9[1].readonly);
}

static void refuses(const char *text, const char *why)
{
	unsigned n = v.n_p9;

	cr_assert_lt(virtio_parse_9p(text, &v, &err), 0, "%s", text);
	cr_assert(strstr(err.text, why), "'%s' has no '%s'", err.text, why);
	cr_assert_eq(v.n_p9, n);
}

Test(p9_options, nonsense_is_named)
{
	char text[1200];

	refuses("", P9_SYNTAX);
	refuses("/srv", P9_SYNTAX);
	refuses("/srv,", P9_SYNTAX);
	refuses(",tag", P9_SYNTAX);
	refuses("/srv,ro", P9_SYNTAX);
	refuses(",ro", P9_SYNTAX);
	memset(text, 'x', sizeof(text));
	strcpy(text + sizeof(text) - 5, ",tag");
	refuses(text, "too long");
	memcpy(text, "/srv,", 5);
	text[100] = 0;
	refuses(text, "at most 47 letters");
}

Test(pmem_options, a_file)
{
	char text[1200] = "";
	unsigned i;

	cr_assert_lt(virtio_parse_pmem("", &v, &err), 0);
	cr_assert(strstr(err.text, PMEM_SYNTAX), "%s", err.text);
	cr_assert_lt(virtio_parse_pmem(",ro", &v, &err), 0);
	memset(text, 'x', sizeof(text) - 1);
	cr_assert_lt(virtio_parse_pmem(text, &v, &err), 0);
	cr_assert(strstr(err.text, "too long"), "%s", err.text);
	cr_assert_eq(v.n_pmem, 0);
	cr_assert_eq(virtio_parse_pmem("a,b", &v, &err), 0);
	cr_assert_str_eq(v.pmem[0].path, "a,b");
	cr_assert(!v.pmem[0].readonly);
	cr_assert_eq(virtio_parse_pmem("a,ro", &v, &err), 0);
	cr_assert_str_eq(v.pmem[1].path, "a");
	cr_assert(v.pmem[1].readonly);
	for (i = 2; i < VIRTIO_PMEM_MAX; i++)
		cr_assert_eq(virtio_parse_pmem("a", &v, &err), 0);
	cr_assert_lt(virtio_parse_pmem("a", &v, &err), 0);
	cr_assert(strstr(err.text, "at most 8 files"), "%s", err.text);
}

Test(pmem_options, memory_is_a_bar)
{
	char *argv[] = {"run", "-k", "k", "--pmem", "f", "--virtio-transport", "mmio", NULL};
	struct machine_config config;
	bool help;

	cr_assert_eq(run_parse(5, argv, &config, &help, &err), 0, "%s", err.text);
	cr_assert_eq(run_parse(7, argv, &config, &help, &err), -EINVAL);
	cr_assert(strstr(err.text, "use --virtio-transport pci"), "%s", err.text);
}

Test(p9_options, each_tag_once_and_not_too_many)
{
	char text[32];
	unsigned i;

	for (i = 0; i < VIRTIO_9P_MAX; i++) {
		snprintf(text, sizeof(text), "/srv,tag%u", i);
		if (i)
			refuses("/srv,tag0", "already");
		cr_assert_eq(virtio_parse_9p(text, &v, &err), 0);
	}
	refuses("/srv,more", "at most 8 folders");
}
