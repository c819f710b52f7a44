/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What carillon vfio check says, for people and for programs. Pure: a report in, text out. */
#include "cmd.h"

static const char *kind_name(enum vfio_segment_kind kind)
{
	static const char *const names[] = {
		[SEGMENT_MAP] = "mapped",  [SEGMENT_DIRECT] = "trapped", [SEGMENT_QUIRK] = "quirk",
		[SEGMENT_TABLE] = "table", [SEGMENT_PBA] = "pba",	 [SEGMENT_EMPTY] = "empty",
	};

	return names[kind];
}

static const char *type_name(unsigned bar, uint32_t type)
{
	if (bar == PCI_ROM)
		return "expansion ROM";
	if (type & PCI_BASE_ADDRESS_SPACE_IO)
		return "I/O ports";
	if (type & PCI_BASE_ADDRESS_MEM_TYPE_64)
		return type & PCI_BASE_ADDRESS_MEM_PREFETCH ? "64-bit prefetchable memory"
							    : "64-bit memory";
	return type & PCI_BASE_ADDRESS_MEM_PREFETCH ? "32-bit prefetchable memory"
						    : "32-bit memory";
}

/* The option of run that moves the table so; "" where it is not moved. */
static void relocation_option(char text[32], enum vfio_relocation relocation)
{
	*text = 0;
	if (relocation == VFIO_RELOCATE_AUTO)
		snprintf(text, 32, "msix-relocation=auto");
	else if (relocation != VFIO_RELOCATE_OFF)
		snprintf(text, 32, "msix-relocation=bar%u",
			 (unsigned)relocation - VFIO_RELOCATE_BAR0);
}

/* The kernel parameter that gives each BAR a page (Linux' kernel-parameters.txt, pci=). */
static void alignment_parameter(char text[64], const struct vfio_report *r)
{
	snprintf(text, 64, "pci=resource_alignment=%d@%s", __builtin_ctzll(r->facts.page_size),
		 r->host.bdf);
}

/* ---- for people ---------------------------------------------------------------------------- */

static void write_heading(const struct vfio_report *r, struct text *t)
{
	char size[SIZE_TEXT], group[24] = "in no IOMMU group";

	if (r->host.group >= 0)
		snprintf(group, sizeof(group), "group %d", r->host.group);
	text_add(t, "vfio %s: %04x:%04x, class %06x, %s, bound to %s; pages of this host: %s\n",
		 r->host.bdf, r->host.vendor, r->host.device, r->host.class, group,
		 *r->host.driver ? r->host.driver : "no driver",
		 size_text(size, r->facts.page_size));
	if (r->predicted)
		text_add(
			t,
			"predicted from sysfs; VFIO itself is asked after: carillon vfio bind %s\n",
			r->host.bdf);
}

static void write_segment(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
			  struct text *t)
{
	char first[24], size[SIZE_TEXT];
	struct text why = {0};

	vfio_explain(r, bar, s, &why);
	snprintf(first, sizeof(first), "0x%llx", (unsigned long long)s->offset);
	text_add(t, "%14s-0x%-10llx %7s  ", first, (unsigned long long)(s->offset + s->size - 1),
		 size_text(size, s->size));
	if (why.len)
		text_add(t, "%-7s  %s\n", kind_name(s->kind), why.data);
	else
		text_add(t, "%s\n", kind_name(s->kind));
	text_free(&why);
}

static void write_bar(const struct vfio_report *r, unsigned bar, struct text *t)
{
	const struct vfio_bar_plan *b = &r->plan.bars[bar];
	char size[SIZE_TEXT];
	unsigned i;

	if (!b->size)
		return;
	if (bar == PCI_ROM)
		text_add(t, "\n%s", type_name(bar, b->type));
	else
		text_add(t, "\nBAR %u: %s", bar, type_name(bar, b->type));
	if (r->facts.bars[bar].size)
		text_add(t, ", %s", size_text(size, r->facts.bars[bar].size));
	else
		text_add(t, ", which the device has not");
	if (b->size != r->facts.bars[bar].size)
		text_add(t, ", to the guest %s", size_text(size, b->size));
	text_add(t, "\n");
	for (i = 0; i < b->n; i++)
		write_segment(r, bar, &b->segments[i], t);
}

static void write_msix(const struct vfio_report *r, struct text *t)
{
	if (!r->facts.entries) {
		text_add(t, "\nno MSI-X\n");
		return;
	}
	text_add(
		t,
		"\nMSI-X: %u vectors, table in BAR %u at 0x%llx, pending bits in BAR %u at 0x%llx; "
		"%s\n",
		r->facts.entries, r->plan.table.bar, (unsigned long long)r->plan.table.offset,
		r->plan.pba.bar, (unsigned long long)r->plan.pba.offset,
		vfio_msix_is_virtual(&r->facts, &r->plan)
			? "the guest has a virtual table, and each access to it is an exit"
			: "the guest has the device's own table, and reaches it directly");
	if (r->plan.relocated)
		text_add(t, "The table was moved, and %llu bytes are mapped because of it.\n",
			 (unsigned long long)r->plan.made_direct);
}

/* Which BARs would get a page: those that are smaller and can't be mapped. */
static void write_small_bars(const struct vfio_report *r, struct text *t)
{
	const char *glue = "pages of their own for BAR";
	unsigned bar;

	for (bar = 0; bar < PCI_BARS; bar++) {
		const struct vfio_bar_facts *b = &r->facts.bars[bar];

		if (!b->size || b->size >= r->facts.page_size || b->mmap ||
		    b->type & PCI_BASE_ADDRESS_SPACE_IO)
			continue;
		text_add(t, "%s %u", glue, bar);
		glue = ",";
	}
}

