/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind --vfio and --iommu. */
#include <errno.h>
#include <string.h>

#include "vfio.h"

/* The number of a word in a list of n; -EINVAL. */
static int find_word(const char *word, const char *const *words, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return (int)i;
	return -EINVAL;
}

int vfio_parse_iommu(const char *text, enum vfio_iommu_kind *kind, struct error *err)
{
	static const char *const names[] = {"auto", "type1", "iommufd", "spapr", "spapr-v1"};
	int i = find_word(text, names, ARRAY_SIZE(names));

	if (i < 0)
		return fail(err, EINVAL, "--iommu %s: it is one of %s", text, VFIO_IOMMU_SYNTAX);
	*kind = (enum vfio_iommu_kind)i;
	return 0;
}

enum option {
	OPTION_INTX,
	OPTION_MSIX,
	OPTION_RELOCATION,
	OPTION_SUBPAGE,
	OPTIONS,
};

/* Words in the order of their enums. */
static const struct {
	const char *name;
	const char *words[8];
	unsigned n;
} options[OPTIONS] = {
	[OPTION_INTX] = {"intx=", {"auto", "resample", "trap"}, 3},
	[OPTION_MSIX] = {"msix=", {"auto", "trap"}, 2},
	[OPTION_RELOCATION] = {"msix-relocation=",
			       {"off", "auto", "bar0", "bar1", "bar2", "bar3", "bar4", "bar5"},
			       8},
	[OPTION_SUBPAGE] = {"subpage=", {"expand", "exact"}, 2},
};

static void set(struct vfio_device_options *opt, enum option option, int value)
{
	switch (option) {
	case OPTION_INTX:
		opt->intx = (enum vfio_intx_mode)value;
		break;
	case OPTION_MSIX:
		opt->msix = (enum vfio_msix_mode)value;
		break;
	case OPTION_RELOCATION:
		opt->relocation = (enum vfio_relocation)value;
		break;
	default:
		opt->subpage = (enum vfio_subpage)value;
	}
}

static bool parse_option(const char *word, struct vfio_device_options *opt)
{
	unsigned i;

	for (i = 0; i < OPTIONS; i++) {
		size_t len = strlen(options[i].name);
		int value;

		if (strncmp(word, options[i].name, len))
			continue;
		value = find_word(word + len, options[i].words, options[i].n);
		if (value >= 0)
			set(opt, (enum option)i, value);
		return value >= 0;
	}
	return false;
}

int vfio_parse_device(const char *text, struct vfio_device_options *opt, struct error *err)
{
	char copy[256], *rest = copy, *word;

	*opt = (struct vfio_device_options){0};
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return fail(err, EINVAL, "--vfio %.40s…: too long; it is %s", text,
			    VFIO_DEVICE_SYNTAX);
	word = strsep(&rest, ",");
	if (vfio_parse_bdf(word, opt->bdf))
		return fail(err, EINVAL, "--vfio %s: '%s' is no PCI address such as 0000:03:00.0",
			    text, word);
	while ((word = strsep(&rest, ",")))
		if (!parse_option(word, opt))
			return fail(err, EINVAL, "--vfio %s: what is '%s'? It is %s", text, word,
				    VFIO_DEVICE_SYNTAX);
	return 0;
}
