/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The kernel's command line: the user's parameters, and the virtio devices over MMIO for kernels
 * without ACPI (Linux: CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES; the convention is rust-vmm's, too). One
 * that has both finds a device in ACPI first, and then refuses it from here as busy.
 */
#include <ctype.h>
#include <string.h>

#include "layout.h"
#include "protocol.h"

/* One word as Linux sees it (next_arg() in lib/cmdline.c): spaces within quotes don't end it. */
static const char *word_end(const char *word)
{
	bool quoted = false;

	for (; *word && (quoted || !isspace((unsigned char)*word)); word++)
		quoted ^= *word == '"';
	return word;
}

size_t cmdline_init_words(const char *params)
{
	const char *at = params, *end;

	for (; *at; at = end) {
		while (isspace((unsigned char)*at))
			at++;
		end = word_end(at);
		if (end - at == 2 && !strncmp(at, "--", 2))
			break;
	}
	return (size_t)(at - params);
}

void cmdline_build(const char *params, unsigned n_slots, struct text *out)
{
	size_t own = cmdline_init_words(params);
	unsigned i;

	text_add(out, "%.*s", (int)own, params);
	for (i = 0; i < n_slots; i++) {
		struct arch_slot slot = arch_slot(NULL, i);
		bool first = !out->len || isspace((unsigned char)out->data[out->len - 1]);

		text_add(out, "%svirtio_mmio.device=%lluK@0x%llx:%u", first ? "" : " ",
			 (unsigned long long)slot.registers.size / KIB,
			 (unsigned long long)slot.registers.base, slot.gsi);
	}
	text_add(out, "%s%s", n_slots && params[own] ? " " : "", params + own);
}
