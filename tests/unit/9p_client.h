/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* 9p_client: what a guest would say to a 9P server, in a folder of the test's own. */
#ifndef CARILLON_TESTS_9P_CLIENT_H
#define CARILLON_TESTS_9P_CLIENT_H

#include "../../virtio/9p_server.h"
#include "folder.h"

struct p9_client {
	struct p9_server server;
	char base[FOLDER_PATH]; /* the test's folder; the share is "tree" in it */
	uint8_t sent[32768], got[32768];
	size_t room;	   /* for a reply */
	struct p9_out out; /* the request that is written */
	struct p9_in in;   /* the reply that is read, behind its header */
};

/* A folder in which `commands` have run, shared and attached as fid 0. */
void p9_client_open(struct p9_client *c, const char *commands, bool readonly);
void p9_client_close(struct p9_client *c);
/* Begin a request; its fields are put to c->out. */
struct p9_out *p9_ask(struct p9_client *c, uint8_t type);
/* Send it; 0, with the reply in c->in, or -errno as the server said. The frame is checked. */
int p9_send(struct p9_client *c);
/* Walk from fid to newfid by names that '/' separates; "" clones. How many names were found. */
int p9_go(struct p9_client *c, uint32_t fid, uint32_t newfid, const char *path);
int p9_open_fid(struct p9_client *c, uint32_t fid, uint32_t flags);
int p9_drop(struct p9_client *c, uint32_t fid);

#endif
