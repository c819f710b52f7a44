/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Which signals ask us to stop. */
#include "signals.h"

#include "base.h"

/* Whoever started us may have said that it does not end us (nohup, a shell's background jobs). */
static bool is_ignored(int sig)
{
	struct sigaction act;

	return !sigaction(sig, NULL, &act) && act.sa_handler == SIG_IGN;
}

sigset_t signals_to_stop(void)
{
	static const int known[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t set;
	unsigned i;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!is_ignored(known[i]))
			sigaddset(&set, known[i]);
	return set;
}
