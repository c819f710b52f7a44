/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A device tree against a file of text; GOLDEN=write writes that anew (make golden). */
#include "golden.h"

#include <criterion/criterion.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../folder.h"
#include "base.h"

#define ROOM (64 * KIB)

static void read_whole(const char *path, char *buf, size_t size)
{
	cr_assert_eq(read_file(path, buf, size), 0, "%s: it is made by: make golden ARCH=…", path);
}

/* Releases of dtc differ in how they write a list of strings: "a\0b", or "a", "b". */
static void split_lists(char text[ROOM])
{
	char *at = text;

	while ((at = strstr(at, "\\0"))) {
		cr_assert_lt(strlen(text) + 2, ROOM);
		memmove(at + 4, at + 2, strlen(at + 2) + 1);
		memcpy(at, "\", \"", 4);
	}
}

static void decompile(const char *name, const void *tree, char text[ROOM])
{
	char dir[FOLDER_PATH], path[FOLDER_PATH + 8], command[4 * FOLDER_PATH], said[4096];
	FILE *f;
	int ret;

	folder_make(dir);
	snprintf(path, sizeof(path), "%s/dtb", dir);
	f = fopen(path, "w");
	cr_assert_eq(fwrite(tree, fdt_totalsize(tree), 1, f), 1);
	fclose(f);
	snprintf(command, sizeof(command), "dtc -I dtb -O dts -s -o %s/dts %s 2>%s/said", dir, path,
		 dir);
	ret = system(command);
	snprintf(path, sizeof(path), "%s/said", dir);
	read_whole(path, said, sizeof(said));
	cr_expect_str_empty(said, "%s", name);
	cr_assert_eq(ret, 0, "%s: dtc fails; is it there?", name);
	snprintf(path, sizeof(path), "%s/dts", dir);
	read_whole(path, text, ROOM);
	split_lists(text);
	folder_remove(dir);
}

static void compare(const char *name, const char *text, const char *golden)
{
	const char *a = text, *b = golden;
	unsigned line = 1;

	for (; *a && *a == *b; a++, b++)
		line += *a == '\n';
	cr_expect(*a == *b, "%s.dts: line %u is '%.*s'", name, line, (int)strcspn(a, "\n"), a);
}

void golden_check(const char *folder, const char *name, const void *tree)
{
	static char text[ROOM], golden[ROOM];
	const char *mode = getenv("GOLDEN");
	char path[128];
	FILE *f;

	decompile(name, tree, text);
	snprintf(path, sizeof(path), "%s/%s.dts", folder, name);
	if (mode && !strcmp(mode, "write")) {
		f = fopen(path, "w");
		cr_assert(f && fputs(text, f) >= 0 && !fclose(f), "%s", path);
	}
	read_whole(path, golden, sizeof(golden));
	compare(name, text, golden);
}
