/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Pages in a balloon, collected to pages of the host. */
#include <errno.h>
#include <stdlib.h>

#include "balloon_pages.h"

int balloon_pages_init(struct balloon_pages *p, const struct guest_memory *memory)
{
	unsigned i;

	*p = (struct balloon_pages){.memory = memory};
	if (memory->page <= BALLOON_PAGE)
		return 0;
	for (i = 0; i < memory->n; i++) {
		p->banks[i] = calloc(1, memory->banks[i].size / BALLOON_PAGE / 8 + 1);
		if (!p->banks[i])
			return -ENOMEM;
	}
	return 0;
}

void balloon_pages_destroy(struct balloon_pages *p)
{
	unsigned i;

	for (i = 0; i < RAM_BANKS_MAX; i++)
		free(p->banks[i]);
	*p = (struct balloon_pages){0};
}

/* In which bank a page is, and which of it; -1: it is no RAM. */
static int find(const struct balloon_pages *p, uint32_t pfn, uint64_t *page)
{
	uint64_t gpa = (uint64_t)pfn * BALLOON_PAGE;
	unsigned i;

	for (i = 0; i < p->memory->n; i++) {
		const struct ram_bank *b = &p->memory->banks[i];

		if (gpa >= b->gpa && gpa - b->gpa < b->size) {
			*page = (gpa - b->gpa) / BALLOON_PAGE;
			return (int)i;
		}
	}
	return -1;
}

static bool are_set(const uint8_t *bits, uint64_t first, uint64_t n)
{
	for (; n && bits[first / 8] >> first % 8 & 1; n--)
		first++;
	return !n;
}

struct range balloon_pages_add(struct balloon_pages *p, uint32_t pfn)
{
	uint64_t page, parts = p->memory->page / BALLOON_PAGE;
	int bank = find(p, pfn, &page);

	if (bank < 0)
		return (struct range){0};
	if (!p->banks[bank])
		return (struct range){(uint64_t)pfn * BALLOON_PAGE, BALLOON_PAGE};
	p->banks[bank][page / 8] |= (uint8_t)(1 << page % 8);
	page = align_down(page, parts);
	if ((page + parts) * BALLOON_PAGE > p->memory->banks[bank].size ||
	    !are_set(p->banks[bank], page, parts))
		return (struct range){0};
	return (struct range){p->memory->banks[bank].gpa + page * BALLOON_PAGE, p->memory->page};
}

void balloon_pages_remove(struct balloon_pages *p, uint32_t pfn)
{
	uint64_t page;
	int bank = find(p, pfn, &page);

	if (bank >= 0 && p->banks[bank])
		p->banks[bank][page / 8] &= (uint8_t) ~(1 << page % 8);
}
