/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* --irqchip and --cpu: words in, decisions out. Pure. */
#include <errno.h>
#include <string.h>

#include "irqchip.h"
#include "layout.h"

static const char *const chip_names[] = {
	[IRQCHIP_GICV3_ITS] = "gicv3-its",
	[IRQCHIP_GICV3] = "gicv3",
	[IRQCHIP_GICV2M] = "gicv2m",
	[IRQCHIP_GICV2] = "gicv2",
};

static const char *const feature_names[] = {
	[CPU_PMU] = "pmu",
	[CPU_SVE] = "sve",
	[CPU_PAUTH] = "pauth",
	[CPU_MTE] = "mte",
};

const char *irqchip_name(enum irqchip chip)
{
	return chip_names[chip];
}

bool irqchip_is_v3(enum irqchip chip)
{
	return chip == IRQCHIP_GICV3_ITS || chip == IRQCHIP_GICV3;
}

int irqchip_parse(const char *text, enum irqchip *out, struct error *err)
{
	unsigned i;

	*out = IRQCHIP_AUTO;
	if (!text)
		return 0;
	for (i = 0; i < ARRAY_SIZE(chip_names); i++)
		if (!strcmp(text, chip_names[i])) {
			*out = (enum irqchip)i;
			return 0;
		}
	return fail(err, EINVAL,
		    "--irqchip %s: there is no such; it is gicv3-its, gicv3, gicv2m or gicv2",
		    text);
}

static bool offers(const struct irqchip_host *host, enum irqchip chip)
{
	switch (chip) {
	case IRQCHIP_GICV3_ITS:
		return host->gicv3 && host->its;
	case IRQCHIP_GICV3:
		return host->gicv3;
	default:
		return host->gicv2;
	}
}

int irqchip_choose(enum irqchip wish, const struct irqchip_host *host, enum irqchip *out,
		   struct error *err)
{
	char list[64] = "";
	size_t n = 0;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(chip_names); i++) {
		if (!offers(host, (enum irqchip)i))
			continue;
		if (wish == IRQCHIP_AUTO || wish == i) {
			*out = (enum irqchip)i;
			return 0;
		}
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
				      chip_names[i]);
	}
	if (wish == IRQCHIP_AUTO || !n)
		return fail(err, ENOTSUP,
			    "this host's KVM offers no interrupt controller (GICv2 "
			    "or GICv3) for guests");
	return fail(err, ENOTSUP, "--irqchip %s: this host's KVM can't; it offers: %s",
		    chip_names[wish], list);
}

int irqchip_check_cpus(enum irqchip chip, unsigned cpus, struct error *err)
{
	unsigned most = irqchip_is_v3(chip) ? GICV3_CPUS : GICV2_CPUS;

	if (cpus <= most)
		return 0;
	return fail(err, EINVAL, "-c %u: a %s serves at most %u CPUs; use -c %u", cpus,
		    chip_names[chip], most, most);
}

const char *cpu_feature_name(enum cpu_feature feature)
{
	return feature_names[feature];
}

static int set_wish(char *word, enum cpu_wish wishes[CPU_FEATURES])
{
	static const char *const values[] = {"auto", "on", "off"};
	const char *value = strchr(word, '=');
	unsigned i, k;

	for (i = 0; value && i < CPU_FEATURES; i++)
		for (k = 0; k < ARRAY_SIZE(values); k++)
			if (strlen(feature_names[i]) == (size_t)(value - word) &&
			    !strncmp(word, feature_names[i], (size_t)(value - word)) &&
			    !strcmp(value + 1, values[k])) {
				wishes[i] = (enum cpu_wish)k;
				return 0;
			}
	return -EINVAL;
}

int cpu_parse(const char *text, enum cpu_wish wishes[CPU_FEATURES], struct error *err)
{
	char copy[128], *rest = copy, *word;

	memset(wishes, 0, CPU_FEATURES * sizeof(*wishes));
	if (!text)
		return 0;
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return fail(err, EINVAL, "--cpu %.40s…: too long; it is " CPU_SYNTAX, text);
	while ((word = strsep(&rest, ",")))
		if (set_wish(word, wishes))
			return fail(err, EINVAL, "--cpu %s: what is '%s'? It is " CPU_SYNTAX, text,
				    word);
	return 0;
}

int cpu_decide(enum cpu_feature feature, enum cpu_wish wish, bool host_has, bool *on,
	       struct error *err)
{
	*on = host_has && (wish == CPU_ON || (wish == CPU_AUTO && feature != CPU_MTE));
	if (wish == CPU_ON && !host_has)
		return fail(err, ENOTSUP, "--cpu %s=on: this host's KVM can't give it to a guest",
			    feature_names[feature]);
	return 0;
}

int arch_check(const struct arch_config *config, struct error *err)
{
	enum cpu_wish wishes[CPU_FEATURES];
	enum irqchip chip;
	int ret = irqchip_parse(config->irqchip, &chip, err);

	if (config->no_dynamic_windows || config->no_tce_acceleration)
		return fail(
			err, EINVAL,
			"--ddw, --tce-acceleration: they are for POWER's DMA windows; leave them "
			"out");
	return ret ?: cpu_parse(config->cpu, wishes, err);
}
