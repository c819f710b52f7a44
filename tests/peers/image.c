/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The same as "loader image" of linux-loader/src/main.rs, by carillon: where an arm64 Image goes in
 * RAM that begins at 0, and what is there then.
 *
 * usage: image FILE...
 */
#include <stdio.h>

#include "../../arm/image.h"
#include "boot.h"

#define RAM (256 * MIB)

/* FNV-1a of what is between two addresses. */
static uint64_t sum(const struct guest_memory *memory, uint64_t at, uint64_t end)
{
	const uint8_t *ram = memory->banks[0].host;
	uint64_t hash = 0xcbf29ce484222325;

	for (; at < end; at++)
		hash = (hash ^ ram[at]) * 0x100000001b3;
	return hash;
}

/* As load_files() in arm/load.c, without an initrd. */
static int load(struct boot_file *file, const char *path, const struct guest_memory *memory,
		const struct range *ram, struct image_places *at)
{
	uint8_t head[IMAGE_HEAD] = {0};
	struct image image;
	int ret = boot_open(file, path, NULL);

	if (!ret)
		ret = boot_read(file, 0, head, file->size < IMAGE_HEAD ? file->size : IMAGE_HEAD,
				NULL);
	if (!ret)
		ret = image_header(head, file->size, &image, NULL);
	if (!ret)
		ret = image_place(&image, 0, ram, 1, at, NULL);
	if (!ret)
		ret = boot_load(file, 0, file->size, memory, at->kernel, NULL);
	return ret;
}

int main(int argc, char **argv)
{
	const struct range ram = {0, RAM};
	const struct guest_memory_options opt = {0};
	int i;

	for (i = 1; i < argc; i++) {
		struct boot_file file = {.fd = -1};
		struct guest_memory memory = {0};
		struct image_places at;

		if (guest_memory_create(&memory, &ram, 1, &opt, NULL) ||
		    load(&file, argv[i], &memory, &ram, &at))
			printf("%s: refused\n", argv[i]);
		else
			printf("%s: Image load=%llx end=%llx sum=%llx\n", argv[i],
			       (unsigned long long)at.kernel,
			       (unsigned long long)(at.kernel + file.size),
			       (unsigned long long)sum(&memory, at.kernel, at.kernel + file.size));
		boot_close(&file);
		guest_memory_destroy(&memory);
	}
	return 0;
}
