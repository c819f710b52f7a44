/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A set of ranges that share nothing: pure. Its numbers may be of anything; here, of clusters. */
#ifndef CARILLON_DISK_QCOW2_REGIONS_H
#define CARILLON_DISK_QCOW2_REGIONS_H

#include "base.h"

struct qcow2_regions {
	struct range *ranges; /* in their order */
	size_t n, room;
};

/* Gather, in any order; r is not empty. 0 or -ENOMEM. Before any of the calls below, seal. */
int qcow2_regions_gather(struct qcow2_regions *s, struct range r);
/* 0; or -EEXIST: two share something, which is in *clash. */
int qcow2_regions_seal(struct qcow2_regions *s, struct range *clash);
/* Add one that shares nothing with the others. */
int qcow2_regions_add(struct qcow2_regions *s, struct range r);
/* Take one away that is in the set, as it was added. */
void qcow2_regions_remove(struct qcow2_regions *s, struct range r);
/* Does the set share something with r? */
bool qcow2_regions_touch(const struct qcow2_regions *s, struct range r);
void qcow2_regions_free(struct qcow2_regions *s);

#endif
