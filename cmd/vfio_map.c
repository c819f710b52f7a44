/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* carillon vfio map: the I/O address space of a machine with these devices, as run would plan it.
 */
#include <stdlib.h>

#include "cmd.h"

static void print_plain(const struct map_part *p)
{
	char base[24], last[24], size[SIZE_TEXT];

	snprintf(base, sizeof(base), "0x%llx", (unsigned long long)p->range.base);
	snprintf(last, sizeof(last), "0x%llx", (unsigned long long)range_last(p->range));
	printf("%15s-%-15s %8s  %*s%s\n", base, last, size_text(size, p->range.size),
	       2 * (int)p->depth, "", p->what);
}

static void print_json(const struct map_part *parts, int n)
{
	struct text text = {0};
	struct json j = {.out = &text};
	int i;

	json_open(&j, NULL, '[');
	for (i = 0; i < n; i++) {
		json_open(&j, NULL, '{');
		json_address(&j, "base", parts[i].range.base);
		json_address(&j, "last", range_last(parts[i].range));
		json_string(&j, "kind", parts[i].kind);
		json_string(&j, "what", parts[i].what);
		json_number(&j, "depth", parts[i].depth);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	printf("%s\n", text.data ? text.data : "");
	text_free(&text);
}

int cmd_vfio_map(int argc, char **argv)
{
	struct machine_config config;
	struct map_part *parts = NULL;
	struct error err = {0};
	bool json;
	int n, i;

	if (map_parse(argc, argv, &config, &json, &err)) {
		warn("%s", err.text);
		return STATUS_USAGE;
	}
	n = machine_plan(&config, &parts, &err);
	if (n < 0)
		warn("%s", err.text);
	else if (json)
		print_json(parts, n);
	for (i = 0; i < n && !json; i++)
		print_plain(&parts[i]);
	free(parts);
	return n < 0 ? STATUS_REFUSED : STATUS_OK;
}
