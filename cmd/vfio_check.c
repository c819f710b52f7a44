/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* carillon vfio check: what of a device a guest would reach by itself, and what would help. */
#include "cmd.h"

int cmd_vfio_check(int argc, char **argv)
{
	struct machine_config config;
	struct vfio_report report;
	struct text text = {0};
	struct error err = {0};
	struct vfio vfio;
	bool json;
	int ret;

	if (check_parse(argc, argv, &config, &json, &err)) {
		warn("%s", err.text);
		return STATUS_USAGE;
	}
	vfio_init(&vfio, NULL, &vfio_host_paths, config.iommu);
	vfio.by_hypercall = arch_by_hypercall;
	vfio.guest_page = arch_guest_page;
	ret = vfio_examine(&vfio, &config.vfio[0], &report, &err);
	vfio_close(&vfio);
	if (ret) {
		warn("%s", err.text);
		return STATUS_REFUSED;
	}
	if (json)
		check_json(&report, &text);
	else
		check_text(&report, &text);
	printf("%s%s", text.data ? text.data : "", json ? "\n" : "");
	text_free(&text);
	return STATUS_OK;
}
