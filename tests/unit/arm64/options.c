/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cmd: options of run that only arm64 has. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cmd.h"

#define PARSE(...)                                             \
	parse((char *[]){"run", "-k", "k", __VA_ARGS__, NULL}, \
	      (int)(sizeof((char *[]){"run", "-k", "k", __VA_ARGS__}) / sizeof(char *)))

static struct machine_config config;
static struct error err;

static int parse(char **argv, int argc)
{
	bool help;

	return run_parse(argc, argv, &config, &help, &err);
}

static void refuses(int ret, const char *text)
{
	cr_assert_lt(ret, 0);
	cr_assert(strstr(err.text, text), "'%s' has no '%s'", err.text, text);
}

Test(arm64_options, memory_and_its_place)
{
	cr_assert_eq(PARSE("-m", "512M"), 0);
	cr_expect(!config.arch.ram_placed);
	cr_assert_eq(PARSE("-m", "512M@0x80000000"), 0);
	cr_expect(config.arch.ram_placed);
	cr_expect_eq(config.arch.ram, 512 * MIB);
	cr_expect_eq(config.arch.ram_base, 0x80000000);
	cr_assert_eq(PARSE("-m", "256@0x0"), 0);
	cr_expect(config.arch.ram_placed, "0 is a place");
	cr_expect_eq(config.arch.ram, 256 * MIB, "a bare number is MiB");
	cr_expect_eq(config.arch.ram_base, 0);
	cr_assert_eq(PARSE("-m", "1G@4G", "-m", "1G"), 0);
	cr_expect(!config.arch.ram_placed, "the last counts");
	cr_assert_eq(PARSE("-m", "1G@4G"), 0);
	cr_expect_eq(config.arch.ram_base, 4 * GIB);
	refuses(PARSE("-m", "512M@"), "-m 512M@: '' is no address");
	refuses(PARSE("-m", "512M@here"), "'here' is no address");
	refuses(PARSE("-m", "512M@0x0@0x1"), "is no address");
	refuses(PARSE("-m", "512M@-1"), "is no address");
	refuses(PARSE("-m", "lots@0x0"), "no size");
	refuses(PARSE("-m", "@0x0"), "no size");
	/* Not to be cut until it makes sense. */
	refuses(PARSE("-m", "00000000000000000000000000000001024M@0x0"), "no size");
}

Test(arm64_options, msi_bank)
{
	cr_assert_eq(PARSE("-m", "1G"), 0);
	cr_expect_eq(config.arch.msi_bank.size, 0, "the plan picks one");
	cr_assert_eq(PARSE("--msi-bank", "0x8000000,2M"), 0);
	cr_expect_eq(config.arch.msi_bank.base, 0x8000000);
	cr_expect_eq(config.arch.msi_bank.size, 2 * MIB);
	cr_assert_eq(PARSE("--msi-bank", "128M,0x200000"), 0);
	cr_expect_eq(config.arch.msi_bank.base, 128 * MIB);
	cr_expect_eq(config.arch.msi_bank.size, 2 * MIB);
	cr_assert_eq(PARSE("--msi-bank", "0,1M"), 0);
	cr_expect_eq(config.arch.msi_bank.size, MIB);
	refuses(PARSE("--msi-bank", "0x8000000"), "--msi-bank 0x8000000: it is BASE,SIZE");
	refuses(PARSE("--msi-bank", "0x8000000,"), "it is BASE,SIZE");
	refuses(PARSE("--msi-bank", ",2M"), "it is BASE,SIZE");
	refuses(PARSE("--msi-bank", "0x8000000,0"), "it is BASE,SIZE");
	refuses(PARSE("--msi-bank", "0x8000000,2M,3M"), "it is BASE,SIZE");
	refuses(PARSE("--msi-bank", "0xffffffffffffffff,2M"), "it is BASE,SIZE");
	refuses(PARSE("--msi-bank", "0000000000000000000000000000000128M,2M"), "it is BASE,SIZE");
}

Test(arm64_options, words_are_checked_at_once)
{
	cr_assert_eq(PARSE("--irqchip", "gicv2m", "--cpu", "pmu=off,sve=auto", "--dump-dtb", "f"),
		     0);
	cr_expect_str_eq(config.arch.irqchip, "gicv2m");
	cr_expect_str_eq(config.arch.cpu, "pmu=off,sve=auto");
	cr_expect_str_eq(config.arch.dump_dtb, "f");
	cr_assert_eq(PARSE("-m", "1G"), 0);
	cr_expect_null(config.arch.irqchip);
	cr_expect_null(config.arch.cpu);
	cr_expect_null(config.arch.dump_dtb);
	refuses(PARSE("--irqchip", "gicv1"), "--irqchip gicv1: there is no such");
	refuses(PARSE("--cpu", "pmu"), "--cpu pmu: what is 'pmu'?");
}
