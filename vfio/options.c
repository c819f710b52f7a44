/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* --vfio BDF[,intx=auto|resample|trap] */
#include <errno.h>
#include <string.h>

#include "vfio.h"

static int parse_intx(const char *value, enum vfio_intx_mode *mode)
{
	static const char *const names[] = {"auto", "resample", "trap"};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(value, names[i])) {
			*mode = (enum vfio_intx_mode)i;
			return 0;
		}
	return -EINVAL;
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
		if (strncmp(word, "intx=", 5) || parse_intx(word + 5, &opt->intx))
			return fail(err, EINVAL, "--vfio %s: what is '%s'? It is %s", text, word,
				    VFIO_DEVICE_SYNTAX);
	return 0;
}
