/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cmd: options of run that x86 has no use for are refused, with what to do instead. */
#include <criterion/criterion.h>
#include <errno.h>

#include "../../../x86/protocol.h"
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

/* The parameters of a kernel on a machine with two virtio devices over MMIO. */
static void expect_params(const char *params, const char *want)
{
	struct text t = {0};

	cmdline_build(params, 2, &t);
	cr_expect_str_eq(t.data, want);
	text_free(&t);
	cmdline_build(params, 0, &t);
	cr_expect_str_eq(t.data, params, "nothing to add");
	text_free(&t);
}

#define TWO "virtio_mmio.device=4K@0xf0000000:5 virtio_mmio.device=4K@0xf0001000:6"

/* What comes after a word of two dashes is init's (Linux: parse_args()). */
Test(x86_options, virtio_devices_are_words_for_the_kernel)
{
	expect_params("", TWO);
	expect_params("quiet", "quiet " TWO);
	expect_params("quiet ", "quiet " TWO);
	expect_params("console=ttyS0 quiet -- single", "console=ttyS0 quiet " TWO " -- single");
	expect_params("quiet --", "quiet " TWO " --");
	expect_params("-- single -- x", TWO " -- single -- x");
	expect_params("a\t--\tb", "a\t" TWO " --\tb");
	expect_params("--no a--b -- c", "--no a--b " TWO " -- c");
	expect_params("x=\" -- \" y -- z", "x=\" -- \" y " TWO " -- z");
	expect_params("x=\"never closed -- z", "x=\"never closed -- z " TWO);
	expect_params("---", "--- " TWO);
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
