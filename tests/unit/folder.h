/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* folder: a folder of the test's own, which stands for /sys or /dev. */
#ifndef CARILLON_TESTS_FOLDER_H
#define CARILLON_TESTS_FOLDER_H

#define FOLDER_PATH 64

void folder_make(char path[FOLDER_PATH]);
/* A shell command in it must succeed. */
void folder_run(const char *path, const char *command);
void folder_remove(const char *path);

#endif
