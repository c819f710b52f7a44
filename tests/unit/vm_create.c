/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vm: making a machine. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>

#include "calls.h"
#include "vm.h"

static unsigned interruptions;

static int interrupted_ioctl(int fd, unsigned long request, void *arg)
{
	(void)fd, (void)arg;
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CREATE_VM:
		if (!interruptions)
			return open("/dev/null", O_RDWR | O_CLOEXEC);
		interruptions--;
		errno = EINTR;
		return -1;
	default:
		return 0;
	}
}

/* Not by signals, which are blocked: by what a closed io_uring has still to do in this thread. */
Test(vm_create, goes_on_where_it_is_interrupted)
{
	static const struct vm_ops ops;
	struct error err = {0};
	struct vm vm;

	calls.ioctl = interrupted_ioctl;
	interruptions = 3;
	cr_assert_eq(vm_create(&vm, "/dev/null", &ops, &err), 0, "%s", err.text);
	vm_destroy(&vm);
}
