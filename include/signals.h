/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* signals: those that ask the process to stop. */
#ifndef CARILLON_SIGNALS_H
#define CARILLON_SIGNALS_H

#include <signal.h>

/* Without those that whoever started us has ignored. */
sigset_t signals_to_stop(void);

#endif
