/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* mptable: what tells kernels without ACPI of CPUs and interrupts. */
#ifndef CARILLON_X86_MPTABLE_H
#define CARILLON_X86_MPTABLE_H

#include "layout.h"

/*
 * Pure. Fill buf, which will lie at guest-physical base (16-byte aligned, below 4 GiB), with the
 * floating pointer and the table (Intel MultiProcessor Specification 1.4, chapter 4). It has room
 * for CPUs with an ID of an xAPIC; of more the first ones are named. Returns how many bytes.
 */
size_t mptable_build(unsigned cpus, uint64_t base, uint8_t buf[MPTABLE_ROOM]);

#endif
