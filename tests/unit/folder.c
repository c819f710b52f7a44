/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A folder of the test's own. */
#include "folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

void folder_make(char path[FOLDER_PATH])
{
	snprintf(path, FOLDER_PATH, "/tmp/carillon-unit-XXXXXX");
	cr_assert_not_null(mkdtemp(path));
}

void folder_run(const char *path, const char *command)
{
	char line[512];

	cr_assert_lt(snprintf(line, sizeof(line), "cd %s && %s", path, command), (int)sizeof(line));
	cr_assert_eq(system(line), 0, "%s", line);
}

void folder_remove(const char *path)
{
	folder_run(path, "rm -rf \"$PWD\"");
}
