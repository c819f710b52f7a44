/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* RTAS: from the block in guest memory to a function and back; and those functions that are short.
 */
#include "rtas.h"

#include <endian.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "calendar.h"
#include "hcall.h"

#define TOKEN_BASE 0x2000

/* query-cpu-stopped-state. */
#define CPU_STOPPED	0
#define CPU_NOT_STOPPED 2

/* mr r4,r3; lis r3,0; ori r3,r3,H_RTAS; sc 1; blr. RTAS is called big-endian. */
const uint32_t rtas_code[] = {0x7c641b78, 0x3c600000, 0x60630000 | H_RTAS, 0x44000022, 0x4e800020};

static int display_character(struct rtas *r)
{
	char c = (char)r->args[0];

	return write(r->m->vty.out_fd, &c, 1) == 1 ? RTAS_SUCCESS : RTAS_HARDWARE;
}

static int get_time_of_day(struct rtas *r)
{
	struct calendar c;

	calendar_date(time(NULL) + r->m->clock_offset, &c);
	r->rets[0] = c.year;
	r->rets[1] = c.month;
	r->rets[2] = c.day;
	r->rets[3] = c.hour;
	r->rets[4] = c.minute;
	r->rets[5] = c.second;
	return RTAS_SUCCESS;
}

static int set_time_of_day(struct rtas *r)
{
	struct calendar c = {r->args[0], r->args[1], r->args[2],
			     r->args[3], r->args[4], r->args[5]};
	int64_t wanted;

	if (calendar_seconds(&c, &wanted))
		return RTAS_PARAMETER;
	r->m->clock_offset = wanted - time(NULL);
	return RTAS_SUCCESS;
}

static int power_off(struct rtas *r)
{
	vm_end(r->m->vm, VM_POWEROFF, "the guest powered off");
	return RTAS_SUCCESS;
}

static int system_reboot(struct rtas *r)
{
	vm_end(r->m->vm, VM_RESET, "the guest asked for a reset");
	return RTAS_SUCCESS;
}

static struct vcpu *cpu_of(struct rtas *r)
{
	return r->args[0] < r->m->vm->n_vcpus ? &r->m->vm->vcpus[r->args[0]] : NULL;
}

static int query_cpu_stopped_state(struct rtas *r)
{
	const struct vcpu *c = cpu_of(r);

	if (!c)
		return RTAS_PARAMETER;
	r->rets[0] = atomic_load(&c->held) ? CPU_STOPPED : CPU_NOT_STOPPED;
	return RTAS_SUCCESS;
}

/* args: CPU, address, what r3 gets. */
static int start_cpu(struct rtas *r)
{
	struct vcpu *c = cpu_of(r);

	if (!c || !atomic_load(&c->held))
		return RTAS_PARAMETER;
	if (vcpu_begin(c, r->args[1], r->args[2]))
		return RTAS_HARDWARE;
	vcpu_release(c);
	return RTAS_SUCCESS;
}

static int stop_self(struct rtas *r)
{
	r->m->stopping[r->vcpu->index] = true;
	return RTAS_SUCCESS;
}

/* Neither errors nor events are ever pending: an assigned device's errors end the machine. */
static int check_exception(struct rtas *r)
{
	(void)r;
	return RTAS_NO_ERROR_FOUND;
}

static int get_system_parameter(struct rtas *r)
{
	(void)r;
	return RTAS_NOT_SUPPORTED;
}