/* Does it ask for another msix-relocation than the report was made with? */
static bool is_move(const struct vfio_report *r, const struct vfio_advice *a)
{
	return a->relocation != r->facts.relocation;
}

static void write_advice(const struct vfio_report *r, const struct vfio_advice *a, struct text *t)
{
	char option[32], parameter[64];

	relocation_option(option, a->relocation);
	alignment_parameter(parameter, r);
	if (a->align)
		text_add(t, "%s on the host's kernel command line%s", parameter,
			 is_move(r, a) ? " and " : "");
	text_add(t, "%s would map %llu more bytes (", is_move(r, a) ? option : "",
		 (unsigned long long)a->bytes);
	if (a->align)
		write_small_bars(r, t);
	if (is_move(r, a))
		text_add(t, "%stable in BAR %u%s at 0x%llx", a->align ? "; " : "", a->table.bar,
			 r->facts.bars[a->table.bar].size ? "" : ", which the device has not,",
			 (unsigned long long)a->table.offset);
	text_add(t, ")\n");
}

/* Wherever the table goes, what it leaves behind is the same. */
static void write_other_bars(const struct vfio_report *r, struct text *t)
{
	const char *glue = "the same with msix-relocation=";
	unsigned i;

	for (i = 1; i < r->n_advice && !r->advice[i].align; i++) {
		text_add(t, "%sbar%u", glue, r->advice[i].table.bar);
		glue = ", ";
	}
	if (i > 1)
		text_add(t, "\n");
}

static void write_all_advice(const struct vfio_report *r, struct text *t)
{
	unsigned i;

	if (r->n_advice && !r->advice[0].align) {
		write_advice(r, &r->advice[0], t);
		write_other_bars(r, t);
	} else if (r->facts.entries && r->facts.relocation == VFIO_RELOCATE_OFF) {
		text_add(t, "no msix-relocation alone would map more\n");
	}
	for (i = 0; i < r->n_advice; i++)
		if (r->advice[i].align)
			write_advice(r, &r->advice[i], t);
}

void check_text(const struct vfio_report *r, struct text *t)
{
	unsigned bar;

	write_heading(r, t);
	for (bar = 0; bar <= PCI_ROM; bar++)
		write_bar(r, bar, t);
	write_msix(r, t);
	write_all_advice(r, t);
}

/* ---- for programs -------------------------------------------------------------------------- */

static void put_segment(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
			struct json *j)
{
	struct text why = {0};

	vfio_explain(r, bar, s, &why);
	json_open(j, NULL, '{');
	json_number(j, "offset", s->offset);
	json_number(j, "size", s->size);
	json_string(j, "kind", kind_name(s->kind));
	json_string(j, "why", why.data ? why.data : "");
	json_close(j, '}');
	text_free(&why);
}

static void put_bar(const struct vfio_report *r, unsigned bar, struct json *j)
{
	const struct vfio_bar_plan *b = &r->plan.bars[bar];
	unsigned i;

	json_open(j, NULL, '{');
	json_number(j, "bar", bar);
	json_string(j, "type", type_name(bar, b->type));
	json_number(j, "size", r->facts.bars[bar].size);
	json_number(j, "guest_size", b->size);
	json_open(j, "segments", '[');
	for (i = 0; i < b->n; i++)
		put_segment(r, bar, &b->segments[i], j);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_place(struct json *j, const char *name, struct vfio_place place)
{
	json_open(j, name, '{');
	json_number(j, "bar", place.bar);
	json_number(j, "offset", place.offset);
	json_close(j, '}');
}

static void put_msix(const struct vfio_report *r, struct json *j)
{
	json_open(j, "msix", '{');
	json_number(j, "vectors", r->facts.entries);
	if (r->facts.entries) {
		json_string(j, "access",
			    vfio_msix_is_virtual(&r->facts, &r->plan) ? "virtual" : "direct");
		put_place(j, "table", r->plan.table);
		put_place(j, "pba", r->plan.pba);
		json_bool(j, "relocated", r->plan.relocated);
		json_number(j, "made_direct", r->plan.made_direct);
	}
	json_close(j, '}');
}

static void put_advice(const struct vfio_report *r, const struct vfio_advice *a, struct json *j)
{
	char option[32], parameter[64];

	relocation_option(option, a->relocation);
	alignment_parameter(parameter, r);
	json_open(j, NULL, '{');
	json_string(j, "option", is_move(r, a) ? option : "");
	json_string(j, "host_parameter", a->align ? parameter : "");
	json_number(j, "bytes", a->bytes);
	put_place(j, "table", a->table);
	json_close(j, '}');
}

void check_json(const struct vfio_report *r, struct text *t)
{
	struct json j = {.out = t};
	unsigned i;

	json_open(&j, NULL, '{');
	json_string(&j, "bdf", r->host.bdf);
	json_string(&j, "driver", r->host.driver);
	json_bool(&j, "predicted", r->predicted);
	json_number(&j, "page_size", r->facts.page_size);
	json_open(&j, "bars", '[');
	for (i = 0; i <= PCI_ROM; i++)
		if (r->plan.bars[i].size)
			put_bar(r, i, &j);
	json_close(&j, ']');
	put_msix(r, &j);
	json_open(&j, "advice", '[');
	for (i = 0; i < r->n_advice; i++)
		put_advice(r, &r->advice[i], &j);
	json_close(&j, ']');
	json_close(&j, '}');
}
