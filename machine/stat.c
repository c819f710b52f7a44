/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What a running machine says of itself: state and counters, as JSON. */
#include <unistd.h>

#include "machine.h"

static void stat_exits(struct machine *m, struct json *j)
{
	static const char *const names[EXIT_KINDS] = {"io",	   "mmio",   "halt",
						      "hypercall", "signal", "other"};
	uint64_t total = 0, sum;
	unsigned kind, i;

	json_open(j, "exits", '{');
	for (kind = 0; kind < EXIT_KINDS; kind++) {
		sum = 0;
		for (i = 0; i < m->vm.n_vcpus; i++)
			sum += atomic_load(&m->vm.vcpus[i].exits[kind]);
		json_number(j, names[kind], sum);
		total += sum;
	}
	json_number(j, "total", total);
	json_close(j, '}');
}

void machine_stat(struct machine *m, struct text *out)
{
	struct json j = {.out = out};

	json_open(&j, NULL, '{');
	json_string(&j, "name", m->config->name);
	json_number(&j, "pid", (uint64_t)getpid());
	json_string(&j, "state", m->paused ? "paused" : "running");
	json_number(&j, "boots", m->boots);
	json_number(&j, "cpus", m->vm.n_vcpus);
	json_number(&j, "memory", guest_memory_size(&m->vm.memory));
	stat_exits(m, &j);
	json_number(&j, "console_accesses", atomic_load(&m->serial.accesses));
	arch_stat(&m->vm, &j);
	vfio_stat(&m->vfio, &j);
	virtio_stat(&m->virtio, &j);
	json_close(&j, '}');
	text_add(out, "\n");
}
