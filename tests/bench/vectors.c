/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vectors: how long it takes to set up the 2048 vectors of the largest MSI-X table, in this
 * machine's KVM: as one batch (the guest unmasks the function) and one by one (it unmasks each
 * vector). See tests/bench/vectors.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arch.h"

#define VECTORS	   PCI_MSIX_ENTRIES_MAX
#define ROUNDS_MAX 99

/* One way of setting up, and what it took. */
struct way {
	const char *name;
	bool batch;
	double ms[ROUNDS_MAX];
	unsigned route_calls, source_calls;
};

/* Stands between the interrupt table and KVM, and counts. */
struct counter {
	const struct irq_backend *kvm;
	void *opaque;
	unsigned route_calls;
};

static int set_routes(void *opaque, const struct kvm_irq_routing *routing)
{
	struct counter *c = opaque;

	c->route_calls++;
	return c->kvm->set_routes(c->opaque, routing);
}

static int irqfd(void *opaque, const struct kvm_irqfd *fd)
{
	struct counter *c = opaque;

	return c->kvm->irqfd(c->opaque, fd);
}

static const struct irq_backend counting = {.set_routes = set_routes, .irqfd = irqfd};

/* The device: its calls are only counted. */
static int source_enable(void *opaque, unsigned n, const int *fds)
{
	(void)opaque, (void)n, (void)fds;
	return 0;
}

static int source_arm(void *opaque, unsigned first, unsigned n, const int *fds)
{
	unsigned *calls = opaque;

	(void)first, (void)n, (void)fds;
	++*calls;
	return 0;
}

static void source_disable(void *opaque)
{
	(void)opaque;
}

static const struct msi_source_ops source = {source_enable, source_arm, source_disable, NULL};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* From the guest's first write to the table to the last vector that may fire. */
static int set_up(struct vm *vm, struct way *way, unsigned round)
{
	struct counter *c = vm->irqs.opaque;
	struct msi_engine e;
	double begin;
	unsigned v, attached;
	uint64_t failures;

	c->route_calls = way->source_calls = 0;
	if (msi_engine_init(&e, "bench", VECTORS, false, &vm->irqs, &source, &way->source_calls))
		return -ENOMEM;
	msi_engine_mask_function(&e, way->batch);
	msi_engine_enable(&e, VECTORS);
	begin = now_ms();
	for (v = 0; v < VECTORS; v++) {
		struct msi_message msg = {.address = 0xfee00000, .data = 0x20 + v % 0xd0};

		msi_engine_set_message(&e, v, &msg);
		msi_engine_mask(&e, v, false);
	}
	msi_engine_mask_function(&e, false);
	way->ms[round] = now_ms() - begin;
	way->route_calls = c->route_calls;
	attached = msi_engine_attached(&e);
	failures = atomic_load(&e.failures);
	msi_engine_destroy(&e);
	return failures || attached != VECTORS ? -EIO : 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(struct way *way, unsigned rounds)
{
	qsort(way->ms, rounds, sizeof(way->ms[0]), compare);
	return way->ms[rounds / 2];
}

static int measure(struct vm *vm, struct way ways[2], unsigned rounds)
{
	unsigned round, i;
	int ret = 0;

	for (round = 0; round < rounds && !ret; round++)
		for (i = 0; i < 2 && !ret; i++)
			ret = set_up(vm, &ways[(round + i) % 2], round);
	return ret;
}

/* False: the batch is no batch, or not worth its while. */
static bool report(struct way ways[2], unsigned rounds)
{
	double ratio = median(&ways[0], rounds) / median(&ways[1], rounds);
	unsigned i;

	printf("%u vectors, medians of %u rounds\n%-12s %10s %20s %18s\n", VECTORS, rounds, "",
	       "ms", "KVM_SET_GSI_ROUTING", "calls to the device");
	for (i = 0; i < 2; i++)
		printf("%-12s %10.1f %20u %18u\n", ways[i].name, median(&ways[i], rounds),
		       ways[i].route_calls, ways[i].source_calls);
	printf("ratio %.3f, at most 0.1 wanted\n", ratio);
	return ways[0].route_calls == 1 && ways[0].source_calls == 1 && ratio <= 0.1;
}

int main(int argc, char **argv)
{
	struct way ways[2] = {{.name = "batch", .batch = true}, {.name = "one by one"}};
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5;
	struct arch_config config = {.cpus = 1};
	struct counter counter;
	struct error err = {0};
	struct vm vm;
	bool good = false;
	int ret;

	if (!rounds || rounds > ROUNDS_MAX) {
		warn("usage: vectors [ROUNDS], at most %u", ROUNDS_MAX);
		return 2;
	}
	ret = vm_create(&vm, NULL, &arch_vm_ops, &err);
	if (ret) {
		warn("%s", err.text);
		return 1;
	}
	counter = (struct counter){vm.irqs.backend, vm.irqs.opaque, 0};
	vm.irqs.backend = &counting;
	vm.irqs.opaque = &counter;
	ret = vm_allow_files(VECTORS + 64, &err) ?: arch_create(&vm, &config, &err);
	if (ret) {
		warn("%s", err.text);
	} else {
		ret = measure(&vm, ways, rounds);
		if (ret)
			warn("KVM did not take all vectors: %s", strerror(-ret));
		else
			good = report(ways, rounds);
	}
	arch_destroy(&vm);
	vm_destroy(&vm);
	return !good;
}
