/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Between the parts of net/. Each adds files to a backend; on error net_open() closes them. */
#ifndef CARILLON_NET_INNER_H
#define CARILLON_NET_INNER_H

#include "net.h"

int net_open_tap(struct net_backend *b, const struct net_options *opt, struct error *err);
int net_open_fds(struct net_backend *b, const struct net_options *opt, struct error *err);
/* Run a program with one argument, and wait for it. Not through a shell. */
int net_run_script(const char *path, const char *ifname, struct error *err);

#endif
