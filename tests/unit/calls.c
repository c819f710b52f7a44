/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* calls: see calls.h. */
#include <stdarg.h>

#include "calls.h"

int __wrap_ioctl(int fd, unsigned long request, ...);
ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t size, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at);
int __wrap_fdatasync(int fd);
int __wrap_fallocate(int fd, int mode, off_t at, off_t size);
void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t at);
int __wrap_munmap(void *addr, size_t size);
int __real_ioctl(int fd, unsigned long request, ...);
ssize_t __real_pread(int fd, void *buf, size_t size, off_t at);
ssize_t __real_pwrite(int fd, const void *buf, size_t size, off_t at);
ssize_t __real_pwritev(int fd, const struct iovec *iov, int n, off_t at);
int __real_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t at, off_t size);
void *__real_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t at);
int __real_munmap(void *addr, size_t size);

static int kernel_ioctl(int fd, unsigned long request, void *arg)
{
	return __real_ioctl(fd, request, arg);
}

#define KERNEL_CALLS                                                                         \
	{                                                                                    \
		kernel_ioctl, __real_pread, __real_pwrite, __real_pwritev, __real_fdatasync, \
			__real_fallocate, __real_mmap, __real_munmap                         \
	}

const struct calls kernel_calls = KERNEL_CALLS;
struct calls calls = KERNEL_CALLS;

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return calls.ioctl(fd, request, arg);
}

ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t at)
{
	return calls.pread(fd, buf, size, at);
}

ssize_t __wrap_pwrite(int fd, const void *buf, size_t size, off_t at)
{
	return calls.pwrite(fd, buf, size, at);
}

ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	return calls.pwritev(fd, iov, n, at);
}

int __wrap_fdatasync(int fd)
{
	return calls.fdatasync(fd);
}

int __wrap_fallocate(int fd, int mode, off_t at, off_t size)
{
	return calls.fallocate(fd, mode, at, size);
}

void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t at)
{
	return calls.mmap(addr, size, prot, flags, fd, at);
}

int __wrap_munmap(void *addr, size_t size)
{
	return calls.munmap(addr, size);
}
