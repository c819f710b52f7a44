/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Signals that ask us to stop, and whoever started us with some of them ignored. */
#include <criterion/criterion.h>

#include "signals.h"

Test(signals, those_that_are_ignored_do_not_stop_us)
{
	static const int stop[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t set;
	unsigned i, j;

	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++)
			signal(stop[j], i == j ? SIG_IGN : SIG_DFL);
		set = signals_to_stop();
		for (j = 0; j < 4; j++)
			cr_expect_eq(sigismember(&set, stop[j]), i != j);
		cr_expect_not(sigismember(&set, SIGCHLD));
		cr_expect_not(sigismember(&set, SIGWINCH));
	}
}
