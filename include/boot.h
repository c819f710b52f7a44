/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * boot: files that become guest memory: kernels and initrds. They may be hostile: every size and
 * offset is checked against the file and against guest memory before use.
 */
#ifndef CARILLON_BOOT_H
#define CARILLON_BOOT_H

#include "vm.h"

struct boot_file {
	const char *path;
	int fd;
	uint64_t size;
};

/* A regular file; path must outlive it. */
int boot_open(struct boot_file *f, const char *path, struct error *err);
void boot_close(struct boot_file *f);
/* Exactly n bytes at offset: -EIO if the file ends before. */
int boot_read(const struct boot_file *f, uint64_t offset, void *buf, uint64_t n, struct error *err);
/* The same, into guest memory. */
int boot_load(const struct boot_file *f, uint64_t offset, uint64_t n,
	      const struct guest_memory *mem, uint64_t gpa, struct error *err);
/* Pure. Which program would unpack a file that begins so (8 bytes at least); NULL: none known. */
const char *boot_compression(const uint8_t *head);

#endif
