/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Which of several reasons a machine ends for. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "vm.h"

static void expect(enum vm_end first, enum vm_end second, enum vm_end end)
{
	struct vm vm = {.state_lock = PTHREAD_MUTEX_INITIALIZER};

	cr_assert_eq(loop_init(&vm.loop, NULL), 0);
	vm_end(&vm, first, "%d", first);
	vm_end(&vm, second, "%d", second);
	cr_expect_eq(vm.end, end, "%d, then %d", first, second);
	cr_expect_eq(atoi(vm.end_text), (int)end);
	cr_expect_eq(loop_run(&vm.loop), 0, "it is stopped");
	loop_destroy(&vm.loop);
}

Test(vm_end, the_first_reason_counts)
{
	expect(VM_STOPPED, VM_RESET, VM_STOPPED);
	expect(VM_CRASHED, VM_STOPPED, VM_CRASHED);
	expect(VM_RESET, VM_CRASHED, VM_RESET);
}

Test(vm_end, a_machine_that_is_to_stop_does_not_start_anew)
{
	expect(VM_RESET, VM_STOPPED, VM_STOPPED);
}
