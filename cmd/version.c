/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* carillon version */
#include <stdio.h>

#include "arch.h"
#include "cmd.h"

int cmd_version(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("carillon %s (%s)\n", CARILLON_VERSION, arch_name);
	return 0;
}
