/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* tables: how the tables that a guest finds in memory are read. */
#ifndef CARILLON_TESTS_X86_TABLES_H
#define CARILLON_TESTS_X86_TABLES_H

#include <stdint.h>
#include <string.h>

/* A little-endian number of so many bytes. */
static inline uint64_t get(const uint8_t *p, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, p, size);
	return value;
}

/* What is 0 of a table that is whole. */
static inline uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

#endif
