/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What to ask for instead of what can't be planned. All advice has been planned before it is given,
 * so that nobody follows it into the next error. Pure.
 */
#include <stdarg.h>
#include <string.h>

#include "layout.h"

#define X(v) ((unsigned long long)(v))

struct asked {
	const struct arch_config *config;
	const struct arch_host *host;
	const struct pci_needs *needs;
	struct error *err;
};

static bool works(const struct asked *a, const struct arch_config *c)
{
	struct arch_layout layout;

	return !layout_plan(c, a->host, a->needs, &layout, NULL);
}

PRINTF_LIKE(2, 3) static void add(struct error *err, const char *fmt, ...)
{
	size_t n = strlen(err->text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text + n, sizeof(err->text) - n, fmt, args);
	va_end(args);
}

static void add_memory(const struct asked *a, const char *words, const struct arch_config *c)
{
	char size[SIZE_TEXT];

	add(a->err, "; %s -m %s", words, size_text(size, c->ram));
	if (c->ram_placed)
		add(a->err, "@0x%llx", X(c->ram_base));
}

static bool another_bank(const struct asked *a)
{
	struct arch_config c = *a->config;
	struct range span = {c.ram_base, c.ram_placed ? c.ram : 0};
	char size[SIZE_TEXT];

	if (!c.msi_bank.size || !bank_choose(a->host, span, &c.msi_bank) || !works(a, &c))
		return false;
	add(a->err, "; use --msi-bank 0x%llx,%s", X(c.msi_bank.base),
	    size_text(size, c.msi_bank.size));
	return true;
}

static bool whole_pages(const struct asked *a)
{
	struct arch_config c = *a->config;

	c.ram = align_down(c.ram, a->host->page_size);
	c.ram_base = align_down(c.ram_base, a->host->page_size);
	if (!works(a, &c))
		return false;
	add_memory(a, "use", &c);
	return true;
}

static bool less_memory(const struct asked *a)
{
	struct arch_config c = *a->config, fits;
	uint64_t too_much = 1ULL << a->host->phys_bits;

	/* The least works, too much does not: halve what is between. */
	if (c.ram < too_much)
		too_much = align_up(c.ram, RAM_PIECE);
	c.ram = RAM_MIN;
	if (a->config->ram <= RAM_MIN || !works(a, &c))
		return false;
	fits = c;
	while (too_much - fits.ram > RAM_PIECE) {
		c.ram = fits.ram + align_down((too_much - fits.ram) / 2, RAM_PIECE);
		if (works(a, &c))
			fits = c;
		else
			too_much = c.ram;
	}
	add_memory(a, "the most that fits is", &fits);
	return true;
}

static bool no_bank(const struct asked *a)
{
	struct arch_config c = *a->config;

	c.msi_bank.size = 0;
	if (!works(a, &c))
		return false;
	add(a->err, "; leave --msi-bank out");
	return true;
}

static bool no_address(const struct asked *a)
{
	struct arch_config c = *a->config;

	c.ram_placed = false;
	if (!works(a, &c))
		return false;
	add_memory(a, "use", &c);
	add(a->err, " without an address");
	return true;
}

void layout_advise(const struct arch_config *config, const struct arch_host *host,
		   const struct pci_needs *needs, struct error *err)
{
	const struct asked a = {config, host, needs, err};

	(void)(another_bank(&a) || whole_pages(&a) || no_bank(&a) || less_memory(&a) ||
	       no_address(&a));
}