const struct rtas_function rtas_functions[] = {
	{"display-character", 1, 1, display_character},
	{"get-time-of-day", 0, 8, get_time_of_day},
	{"set-time-of-day", 7, 1, set_time_of_day},
	{"power-off", 2, 1, power_off},
	{"system-reboot", 0, 1, system_reboot},
	{"query-cpu-stopped-state", 1, 2, query_cpu_stopped_state},
	{"start-cpu", 3, 1, start_cpu},
	{"stop-self", 0, 1, stop_self},
	{"check-exception", 6, 1, check_exception},
	{"event-scan", 4, 1, check_exception},
	{"ibm,get-system-parameter", 3, 1, get_system_parameter},
	{"read-pci-config", 2, 2, rtas_read_config},
	{"write-pci-config", 3, 1, rtas_write_config},
	{"ibm,read-pci-config", 4, 2, rtas_ibm_read_config},
	{"ibm,write-pci-config", 5, 1, rtas_ibm_write_config},
	{"ibm,change-msi", 6, 3, rtas_change_msi},
	{"ibm,query-interrupt-source-number", 4, 3, rtas_query_interrupt},
	{"ibm,query-pe-dma-window", 3, 5, rtas_query_windows},
	{"ibm,create-pe-dma-window", 5, 4, rtas_create_window},
	{"ibm,remove-pe-dma-window", 1, 1, rtas_remove_window},
	{"ibm,reset-pe-dma-window", 3, 1, rtas_reset_windows},
	{"ibm,set-xive", 3, 1, NULL},
	{"ibm,get-xive", 1, 3, NULL},
	{"ibm,int-off", 1, 1, NULL},
	{"ibm,int-on", 1, 1, NULL},
};
const unsigned rtas_functions_count = ARRAY_SIZE(rtas_functions);

uint32_t rtas_token_at(unsigned index)
{
	return TOKEN_BASE + index;
}

uint32_t rtas_token(const char *name)
{
	unsigned i;

	for (i = 0; i < rtas_functions_count; i++)
		if (!strcmp(rtas_functions[i].name, name))
			return rtas_token_at(i);
	return 0;
}

static int dispatch(struct rtas *r, uint32_t token)
{
	const struct rtas_function *f;

	if (token < TOKEN_BASE || token - TOKEN_BASE >= rtas_functions_count)
		return RTAS_PARAMETER;
	f = &rtas_functions[token - TOKEN_BASE];
	if (!f->call || r->n_args != f->args || r->n_rets < f->rets)
		return RTAS_PARAMETER;
	return f->call(r);
}

/* The block is the guest's, and may change while it is looked at: it is copied once. */
uint64_t rtas_call(struct vcpu *c, uint64_t args)
{
	struct ppc_machine *m = c->vm->arch;
	struct guest_memory *mem = &c->vm->memory;
	struct rtas r = {.vcpu = c, .m = m};
	uint32_t words[3 + RTAS_ARGS_MAX], rets[RTAS_ARGS_MAX];
	uint64_t at = args + sizeof(uint32_t) * 3;
	unsigned i;

	atomic_fetch_add_explicit(&m->rtas_calls, 1, memory_order_relaxed);
	if (guest_memory_read(mem, args, words, 3 * sizeof(words[0])))
		return H_PARAMETER;
	r.n_args = be32toh(words[1]);
	r.n_rets = be32toh(words[2]);
	if (r.n_args > RTAS_ARGS_MAX || r.n_rets > RTAS_ARGS_MAX - r.n_args ||
	    guest_memory_read(mem, at, words + 3, r.n_args * sizeof(words[0])))
		return H_PARAMETER;
	for (i = 0; i < r.n_args; i++)
		r.args[i] = be32toh(words[3 + i]);
	/* A call that may not be answered may not be carried out either. */
	if (!guest_memory_at(mem, at, (r.n_args + r.n_rets) * sizeof(words[0])))
		return H_PARAMETER;
	rets[0] = htobe32((uint32_t)dispatch(&r, be32toh(words[0])));
	for (i = 1; i < r.n_rets; i++)
		rets[i] = htobe32(r.rets[i - 1]);
	if (r.n_rets)
		guest_memory_write(mem, at + r.n_args * sizeof(words[0]), rets,
				   r.n_rets * sizeof(rets[0]));
	return H_SUCCESS;
}
