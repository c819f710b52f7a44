/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* golden: device trees as text, compared with what was read and found right once. */
#ifndef CARILLON_TESTS_GOLDEN_H
#define CARILLON_TESTS_GOLDEN_H

/* The finished tree is FOLDER/NAME.dts, and dtc has nothing to say about it. */
void golden_check(const char *folder, const char *name, const void *tree);

#endif
