/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Is a qcow2 image sound? As qemu-img check, in memory, and so fast that thousands can be asked
 * about. */
#ifndef CARILLON_TESTS_QCOW2_SOUND_H
#define CARILLON_TESTS_QCOW2_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QCOW2_SOUND_TEXT 160

/*
 * The bytes of an image. False, with what is wrong in `why`: a cluster is used and not counted, or
 * by two that don't know of each other; "copied" is not what the count says; an entry leads
 * nowhere. Clusters that are counted and not used are no fault: *leaks is how many.
 */
bool qcow2_sound(const uint8_t *file, size_t size, unsigned *leaks, char why[QCOW2_SOUND_TEXT]);

#endif
