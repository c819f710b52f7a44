/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* --vfio BDF[,intx=auto|resample|trap][,msix=auto|trap], --iommu auto|type1|iommufd|spapr|spapr-v1
 */
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

static int set(const char *word, struct vfio_device_options *opt)
{
	static const char *const intx[] = {"auto", "resample", "trap"};
	static const char *const msix[] = {"auto", "trap"};
	int i = -EINVAL;

	if (!strncmp(word, "intx=", 5)) {
		i = find_word(word + 5, intx, ARRAY_SIZE(intx));
		if (i >= 0)
			opt->intx = (enum vfio_intx_mode)i;
	} else if (!strncmp(word, "msix=", 5)) {
		i = find_word(word + 5, msix, ARRAY_SIZE(msix));
		if (i >= 0)
			opt->msix = (enum vfio_msix_mode)i;
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
		if (set(word, opt) < 0)
			return fail(err, EINVAL, "--vfio %s: what is '%s'? It is %s", text, word,
				    VFIO_DEVICE_SYNTAX);
	return 0;
}
