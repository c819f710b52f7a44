/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * rtas: the firmware's functions (PAPR 2.11, chapter 7). The guest passes the address of a block of
 * big-endian words: token, number of arguments, number of returns, arguments, returns.
 */
#ifndef CARILLON_POWERPC_RTAS_H
#define CARILLON_POWERPC_RTAS_H

#include "machine.h"

#define RTAS_SUCCESS	    0
#define RTAS_HARDWARE	    -1
#define RTAS_PARAMETER	    -3
#define RTAS_NO_ERROR_FOUND 1
#define RTAS_NOT_SUPPORTED  -3

#define RTAS_ARGS_MAX 16

struct rtas {
	struct vcpu *vcpu;
	struct ppc_machine *m;
	unsigned n_args, n_rets;
	uint32_t args[RTAS_ARGS_MAX];
	uint32_t rets[RTAS_ARGS_MAX]; /* after the status; 0 unless set */
};

/* A function. Returns the status. args: how many it wants; rets: the least, the status included. */
struct rtas_function {
	const char *name;
	unsigned args, rets;
	int (*call)(struct rtas *r); /* NULL: it directs a source, and KVM serves it */
};

/* All functions: the property of the device tree and the token are the place in this list. */
extern const struct rtas_function rtas_functions[];
extern const unsigned rtas_functions_count;
uint32_t rtas_token_at(unsigned index);
/* 0: there is no such function. */
uint32_t rtas_token(const char *name);

/* The machine code that a guest calls, big-endian; it makes the hypercall. */
extern const uint32_t rtas_code[];
#define RTAS_CODE_SIZE 20
/* What the guest leaves alone for it: a page of the largest kind. */
#define RTAS_ROOM GUEST_PAGE_MAX
/* H_RTAS. args: guest-physical address of the block. */
uint64_t rtas_call(struct vcpu *c, uint64_t args);

/* rtas_pci.c */
int rtas_read_config(struct rtas *r);
int rtas_write_config(struct rtas *r);
int rtas_ibm_read_config(struct rtas *r);
int rtas_ibm_write_config(struct rtas *r);
int rtas_change_msi(struct rtas *r);
int rtas_query_interrupt(struct rtas *r);
/* rtas_ddw.c */
int rtas_query_windows(struct rtas *r);
int rtas_create_window(struct rtas *r);
int rtas_remove_window(struct rtas *r);
int rtas_reset_windows(struct rtas *r);
/* The function that args[0] to args[2] name: address, BUID high and low; NULL: none. */
struct pci_function *rtas_pci_function(struct rtas *r);

#endif
