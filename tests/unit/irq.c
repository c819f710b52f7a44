/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vm: the table of interrupt routes, as KVM gets to see it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "irq.h"

/* An irqchip by its number: their names are the architecture's. */
#define CHIP 2

struct fake {
	unsigned calls, nr;
	struct kvm_irq_routing_entry entries[64];
	int refuse;
	bool level;
};

static int set_routes(void *opaque, const struct kvm_irq_routing *routing)
{
	struct fake *f = opaque;

	f->calls++;
	if (f->refuse)
		return f->refuse;
	cr_assert_leq(routing->nr, ARRAY_SIZE(f->entries));
	f->nr = routing->nr;
	memcpy(f->entries, routing->entries, routing->nr * sizeof(f->entries[0]));
	return 0;
}

static int line(void *opaque, uint32_t gsi, bool level)
{
	struct fake *f = opaque;

	(void)gsi;
	f->calls++;
	f->level = level;
	return 0;
}

static const struct irq_backend backend = {.set_routes = set_routes, .line = line};

static const struct kvm_irq_routing_entry *entry(const struct fake *f, unsigned gsi)
{
	unsigned i;

	for (i = 0; i < f->nr; i++)
		if (f->entries[i].gsi == gsi)
			return &f->entries[i];
	return NULL;
}

Test(irq, routes_reach_kvm_in_batches_and_only_when_they_change)
{
	struct msi_message msg = {.address = 0xfee01000, .data = 0x41, .devid = 8};
	struct fake f = {0};
	struct irq_table t;
	int a, b;

	cr_assert_eq(irq_table_init(&t, 4, 8, &backend, &f, NULL), 0);
	irq_begin(&t);
	cr_assert_eq(irq_route_pin(&t, 0, CHIP, 2), 0);
	cr_assert_eq(irq_route_pin(&t, 3, CHIP, 3), 0);
	cr_assert_eq(f.calls, 0);
	cr_assert_eq(irq_commit(&t), 0);
	cr_assert_eq(f.calls, 1);

	a = irq_alloc(&t);
	b = irq_alloc(&t);
	cr_assert_eq(a, 4);
	cr_assert_eq(b, 5);
	cr_assert_eq(irq_route_msi(&t, 4, &msg), 0);
	cr_assert_eq(f.nr, 3);
	cr_assert_eq(entry(&f, 0)->u.irqchip.pin, 2, "the board's pin is untouched");
	cr_assert_eq(entry(&f, 4)->type, KVM_IRQ_ROUTING_MSI);
	cr_assert_eq(entry(&f, 4)->u.msi.address_lo, 0xfee01000);
	cr_assert_eq(entry(&f, 4)->u.msi.data, 0x41);
	cr_assert_eq(entry(&f, 4)->flags, 0, "no device ID where KVM has none");
	f.calls = 0;
	cr_assert_eq(irq_route_msi(&t, 4, &msg), 0);
	cr_assert_eq(f.calls, 0, "the same message again");
	msg.data = 0x42;
	cr_assert_eq(irq_route_msi(&t, 4, &msg), 0);
	cr_assert_eq(f.calls, 1);
	cr_assert_eq(f.nr, 3, "changed, not added");
	irq_free(&t, 4);
	cr_assert_null(entry(&f, 4));
	cr_assert_eq(irq_alloc(&t), 4, "a freed GSI is used again");
	irq_table_destroy(&t);
}

Test(irq, runs_out_and_says_so)
{
	struct fake f = {0};
	struct irq_table t;
	int i;

	cr_assert_eq(irq_table_init(&t, 24, 30, &backend, &f, NULL), 0);
	for (i = 24; i < 30; i++)
		cr_assert_eq(irq_alloc(&t), i);
	cr_assert_eq(irq_alloc(&t), -ENOSPC);
	irq_table_destroy(&t);
}

/* KVM counts the table's entries: a second pin on a GSI takes one away from the messages. */
Test(irq, the_table_is_never_longer_than_kvm_takes)
{
	struct msi_message msg = {.address = 0xfee00000};
	struct fake f = {0};
	struct irq_table t;
	unsigned i;
	int gsi;

	cr_assert_eq(irq_table_init(&t, 4, 12, &backend, &f, NULL), 0);
	for (i = 0; i < 6; i++)
		cr_assert_eq(irq_route_pin(&t, i % 4, i / 4, i), 0);
	while ((gsi = irq_alloc(&t)) >= 0)
		cr_assert_eq(irq_route_msi(&t, (unsigned)gsi, &msg), 0);
	cr_assert_eq(gsi, -ENOSPC);
	cr_assert_eq(f.nr, 12, "%u", f.nr);
	irq_table_destroy(&t);
}

Test(irq, the_device_id_travels_where_kvm_wants_it)
{
	struct msi_message msg = {.address = 0x8080040, .data = 3, .devid = 0x10};
	struct fake f = {0};
	struct irq_table t;

	cr_assert_eq(irq_table_init(&t, 0, 8, &backend, &f, NULL), 0);
	t.msi_devid = true;
	cr_assert_eq(irq_route_msi(&t, (unsigned)irq_alloc(&t), &msg), 0);
	cr_assert_eq(entry(&f, 0)->flags, KVM_MSI_VALID_DEVID);
	cr_assert_eq(entry(&f, 0)->u.msi.devid, 0x10);
	irq_table_destroy(&t);
}

Test(irq, a_refused_table_is_sent_again)
{
	struct msi_message msg = {.address = 0xfee00000};
	struct fake f = {.refuse = -EINVAL};
	struct irq_table t;

	cr_assert_eq(irq_table_init(&t, 0, 8, &backend, &f, NULL), 0);
	cr_assert_eq(irq_route_msi(&t, (unsigned)irq_alloc(&t), &msg), -EINVAL);
	f.refuse = 0;
	irq_begin(&t);
	cr_assert_eq(irq_commit(&t), 0);
	cr_assert_eq(f.nr, 1);
	irq_table_destroy(&t);
}

Test(irq, a_shared_line_is_up_while_anybody_holds_it)
{
	struct fake f = {0};
	struct irq_table t;

	cr_assert_eq(irq_table_init(&t, 24, 30, &backend, &f, NULL), 0);
	cr_assert(!irq_is_up(&t, 23));
	irq_line(&t, 23, true);
	irq_line(&t, 23, true);
	cr_assert(f.level && irq_is_up(&t, 23));
	irq_line(&t, 23, false);
	cr_assert(f.level && irq_is_up(&t, 23), "the other one still wants service");
	irq_line(&t, 23, false);
	cr_assert(!f.level && !irq_is_up(&t, 23));
	cr_assert_eq(f.calls, 2);
	irq_table_destroy(&t);
}
