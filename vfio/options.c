/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is behind --vfio and --iommu. */
#include <errno.h>
#include <string.h>

#include "vfio.h"

int vfio_parse_iommu(const char *text, enum vfio_iommu_kind *kind, struct error *err)
{
	static const char *const names[] = {"auto", "type1", "iommufd", "spapr", "spapr-v1"};
	int i = parse_one_of(text, names, ARRAY_SIZE(names));

	if (i < 0)
		return fail(err, EINVAL, "--iommu %s: it is one of %s", text, VFIO_IOMMU_SYNTAX);
	*kind = (enum vfio_iommu_kind)i;
	return 0;
}

/* Words in the order of their enums, here and below. */
static int parse_interrupts(const char *word, struct vfio_device_options *opt)
{
	static const char *const intx[] = {"auto", "resample", "trap"};
	static const char *const msix[] = {"auto", "trap"};
	const char *value;
	int i = -EINVAL;

	if ((value = parse_after(word, "intx="))) {
		i = parse_one_of(value, intx, ARRAY_SIZE(intx));
		if (i >= 0)
			opt->intx = (enum vfio_intx_mode)i;
	} else if ((value = parse_after(word, "msix="))) {
		i = parse_one_of(value, msix, ARRAY_SIZE(msix));
		if (i >= 0)
			opt->msix = (enum vfio_msix_mode)i;
	}
	return i;
}

static int parse_bars(const char *word, struct vfio_device_options *opt)
{
	static const char *const relocation[] = {"off",	 "auto", "bar0", "bar1",
						 "bar2", "bar3", "bar4", "bar5"};
	static const char *const subpage[] = {"expand", "exact"};
	const char *value;
	int i = -EINVAL;

	if ((value = parse_after(word, "msix-relocation="))) {
		i = parse_one_of(value, relocation, ARRAY_SIZE(relocation));
		if (i >= 0)
			opt->relocation = (enum vfio_relocation)i;
	} else if ((value = parse_after(word, "subpage="))) {
		i = parse_one_of(value, subpage, ARRAY_SIZE(subpage));
		if (i >= 0)
			opt->subpage = (enum vfio_subpage)i;
	}
	return i;
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
		if (parse_interrupts(word, opt) < 0 && parse_bars(word, opt) < 0)
			return fail(err, EINVAL, "--vfio %s: what is '%s'? It is %s", text, word,
				    VFIO_DEVICE_SYNTAX);
	return 0;
}
