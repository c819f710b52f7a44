/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The address spaces of a running machine, for people and programs to read: who serves each range,
 * whose region it is, and which regions it hides.
 */
#include <stdlib.h>

#include "machine.h"

/* A guest may put all its BARs on one another: so many of them are named. */
#define HIDDEN_NAMED 4
#define OWNER_TEXT   64
/* More than a range takes with the regions it hides, and the end of the reply after it. */
#define RANGE_TEXT 1024

static const char *owner_text(char text[OWNER_TEXT], const struct region *r)
{
	snprintf(text, OWNER_TEXT, "%s%s%s", r->name, r->part ? " " : "", r->part ?: "");
	return text;
}

static const char *kind_text(enum space_part_kind kind)
{
	static const char *const names[] = {"ram", "rom", "mapped", "direct", "trapped"};

	return names[kind];
}

/* The other regions that have bytes in this part, the first few by name. Returns how many. */
static unsigned hidden_by(const struct space_part *p, const struct region *regions,
			  const struct region *named[HIDDEN_NAMED])
{
	const struct region *r;
	unsigned n = 0;

	for (r = regions; r; r = r->next) {
		if (r == p->region || !ranges_overlap((struct range){r->base, r->size}, p->range))
			continue;
		if (n < HIDDEN_NAMED)
			named[n] = r;
		n++;
	}
	return n;
}

static bool is_whole(const struct region *r, const struct space_part *p)
{
	return range_contains(p->range, (struct range){r->base, r->size});
}

static void put_line(const struct space_part *p, const struct region *regions, struct text *out)
{
	const struct region *hidden[HIDDEN_NAMED];
	unsigned n = hidden_by(p, regions, hidden), i;
	char first[24], last[24], size[SIZE_TEXT], owner[OWNER_TEXT];

	snprintf(first, sizeof(first), "0x%llx", (unsigned long long)p->range.base);
	snprintf(last, sizeof(last), "0x%llx", (unsigned long long)range_last(p->range));
	text_add(out, "%15s-%-15s %8s  %-7s  %8d  %-*s", first, last,
		 size_text(size, p->range.size), kind_text(p->kind), p->region->priority,
		 n || p->ioeventfds ? 24 : 0, owner_text(owner, p->region));
	if (p->ioeventfds)
		text_add(out, "  ioeventfds: %u", p->ioeventfds);
	for (i = 0; i < n && i < HIDDEN_NAMED; i++)
		text_add(out, "%s%s%s", i ? ", " : "  hides ",
			 is_whole(hidden[i], p) ? "" : "part of ", owner_text(owner, hidden[i]));
	if (n > HIDDEN_NAMED)
		text_add(out, " and %u more", n - HIDDEN_NAMED);
	text_add(out, "\n");
}

static void put_json(const struct space_part *p, const struct region *regions, struct json *j)
{
	const struct region *hidden[HIDDEN_NAMED];
	unsigned n = hidden_by(p, regions, hidden), i;
	char owner[OWNER_TEXT];

	json_open(j, NULL, '{');
	json_address(j, "base", p->range.base);
	json_address(j, "last", range_last(p->range));
	json_string(j, "kind", kind_text(p->kind));
	json_string(j, "owner", owner_text(owner, p->region));
	json_signed(j, "priority", p->region->priority);
	json_number(j, "ioeventfds", p->ioeventfds);
	json_number(j, "hidden", n);
	json_open(j, "hides", '[');
	for (i = 0; i < n && i < HIDDEN_NAMED; i++) {
		json_open(j, NULL, '{');
		json_string(j, "owner", owner_text(owner, hidden[i]));
		json_bool(j, "whole", is_whole(hidden[i], p));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

/* Ranges that would not fit are left out. Returns how many. */
static unsigned put_parts(struct space *s, struct json *j, struct text *out)
{
	const struct view *view;
	struct space_part *parts;
	unsigned n = 0, i;

	space_begin(s);
	view = atomic_load(&s->current);
	parts = calloc(3 * (size_t)view->n + 1, sizeof(*parts));
	if (parts)
		n = view_parts(view, s->slots, s->n_slots, parts);
	else
		out->failed = true;
	for (i = 0; i < n && out->len + RANGE_TEXT <= CONTROL_REPLY; i++)
		if (j)
			put_json(&parts[i], s->regions, j);
		else
			put_line(&parts[i], s->regions, out);
	free(parts);
	space_commit(s, NULL);
	return n - i;
}

static void spaces_json(struct space *const spaces[2], struct text *out)
{
	struct json j = {.out = out};
	unsigned i, left_out = 0;

	json_open(&j, NULL, '{');
	for (i = 0; i < 2; i++) {
		json_open(&j, spaces[i]->name, '[');
		left_out += put_parts(spaces[i], &j, out);
		json_close(&j, ']');
	}
	json_number(&j, "left_out", left_out);
	json_close(&j, '}');
	text_add(out, "\n");
}

static void spaces_text(struct space *const spaces[2], struct text *out)
{
	unsigned i, left_out;

	for (i = 0; i < 2; i++) {
		text_add(out, "%s address space:\n%15s-%-15s %8s  %-7s  %8s  %s\n", spaces[i]->name,
			 "first", "last", "size", "kind", "priority", "owner");
		left_out = put_parts(spaces[i], NULL, out);
		if (left_out)
			text_add(out, "%15s and %u more\n", "", left_out);
	}
}

void machine_spaces(struct space *memory, struct space *ports, bool as_json, struct text *out)
{
	struct space *const spaces[2] = {memory, ports};

	if (as_json)
		spaces_json(spaces, out);
	else
		spaces_text(spaces, out);
}
