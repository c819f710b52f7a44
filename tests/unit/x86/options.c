/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cmd: options of run that x86 has no use for are refused, with what to do instead. */
#include <criterion/criterion.h>
#include <errno.h>

#include "cmd.h"

static void refuses(char *option, char *value, const char *text)
{
	char *argv[] = {"run", "-k", "k", option, value, NULL};
	struct machine_config config;
	struct error err = {""};
	bool help;

	cr_assert_eq(run_parse(5, argv, &config, &help, &err), -EINVAL, "%s", option);
	cr_expect_str_eq(err.text, text);
}

Test(x86_options, what_only_others_have)
{
	refuses("-m", "512M@0x0", "-m SIZE@ADDRESS: memory starts at 0 on x86; use -m SIZE");
	refuses("--msi-bank", "0x8000000,2M",
		"--msi-bank: on x86 messages have an address of their own and need no bank; leave "
		"it out");
	refuses("--irqchip", "gicv3",
		"--irqchip gicv3: x86 has one interrupt controller; leave it out");
	refuses("--cpu", "pmu=off",
		"--cpu pmu=off: on x86 the guest's CPU is the host's; leave it out");
	refuses("--dump-dtb", "f", "--dump-dtb: x86 guests get ACPI tables, no device tree");
}
