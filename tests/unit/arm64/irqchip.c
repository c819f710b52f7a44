/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* --irqchip and --cpu: what the words mean, and what a host makes of the wish. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../../../arm/irqchip.h"

static struct error err;

static const struct irqchip_host everything = {.gicv3 = true, .its = true, .gicv2 = true};

Test(arm64_irqchip, words)
{
	static const enum irqchip all[] = {IRQCHIP_GICV3_ITS, IRQCHIP_GICV3, IRQCHIP_GICV2M,
					   IRQCHIP_GICV2};
	enum irqchip chip;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		cr_assert_eq(irqchip_parse(irqchip_name(all[i]), &chip, &err), 0);
		cr_expect_eq(chip, all[i]);
		cr_expect_eq(irqchip_is_v3(chip), i < 2);
	}
	cr_assert_eq(irqchip_parse("gicv2m", &chip, &err), 0);
	cr_expect_eq(chip, IRQCHIP_GICV2M);
	cr_assert_eq(irqchip_parse(NULL, &chip, &err), 0);
	cr_expect_eq(chip, IRQCHIP_AUTO);
	cr_assert_eq(irqchip_parse("gicv4", &chip, &err), -EINVAL);
	cr_expect_str_eq(err.text, "--irqchip gicv4: there is no such; it is gicv3-its, gicv3, "
				   "gicv2m or gicv2");
	cr_expect_eq(irqchip_parse("", &chip, NULL), -EINVAL);
	cr_expect_eq(irqchip_parse("gicv", &chip, NULL), -EINVAL);
}

static enum irqchip chosen(enum irqchip wish, struct irqchip_host host)
{
	enum irqchip chip = IRQCHIP_AUTO;

	cr_assert_eq(irqchip_choose(wish, &host, &chip, &err), 0, "%s", err.text);
	return chip;
}

Test(arm64_irqchip, the_best_that_the_host_has)
{
	cr_expect_eq(chosen(IRQCHIP_AUTO, everything), IRQCHIP_GICV3_ITS);
	cr_expect_eq(chosen(IRQCHIP_AUTO, (struct irqchip_host){.gicv3 = true, .its = true}),
		     IRQCHIP_GICV3_ITS);
	cr_expect_eq(chosen(IRQCHIP_AUTO, (struct irqchip_host){.gicv3 = true}), IRQCHIP_GICV3);
	cr_expect_eq(chosen(IRQCHIP_AUTO, (struct irqchip_host){.gicv2 = true}), IRQCHIP_GICV2M);
	cr_expect_eq(chosen(IRQCHIP_GICV3, everything), IRQCHIP_GICV3);
	cr_expect_eq(chosen(IRQCHIP_GICV2M, everything), IRQCHIP_GICV2M);
	cr_expect_eq(chosen(IRQCHIP_GICV2, everything), IRQCHIP_GICV2);
}

Test(arm64_irqchip, what_the_host_has_not)
{
	struct irqchip_host host = {.gicv3 = true, .its = true};
	enum irqchip chip;

	cr_assert_eq(irqchip_choose(IRQCHIP_GICV2, &host, &chip, &err), -ENOTSUP);
	cr_expect_str_eq(err.text, "--irqchip gicv2: this host's KVM can't; it offers: gicv3-its, "
				   "gicv3");
	host = (struct irqchip_host){.gicv2 = true};
	cr_assert_eq(irqchip_choose(IRQCHIP_GICV3_ITS, &host, &chip, &err), -ENOTSUP);
	cr_expect_str_eq(err.text, "--irqchip gicv3-its: this host's KVM can't; it offers: gicv2m, "
				   "gicv2");
	/* An ITS without the rest is of no use. */
	host = (struct irqchip_host){.its = true};
	cr_assert_eq(irqchip_choose(IRQCHIP_GICV3, &host, &chip, &err), -ENOTSUP);
	cr_expect(strstr(err.text, "offers no interrupt controller"), "%s", err.text);
	cr_expect_eq(irqchip_choose(IRQCHIP_AUTO, &host, &chip, NULL), -ENOTSUP);
}

