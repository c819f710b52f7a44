/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Between the parts of a disk's file: opening and locking. */
#ifndef CARILLON_DISK_FILE_H
#define CARILLON_DISK_FILE_H

#include "image.h"

/* Lock an open file. -EBUSY names the path and, where it can be found, who has it. */
int disk_file_lock(const struct disk_file *f, struct error *err);
/*
 * Which process has the file open, with a lock if `locked`, beside this descriptor; 0: none that we
 * may look at.
 */
int disk_file_holder(const struct disk_file *f, bool locked);
/* "process 123 (qemu-img)", "another process" if it is 0. Returns text. */
const char *disk_file_process(int pid, char *text, size_t size);

#endif