Test(arm64_irqchip, cpus)
{
	cr_expect_eq(irqchip_check_cpus(IRQCHIP_GICV3_ITS, 512, &err), 0);
	cr_expect_eq(irqchip_check_cpus(IRQCHIP_GICV3, 513, &err), -EINVAL);
	cr_expect_eq(irqchip_check_cpus(IRQCHIP_GICV2M, 8, &err), 0);
	cr_expect_eq(irqchip_check_cpus(IRQCHIP_GICV2, 9, &err), -EINVAL);
	cr_expect_str_eq(err.text, "-c 9: a gicv2 serves at most 8 CPUs; use -c 8");
}

Test(arm64_cpu, words)
{
	enum cpu_wish w[CPU_FEATURES] = {CPU_ON, CPU_ON, CPU_ON, CPU_ON};

	cr_assert_eq(cpu_parse(NULL, w, &err), 0);
	cr_expect(!w[CPU_PMU] && !w[CPU_SVE] && !w[CPU_PAUTH] && !w[CPU_MTE], "all auto");
	cr_assert_eq(cpu_parse("pmu=off,sve=on,mte=on", w, &err), 0);
	cr_expect_eq(w[CPU_PMU], CPU_OFF);
	cr_expect_eq(w[CPU_SVE], CPU_ON);
	cr_expect_eq(w[CPU_PAUTH], CPU_AUTO);
	cr_expect_eq(w[CPU_MTE], CPU_ON);
	cr_assert_eq(cpu_parse("pauth=off,pauth=auto", w, &err), 0);
	cr_expect_eq(w[CPU_PAUTH], CPU_AUTO, "the last word counts");
}

Test(arm64_cpu, nonsense)
{
	static const char *const senseless[][2] = {
		{"", "''"},
		{"pmu", "'pmu'"},
		{"pmu=", "'pmu='"},
		{"pmu=yes", "'pmu=yes'"},
		{"pm=on", "'pm=on'"},
		{"pmux=on", "'pmux=on'"},
		{"=on", "'=on'"},
		{"sve=on,", "''"},
		{"sve=on,fp=off", "'fp=off'"},
		{"PMU=on", "'PMU=on'"},
		{"pmu=on=off", "'pmu=on=off'"},
	};
	enum cpu_wish w[CPU_FEATURES];
	char text[200];
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(senseless); i++) {
		cr_assert_eq(cpu_parse(senseless[i][0], w, &err), -EINVAL, "%s", senseless[i][0]);
		cr_expect(strstr(err.text, senseless[i][1]), "%s", err.text);
		cr_expect(strstr(err.text, CPU_SYNTAX), "%s", err.text);
	}
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	cr_assert_eq(cpu_parse(text, w, &err), -EINVAL);
	cr_expect(strstr(err.text, "too long"), "%s", err.text);
}

Test(arm64_cpu, decisions)
{
	static const struct {
		enum cpu_wish wish;
		bool host, on, mte;
	} table[] = {
		{CPU_AUTO, true, true, false},	{CPU_AUTO, false, false, false},
		{CPU_ON, true, true, true},	{CPU_OFF, true, false, false},
		{CPU_OFF, false, false, false},
	};
	unsigned i;
	bool on;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		cr_assert_eq(cpu_decide(CPU_SVE, table[i].wish, table[i].host, &on, &err), 0);
		cr_expect_eq(on, table[i].on, "%u", i);
		/* It costs memory bandwidth, so nobody gets it unasked. */
		cr_assert_eq(cpu_decide(CPU_MTE, table[i].wish, table[i].host, &on, &err), 0);
		cr_expect_eq(on, table[i].mte, "%u", i);
	}
	cr_assert_eq(cpu_decide(CPU_SVE, CPU_ON, false, &on, &err), -ENOTSUP);
	cr_expect_str_eq(err.text, "--cpu sve=on: this host's KVM can't give it to a guest");
	cr_expect(!on);
}
